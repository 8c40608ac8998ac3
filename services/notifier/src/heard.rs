//! Which records of the alerts topic are believed. Whoever may write to the topic may write anything
//! into it; only what processor and notifier signed changes what receivers are told.
//!
//! | kind | believed if |
//! |---|---|
//! | `drift.alert.firing`, `.resolved`, `monitor.alive` | the processor signed it for this partition, and its origin is not before that of another record that was believed: a copy of an old one is older |
//! | `monitor.dead` | the notifier signed it for this partition, and it is about one of the last two heartbeats |
//! | `monitor.recovered`, `notification.*` | the notifier signed it for this partition; a copy says what is known |
//! | `drift.alert.acknowledged`, `.dismissed` | never: people answer in the governance topic ([`crate::answers`]) |

use std::collections::{BTreeMap, VecDeque};

use event::{Event, TopicPartition, column, kind};
use governance::{Id, Refusal, Trust, verify_alert, verify_notice};
use serde::{Deserialize, Serialize};

/// Histories that were over, which are kept of a partition of events.
const PAST_MAX: usize = 64;
/// Most marks.
const MARKS_MAX: usize = 128;
/// Heartbeats that a death may be about: another may have come while it was written.
const HEARTBEATS: usize = 2;

/// How far the records of a partition of events were heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    history: Id,
    /// Offset of the last origin.
    offset: i64,
    /// Histories before this one.
    past: Vec<Id>,
}

/// How far the records of a partition of alerts were heard, by topic of their origin. It is saved with
/// the read position, so that a copy of an old record is known after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order(BTreeMap<String, Reached>);

impl Order {
    /// Takes the origin of a signed record.
    fn reach(&mut self, topic: &str, history: Id, offset: i64) -> Result<(), Refusal> {
        let Some(reached) = self.0.get_mut(topic) else {
            let reached = Reached { history, offset, past: Vec::new() };
            self.0.insert(topic.to_owned(), reached);
            return Ok(());
        };
        if reached.past.contains(&history) {
            return Err(Refusal::History);
        }
        if reached.history != history {
            // The partition of events was begun again.
            reached.past.push(std::mem::replace(&mut reached.history, history));
            if reached.past.len() > PAST_MAX {
                reached.past.remove(0);
            }
            reached.offset = offset;
        }
        if offset < reached.offset {
            return Err(Refusal::Copied);
        }
        reached.offset = offset;
        Ok(())
    }
}

/// What a partition of alerts has to say.
#[derive(Debug)]
pub(crate) struct Heard {
    order: Order,
    heartbeats: VecDeque<String>,
    /// The order at some offsets, ascending: a restart reads from an offset of the past.
    marks: VecDeque<(i64, Order)>,
    /// Least distance of two marks, which doubles when there are too many.
    spacing: i64,
}

impl Heard {
    /// What was heard before the offset `next`.
    pub(crate) fn resume(next: i64, order: Order) -> Self {
        let marks = VecDeque::from([(next, order.clone())]);
        Self { order, heartbeats: VecDeque::new(), marks, spacing: 1 }
    }

    /// Everything before the offset `next` was heard.
    pub(crate) fn mark(&mut self, next: i64) {
        let last = self.marks.back().map(|(offset, _)| *offset);
        if last.is_some_and(|last| next - last < self.spacing) {
            return;
        }
        self.marks.push_back((next, self.order.clone()));
        if self.marks.len() > MARKS_MAX {
            // An alert is open for long: fewer marks are enough.
            self.spacing *= 2;
            let mut index = 0_usize;
            self.marks.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// The order at an offset, or a little before it. It is asked for ascending offsets.
    pub(crate) fn order_at(&mut self, offset: i64) -> Order {
        while self.marks.get(1).is_some_and(|(next, _)| *next <= offset) {
            self.marks.pop_front();
        }
        if self.marks.len() == 1 {
            self.spacing = 1;
        }
        let first = self.marks.front().filter(|(at, _)| *at <= offset);
        first.map_or_else(Order::default, |(_, order)| order.clone())
    }

    /// Whether a record is believed; `None` if its kind says nothing to the notifier.
    pub(crate) fn believe(
        &mut self,
        trust: &Trust,
        partition: &TopicPartition,
        event: &Event<'_>,
    ) -> Option<Result<(), Refusal>> {
        let place = (&*partition.topic, partition.partition);
        Some(match event.text(column::KIND)? {
            kind::DRIFT_ALERT_FIRING | kind::DRIFT_ALERT_RESOLVED => {
                self.of_processor(trust, partition, event)
            }
            kind::MONITOR_ALIVE => {
                let believed = self.of_processor(trust, partition, event);
                if believed.is_ok()
                    && let Some(id) = event.text(column::EVENT_ID)
                {
                    self.heartbeats.push_back(id.to_owned());
                    if self.heartbeats.len() > HEARTBEATS {
                        self.heartbeats.pop_front();
                    }
                }
                believed
            }
            kind::MONITOR_DEAD => verify_notice(trust, place, event).and_then(|()| {
                let about = event.text(column::links::CAUSATION).unwrap_or_default();
                let is_recent = self.heartbeats.iter().any(|heartbeat| heartbeat == about);
                // Before any heartbeat was read, it is not known to be old.
                if is_recent || self.heartbeats.is_empty() { Ok(()) } else { Err(Refusal::Copied) }
            }),
            kind::MONITOR_RECOVERED
            | kind::NOTIFICATION_DELIVERED
            | kind::NOTIFICATION_FAILED
            | kind::NOTIFICATION_SUPPRESSED => verify_notice(trust, place, event),
            kind::DRIFT_ALERT_ACKNOWLEDGED | kind::DRIFT_ALERT_DISMISSED => Err(Refusal::Unsigned),
            _ => return None,
        })
    }

    fn of_processor(
        &mut self,
        trust: &Trust,
        partition: &TopicPartition,
        event: &Event<'_>,
    ) -> Result<(), Refusal> {
        let (Some(topic), Some(number), Some(offset)) = (
            event.text(column::origin::TOPIC),
            event.int(column::origin::PARTITION),
            event.int(column::origin::OFFSET),
        ) else {
            return Err(Refusal::Unsigned);
        };
        if number != i64::from(partition.partition) {
            return Err(Refusal::Signature);
        }
        let stamp = verify_alert(trust, (topic, partition.partition), event)?;
        self.order.reach(topic, stamp.history, offset)
    }
}

#[cfg(test)]
mod tests {
    use event::{EventBuilder, Timestamp};
    use governance::{Installation, Signer, sign_notice};
    use merkle::note::SigningKey;

    use super::*;

    const EVENTS: &str = "agent.events";

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, [seed; 32]).unwrap()
    }

    fn installation() -> Installation {
        Installation { origin: "log.example/a".into(), topic_prefix: String::new() }
    }

    fn trust() -> Trust {
        let none: [String; 0] = [];
        Trust::parse(installation(), [key("p", 1).verifier().to_vkey()], none)
            .unwrap()
            .with_notifiers([key("n", 2).verifier().to_vkey()])
            .unwrap()
    }

    fn signer(partition: i32, history: u8) -> Signer {
        let claim = (Id::from_bytes([history; 16]), 1);
        let partition = TopicPartition::new(EVENTS, partition);
        Signer::new(key("p", 1), installation(), partition, claim, Id::from_bytes([9; 16]))
    }

    fn event(kind: &str, offset: i64) -> Event<'static> {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("e{offset}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(1))
            .set(column::drift::ALERT_ID, "a")
            .set(column::origin::TOPIC, EVENTS)
            .set(column::origin::PARTITION, 1_i64)
            .set(column::origin::OFFSET, offset)
            .build()
            .unwrap()
    }

    fn believe(heard: &mut Heard, event: &Event<'_>) -> Option<Result<(), Refusal>> {
        heard.believe(&trust(), &TopicPartition::new("driftseal.alerts", 1), event)
    }

    #[test]
    fn every_kind_that_is_forged_is_refused() {
        let mut heard = Heard::resume(0, Order::default());
        for kind in [
            kind::DRIFT_ALERT_FIRING,
            kind::DRIFT_ALERT_RESOLVED,
            kind::DRIFT_ALERT_ACKNOWLEDGED,
            kind::DRIFT_ALERT_DISMISSED,
            kind::MONITOR_ALIVE,
            kind::MONITOR_DEAD,
            kind::MONITOR_RECOVERED,
            kind::NOTIFICATION_DELIVERED,
            kind::NOTIFICATION_FAILED,
            kind::NOTIFICATION_SUPPRESSED,
        ] {
            assert_eq!(
                believe(&mut heard, &event(kind, 5)),
                Some(Err(Refusal::Unsigned)),
                "{kind}"
            );
        }
        assert_eq!(believe(&mut heard, &event(kind::DRIFT_BASELINE_SET, 5)), None);
        // What the processor signs for another partition, and what the notifier signs as an alert.
        let moved = signer(0, 1).sign_alert(event(kind::DRIFT_ALERT_FIRING, 5));
        assert_eq!(believe(&mut heard, &moved), Some(Err(Refusal::Signature)));
        let place = ("driftseal.alerts", 1);
        let own =
            sign_notice(&key("n", 2), &installation(), place, event(kind::DRIFT_ALERT_FIRING, 5));
        assert_eq!(believe(&mut heard, &own), Some(Err(Refusal::Unsigned)));
    }

    #[test]
    fn a_copy_of_an_old_alert_is_known_even_after_a_restart() {
        let mut heard = Heard::resume(0, Order::default());
        let sign = |kind, offset| signer(1, 1).sign_alert(event(kind, offset));
        let old = sign(kind::DRIFT_ALERT_FIRING, 5);
        assert_eq!(believe(&mut heard, &old), Some(Ok(())));
        // Written twice by two owners at once: the same record, before anything newer.
        assert_eq!(believe(&mut heard, &old), Some(Ok(())));
        assert_eq!(believe(&mut heard, &sign(kind::MONITOR_ALIVE, 9)), Some(Ok(())));
        assert_eq!(believe(&mut heard, &old), Some(Err(Refusal::Copied)));
        heard.mark(1_000);
        let saved = serde_json::to_string(&heard.order_at(1_500)).unwrap();
        let mut again = Heard::resume(1_500, serde_json::from_str(&saved).unwrap());
        assert_eq!(believe(&mut again, &old), Some(Err(Refusal::Copied)));
        // The partition of events is begun again: what was signed before is over.
        let anew = signer(1, 2).sign_alert(event(kind::DRIFT_ALERT_FIRING, 0));
        assert_eq!(believe(&mut again, &anew), Some(Ok(())));
        let late = sign(kind::DRIFT_ALERT_RESOLVED, 12);
        assert_eq!(believe(&mut again, &late), Some(Err(Refusal::History)));
    }

    #[test]
    fn what_is_saved_is_the_order_at_the_place_where_a_restart_reads() {
        let mut heard = Heard::resume(0, Order::default());
        for number in 1..=1_000 {
            let alive = signer(1, 1).sign_alert(event(kind::MONITOR_ALIVE, number));
            assert_eq!(believe(&mut heard, &alive), Some(Ok(())));
            heard.mark(number * 1_000);
        }
        assert!(heard.marks.len() <= MARKS_MAX);
        let reached = |order: &Order| order.0.get(EVENTS).map_or(0, |reached| reached.offset);
        for offset in [0, 999, 500_000, 777_777] {
            let order = heard.order_at(offset);
            assert!(reached(&order) * 1_000 <= offset, "never beyond: {offset}");
            assert!(reached(&order) * 1_000 > offset - 40_000, "not far before: {offset}");
        }
        // The record at that place is heard again.
        let mut again = Heard::resume(777_777, heard.order_at(777_777));
        let alive = signer(1, 1).sign_alert(event(kind::MONITOR_ALIVE, 778));
        assert_eq!(believe(&mut again, &alive), Some(Ok(())));
    }

    #[test]
    fn a_copy_of_an_old_death_is_known() {
        let mut heard = Heard::resume(0, Order::default());
        let alive = |offset| signer(1, 1).sign_alert(event(kind::MONITOR_ALIVE, offset));
        let mut dead = event(kind::MONITOR_DEAD, 0);
        dead.set(column::links::CAUSATION, "e5".into());
        let dead = sign_notice(&key("n", 2), &installation(), ("driftseal.alerts", 1), dead);
        believe(&mut heard, &alive(5));
        assert_eq!(believe(&mut heard, &dead), Some(Ok(())));
        believe(&mut heard, &alive(6));
        assert_eq!(believe(&mut heard, &dead), Some(Ok(())), "a heartbeat came meanwhile");
        believe(&mut heard, &alive(7));
        assert_eq!(believe(&mut heard, &dead), Some(Err(Refusal::Copied)));
    }
}
