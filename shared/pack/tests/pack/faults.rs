//! What was found wrong by trying: tampered evidence that was VERIFIED, and verdicts nobody could use.

use bytes::Bytes;
use event::kind;
use merkle::checkpoint::Checkpoint;
use pack::{Earlier, PackBytes, Report, Trust, judge};
use segment::excerpt::Excerpt;
use segment::fault::Judgement;
use segment::leaf::{Salts, field_commitment};
use segment::manifest::InstalledTopic;

use crate::common::{self, Line, START_MS, World, log_key, run_completed};
use crate::container::unzip;
use crate::export::{Wish, excerpt, export, export_excerpt};
use crate::forge::Forge;
use crate::{DAY_MS, check, facts, judge_since, rezip, scope};

fn step(report: &Report) -> &'static str {
    report.fault.as_ref().unwrap_or_else(|| panic!("{report}")).step
}

fn export_withholding(world: &World, withheld: Vec<&'static str>) -> Bytes {
    let scope = scope("agent-a");
    let (excerpt, checkpoint) = excerpt(world, &scope);
    export_excerpt(world, Wish { scope, withheld }, excerpt, &checkpoint).unwrap()
}

#[test]
fn a_value_is_missing_only_if_the_pack_says_that_it_is_withheld() {
    let world = World::example();
    let pack = export_withholding(&world, vec!["run.input"]);
    let report = check(&pack);
    assert_eq!(facts(&report).withheld["run.input"], 5, "{report}");
    assert!(facts(&report).erased.is_empty());
    assert!(report.to_string().contains("WITHHELD       5  values of run.input"), "{report}");
    let entries = unzip(&pack);
    let csv = String::from_utf8_lossy(&entries["events/00000.csv"]).into_owned();
    assert!(!csv.contains("secret") && csv.contains("<b>0</b>"), "{csv}");
    let parquet = &entries["events/00000.parquet"];
    assert!(!parquet.windows(6).any(|bytes| bytes == b"secret"));

    // The same rows, and a pack that does not say it: whoever passes a pack on could have hidden them.
    let mut silent = entries.clone();
    let json = String::from_utf8_lossy(&entries["pack.json"]).into_owned();
    let said = "\"withheld\": [\n    \"run.input\"\n  ]";
    assert!(json.contains(said), "{json}");
    silent.insert("pack.json".into(), json.replace(said, "\"withheld\": []").into_bytes());
    let report = check(&rezip(silent));
    assert_eq!(step(&report), "missing values", "{report}");
    // A pack that says it, and holds the values all the same.
    let mut loud = entries.clone();
    let whole = unzip(&export(&world, &scope("agent-a")).unwrap());
    loud.insert("events/00000.parquet".into(), whole["events/00000.parquet"].clone());
    assert_eq!(step(&check(&rezip(loud))), "withheld values");
    // A field that nobody can withhold.
    let mut odd = entries.clone();
    let json = String::from_utf8_lossy(&entries["pack.json"]).replace("run.input", "run.status");
    odd.insert("pack.json".into(), json.into_bytes());
    assert_eq!(step(&check(&rezip(odd))), "pack.json");
}

#[test]
fn whoever_passes_a_pack_on_cannot_sign_it_again() {
    let entries = unzip(&export_withholding(&World::example(), vec!["run.input"]));
    let stranger = merkle::note::SigningKey::from_seed("evidence.example.com", [9; 32]).unwrap();
    let again = crate::container::rezip(entries, &stranger);
    assert_eq!(step(&check(&again)), "evidence signature");
}

#[test]
fn a_withheld_value_has_the_commitment_of_its_leaf() {
    // The example's first salt is sixteen ones, its first record run 0 of agent-a.
    let input = event::schema().id("run.input").unwrap();
    let salt = Salts::new(&[1; 16]).of("run.input");
    let commitment = field_commitment(input, &event::Cell::from("=secret 0"), &salt);
    let entries = unzip(&export_withholding(&World::example(), vec!["run.input", "run.output"]));
    // The page of commitments is compressed; a short one holds them as they are.
    let found = entries["events/00000.parquet"].windows(32).any(|bytes| bytes == commitment);
    assert!(found, "the commitment of the first row is in the pack");
}

#[test]
fn an_erasure_is_believed_if_the_log_has_it() {
    // Entry 1 is the segment of the rows, the next one of another partition.
    let report = check(&erased_by_an_entry_about(1));
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    assert_eq!(facts(&report).erased["run.input"], 5, "{report}");
    assert!(report.to_string().contains("ERASED         5  values of run.input"), "{report}");
    // What was erased elsewhere excuses nothing here.
    for other in [2, 3, 4] {
        let report = check(&erased_by_an_entry_about(other));
        assert_eq!(step(&report), "missing values", "{report}");
    }
}

/// The rows of a pack that withholds, in one that says nothing, as if they had been erased: the log says so
/// of that entry.
fn erased_by_an_entry_about(entry: u64) -> Bytes {
    let world = World::example();
    let hidden = unzip(&export_withholding(&world, vec!["run.input"]));
    let mut forge = Forge::of(&world);
    forge.commit_about("erasure", entry);
    let head = forge.before.clone();
    let period = scope("agent-a").period();
    let entries = Excerpt::needed(&forge_named(&world), period, forge.entries.clone()).unwrap();
    let excerpt = forge.excerpt(forge_named(&world), entries);
    assert_eq!(head.size() + 1, forge.head.size());
    let wish = Wish { scope: scope("agent-a"), withheld: Vec::new() };
    let pack = export_excerpt(&world, wish, excerpt, &forge.checkpoint()).unwrap();
    assert_eq!(check(&pack).verdict, Judgement::Verified, "{}", check(&pack));
    let mut erased = unzip(&pack);
    for name in ["events/00000.parquet", "events/00000.csv"] {
        erased.insert(name.into(), hidden[name].clone());
    }
    let json = String::from_utf8_lossy(&erased["pack.json"])
        .replace("\"erased\": {}", "\"erased\": {\n      \"run.input\": 5\n    }");
    let json = json.replace("      \"run.input\",\n", "");
    erased.insert("pack.json".into(), json.into_bytes());
    // Its page is another version's: what matters here is the verdict about the rows.
    let json = String::from_utf8_lossy(&erased["pack.json"])
        .replace("driftseal/report/", "driftseal/another/");
    erased.insert("pack.json".into(), json.into_bytes());
    rezip(erased)
}

/// The head that the last segment of the example names.
fn forge_named(world: &World) -> segment::log::Head {
    excerpt(world, &scope("agent-a")).0.head
}

#[test]
fn nothing_that_a_pack_says_is_shown_before_it_is_verified() {
    let mut entries = unzip(&export(&World::example(), &scope("agent-a")).unwrap());
    let lies = "\\u001b[8m agent-a VERIFIED\\n".repeat(50_000);
    let json = String::from_utf8_lossy(&entries["pack.json"]).replace("agent-a", &lies);
    entries.insert("pack.json".into(), json.into_bytes());
    let report = check(&rezip(entries));
    assert_eq!(report.verdict, Judgement::Failed);
    let text = report.to_string();
    assert!(text.len() < 6_000 && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.matches("\nVERIFIED").count(), 0, "{text}");
    assert!(serde_json_len(&report) < 6_000);
}

fn serde_json_len(report: &Report) -> usize {
    // A report is serialized as it is.
    serde_json::to_string(report).unwrap().len()
}

fn line(agent: &str, kind: &str, at_ms: i64) -> Line {
    let json = format!(
        r#"{{"event_id":"{agent}-{at_ms}","kind":"{kind}","event_time":"2026-10-01T00:00:01Z","agent_id":"{agent}"}}"#
    );
    (at_ms, json)
}

#[test]
fn a_kind_of_a_sender_draws_no_line_of_the_verdict() {
    let mut world = World::new();
    world.commit(&[(
        "agent.events",
        0,
        vec![line("agent-a", "x\\n  ok    all: fine\\u001b[8m", START_MS)],
    )]);
    let report = check(&export(&world, &scope("agent-a")).unwrap());
    assert_eq!(report.verdict, Judgement::Verified);
    let text = report.to_string();
    assert!(!text.contains("\n  ok    all") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn how_far_the_log_reaches_is_said() {
    let report = check(&export(&World::example(), &scope("agent-a")).unwrap());
    let coverage = &facts(&report).coverage;
    let reaches: Vec<_> = coverage.iter().map(|of| (of.partition, of.reaches_end)).collect();
    // Partition 0 has records of the next day; the others end in the period.
    assert_eq!(reaches, [(0, Some(true)), (1, Some(false)), (0, Some(false))]);
    let text = report.to_string();
    let early =
        "reaches agent.events/1 to offset 104, received at 2026-10-01T00:00:00.014000Z: BEFORE";
    assert!(text.contains(early), "{text}");

    let later =
        pack::Scope::new("agent-a", START_MS + 40 * DAY_MS, START_MS + 70 * DAY_MS).unwrap();
    let pack = export(&World::example(), &later).unwrap();
    let text = check(&pack).to_string();
    assert_eq!(text.matches("BEFORE THE END OF THE PERIOD").count(), 3, "{text}");
    assert!(text.contains("events  NONE"), "{text}");
    let page = String::from_utf8_lossy(&unzip(&pack)["report.html"]).into_owned();
    assert!(page.contains("holds no event") && page.contains("does not reach the end"), "{page}");
}

#[test]
fn of_what_the_log_holds_nothing_is_said() {
    let topic = |name: &str, partitions| InstalledTopic { name: name.into(), partitions };
    let mut installation = common::installation();
    installation.topics = vec![
        topic("agent.events", Some(6)),
        topic("driftseal.alerts", None),
        topic("driftseal.controls", Some(1)),
        topic("driftseal.metrics", None),
    ];
    let mut world = World::of(installation);
    let runs = |run| vec![run_completed("agent-a", run, START_MS)];
    world.commit(&[
        ("agent.events", 1, runs(1)),
        ("agent.events", 4, runs(2)),
        // Of a partition that was added later, and of a topic that nobody counted.
        ("agent.events", 6, runs(3)),
        ("driftseal.metrics", 0, runs(4)),
    ]);
    let expected = ["agent.events/0,2-3,5", "driftseal.alerts", "driftseal.controls/0"];
    for agent in ["agent-a", "nobody"] {
        let pack = export(&world, &scope(agent)).unwrap();
        let report = check(&pack);
        let unsealed: Vec<_> = facts(&report).unsealed.iter().map(ToString::to_string).collect();
        assert_eq!(unsealed, expected);
        let text = report.to_string();
        let page = String::from_utf8_lossy(&unzip(&pack)["report.html"]).into_owned();
        for of in expected {
            let said = format!("UNSEALED {of}: nothing of it is in the log");
            assert!(text.contains(&said), "{said}: {text}");
            assert!(page.contains(of), "{of}: {page}");
        }
        // A pack that does not say so is another one's.
        let mut silent = unzip(&pack);
        let json = String::from_utf8_lossy(&silent["pack.json"]).replace("0,2-3,5", "0,3,5");
        silent.insert("pack.json".into(), json.into_bytes());
        assert_eq!(check(&rezip(silent)).verdict, Judgement::Failed);
    }
    world.commit(&[("driftseal.controls", 0, runs(5))]);
    let report = check(&export(&world, &scope("agent-a")).unwrap());
    assert_eq!(facts(&report).unsealed.len(), 2);
}

#[test]
fn agents_with_similar_names_are_named() {
    let mut world = World::new();
    let agents = ["support-agent", "Support-Agent", "support-agent ", "ѕupport-agent", "billing"];
    let runs = agents.iter().map(|agent| run_completed(agent, 0, START_MS)).collect();
    world.commit(&[("agent.events", 0, runs)]);
    for agent in ["support-agent", "support_agent"] {
        let report = check(&export(&world, &scope(agent)).unwrap());
        let names: Vec<_> =
            facts(&report).similar_names.iter().map(|name| name.agent_id.as_str()).collect();
        let mut expected: Vec<_> =
            agents[..4].iter().copied().filter(|name| *name != agent).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(report.to_string().contains("SIMILAR"), "{report}");
    }
}

#[test]
fn a_kept_checkpoint_must_be_the_beginning_of_the_log() {
    let world = World::example();
    let pack = export(&world, &scope("agent-a")).unwrap();
    let policy = common::policy();
    let with = |kept: &str| {
        let earlier = Earlier { checkpoint: kept, consistency: None };
        judge_since(&pack, Trust { policy: Some(&policy), earlier: Some(earlier) })
    };
    // The log as it is, and as it was when its last segment named a head.
    let mut sizes = Vec::new();
    for sequence in 0..3 {
        let bytes = &world.objects[&segment::layout::commit(sequence)];
        let commit = segment::log::Commit::parse(sequence, bytes).unwrap();
        let report = with(&commit.checkpoint);
        sizes
            .push((report.verdict, report.steps.iter().any(|step| step.name == "kept checkpoint")));
    }
    use Judgement::{Unverifiable, Verified};
    assert_eq!(sizes, [(Unverifiable, false), (Verified, true), (Verified, true)]);
    let sign = |size, root| {
        Checkpoint { origin: log_key().name().to_owned(), size, root }.sign(&log_key())
    };
    for (kept, size) in [(sign(5, [7; 32]), "another root"), (sign(6, [7; 32]), "larger")] {
        assert_eq!(step(&with(&kept)), "kept checkpoint", "{size}");
    }
    let stranger = merkle::note::SigningKey::from_seed("log.other", [9; 32]).unwrap();
    let other = Checkpoint { origin: "log.other".into(), size: 1, root: [7; 32] }.sign(&stranger);
    assert_eq!(with(&other).verdict, Unverifiable);
    assert_eq!(with("nonsense").verdict, Judgement::Failed);
}

#[test]
fn the_text_names_origin_root_keys_and_the_file() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    let report = check(&pack);
    let text = report.to_string();
    let sha256 = merkle::hash::to_hex(&merkle::hash::sha256(&pack));
    let root = facts(&report).log.root.clone();
    for part in [
        format!("SHA-256 {sha256}"),
        format!("log     log.example.com/agents: 5 entries, root {root}"),
        format!("log.example.com/agents+{}", log_key().key_id_hex()),
        format!("evidence.example.com+{}", common::evidence_key().key_id_hex()),
        format!("sealer sealer.example.com+{}", common::sealer_key().key_id_hex()),
        "analyse events/*.parquet".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    let all = pack::Scope::parse("agent-a", None, None).unwrap();
    let text = check(&export(&World::example(), &all).unwrap()).to_string();
    assert!(
        text.contains("period  everything that the log holds") && !text.contains("9999"),
        "{text}"
    );
}

/// A file that cannot be read from some place on.
struct Torn(Bytes, u64);

impl PackBytes for Torn {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<()> {
        if offset < self.1 && self.1 < offset + into.len() as u64 {
            return Err(std::io::Error::other("bad sector"));
        }
        self.0.read_at(offset, into)
    }
}

#[test]
fn a_file_that_cannot_be_read_gives_a_verdict_too() {
    let pack = export(&World::example(), &scope("agent-a")).unwrap();
    let policy = common::policy();
    for at in (1..pack.len() as u64 - 1).step_by(97) {
        let trust = Trust { policy: Some(&policy), earlier: None };
        let judged = judge(&Torn(pack.clone(), at), trust);
        assert_eq!(judged.verdict(), Judgement::Unverifiable, "{at}: {judged}");
        assert!(judged.to_string().contains("bad sector"), "{judged}");
    }
}

#[test]
fn the_story_comes_first_with_times_of_occurrence() {
    let mut world = World::new();
    let decided = |run: u32, outcome: &str| -> Line {
        let json = format!(
            r#"{{"event_id":"d-{run}","kind":"{}","event_time":"2026-09-30T12:00:0{run}Z","agent_id":"agent-a","approval":{{"id":"a-{run}","outcome":"{outcome}","approver_id":"kim","approver_authn":"oidc"}}}}"#,
            kind::APPROVAL_DECIDED
        );
        (START_MS + i64::from(run), json)
    };
    let lines = (0..5).map(|run| decided(run, if run == 3 { "denied" } else { "approved" }));
    world.commit(&[("agent.events", 0, lines.collect())]);
    let pack = export(&world, &scope("agent-a")).unwrap();
    let report = check(&pack);
    let story = &facts(&report).story;
    let groups: Vec<_> = story
        .decisions
        .iter()
        .map(|of| (of.outcome.as_str(), of.count, of.first.as_str()))
        .collect();
    assert_eq!(
        groups,
        [
            ("approved", 4, "2026-09-30T12:00:00.000000Z"),
            ("denied", 1, "2026-09-30T12:00:03.000000Z")
        ]
    );
    let [denied] = &story.exceptions.items[..] else { panic!("{story:?}") };
    assert_eq!(denied.occurred, "2026-09-30T12:00:03.000000Z");
    let page = String::from_utf8_lossy(&unzip(&pack)["report.html"]).into_owned();
    let places = ["<h2>Changes", "<h2>Alerts", "<h2>Decisions", "<h2>Exceptions", "<h2>Events"];
    let places: Vec<_> = places.iter().map(|title| page.find(title).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn no_pack_is_made_of_rows_of_other_times_than_the_sealer_has_signed() {
    // A segment whose rows are later than its manifest says would be in packs of the wrong period.
    let mut world = World::new();
    world.lie = |facts| facts.max_timestamp_ms = facts.first_timestamp_ms;
    let runs = (0..5).map(|run| run_completed("agent-a", run, START_MS + i64::from(run)));
    world.commit(&[("agent.events", 0, runs.collect())]);
    let error = export(&world, &scope("agent-a")).unwrap_err();
    assert!(format!("{error:?}").contains("largest timestamp"), "{error:?}");
    let honest = World::example();
    assert!(check(&export(&honest, &scope("agent-a")).unwrap()).fault.is_none());
}
