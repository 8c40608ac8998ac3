use event::{Event, EventBuilder, TimestampType, TopicPartition, column, kind};
use merkle::Hash;

use super::*;

fn partition() -> TopicPartition {
    TopicPartition::new("agent.events", 3)
}

fn head() -> Head<'static> {
    Head {
        offset: 7,
        timestamp_ms: 1,
        timestamp_type: TimestampType::LogAppendTime,
        schema_id: "json",
        record_digest: [9; 32],
    }
}

fn event() -> Event<'static> {
    EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, event::Timestamp::from_micros(1))
        .set(column::run::INPUT, "secret")
        .set(column::run::OUTPUT, "")
        .set(column::run::DURATION_MS, -f64::NAN)
        .set(column::SUBJECT_REFS, vec!["a".to_owned(), String::new()])
        .build()
        .unwrap()
}

#[test]
fn the_salt_is_hmac_over_the_path() {
    // Computed with `hmac` of Python's standard library.
    let salts = Salts::new(&[1; 16]);
    assert_eq!(
        merkle::hash::to_hex(&salts.of("run.input")),
        "88b25598b676733abb417e945a43aa2ae4912090622854bf30bfee3479f8085b"
    );
    assert_eq!(
        merkle::hash::to_hex(&salts.of("")),
        "93102fc7af9d9b283f84956ba3dc076b9a93de9dfd82a175d1c205ff13ceb31b"
    );
}

/// A hash for each path.
type Hashes = Vec<(&'static str, Hash)>;

/// The event without a field, and what is kept of it.
fn erase(event: &Event<'static>, path: &str, salts: &Salts) -> (Event<'static>, Hashes, Hashes) {
    let mut rest = Event::empty();
    let (mut commitments, mut kept) = (Vec::new(), Vec::new());
    for (id, cell) in event.cells() {
        let column = event::schema().column(*id);
        if column.path == path {
            commitments.push((column.path.as_str(), field_commitment(*id, cell, &salts.of(path))));
            continue;
        }
        if column.erasable {
            kept.push((column.path.as_str(), salts.of(&column.path)));
        }
        rest.set(*id, cell.clone());
    }
    (rest, commitments, kept)
}

#[test]
fn erasing_any_erasable_field_leaves_the_leaf_as_it_was() {
    let salts = Salts::new(&[5; 16]);
    let mut hasher = LeafHasher::new(&partition());
    let whole = hasher.leaf(&head(), &event(), Secrets::Whole(&salts)).unwrap();
    for path in ["run.input", "run.output", "subject_refs"] {
        let (rest, commitments, kept) = erase(&event(), path, &salts);
        let secrets = Secrets::Erased { commitments: &commitments, salts: &kept };
        assert_eq!(hasher.leaf(&head(), &rest, secrets), Ok(whole), "{path}");
    }
}

#[test]
fn an_erased_row_must_name_exactly_what_is_there() {
    let salts = Salts::new(&[5; 16]);
    let mut hasher = LeafHasher::new(&partition());
    let (rest, commitments, kept) = erase(&event(), "run.input", &salts);
    type Named<'n> = &'n [(&'n str, Hash)];
    let mut leaf = |event: &Event<'_>, commitments: Named<'_>, salts: Named<'_>| {
        hasher.leaf(&head(), event, Secrets::Erased { commitments, salts })
    };
    assert_eq!(leaf(&rest, &[], &kept), Err(LeafError::Nothing));
    let still_there = leaf(&event(), &commitments, &kept);
    assert_eq!(still_there, Err(LeafError::Commitment("run.input".into())));
    let without_salt = leaf(&rest, &commitments, &kept[1..]);
    assert_eq!(without_salt, Err(LeafError::Salt("run.output".into())));
    let (less, mut both, _) = erase(&rest, "run.output", &salts);
    both.extend(&commitments);
    let without_value = leaf(&less, &both, &kept);
    assert_eq!(without_value, Err(LeafError::Salt("run.output".into())));
    both.push(both[0]);
    assert_eq!(leaf(&less, &both, &[]), Err(LeafError::Twice("run.output".into())));
    let not_erasable = leaf(&rest, &[("agent_version", [0; 32])], &kept);
    assert_eq!(not_erasable, Err(LeafError::Commitment("agent_version".into())));
}

#[test]
fn every_part_of_a_row_changes_its_leaf() {
    let salts = Salts::new(&[5; 16]);
    let mut leaves = std::collections::HashSet::new();
    let mut add =
        |partition: &TopicPartition, head: &Head<'_>, event: &Event<'_>, salts: &Salts| {
            let leaf = LeafHasher::new(partition).leaf(head, event, Secrets::Whole(salts));
            assert!(leaves.insert(leaf.unwrap()));
        };
    add(&partition(), &head(), &event(), &salts);
    add(&TopicPartition::new("agent.event", 3), &head(), &event(), &salts);
    add(&TopicPartition::new("agent.events", 4), &head(), &event(), &salts);
    add(&partition(), &Head { offset: 8, ..head() }, &event(), &salts);
    add(&partition(), &Head { timestamp_ms: 2, ..head() }, &event(), &salts);
    add(&partition(), &Head { schema_id: "", ..head() }, &event(), &salts);
    add(&partition(), &Head { record_digest: [8; 32], ..head() }, &event(), &salts);
    let created = Head { timestamp_type: TimestampType::CreateTime, ..head() };
    add(&partition(), &created, &event(), &salts);
    add(&partition(), &head(), &event(), &Salts::new(&[6; 16]));
    for (id, _) in event().cells() {
        let mut rest = Event::empty();
        for (other, cell) in event().cells() {
            if other != id {
                rest.set(*other, cell.clone());
            }
        }
        add(&partition(), &head(), &rest, &salts);
    }
}

#[test]
fn what_its_length_cannot_tell_has_no_leaf() {
    let salts = Salts::new(&[5; 16]);
    let (longest, long) = ("x".repeat(65_535), "x".repeat(65_536));
    let leaf = |topic: &str, schema_id: &str| {
        let mut hasher = LeafHasher::new(&TopicPartition::new(topic, 3));
        hasher.leaf(&Head { schema_id, ..head() }, &event(), Secrets::Whole(&salts))
    };
    assert_eq!(leaf(&long, "json"), Err(LeafError::TooLong));
    assert_eq!(leaf("agent.events", &long), Err(LeafError::TooLong));
    assert!(leaf(&longest, &longest).is_ok());
}
