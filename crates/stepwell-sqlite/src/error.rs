//! What SQLite's errors mean to the engine.

use rusqlite::ffi::{self, ErrorCode};
use stepwell_engine::StoreError;

/// The engine's word for an error of SQLite, or for a row that does not hold what we wrote.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::Error as Rusqlite;
    match error {
        Rusqlite::SqliteFailure(cause, ref message) => {
            of_code(cause, message.clone().unwrap_or_else(|| cause.to_string()))
        }
        Rusqlite::SqlInputError {
            error: cause, msg, ..
        } => of_code(cause, msg),
        Rusqlite::FromSqlConversionFailure(..)
        | Rusqlite::IntegralValueOutOfRange(..)
        | Rusqlite::InvalidColumnType(..)
        | Rusqlite::Utf8Error(..) => StoreError::Corrupt(error.to_string()),
        other => StoreError::Other(other.to_string()),
    }
}

fn of_code(cause: ffi::Error, message: String) -> StoreError {
    match (cause.code, cause.extended_code) {
        (_, ffi::SQLITE_IOERR_NOMEM) => StoreError::NoMemory,
        (_, ffi::SQLITE_IOERR_CORRUPTFS) => StoreError::Corrupt(message),
        (ErrorCode::DiskFull, _) => StoreError::Full,
        (ErrorCode::SystemIoFailure, code) => StoreError::Io(format!("{message}, code {code}")),
        (ErrorCode::OutOfMemory, _) => StoreError::NoMemory,
        (
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
            _,
        ) => StoreError::Busy(message),
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => StoreError::Corrupt(message),
        (ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => {
            StoreError::Unavailable(message)
        }
        (_, code) => StoreError::Other(format!("{message}, code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        store_error(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn codes_become_the_engine_s_words() {
        assert_eq!(of(ffi::SQLITE_FULL), StoreError::Full);
        assert!(matches!(of(ffi::SQLITE_IOERR_FSYNC), StoreError::Io(_)));
        assert_eq!(of(ffi::SQLITE_NOMEM), StoreError::NoMemory);
        assert_eq!(of(ffi::SQLITE_IOERR_NOMEM), StoreError::NoMemory);
        assert!(matches!(of(ffi::SQLITE_BUSY), StoreError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_BUSY_SNAPSHOT), StoreError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_LOCKED), StoreError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_CORRUPT), StoreError::Corrupt(_)));
        assert!(matches!(of(ffi::SQLITE_NOTADB), StoreError::Corrupt(_)));
        assert!(matches!(
            of(ffi::SQLITE_CANTOPEN),
            StoreError::Unavailable(_)
        ));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT), StoreError::Other(_)));
        assert!(matches!(of(ffi::SQLITE_ERROR), StoreError::Other(_)));
    }
}
