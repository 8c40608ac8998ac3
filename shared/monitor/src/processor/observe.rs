//! The path of an event of a version: the version it names, its observations of metrics, the panes
//! that count them, and the streams that see them.

use event::{Event, column};
use suite::Suites;

use super::machine::{Attributed, Processor};
use super::state::{Common, State};
use super::verdicts;
use crate::agent::{Agent, OTHER_SUITE, Version};
use crate::canary::Ending;
use crate::counters::Counters;
use crate::identity::{AgentKey, bounded};
use crate::kind::Kind;
use crate::metric::{self, Metric, Sample};
use crate::output::Outputs;
use crate::settings::Settings;
use crate::stream::{Mark, Shared, Value};
use crate::unannounced::Seen;
use crate::watermark::Watermark;
use crate::window::{Channel, Span, end_of_minute};

/// An observation of a metric in an event.
struct Found<'e> {
    channel: Channel,
    metric: &'static Metric,
    sample: Sample<'e>,
    /// Whether the detectors see it: see `crate::sampler`.
    is_sampled: bool,
}

impl Processor {
    /// Handles an event of a version.
    pub(super) fn observe(&mut self, of_agent: Attributed<'_, '_>, outputs: &mut Outputs<'_>) {
        let Attributed { offset, event, kind, key, placed } = of_agent;
        let State { watermark, counters, agents, suites, common, unannounced, .. } =
            &mut self.state;
        let shared = common.shared(agents.tests());
        let agent = agents.agent(key);
        let name = bounded(event.text(column::AGENT_VERSION).unwrap_or_default());
        let is_new = !agent.versions.contains_key(&*name);
        let mut unnamed = Vec::new();
        if is_new {
            unnamed.extend(meet(agent, key, &name, offset, shared, outputs));
            counters.keys_evicted += agent.forget_versions(offset, shared, outputs);
        }
        unnamed.extend(check_digest(agent, key, &name, event, outputs));
        let now = watermark.log_time().unwrap_or(placed.micros);
        for seen in unnamed {
            unannounced.wait(now, seen);
        }
        let limit = Settings::micros(common.settings.silence_secs);
        let silent_at = agent.hear(&name, placed.micros, limit, outputs);
        let Some(version) = agent.versions.get_mut(&*name) else {
            unreachable!("version `{name}` is known by now")
        };
        version.last_offset = offset;
        let mut found = samples(version, event, kind, shared, counters);
        let about = (&agent.identity, &*name);
        found.extend(judge(suites, version, event, about, shared, outputs));
        let pane_due = if found.is_empty() && kind == Kind::Other {
            None
        } else {
            fill_pane(version, &found, placed.micros, watermark, &common.settings, counters)
        };
        let more = test(agent, &name, of_agent, &found, common, shared, outputs);
        if let Some(at) = silent_at.into_iter().chain(pane_due).min() {
            agents.schedule(key, at);
        }
        let shared = common.shared(agents.tests());
        let took_over = kind == Kind::Run && agents.agent(key).ran(&name, shared, outputs);
        if is_new || more != 0 || took_over {
            agents.recount(key);
        }
    }
}

/// Handles the first event of a version: the version takes over, unless it is the canary or has no
/// name. Returns it if no act has named it.
fn meet(
    agent: &mut Agent,
    key: AgentKey,
    name: &str,
    offset: i64,
    shared: Shared<'_>,
    outputs: &mut Outputs<'_>,
) -> Option<Seen> {
    agent.versions.entry(name.to_owned()).or_default().last_offset = offset;
    // An event without a version cannot make a version current, nor can a canary.
    if name.is_empty() || agent.is_canary(name) {
        return None;
    }
    agent.end_canary(Ending::Superseded, outputs);
    let is_unnamed = agent.current.is_some() && !agent.announced.contains(name);
    let outgoing = agent.current.clone();
    let seen = is_unnamed.then(|| Seen {
        key,
        agent: agent.identity.clone(),
        version: name.to_owned(),
        name: name.to_owned(),
        before: outgoing.clone(),
        time: outputs.time(),
        reason: "the version was not announced by a deployment or change".to_owned(),
    });
    agent.introduce(name, outgoing, shared, outputs);
    seen
}

/// Returns a new digest of a version that had another, if no act has named it.
fn check_digest(
    agent: &mut Agent,
    key: AgentKey,
    name: &str,
    event: &Event<'_>,
    outputs: &Outputs<'_>,
) -> Option<Seen> {
    let digest = event.text(column::VERSION_DIGEST).filter(|text| !text.is_empty());
    let digest = bounded(digest?);
    let digests = agent.versions.get_mut(name).map(|version| &mut version.digests);
    let before = digests.and_then(|digests| digests.saw(&digest)).map(str::to_owned);
    let before = before.filter(|_| !agent.announced.contains(&digest))?;
    Some(Seen {
        key,
        agent: agent.identity.clone(),
        version: name.to_owned(),
        reason: format!(
            "the digest of the version changed from {before} to {digest} and no deployment or \
             change names it"
        ),
        name: digest.into_owned(),
        before: agent.current.clone(),
        time: outputs.time(),
    })
}

/// The observations in an event.
fn samples<'e>(
    version: &mut Version,
    event: &'e Event<'_>,
    kind: Kind,
    Shared { settings, metrics, .. }: Shared<'_>,
    counters: &mut Counters,
) -> Vec<Found<'e>> {
    let suite = if kind == Kind::Eval {
        let suite = event.text(column::eval::SUITE).unwrap_or_default();
        version.suite(suite, settings.suites_per_key_max)
    } else {
        0
    };
    counters.suites_merged += u64::from(suite == OTHER_SUITE);
    let is_sampled = version.sample(kind, event.text(column::RUN_ID));
    let mut found = Vec::new();
    for (place, metric) in (0_u8..).zip(metric::ALL) {
        if !metrics.contains(place) {
            continue;
        }
        if let Some(sample) = metric.sample(event, kind) {
            let channel = (place, if metric.per_suite { suite } else { 0 });
            found.push(Found { channel, metric, sample, is_sampled });
        }
    }
    found
}

/// Emits the verdicts of the suites in force, and returns them as observations.
fn judge<'e>(
    suites: &mut Suites,
    version: &mut Version,
    event: &Event<'_>,
    (agent, name): (&crate::identity::Identity, &str),
    Shared { settings, metrics, .. }: Shared<'_>,
    outputs: &mut Outputs<'_>,
) -> Vec<Found<'e>> {
    let mut found = Vec::new();
    for verdict in suites.observe(event) {
        verdicts::emit(&verdict, event, agent, name, outputs);
        let number = version.suite(&verdict.suite, settings.suites_per_key_max);
        let values = [
            (metric::EVAL_PASS_RATE, verdict.passed.map(|passed| f64::from(u8::from(passed)))),
            (metric::EVAL_SCORE, verdict.score),
        ];
        for (place, value) in values.into_iter().filter(|(place, _)| metrics.contains(*place)) {
            if let Some(value) = value {
                let (channel, sample) = ((place, number), Sample::Number(value));
                let metric = metric::at(place);
                found.push(Found { channel, metric, sample, is_sampled: true });
            }
        }
    }
    found
}

/// Adds observations to the pane of their time, unless that is too long ago. Returns the
/// watermark of the next task, if that is new.
fn fill_pane(
    version: &mut Version,
    found: &[Found<'_>],
    time: i64,
    watermark: &Watermark,
    settings: &Settings,
    counters: &mut Counters,
) -> Option<i64> {
    let watermark = watermark.at();
    let retention = Settings::micros(settings.retention_secs);
    let end = Span::Minutes.end(Span::Minutes.start(time));
    if watermark.is_some_and(|watermark| end.saturating_add(retention) <= watermark) {
        counters.too_late += 1;
        return None;
    }
    counters.late += u64::from(watermark.is_some_and(|watermark| end <= watermark));
    // A late event waits for the next minute, so that a burst of late events causes one revision.
    let when = |span: Span, window| match watermark {
        Some(watermark) if span.end(window) <= watermark => end_of_minute(watermark),
        Some(_) | None => span.end(window),
    };
    let (pane, earliest) = version.windows.touch(time, retention, when);
    for Found { channel, metric, sample, is_sampled } in found {
        if !pane.channels.entry(*channel).or_default().add(metric.shape, sample, *is_sampled) {
            counters.invalid_values += 1;
        }
    }
    earliest
}

/// Passes the sampled observations to the streams, unless they lie in a maintenance window. Returns
/// the change of the number of running tests.
fn test(
    agent: &mut Agent,
    name: &str,
    Attributed { offset, event, placed, .. }: Attributed<'_, '_>,
    found: &[Found<'_>],
    common: &Common,
    shared: Shared<'_>,
    outputs: &mut Outputs<'_>,
) -> i64 {
    if common.mutes.hides(&agent.identity, placed.micros) {
        return 0;
    }
    let run = event.text(column::RUN_ID).or_else(|| event.text(column::EVENT_ID));
    let run = bounded(run.unwrap_or_default());
    let mark = Mark { offset, time: placed.micros };
    let mut more = 0;
    for Found { channel, metric, sample, .. } in found.iter().filter(|found| found.is_sampled) {
        let Some(watch) = metric.watch.filter(|_| channel.1 != OTHER_SUITE) else { continue };
        if let Some(value) = Value::of(watch.model, sample) {
            more += agent.observe(name, *channel, value, (mark, &run), shared, outputs);
        }
    }
    more
}
