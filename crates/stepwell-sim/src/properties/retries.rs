//! A delay before another attempt is what its policy and the entropy of its batch say, or what the failure asked for;
//! nothing is tried more often than its policy allows.

use std::collections::BTreeMap;

use stepwell_engine::Entropy;
use stepwell_protocol::{
    FailureCode, RetryPolicy, Run, RunId, RunStatus, Step, StepRetry, StepStatus,
};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "retries";
/// A batch draws no more random numbers before a delay's own.
const DRAWS_MAX: usize = 64;

/// What executors asked for.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    asked: BTreeMap<(RunId, String, u32), StepRetry>,
}

impl Retries {
    pub(crate) fn asked(&mut self, run_id: &RunId, step: &str, attempt: u32, retry: StepRetry) {
        let key = (run_id.clone(), step.to_owned(), attempt);
        self.asked.insert(key, retry);
    }

    /// A step is to wait for so long.
    pub(crate) fn step_waits(
        &self,
        run_id: &RunId,
        step: &str,
        attempt: u32,
        delay_ms: i64,
        entropy: Entropy,
    ) -> Verdict {
        let key = (run_id.clone(), step.to_owned(), attempt);
        // The engine itself fails a step whose executor it had to end; then nobody asked here.
        self.asked.get(&key).map_or(Ok(()), |asked| {
            let StepRetry {
                policy,
                failures,
                after_ms,
            } = asked;
            ensure(*failures < policy.max_attempts, || {
                format!("{step} of {run_id} waits for an attempt that it may not make: {asked:?}")
            })?;
            delayed(policy, *failures, *after_ms, delay_ms, entropy)
        })
    }

    /// A run is to wait for so long.
    pub(crate) fn run_waits(&self, run: &Run, delay_ms: i64, entropy: Entropy) -> Verdict {
        let failures = run.attempt + 1 - run.first_attempt;
        delayed(&run.retry, failures, None, delay_ms, entropy)
    }
}

fn delayed(
    policy: &RetryPolicy,
    failures: u32,
    after_ms: Option<u64>,
    delay_ms: i64,
    entropy: Entropy,
) -> Verdict {
    let holds = match after_ms {
        Some(after_ms) => delay_ms == after_ms.cast_signed(),
        None => draws(entropy)
            .take(DRAWS_MAX)
            .any(|random| delay_of(policy, failures, random) == delay_ms),
    };
    ensure(holds, || {
        format!("a delay of {delay_ms} ms after failure {failures} under {policy:?}, {after_ms:?}")
    })
}

/// As DESIGN has it, written down a second time.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn delay_of(policy: &RetryPolicy, failures: u32, random: u64) -> i64 {
    let mut base = policy.initial_delay_ms as f64;
    for _ in 1..failures {
        base *= policy.factor;
    }
    let base = base.min(policy.max_delay_ms as f64);
    let u = (random >> 11) as f64 / (1_u64 << 53) as f64;
    (base * (1.0 - policy.jitter + 2.0 * policy.jitter * u)).round() as i64
}

/// The random numbers of a batch: SplitMix64 of one half of the entropy, salted with the other.
fn draws(entropy: Entropy) -> impl Iterator<Item = u64> {
    let (mut low, mut high) = ([0; 8], [0; 8]);
    low.copy_from_slice(&entropy.0[..8]);
    high.copy_from_slice(&entropy.0[8..]);
    let mut state = u64::from_le_bytes(low);
    let salt = u64::from_le_bytes(high);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31) ^ salt
    })
}

/// A run as it stands: no attempt is over its budget, and none is left where it failed.
pub(crate) fn within_budget(run: &Run, steps: &[Step]) -> Verdict {
    let attempts = run.attempt + 1 - run.first_attempt.min(run.attempt);
    // What was retried by hand has its policy from the start again.
    ensure(attempts <= run.retry.max_attempts.max(1), || {
        format!("attempt {attempts} of its policy: {run:?}")
    })?;
    let is_given_up = run.status == RunStatus::Failed
        && run.error.as_ref().is_some_and(|error| {
            error.name == "Error" && matches!(error.code, FailureCode::Error | FailureCode::Timeout)
        });
    ensure(
        !is_given_up || attempts == run.retry.max_attempts.max(1),
        || format!("failed after attempt {attempts} of its policy: {run:?}"),
    )?;
    let unsound = steps.iter().find(|step| {
        let is_open = step.status == StepStatus::Waiting || step.status == StepStatus::Pending;
        step.first_attempt == 0
            || step.first_attempt > step.attempt + 1
            || (step.waiting_for.is_some() != (step.status == StepStatus::Waiting))
            || (is_open && step.completed_index.is_some())
    });
    ensure(unsound.is_none(), || {
        format!("an unsound step of {}: {unsound:?}", run.id)
    })
}
