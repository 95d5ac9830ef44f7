//! How long to wait before another attempt. Pure arithmetic.
//!
//! Exponential backoff with a cap and proportional jitter: the delay after the n-th failure is
//! `min(initial × factor^(n − 1), max) × (1 − jitter + 2 × jitter × u)`, where `u` in [0, 1) comes from the entropy of the
//! batch. See M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), for why there is jitter at all.

use stepwell_protocol::{RetryPolicy, StepRetry};

/// The most attempts that a policy may allow.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// The greatest factor of a policy.
pub const RETRY_FACTOR_MAX: f64 = 100.0;
/// A century, the longest delay.
pub(super) const DELAY_MS_MAX: u64 = 100 * 366 * 86_400_000;

/// What is wrong with a policy, as a sentence; `None` for a sound one.
pub(super) fn problem_of(policy: &RetryPolicy) -> Option<String> {
    if !(1..=ATTEMPTS_MAX).contains(&policy.max_attempts) {
        return Some(format!(
            "retry.maxAttempts must be from 1 to {ATTEMPTS_MAX}; it is {}.",
            policy.max_attempts
        ));
    }
    if !(1.0..=RETRY_FACTOR_MAX).contains(&policy.factor) {
        return Some(format!(
            "retry.factor must be from 1 to {RETRY_FACTOR_MAX}; it is {}.",
            policy.factor
        ));
    }
    if !(0.0..=1.0).contains(&policy.jitter) {
        return Some(format!(
            "retry.jitter must be from 0 to 1; it is {}.",
            policy.jitter
        ));
    }
    for (name, delay_ms) in [
        ("initialDelay", policy.initial_delay_ms),
        ("maxDelay", policy.max_delay_ms),
    ] {
        if delay_ms > DELAY_MS_MAX {
            return Some(format!(
                "retry.{name} must be at most a century; it is {delay_ms} ms."
            ));
        }
    }
    None
}

/// The delay after the `failures`-th failure (from 1), in milliseconds. `random`: 64 random bits.
pub(super) fn delay_ms(policy: &RetryPolicy, failures: u32, random: u64) -> i64 {
    // Below 2^53, where every integer is exact.
    #[allow(clippy::cast_precision_loss)]
    let (initial, max) = (policy.initial_delay_ms as f64, policy.max_delay_ms as f64);
    #[cfg(feature = "planted")]
    let failures =
        failures + u32::from(crate::planted::has(crate::planted::Bug::DelayOfNextFailure));
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let base = (initial * policy.factor.powi(exponent)).min(max);
    // The 53 bits that a float holds.
    #[allow(clippy::cast_precision_loss)]
    let u = (random >> 11) as f64 / (1_u64 << 53) as f64;
    let delay = base * (1.0 - policy.jitter + 2.0 * policy.jitter * u);
    // Saturating, and NaN is 0.
    #[allow(clippy::cast_possible_truncation)]
    let rounded = delay.round() as i64;
    rounded.max(0)
}

/// The delay before a step's next attempt.
pub(super) fn step_delay_ms(retry: &StepRetry, random: u64) -> i64 {
    after_ms(retry.after_ms).unwrap_or_else(|| delay_ms(&retry.policy, retry.failures, random))
}

/// A delay that a failure asked for itself.
pub(super) fn after_ms(asked: Option<u64>) -> Option<i64> {
    asked.map(|ms| i64::try_from(ms.min(DELAY_MS_MAX)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 10,
        initial_delay_ms: 1_000,
        factor: 2.0,
        max_delay_ms: 5_000,
        jitter: 0.0,
    };

    #[test]
    fn delays_rise_by_the_factor_up_to_the_cap() {
        let delays: Vec<i64> = (1..=5).map(|n| delay_ms(&POLICY, n, u64::MAX)).collect();
        assert_eq!(delays, [1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(delay_ms(&POLICY, u32::MAX, 0), 5_000);
    }

    #[test]
    fn jitter_is_a_part_of_the_delay_to_both_sides() {
        let policy = RetryPolicy {
            jitter: 0.25,
            ..POLICY
        };
        assert_eq!(delay_ms(&policy, 1, 0), 750);
        assert_eq!(delay_ms(&policy, 1, 1 << 63), 1_000);
        assert_eq!(delay_ms(&policy, 1, u64::MAX), 1_250);
    }

    #[test]
    fn a_delay_that_the_failure_asks_for_is_taken_as_it_is() {
        let retry = StepRetry {
            policy: POLICY,
            failures: 1,
            after_ms: Some(90_000),
        };
        assert_eq!(step_delay_ms(&retry, 7), 90_000);
    }

    #[test]
    fn what_is_no_policy_is_named() {
        for (policy, name) in [
            (
                RetryPolicy {
                    max_attempts: 0,
                    ..POLICY
                },
                "maxAttempts",
            ),
            (
                RetryPolicy {
                    factor: f64::NAN,
                    ..POLICY
                },
                "factor",
            ),
            (
                RetryPolicy {
                    jitter: 1.1,
                    ..POLICY
                },
                "jitter",
            ),
            (
                RetryPolicy {
                    max_delay_ms: u64::MAX,
                    ..POLICY
                },
                "maxDelay",
            ),
        ] {
            let problem = problem_of(&policy).expect("it is refused");
            assert!(problem.contains(name), "{problem}");
        }
        assert_eq!(problem_of(&POLICY), None);
    }
}
