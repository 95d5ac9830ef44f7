//! `defineParentJob`, `sequence` and `poll`, as `packages/core` has them: an ordinary job over a few calls.

use stepwell_protocol::{ChildResult, InvokeMode, NewTrigger, RetryPolicy, RunStatus};

use super::context::outputs;
use super::function::{Job, Outcome, Thrown, job};
use super::world::{new, text};

/// A parent that makes these children of its input. Without `finalize` the first failing child fails it, and its output
/// is theirs.
pub(super) fn parent_job(
    name: &'static str,
    split: impl Fn(&str) -> Vec<NewTrigger> + 'static,
    finalize: Option<fn(&[ChildResult]) -> Outcome>,
) -> Job {
    job(name, async move |ctx, input| {
        let count = ctx
            .step("split", |_| Ok(split(&input).len().to_string()))
            .await?;
        let children = split(&input);
        assert_eq!(count, children.len().to_string(), "the input is the same");
        let Some(finalize) = finalize else {
            let children = ctx
                .invoke_all("children", InvokeMode::FailFast, children)
                .await?;
            return Ok(outputs(&children).join(","));
        };
        let children = ctx
            .invoke_all("children", InvokeMode::Settled, children)
            .await?;
        ctx.step("finalize", |_| finalize(&children)).await
    })
}

/// What all children have come to, in their order.
pub(super) fn told(children: &[ChildResult]) -> String {
    let one = |child: &ChildResult| match child.status {
        RunStatus::Completed => text(child.output.as_ref()),
        RunStatus::Failed => match &child.error {
            Some(error) => format!("failed: {}", error.message),
            None => "failed without an error".to_owned(),
        },
        other => other.as_str().to_owned(),
    };
    children.iter().map(one).collect::<Vec<_>>().join(",")
}

/// A finalize that tells what all children have come to.
pub(super) fn tell(children: &[ChildResult]) -> Outcome {
    Ok(told(children))
}

/// Jobs one after another, each with the output of the one before as its input.
pub(super) fn sequence(name: &'static str, jobs: &'static [&'static str]) -> Job {
    job(name, async move |ctx, input| {
        let mut value = input;
        for (index, job) in jobs.iter().enumerate() {
            let result = ctx.invoke(&format!("{index}"), new(job, &value)).await;
            value = result.map_err(|thrown| {
                Thrown::new(format!("jobs[{index}]: {}", thrown.failure.message))
            })?;
        }
        Ok(value)
    })
}

/// Invokes a job until its output is `done:VALUE`; the value, or `exhausted`.
pub(super) fn poll(
    name: &'static str,
    polled: &'static str,
    attempts_max: u32,
    delay_ms: u64,
) -> Job {
    job(name, async move |ctx, input| {
        for attempt in 1..=attempts_max {
            if attempt > 1 {
                ctx.sleep(&format!("delay-{}", attempt - 1), delay_ms)
                    .await?;
            }
            let output = ctx
                .invoke(&format!("attempt-{attempt}"), new(polled, &input))
                .await?;
            if let Some(value) = output.strip_prefix("done:") {
                return Ok(value.to_owned());
            }
        }
        Ok("exhausted".to_owned())
    })
}

/// So many attempts, after 1 s, 2 s, 4 s, … and never more than 10 s, without jitter.
pub(super) const fn attempts(max_attempts: u32) -> RetryPolicy {
    RetryPolicy {
        max_attempts,
        initial_delay_ms: 1_000,
        factor: 2.0,
        max_delay_ms: 10_000,
        jitter: 0.0,
    }
}
