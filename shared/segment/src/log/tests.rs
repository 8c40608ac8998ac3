use std::collections::BTreeMap;

use bytes::Bytes;
use event::TopicPartition;
use merkle::checkpoint::Checkpoint;
use merkle::note::{SigningKey, VerifyingKey};
use merkle::rfc6962::Frontier;

use super::*;
use crate::facts::{ObjectFacts, SegmentFacts};
use crate::manifest::{
    Installation, InstalledTopic, KeyManifest, Manifest, SegmentManifest, SignerUse,
};

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, [u8::try_from(name.len()).unwrap(); 32]).unwrap()
}

fn keys() -> Vec<VerifyingKey> {
    vec![key("log.example.com/a").verifier(), key("sealer").verifier()]
}

fn installation() -> Installation {
    let topic = InstalledTopic { name: "agent.events".into(), partitions: Some(2) };
    let (cluster, topic_prefix) = ("c".into(), String::new());
    Installation { cluster, topic_prefix, topics: vec![topic], keys: Vec::new() }
}

fn genesis(key: &SigningKey, sealer: &SigningKey) -> Planned {
    LogState::genesis(key, sealer, installation(), "driftseal/0.1.0").unwrap()
}

/// A log with its first entry only.
fn empty() -> LogState {
    let genesis = genesis(&key("log.example.com/a"), &key("sealer"));
    assert_eq!(genesis.path, "log/commit/00000000000000000000");
    LogState::open(&genesis.bytes, &keys()).unwrap()
}

/// The manifest that continues a partition in a state, over `count` offsets.
fn next(state: &LogState, partition: i32, count: u64) -> SegmentManifest {
    let partition = TopicPartition::new("agent.events", partition);
    let end = state.end(&partition);
    let first_offset = end.map_or(5, |end| end.next_offset);
    let object = ObjectFacts { sha256: [3; 32], size_bytes: 9 };
    let facts = SegmentFacts {
        partition: partition.clone(),
        first_offset,
        next_offset: first_offset + count.cast_signed(),
        count,
        gaps: Vec::new(),
        first_timestamp_ms: 0,
        min_timestamp_ms: 0,
        max_timestamp_ms: 0,
        tree_size: count.next_power_of_two(),
        root: [1; 32],
        census_rows: 1,
        census_root: [2; 32],
        schema_ids: vec!["json".into()],
        plain_fields: vec!["agent_id".into()],
        erasable_fields: Vec::new(),
        parquet: object,
        census: object,
    };
    let name = facts.name(1).unwrap();
    SegmentManifest {
        log: state.origin().to_owned(),
        cluster: "c".into(),
        topic_id: "t".into(),
        sequence: end.map_or(0, |end| end.next_sequence),
        previous: end.map(|end| end.manifest),
        last_record: [6; 32],
        writer_schemas: None,
        largest_timestamp_ms: end.map_or(0, |end| end.max_timestamp_ms.max(0)),
        head: state.reference().unwrap(),
        parquet_path: name.parquet(),
        census_path: name.census(),
        facts,
        sealer: "driftseal/0.1.0".into(),
    }
}

/// An entry that accepts a key.
fn accepting(key: &VerifyingKey, used_for: SignerUse) -> KeyManifest {
    let (log, program) = ("log.example.com/a".into(), "driftseal/0.1.0".into());
    KeyManifest { log, key: key.clone(), used_for, program }
}

fn sign(manifest: &SegmentManifest, key: &SigningKey) -> String {
    Manifest::from(manifest.clone()).sign(key).unwrap()
}

fn plan(state: &LogState, manifests: &[SegmentManifest]) -> Result<Planned, CommitError> {
    let entries = manifests.iter().map(|manifest| sign(manifest, &key("sealer")));
    state.plan(entries.collect(), &key("log.example.com/a"))
}

fn grow(state: &mut LogState, manifests: &[SegmentManifest]) -> Applied {
    let planned = plan(state, manifests).unwrap();
    state.apply(planned.sequence, &planned.bytes, &keys()).unwrap()
}

/// The log of the golden vectors: its key, the sealer's key, the commits.
pub(crate) fn example() -> (SigningKey, SigningKey, Vec<Vec<u8>>) {
    let key = SigningKey::from_seed("log.example.com/a", [1; 32]).unwrap();
    let sealer = SigningKey::from_seed("sealer.example.com/a", [2; 32]).unwrap();
    let keys = [key.verifier(), sealer.verifier()];
    let mut commits = vec![genesis(&key, &sealer).bytes];
    let mut state = LogState::open(&commits[0], &keys).unwrap();
    for count in [3, 4] {
        let entries = [next(&state, 0, count), next(&state, 1, count + 1)];
        let entries = entries.iter().map(|manifest| sign(manifest, &sealer)).collect();
        let planned = state.plan(entries, &key).unwrap();
        state.apply(planned.sequence, &planned.bytes, &keys).unwrap();
        commits.push(planned.bytes);
    }
    // The sealer's key is replaced: the old one accepts the new one, which signs what follows.
    let new = SigningKey::from_seed("sealer.example.com/a-2", [3; 32]).unwrap();
    let accepted = Manifest::Key(accepting(&new.verifier(), SignerUse::Sealer));
    let planned = state.plan(vec![accepted.sign(&sealer).unwrap()], &key).unwrap();
    state.apply(planned.sequence, &planned.bytes, &keys).unwrap();
    commits.push(planned.bytes);
    let planned = state.plan(vec![sign(&next(&state, 0, 2), &new)], &key).unwrap();
    state.apply(planned.sequence, &planned.bytes, &keys).unwrap();
    commits.push(planned.bytes);
    (key, sealer, commits)
}

#[test]
fn a_log_grows_by_commits_and_knows_the_ends_of_its_chains() {
    let mut state = empty();
    for round in 0..20_u64 {
        let manifests = [next(&state, 0, 3), next(&state, 1, 4)];
        let applied = grow(&mut state, &manifests);
        assert_eq!((applied.old_size, applied.new_size), (2 * round + 1, 2 * round + 3));
        assert_eq!(applied.entries[1].opened.manifest.segment(), Some(&manifests[1]));
    }
    assert_eq!((state.size(), state.next_sequence()), (41, 21));
    let end = state.end(&TopicPartition::new("agent.events", 1)).unwrap();
    assert_eq!((end.next_offset, end.next_sequence, end.commit), (85, 20, 20));
    let opened = Checkpoint::open(state.checkpoint(), &keys()).unwrap();
    assert_eq!((opened.size, opened.root), (41, state.root()));
}

#[test]
fn two_manifests_of_one_partition_may_stand_in_one_commit() {
    let mut state = empty();
    let first = next(&state, 0, 3);
    let mut ahead = state.clone();
    grow(&mut ahead, std::slice::from_ref(&first));
    // Both name the log before their commit.
    let second = SegmentManifest { head: first.head, ..next(&ahead, 0, 2) };
    assert_eq!(grow(&mut state, &[first, second]).new_size, 3);
}

#[test]
fn the_loser_of_a_race_cannot_apply_its_commit() {
    let mut state = empty();
    let (ours, theirs) = (next(&state, 0, 3), next(&state, 0, 4));
    let ours = plan(&state, &[ours]).unwrap();
    grow(&mut state, std::slice::from_ref(&theirs));
    let late = state.apply(ours.sequence, &ours.bytes, &keys());
    assert!(matches!(late, Err(CommitError::Mismatch { what: "number", .. })), "{late:?}");
    let again = plan(&state, &[theirs]);
    assert!(matches!(again, Err(CommitError::Chain { what: "sequence", .. })), "{again:?}");
}

#[test]
fn a_manifest_that_does_not_continue_its_chain_is_refused() {
    let mut state = empty();
    let first = next(&state, 0, 3);
    grow(&mut state, &[first]);
    type Change = (&'static str, fn(&mut SegmentManifest));
    let changes: [Change; 8] = [
        ("cluster", |m| m.cluster = "d".into()),
        ("log", |m| m.log = "log.example.com/b".into()),
        ("sequence", |m| m.sequence = 0),
        ("previous manifest", |m| m.previous = None),
        ("topic id", |m| m.topic_id = "u".into()),
        ("largest timestamp", |m| m.largest_timestamp_ms = 1),
        ("head", |m| m.head.sequence = 0),
        ("first offset", |m| {
            m.facts.first_offset += 1;
            m.facts.next_offset += 1;
            let name = m.facts.name(1).unwrap();
            (m.parquet_path, m.census_path) = (name.parquet(), name.census());
        }),
    ];
    for (expected, change) in changes {
        let mut manifest = next(&state, 0, 3);
        change(&mut manifest);
        let refused = plan(&state, &[manifest]);
        let Err(CommitError::Chain { index: 2, what, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(what, expected);
    }
}

#[test]
fn strangers_sign_neither_entries_nor_checkpoints() {
    let mut state = empty();
    let entry = sign(&next(&state, 0, 3), &key("stranger"));
    let planned = state.plan(vec![entry], &key("log.example.com/a")).unwrap();
    let refused = state.apply(1, &planned.bytes, &keys());
    assert!(matches!(refused, Err(CommitError::Entry { index: 1, .. })), "{refused:?}");
    assert!(state.plan(Vec::new(), &key("sealer")).is_err());
    let other = genesis(&key("log.example.com/bb"), &key("sealer"));
    assert!(matches!(LogState::open(&other.bytes, &keys()), Err(CommitError::Checkpoint { .. })));
    // A known key that is not the log's may not sign its checkpoint.
    let forged = plan(&state, &[next(&state, 0, 3)]).unwrap();
    let mut commit = Commit::parse(1, &forged.bytes).unwrap();
    let text = merkle::note::open(&commit.checkpoint, &keys()).unwrap().text;
    commit.checkpoint = key("sealer").sign_note(&text);
    let refused = state.apply(1, &commit.to_bytes(), &keys());
    assert!(matches!(refused, Err(CommitError::Checkpoint { .. })), "{refused:?}");
    assert_eq!(state.size(), 1);
}

#[test]
fn a_key_that_an_entry_accepts_signs_entries_behind_it_and_nothing_else() {
    let (log, new) = (key("log.example.com/a"), key("sealer-2"));
    let entry = |used_for, signer: &SigningKey| {
        Manifest::Key(accepting(&new.verifier(), used_for)).sign(signer).unwrap()
    };
    let commit = |state: &mut LogState, entries: Vec<String>| {
        let planned = state.plan(entries, &log).unwrap();
        state.apply(planned.sequence, &planned.bytes, &keys()).map(|_| ())
    };
    let unknown = |refused: Result<(), CommitError>, at: u64| {
        assert!(
            matches!(refused, Err(CommitError::Entry { index, .. }) if index == at),
            "{refused:?}"
        );
    };
    let mut state = empty();
    let by_new = |state: &LogState| sign(&next(state, 0, 3), &new);
    let before = by_new(&state);
    unknown(commit(&mut state, vec![before.clone()]), 1);
    unknown(commit(&mut state, vec![before.clone(), entry(SignerUse::Sealer, &key("sealer"))]), 1);
    unknown(commit(&mut state, vec![entry(SignerUse::Sealer, &new)]), 1);
    unknown(
        commit(&mut state, vec![entry(SignerUse::Evidence, &key("sealer")), before.clone()]),
        2,
    );
    assert_eq!((state.size(), state.accepted()), (1, &[][..]));
    // In one commit, in this order.
    commit(&mut state, vec![entry(SignerUse::Sealer, &key("sealer")), before]).unwrap();
    let next_one = by_new(&state);
    commit(&mut state, vec![next_one]).unwrap();
    assert_eq!(state.accepted().iter().map(|key| key.entry).collect::<Vec<_>>(), [1]);
    // It signs no checkpoint.
    let planned = plan(&state, &[next(&state, 0, 3)]).unwrap();
    let mut forged = Commit::parse(planned.sequence, &planned.bytes).unwrap();
    let text = merkle::note::open(&forged.checkpoint, &keys()).unwrap().text;
    forged.checkpoint = new.sign_note(&text);
    let refused = state.apply(forged.sequence, &forged.to_bytes(), &keys());
    assert!(matches!(refused, Err(CommitError::Checkpoint { .. })), "{refused:?}");
}

#[test]
fn a_log_gives_a_name_one_key() {
    let mut state = empty();
    let other = |name: &str| SigningKey::from_seed(name, [9; 32]).unwrap().verifier();
    let plan_of = |state: &LogState, key: &VerifyingKey| {
        let entry = Manifest::Key(accepting(key, SignerUse::Evidence));
        let entry = entry.sign(&self::key("sealer")).unwrap();
        state.plan(vec![entry], &self::key("log.example.com/a"))
    };
    let planned = plan_of(&state, &other("sealer")).unwrap();
    let refused = state.apply(1, &planned.bytes, &keys());
    assert!(matches!(refused, Err(CommitError::Chain { what: "key of that name", .. })));
    let planned = plan_of(&state, &other("evidence-2")).unwrap();
    state.apply(1, &planned.bytes, &keys()).unwrap();
    assert!(plan_of(&state, &other("evidence-2")).is_ok());
    let refused = plan_of(&state, &key("evidence-2").verifier());
    assert!(matches!(refused, Err(CommitError::Chain { what: "key of that name", .. })));
}

#[test]
fn every_changed_bit_of_a_commit_is_refused_and_the_state_stays() {
    let state = empty();
    let planned = plan(&state, &[next(&state, 0, 3)]).unwrap();
    for at in 0..planned.bytes.len() {
        for bit in 0..8 {
            let mut changed = planned.bytes.clone();
            changed[at] ^= 1 << bit;
            let mut state = state.clone();
            assert!(state.apply(1, &changed, &keys()).is_err(), "byte {at}");
            assert_eq!((state.size(), state.next_sequence()), (1, 1));
        }
    }
}

#[test]
fn the_derived_objects_end_with_the_checkpoint() {
    let mut state = empty();
    let planned = plan(&state, &[next(&state, 0, 3)]).unwrap();
    let (applied, objects) = state.apply_and_derive(1, &planned.bytes, &keys()).unwrap();
    let paths: Vec<_> = objects.iter().map(|object| object.path.as_str()).collect();
    assert_eq!(paths, ["log/tile/entries/000.p/2", "log/tile/0/000.p/2", "log/checkpoint"]);
    assert_eq!(objects[1].bytes[32..], applied.entries[0].leaf);
    assert_eq!(objects[2].bytes, state.checkpoint().as_bytes());
}

#[test]
fn a_log_begins_with_its_installation_and_holds_no_other() {
    let state = empty();
    assert_eq!(state.installation(), &installation());
    let again = genesis(&key("log.example.com/a"), &key("sealer"));
    let entry = Commit::parse(0, &again.bytes).unwrap().entries.remove(0);
    let refused = state.plan(vec![entry], &key("log.example.com/a"));
    assert!(
        matches!(refused, Err(CommitError::Chain { index: 1, what: "kind", .. })),
        "{refused:?}"
    );
    let planned = plan(&state, &[next(&state, 0, 3)]).unwrap();
    let mut commit = Commit::parse(1, &planned.bytes).unwrap();
    commit.sequence = 0;
    commit.previous_size = 0;
    let refused = LogState::open(&commit.to_bytes(), &keys());
    assert!(
        matches!(refused, Err(CommitError::Chain { index: 0, what: "kind", .. })),
        "{refused:?}"
    );
    assert!(matches!(plan(&state, &[]), Err(CommitError::Form { .. })));
}

/// A log of so many commits in two partitions; its objects by path, and its state.
fn grown(commits: u64) -> (BTreeMap<String, Bytes>, LogState) {
    let first = genesis(&key("log.example.com/a"), &key("sealer"));
    let mut objects = BTreeMap::from([(first.path, Bytes::from(first.bytes.clone()))]);
    let (mut state, derived) = LogState::open_and_derive(&first.bytes, &keys()).unwrap();
    let mut keep = |derived: Vec<DerivedObject>, state: &LogState| {
        objects.extend(derived.into_iter().map(|object| (object.path, object.bytes.into())));
        let head = state.head().unwrap();
        let signed = head.sign(&key("log.example.com/a")).into();
        objects.insert(crate::layout::head(head.sequence), signed);
    };
    keep(derived, &state);
    let mut commits_made = Vec::new();
    for number in 0..commits {
        let manifests = [next(&state, 0, 3), next(&state, 1, 4)];
        let planned = plan(&state, &manifests[..1 + usize::from(number % 3 == 0)]).unwrap();
        let (_, derived) =
            state.apply_and_derive(planned.sequence, &planned.bytes, &keys()).unwrap();
        keep(derived, &state);
        commits_made.push((planned.path, Bytes::from(planned.bytes)));
    }
    objects.extend(commits_made);
    (objects, state)
}

fn resume(objects: &BTreeMap<String, Bytes>, sequence: u64) -> Result<LogState, ResumeError> {
    let object = |path: &str| objects[path].clone();
    let head = Head::open(&object(&crate::layout::head(sequence)), &keys())?;
    let edge: Vec<_> = LogState::edge(head.size()).iter().map(|path| object(path)).collect();
    let commit = object(&crate::layout::commit(sequence));
    LogState::resume(&object(&crate::layout::commit(0)), &head, &commit, &edge, &keys())
}

#[test]
fn a_log_that_is_resumed_at_any_head_is_the_log_that_was_read_whole() {
    let (objects, whole) = grown(300);
    for sequence in [0, 1, 2, 190, 191, 192, 193, 299, 300] {
        let mut state = resume(&objects, sequence).unwrap();
        for number in sequence + 1..=300 {
            let commit = &objects[&crate::layout::commit(number)];
            let (_, derived) = state.apply_and_derive(number, commit, &keys()).unwrap();
            for object in derived.iter().filter(|object| object.path != "log/checkpoint") {
                assert_eq!(objects[&object.path], object.bytes, "{}", object.path);
            }
        }
        assert_eq!(state.head(), whole.head());
        assert_eq!(state.checkpoint(), whole.checkpoint());
    }
}

#[test]
fn no_changed_bit_of_a_head_its_commit_or_its_tiles_is_resumed() {
    let (objects, state) = grown(3);
    let mut paths = LogState::edge(state.size());
    paths.extend([crate::layout::head(3), crate::layout::commit(3), crate::layout::commit(0)]);
    assert_eq!(paths.len(), 5, "{paths:?}");
    for path in paths {
        for at in (0..objects[&path].len()).step_by(7) {
            let mut changed = objects[&path].to_vec();
            changed[at] ^= 1 << (at % 8);
            let mut objects = objects.clone();
            objects.insert(path.clone(), changed.into());
            assert!(resume(&objects, 3).is_err(), "{path} byte {at}");
        }
    }
}

#[test]
fn a_head_of_another_commit_log_or_key_is_not_resumed() {
    let (mut objects, state) = grown(3);
    let head = state.head().unwrap();
    let path = crate::layout::head(2);
    objects.insert(path.clone(), objects[&crate::layout::head(3)].clone());
    assert!(matches!(resume(&objects, 2), Err(ResumeError::Head(HeadError::Commit { .. }))));
    objects.insert(path.clone(), head.sign(&key("sealer")).into());
    assert!(matches!(resume(&objects, 2), Err(ResumeError::Head(HeadError::Form(_)))));
    objects.insert(path, head.sign(&key("stranger")).into());
    assert!(matches!(resume(&objects, 2), Err(ResumeError::Head(HeadError::Envelope(_)))));
}

#[test]
fn a_head_of_another_tree_than_its_checkpoint_is_not_resumed_though_the_log_signed_it() {
    let (mut objects, state) = grown(3);
    let head = state.head().unwrap();
    let mut subtrees = head.frontier.subtrees().to_vec();
    *subtrees.last_mut().unwrap() = [9; 32];
    let frontier = Frontier::from_subtrees(head.size(), subtrees).unwrap();
    let other = Head { frontier, ..head };
    objects.insert(crate::layout::head(3), other.sign(&key("log.example.com/a")).into());
    let refused = resume(&objects, 3);
    assert!(
        matches!(refused, Err(ResumeError::Head(HeadError::Commit { what: "root", .. }))),
        "{refused:?}"
    );
}

#[test]
fn the_end_of_a_chain_knows_how_far_its_timestamps_lie_apart() {
    let mut state = empty();
    let partition = TopicPartition::new("agent.events", 0);
    for (min, max, expected) in [(10, 20, (20, 0)), (25, 30, (30, 0)), (12, 28, (30, 18))] {
        let mut manifest = next(&state, 0, 3);
        let facts = &mut manifest.facts;
        (facts.min_timestamp_ms, facts.first_timestamp_ms, facts.max_timestamp_ms) =
            (min, min, max);
        manifest.largest_timestamp_ms = expected.0;
        grow(&mut state, &[manifest]);
        let end = state.end(&partition).unwrap();
        assert_eq!((end.max_timestamp_ms, end.disorder_ms), expected);
    }
}
