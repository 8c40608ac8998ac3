//! The conformance suites of the event log port. The tests of every adapter run [`ALL`]; those of a
//! durable one also run [`survives_reopening`].
//!
//! A suite that fails panics with what it expected. Each creates its own topics, so that suites and
//! runs may share a log, and waits by polling with a deadline, never by sleeping.
//!
//! ```no_run
//! # fn log() -> Box<dyn ports::EventLog> { unimplemented!() }
//! let log = log();
//! let subject = ports::conformance::Subject {
//!     log: &*log,
//!     prefix: "run-1.".to_owned(),
//!     record_bytes_max: 1_000_000,
//!     queue_records_max: 2_000,
//!     wait: std::time::Duration::from_secs(10),
//! };
//! for suite in ports::conformance::ALL {
//!     suite.run(&subject);
//! }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite is a test: a failed step fails it"
)]

mod groups;
mod publishing;
mod reading;
mod subject;
mod topics;

use std::fmt::Debug;
use std::time::Duration;

use event::TopicPartition;

pub use self::subject::Subject;
use self::subject::{OwnedRecord, record};
use crate::EventLog;

/// A named suite.
#[derive(Clone, Copy)]
pub struct Suite {
    /// The behaviour that it checks.
    pub name: &'static str,
    body: fn(&Subject<'_>),
}

impl Debug for Suite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Suite {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// If the log violates the port's contract.
    pub fn run(&self, subject: &Subject<'_>) {
        (self.body)(subject);
    }
}

macro_rules! suites {
    ($($module:ident::$name:ident,)*) => {
        /// The suites that every log must pass.
        pub const ALL: &[Suite] = &[$(Suite { name: stringify!($name), body: $module::$name },)*];
    };
}

suites! {
    topics::topics_are_created_once,
    topics::settings_are_those_of_the_spec,
    topics::partitions_can_be_added_and_are_assigned,
    topics::what_does_not_exist_is_unknown,
    topics::an_invalid_topic_is_rejected_and_nothing_created,
    publishing::a_key_decides_the_partition_and_keeps_its_order,
    publishing::an_explicit_partition_is_obeyed,
    publishing::what_is_read_is_what_was_published,
    publishing::timestamps_are_of_the_log_and_never_go_back,
    publishing::a_record_that_is_too_large_is_refused_alone,
    publishing::every_call_is_answered_exactly_once,
    publishing::concurrent_publishers_lose_nothing,
    publishing::a_full_queue_returns_the_records,
    reading::nothing_is_delivered_before_seek,
    reading::seek_goes_back_and_forth,
    reading::a_position_that_is_not_held_is_an_error,
    reading::a_paused_partition_is_silent,
    reading::batches_are_bounded,
    reading::a_waiting_consumer_wakes_up,
    reading::what_was_delivered_is_passed,
    groups::two_members_share_and_hand_over,
    groups::groups_are_independent,
    groups::a_commit_is_accepted,
}

/// For durable logs: records acknowledged before a reopening are there after it, with the same
/// offsets, timestamps and bytes, and new records follow them. `open` opens the same log again,
/// after the previous instance was dropped.
///
/// # Panics
///
/// If the log violates this.
pub fn survives_reopening(open: &dyn Fn() -> Box<dyn EventLog>, prefix: &str, wait: Duration) {
    let topic = format!("{prefix}survives_reopening");
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut expected: Vec<OwnedRecord> = Vec::new();
    let mut id = None;
    for round in 0..3_i32 {
        let log = open();
        let subject = Subject {
            log: &*log,
            prefix: prefix.to_owned(),
            record_bytes_max: 1_000,
            queue_records_max: 2_000,
            wait,
        };
        if round == 0 {
            subject.create(&topic, 1);
        }
        let size = round + 1;
        assert_eq!(log.grow_topic(&topic, size), Ok(round > 0));
        assert_eq!(log.partitions(&topic), Ok(size));
        let now = log.topic_id(&topic).expect("identity");
        assert_eq!(*id.get_or_insert_with(|| now.clone()), now, "a reopening is no new topic");
        assert_eq!(subject.read_all(&partition), expected, "before round {round}");
        let records = (0..50).map(|n| record(&topic, n)).collect();
        let landed = subject.publish(records);
        let first = i64::try_from(expected.len()).unwrap();
        assert_eq!(landed.first().map(|position| position.offset), Some(first));
        expected = subject.read_all(&partition);
        assert_eq!(i32::try_from(expected.len()), Ok(50 * size));
    }
}
