//! Records of other writers are sealed as what the processor says that they are.

use event::{EventBuilder, SchemaKey, Timestamp, column, kind};
use governance::{ANSWER_KEY, Answer, sign_answer};

use super::*;

const SCHEMA: &str = r#"{"type":"record","name":"Run","fields":[
    {"name":"kind","type":"string"},{"name":"agent_id","type":"string"}]}"#;

/// A run in a Confluent frame.
fn framed(id: u32) -> Option<Vec<u8>> {
    let mut value = vec![0];
    value.extend_from_slice(&id.to_be_bytes());
    value.extend_from_slice(b"\x1arun.completed\x02a");
    Some(value)
}

fn found(through: i64) -> Answer {
    let schemas = BTreeMap::from([(SchemaKey::Id(7), SCHEMA.to_owned())]);
    Answer { is_on: true, through, schemas, ..Answer::default() }
}

impl World {
    fn answer_by(&self, key: &SigningKey, answer: &Answer) {
        let event = EventBuilder::new(kind::MONITOR_SCHEMAS)
            .set(column::EVENT_ID, "a")
            .set(column::EVENT_TIME, Timestamp::from_micros(1_790_000_000_000_000));
        let of = governance::Installation {
            origin: self.keys.log.verifier().name().to_owned(),
            topic_prefix: String::new(),
        };
        let event = sign_answer(key, &of, (TOPIC, 0), answer.write(event).build().unwrap());
        self.publish_records(0, vec![Outgoing::event(TOPIC, &event).with_key(ANSWER_KEY)]);
    }

    fn answer(&self, answer: &Answer) {
        self.answer_by(&processor(), answer);
    }

    /// Schema id of each sealed record of partition 0.
    fn schema_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for manifest in self.manifests().iter().filter(|of| of.facts.partition == tp(0)) {
            let parquet = self.archive.get(&manifest.parquet_path).unwrap();
            for_each_row(&parquet, |_, row| -> Result<(), ReadError> {
                ids.push(row.schema_id.to_owned());
                Ok(())
            })
            .unwrap();
        }
        ids
    }
}

fn is_foreign(id: &str) -> bool {
    id.starts_with("avro:") && id != event::decode::bundled_schema_id()
}

#[test]
fn a_record_waits_for_the_processor_and_whoever_seals_later_knows_the_same() {
    let world = World::new();
    world.publish(0, 1);
    world.answer(&Answer { is_on: true, through: 0, ..Answer::default() });
    world.publish_values(0, vec![framed(7), framed(9)]);
    world.publish(0, 1);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    balance(&shell);
    assert_eq!(shell.meters.totals.sealed, 2, "what comes behind waits, too");
    assert_eq!(shell.lag(&tp(0)), Some(3));
    // Somebody else says what it is: nothing changes.
    let stranger = SigningKey::from_seed("log.example.com/test/processor", [9; 32]).unwrap();
    world.answer_by(&stranger, &found(4));
    settle(&mut shell).unwrap();
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    assert_eq!(shell.meters.totals.sealed, 2);
    // Its successor waits, too, and then goes on.
    drop(shell);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    world.answer(&found(4));
    settle(&mut shell).unwrap();
    world.advance(AGE_MS);
    settle(&mut shell).unwrap();
    balance(&shell);
    assert_eq!(shell.lag(&tp(0)), Some(0));
    let ids = world.schema_ids();
    assert!(is_foreign(&ids[2]) && ids[3] == "none" && ids[4] == "json", "{ids:?}");
    drop(shell);
    // What is known is known after a restart without a word.
    world.publish_values(0, vec![framed(7)]);
    assert_eq!(world.seal_everything(), 0);
    assert_eq!(world.schema_ids().last(), Some(&ids[2]));
    world.verify();
    let named: Vec<_> = world.manifests().iter().map(|of| of.writer_schemas).collect();
    assert!(named.iter().all(Option::is_some), "{named:?}");
    assert_ne!(named.first(), named.last());
    assert_eq!(named.last(), named.get(named.len() - 2), "one that adds nothing is the same");
    let documents = world.archive.list("schemas").unwrap();
    assert_eq!(documents.len(), 2, "{documents:?}");
}

#[test]
fn each_segment_names_what_is_known_behind_its_own_records() {
    let world = World::new();
    world.answer(&Answer { is_on: true, through: -1, ..Answer::default() });
    world.answer(&Answer { is_on: true, through: 0, ..Answer::default() });
    world.publish_values(0, vec![framed(7)]);
    // So large that a batch holds two.
    let text = "x".repeat(400_000);
    let large =
        format!(r#"{{"kind":"run.completed","agent_id":"a","note":"{text}"}}"#).into_bytes();
    world.publish_values(0, vec![Some(large); 9]);
    world.answer(&found(11));
    world.publish_values(0, vec![framed(7)]);
    let mut shell = world.start().unwrap();
    settle(&mut shell).unwrap();
    // Four records are a segment; the record that waited is in the first, its answer in the last.
    shell.drain().unwrap();
    balance(&shell);
    let ids = world.schema_ids();
    assert_eq!(ids.iter().filter(|id| is_foreign(id)).count(), 2, "{ids:?}");
    let known: Vec<_> = world
        .manifests()
        .iter()
        .map(|of| {
            let path = segment::layout::schemas(&of.writer_schemas.unwrap());
            let document = world.archive.get(&path).unwrap();
            let known = governance::Schemas::parse(&document).unwrap();
            (of.facts.next_offset, known.through(), known.known().len())
        })
        .collect();
    let before = |(next, through, count): &(i64, i64, usize)| {
        if *next <= 12 { (*through, *count) == (0, 0) } else { (*through, *count) == (11, 1) }
    };
    assert!(known.len() > 1 && known.iter().all(before), "{known:?}");
    world.verify();
}

#[test]
fn a_document_that_is_gone_or_other_ends_the_sealer_and_fails_the_archive() {
    let world = World::new();
    world.publish(0, 1);
    world.answer(&found(0));
    world.seal_everything();
    let path = world.archive.list("schemas").unwrap().remove(0).path;
    let stored = world.archive.get(&path).unwrap();
    for other in [None, Some(&b"{}"[..])] {
        world.archive.delete(&path).unwrap();
        if let Some(other) = other {
            world.archive.put_new(&path, other.to_vec()).unwrap();
        }
        let mut shell = world.start().unwrap();
        let error = settle(&mut shell).unwrap_err();
        assert!(error.to_string().contains("Restore it from a copy"), "{error}");
        let report = fsck(&world.archive, &world.keys);
        assert!(report.to_text().contains(&path), "{}", report.to_text());
        assert!(report.findings.iter().any(|finding| finding.severity == Severity::Failed));
        assert_eq!(report.findings.len(), 1);
    }
    world.archive.delete(&path).unwrap();
    world.archive.put_new(&path, stored).unwrap();
    world.verify();
}

#[test]
fn what_a_newer_build_writes_is_read_once_it_has_said_what_its_schema_is() {
    let mut newer: serde_json::Value = serde_json::from_str(event::schema().avro_json()).unwrap();
    let novelty =
        serde_json::json!({"name": "novelty", "type": ["null", "string"], "default": null});
    newer["fields"].as_array_mut().unwrap().push(novelty);
    let newer = newer.to_string();
    let parsed = apache_avro::Schema::parse_str(&newer).unwrap();
    let fingerprint = parsed.fingerprint::<apache_avro::rabin::Rabin>().bytes;
    // A record in Avro is its fields, one after the other; the last one is new.
    let written = |id: &str| {
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, id)
            .set(column::EVENT_TIME, Timestamp::from_micros(1_790_000_000_000_000))
            .set(column::AGENT_ID, "a")
            .build()
            .unwrap();
        let mut value = Vec::new();
        event::encode::encode(&event, &mut value);
        value[2..10].copy_from_slice(&fingerprint);
        value.extend_from_slice(b"\x02\x06new");
        Some(value)
    };
    let world = World::new();
    world.publish_values(0, vec![written("too-early")]);
    let number = u64::from_le_bytes(*fingerprint.first_chunk().unwrap());
    let schemas = BTreeMap::from([(SchemaKey::Fingerprint(number), newer)]);
    world.answer(&Answer { is_on: false, through: 0, schemas, ..Answer::default() });
    world.publish_values(0, vec![written("in-time")]);
    world.seal_everything();
    let ids = world.schema_ids();
    assert!(ids[0] == "none" && is_foreign(&ids[2]), "{ids:?}");
    let mut read = Vec::new();
    for manifest in world.manifests() {
        let parquet = world.archive.get(&manifest.parquet_path).unwrap();
        for_each_row(&parquet, |_, row| -> Result<(), ReadError> {
            let id = row.event.text(column::EVENT_ID).unwrap().to_owned();
            let attributes = row.event.map(column::ATTRIBUTES).iter();
            let attributes = attributes.map(|(name, value)| format!("{name}={value}"));
            read.push((id, attributes.collect::<Vec<_>>()));
            Ok(())
        })
        .unwrap();
    }
    let (id, attributes) = read.pop().unwrap();
    assert_eq!((id.as_str(), attributes), ("in-time", vec!["novelty=new".to_owned()]));
    world.verify();
}
