//! The opaque value of a user.

use serde::{Serialize, Serializer};

/// A user's value as the TypeScript side encoded it (`packages/core/src/codec`): JSON text, or bytes where binary data
/// are part of it. Never parsed in Rust. A bare `undefined` is the empty text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Text.
    Text(String),
    /// Text with binary data behind it.
    Bytes(Vec<u8>),
}

impl Payload {
    /// How much it is, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether it is a bare `undefined`.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text; `None` where it is bytes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A string, or a byte array (`Uint8Array` in JavaScript).
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_come_back_as_what_they_were() {
        for payload in [
            Payload::default(),
            Payload::from("{\"a\":1}"),
            Payload::Bytes(vec![0, 255, 7]),
        ] {
            let json = serde_json::to_string(&payload).expect("it serialises");
            let read: Payload = serde_json::from_str(&json).expect("it is read");
            assert_eq!(read, payload);
        }
    }
}
