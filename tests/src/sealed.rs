//! A sealed archive as a reader sees it: the files of a directory and the public keys.
//!
//! It follows the log as it grows, so a test can wait until something is sealed, and then reads
//! every row in the order of the chains.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use event::TopicPartition;
use governance::{Installation, Trust};
use merkle::note::VerifyingKey;
use segment::layout;
use segment::log::LogState;
use segment::manifest::{KeyUse, SegmentManifest};
use segment::read::{ReadError, Row, for_each_row};

/// A sealed archive.
#[derive(Debug)]
pub struct Sealed {
    root: PathBuf,
    keys: Vec<VerifyingKey>,
    state: Option<LogState>,
    manifests: Vec<SegmentManifest>,
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
impl Sealed {
    /// The archive in a directory, to be read with the keys of a policy file.
    ///
    /// # Panics
    ///
    /// If the policy cannot be read.
    #[must_use]
    pub fn open(root: &Path, policy: &Path) -> Self {
        let policy = std::fs::read_to_string(policy).unwrap();
        let keys = policy
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .map(|(_, key)| VerifyingKey::parse(key.trim()).unwrap())
            .collect();
        Self { root: root.to_path_buf(), keys, state: None, manifests: Vec::new() }
    }

    /// The installation that the log begins with, and the keys that count in its topics.
    ///
    /// # Panics
    ///
    /// If nothing was read, or a key is none.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let state = self.state.as_ref().unwrap();
        let installation = Installation {
            origin: state.origin().to_owned(),
            topic_prefix: state.installation().topic_prefix.clone(),
        };
        let keys = |used_for| state.installation().keys_for(used_for);
        Trust::parse(installation, keys(KeyUse::Processor), keys(KeyUse::Governance)).unwrap()
    }

    /// Verifies the commits that are new.
    ///
    /// # Panics
    ///
    /// If one does not verify.
    pub fn refresh(&mut self) {
        loop {
            let sequence = self.state.as_ref().map_or(0, LogState::next_sequence);
            let path = self.root.join(layout::commit(sequence));
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(error) => panic_of(&path, &error),
            };
            match &mut self.state {
                None => self.state = Some(LogState::open(&bytes, &self.keys).unwrap()),
                Some(state) => {
                    let applied = state.apply(sequence, &bytes, &self.keys).unwrap();
                    let new = applied
                        .entries
                        .into_iter()
                        .filter_map(|entry| entry.opened.manifest.into_segment());
                    self.manifests.extend(new);
                }
            }
        }
    }

    /// Up to where each partition of a topic is sealed.
    #[must_use]
    pub fn ends(&self, topic: &str) -> BTreeMap<i32, i64> {
        let ends = self.state.iter().flat_map(|state| state.ends());
        ends.filter(|(partition, _)| &*partition.topic == topic)
            .map(|(partition, end)| (partition.partition, end.next_offset))
            .collect()
    }

    /// Number of segments.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.manifests.len()
    }

    /// Segment files, in the order of the log.
    #[must_use]
    pub fn parquet_files(&self) -> Vec<PathBuf> {
        self.manifests.iter().map(|manifest| self.root.join(&manifest.parquet_path)).collect()
    }

    /// Visits every row of a topic; those of one partition in offset order.
    ///
    /// # Panics
    ///
    /// If a segment cannot be read.
    pub fn rows(&self, topic: &str, mut visit: impl FnMut(&TopicPartition, &Row<'_>)) {
        let of_topic =
            self.manifests.iter().filter(|manifest| &*manifest.facts.partition.topic == topic);
        for manifest in of_topic {
            let bytes = Bytes::from(std::fs::read(self.root.join(&manifest.parquet_path)).unwrap());
            for_each_row(&bytes, |partition, row| {
                visit(partition, row);
                Ok::<(), ReadError>(())
            })
            .unwrap();
        }
    }
}

#[expect(clippy::panic, reason = "a failed step fails the test")]
fn panic_of(path: &Path, error: &std::io::Error) -> ! {
    panic!("failed to read {}: {error}", path.display())
}
