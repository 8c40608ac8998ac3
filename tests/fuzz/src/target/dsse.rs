//! DSSE envelopes.

use merkle::dsse;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let _opened = dsse::open(data, &[seeds::sealer_key().verifier()]).is_ok();
    dsse::parse(data).is_ok()
}
