//! Payloads that say what they are: a value, the request that made it, the blobs in it. `12~tab0-3.1#tab0-b1,tab0-b2`;
//! `12^1` for a child with one level below it.

use std::borrow::Cow;

use stepwell_protocol::{BlobId, Payload};

/// A value with the blobs in it; binary where there are any, as the codec makes it.
pub(crate) fn with_blobs(value: &str, blobs: &[BlobId]) -> Payload {
    if blobs.is_empty() {
        return Payload::Text(value.to_owned());
    }
    let ids: Vec<&str> = blobs.iter().map(BlobId::as_str).collect();
    Payload::Bytes(format!("{value}#{}", ids.join(",")).into_bytes())
}

fn text(payload: &Payload) -> Cow<'_, str> {
    match payload {
        Payload::Text(text) => Cow::Borrowed(text),
        Payload::Bytes(bytes) => String::from_utf8_lossy(bytes),
    }
}

/// Without the blobs.
pub(crate) fn value_of(payload: &Payload) -> String {
    let text = text(payload);
    text.split('#').next().unwrap_or_default().to_owned()
}

/// The blobs in it.
pub(crate) fn blobs_in(payload: &Payload) -> Vec<BlobId> {
    match text(payload).split_once('#') {
        Some((_, ids)) => ids.split(',').map(BlobId::from).collect(),
        None => Vec::new(),
    }
}

/// An input that says which trigger it is of.
pub(crate) fn marked(number: u64, mark: &str) -> String {
    format!("{number}~{mark}")
}

/// What an input's plan follows from.
pub(crate) fn number_of(input: &Payload) -> u64 {
    let value = value_of(input);
    let number = value.split(['~', '^']).next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

/// The input of a child that has so many levels below it.
pub(crate) fn of_child(number: u64, depth: u32) -> String {
    format!("{number}^{depth}")
}

/// How many levels of children a child has below it; `None` for a run that a client made.
pub(crate) fn depth_of(input: &Payload) -> Option<u32> {
    value_of(input).split_once('^')?.1.parse().ok()
}

/// Which request made an input, and which of its triggers it was.
pub(crate) fn mark_of(input: &Payload) -> Option<(String, usize)> {
    let value = value_of(input);
    let (request, index) = value.split_once('~')?.1.rsplit_once('.')?;
    Some((request.to_owned(), index.parse().ok()?))
}
