//! A log of which everything can be forged: by whoever has the keys, and asks no rule.

use bytes::Bytes;
use event::TopicPartition;
use merkle::checkpoint::Checkpoint;
use merkle::multiproof::Shape;
use merkle::{Hash, dsse, hash, rfc6962};
use segment::excerpt::Excerpt;
use segment::layout;
use segment::log::{ChainEnd, Commit, Head, LogKey};
use segment::manifest::{Manifest, PAYLOAD_TYPE, SegmentManifest};
use segment::replay::{Entry, Replay};

use crate::common::{World, log_key, policy, sealer_key};

#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) entries: Vec<Entry>,
    /// The log after its last commit.
    pub(crate) head: Head,
    /// The head before the last commit.
    pub(crate) before: Head,
    pub(crate) commits: Vec<(String, Bytes)>,
}

impl Forge {
    /// The log of an archive, as it is.
    pub(crate) fn of(world: &World) -> Self {
        let mut replay = Replay::new(policy());
        let (mut entries, mut heads) = (Vec::new(), Vec::new());
        while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
            entries.extend(replay.apply(bytes).unwrap());
            heads.push(replay.head().unwrap());
        }
        let [.., before, head] = &heads[..] else { panic!("there is a segment") };
        Self { entries, head: head.clone(), before: before.clone(), commits: Vec::new() }
    }

    /// The manifest of the next segment of a partition: the last one's, moved on.
    pub(crate) fn next(&self, partition: &TopicPartition, at_ms: i64) -> SegmentManifest {
        let of_partition = self.entries.iter().rev().find_map(|entry| {
            let segment = entry.opened.manifest.segment()?;
            (segment.facts.partition == *partition).then_some(segment)
        });
        let end = &self.head.ends[partition];
        let mut manifest = of_partition.unwrap().clone();
        let facts = &mut manifest.facts;
        let offsets = facts.next_offset - facts.first_offset;
        (facts.first_offset, facts.next_offset) = (end.next_offset, end.next_offset + offsets);
        facts.first_timestamp_ms = at_ms;
        (facts.min_timestamp_ms, facts.max_timestamp_ms) = (at_ms, at_ms);
        let name = facts.name(9).unwrap();
        (manifest.parquet_path, manifest.census_path) = (name.parquet(), name.census());
        manifest.sequence = end.next_sequence;
        manifest.previous = Some(end.manifest);
        manifest.largest_timestamp_ms = end.max_timestamp_ms.max(at_ms);
        manifest.head = self.head.reference();
        manifest
    }

    /// Appends a commit with these segments.
    pub(crate) fn commit(&mut self, manifests: Vec<SegmentManifest>) {
        let signed = manifests.into_iter().map(|manifest| {
            let manifest = Manifest::from(manifest);
            manifest.sign(&sealer_key()).unwrap()
        });
        self.append(signed.collect());
    }

    /// Appends a commit with an entry of any kind.
    pub(crate) fn commit_of_kind(&mut self, kind: &str) {
        self.commit_about(kind, 1);
    }

    /// Appends a commit with an entry of any kind about an entry before it.
    pub(crate) fn commit_about(&mut self, kind: &str, entry: u64) {
        let payload = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"entries":["{entry}"],"kind":"{kind}","log":"{}","program":"p","reason":"r","replaced":[]}},"predicateType":"urn:driftseal:manifest:v1","subject":[{{"digest":{{"sha256":"{}"}},"name":"x"}}]}}"#,
            log_key().name(),
            hash::to_hex(&[3; 32]),
        );
        self.append(vec![dsse::sign(PAYLOAD_TYPE, payload.as_bytes(), &sealer_key())]);
    }

    /// Appends a commit with these entries.
    pub(crate) fn append(&mut self, envelopes: Vec<String>) {
        let sequence = self.head.sequence + 1;
        let previous_size = self.head.size();
        self.before = self.head.clone();
        for envelope in &envelopes {
            let leaf = hash::leaf(envelope.as_bytes());
            let opened = Manifest::peek(envelope.as_bytes()).unwrap();
            if let Some(segment) = opened.manifest.segment() {
                let end = self.head.ends.get(&segment.facts.partition);
                let max_ms = end.map_or(i64::MIN, |end| end.max_timestamp_ms);
                let late = max_ms.abs_diff(segment.facts.min_timestamp_ms.min(max_ms));
                let end = ChainEnd {
                    last_record: segment.last_record,
                    writer_schemas: segment.writer_schemas,
                    topic_id: segment.topic_id.clone(),
                    next_offset: segment.facts.next_offset,
                    manifest: opened.digest,
                    next_sequence: segment.sequence + 1,
                    commit: sequence,
                    max_timestamp_ms: max_ms.max(segment.facts.max_timestamp_ms),
                    disorder_ms: end.map_or(0, |end| end.disorder_ms.max(late)),
                };
                self.head.ends.insert(segment.facts.partition.clone(), end);
            }
            let index = self.head.size();
            self.head.keys.extend(LogKey::of(index, &opened.manifest));
            self.head.frontier.append(leaf);
            self.entries.push(Entry { index, envelope: envelope.clone(), leaf, opened });
        }
        let checkpoint = self.checkpoint();
        let commit = Commit { sequence, previous_size, checkpoint, entries: envelopes }.to_bytes();
        self.head.sequence = sequence;
        self.head.commit = hash::sha256(&commit);
        self.commits.push((layout::commit(sequence), commit.into()));
    }

    /// The checkpoint of the log, signed by its key.
    pub(crate) fn checkpoint(&self) -> String {
        let (size, root) = (self.head.size(), self.head.root());
        Checkpoint { origin: log_key().name().to_owned(), size, root }.sign(&log_key())
    }

    /// An excerpt with these entries of the log, well proved.
    pub(crate) fn excerpt(&self, head: Head, entries: Vec<Entry>) -> Excerpt {
        let old = entries.iter().map(|entry| entry.index).filter(|index| *index < head.size());
        let nodes = Shape::of(head.size()).nodes(&old.collect::<Vec<_>>()).unwrap_or_default();
        let leaves: Vec<Hash> = self.entries.iter().map(|entry| entry.leaf).collect();
        let nodes = nodes.into_iter().map(|node| {
            let range = usize::try_from(node.from).unwrap()..usize::try_from(node.to).unwrap();
            rfc6962::root(&leaves[range])
        });
        Excerpt { nodes: nodes.collect(), head, entries }
    }
}
