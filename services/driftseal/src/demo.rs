//! A demonstration in one process, on the embedded log: traffic through the real collector, drift, an
//! alert, sealing, an evidence pack, its verification.

pub mod alert;
mod decisions;
mod directory;
mod show;
pub mod summary;
pub mod traffic;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use archive::Archive;
use evidence::{Judgement, ReplayOptions, Scope};
use governance::Installation;
use mapping::Mapping;
use ports::{EventLog, Outgoing, publish_and_wait};
use sealer::{Keys, RoleKeys};
use service::clock::{Stopwatch, now_ms};
use service::metrics::count;

use self::decisions::Decisions;
use self::directory::Directory;
use self::show::Show;
use self::summary::{Sent, Summary};
use self::traffic::{CALM_AGENT, Plan, WORSE_AGENT};
use self::watch::{Watch, wait_for_ticks};
use crate::Config;
use crate::emit::sink::{HttpSink, Mark, Sink, Teller};
use crate::emit::{Rejected, reader};
use crate::outcome::Failure;
use crate::print::write_file;
use crate::roles::{self, Role, Running};
use crate::views;

/// Name of the demo's transparency log.
const ORIGIN: &str = "demo.driftseal.local/log";
/// Longest wait for the processor after the last event was sent.
const CATCH_UP: Duration = Duration::from_secs(120);
/// Events between two reads of the alerts.
const LOOK_EVERY: u64 = 500;
/// Agents of input files that are counted; further ones are not.
const AGENTS_MAX: usize = 10_000;

/// Settings of the demo.
#[derive(Debug)]
pub struct Settings {
    /// Directory for all files.
    pub directory: PathBuf,
    /// Files of events to send instead of generated traffic.
    pub inputs: Vec<PathBuf>,
    /// Mapping from the records of the files to events.
    pub mapping: Option<Mapping>,
    /// Agent runs to generate.
    pub runs: u32,
    /// Path of this program, for the commands to paste.
    pub program: String,
    /// Whether to hide progress.
    pub quiet: bool,
}

/// Runs the demo. Unexpected results are in [`Summary::problems`].
///
/// # Errors
///
/// If a step fails.
pub fn run(settings: &Settings) -> Result<Summary, Failure> {
    let stopwatch = Stopwatch::start();
    let show = Show::new(settings.quiet);
    let (directory, was_there) = Directory::prepare(&settings.directory)?;
    if was_there {
        show.line(&format!("removed the previous demo in {}", directory.root().display()));
    }
    let config = configure(&directory)?;
    let runtime = roles::runtime()?;
    let archive = Archive::create(&config.archive.url, runtime.handle().clone())?;
    let keys = Keys::generate(ORIGIN)?;
    keys.save(&config.keys.directory)?;
    let role_keys = RoleKeys::generate(ORIGIN)?;
    role_keys.save(&config.keys.directory)?;
    let log = roles::open_log(&config)?;
    log.create_topics(&config.topic_specs())?;
    let mut installation = sealer::describe(&*log, "", &config.sealer.topics)?;
    installation.keys = role_keys.installed();
    sealer::init_log(&archive, &keys, installation)?;
    show.line(&format!(
        "created event log, archive, transparency log and signing keys in {}",
        directory.root().display()
    ));

    let mut running = Running::default();
    let decisions = Decisions {
        log: &*log,
        key: role_keys.governance,
        installation: Installation { origin: ORIGIN.to_owned(), topic_prefix: String::new() },
        topics: (&config.processor.topics.governance, &config.processor.topics.events),
    };
    let flowed =
        flow(settings, &config, &log, &archive, keys, &runtime, &show, &decisions, &mut running);
    let stopped = running.stop_all();
    let (sent, watch) = flowed?;
    stopped?;

    let mut summary = Summary::new(&directory, &settings.program, sent, watch);
    seal_and_verify(&mut summary, &config, &directory, &archive, &show)?;
    if settings.inputs.is_empty() {
        summary.expect_alerts(WORSE_AGENT, CALM_AGENT);
    }
    summary.elapsed_ms = stopwatch.elapsed_ms();
    Ok(summary)
}

/// The configuration of the demo, which is also written to its directory, for use with other commands.
fn configure(directory: &Directory) -> Result<Config, Failure> {
    let mut config = Config::default();
    config.embedded.directory = directory.log();
    config.archive.url = directory.archive().to_string_lossy().into_owned();
    config.keys.directory = directory.keys();
    config.topics.partitions = 3;
    config.processor.tick_interval_secs = 1;
    config.processor.poll_wait_ms = 50;
    config.sealer.segment_age_ms_max = 5_000;
    config.sealer.heartbeat_age_ms_max = 5_000;
    let text = toml::to_string(&config)?;
    std::fs::write(directory.config(), text)?;
    config.listen.collector = "127.0.0.1:0".into();
    Ok(config)
}

/// Starts the roles, sends all events, waits until they are processed, and stops collector and
/// processor. The sealer keeps running; stopping it seals the rest.
#[expect(clippy::too_many_arguments, reason = "what the process shares, passed once")]
fn flow(
    settings: &Settings,
    config: &Config,
    log: &Arc<dyn EventLog>,
    archive: &Archive,
    keys: Keys,
    runtime: &tokio::runtime::Runtime,
    show: &Show,
    decisions: &Decisions<'_>,
    running: &mut Running,
) -> Result<(Sent, Watch), Failure> {
    running.start_processor(config, log)?;
    let sealed_into = archive.clone();
    let open = move || Ok(sealed_into.clone());
    running.start_sealer(config, log, open, keys, sealer::Permanent::Ends)?;
    let listener = roles::bind(&config.listen.collector, runtime)?;
    let address = listener.local_addr()?;
    running.start_collector(config, log, listener.into(), runtime)?;
    show.line(&format!("started collector (http://{address}), processor and sealer"));

    let topics = &config.processor.topics;
    let mut watch = Watch::start(&**log, &topics.alerts)?;
    let teller = Teller::new(|text| tracing::warn!(text, "the collector is not reached"));
    let sink = HttpSink::new(&format!("http://{address}"), Duration::from_secs(30), teller);
    let sent = if settings.inputs.is_empty() {
        send_generated(settings, decisions, sink, &mut watch, show)
    } else {
        send_files(settings, sink, &mut watch, show)
    };
    let sent = match sent {
        Ok(sent) => sent,
        // The error of a role that failed explains why nothing was delivered.
        Err(failure) if running.has_failed() => {
            running.stop_all()?;
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    show.finish(&format!("sent {} events", crate::print::grouped(sent.report.accepted)));
    show.line("waiting for the processor");
    running.stop(Role::Collector)?;
    wait_for_ticks(&**log, &topics.events, CATCH_UP, || {
        look(&mut watch, Duration::ZERO, show)?;
        if running.has_failed() { Err(Failure::new("a role failed")) } else { Ok(()) }
    })?;
    running.stop(Role::Processor)?;
    look(&mut watch, Duration::from_millis(200), show)?;
    show.line("sealing");
    Ok((sent, watch))
}

fn look(watch: &mut Watch, wait: Duration, show: &Show) -> Result<(), Failure> {
    for alert in watch.look(wait)? {
        show.block(&alert.to_string());
    }
    Ok(())
}

fn send_generated(
    settings: &Settings,
    decisions: &Decisions<'_>,
    mut sink: HttpSink,
    watch: &mut Watch,
    show: &Show,
) -> Result<Sent, Failure> {
    let plan = Plan { runs: settings.runs, ..Plan::ending_at(now_ms()) };
    let messages = traffic::generate(&plan);
    let total = count(messages.len());
    show.line(&format!(
        "generated {} events of two agents over six hours: a prompt change makes {WORSE_AGENT} worse, \
         another leaves {CALM_AGENT} as it was",
        crate::print::grouped(total)
    ));
    show.start(Some(total));
    let mut agents = BTreeMap::new();
    let mut strays = 0;
    for (index, message) in (0_u64..).zip(messages) {
        if index == total / 2 {
            strays = send_strays(decisions.log, decisions.topics.1)?;
        }
        if index % LOOK_EVERY == 0 {
            show.moved(index);
            look(watch, Duration::ZERO, show)?;
        }
        if message.is_act {
            // What was sent before it comes before it.
            sink.finish()?;
            decisions.take(message.body.as_bytes())?;
            continue;
        }
        *agents.entry(message.agent_id.to_owned()).or_default() += 1;
        sink.send(Mark { file: 0, line: index + 1 }, message.body.into_bytes())?;
    }
    sink.finish()?;
    show.moved(total);
    Ok(Sent { report: std::mem::take(sink.report()), strays, agents })
}

/// Publishes records that do not decode directly to the topic, as an agent that bypasses the collector
/// might.
fn send_strays(log: &dyn EventLog, topic: &str) -> Result<u64, Failure> {
    let topic: Arc<str> = topic.into();
    let records: Vec<Outgoing> = traffic::strays()
        .into_iter()
        .map(|(agent, value)| Outgoing {
            topic: Arc::clone(&topic),
            partition: None,
            key: Some(agent.as_bytes().to_vec()),
            value: Some(value),
            headers: Vec::new(),
        })
        .collect();
    let positions = publish_and_wait(&*log.producer(), records, Duration::from_secs(30))?;
    Ok(count(positions.len()))
}

fn send_files(
    settings: &Settings,
    mut sink: HttpSink,
    watch: &mut Watch,
    show: &Show,
) -> Result<Sent, Failure> {
    show.start(None);
    let mut agents: BTreeMap<String, u64> = BTreeMap::new();
    let mut sent = 0;
    let mut trouble = None;
    for (file, path) in settings.inputs.iter().enumerate() {
        reader::read(path, settings.mapping.as_ref(), &mut |outcome| {
            if let Some(rejected) = outcome.rejected() {
                sink.report().reject(file, rejected);
            }
            let Ok(event) = outcome.event else { return Ok(()) };
            if let Some(agent) = agent_of(&event)
                && (agents.len() < AGENTS_MAX || agents.contains_key(&agent))
            {
                *agents.entry(agent).or_default() += 1;
            }
            sent += 1;
            if sent % LOOK_EVERY == 0 && trouble.is_none() {
                show.moved(sent);
                trouble = look(watch, Duration::ZERO, show).err();
            }
            sink.send(Mark { file, line: outcome.line }, event)
        })?;
    }
    if let Some(failure) = trouble {
        return Err(failure);
    }
    sink.finish()?;
    show.moved(sent);
    let report = std::mem::take(sink.report());
    for (file, Rejected { line, reason }) in &report.rejections {
        let Some(path) = settings.inputs.get(*file) else { unreachable!("a rejection has a file") };
        show.line(&format!("rejected {}:{line}: {reason}", path.display()));
    }
    Ok(Sent { report, strays: 0, agents })
}

fn agent_of(event: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        agent_id: String,
    }
    // The collector reports what is wrong with other events.
    serde_json::from_slice::<Named>(event).ok().map(|named| named.agent_id)
}

/// Verifies the archive, replays it, exports an evidence pack and verifies that.
fn seal_and_verify(
    summary: &mut Summary,
    config: &Config,
    directory: &Directory,
    archive: &Archive,
    show: &Show,
) -> Result<(), Failure> {
    let policy = evidence::read_policy(&directory.policy())?;
    let report = evidence::fsck(archive, &policy, None, &mut |_| {});
    show.line(&format!(
        "verified the archive: {} events in {} segments, {} log entries: {}",
        crate::print::grouped(report.events),
        report.segments,
        report.entries,
        report.verdict.name()
    ));
    if report.verdict != Judgement::Verified {
        show.block(&report.to_text());
    }
    summary.take_fsck(&report);
    let segments = evidence::segments(archive, &policy, &mut |_| {})?;
    let locations: Vec<_> =
        segments.iter().map(|segment| archive.object_location(&segment.parquet_path)).collect();
    write_file(&directory.views(), views::over(&locations).as_bytes())?;
    // All segments were verified just now.
    let options = ReplayOptions { trust_archive: true, ..config.replay_options() };
    let replayed = evidence::replay(archive, &policy, &options, &mut |_| {})?;
    summary.take_replay(&replayed);
    if replayed.verdict != Judgement::Verified {
        show.block(&replayed.to_text());
    }
    let Some(agent) = summary.agent_to_export() else {
        summary.problems.push("no event has an agent; nothing was exported".into());
        return Ok(());
    };
    let scope = Scope::parse(&agent, None, None)?;
    let key = sealer::load_evidence_key(&config.keys.directory)?;
    let out = directory.pack();
    let exported = evidence::export(archive, &policy, &key, scope.into(), &out, &mut |_| {})?;
    summary.take_pack(&agent, &exported);
    Ok(())
}
