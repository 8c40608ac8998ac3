//! Files on which the Parquet library panics, runs out of memory, or never ends.

use super::*;

#[path = "../../../tests/archive/damage.rs"]
#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are meant")]
mod damage;

use damage::DAMAGES;

#[test]
fn what_the_library_cannot_bear_is_refused_with_what_is_wrong() {
    let whole = build(10, &batch((10..13).map(|offset| (offset, everything(offset))))).parquet;
    for damage in DAMAGES {
        let changed = Bytes::from((damage.change)(&whole));
        assert_ne!(changed, whole, "{}", damage.name);
        let refused = check(&changed).unwrap_err();
        assert!(refused.to_string().ends_with(damage.says), "{}: {refused}", damage.name);
    }
}
