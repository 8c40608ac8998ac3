//! Settings that come from the log.

use monitor::Settings;

use crate::world::{Kept, START, configured, feed, processor};

#[test]
fn settings_from_the_log_hold_and_survive_a_snapshot() {
    let mut processor = processor();
    assert_eq!(feed(&mut processor, &configured(r#"{"keys_max":5}"#, START)), []);
    let expected = Settings { keys_max: 5, ..Settings::default() };
    assert_eq!(processor.settings(), &expected);
    let mut processor = Kept::of(&mut processor).resume();
    assert_eq!(processor.settings(), &expected);
    for nonsense in [r#"{"keys_max":0}"#, "", "[]", r#"{"keys":1}"#] {
        assert_eq!(feed(&mut processor, &configured(nonsense, START)), []);
    }
    assert_eq!(processor.settings(), &expected);
    let counters = processor.counters();
    assert_eq!((counters.settings_applied, counters.settings_refused), (1, 4));
}
