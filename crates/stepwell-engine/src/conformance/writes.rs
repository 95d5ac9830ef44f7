//! What the holder of a lease writes, and what anybody else does not.

use stepwell_protocol::{
    Generation, Payload, Progress, Report, Run, RunStatus, Step, StepKind, StepStatus,
};

use super::Open;
use super::fixture::{
    FOR_NETWORK, Fixture, NOW, at, completed, ended, failed, failure, id, lines, messages, nothing,
    progress, sleep_until, suspension,
};
use crate::store::{Fence, Release, RunOutcome, fence_of};

pub(super) fn a_completed_step_comes_back(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.run(&id(1));
    let written = f.step(&fence, &completed("first", "[1]"));
    assert_eq!((written.completed_index, written.repeated), (0, false));
    assert_eq!(written.logs, []);
    let head = written.head;
    assert_eq!((head.run_id, head.job_name), (id(1), "job-1".to_owned()));
    assert_eq!(
        (head.status, head.version),
        (RunStatus::Running, before.version + 1)
    );
    let step = Step {
        name: "first".to_owned(),
        kind: StepKind::Run,
        status: StepStatus::Completed,
        completed_index: Some(0),
        attempt: 1,
        output: Some(Payload::from("[1]")),
        error: None,
        first_attempt: 1,
        waiting_for: None,
        children: Vec::new(),
        started_at: at(-5),
        completed_at: Some(at(20)),
    };
    assert_eq!(f.steps(&id(1)), [step]);
    let expected = Run {
        version: before.version + 1,
        step_count: 1,
        updated_at: at(20),
        ..before
    };
    assert_eq!(f.run(&id(1)), expected);
}

pub(super) fn a_failed_step_comes_back(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &failed("bad", 2));
    let steps = f.steps(&id(1));
    assert_eq!(steps[0].status, StepStatus::Failed);
    assert_eq!((&steps[0].output, steps[0].attempt), (&None, 2));
    assert_eq!(steps[0].error, Some(failure("no")), "with every field");
    let run = f.run(&id(1));
    assert_eq!(run.step_count, 1, "a memoised failure is an outcome");
    assert_eq!(
        (run.status, run.error),
        (RunStatus::Running, None),
        "and does not end the run"
    );
}

pub(super) fn outputs_are_left_out_where_not_asked_for(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &completed("a", "1"));
    f.step(&fence, &failed("b", 1));
    let mut expected = f.steps(&id(1));
    expected[0].output = None;
    let without = f.read(|store| store.steps(&id(1), false));
    assert_eq!(without, expected, "only the output is left out");
}

pub(super) fn steps_come_in_the_order_of_their_outcomes(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    for (index, name) in (0..).zip(["zebra", "apple", "mango"]) {
        let written = f.step(&fence, &completed(name, "1"));
        assert_eq!(written.completed_index, index);
    }
    let names: Vec<_> = f.steps(&id(1)).into_iter().map(|step| step.name).collect();
    assert_eq!(names, ["zebra", "apple", "mango"]);
}

pub(super) fn a_repeated_outcome_changes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &completed("a", "1"));
    let before = (f.run(&id(1)), f.steps(&id(1)));
    let again = f
        .read(|store| store.write_step(&fence, &completed("a", "2"), &nothing(), at(99)))
        .expect("a repeat is answered, not refused");
    assert_eq!((again.completed_index, again.repeated), (0, true));
    assert_eq!(
        again.head.version, before.0.version,
        "the run is told as it stands"
    );
    assert_eq!((f.run(&id(1)), f.steps(&id(1))), before);
    let next = f.step(&fence, &completed("b", "1"));
    assert_eq!(next.completed_index, 1, "a repeat takes no index");
}

pub(super) fn a_repeated_outcome_still_brings_its_new_lines(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.write(|store| store.write_step(&fence, &completed("a", "1"), &lines(1, &["one"]), NOW));
    let before = f.run(&id(1));
    let again = f
        .write(|store| {
            let report = Report {
                progress: progress(4.0).progress,
                ..lines(1, &["one", "two"])
            };
            store.write_step(&fence, &completed("a", "1"), &report, at(9))
        })
        .expect("a repeat is answered, not refused");
    assert!(again.repeated);
    assert_eq!(
        messages(&again.logs),
        ["two"],
        "a line is stored and told once"
    );
    assert_eq!(again.head.version, before.version + 1);
    let expected = Run {
        version: before.version + 1,
        updated_at: at(9),
        progress: progress(4.0).progress,
        log_count: 2,
        ..before
    };
    assert_eq!(f.run(&id(1)), expected);
}

pub(super) fn a_failed_outcome_stands_until_retry(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &failed("a", 1));
    let before = f.steps(&id(1));
    let mut other = completed("a", "1");
    other.attempt = 2;
    let again = f
        .read(|store| store.write_step(&fence, &other, &nothing(), NOW))
        .expect("a repeat is answered, not refused");
    assert!(again.repeated, "only retry clears a stored failure");
    assert_eq!(f.steps(&id(1)), before);
}

pub(super) fn a_resend_after_adoption_is_a_repeat(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let old = f.running(1);
    let report = lines(1, &["one"]);
    f.write(|store| store.write_step(&old, &completed("a", "1"), &report, NOW));
    f.crash();
    let (session, expiry) = (f.session, f.expiry(NOW));
    let adopted = f
        .write(|store| store.adopt(&old, session, NOW, expiry))
        .expect("the run must be adopted");
    let resend = |f: &mut Fixture, fence: &Fence| {
        f.read(|store| store.write_step(fence, &completed("a", "1"), &report, NOW))
    };
    assert_eq!(
        resend(&mut f, &old),
        None,
        "the old token has lost its power"
    );
    let again = resend(&mut f, &fence_of(&adopted)).expect("the new one has it");
    assert_eq!((again.repeated, again.completed_index), (true, 0));
    assert_eq!(again.logs, [], "its lines are stored already");
}

pub(super) fn two_runs_may_name_their_steps_alike(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = [f.running(1), f.running(2)];
    for (fence, output) in fences.iter().zip(["1", "2"]) {
        let written = f.step(fence, &completed("same", output));
        assert_eq!((written.repeated, written.completed_index), (false, 0));
    }
    for (fence, output) in fences.iter().zip(["1", "2"]) {
        let steps = f.steps(&fence.run_id);
        assert_eq!(steps[0].output, Some(Payload::from(output)));
    }
}

pub(super) fn a_report_stores_progress_and_lines(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.run(&id(1));
    let full = Progress {
        current: 2.5,
        total: Some(10.0),
        message: Some("half \"way\"".to_owned()),
    };
    let report = Report {
        progress: Some(full.clone()),
        ..lines(1, &["hello"])
    };
    let written = f
        .write(|store| store.write_report(&fence, &report, at(6)))
        .expect("the holder may report");
    assert_eq!(messages(&written.logs), ["hello"]);
    assert_eq!(written.head.version, before.version + 1);
    let expected = Run {
        version: before.version + 1,
        updated_at: at(6),
        progress: Some(full.clone()),
        log_count: 1,
        ..before
    };
    assert_eq!(f.run(&id(1)), expected);
    f.write(|store| store.write_report(&fence, &lines(2, &["more"]), NOW));
    assert_eq!(
        f.run(&id(1)).progress,
        Some(full.clone()),
        "a report without progress keeps the last"
    );
    f.step(&fence, &completed("a", "1"));
    assert_eq!(
        f.complete(&fence).progress,
        Some(full),
        "it is kept after the end"
    );
}

pub(super) fn a_report_with_nothing_new_writes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.write(|store| store.write_report(&fence, &lines(1, &["one", "two"]), NOW));
    let before = f.run(&id(1));
    for report in [nothing(), lines(1, &["one", "two"]), lines(2, &["two"])] {
        let again = f
            .read(|store| store.write_report(&fence, &report, at(99)))
            .expect("the holder is answered, not refused");
        assert_eq!((again.head.version, again.logs), (before.version, vec![]));
    }
    assert_eq!(f.run(&id(1)), before);
}

pub(super) fn progress_keeps_every_bit(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let values = [
        0.1 + 0.2,
        1.0 / 3.0,
        -0.0,
        5e-324,
        f64::MAX,
        9_007_199_254_740_993.0,
        2.225_073_858_507_201_4e-308,
        122.416_294_033_786_59,
    ];
    for value in values {
        f.write(|store| store.write_report(&fence, &progress(value), NOW));
        let stored = f.run(&id(1)).progress.expect("progress is stored").current;
        assert_eq!(
            stored.to_bits(),
            value.to_bits(),
            "{value} came back as {stored}"
        );
    }
}

pub(super) fn a_run_completes(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.run(&id(1));
    let report = Report {
        progress: progress(1.0).progress,
        ..lines(1, &["last words"])
    };
    let outcome = ended("{\"ok\":true}", &[]);
    let written = f
        .write(|store| store.finish_run(&fence, &outcome, &report, at(30)))
        .expect("the holder may end the run");
    assert_eq!(
        (written.head.status, written.head.version),
        (RunStatus::Completed, before.version + 1)
    );
    assert_eq!(messages(&written.logs), ["last words"]);
    assert_eq!(messages(&f.all_lines(&id(1))), ["last words"]);
    let expected = Run {
        status: RunStatus::Completed,
        output: Some(Payload::from("{\"ok\":true}")),
        progress: progress(1.0).progress,
        version: before.version + 1,
        completed_at: Some(at(30)),
        updated_at: at(30),
        log_count: 1,
        ..before
    };
    assert_eq!(f.run(&id(1)), expected, "and keeps its generation");
    f.crash();
    assert_eq!(f.claim(&["job-1"], 1), [], "it is over");
}

pub(super) fn a_run_fails(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let run = f.fail(&fence);
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error, Some(failure("no")), "with every field");
    assert_eq!((run.output, run.completed_at), (None, Some(at(30))));
    f.crash();
    assert_eq!(f.claim(&["job-1"], 1), [], "it is over");
}

pub(super) fn every_write_raises_the_version_by_one(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut version = f.insert(1, "job").version;
    let mut raised = |f: &mut Fixture, what: &str| {
        version += 1;
        assert_eq!(f.run(&id(1)).version, version, "{what} raises it by one");
    };
    let fence = fence_of(&f.claim_one("job").run);
    raised(&mut f, "a claim");
    let report = Report {
        progress: progress(1.0).progress,
        ..lines(1, &["a", "b"])
    };
    f.write(|store| store.write_step(&fence, &completed("a", "1"), &report, NOW));
    raised(&mut f, "a step with lines and progress");
    f.write(|store| store.write_report(&fence, &progress(2.0), NOW));
    raised(&mut f, "a report");
    f.write(|store| store.release(&fence, Release::Orderly, NOW));
    raised(&mut f, "a release");
    let fence = fence_of(&f.claim_one("job").run);
    raised(&mut f, "a claim");
    f.crash();
    let session = f.session;
    f.write(|store| store.adopt(&fence, session, NOW, None));
    raised(&mut f, "an adoption");
    let fence = fence_of(&f.run(&id(1)));
    f.fail(&fence);
    raised(&mut f, "an end");
    f.retry(&id(1));
    raised(&mut f, "a retry");
    f.cancel(&id(1));
    raised(&mut f, "a cancel");
}

pub(super) fn writes_without_the_lease_write_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let held = f.running(1);
    let fences = [f.running(2), f.running(3), f.running(4)];
    f.complete(&fences[0]);
    f.fail(&fences[1]);
    f.cancel(&id(4));
    let pending = fence_of(&f.insert(5, "pending"));
    let with_generation = |generation| Fence {
        generation: Generation(generation),
        ..held.clone()
    };
    let unknown = Fence {
        run_id: id(9),
        ..held.clone()
    };
    let mut strangers = vec![with_generation(0), with_generation(2), pending, unknown];
    strangers.extend(fences);
    let report = Report {
        progress: progress(9.0).progress,
        ..lines(1, &["intruder"])
    };
    let before = f.all_runs();
    for fence in strangers {
        f.read(|store| {
            let step = store.write_step(&fence, &completed("x", "1"), &report, at(99))?;
            assert_eq!(step, None, "no step under {fence:?}");
            let written = store.write_report(&fence, &report, at(99))?;
            assert_eq!(written, None, "no report under {fence:?}");
            let empty = store.write_report(&fence, &nothing(), at(99))?;
            assert_eq!(empty, None, "not even an empty one under {fence:?}");
            for outcome in [ended("1", &[]), RunOutcome::Failed(failure("no"))] {
                let ended = store.finish_run(&fence, &outcome, &report, at(99))?;
                assert_eq!(ended, None, "no end under {fence:?}");
            }
            let nap = sleep_until("nap", 10);
            let opened = store.open_wait(&fence, &nap, &report, at(99))?;
            assert_eq!(opened, None, "no wait under {fence:?}");
            let suspended =
                store.suspend(&fence, &suspension(&[], &FOR_NETWORK), &report, at(99))?;
            assert_eq!(suspended, None, "no suspension under {fence:?}");
            let later = store.retry_later(&fence, &FOR_NETWORK, at(99), &report, at(99))?;
            assert_eq!(later, None, "no further attempt under {fence:?}");
            Ok(())
        });
        assert_eq!(f.steps(&fence.run_id), []);
        assert_eq!(f.all_lines(&fence.run_id), []);
    }
    assert_eq!(f.all_runs(), before);
}
