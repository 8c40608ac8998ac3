//! Settings that come from the log.

use monitor::{Processor, Settings};

use crate::world::{START, TOPIC, configured, feed, processor};

#[test]
fn settings_from_the_log_hold_and_survive_a_snapshot() {
    let mut processor = processor();
    assert_eq!(feed(&mut processor, &configured(r#"{"keys_max":5}"#, START)), []);
    let expected = Settings { keys_max: 5, ..Settings::default() };
    assert_eq!(processor.settings(), &expected);
    let mut processor = Processor::resume(TOPIC, 0, &processor.snapshot()).unwrap();
    assert_eq!(processor.settings(), &expected);
    for nonsense in [r#"{"keys_max":0}"#, "", "[]", r#"{"keys":1}"#] {
        assert_eq!(feed(&mut processor, &configured(nonsense, START)), []);
    }
    assert_eq!(processor.settings(), &expected);
    let counters = processor.counters();
    assert_eq!((counters.settings_applied, counters.settings_refused), (1, 4));
}
