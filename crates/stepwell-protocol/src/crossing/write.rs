//! To a text.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{Error, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::MARK;

/// Longer texts travel beside. From about here on that costs less than to escape them and to read them again.
const INLINE_BYTES_MAX: usize = 4096;

/// What travels beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside<'a> {
    /// A long text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The JSON text of a value. Fields that are `None` are left out: JavaScript reads them as `undefined`. `beside` takes
/// what travels beside the text, in order.
///
/// # Panics
/// For a type of which the protocol has none: a tuple, an enum whose variants are not told apart by a field.
#[must_use]
pub fn write_text<T: Serialize>(value: &T, beside: &mut dyn FnMut(Beside<'_>)) -> String {
    let mut writer = Writer {
        text: String::new(),
        beside,
        beside_count: 0,
        is_key: false,
    };
    value
        .serialize(&mut writer)
        .expect("the protocol has only types that can be written");
    writer.text
}

/// serde_json's own serialiser writes `null` for what is not there.
struct Writer<'a> {
    text: String,
    beside: &'a mut dyn FnMut(Beside<'_>),
    beside_count: u32,
    /// What is written now is the key of a map.
    is_key: bool,
}

impl Writer<'_> {
    fn write_integer(&mut self, value: impl itoa::Integer) {
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    fn write_float(&mut self, value: f64) {
        if value.is_finite() {
            self.text.push_str(&value.to_string());
        } else {
            self.text.push_str("null");
        }
    }

    fn write_str(&mut self, text: &str) {
        self.text.push('"');
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(&text[written..at]);
            written = at + 1;
            self.write_escaped(byte);
        }
        self.text.push_str(&text[written..]);
        self.text.push('"');
    }

    fn write_escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.text.push_str("\\\""),
            b'\\' => self.text.push_str("\\\\"),
            b'\n' => self.text.push_str("\\n"),
            _ => {
                self.text.push_str("\\u00");
                for digit in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(u32::from(digit), 16);
                    self.text.push(digit.expect("four bits are a digit"));
                }
            }
        }
    }

    fn write_beside(&mut self, what: Beside<'_>) {
        (self.beside)(what);
        self.text.push_str("{\"");
        self.text.push_str(MARK);
        self.text.push_str("\":");
        self.write_integer(self.beside_count);
        self.text.push('}');
        self.beside_count += 1;
    }
}

/// What is between brackets.
struct Items<'a, 'b> {
    writer: &'a mut Writer<'b>,
    is_empty: bool,
    /// Where the text ends without the field that is being written.
    start: usize,
    /// Where its value starts.
    value_start: usize,
    end: char,
}

impl<'a, 'b> Items<'a, 'b> {
    fn new(writer: &'a mut Writer<'b>, start: char, end: char) -> Self {
        writer.text.push(start);
        Self {
            writer,
            is_empty: true,
            start: 0,
            value_start: 0,
            end,
        }
    }

    fn before_item(&mut self) {
        self.start = self.writer.text.len();
        if !self.is_empty {
            self.writer.text.push(',');
        }
    }

    fn before_value(&mut self) {
        self.writer.text.push(':');
        self.value_start = self.writer.text.len();
    }

    fn after_value(&mut self) {
        // Nothing was written: it is `None`.
        if self.writer.text.len() == self.value_start {
            self.writer.text.truncate(self.start);
        } else {
            self.is_empty = false;
        }
    }

    fn finish(self) {
        self.writer.text.push(self.end);
    }
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.before_item();
        self.is_empty = false;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.before_item();
        self.writer.is_key = true;
        key.serialize(&mut *self.writer)?;
        self.writer.is_key = false;
        self.before_value();
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut *self.writer)?;
        self.after_value();
        Ok(())
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

impl SerializeStruct for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.before_item();
        self.writer.write_str(key);
        self.before_value();
        value.serialize(&mut *self.writer)?;
        self.after_value();
        Ok(())
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}

macro_rules! integers {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        fn $name(self, value: $type) -> Result<(), Unwritable> {
            self.write_integer(value);
            Ok(())
        }
    )*};
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'a, 'b>;
    type SerializeMap = Items<'a, 'b>;
    type SerializeStruct = Items<'a, 'b>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    integers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        self.write_float(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if text.len() > INLINE_BYTES_MAX && !self.is_key {
            self.write_beside(Beside::Text(text));
        } else {
            self.write_str(text);
        }
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unwritable> {
        self.write_beside(Beside::Bytes(bytes));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.write_str(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a, 'b>, Unwritable> {
        Ok(Items::new(self, '[', ']'))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a, 'b>, Unwritable> {
        Ok(Items::new(self, '{', '}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'a, 'b>, Unwritable> {
        Ok(Items::new(self, '{', '}'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(Unwritable)
    }
}

/// For types that the protocol does not have.
#[derive(Debug)]
struct Unwritable;

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type that the protocol does not have")
    }
}

impl std::error::Error for Unwritable {}

impl Error for Unwritable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}
