//! What senders choose is bounded: memory stays below a ceiling, and so does the work for one event,
//! whatever is multiplied. Each attack runs in a process of its own, whose peak is measured.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a failed step fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test starts processes")]

use std::process::Command;

use event::typed::Text;
use event::{
    BatchBuilder, Decoded, Event, EventBuilder, Timestamp, TimestampType, TopicPartition,
    TypedColumn, column, kind,
};
use governance::{
    Admission, Admitted, Effect, Id, Installation, Ownership, Signer, Trust, content_of,
};
use merkle::note::SigningKey;
use monitor::{Processor, Settings};

const START_MS: i64 = 1_767_225_600_000;
const CHILD: &str = "DRIFTSEAL_TEST_BOUNDED";

/// A partition under attack.
struct Attack {
    processor: Processor,
    now_ms: i64,
    outputs_max: usize,
}

impl Attack {
    fn new(settings: Settings) -> Self {
        let key = key().verifier().to_vkey();
        let trust = Trust::parse(installation(), [key], Vec::<String>::new()).unwrap();
        let processor = Processor::new(settings, "agent.events", 0);
        let processor = processor.with_ownership(Ownership::new(trust));
        let mut attack = Self { processor, now_ms: START_MS, outputs_max: 0 };
        let time = Timestamp::from_millis(START_MS);
        let started = EventBuilder::new(kind::MONITOR_STARTED);
        let started = started.set(column::EVENT_ID, "s").set(column::EVENT_TIME, time);
        attack.feed(signer().sign(started.build().unwrap()));
        attack
    }

    /// Lets the owner admit an act of a kind with these texts: people may do harm, too.
    fn admit(&mut self, kind: &str, texts: &[(TypedColumn<Text>, &str)]) -> usize {
        let (number, time) =
            (self.processor.frontier().next(), Timestamp::from_millis(self.now_ms));
        let event = |kind: &str| {
            let id = format!("act-{number}");
            EventBuilder::new(kind).set(column::EVENT_ID, id).set(column::EVENT_TIME, time)
        };
        let mut act = event(kind).set(column::AGENT_ID, "agent");
        for (column, text) in texts {
            act = act.set(*column, *text);
        }
        let act = act.build().unwrap();
        let effect = Effect::of(&act).unwrap().unwrap();
        let acts = vec![Admitted { offset: number, digest: content_of(&act), effect }];
        let (governance, next) = ("g".to_owned(), number + 1);
        let admission = Admission { governance, from: number, next, of: next, acts };
        let event = admission.write(event(kind::MONITOR_ADMITTED)).build().unwrap();
        let signed = signer().at(self.processor.next_offset()).sign(event);
        self.feed(signed)
    }

    /// Sends an event of a kind with these texts.
    fn send(&mut self, kind: &str, texts: &[(TypedColumn<Text>, &str)]) -> usize {
        self.send_with(kind, texts, |builder| builder)
    }

    fn send_with(
        &mut self,
        kind: &str,
        texts: &[(TypedColumn<Text>, &str)],
        more: impl FnOnce(EventBuilder) -> EventBuilder,
    ) -> usize {
        let offset = self.processor.next_offset();
        let mut builder = EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("00000000-0000-7000-8000-{offset:012x}"))
            .set(column::EVENT_TIME, Timestamp::from_millis(self.now_ms))
            .set(column::AGENT_ID, "agent");
        for (column, text) in texts {
            builder = builder.set(*column, *text);
        }
        let event = more(builder).build().unwrap();
        self.feed(event)
    }

    fn feed(&mut self, event: Event<'_>) -> usize {
        let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
        let (offset, none) = (self.processor.next_offset(), std::iter::empty());
        batch.push(offset, self.now_ms, TimestampType::LogAppendTime, None, Some(b""), none);
        let batch = batch.build();
        let decoded = Decoded { event, schema_id: "json".into(), fault: None };
        let mut outputs = 0;
        let record = batch.records().next().unwrap();
        self.processor.handle_record_into(&record, &decoded, &mut |_| outputs += 1);
        self.outputs_max = self.outputs_max.max(outputs);
        outputs
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed("processor", [1; 32]).unwrap()
}

fn installation() -> Installation {
    Installation { origin: "log".to_owned(), topic_prefix: String::new() }
}

fn signer() -> Signer {
    let partition = TopicPartition::new("agent.events", 0);
    let claim = (Id::from_bytes([1; 16]), 1);
    Signer::new(key(), installation(), partition, claim, Id::from_bytes([2; 16]))
}

/// Runs an attack in a process of its own, and returns the most memory that it took, MiB.
fn peak_mib(test: &str, attack: impl FnOnce()) -> u64 {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        attack();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        println!("\npeak {} MiB", kib / 1_024);
        std::process::exit(0);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, test)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let peak = text.lines().find_map(|line| line.strip_prefix("peak ")?.strip_suffix(" MiB"));
    assert!(peak.is_some(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let peak = peak.unwrap();
    println!("{test}: {peak} MiB");
    peak.parse().unwrap()
}

/// 60,000 environments and 8 deployments took 5.9 GB, and one deployment made 160,000 outputs.
#[test]
fn environments_and_deployments_to_all_of_them() {
    let peak = peak_mib("environments_and_deployments_to_all_of_them", || {
        let mut attack = Attack::new(Settings::default());
        for number in 0..60_000 {
            let environment = format!("env-{number}");
            attack.send(
                kind::RUN_COMPLETED,
                &[(column::ENVIRONMENT, &environment), (column::run::STATUS, "ok")],
            );
        }
        assert!(attack.processor.keys() <= 32, "{}", attack.processor.keys());
        for number in 0..8 {
            let version = format!("v{number}");
            attack.admit(kind::AGENT_VERSION_DEPLOYED, &[(column::agent::TO_VERSION, &version)]);
        }
        assert!(attack.outputs_max < 2_000, "{} outputs of one event", attack.outputs_max);
        assert!(attack.processor.counters().keys_evicted >= 59_968);
    });
    assert!(peak < 128, "{peak} MiB");
}

#[test]
fn agents_and_tenants() {
    let peak = peak_mib("agents_and_tenants", || {
        let settings = Settings { keys_max: 20_000, ..Settings::default() };
        let mut attack = Attack::new(settings);
        for number in 0..100_000 {
            let (agent, tenant) = (format!("agent-{number}"), format!("tenant-{}", number % 977));
            attack.send(
                kind::RUN_COMPLETED,
                &[(column::AGENT_ID, &agent), (column::TENANT_ID, &tenant)],
            );
        }
        assert!(attack.processor.keys() <= 20_000);
    });
    assert!(peak < 160, "{peak} MiB");
}

/// Every name as long as a record may hold, and all of them different.
#[test]
fn giant_names() {
    let peak = peak_mib("giant_names", || {
        let mut attack = Attack::new(Settings::default());
        for number in 0..300 {
            let name = format!("{number}{}", "x".repeat(900_000));
            for (kind, column) in [
                (kind::RUN_COMPLETED, column::AGENT_ID),
                (kind::RUN_COMPLETED, column::AGENT_VERSION),
                (kind::RUN_COMPLETED, column::ENVIRONMENT),
                (kind::RUN_COMPLETED, column::TENANT_ID),
                (kind::RUN_COMPLETED, column::RUN_ID),
                (kind::RUN_COMPLETED, column::VERSION_DIGEST),
                (kind::TOOL_COMPLETED, column::tool::NAME),
                (kind::EVAL_RESULT, column::eval::SUITE),
                (kind::CHANGE_IMPLEMENTED, column::change::TITLE),
            ] {
                attack.send(kind, &[(column, &name)]);
            }
        }
    });
    assert!(peak < 128, "{peak} MiB");
}

fn small_budget() -> Settings {
    Settings { state_bytes_max: 16 << 20, versions_per_agent_max: 16, ..Settings::default() }
}

/// Tools with names of 250 bytes, new ones in every minute, of many versions and agents.
#[test]
fn tools_of_many_versions() {
    let peak = peak_mib("tools_of_many_versions", || {
        let mut attack = Attack::new(small_budget());
        for number in 0..60_000_i64 {
            attack.now_ms += 40;
            let tool = format!("{number:0>250}");
            let version = format!("v{}", number % 16);
            let agent = format!("agent-{}", number % 300);
            attack.send(
                kind::TOOL_COMPLETED,
                &[
                    (column::AGENT_ID, &agent),
                    (column::AGENT_VERSION, &version),
                    (column::tool::NAME, &tool),
                    (column::tool::STATUS, "ok"),
                ],
            );
        }
        assert!(attack.processor.counters().keys_evicted > 0, "the budget was never reached");
    });
    assert!(peak < 192, "{peak} MiB");
}

#[test]
fn suites_of_many_versions() {
    let peak = peak_mib("suites_of_many_versions", || {
        let settings = Settings { state_bytes_max: 4 << 20, ..small_budget() };
        let mut attack = Attack::new(settings);
        for number in 0..60_000_i64 {
            attack.now_ms += 20;
            let suite = format!("{:0>200}", number % 64);
            let version = format!("v{}", number / 64 % 16);
            let agent = format!("agent-{}", number / 1_024);
            attack.send_with(
                kind::EVAL_RESULT,
                &[
                    (column::AGENT_ID, &agent),
                    (column::AGENT_VERSION, &version),
                    (column::eval::SUITE, &suite),
                ],
                |builder| builder.set(column::eval::PASSED, true).set(column::eval::SCORE, 0.5),
            );
        }
        assert!(attack.processor.counters().keys_evicted > 0, "the budget was never reached");
    });
    assert!(peak < 256, "{peak} MiB");
}

/// Numbers all over the range of floats fill the buckets of sketches.
#[test]
fn numbers_of_any_size() {
    let peak = peak_mib("numbers_of_any_size", || {
        let mut attack = Attack::new(small_budget());
        for number in 0..30_000_i32 {
            attack.now_ms += 200;
            let agent = format!("agent-{}", number % 40);
            let value = 1.03_f64.powi(number % 2_000 - 600);
            attack.send_with(kind::RUN_COMPLETED, &[(column::AGENT_ID, &agent)], |builder| {
                builder.set(column::run::DURATION_MS, value).set(column::run::COST_USD, value)
            });
        }
    });
    assert!(peak < 192, "{peak} MiB");
}

/// One agent that takes more than its share loses its own state, and no other agent's.
#[test]
fn an_agent_that_takes_too_much_is_evicted_itself() {
    let mut attack = Attack::new(Settings { state_bytes_max: 4 << 20, ..Settings::default() });
    for _ in 0..50 {
        attack
            .send(kind::RUN_COMPLETED, &[(column::AGENT_ID, "quiet"), (column::run::STATUS, "ok")]);
    }
    let evicted = |attack: &Attack| attack.processor.counters().keys_evicted;
    assert_eq!(evicted(&attack), 0);
    for number in 0..20_000_i64 {
        attack.now_ms += 100;
        let tool = format!("{number:0>250}");
        let version = format!("v{}", number % 16);
        attack.send(
            kind::TOOL_COMPLETED,
            &[(column::AGENT_VERSION, &version), (column::tool::NAME, &tool)],
        );
    }
    assert!(evicted(&attack) > 0);
    // The windows of the quiet agent are still those of all of its runs.
    assert!(attack.processor.keys() >= 1);
}
