//! Ids and numbers with a unit.

use serde::Serialize;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "ts", derive(tsify::Tsify))]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id! {
    /// A run's id: a UUIDv7 in its usual text form, made by the engine, so that ids sort by creation.
    RunId
}
text_id! {
    /// Made by a client for each command. A resend of the same command carries the same id and has no second effect.
    RequestId
}
text_id! {
    /// One connection of a client (a tab) to the engine.
    ClientId
}
text_id! {
    /// A file of a user that lies beside the database: a `Blob` or `File` inside a payload. Made by whoever sends it.
    BlobId
}
text_id! {
    /// One executor: a worker, or the page itself, that runs job functions.
    ExecutorId
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "ts", derive(tsify::Tsify))]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The fencing token of a run's lease. Rises with each claim and each adoption; never falls.
    Generation(u64)
}
number! {
    /// The number of an engine session in its database. Rises with every engine start.
    Epoch(u64)
}
number! {
    /// Milliseconds since the Unix epoch, below 2^53.
    TimestampMs(i64)
}

impl TimestampMs {
    /// This time plus `ms` milliseconds.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}
