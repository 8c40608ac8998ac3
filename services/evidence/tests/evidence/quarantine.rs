//! The quarantined records of an archive.

use event::{Timestamp, kind};
use evidence::{Period, Quarantined, quarantined};

use crate::common::{self, START_MS, World};
use crate::{ignore, store};

#[test]
fn quarantined_records_are_found_with_their_causes_and_nothing_else() {
    let mut world = World::new();
    // Somebody calls an event of their own a quarantine.
    let own =
        format!(r#"{{"kind":"{}","quarantine":{{"reason":"empty"}}}}"#, kind::QUARANTINE_ADDED);
    let good = common::run_completed("a", 1, START_MS);
    world.commit(&[("agent.events", 0, vec![good.clone()])]);
    world.commit(&[(
        "agent.events",
        0,
        vec![good, (START_MS + 1, r#"{"kind":NaN}"#.to_owned()), (START_MS + 2, own)],
    )]);
    world.commit(&[("agent.events", 1, vec![(START_MS + 9, "[1]".to_owned())])]);
    let stored = store(&world);
    let list = |period: Option<Period>| {
        let mut found: Vec<Quarantined> = Vec::new();
        let policy = common::policy();
        quarantined(&stored.archive, &policy, period, &mut ignore, &mut |record| {
            found.push(record)
        })
        .unwrap();
        found
    };
    let found = list(None);
    let places: Vec<_> = found
        .iter()
        .map(|it| (it.partition.to_string(), it.offset, &*it.reason, &*it.pointer))
        .collect();
    assert_eq!(
        places,
        [
            ("agent.events/0".to_owned(), 102, "invalid_json", "byte 8"),
            ("agent.events/1".to_owned(), 100, "unknown_encoding", "byte 0"),
        ]
    );
    assert!(found[0].detail.as_ref().unwrap().contains("NaN"), "{:?}", found[0]);
    assert!(found[1].detail.as_ref().unwrap().contains("a JSON array"), "{:?}", found[1]);
    assert_eq!(found[0].value.as_deref(), Some(&br#"{"kind":NaN}"#[..]));
    assert_eq!(Timestamp::from_millis(found[0].timestamp_ms).millis(), START_MS + 1);
    let later = Period { from_ms: START_MS + 5, to_ms: START_MS + 100 };
    assert_eq!(list(Some(later)), found[1..]);
    assert_eq!(list(Some(Period { from_ms: 0, to_ms: 1 })), []);
}
