//! Pages of runs.

use stepwell_protocol::{RunFilter, RunId, RunPage, RunStatus};

use super::Open;
use super::fixture::{Fixture, at, id, labels, new_run};

fn page(f: &mut Fixture, filter: &RunFilter) -> RunPage {
    f.read(|store| store.runs(filter))
}

fn ids(page: &RunPage) -> Vec<RunId> {
    page.runs.iter().map(|run| run.id.clone()).collect()
}

fn numbers(numbers: &[u32]) -> Vec<RunId> {
    numbers.iter().map(|&number| id(number)).collect()
}

pub(super) fn runs_come_newest_first(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in [3, 1, 2] {
        f.insert(number, "job");
    }
    let filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    let page = page(&mut f, &filter);
    assert_eq!(
        ids(&page),
        numbers(&[3, 2, 1]),
        "the greatest id comes first"
    );
    assert_eq!(page.runs[1], f.run(&id(2)), "a page has whole runs");
}

pub(super) fn runs_are_filtered_by_job_and_status(open: Open<'_>) {
    use RunStatus::{Cancelled, Completed, Failed, Pending, Running};
    let mut f = Fixture::new(open);
    for number in 1..=12 {
        f.insert(number, ["a", "b", "c"][number as usize % 3]);
    }
    // Jobs of 1 to 12: b c a b c a b c a b c a. The first two of each are claimed; the first of "a" fails, of "b"
    // completes; 12 is cancelled.
    for job in ["a", "b", "c"] {
        let claimed = f.claim(&[job], 2);
        let fence = crate::store::fence_of(&claimed[0].run);
        match job {
            "a" => drop(f.fail(&fence)),
            "b" => drop(f.complete(&fence)),
            _ => {}
        }
    }
    f.cancel(&id(12));
    let mut check = |jobs: &[&str], statuses: &[RunStatus], expected: &[u32]| {
        let filter = RunFilter {
            job_names: jobs.iter().map(|&job| job.to_owned()).collect(),
            statuses: statuses.to_vec(),
            cursor: None,
            limit: 100,
            ..RunFilter::default()
        };
        let found = ids(&page(&mut f, &filter));
        assert_eq!(
            found,
            numbers(expected),
            "jobs {jobs:?}, statuses {statuses:?}"
        );
    };
    check(&[], &[Failed], &[3]);
    check(&[], &[Completed, Failed], &[3, 1]);
    check(&[], &[Running], &[6, 5, 4, 2]);
    check(&["a"], &[], &[12, 9, 6, 3]);
    check(&["a", "b"], &[], &[12, 10, 9, 7, 6, 4, 3, 1]);
    check(&["a"], &[Cancelled, Pending], &[12, 9]);
    check(&["c", "a", "c"], &[Running, Running], &[6, 5, 2]);
    check(&["nobody's"], &[], &[]);
    check(&["b"], &[Cancelled], &[]);
}

pub(super) fn pages_neither_skip_nor_repeat_while_runs_arrive(open: Open<'_>) {
    let filters = [
        (vec![], vec![]),
        (vec!["a".to_owned()], vec![]),
        (vec![], vec![RunStatus::Pending, RunStatus::Running]),
        (
            vec!["a".to_owned(), "b".to_owned()],
            vec![RunStatus::Pending, RunStatus::Running],
        ),
    ];
    for (job_names, statuses) in filters {
        let mut f = Fixture::new(open);
        for number in 1..=20 {
            f.insert(number, if number % 2 == 0 { "a" } else { "b" });
        }
        let mut filter = RunFilter {
            job_names,
            statuses,
            cursor: None,
            limit: 3,
            ..RunFilter::default()
        };
        let mut seen = Vec::new();
        for arriving in 21.. {
            let page = page(&mut f, &filter);
            assert!(page.runs.len() <= 3, "a page keeps to its limit");
            seen.extend(ids(&page));
            f.insert(arriving, if arriving % 2 == 0 { "a" } else { "b" });
            // A claim changes a status between two pages; the run still matches the filter.
            f.claim(&["a"], 1);
            match page.next_cursor {
                Some(cursor) => filter.cursor = Some(cursor),
                None => break,
            }
        }
        let all = (1..=20).rev().filter(|number| {
            filter.job_names.is_empty()
                || filter
                    .job_names
                    .contains(&if number % 2 == 0 { "a" } else { "b" }.to_owned())
        });
        let all: Vec<RunId> = all.map(id).collect();
        assert_eq!(seen, all, "each run once, with {filter:?}");
    }
}

pub(super) fn the_last_page_has_no_cursor(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=4 {
        f.insert(number, "job");
    }
    let mut filter = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    let first = page(&mut f, &filter);
    assert_eq!(
        first.next_cursor,
        Some(id(3)),
        "the cursor is the last run of the page"
    );
    filter.cursor = first.next_cursor;
    let second = page(&mut f, &filter);
    assert_eq!(ids(&second), numbers(&[2, 1]));
    assert_eq!(
        second.next_cursor, None,
        "a page that is just full may be the last"
    );
    filter.cursor = Some(id(1));
    let beyond = page(&mut f, &filter);
    assert_eq!((beyond.runs, beyond.next_cursor), (vec![], None));
}

pub(super) fn runs_are_filtered_by_labels(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=12 {
        let mut new = new_run(number, ["a", "b"][number as usize % 2]);
        let (tenant, even) = (["x", "y", "z"][number as usize % 3], number % 2 == 0);
        new.labels = labels(&[("tenant", tenant)]);
        if even {
            new.labels.insert("even".to_owned(), "yes".to_owned());
        }
        f.insert_as(&new);
    }
    f.cancel(&id(6));
    let mut check =
        |pairs: &[(&str, &str)], jobs: &[&str], statuses: &[RunStatus], expected: &[u32]| {
            let filter = RunFilter {
                job_names: jobs.iter().map(|&job| job.to_owned()).collect(),
                statuses: statuses.to_vec(),
                labels: labels(pairs),
                limit: 9,
                ..RunFilter::default()
            };
            let found = page(&mut f, &filter);
            assert_eq!(ids(&found), numbers(expected), "{filter:?}");
        };
    let pending = [RunStatus::Pending];
    let all_ended = [RunStatus::Cancelled, RunStatus::Completed];
    check(&[("tenant", "x")], &[], &[], &[12, 9, 6, 3]);
    check(&[("tenant", "x"), ("even", "yes")], &[], &[], &[12, 6]);
    check(&[("even", "yes"), ("tenant", "q")], &[], &[], &[]);
    check(&[("tenant", "x")], &["b"], &[], &[9, 3]);
    check(&[("tenant", "x")], &["a", "b"], &pending, &[12, 9, 3]);
    check(&[("tenant", "x")], &[], &pending, &[12, 9, 3]);
    check(&[("tenant", "x")], &["a"], &all_ended, &[6]);
    check(&[("yes", "even")], &[], &[], &[]);
}

pub(super) fn runs_are_filtered_by_time(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=5 {
        let mut new = new_run(number, "job");
        new.created_at = at(i64::from(number) * 10);
        new.start_at = new.created_at;
        f.insert_as(&new);
    }
    let mut check = |after: Option<i64>, before: Option<i64>, expected: &[u32]| {
        let filter = RunFilter {
            created_after: after.map(at),
            created_before: before.map(at),
            limit: 9,
            ..RunFilter::default()
        };
        assert_eq!(ids(&page(&mut f, &filter)), numbers(expected), "{filter:?}");
    };
    check(Some(30), None, &[5, 4, 3]);
    check(None, Some(30), &[2, 1]);
    check(Some(20), Some(40), &[3, 2]);
    check(Some(60), None, &[]);
    check(Some(i64::MIN / 2), Some(i64::MAX / 2), &[5, 4, 3, 2, 1]);
}
