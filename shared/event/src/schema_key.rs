//! How a record names the schema that it was written with.

use std::fmt;

/// How a record names the schema that it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaKey {
    /// The number of a registry, in a Confluent frame or an id header.
    Id(u32),
    /// The GUID of a registry, in an id header.
    Guid([u8; 16]),
    /// The CRC-64-AVRO fingerprint, in Avro's single-object encoding.
    Fingerprint(u64),
}

impl SchemaKey {
    /// Reads what [`fmt::Display`] writes, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let key = match text.len() {
            16 => Self::Fingerprint(u64::from_str_radix(text, 16).ok()?),
            36 => Self::Guid(uuid::Uuid::try_parse(text).ok()?.into_bytes()),
            _ => Self::Id(text.parse().ok()?),
        };
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for SchemaKey {
    /// `7`; a GUID in its usual form; a fingerprint as 16 hexadecimal digits. No two keys have the same
    /// text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Guid(guid) => write!(f, "{}", uuid::Uuid::from_bytes(*guid)),
            Self::Fingerprint(fingerprint) => write!(f, "{fingerprint:016x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_own_text_only() {
        let guid = "07070707-0707-0707-0707-070707070707";
        for (key, text) in [
            (SchemaKey::Id(0), "0"),
            (SchemaKey::Id(u32::MAX), "4294967295"),
            (SchemaKey::Guid([7; 16]), guid),
            (SchemaKey::Fingerprint(1), "0000000000000001"),
        ] {
            assert_eq!((key.to_string().as_str(), SchemaKey::parse(text)), (text, Some(key)));
        }
        let upper = "ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB";
        for bad in
            ["", "07", "+7", "-1", "4294967296", "000000000000000G", upper, "00000000000000AB"]
        {
            assert_eq!(SchemaKey::parse(bad), None, "{bad}");
        }
    }
}
