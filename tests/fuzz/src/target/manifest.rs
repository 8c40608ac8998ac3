//! Payloads of manifests: canonical bytes only.

use segment::manifest::Manifest;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(manifest) = Manifest::parse(data) else { return false };
    assert_eq!(manifest.to_bytes(), data);
    true
}
