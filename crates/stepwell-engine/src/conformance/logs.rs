//! Log lines.

use stepwell_protocol::{LogLevel, LogLine, LogPage, LogQuery, NewLog, Order, Payload, Report};

use super::Open;
use super::fixture::{Fixture, NOW, at, id, lines, messages};
use crate::store::{Fence, RunWritten, fence_of};

fn report(f: &mut Fixture, fence: &Fence, report: &Report) -> RunWritten {
    f.transact(|store| store.write_report(fence, report, NOW))
        .0
        .expect("the holder may report")
}

pub(super) fn a_line_has_every_field(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let line = |level: LogLevel| NewLog {
        level,
        message: format!("a \"{level:?}\"\nline"),
        data: Some(Payload::from("{\"a\":[1]}")),
        step_name: Some("step".to_owned()),
        attempt: 3,
        timestamp: at(-9),
    };
    let mut logs: Vec<NewLog> = LogLevel::ALL.into_iter().map(line).collect();
    logs[1].data = None;
    logs[2].step_name = None;
    logs[3].data = Some(Payload::default());
    let new = Report {
        first_ordinal: 1,
        logs: logs.clone(),
        progress: None,
    };
    let told = report(&mut f, &fence, &new).logs;
    assert_eq!(f.all_lines(&id(1)), told, "what is told is what is stored");
    for (line, new) in told.iter().zip(logs) {
        let expected = LogLine {
            id: line.id,
            run_id: id(1),
            level: new.level,
            message: new.message,
            data: new.data,
            step_name: new.step_name,
            attempt: new.attempt,
            timestamp: new.timestamp,
        };
        assert_eq!(*line, expected);
    }
}

pub(super) fn line_ids_rise_over_all_runs(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = [f.running(1), f.running(2)];
    let mut last = 0;
    for round in 0..3 {
        for fence in &fences {
            let new = lines(2 * round + 1, &["x", "y"]);
            for line in report(&mut f, fence, &new).logs {
                assert!(line.id > last, "a later line has a greater id");
                last = line.id;
            }
        }
    }
}

pub(super) fn lines_are_stored_once(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    report(&mut f, &fence, &lines(1, &["one", "two"]));
    let overlap = report(&mut f, &fence, &lines(2, &["two", "three", "four"]));
    assert_eq!(messages(&overlap.logs), ["three", "four"]);
    let gap = report(&mut f, &fence, &lines(10, &["ten"]));
    assert_eq!(messages(&gap.logs), ["ten"], "a gap is no reason to refuse");
    assert_eq!(report(&mut f, &fence, &lines(5, &["five"])).logs, []);
    let all = f.all_lines(&id(1));
    assert_eq!(messages(&all), ["one", "two", "three", "four", "ten"]);
    assert_eq!(f.run(&id(1)).log_count, 5, "and they are counted");
}

pub(super) fn a_claim_starts_the_ordinals_again_and_adoption_does_not(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    report(&mut f, &fence, &lines(1, &["one", "two"]));
    f.crash();
    let session = f.session;
    let adopted = f
        .write(|store| store.adopt(&fence, session, NOW, None))
        .expect("the run must be adopted");
    let fence = fence_of(&adopted);
    assert_eq!(report(&mut f, &fence, &lines(2, &["two"])).logs, []);
    report(&mut f, &fence, &lines(3, &["three"]));
    f.crash();
    if f.store.ownership() == crate::Ownership::Shared {
        // The adoption above took a lease without an end.
        f.write(|store| store.release(&fence, crate::store::Release::Interrupted, NOW));
    }
    let fence = fence_of(&f.claim_one("job-1").run);
    report(&mut f, &fence, &lines(1, &["first again"]));
    let all = f.all_lines(&id(1));
    assert_eq!(messages(&all), ["one", "two", "three", "first again"]);
}

fn pages(f: &mut Fixture, level: Option<LogLevel>, order: Order, limit: u32) -> Vec<LogPage> {
    let mut query = LogQuery {
        run_id: id(1),
        level,
        order,
        cursor: None,
        limit,
    };
    let mut pages = Vec::new();
    loop {
        let page = f.read(|store| store.logs(&query));
        query.cursor = page.next_cursor;
        pages.push(page);
        if query.cursor.is_none() {
            return pages;
        }
    }
}

fn all_messages(pages: &[LogPage]) -> Vec<&str> {
    pages.iter().flat_map(|page| messages(&page.logs)).collect()
}

pub(super) fn lines_page_both_ways(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let (mine, other) = (f.running(1), f.running(2));
    for (ordinal, message) in (1..).zip(["a", "b", "c", "d"]) {
        report(&mut f, &mine, &lines(ordinal, &[message]));
        report(&mut f, &other, &lines(ordinal, &["other"]));
    }
    let forward = pages(&mut f, None, Order::Asc, 2);
    assert_eq!(all_messages(&forward), ["a", "b", "c", "d"]);
    assert_eq!(forward.len(), 2, "a page that is just full may be the last");
    assert_eq!(
        forward[0].next_cursor,
        Some(forward[0].logs[1].id),
        "the cursor is the last line of the page"
    );
    let backward = pages(&mut f, None, Order::Desc, 3);
    assert_eq!(all_messages(&backward), ["d", "c", "b", "a"]);
    assert_eq!(backward.len(), 2);
    let newest = forward[1].logs[1].id;
    let query = LogQuery {
        run_id: id(1),
        level: None,
        order: Order::Asc,
        cursor: Some(newest),
        limit: 2,
    };
    assert_eq!(f.read(|store| store.logs(&query)), LogPage::default());
    report(&mut f, &mine, &lines(5, &["e"]));
    let page = f.read(|store| store.logs(&query));
    assert_eq!(messages(&page.logs), ["e"], "a reader can follow the tail");
}

pub(super) fn lines_are_filtered_by_level(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let mut new = lines(1, &["d1", "i1", "w1", "e1", "d2", "i2", "w2", "e2"]);
    for (line, level) in new.logs.iter_mut().zip(LogLevel::ALL.into_iter().cycle()) {
        line.level = level;
    }
    report(&mut f, &fence, &new);
    let mut check = |level, expected: &[&str]| {
        let forward = pages(&mut f, Some(level), Order::Asc, 3);
        assert_eq!(all_messages(&forward), expected, "from {level:?} up");
        let backward = pages(&mut f, Some(level), Order::Desc, 1);
        let reversed: Vec<_> = expected.iter().rev().copied().collect();
        assert_eq!(all_messages(&backward), reversed, "and backwards");
    };
    check(
        LogLevel::Debug,
        &["d1", "i1", "w1", "e1", "d2", "i2", "w2", "e2"],
    );
    check(LogLevel::Info, &["i1", "w1", "e1", "i2", "w2", "e2"]);
    check(LogLevel::Warn, &["w1", "e1", "w2", "e2"]);
    check(LogLevel::Error, &["e1", "e2"]);
}
