//! The bytes that are signed.

/// A message: a domain, then fields that cannot be confused.
#[derive(Debug)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn new(domain: &str) -> Self {
        Self(domain.as_bytes().to_vec())
    }

    /// Adds bytes behind their length.
    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(&length(value.len()));
        self.0.extend_from_slice(value);
        self
    }

    /// Adds a text behind its length.
    pub(crate) fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Adds a number.
    pub(crate) fn number(mut self, value: i64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A length in four bytes.
pub(crate) fn length(length: usize) -> [u8; 4] {
    let Ok(length) = u32::try_from(length) else {
        unreachable!("a value of a record has fewer than 2^32 bytes, not {length}")
    };
    length.to_be_bytes()
}
