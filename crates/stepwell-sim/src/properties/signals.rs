//! A signal is delivered once, to the wait of its key; the first one of a key that is kept wins; no wait stays open for
//! which one is kept.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{
    Command, Reply, RequestId, Run, RunId, SignalDisposition, Step, WaitingFor,
};

use super::history::History;
use super::{Verdict, ensure};
use crate::payloads::value_of;

pub(crate) const NAME: &str = "signals";

/// A signal says which request sent it.
pub(crate) fn text(request_id: &RequestId) -> String {
    format!("\"signal {request_id}\"")
}

fn request_in(text: &str) -> Option<RequestId> {
    let id = text.strip_prefix("\"signal ")?.strip_suffix('"')?;
    Some(RequestId::from(id))
}

/// The request whose signal a step was told.
fn told(step: &Step) -> Option<RequestId> {
    let output = step.output.as_ref().map(value_of);
    let error = step.error.as_ref().map(|error| error.message.clone());
    request_in(&output.or(error)?)
}

/// What was sent, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    keys: BTreeMap<RequestId, String>,
    /// The key that each step waited for.
    awaited: BTreeMap<(RunId, String), String>,
    delivered: BTreeMap<RequestId, (RunId, String)>,
    kept: BTreeMap<String, RequestId>,
    ignored: BTreeSet<RequestId>,
    /// Requests are doubled on their way: one that was ignored may come again when nothing is kept any more.
    are_doubled: bool,
}

impl Signals {
    pub(super) fn new(are_doubled: bool) -> Self {
        Self {
            are_doubled,
            ..Self::default()
        }
    }

    /// A client sends.
    pub(crate) fn send(&mut self, request_id: &RequestId, key: &str) {
        self.keys.insert(request_id.clone(), key.to_owned());
    }

    /// A run as it stands after a commit.
    pub(crate) fn see(&mut self, run: &Run, steps: &[Step]) -> Verdict {
        for step in steps {
            let place = (run.id.clone(), step.name.clone());
            if let Some(WaitingFor::Signal { key, .. }) = &step.waiting_for {
                self.awaited.insert(place.clone(), key.clone());
            }
            let Some(request_id) = told(step) else {
                continue;
            };
            let sent = self.keys.get(&request_id);
            let awaited = self.awaited.get(&place);
            ensure(
                sent.is_some() && awaited.is_none_or(|key| Some(key) == sent),
                || format!("sent for {sent:?}, told to a wait for {awaited:?}: {step:?}"),
            )?;
            ensure(
                self.are_doubled || !self.ignored.contains(&request_id),
                || format!("answered as ignored, and told: {step:?}"),
            )?;
            self.kept.retain(|_, kept| *kept != request_id);
            let first = self
                .delivered
                .entry(request_id.clone())
                .or_insert_with(|| place.clone());
            ensure(*first == place, || {
                format!("{request_id} was told to {first:?} and to {place:?}")
            })?;
        }
        Ok(())
    }

    /// A reply leaves the engine.
    pub(crate) fn replied(
        &mut self,
        request_id: &RequestId,
        command: Option<&Command>,
        reply: &Reply,
        may_forget: bool,
    ) -> Verdict {
        let Reply::Signalled { disposition } = reply else {
            return Ok(());
        };
        let Some(Command::Signal { key, .. }) = command else {
            return Ok(());
        };
        let is_delivered = self.delivered.contains_key(request_id);
        match disposition {
            SignalDisposition::Delivered => ensure(is_delivered || may_forget, || {
                format!("{request_id} is told as delivered, and no step has it")
            }),
            SignalDisposition::Kept => {
                // It may have been taken by the same batch.
                if is_delivered {
                    return Ok(());
                }
                let kept = self.kept.insert(key.clone(), request_id.clone());
                let is_first = kept.as_ref().is_none_or(|kept| kept == request_id);
                ensure(is_first || may_forget, || {
                    format!("{kept:?} is kept for {key}, and {request_id} is kept too")
                })
            }
            SignalDisposition::Ignored => {
                self.ignored.insert(request_id.clone());
                let another = self
                    .keys
                    .iter()
                    .any(|(other, of)| of == key && other != request_id);
                ensure(another && !is_delivered, || {
                    format!("{request_id} is ignored, and is the first for {key}")
                })
            }
        }
    }

    /// When a batch has been judged: nothing waits for what is kept, and no key has two waits.
    pub(crate) fn whole(&self, history: &History) -> Verdict {
        let mut open: BTreeMap<&str, (&RunId, &str)> = BTreeMap::new();
        for (run, steps) in history.all() {
            for step in steps {
                let Some(WaitingFor::Signal { key, .. }) = &step.waiting_for else {
                    continue;
                };
                let kept = self.kept.get(key);
                ensure(kept.is_none(), || {
                    format!(
                        "{kept:?} is kept, and this waits for it: {step:?} of {}",
                        run.id
                    )
                })?;
                let place = (&run.id, step.name.as_str());
                if let Some(other) = open.insert(key, place) {
                    return Err(format!("{other:?} and {place:?} wait for one key, {key}"));
                }
            }
        }
        Ok(())
    }
}
