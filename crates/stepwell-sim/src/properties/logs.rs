//! Lines that were acknowledged, or committed with their step, are stored exactly once and in order.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{LogLine, Step, StepStatus};

use super::bodies::Bodies;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "logs";

/// Lines of one assignment that left together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) assignment: usize,
    pub(crate) first_ordinal: u64,
    pub(crate) count: u64,
}

impl Span {
    fn texts(self) -> impl Iterator<Item = String> {
        let ordinals = self.first_ordinal..self.first_ordinal + self.count;
        ordinals.map(move |ordinal| text(self.assignment, ordinal))
    }
}

/// A line says who wrote it, so that it can be found again.
pub(crate) fn text(assignment: usize, ordinal: u64) -> String {
    format!("a{assignment}.{ordinal}")
}

fn parsed(text: &str) -> Option<(usize, u64)> {
    let (assignment, ordinal) = text.strip_prefix('a')?.split_once('.')?;
    Some((assignment.parse().ok()?, ordinal.parse().ok()?))
}

/// What of a run must be in its log.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged(Vec<Span>);

impl Acknowledged {
    pub(crate) fn add(&mut self, span: Span) {
        self.0.push(span);
    }
}

/// Judges a run's whole log.
pub(crate) fn check(
    stored: &[LogLine],
    steps: &[Step],
    acknowledged: Option<&Acknowledged>,
    bodies: &Bodies,
) -> Verdict {
    let mut next: BTreeMap<usize, u64> = BTreeMap::new();
    let mut present = BTreeSet::new();
    for line in stored {
        let (assignment, ordinal) =
            parsed(&line.message).ok_or_else(|| format!("a line nobody wrote: {line:?}"))?;
        let expected = next.entry(assignment).or_insert(1);
        ensure(ordinal == *expected, || {
            format!("line {expected} of assignment {assignment} should come, and {line:?} did")
        })?;
        *expected += 1;
        present.insert(line.message.as_str());
    }
    let with_steps = steps
        .iter()
        .filter(|step| step.status == StepStatus::Completed)
        .filter_map(|step| bodies.of_output(step.output.as_ref()?)?.lines);
    let acked = acknowledged
        .into_iter()
        .flat_map(|spans| spans.0.iter().copied());
    for text in acked.chain(with_steps).flat_map(Span::texts) {
        ensure(present.contains(text.as_str()), || {
            format!("line {text} was acknowledged or committed with its step, and is lost")
        })?;
    }
    Ok(())
}
