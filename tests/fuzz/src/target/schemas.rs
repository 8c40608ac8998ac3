//! Documents of the schemas of other writers, and a schema as a snapshot holds it.

use event::SchemaKey;
use governance::{KnownSchema, Schemas};

pub(crate) fn run(data: &[u8]) -> bool {
    if let Some(known) = KnownSchema::from_bytes(data) {
        assert_eq!(known.to_bytes(), data);
    }
    if let Some(key) = std::str::from_utf8(data).ok().and_then(SchemaKey::parse) {
        assert_eq!(key.to_string().as_bytes(), data);
    }
    let Some(schemas) = Schemas::parse(data) else { return false };
    assert_eq!(schemas.to_bytes(), data);
    true
}
