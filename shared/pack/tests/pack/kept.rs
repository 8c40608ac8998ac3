//! A kept checkpoint that is older than what a pack reaches back to, and the document that leads from
//! it to one that the pack proves.

use bytes::Bytes;
use merkle::checkpoint::Checkpoint;
use merkle::note::SigningKey;
use merkle::{Hash, rfc6962};
use pack::{Earlier, Judged, Report, Trust};
use segment::consistency::{CONSISTENCY_BYTES_MAX, Consistency};
use segment::fault::Judgement::{self, Failed, Unverifiable, Verified};
use segment::layout;
use segment::log::Commit;
use segment::replay::Replay;

use crate::common::{self, START_MS, World, log_key, run_completed};
use crate::export::export;
use crate::{judge_since, scope};

/// The log of a world: its leaves, and the checkpoint of each commit.
struct Log {
    leaves: Vec<Hash>,
    checkpoints: Vec<String>,
}

impl Log {
    fn of(world: &World) -> Self {
        let mut replay = Replay::new(common::policy());
        let (mut leaves, mut checkpoints) = (Vec::new(), Vec::new());
        while let Some(bytes) = world.objects.get(&layout::commit(replay.next_sequence())) {
            let commit = Commit::parse(replay.next_sequence(), bytes).unwrap();
            checkpoints.push(commit.checkpoint);
            leaves.extend(replay.apply(bytes).unwrap().into_iter().map(|entry| entry.leaf));
        }
        Self { leaves, checkpoints }
    }

    fn size(&self, commit: usize) -> u64 {
        let note = &self.checkpoints[commit];
        Checkpoint::open(note, &[log_key().verifier()]).unwrap().size
    }

    /// The document that leads from the checkpoint of a commit to that of another.
    fn document(&self, from: usize, to: usize) -> Consistency {
        let size = usize::try_from(self.size(to)).unwrap();
        let path = rfc6962::prove_consistency(&self.leaves[..size], self.size(from)).unwrap();
        Consistency::new(&self.checkpoints[from], &self.checkpoints[to], &path)
    }
}

/// A day of an agent, and what came after. `other` is what its log sealed from the third commit on.
fn world(other: &str) -> World {
    let mut world = World::example();
    for run in 30..34 {
        let at_ms = START_MS + 86_400_000 + i64::from(run);
        world.commit(&[("agent.events", 0, vec![run_completed(other, run, at_ms)])]);
    }
    world
}

fn judge(pack: &Bytes, kept: &str, document: Option<&str>) -> Report {
    let earlier = Earlier { checkpoint: kept, consistency: document.map(str::as_bytes) };
    judge_since(pack, Trust { policy: Some(&common::policy()), earlier: Some(earlier) })
}

#[track_caller]
fn is(report: &Report, expected: Judgement, says: &str) {
    assert_eq!(report.verdict, expected, "{report}");
    assert!(report.to_string().contains(says), "no `{says}` in {report}");
}

#[test]
fn a_document_leads_from_an_old_checkpoint_to_one_that_the_pack_proves() {
    let world = world("agent-a");
    let log = Log::of(&world);
    let pack = export(&world, &scope("agent-a")).unwrap();
    let last = log.checkpoints.len() - 1;
    let old = &log.checkpoints[1];
    let command = "driftseal log consistency CHECKPOINT --to PACK";
    is(&judge(&pack, old, None), Unverifiable, command);
    let document = log.document(1, last).to_json();
    let verified = judge(&pack, old, Some(&document));
    is(&verified, Verified, "kept checkpoint: its 4 entries are the beginning of the log (the");
    // To the head of the pack, which is the first that it proves; and to one before it.
    is(&judge(&pack, old, Some(&log.document(1, last - 1).to_json())), Verified, "leads from it");
    let short = judge(&pack, old, Some(&log.document(1, last - 2).to_json()));
    is(&short, Unverifiable, command);
    // It begins with another one than was kept.
    let other = judge(&pack, &log.checkpoints[0], Some(&document));
    is(&other, Unverifiable, "an older checkpoint of 4 entries");
    // What needs no document is not made worse by one that leads nowhere.
    let near = judge(&pack, &log.checkpoints[last - 1], None);
    is(&near, Verified, "kept checkpoint");
    let beyond = Log::of(&{
        let mut later = world.clone();
        later.commit(&[("agent.events", 1, vec![run_completed("agent-b", 50, START_MS)])]);
        later
    });
    let document = beyond.document(last, last + 1).to_json();
    is(&judge(&pack, &log.checkpoints[last], Some(&document)), Verified, "kept checkpoint");
    let document = beyond.document(1, last + 1).to_json();
    is(&judge(&pack, old, Some(&document)), Unverifiable, command);
}

#[test]
fn a_log_that_was_rolled_back_and_went_on_differently_has_failed() {
    let (before, after) = (Log::of(&world("agent-a")), world("agent-b"));
    let (now, pack) = (Log::of(&after), export(&after, &scope("agent-a")).unwrap());
    let last = now.checkpoints.len() - 1;
    assert_eq!(before.checkpoints[..3], now.checkpoints[..3]);
    // Sealed before the log was rolled back, and kept; older than the head of the pack.
    let kept = &before.checkpoints[3];
    is(&judge(&pack, kept, None), Unverifiable, "log consistency");
    // A true document of the log as it was, which reaches what the pack proves.
    let document = before.document(3, last).to_json();
    is(&judge(&pack, kept, Some(&document)), Failed, "went on differently");
    // No path leads from there to the log as it is.
    let forged = Consistency { newer: now.checkpoints[last].clone(), ..before.document(3, last) };
    is(&judge(&pack, kept, Some(&forged.to_json())), Failed, "consistency");
    let path = now.document(3, last).path;
    let forged = Consistency { path, ..forged };
    is(&judge(&pack, kept, Some(&forged.to_json())), Failed, "consistency");
    // The document of the log as it is, beside what was kept: one size, two roots.
    let document = now.document(3, last).to_json();
    is(&judge(&pack, kept, Some(&document)), Failed, "kept checkpoint");
    // What both histories have holds.
    let common = now.document(2, last).to_json();
    is(&judge(&pack, &before.checkpoints[2], Some(&common)), Verified, "kept checkpoint");
    // One entry of the pack's own log, and a document of which nothing holds.
    is(&judge(&pack, &now.checkpoints[last], Some(&forged.to_json())), Failed, "consistency");
}

#[test]
fn hostile_documents_are_refused_and_not_read_to_their_end() {
    let world = world("agent-a");
    let log = Log::of(&world);
    let pack = export(&world, &scope("agent-a")).unwrap();
    let last = log.checkpoints.len() - 1;
    let (old, made) = (log.checkpoints[1].as_str(), log.document(1, last));
    let text = made.to_json();
    is(&judge(&pack, old, Some(&text)), Verified, "");
    for wrong in [
        String::new(),
        "{}".to_owned(),
        text.replace('}', ",\"size\":\"7\"}"),
        format!("{text}{}", " ".repeat(usize::try_from(CONSISTENCY_BYTES_MAX).unwrap())),
        "[".repeat(60_000),
        old.to_owned(),
        Consistency { older: made.newer.clone(), newer: made.older.clone(), ..made.clone() }
            .to_json(),
    ] {
        let beginning: String = wrong.chars().take(60).collect();
        assert_eq!(judge(&pack, old, Some(&wrong)).verdict, Failed, "{beginning}");
    }
    let unknown = text.replace("consistency/v1", "consistency/v9");
    is(&judge(&pack, old, Some(&unknown)), Unverifiable, "consistency/v9");
    let stranger = SigningKey::from_seed("log.other", [9; 32]).unwrap();
    let of_other = |size| Checkpoint { origin: "log.other".into(), size, root: [7; 32] };
    let foreign = Consistency::new(&of_other(4).sign(&stranger), &of_other(4).sign(&stranger), &[]);
    is(&judge(&pack, old, Some(&foreign.to_json())), Unverifiable, "log.other");
}

#[test]
fn what_is_no_pack_is_compared_with_a_kept_checkpoint_too() {
    let world = world("agent-a");
    let log = Log::of(&world);
    let last = log.checkpoints.len() - 1;
    let policy = common::policy();
    let made = Bytes::from(log.document(1, last).to_json());
    let with = |kept: usize, document: Option<&str>| -> Judged {
        let checkpoint = log.checkpoints[kept].as_str();
        let earlier = Earlier { checkpoint, consistency: document.map(str::as_bytes) };
        pack::judge(&made, Trust { policy: Some(&policy), earlier: Some(earlier) })
    };
    assert_eq!(pack::judge(&made, Trust::default()).verdict(), Unverifiable);
    assert_eq!(with(1, None).verdict(), Verified, "{}", with(1, None));
    assert_eq!(with(last, None).verdict(), Verified);
    let other = with(0, None);
    assert_eq!(other.verdict(), Unverifiable, "{other}");
    let document = log.document(0, 1).to_json();
    assert_eq!(with(0, Some(&document)).verdict(), Verified);
}

/// Those of `schemas/evidence/vectors/consistency.json` with a kept checkpoint.
#[test]
fn vectors_with_a_kept_checkpoint_have_the_stated_answers() {
    let vectors = include_str!("../../../../schemas/evidence/vectors/consistency.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let mut compared = 0;
    for vector in vectors["documents"].as_array().unwrap() {
        let Some(kept) = vector["kept"].as_str() else { continue };
        let policy = segment::policy::Policy::parse(vector["policy"].as_str().unwrap()).unwrap();
        let text = vector["document"].as_str().unwrap();
        // The document stands for what is judged as well: its newer checkpoint is one that it has.
        let earlier = Earlier { checkpoint: kept, consistency: Some(text.as_bytes()) };
        let trust = Trust { policy: Some(&policy), earlier: Some(earlier) };
        let judged = pack::judge(&Bytes::copy_from_slice(text.as_bytes()), trust);
        let verdict = judged.verdict().name();
        assert_eq!(verdict, vector["verdict"].as_str().unwrap(), "{}", vector["about"]);
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}
