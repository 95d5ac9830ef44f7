//! From a text.

use super::MARK;
use crate::value::{Read, Unreadable, Value};
use crate::{Input, Payload};

/// The input in a line of JSON. `beside` gives what travelled beside the text.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn read_input(
    line: &str,
    beside: Option<&dyn Fn(u32) -> Option<Payload>>,
) -> Result<Input, String> {
    let mut value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    beside
        .map_or(Ok(()), |beside| put_back(&mut value, beside))
        .and_then(|()| Input::read(value))
        .map_err(|error| error.to_string())
}

fn put_back(value: &mut Value, beside: &dyn Fn(u32) -> Option<Payload>) -> Result<(), Unreadable> {
    match value {
        Value::List(items) => {
            for item in items {
                put_back(item, beside)?;
            }
        }
        Value::Fields(fields) => {
            if let [(name, Value::Integer(place))] = fields.as_slice()
                && name == MARK
            {
                let found = u32::try_from(*place).ok().and_then(beside);
                *value = match found {
                    Some(Payload::Text(text)) => Value::Text(text),
                    Some(Payload::Bytes(bytes)) => Value::Bytes(bytes),
                    None => return Err(Unreadable::Not("something beside the text")),
                };
                return Ok(());
            }
            for (_, item) in fields {
                put_back(item, beside)?;
            }
        }
        _ => {}
    }
    Ok(())
}
