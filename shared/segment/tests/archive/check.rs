//! Fsck over the small archive; the tests of `evidence` use it too.

use bytes::Bytes;
use merkle::checkpoint::Checkpoint;
use merkle::{Hash, dsse, hash, rfc6962};
use segment::fsck::{Fsck, Listed, Report, Request, SegmentOutcome, SegmentTask};
use segment::layout;
use segment::log::Commit;
use segment::manifest::PAYLOAD_TYPE;
use segment::replay::Replay;

use super::common::{World, log_key, policy, sealer_key};

/// Checks a segment: its Parquet object and its census.
pub(crate) type CheckSegment<'a> =
    dyn FnMut(&SegmentTask, Option<&Bytes>, Option<&Bytes>) -> SegmentOutcome + 'a;

impl World {
    /// Appends an entry of any kind that covers an object; the log itself would refuse it.
    pub(crate) fn append_of_kind(&mut self, kind: &str, covered: &str) {
        let mut replay = Replay::new(policy());
        let mut leaves = Vec::new();
        while let Some(bytes) = self.objects.get(&layout::commit(replay.next_sequence())) {
            leaves.extend(replay.apply(bytes).unwrap().into_iter().map(|entry| entry.leaf));
        }
        let sha256 = hash::to_hex(&hash::sha256(&self.objects[covered]));
        let payload = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"entries":["1"],"kind":"{kind}","log":"{}","program":"p","reason":"r","replaced":[]}},"predicateType":"urn:driftseal:manifest:v1","subject":[{{"digest":{{"sha256":"{sha256}"}},"name":"{covered}"}}]}}"#,
            log_key().name()
        );
        let entry = dsse::sign(PAYLOAD_TYPE, payload.as_bytes(), &sealer_key());
        let sequence = replay.next_sequence();
        let commit = commit_of(sequence, &leaves, vec![entry]);
        self.objects.insert(layout::commit(sequence), commit.into());
        self.objects.remove(layout::CHECKPOINT);
    }

    /// What is below a directory.
    pub(crate) fn listed(&self, directory: &str) -> Vec<Listed> {
        let prefix = format!("{directory}/");
        let below = self.objects.iter().filter(|(path, _)| path.starts_with(&prefix));
        below
            .map(|(path, bytes)| Listed { path: path.clone(), size_bytes: bytes.len() as u64 })
            .collect()
    }

    pub(crate) fn fsck(&self) -> Report {
        self.fsck_by(&mut |task, parquet, census| task.check(parquet, census))
    }

    /// Fsck with segments checked by a function.
    pub(crate) fn fsck_by(&self, check: &mut CheckSegment<'_>) -> Report {
        let mut fsck = Fsck::new(policy());
        loop {
            match fsck.poll() {
                Request::List(directory) => fsck.handle_listing(self.listed(directory)),
                Request::Read(path) => fsck.handle_object(self.objects.get(&path).cloned()),
                Request::Check(task) => {
                    let parquet = self.objects.get(task.parquet_path());
                    let census = self.objects.get(task.census_path());
                    fsck.handle_outcome(check(&task, parquet, census));
                }
                Request::Done => return fsck.finish(),
            }
        }
    }
}

/// The commit of a log with these leaves before it, signed without asking whether it makes sense.
pub(crate) fn commit_of(sequence: u64, before: &[Hash], entries: Vec<String>) -> Vec<u8> {
    let mut leaves = before.to_vec();
    leaves.extend(entries.iter().map(|entry| hash::leaf(entry.as_bytes())));
    let checkpoint = Checkpoint {
        origin: log_key().name().to_owned(),
        size: leaves.len() as u64,
        root: rfc6962::root(&leaves),
    };
    let checkpoint = checkpoint.sign(&log_key());
    Commit { sequence, previous_size: before.len() as u64, checkpoint, entries }.to_bytes()
}
