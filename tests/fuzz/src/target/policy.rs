//! Policy files, and the texts of keys in them.

use merkle::note::{SigningKey, VerifyingKey};
use segment::policy::Policy;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    if let Ok(key) = VerifyingKey::parse(text) {
        assert_eq!(VerifyingKey::parse(&key.to_vkey()), Ok(key));
    }
    if let Ok(key) = SigningKey::parse(text) {
        assert_eq!(VerifyingKey::parse(&key.verifier().to_vkey()), Ok(key.verifier()));
        let note = key.sign_note("text");
        assert!(merkle::note::open(&note, &[key.verifier()]).is_ok());
        let envelope = merkle::dsse::sign("type/of", b"x", &key);
        assert!(merkle::dsse::open(envelope.as_bytes(), &[key.verifier()]).is_ok());
    }
    let Ok(policy) = Policy::parse(text) else { return false };
    assert_eq!(Policy::parse(&policy.to_text()), Ok(policy));
    true
}
