//! A log of any number of segments, only a few of which exist: an object store that makes commits,
//! heads and tiles on demand, and counts requests and bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use event::{BatchBuilder, Decoder, TimestampType, TopicPartition};
use futures::StreamExt;
use futures::stream::BoxStream;
use merkle::checkpoint::Checkpoint;
use merkle::note::SigningKey;
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash, tile};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use segment::build::SegmentBuilder;
use segment::facts::{ObjectFacts, SegmentFacts};
use segment::layout;
use segment::log::{ChainEnd, Commit, Head, LogState};
use segment::manifest::{HeadRef, Installation, InstalledTopic, Manifest, SegmentManifest};

/// Topic of the log.
pub const TOPIC: &str = "agent.events";
/// Partitions of the topic, which are sealed in turn.
pub const PARTITIONS: u64 = 4;
/// Records of a segment.
pub const ROWS: u64 = 100;
/// Milliseconds between the first records of two commits.
pub const STEP_MS: u64 = 15 * 60_000 / PARTITIONS;
/// Broker time of the first record.
pub const START_MS: u64 = 1_700_000_000_000;

/// What makes the objects.
#[derive(Debug)]
struct Maker {
    segments: u64,
    log: SigningKey,
    sealer: SigningKey,
    genesis: Bytes,
    /// Digest of the manifest of each segment.
    digests: Vec<Hash>,
    /// Digest of the head of each commit.
    heads: Vec<Hash>,
    /// Roots of the complete subtrees over the leaves, by height.
    levels: Vec<Vec<Hash>>,
    /// Facts and objects of the segments that exist.
    real: BTreeMap<u64, SegmentFacts>,
    objects: BTreeMap<String, Bytes>,
}

/// The store. Clones count together.
#[derive(Debug, Clone)]
pub struct Synthetic {
    maker: Arc<Maker>,
    written: Arc<InMemory>,
    reads: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

/// The first broker time of a segment.
#[must_use]
pub const fn first_ms(segment: u64) -> i64 {
    START_MS.wrapping_add(segment.wrapping_mul(STEP_MS)).cast_signed()
}

/// The partition of a segment, and its first offset.
#[must_use]
pub fn place(segment: u64) -> (TopicPartition, i64) {
    let number = i32::try_from(segment % PARTITIONS).unwrap_or(0);
    (TopicPartition::new(TOPIC, number), (segment / PARTITIONS).wrapping_mul(ROWS).cast_signed())
}

/// The id of the event in a row of a segment.
#[must_use]
pub fn event_id(segment: u64, row: u64) -> String {
    format!("event-{segment}-{row}")
}

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]
impl Maker {
    fn new(segments: u64, real: Range<u64>, log: SigningKey, sealer: SigningKey) -> Self {
        let partitions = Some(i32::try_from(PARTITIONS).unwrap());
        let installation = Installation {
            cluster: "memory".to_owned(),
            topic_prefix: String::new(),
            topics: vec![InstalledTopic { name: TOPIC.to_owned(), partitions }],
            keys: Vec::new(),
        };
        let genesis = LogState::genesis(&log, &sealer, installation, "synthetic").unwrap();
        let first = Commit::parse(0, &genesis.bytes).unwrap().entries.remove(0);
        let mut maker = Self {
            segments,
            log,
            sealer,
            genesis: genesis.bytes.into(),
            digests: Vec::new(),
            heads: Vec::new(),
            levels: vec![vec![hash::leaf(first.as_bytes())]],
            real: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        let mut frontier = Frontier::new();
        frontier.append(hash::leaf(first.as_bytes()));
        for segment in 0..segments {
            let commit = hash::sha256(&maker.commit(segment, &frontier));
            let head = maker.head(segment, &frontier, commit);
            maker.heads.push(head.reference().sha256);
            if real.contains(&segment) {
                maker.build(segment);
            }
            let manifest = maker.manifest(segment);
            maker.digests.push(manifest.digest());
            let entry = manifest.sign(&maker.sealer).unwrap();
            let leaf = hash::leaf(entry.as_bytes());
            maker.levels[0].push(leaf);
            frontier.append(leaf);
        }
        while maker.levels.last().unwrap().len() > 1 {
            let below = maker.levels.last().unwrap();
            let above = below.as_chunks::<2>().0.iter().map(|[l, r]| hash::node(l, r)).collect();
            maker.levels.push(above);
        }
        maker
    }

    fn build(&mut self, segment: u64) {
        let (partition, first) = place(segment);
        let mut batch = BatchBuilder::new(partition.clone());
        for (row, offset) in (0..ROWS).zip(first..) {
            let json = format!(
                r#"{{"event_id":"{}","kind":"run.completed","event_time":"2026-10-01T00:00:01Z","agent_id":"a","run_id":"r{row}"}}"#,
                event_id(segment, row)
            );
            let at_ms = first_ms(segment) + row.cast_signed();
            let none = std::iter::empty();
            let kind = TimestampType::LogAppendTime;
            batch.push(offset, at_ms, kind, None, Some(json.as_bytes()), none);
        }
        let mut builder = SegmentBuilder::new(&partition, first);
        let decoder = Decoder::default();
        for record in batch.build().records() {
            builder.push(&record, &decoder.decode(&record), [7; 16]).unwrap();
        }
        let built = builder.finish().unwrap();
        let name = built.facts.name(1).unwrap();
        self.objects.insert(name.parquet(), built.parquet);
        self.objects.insert(name.census(), built.census);
        self.real.insert(segment, built.facts);
    }

    fn manifest(&self, segment: u64) -> Manifest {
        let (partition, first_offset) = place(segment);
        let object = ObjectFacts { sha256: [3; 32], size_bytes: 9 };
        let first_timestamp_ms = first_ms(segment);
        let facts = self.real.get(&segment).cloned().unwrap_or_else(|| SegmentFacts {
            partition,
            first_offset,
            next_offset: first_offset + ROWS.cast_signed(),
            count: ROWS,
            gaps: Vec::new(),
            first_timestamp_ms,
            min_timestamp_ms: first_timestamp_ms,
            max_timestamp_ms: first_timestamp_ms + ROWS.cast_signed() - 1,
            tree_size: ROWS.next_power_of_two(),
            root: [1; 32],
            census_rows: 1,
            census_root: [2; 32],
            schema_ids: vec!["json".to_owned()],
            plain_fields: vec!["agent_id".to_owned()],
            erasable_fields: Vec::new(),
            parquet: object,
            census: object,
        });
        let name = facts.name(1).unwrap();
        let before = segment.checked_sub(PARTITIONS).map(|before| usize::try_from(before).unwrap());
        Manifest::from(SegmentManifest {
            log: self.log.name().to_owned(),
            cluster: "memory".to_owned(),
            topic_id: "id".to_owned(),
            sequence: segment / PARTITIONS,
            previous: before.map(|before| self.digests[before]),
            largest_timestamp_ms: facts.max_timestamp_ms,
            last_record: [6; 32],
            writer_schemas: None,
            head: HeadRef {
                sequence: segment,
                sha256: self.heads[usize::try_from(segment).unwrap()],
            },
            parquet_path: name.parquet(),
            census_path: name.census(),
            facts,
            sealer: "synthetic".to_owned(),
        })
    }

    fn entry(&self, index: u64) -> String {
        match index.checked_sub(1) {
            None => Commit::parse(0, &self.genesis).unwrap().entries.remove(0),
            Some(segment) => self.manifest(segment).sign(&self.sealer).unwrap(),
        }
    }

    /// The right edge of the tree over the first entries.
    fn frontier(&self, size: u64) -> Frontier {
        let mut subtrees = Vec::new();
        let mut from = 0_u64;
        for height in (0..self.levels.len()).rev() {
            if size >> height & 1 == 1 {
                subtrees.push(self.levels[height][usize::try_from(from >> height).unwrap()]);
                from += 1 << height;
            }
        }
        Frontier::from_subtrees(size, subtrees).unwrap()
    }

    /// The commit after which the log has that edge.
    fn commit(&self, sequence: u64, frontier: &Frontier) -> Bytes {
        if sequence == 0 {
            return self.genesis.clone();
        }
        let (size, root) = (frontier.size(), frontier.root());
        let checkpoint = Checkpoint { origin: self.log.name().to_owned(), size, root };
        let commit = Commit {
            sequence,
            previous_size: sequence,
            checkpoint: checkpoint.sign(&self.log),
            entries: vec![self.entry(sequence)],
        };
        commit.to_bytes().into()
    }

    /// The head of a commit with that digest, after which the log has that edge.
    fn head(&self, sequence: u64, frontier: &Frontier, commit: Hash) -> Head {
        let mut ends = BTreeMap::new();
        for segment in sequence.saturating_sub(PARTITIONS)..sequence {
            let (partition, first) = place(segment);
            let end = ChainEnd {
                last_record: [6; 32],
                writer_schemas: None,
                topic_id: "id".to_owned(),
                next_offset: first + ROWS.cast_signed(),
                manifest: self.digests[usize::try_from(segment).unwrap()],
                next_sequence: segment / PARTITIONS + 1,
                commit: segment + 1,
                max_timestamp_ms: first_ms(segment) + ROWS.cast_signed() - 1,
                disorder_ms: 0,
            };
            ends.insert(partition, end);
        }
        let origin = self.log.name().to_owned();
        Head { origin, sequence, commit, frontier: frontier.clone(), ends, keys: Vec::new() }
    }

    fn commit_object(&self, sequence: u64) -> Bytes {
        self.commit(sequence, &self.frontier(sequence + 1))
    }

    fn head_object(&self, sequence: u64) -> Bytes {
        let frontier = self.frontier(sequence + 1);
        let commit = hash::sha256(&self.commit(sequence, &frontier));
        self.head(sequence, &frontier, commit).sign(&self.log).into()
    }

    fn make(&self, path: &str) -> Option<Bytes> {
        if let Some(object) = self.objects.get(path) {
            return Some(object.clone());
        }
        if let Some(sequence) = layout::parse_commit(path) {
            return (sequence <= self.segments).then(|| self.commit_object(sequence));
        }
        if let Some(sequence) = layout::parse_head(path) {
            return (sequence <= self.segments).then(|| self.head_object(sequence));
        }
        if path == layout::CHECKPOINT {
            let last = Commit::parse(self.segments, &self.commit_object(self.segments)).unwrap();
            return Some(last.checkpoint.into());
        }
        self.tile(path)
    }

    fn tile(&self, path: &str) -> Option<Bytes> {
        let rest = path.strip_prefix("log/tile/")?;
        let (level, number) = rest.split_once('/')?;
        let (number, width) = match number.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (number, tile::WIDTH_MAX),
        };
        let parts = number.split('/').map(|part| part.trim_start_matches('x').parse::<u64>().ok());
        let index = parts.into_iter().try_fold(0, |index, part| Some(index * 1_000 + part?))?;
        let from = index * tile::WIDTH_MAX;
        if level == "entries" {
            let entries: Vec<_> =
                (from..from + width).map(|index| self.entry(index).into_bytes()).collect();
            return Some(tile::encode_bundle(&entries).into());
        }
        let height = level.parse::<usize>().ok()? * 8;
        let range = usize::try_from(from).ok()?..usize::try_from(from + width).ok()?;
        Some(self.levels.get(height)?.get(range)?.concat().into())
    }
}

impl Synthetic {
    /// A log of so many segments, of which those in the range exist.
    #[must_use]
    pub fn new(segments: u64, real: Range<u64>, log: SigningKey, sealer: SigningKey) -> Self {
        Self {
            maker: Arc::new(Maker::new(segments, real, log, sealer)),
            written: Arc::new(InMemory::new()),
            reads: Arc::new(AtomicU64::new(0)),
            bytes: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Objects and bytes that were read so far.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.reads.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }
}

impl fmt::Display for Synthetic {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "a synthetic log of {} segments", self.maker.segments)
    }
}

#[async_trait]
impl ObjectStore for Synthetic {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.written.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.written.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let Some(object) = self.maker.make(location.as_ref()) else {
            return self.written.get_opts(location, options).await;
        };
        let size = object.len() as u64;
        let range = match &options.range {
            Some(range) => range.as_range(size).map_err(|error| object_store::Error::Generic {
                store: "synthetic",
                source: error.into(),
            })?,
            None => 0..size,
        };
        let bytes = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .filter(|_| !options.head)
            .map_or_else(Bytes::new, |(from, to)| object.slice(from..to));
        self.bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: chrono::DateTime::default(),
            size,
            e_tag: None,
            version: None,
        };
        let payload = GetResultPayload::Stream(futures::stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes: Attributes::new(),
            extensions: object_store::Extensions::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.written.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.written.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.written.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.written.copy_opts(from, to, options).await
    }
}
