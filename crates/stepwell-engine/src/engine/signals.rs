//! Signals: sent by clients, received by the waits of runs.
//!
//! | `signal` finds …                              | becomes      | answer      |
//! |-----------------------------------------------|--------------|-------------|
//! | the signal of the same request, taken         |              | `delivered` |
//! | the signal of the same request, not taken     |              | `kept`      |
//! | another signal of its key that is kept        |              | `ignored`   |
//! | an open wait for its key                      | taken        | `delivered` |
//! | nothing of these                              | kept         | `kept`      |

use stepwell_protocol::{
    BlobId, ErrorCode, Payload, Reply, RequestId, RunFailure, RunId, SignalDisposition, StepKind,
};

use super::client::{Answer, Refused, refuse};
use super::trigger::{check_size, check_text};
use super::turn::Turn;
use crate::store::{OpenWait, Signal, SignalStored, Store, StoreResult, WaitEnd};

/// The longest key of a signal, in characters.
pub const SIGNAL_KEY_CHARS_MAX: usize = 512;
/// How many signals one upkeep forgets.
const FORGOTTEN_MAX: u32 = 100;

impl<S: Store> Turn<'_, S> {
    pub(super) fn signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        value: Option<&Payload>,
        error: Option<&RunFailure>,
        blobs: &[BlobId],
    ) -> Answer {
        check_key(key)?;
        let result = match (value, error) {
            (Some(value), None) => {
                check_size("The signal's value", value, self.options.payload_bytes_max)?;
                Ok(value.clone())
            }
            (None, Some(error)) => Err(error.clone()),
            _ => {
                return refuse(
                    ErrorCode::InvalidInput,
                    "A signal has either a value or an error.",
                );
            }
        };
        let signal = Signal {
            result,
            blobs: blobs.to_vec(),
        };
        #[cfg(feature = "planted")]
        let request_id = &crate::planted::forgotten(
            request_id.clone(),
            crate::planted::Bug::ResentSignalRepeated,
        );
        let stored = self
            .store
            .store_signal(request_id, key, &signal, self.now)?;
        let disposition = match stored {
            SignalStored::RepeatedTaken => SignalDisposition::Delivered,
            SignalStored::RepeatedKept => SignalDisposition::Kept,
            SignalStored::Ignored => SignalDisposition::Ignored,
            SignalStored::Kept => match self.store.signal_wait(key)? {
                None => SignalDisposition::Kept,
                Some(wait) => {
                    self.deliver_kept_signal(key, &wait.run_id, &wait.step_name)?;
                    SignalDisposition::Delivered
                }
            },
        };
        Ok(Reply::Signalled { disposition })
    }

    /// Gives the signal that is kept under a key, if there is one, to the wait that is open for it.
    pub(super) fn deliver_kept_signal(
        &mut self,
        key: &str,
        run_id: &RunId,
        step_name: &str,
    ) -> StoreResult<()> {
        let Some(Signal { result, blobs }) = self.store.take_signal(key, run_id)? else {
            return Ok(());
        };
        let wait = OpenWait {
            run_id: run_id.clone(),
            step_name: step_name.to_owned(),
            kind: StepKind::Signal,
        };
        let result = result.map(Some).map_err(|error| RunFailure {
            step_name: Some(step_name.to_owned()),
            ..error
        });
        self.end_wait(&wait, &WaitEnd::Outcome { result, blobs })
    }

    /// Signals that nobody came for.
    pub(super) fn forget_signals(&mut self, retention_ms: i64) -> StoreResult<()> {
        let before = self.now.plus(retention_ms.saturating_neg());
        let blobs = self.store.forget_signals(before, FORGOTTEN_MAX)?;
        self.delete_blobs(blobs);
        Ok(())
    }
}

pub(super) fn check_key(key: &str) -> Result<(), Refused> {
    let chars = key.chars().count();
    check_text("key", chars, SIGNAL_KEY_CHARS_MAX, "characters")
}
