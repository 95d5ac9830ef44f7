//! Inserting, cancelling and retrying runs.

use stepwell_protocol::{
    LogLevel, LogQuery, Order, Payload, RequestId, RetryPolicy, Run, RunStatus, StepStatus,
};

use super::Open;
use super::fixture::{Fixture, NOW, at, completed, failed, failure, id, labels, new_run};
use crate::store::{Inserted, LAST_REQUESTS_MAX, Parent, RunOutcome, UNCLAIMED, fence_of};

pub(super) fn a_new_run_has_every_field(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = new_run(1, "import");
    new.max_recoveries = 3;
    new.start_at = at(7);
    new.idempotency_key = Some("order 7".to_owned());
    new.concurrency_key = Some("account ü".to_owned());
    new.priority = -5;
    new.labels = labels(&[("tenant", "a"), ("kind", "")]);
    new.retry = RetryPolicy {
        max_attempts: 7,
        initial_delay_ms: 250,
        factor: 1.1,
        max_delay_ms: 86_400_000,
        jitter: 0.1 + 0.2,
    };
    new.timeout_ms = Some(90_000);
    new.parent = Some(Parent {
        run_id: id(8),
        step_name: "invoke ü".to_owned(),
        index: 3,
        root_id: id(9),
    });
    let expected = Run {
        id: id(1),
        job_name: "import".to_owned(),
        status: RunStatus::Pending,
        input: Payload::from("{\"n\":1}"),
        output: None,
        error: None,
        progress: None,
        attempt: 1,
        version: 1,
        generation: UNCLAIMED,
        recoveries: 0,
        max_recoveries: 3,
        step_count: 0,
        log_count: 0,
        idempotency_key: Some("order 7".to_owned()),
        concurrency_key: Some("account ü".to_owned()),
        priority: -5,
        waiting_for: None,
        first_attempt: 1,
        retry: new.retry,
        timeout_ms: Some(90_000),
        parent_id: Some(id(8)),
        parent_step: Some("invoke ü".to_owned()),
        child_index: Some(3),
        root_id: id(9),
        labels: labels(&[("tenant", "a"), ("kind", "")]),
        created_at: NOW,
        start_at: at(7),
        started_at: None,
        completed_at: None,
        updated_at: NOW,
    };
    assert_eq!(f.insert_as(&new), expected, "insert_run tells the run");
    assert_eq!(f.run(&id(1)), expected, "and it is stored so");
    let root = f.insert(2, "import");
    assert_eq!(
        root.root_id,
        id(2),
        "a run without a parent is its own root"
    );
    let parent = (root.parent_id, root.parent_step, root.child_index);
    assert_eq!(parent, (None, None, None));
    assert_eq!((root.retry, root.timeout_ms), (RetryPolicy::NONE, None));
}

pub(super) fn payloads_of_any_text_and_size_come_back(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let megabyte = format!("\"{}\"", "x".repeat(1 << 20));
    let payloads = [
        Payload::default(),
        Payload::from("null"),
        Payload::from("'\"; drop everything x; --"),
        Payload::from("\"a\u{0}b ü 🦀\""),
        Payload::from(megabyte),
        Payload::Bytes(vec![0, 255, 0x80, 1]),
        Payload::Bytes(Vec::new()),
    ];
    for (number, payload) in (1..).zip(payloads) {
        let mut new = new_run(number, "job");
        new.input = payload.clone();
        f.insert_as(&new);
        let claimed = f.claim_one("job");
        assert_eq!(claimed.run.input, payload, "the input comes with the claim");
        let fence = fence_of(&claimed.run);
        let mut outcome = completed("step", "");
        outcome.result = Ok(payload.clone());
        f.step(&fence, &outcome);
        let outcome = RunOutcome::Completed {
            output: payload.clone(),
            blobs: Vec::new(),
        };
        let ended = f.finish(&fence, &outcome);
        assert_eq!(ended.input, payload, "the input is kept");
        assert_eq!(ended.output.as_ref(), Some(&payload), "the output is kept");
        let stored = f.steps(&fence.run_id).remove(0).output;
        assert_eq!(stored, Some(payload), "so is a step's");
    }
}

pub(super) fn a_request_makes_one_run(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let first = f.insert(1, "job");
    let mut again = new_run(2, "another");
    again.request_id = new_run(1, "job").request_id;
    let of_request = f.read(|store| store.run_of_request(&again.request_id));
    assert_eq!(of_request.as_ref(), Some(&first));
    let nobody = RequestId::from("nobody's");
    assert_eq!(f.read(|store| store.run_of_request(&nobody)), None);
    let found = f.read(|store| store.insert_run(&again));
    assert_eq!(
        found,
        Inserted::Existing(first),
        "a resend finds the run of the first"
    );
    let fence = fence_of(&f.claim_one("job").run);
    let ended = f.complete(&fence);
    let found = f.read(|store| store.insert_run(&again));
    assert_eq!(
        found,
        Inserted::Existing(ended),
        "whatever became of it since"
    );
    assert_eq!(f.all_runs().len(), 1, "one request makes one run");
}

pub(super) fn a_taken_id_is_an_error_and_writes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let first = f.insert(1, "job");
    let mut clash = new_run(1, "another");
    clash.request_id = RequestId::from("another request");
    f.read(|store| {
        let error = store
            .insert_run(&clash)
            .expect_err("an id must not be given twice");
        assert!(
            !error.fails_batch(),
            "that is the command's own failure, not the batch's"
        );
        Ok(())
    });
    assert_eq!(
        f.all_runs(),
        [first],
        "the run that has the id stays as it was"
    );
    f.insert(2, "job");
}

pub(super) fn what_does_not_exist_is_none(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let query = LogQuery {
        run_id: id(1),
        level: Some(LogLevel::Debug),
        order: Order::Desc,
        cursor: None,
        limit: 10,
    };
    f.read(|store| {
        assert_eq!(store.run(&id(1))?, None);
        assert_eq!(store.last_requests(&id(1))?, []);
        assert_eq!(store.steps(&id(1), true)?, []);
        assert_eq!(store.logs(&query)?.logs, []);
        assert_eq!(store.claimable_jobs()?, Vec::<String>::new());
        let request = RequestId::from("request");
        assert_eq!(store.cancel_run(&id(1), 1, &request, NOW)?, None);
        assert_eq!(store.retry_run(&id(1), 1, &request, NOW)?, None);
        Ok(())
    });
}

pub(super) fn the_last_requests_are_the_last_commands(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert(1, "job");
    let last = |f: &mut Fixture| f.read(|store| store.last_requests(&id(1)));
    let trigger = RequestId::from("request-1");
    assert_eq!(last(&mut f), std::slice::from_ref(&trigger));
    f.cancel(&id(1));
    let cancel = RequestId(format!("cancel-{}", id(1)));
    assert_eq!(last(&mut f), [cancel.clone(), trigger.clone()]);
    f.retry(&id(1));
    let retry = RequestId(format!("retry-{}", id(1)));
    let all = [retry.clone(), cancel.clone(), trigger];
    assert_eq!(last(&mut f), all);
    let fence = fence_of(&f.claim_one("job").run);
    f.complete(&fence);
    assert_eq!(
        last(&mut f),
        all,
        "what executors write is no client's command"
    );
    let again = f.transact(|store| store.insert_run(&new_run(1, "job"))).0;
    assert!(
        matches!(again, Inserted::Existing(_)),
        "the trigger's own id is kept for its resends"
    );

    f.insert(2, "other");
    for _ in 0..LAST_REQUESTS_MAX {
        f.cancel(&id(2));
        f.retry(&id(2));
    }
    let last = f.read(|store| store.last_requests(&id(2)));
    assert_eq!(last.len(), LAST_REQUESTS_MAX, "older ones are forgotten");
}

pub(super) fn cancel_ends_pending_and_running_runs(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let pending = f.insert(1, "pending");
    let fence = f.running(2);
    let running = f.run(&id(2));
    for before in [pending, running] {
        let cancelled = f.cancel(&before.id);
        let expected = Run {
            status: RunStatus::Cancelled,
            version: before.version + 1,
            completed_at: Some(at(40)),
            updated_at: at(40),
            ..before
        };
        assert_eq!(
            cancelled, expected,
            "a cancelled run keeps everything else, its generation too"
        );
        assert_eq!(f.run(&expected.id), expected, "and it is stored so");
    }
    let late = f.read(|store| {
        store.write_step(
            &fence,
            &completed("a", "1"),
            &super::fixture::nothing(),
            NOW,
        )
    });
    assert_eq!(late, None, "its holder's late result is refused");
    assert_eq!(
        f.claim(&["pending", "job-2"], 9),
        [],
        "and nobody claims it"
    );
}

pub(super) fn cancel_of_a_stale_version_writes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    let before = f.run(&id(1));
    let request = RequestId::from("stale");
    for version in [before.version - 1, before.version + 1] {
        let refused = f.read(|store| store.cancel_run(&id(1), version, &request, at(1)));
        assert_eq!(refused, None, "a stale version must be refused");
    }
    assert_eq!(f.run(&id(1)), before);
    let last = f.read(|store| store.last_requests(&id(1)));
    assert!(!last.contains(&request));
}

pub(super) fn cancel_of_an_ended_run_writes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let (one, two, _) = (f.running(1), f.running(2), f.running(3));
    let ended = [f.complete(&one), f.fail(&two), f.cancel(&id(3))];
    for run in ended {
        let request = RequestId::from("late");
        let refused = f.read(|store| store.cancel_run(&run.id, run.version, &request, at(99)));
        assert_eq!(refused, None, "a run ends once");
        assert_eq!(f.run(&run.id), run);
    }
}

pub(super) fn retry_makes_failed_and_cancelled_runs_pending(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let failed_fence = f.running(1);
    f.write(|store| store.write_report(&failed_fence, &super::fixture::progress(3.0), NOW));
    f.running(2);
    let ended = [f.fail(&failed_fence), f.cancel(&id(2))];
    assert_eq!(ended[0].error, Some(failure("no")));
    for before in ended {
        let retried = f.retry(&before.id);
        let expected = Run {
            status: RunStatus::Pending,
            attempt: before.attempt + 1,
            first_attempt: before.attempt + 1,
            version: before.version + 1,
            recoveries: 0,
            error: None,
            completed_at: None,
            updated_at: at(50),
            ..before
        };
        assert_eq!(
            retried, expected,
            "a retried run is pending, and keeps what is not told"
        );
        assert_eq!(f.run(&expected.id), expected, "and it is stored so");
        let claimed = f.claim_one(&expected.job_name);
        assert!(!claimed.is_interrupted(), "it was not interrupted");
        assert_eq!(
            claimed.run.generation.0,
            before.generation.0 + 1,
            "the generation never falls"
        );
    }
}

pub(super) fn retry_of_a_stale_version_or_another_status_writes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert(1, "job");
    f.running(2);
    let (three, four) = (f.running(3), f.running(4));
    f.complete(&three);
    f.fail(&four);
    let request = RequestId::from("retry");
    for number in 1..=3 {
        let before = f.run(&id(number));
        let refused = f.read(|store| store.retry_run(&before.id, before.version, &request, at(99)));
        assert_eq!(refused, None, "a {:?} run is not retried", before.status);
        assert_eq!(f.run(&before.id), before);
    }
    let before = f.run(&id(4));
    let refused = f.read(|store| store.retry_run(&id(4), before.version - 1, &request, at(99)));
    assert_eq!(refused, None, "a stale version must be refused");
    assert_eq!(f.run(&id(4)), before);
}

pub(super) fn retry_clears_failed_steps_only(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &completed("good", "1"));
    f.step(&fence, &failed("bad", 1));
    f.step(&fence, &failed("worse", 3));
    let before = f.steps(&id(1));
    assert_eq!(f.fail(&fence).step_count, 3);
    assert_eq!(f.retry(&id(1)).step_count, 1, "completed steps alone count");
    let after = f.steps(&id(1));
    assert_eq!(after[0], before[0], "a completed step stays as it is");
    let pending: Vec<_> = after[1..].iter().map(|step| step.name.as_str()).collect();
    assert_eq!(pending, ["bad", "worse"]);
    for (step, before) in after[1..].iter().zip(&before[1..]) {
        assert_eq!(step.status, StepStatus::Pending);
        assert_eq!(
            step.completed_index, None,
            "a pending step has no place in the order"
        );
        assert_eq!(
            (step.attempt, &step.error),
            (before.attempt, &before.error),
            "it tells of the attempt that failed"
        );
    }
}

pub(super) fn a_retried_step_gets_an_index_of_its_own(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &failed("bad", 1));
    f.step(&fence, &completed("good", "1"));
    f.fail(&fence);
    f.retry(&id(1));
    let fence = fence_of(&f.claim_one("job-1").run);
    let mut again = completed("bad", "2");
    again.attempt = 2;
    let written = f.step(&fence, &again);
    assert!(
        !written.repeated,
        "a pending step's outcome is a new outcome"
    );
    assert_eq!(
        written.completed_index, 2,
        "an index is never given twice in a run"
    );
    let steps = f.steps(&id(1));
    let shown: Vec<_> = steps
        .iter()
        .map(|step| (step.name.as_str(), step.completed_index, step.attempt))
        .collect();
    assert_eq!(shown, [("good", Some(1), 1), ("bad", Some(2), 2)]);
    assert_eq!(
        (steps[1].status, &steps[1].error),
        (StepStatus::Completed, &None)
    );
    assert_eq!(f.run(&id(1)).step_count, 2);
}
