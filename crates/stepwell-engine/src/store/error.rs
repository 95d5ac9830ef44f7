//! What can go wrong in a store.

use stepwell_protocol::{ErrorCode, ErrorInfo};

/// What went wrong in a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the quota is full. Make room; the engine tries again by itself.
    #[error(
        "The storage is full. Free some space; Stepwell tries again by itself and nothing was lost."
    )]
    Full,
    /// Reading or writing failed.
    #[error(
        "The storage could not be read or written ({0}). Stepwell tries again by itself and nothing was lost."
    )]
    Io(String),
    /// Memory ran out.
    #[error("Memory ran out in the database. Stepwell tries again by itself and nothing was lost.")]
    NoMemory,
    /// Another connection holds the database.
    #[error("The database is busy: another connection holds it ({0}).")]
    Busy(String),
    /// The file is damaged, or is no database.
    #[error("The database is damaged ({0}). Export what can be saved before you delete it.")]
    Corrupt(String),
    /// What should be imported is not what was exported.
    #[error("It is no sound database of Stepwell ({0}). Choose a file that exportDatabase made.")]
    NotImportable(String),
    /// A newer version wrote it.
    #[error(
        "The database has schema version {found}, and this build of Stepwell knows versions up to {supported}. \
         Reload the page to get the newer build."
    )]
    SchemaTooNew {
        /// The version in the database.
        found: u32,
        /// The newest version that this build knows.
        supported: u32,
    },
    /// It cannot be opened here.
    #[error("The storage cannot be used here ({0}).")]
    Unavailable(String),
    /// Anything else: a defect.
    #[error("Unexpected database error: {0}. This is a defect of Stepwell; please report it.")]
    Other(String),
}

impl StoreError {
    /// Whether the whole transaction is in doubt, so that nothing of its batch may be acknowledged.
    #[must_use]
    pub const fn fails_batch(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// The error as a client is told it.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let code = match self {
            Self::Full => ErrorCode::StorageFull,
            Self::Io(_) | Self::NoMemory | Self::Busy(_) | Self::Unavailable(_) => {
                ErrorCode::StorageUnavailable
            }
            Self::Corrupt(_) | Self::NotImportable(_) => ErrorCode::StorageCorrupt,
            Self::SchemaTooNew { .. } => ErrorCode::SchemaTooNew,
            Self::Other(_) => ErrorCode::Internal,
        };
        ErrorInfo::new(code, self.to_string())
    }
}

/// The result of a store call.
pub type StoreResult<T> = Result<T, StoreError>;
