//! Admissions, as an event carries them: the acts, one in a line.

use event::{EventBuilder, Timestamp, column, kind};
use governance::Admission;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let builder = || {
        EventBuilder::new(kind::MONITOR_ADMITTED)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
    };
    let acts: Vec<String> = text.lines().map(str::to_owned).collect();
    let event = builder()
        .set(column::monitor::GOVERNANCE, "g")
        .set(column::monitor::ADMITTED_FROM, 0)
        .set(column::monitor::ADMITTED_NEXT, 100)
        .set(column::monitor::ADMITTED_OF, 100)
        .set(column::monitor::ACTS, acts);
    let Ok(event) = event.build() else { return false };
    let Ok(admission) = Admission::read(&event) else { return false };
    let again = admission.write(builder()).build().map(|event| Admission::read(&event));
    assert_eq!(again, Ok(Ok(admission)));
    true
}
