//! `SHA256SUMS.sig`: a note in which an evidence key names the list of digests, and by it all entries.

use merkle::note::SigningKey;
use merkle::{Hash, hash};
use segment::belief::Believed;
use segment::fault::{Distrust, Fault};
use segment::manifest::SignerUse;

use crate::document::PACK_FORMAT;
use crate::names;

fn text(sums: &Hash) -> String {
    format!("{PACK_FORMAT}\n{}\n", hash::to_hex(sums))
}

/// The note for a list of digests.
pub(crate) fn sign(key: &SigningKey, sums: &Hash) -> String {
    key.sign_note(&text(sums))
}

/// Name of the key that signed the list of digests.
pub(crate) fn open(believed: &Believed, note: &str, sums: &Hash) -> Result<String, Distrust> {
    if believed.keys_for(SignerUse::Evidence).is_empty() {
        return Err(Distrust::Unverifiable(
            "there is no evidence key, neither in the policy (`evidence <key>`) nor accepted by the log, so \
             that nobody can say who made the pack and which values it withholds"
                .to_owned(),
        ));
    }
    let opened = believed.open_pack_note(names::SIGNATURE, note)?;
    let expected = text(sums);
    if opened.text != expected {
        let step = "evidence signature";
        return Err(Fault::new(step, names::SIGNATURE, expected, opened.text).into());
    }
    let [signer] = &opened.signed_by[..] else {
        unreachable!("one signature was counted");
    };
    Ok(signer.clone())
}
