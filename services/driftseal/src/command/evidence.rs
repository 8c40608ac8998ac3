//! `driftseal fsck`, `proof`, `export` and `verify`: evidence from an archive.

use std::path::{Path, PathBuf};

use archive::{Archive, Options};
use event::{ColumnId, Timestamp, TopicPartition};
use evidence::{
    Earlier, EvidenceError, Judgement, LogRead, Period, Policy, Progress, Scope, Trust,
};
use evidence::{Wanted, Wish};
use indicatif::ProgressBar;
use tokio::runtime::Runtime;

use super::context::Context;
use super::options;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

impl From<Judgement> for Ended {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Verified => Self::Done,
            Judgement::Failed => Self::Failed,
            Judgement::Unverifiable => Self::Unverifiable,
        }
    }
}

/// Arguments of `driftseal fsck`.
#[derive(Debug, clap::Args)]
pub struct FsckArgs {
    #[command(flatten)]
    source: Source,
    /// Checkpoint of the log that was kept from earlier: nothing it vouches for may be gone
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

/// The archive, and the keys to trust.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// Archive: a directory, file:// or s3:// URL
    #[arg(value_name = "ARCHIVE")]
    archive: String,
    /// Policy file: public keys of the log and its sealers [default: policy.txt in `keys.directory`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Source {
    /// Opens the archive. Only S3 needs the configuration.
    pub(super) fn open(&self, context: &Context, runtime: &Runtime) -> Result<Archive, Failure> {
        let options = if self.archive.starts_with("s3://") {
            context.load()?.archive.options()
        } else {
            Options::default()
        };
        Ok(Archive::open_with(&self.archive, &options, runtime.handle().clone())?)
    }

    /// Reads the policy.
    pub(super) fn policy(&self, context: &Context) -> Result<Policy, Failure> {
        let path = match &self.policy {
            Some(path) => path.clone(),
            None => context.load()?.keys.directory.join("policy.txt"),
        };
        policy(&path)
    }
}

/// Reads a policy. If it cannot be read, that is a usage error.
pub(super) fn policy(path: &Path) -> Result<Policy, Failure> {
    evidence::read_policy(path)
        .map_err(|error| Failure::usage(format!(
            "{error}; --policy must name a policy file, such as `policy.txt` of `driftseal log init`"
        )))
}

/// Reads a checkpoint that was kept. If it cannot be read, that is a usage error.
pub(super) fn kept_checkpoint(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("failed to read `{}`: {error}", path.display())))
}

impl FsckArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let bar = bar();
        let kept = self.checkpoint.as_deref().map(kept_checkpoint).transpose()?;
        let report = evidence::fsck(&archive, &policy, kept.as_deref(), &mut |progress| {
            bar.set_length(progress.segments_total.max(1));
            bar.set_position(progress.segments_done);
            bar.set_message("checking segments");
        });
        bar.finish_and_clear();
        match context.output {
            Output::Text => print::lines(&report.to_text()),
            Output::Json => print::json(&report),
        }
        Ok(report.verdict.into())
    }
}

/// Arguments of `driftseal proof`.
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("event").required(true)),
    // clap would name the event before the archive, which comes first.
    override_usage = "driftseal proof [OPTIONS] <ARCHIVE> <EVENT_ID|--record <TOPIC/PARTITION/OFFSET>>"
)]
pub struct ProofArgs {
    #[command(flatten)]
    source: Source,
    /// `event_id` of the event
    #[arg(value_name = "EVENT_ID", group = "event")]
    event_id: Option<String>,
    /// Search only segments within an hour of this time (RFC 3339) [default: search all]
    #[arg(long, value_name = "TIME", requires = "event_id", value_parser = options::parse_time)]
    at: Option<Timestamp>,
    /// Select the event by topic, partition and offset of its record
    #[arg(long, value_name = "TOPIC/PARTITION/OFFSET", group = "event")]
    record: Option<String>,
    /// Write the proof (JSON) to this file too
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl ProofArgs {
    fn wanted(&self) -> Result<Wanted, Failure> {
        if let Some(record) = &self.record {
            return parse_record(record).ok_or_else(|| {
                Failure::usage(format!(
                    "--record: `{record}` is not TOPIC/PARTITION/OFFSET, such as agent.events/0/42"
                ))
            });
        }
        let event_id = self.event_id.clone();
        let event_id = event_id.ok_or_else(|| Failure::usage("specify an EVENT_ID or --record"))?;
        let period = self.at.map(|at| {
            let at_ms = at.millis();
            Period { from_ms: at_ms - HOUR_MS, to_ms: at_ms + HOUR_MS }
        });
        Ok(Wanted::Id { event_id, period })
    }

    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let wanted = self.wanted()?;
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let bar = bar();
        let proof = evidence::prove(&archive, &policy, &wanted, &mut show(&bar));
        bar.finish_and_clear();
        let proof = match proof {
            Ok(proof) => proof,
            Err(error) => return Err(refused(&error)),
        };
        let verdict = proof.verify(&policy).verdict;
        if let Some(path) = &self.out {
            print::write_file(path, proof.to_json().as_bytes())?;
        }
        match context.output {
            Output::Text => print::lines(&proof.to_text(&policy)),
            Output::Json => print::json_text(&proof.to_json()),
        }
        Ok(verdict.into())
    }
}

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Parses `<topic>/<partition>/<offset>`; a topic name contains no slash.
fn parse_record(text: &str) -> Option<Wanted> {
    let mut parts = text.split('/');
    let (topic, partition, offset) = (parts.next()?, parts.next()?, parts.next()?);
    let partition = TopicPartition::new(topic, partition.parse().ok()?);
    let offset = offset.parse().ok()?;
    parts.next().is_none().then_some(Wanted::Record { partition, offset })
}

/// Arguments of `driftseal export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    source: Source,
    /// Agent
    #[arg(long, value_name = "AGENT_ID")]
    agent: String,
    /// Start of the period, RFC 3339, inclusive; broker timestamps count [default: unbounded]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End of the period, RFC 3339, exclusive [default: unbounded]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Output file
    #[arg(short, long, value_name = "FILE", default_value = "pack.zip")]
    out: PathBuf,
    /// Leave out the values of this field, such as run.input; may be repeated. The pack says so, and
    /// how many
    #[arg(long, value_name = "FIELD", value_parser = parse_erasable)]
    withhold: Vec<ColumnId>,
    /// Key that signs the pack [default: evidence.key in `keys.directory`]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// A field that may be withheld.
fn parse_erasable(path: &str) -> Result<ColumnId, String> {
    let schema = event::schema();
    let known = schema.id(path).ok_or_else(|| format!("there is no field `{path}`"))?;
    if schema.column(known).erasable {
        Ok(known)
    } else {
        Err(format!("`{path}` holds no personal data or content, and cannot be withheld"))
    }
}

impl ExportArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let scope = Scope::parse(&self.agent, self.from.as_deref(), self.to.as_deref())
            .map_err(|error| Failure::usage(error.to_string()))?;
        let policy = self.source.policy(context)?;
        let key = match &self.key {
            Some(file) => sealer::load_key(file)?,
            None => sealer::load_evidence_key(&context.load()?.keys.directory)?,
        };
        let wish = Wish { scope, withheld: self.withhold.into_iter().collect() };
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let bar = bar();
        let exported = evidence::export(&archive, &policy, &key, wish, &self.out, &mut show(&bar));
        bar.finish_and_clear();
        let exported = match exported {
            Ok(exported) => exported,
            Err(error) => return Err(refused(&error)),
        };
        if exported.read == LogRead::Commits {
            print::note(
                "driftseal: heads or tiles of the archive are missing or wrong; read every commit \
                 instead (`driftseal fsck` names them, a sealer that starts writes them again)",
            );
        }
        let is_written = exported.report.verdict == Judgement::Verified;
        match context.output {
            Output::Text => {
                print::lines(&exported.report.to_string());
                print::line(if is_written {
                    format!("wrote {}, {} bytes", self.out.display(), exported.bytes)
                } else {
                    "wrote no pack: what was made is not verified".to_owned()
                });
            }
            Output::Json => print::json(&serde_json::json!({
                "pack": is_written.then_some(&self.out),
                "bytes": exported.bytes,
                "report": exported.report,
            })),
        }
        Ok(exported.report.verdict.into())
    }
}

/// Arguments of `driftseal verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Evidence pack (zip), the proof of one event or the proof that the log went on (JSON)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Policy file: public keys of the log, its sealers and of who makes packs, which must not come
    /// from whoever supplied the file; without it the verdict is UNVERIFIABLE at best
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Checkpoint of the log that was kept from earlier: it must be a part of the pack's log
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Proof that the log went on from that checkpoint (`driftseal log consistency`), for a pack that
    /// does not reach back so far
    #[arg(long, value_name = "FILE", requires = "checkpoint")]
    consistency: Option<PathBuf>,
}

/// Reads the proof that the log went on, or what of a larger file shows that it is none. If it cannot be
/// read, that is a usage error.
fn read_consistency(path: &Path) -> Result<Vec<u8>, Failure> {
    evidence::read_consistency(path).map_err(|error| Failure::usage(error.to_string()))
}

impl VerifyArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let policy = self.policy.as_deref().map(policy).transpose()?;
        let kept = self.checkpoint.as_deref().map(kept_checkpoint).transpose()?;
        let document = self.consistency.as_deref().map(read_consistency).transpose()?;
        let earlier = kept
            .as_deref()
            .map(|checkpoint| Earlier { checkpoint, consistency: document.as_deref() });
        let trust = Trust { policy: policy.as_ref(), earlier };
        let judged = evidence::verify_file(&self.file, trust)
            .map_err(|error| Failure::usage(error.to_string()))?;
        match context.output {
            Output::Text => print::lines(&judged.to_string()),
            Output::Json => print::json(&judged),
        }
        Ok(judged.verdict().into())
    }
}

/// Maps an error of evidence to its exit code.
pub(super) fn refused(error: &EvidenceError) -> Failure {
    let message = error.to_string();
    match error.exit_code() {
        3 => Failure::unverifiable(message),
        2 => Failure::usage(message),
        _ => Failure::new(message),
    }
}

/// A progress bar on standard error; hidden if that is not a terminal.
pub(super) fn bar() -> ProgressBar {
    print::bar(Some(1), "{wide_bar} {human_pos}/{human_len} {msg}")
}

pub(super) fn show(bar: &ProgressBar) -> impl FnMut(Progress) {
    |progress| {
        bar.set_length(progress.total.max(1));
        bar.set_position(progress.done);
        bar.set_message(progress.phase);
    }
}
