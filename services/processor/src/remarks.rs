//! Says what is quarantined, suspicious or without effect: counters by reason, and log lines at a
//! bounded rate.

use event::plain::{Name, Plain};
use event::remark::Code;
use event::{
    Decoded, Kind, Record, Remark, Remarker, Timestamp, TopicPartition, Writer, column, schema,
};
use monitor::Counters;
use ports::partition_of;
use service::metric_names as names;
use service::seldom::Seldom;
use tracing::warn;

/// What one worker has to say about the records of its partition.
#[derive(Debug)]
pub(crate) struct Remarks {
    /// Number of partitions of the topic when the worker was opened.
    partitions: i32,
    remarker: Remarker,
    said: Seldom,
}

impl Remarks {
    pub(crate) fn new(partitions: i32) -> Self {
        Self { partitions, remarker: Remarker::new(), said: Seldom::default() }
    }

    /// Counts what there is to say about a record.
    pub(crate) fn handle_record(&mut self, record: &Record<'_>, decoded: &Decoded<'_>) {
        let Record { topic, partition, offset, .. } = *record;
        if let Some(fault) = &decoded.fault {
            let reason = fault.reason.name();
            metrics::counter!(names::PROCESSOR_RECORDS_QUARANTINED, "reason" => reason)
                .increment(1);
            if let Some(left_out) = self.said.is_due(reason) {
                let (pointer, detail) = (Plain(&fault.pointer), Plain(&fault.detail));
                warn!(
                    topic, partition, offset, reason, %pointer, %detail, left_out,
                    "quarantined a record"
                );
            }
            return;
        }
        let kind = schema().kind(decoded.event.text(column::KIND).unwrap_or_default());
        if kind.is_some_and(is_own) {
            return;
        }
        let at = Timestamp::from_millis(record.timestamp_ms);
        for remark in self.remarker.remarks_of(&decoded.event, kind, at) {
            self.say(record, &remark);
        }
        if let Some(remark) = self.place(record, decoded) {
            self.say(record, &remark);
        }
    }

    fn say(&self, record: &Record<'_>, remark: &Remark) {
        let Record { topic, partition, offset, .. } = *record;
        let code = remark.code.name();
        metrics::counter!(names::PROCESSOR_EVENTS_REMARKED, "remark" => code).increment(1);
        if let Some(left_out) = self.said.is_due(code) {
            warn!(topic, partition, offset, %remark, left_out, "a suspicious event");
        }
    }

    /// Counts what has been evicted and left out since `before`.
    pub(crate) fn count(&self, partition: &TopicPartition, before: &Counters, now: &Counters) {
        let evicted = now.keys_evicted - before.keys_evicted;
        metrics::counter!(names::PROCESSOR_SERIES_EVICTED).increment(evicted);
        if evicted > 0
            && let Some(left_out) = self.said.is_due("evicted")
        {
            warn!(
                %partition, evicted, left_out,
                "evicted agent versions: a limit of processor.monitor was reached"
            );
        }
        count_without_effect(before, now);
    }

    /// Whether the agent's events are in one order: its id is the key, and the key's partition is this
    /// one.
    fn place(&self, record: &Record<'_>, decoded: &Decoded<'_>) -> Option<Remark> {
        let agent = decoded.event.text(column::AGENT_ID).filter(|agent| !agent.is_empty())?;
        let split = "the events of the agent are in no order, and perhaps in several partitions";
        let (code, text, advice) = if record.key != Some(agent.as_bytes()) {
            let key = if record.key.is_some() { "another key than" } else { "no key, but" };
            let text = format!("the record has {key} the agent `{}`: {split}", Name(agent));
            (Code::KeyDiffers, text, "use `agent_id` as the key of the record")
        } else if partition_of(agent.as_bytes(), self.partitions) != record.partition {
            let text = format!("the agent `{}` belongs to another partition: {split}", Name(agent));
            let advice = "set the producer's partitioner to `murmur2_random`, which is the default \
                          of Java clients";
            (Code::OtherPartition, text, advice)
        } else {
            return None;
        };
        let field = column::AGENT_ID.id().path().to_owned();
        Some(Remark { code, field, text, advice: advice.to_owned() })
    }
}

/// Whether Driftseal itself writes the kind into partitions of agents.
fn is_own(kind: &Kind) -> bool {
    kind.is_written_by(Writer::Monitor) && !kind.is_written_by(Writer::Agent)
}

/// Counts what has been left out since `before`.
fn count_without_effect(before: &Counters, now: &Counters) {
    for ((reason, now), (_, before)) in
        now.without_effect().into_iter().zip(before.without_effect())
    {
        if now > before {
            metrics::counter!(names::PROCESSOR_EVENTS_WITHOUT_EFFECT, "reason" => reason)
                .increment(now - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{BatchBuilder, Decoder, Limits, TimestampType};

    fn remarks_of(key: Option<&str>, partition: i32, json: &str) -> Vec<Code> {
        let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", partition));
        let (at, by) = (1_795_507_200_000, TimestampType::LogAppendTime);
        let key = key.map(str::as_bytes);
        batch.push(0, at, by, key, Some(json.as_bytes()), std::iter::empty());
        let batch = batch.build();
        let record = batch.records().next().unwrap();
        let decoded = Decoder::new(Limits::default()).decode(&record);
        assert_eq!(decoded.fault, None);
        Remarks::new(8).place(&record, &decoded).into_iter().map(|remark| remark.code).collect()
    }

    #[test]
    fn an_agent_that_is_split_over_partitions_is_said() {
        let own = partition_of(b"support", 8);
        let other = (own + 1) % 8;
        let run = r#"{"kind":"run.completed","agent_id":"support"}"#;
        assert_eq!(remarks_of(Some("support"), own, run), []);
        // As librdkafka places keys by default.
        assert_eq!(remarks_of(Some("support"), other, run), [Code::OtherPartition]);
        assert_eq!(remarks_of(None, own, run), [Code::KeyDiffers]);
        assert_eq!(remarks_of(Some("run-7"), own, run), [Code::KeyDiffers]);
        assert_eq!(remarks_of(None, own, r#"{"kind":"order.shipped"}"#), []);
    }
}
