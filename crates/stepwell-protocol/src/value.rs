//! A value as a host sends it or the database keeps it, before its type is known.
//!
//! What the engine reads goes through this one type: serde's own code for each type and each format was a tenth of the
//! wasm, and for tagged enums it makes such a tree anyway.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The largest whole number that JavaScript tells from its neighbours.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// JSON, with whole numbers apart, and with bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Fields(Vec<(String, Value)>),
}

/// Why a value could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A field is not there.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    /// It is something else, or out of range.
    #[error("there should be {0}")]
    Not(&'static str),
    /// There is no such variant.
    #[error("`{0}` is no known type")]
    UnknownType(String),
}

/// A type that can be made of a [`Value`].
pub(crate) trait Read: Sized {
    fn read(value: Value) -> Result<Self, Unreadable>;

    /// What stands for a field that is not there.
    fn absent(name: &'static str) -> Result<Self, Unreadable> {
        Err(Unreadable::Missing(name))
    }
}

/// The fields of one object, each of which is taken once. Others are ignored.
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(crate) fn of(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Fields(fields) => Ok(Self(fields)),
            _ => Err(Unreadable::Not("an object")),
        }
    }

    pub(crate) fn take<T: Read>(&mut self, name: &'static str) -> Result<T, Unreadable> {
        match self.find(name) {
            Some(value) => T::read(value),
            None => T::absent(name),
        }
    }

    pub(crate) fn take_or<T: Read>(
        &mut self,
        name: &'static str,
        default: T,
    ) -> Result<T, Unreadable> {
        self.find(name).map_or(Ok(default), T::read)
    }

    fn find(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl Read for bool {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Bool(value) => Ok(value),
            _ => Err(Unreadable::Not("a boolean")),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                let number = match value {
                    Value::Integer(value) => Self::try_from(value).ok(),
                    _ => None,
                };
                number.ok_or(Unreadable::Not(concat!("a whole number (", stringify!($type), ")")))
            }
        }
    )*};
}

integers!(u8, u32, u64, i32, i64);

impl Read for f64 {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Float(value) => Ok(value),
            // Below 2^53, as all integers of the protocol.
            #[allow(clippy::cast_precision_loss)]
            Value::Integer(value) => Ok(value as Self),
            _ => Err(Unreadable::Not("a number")),
        }
    }
}

impl Read for String {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Text(text) => Ok(text),
            _ => Err(Unreadable::Not("a text")),
        }
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Nothing => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn absent(_: &'static str) -> Result<Self, Unreadable> {
        Ok(None)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::List(items) => {
                let mut list = Self::with_capacity(items.len());
                for item in items {
                    list.push(T::read(item)?);
                }
                Ok(list)
            }
            _ => Err(Unreadable::Not("a list")),
        }
    }
}

impl Read for BTreeMap<String, String> {
    fn read(value: Value) -> Result<Self, Unreadable> {
        // Not collected: that sorts, with code of its own.
        let mut texts = Self::new();
        for (key, value) in Fields::of(value)?.0 {
            texts.insert(key, String::read(value)?);
        }
        Ok(texts)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    // A larger one is a float, and refused where a whole number should be: it may have been another before it was rounded.
    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(if value.unsigned_abs() > INTEGER_MAX {
            Value::Float(value as f64)
        } else {
            Value::Integer(value)
        })
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map_or(Ok(Value::Float(value as f64)), |value| {
            self.visit_i64(value)
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Value::Fields(fields))
    }
}
