//! Retries, exact to the formula: the delay of each attempt from a fixed seed, and what a policy may be.

mod support;

use stepwell_engine::Entropy;
use stepwell_protocol::*;
use support::*;

const X: &str = "x";
const SEED: Entropy = Entropy([42; 16]);
const POLICY: RetryPolicy = RetryPolicy {
    max_attempts: 10,
    initial_delay_ms: 1_000,
    factor: 3.0,
    max_delay_ms: 20_000,
    jitter: 0.2,
};

/// The first number that a batch draws from its entropy, from 0 to 1: SplitMix64, written here once more.
fn first_draw(Entropy(bytes): Entropy) -> f64 {
    let half = |from: usize| {
        let half = bytes[from..from + 8].try_into();
        u64::from_le_bytes(half.expect("eight bytes"))
    };
    let state = half(0).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let random = (mixed ^ (mixed >> 31)) ^ half(8);
    // A float holds 53 bits.
    #[allow(clippy::cast_precision_loss)]
    let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
    part
}

/// `min(initial × factor^(n − 1), max) × (1 − jitter + 2 × jitter × u)`, rounded.
fn expected_ms(failures: u32) -> i64 {
    let base = (1_000.0 * 3.0_f64.powf(f64::from(failures) - 1.0)).min(20_000.0);
    let delay = base * (0.8 + 0.4 * first_draw(SEED));
    #[allow(clippy::cast_possible_truncation)]
    let rounded = delay.round() as i64;
    rounded
}

fn handle(world: &mut World, input: Input) -> (Output, TimestampMs) {
    let now = world.now.plus(1);
    world.now = now;
    (world.engine().handle(vec![input], now, SEED), now)
}

fn fail_step(held: &Holding, attempt: u32, failures: u32, after_ms: Option<u64>) -> Input {
    let message = ExecutorMessage::StepFail {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: "s".into(),
        kind: StepKind::Run,
        attempt,
        error: failure(Some("s"), attempt),
        retry: Some(StepRetry {
            policy: POLICY,
            failures,
            after_ms,
        }),
        duration_ms: 3,
        report: Report::default(),
    };
    from(X, u64::from(attempt), message)
}

fn until(run: &Run) -> TimestampMs {
    match &run.waiting_for {
        Some(WaitingFor::Retry { until, .. }) => *until,
        other => panic!("it waits for its next attempt, and not for {other:?}"),
    }
}

#[test]
fn the_fixed_seed_draws_a_number_of_its_own() {
    let draw = first_draw(SEED);
    assert!((0.0..1.0).contains(&draw), "{draw}");
    assert_ne!(expected_ms(1), 1_000, "else the jitter would not be seen");
}

#[test]
fn the_delay_of_a_step_s_attempt_is_exact_to_the_formula() {
    let mut world = World::new(0);
    world.hello(X, &["a"], 1, &[]);
    let request = world.request(trigger("a"));
    let held = held(&assigned(&world.handle(vec![request]))[0]);
    for attempt in 1..=6 {
        let (output, now) = handle(&mut world, fail_step(&held, attempt, attempt, None));
        let due = now.plus(expected_ms(attempt));
        assert_eq!(output.wake_at, Some(due), "after failure {attempt}");
        world.now = due.plus(-2);
        assert_eq!(
            event_names(&world.after(0)),
            [""; 0],
            "not a millisecond before"
        );
        assert_eq!(
            event_names(&world.after(0)),
            ["step:wake"],
            "and then at once"
        );
    }
    let (output, now) = handle(&mut world, fail_step(&held, 7, 7, Some(123)));
    assert_eq!(output.wake_at, Some(now.plus(123)), "as the failure asks");
}

#[test]
fn the_delay_of_a_job_s_attempt_is_exact_to_the_formula() {
    let mut world = World::new(0);
    world.hello(X, &["a"], 1, &[]);
    let run = NewTrigger {
        retry: Some(POLICY),
        ..new_trigger("a")
    };
    let request = world.request(Command::Trigger { run });
    let mut given = assigned(&world.handle(vec![request])).remove(0);
    for attempt in 1..=6 {
        assert_eq!(given.attempt, attempt);
        let fence = held(&given);
        let message = ExecutorMessage::RunFail {
            run_id: fence.run_id.clone(),
            generation: fence.generation,
            error: failure(None, attempt),
            is_retryable: true,
            retry_after_ms: None,
            report: Report::default(),
        };
        let (_, now) = handle(&mut world, from(X, u64::from(attempt), message));
        let due = now.plus(expected_ms(attempt));
        assert_eq!(
            until(&world.run(&fence.run_id)),
            due,
            "after failure {attempt}"
        );
        world.now = due.plus(-2);
        assert_eq!(assigned(&world.after(0)), [], "not a millisecond before");
        given = assigned(&world.after(0)).remove(0);
    }
}
