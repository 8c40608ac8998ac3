//! What a worker says and is told about the schemas of other writers.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{SchemaKey, TopicPartition, encode, kind};
use governance::{ANSWER_KEY, Answer, Schemas, sign_answer};
use ports::{EventLog, LogError, Producer, publish_and_wait};
use service::RoleError;
use service::clock;
use tracing::{info, warn};

use super::Worker;
use crate::config::Config;
use crate::identity::Identity;
use crate::outbox::{DESTINATIONS, Outbox};
use crate::statement::{record, schemas};

impl Worker {
    /// The record that waits for its schema, if any.
    pub(crate) fn waiting(&self) -> Option<(&TopicPartition, i64, SchemaKey)> {
        self.reader.held().map(|held| (&self.input, held.at, held.key))
    }

    /// Answers what a record waits for, if it is time.
    pub(super) fn answer(&mut self, passed: Option<i64>) -> Result<(), RoleError> {
        let end = || self.log.offsets(&self.input).map(|range| range.next);
        if let Some(answer) = self.answering.due(&self.reader, passed, end)?
            && let Some(offset) = self.write_answer(&answer)?
        {
            self.answering.wrote(offset);
        }
        Ok(())
    }

    /// Says what is known, when the worker has become the owner; and later if another owner had other
    /// settings.
    pub(super) fn announce(&mut self) -> Result<(), RoleError> {
        let machine = &self.machine;
        let answers = self.answering.announcement(machine.schemas(), machine.next_offset());
        for answer in answers {
            self.write_answer(&answer)?;
        }
        Ok(())
    }

    /// Writes an answer into the partition. Returns its offset; none if it was too large.
    fn write_answer(&mut self, answer: &Answer) -> Result<Option<i64>, RoleError> {
        let writing = (&*self.config, &*self.identity, &*self.producer);
        let written = match write(writing, &self.input, answer) {
            Ok(offset) => Some(offset),
            Err(RoleError::Log(error @ LogError::TooLarge { .. })) if self.answering.halve() => {
                warn!(partition = %self.input, %error, "what is known of schemas does not fit; trying less of it");
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(offset) = written {
            info!(
                partition = %self.input, offset, is_on = answer.is_on, through = answer.through,
                schemas = answer.schemas.len(), missing = answer.missing.len(),
                "wrote what is known of schemas"
            );
        }
        Ok(written)
    }

    pub(super) fn report_doubts(&mut self) {
        for (offset, taken) in self.reader.take_doubts() {
            for (keys, what) in [
                (taken.conflicts, "is known with another text already, which stays"),
                (taken.refused, "is beyond the limits of the partition"),
                (taken.unusable, "cannot be used by this build; its records are quarantined"),
            ] {
                for schema in keys {
                    warn!(partition = %self.input, offset, %schema, "a schema {what}");
                }
            }
        }
    }
}

/// Says what the schema of this build is, before anything is written with it: a reader of another build
/// may not know it.
pub(super) fn announce_own(
    writing: (&Config, &Identity, &dyn Producer),
    log: &dyn EventLog,
    (input, known): (&TopicPartition, &Schemas),
    outbox: &Outbox,
) -> Result<(), RoleError> {
    let own =
        (SchemaKey::Fingerprint(encode::fingerprint()), event::schema().avro_json().to_owned());
    let mut answer = Answer {
        is_on: known.is_on(),
        through: known.through(),
        schemas: BTreeMap::from([own]),
        ..Answer::default()
    };
    write(writing, input, &answer)?;
    answer.is_on = false;
    for destination in DESTINATIONS {
        let topic = Arc::clone(outbox.topic(destination));
        let output = TopicPartition::new(topic, input.partition);
        answer.through = log.offsets(&output)?.next - 1;
        write(writing, &output, &answer)?;
    }
    info!(partition = %input, "said what the schema of this build is");
    Ok(())
}

/// Writes an answer into a partition. Returns its offset.
fn write(
    (config, identity, producer): (&Config, &Identity, &dyn Producer),
    partition: &TopicPartition,
    answer: &Answer,
) -> Result<i64, RoleError> {
    let event = schemas(&config.monitor_id, clock::now_ms(), answer)
        .map_err(|error| RoleError::output(kind::MONITOR_SCHEMAS, &error))?;
    let place = (&*partition.topic, partition.partition);
    let event = sign_answer(&identity.key, identity.trust.installation(), place, event);
    let record = record(&event, partition).with_key(ANSWER_KEY);
    let positions = publish_and_wait(producer, vec![record], config.publish_wait())?;
    let Some(position) = positions.first() else {
        unreachable!("an acknowledged record has a position")
    };
    Ok(position.offset)
}

#[cfg(test)]
mod tests {
    use event::{Decoder, Limits, column};
    use governance::{Installation, Schemas, Trust, take_answer};
    use merkle::note::SigningKey;
    use ports::{EventLog, TopicSpec};
    use sim::MemoryLog;

    use super::*;
    use crate::config::Config;
    use crate::identity::Identity;
    use crate::load::{Loaded, new_writer};
    use crate::saved::{Keyspace, Ledger};

    #[test]
    fn a_build_with_another_schema_than_the_one_before_says_so_where_it_writes() {
        let config = Arc::new(Config::default());
        let topics = &config.topics;
        let log = MemoryLog::new();
        let names = [&topics.events, &topics.metrics, &topics.alerts, &topics.state];
        let specs = names.map(|name| TopicSpec {
            name: name.clone(),
            partitions: 1,
            compacted: *name == topics.state,
            kept: false,
        });
        log.create_topics(&specs).unwrap();
        let key = SigningKey::from_seed("log.example.com/processor", [1; 32]).unwrap();
        let installation =
            Installation { origin: "log.example.com".to_owned(), topic_prefix: String::new() };
        let none: [String; 0] = [];
        let trust = Trust::parse(installation, [key.verifier().to_vkey()], none).unwrap();
        let identity = Arc::new(Identity { key, trust: trust.clone() });
        let input = TopicPartition::new(topics.events.as_str(), 0);
        let decoder = Decoder::new(Limits::default());
        let shared: Arc<dyn EventLog> = Arc::new(log.clone());
        let open = |fingerprint| {
            let machine = monitor::Processor::new(config.monitor.clone(), &input.topic, 0)
                .with_ownership(governance::Ownership::new(trust.clone()));
            let keys = Keyspace::new(trust.installation(), &input);
            let ledger = Ledger::new(keys, new_writer(), config.snapshot_chunk_bytes_max);
            let loaded = Loaded {
                machine,
                last_record: None,
                output_next: [0, 0],
                fingerprint,
                begins_at: None,
                ledger,
            };
            let loaded = ("id", Some(loaded));
            Worker::begin((&config, &identity), (&decoder, None), &shared, &input, loaded).unwrap()
        };
        let own = encode::fingerprint();
        let said = |topic: &str| {
            let batch = log.records(&TopicPartition::new(topic, 0)).unwrap();
            let mut schemas = Schemas::default();
            for record in batch.records() {
                if let Some(taken) = take_answer(&mut schemas, &trust, &decoder, &record) {
                    taken.unwrap();
                }
            }
            schemas.known().keys().copied().collect::<Vec<_>>()
        };
        let topics = [&topics.events, &topics.metrics, &topics.alerts];
        drop(open(own));
        assert!(topics.iter().all(|topic| said(topic).is_empty()), "the same needs no word");
        drop(open(7));
        for topic in topics {
            assert_eq!(said(topic), [SchemaKey::Fingerprint(own)], "{topic}");
            // Whoever does not know the schema must be able to read what it is.
            let batch = log.records(&TopicPartition::new(topic.as_str(), 0)).unwrap();
            let said = batch.records().find(|record| record.key == Some(ANSWER_KEY)).unwrap();
            assert_eq!(said.value.unwrap()[0], b'{', "{topic}");
        }
        let batch = log.records(&input).unwrap();
        let kinds: Vec<_> = batch
            .records()
            .map(|record| decoder.decode(&record).event.text(column::KIND).unwrap().to_owned())
            .collect();
        let said = kinds.iter().position(|kind| kind == kind::MONITOR_SCHEMAS).unwrap();
        let claims = kinds[said..].iter().filter(|kind| *kind == kind::MONITOR_STARTED).count();
        assert_eq!(claims, 1, "the claim of the build comes behind it: {kinds:?}");
    }
}
