//! Log lines.

use serde::{Deserialize, Serialize};

use crate::{Payload, RunId, TimestampMs};

/// How much a line matters, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the developer.
    Debug,
    /// The ordinary course.
    Info,
    /// Unexpected, and handled.
    Warn,
    /// A failure.
    Error,
}

impl LogLevel {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The rank that is stored: 0 for debug to 3 for error, so that "at least this level" is a comparison.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self as u8
    }

    /// The inverse of [`LogLevel::rank`].
    #[must_use]
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.rank() == rank)
    }
}

/// A line as an executor reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct NewLog {
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// A value to go with it.
    pub data: Option<Payload>,
    /// The step whose function wrote it; `None` between steps.
    pub step_name: Option<String>,
    /// The attempt of that step, or of the run between steps.
    pub attempt: u32,
    /// When it was written, by the executor's clock.
    pub timestamp: TimestampMs,
}

/// A stored line. Lines of a run are ordered by `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Rises with every line that is stored in the database.
    pub id: u64,
    /// The run that wrote it.
    pub run_id: RunId,
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// A value that went with it.
    pub data: Option<Payload>,
    /// The step whose function wrote it; `None` between steps.
    pub step_name: Option<String>,
    /// The attempt of that step, or of the run between steps.
    pub attempt: u32,
    /// When it was written, by the executor's clock.
    pub timestamp: TimestampMs,
}
