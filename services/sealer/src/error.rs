//! Why the sealer stops.

use archive::ArchiveError;
use event::TopicPartition;
use ports::LogError;
use ports::identity::Changed;
use service::role::Failure;
use service::topics::SettingFaults;
use thiserror::Error;

/// Why the sealer stopped. Starting it again is safe after any of these; those that a person must
/// look at come back at once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// The configuration makes no sense.
    #[error("the configuration is wrong: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The archive holds no transparency log. Creating one is an explicit act, because an empty
    /// archive may also be a wrong one.
    #[error(
        "no transparency log in the archive `{0}`: is it the right one, and mounted? A new archive gets \
         its log from `driftseal log init`"
    )]
    NoLog(String),
    /// What the archive holds of the log does not verify with our keys.
    #[error("the transparency log does not verify: {0}")]
    Log(segment::log::CommitError),
    /// The first commit of the log does not verify with our keys.
    #[error(
        "the transparency log in the archive is not of our keys: {0}; is it the archive of another \
         installation?"
    )]
    NotOurs(segment::log::CommitError),
    /// A commit is missing between others.
    #[error("commit {missing} of the transparency log is missing, though commit {found} exists")]
    MissingCommit {
        /// Number of the commit that is not there.
        missing: u64,
        /// Number of the next one that is.
        found: u64,
    },
    /// Something that the log has signed reaches further than its commits do.
    #[error(
        "the transparency log has {found} entries, and `{object}` is signed for {size}: commits were \
         lost, or an older copy of the log was put back. Restore the commits from a copy; if there is \
         none, keep this archive as it is, and begin another one with `driftseal log init`"
    )]
    SetBack {
        /// The object.
        object: String,
        /// Entries that it is signed for.
        size: u64,
        /// Entries of the commits.
        found: u64,
    },
    /// The log belongs to another key.
    #[error("the transparency log in the archive is `{found}`, our key is for `{expected}`")]
    Origin {
        /// Name of our key.
        expected: String,
        /// Origin of the log.
        found: String,
    },
    /// An object that follows from the commits is there with other bytes.
    #[error("`{0}` differs from what the commits of the transparency log say")]
    Derived(String),
    /// The archive gave back other bytes than were stored.
    #[error("`{path}` reads back differently from what was stored: {detail}")]
    ReadBack {
        /// The object.
        path: String,
        /// What differs.
        detail: String,
    },
    /// A document with schemas of other writers, which the log names, is not there.
    #[error(
        "`{path}`, which the transparency log names, is not what was stored: {found}. Restore it from a \
         copy of the archive"
    )]
    Schemas {
        /// The object.
        path: String,
        /// What was found.
        found: &'static str,
    },
    /// The commit was sent and its answer is lost. Only reading the log again tells the truth.
    #[error("unknown outcome of commit {sequence}: {error}")]
    UnknownOutcome {
        /// Number of the commit.
        sequence: u64,
        /// The archive's answer.
        error: ArchiveError,
    },
    /// A segment could not be built; our bug, or out of memory.
    #[error("failed to build a segment of `{partition}` from offset {offset}: {detail}")]
    Build {
        /// The partition.
        partition: TopicPartition,
        /// First offset of the segment.
        offset: i64,
        /// What happened.
        detail: String,
    },
    /// The log has deleted records before they were sealed, and the configuration says to stop.
    #[error(
        "records {from} to {} of `{partition}` are lost: the log deleted them before they were \
         sealed. Look why; with `sealer.lost_records = \"record\"` the range is sealed as lost",
        to.saturating_sub(1)
    )]
    Lost {
        /// The partition.
        partition: TopicPartition,
        /// Everything before this offset is sealed.
        from: i64,
        /// First offset that the log holds.
        to: i64,
    },
    /// A partition is not the one that was sealed.
    #[error("`{partition}` is not the partition that was sealed: {changed}")]
    Changed {
        /// The partition.
        partition: TopicPartition,
        /// What has changed, and what to do.
        changed: Changed,
    },
    /// Settings of topics are wrong.
    #[error("{0}")]
    Topics(SettingFaults),
    /// The event log is another one than that of the transparency log.
    #[error(
        "the transparency log is of the cluster `{expected}`, the event log is the cluster \
         `{found}`; configure that cluster (`kafka.brokers`, `embedded.directory`), or begin an archive of \
         its own for this one: set `archive.url` to another place, then `driftseal log init`"
    )]
    AnotherCluster {
        /// Identity in the first entry of the transparency log.
        expected: String,
        /// Identity of the event log.
        found: String,
    },
    /// A topic is configured that the transparency log is not for.
    #[error(
        "the transparency log is not for the topic `{topic}` but for {}; correct `sealer.topics` \
         or `topics.prefix`, or create another transparency log", .named.join(", ")
    )]
    NotInstalled {
        /// The topic.
        topic: String,
        /// Topics that the first entry of the transparency log names.
        named: Vec<String>,
    },
    /// A topic has lost partitions; no topic does, so it is another one.
    #[error(
        "topic `{topic}` has {found} partitions, and had {expected} when the transparency log was \
         created: it is another topic; give it another name, or create another transparency log"
    )]
    FewerPartitions {
        /// The topic.
        topic: String,
        /// Partitions in the first entry of the transparency log.
        expected: i32,
        /// Partitions now.
        found: i32,
    },
    /// The archive failed, or stayed unavailable for all attempts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive is not there, refuses, or lacks what was in it: it is read-only or not mounted.
    #[error("sealing waits for the archive: {0}")]
    ArchiveLost(Box<Self>),
    /// The event log failed, or stayed unavailable for all attempts.
    #[error(transparent)]
    EventLog(#[from] LogError),
    /// The machine gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl RunError {
    /// The same, said of an archive that is not there or does not let us, which may pass.
    pub(crate) fn of_the_archive(self, is_first_start: bool) -> Self {
        let is_missing = matches!(
            self,
            Self::Archive(
                ArchiveError::Absent { .. }
                    | ArchiveError::Refused { .. }
                    | ArchiveError::NotFound { .. }
            )
        );
        // At first it may be the wrong archive, which somebody must hear of at once.
        let is_lost = is_missing || (!is_first_start && matches!(self, Self::NoLog(_)));
        if is_lost { Self::ArchiveLost(Box::new(self)) } else { self }
    }

    /// Whether the configuration names something that it should not: at first, that is not waited out.
    pub(crate) const fn is_misconfigured(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::NoLog(_)
            | Self::NotOurs(_)
            | Self::Origin { .. }
            | Self::AnotherCluster { .. }
            | Self::NotInstalled { .. }
            | Self::Archive(ArchiveError::Location { .. } | ArchiveError::Unconditional { .. }) => {
                true
            }
            Self::Archive(_)
            | Self::ArchiveLost(_)
            | Self::Log(_)
            | Self::MissingCommit { .. }
            | Self::SetBack { .. }
            | Self::Derived(_)
            | Self::ReadBack { .. }
            | Self::Schemas { .. }
            | Self::UnknownOutcome { .. }
            | Self::Build { .. }
            | Self::Lost { .. }
            | Self::Changed { .. }
            | Self::Topics(_)
            | Self::FewerPartitions { .. }
            | Self::EventLog(_)
            | Self::Random(_) => false,
        }
    }
}

impl Failure for RunError {
    fn may_pass(&self) -> bool {
        match self {
            Self::UnknownOutcome { .. } | Self::ArchiveLost(_) => true,
            Self::Archive(error) => error.is_unavailable(),
            Self::EventLog(error) => error.may_pass(),
            Self::Config(_)
            | Self::NoLog(_)
            | Self::Log(_)
            | Self::NotOurs(_)
            | Self::MissingCommit { .. }
            | Self::SetBack { .. }
            | Self::Origin { .. }
            | Self::Derived(_)
            | Self::ReadBack { .. }
            | Self::Schemas { .. }
            | Self::Build { .. }
            | Self::Lost { .. }
            | Self::Changed { .. }
            | Self::Topics(_)
            | Self::AnotherCluster { .. }
            | Self::NotInstalled { .. }
            | Self::FewerPartitions { .. }
            | Self::Random(_) => false,
        }
    }
}
