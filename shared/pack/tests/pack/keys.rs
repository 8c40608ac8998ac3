//! Packs about a log that accepts keys, honest and forged ones, judged by the policy from before.

use bytes::Bytes;
use merkle::note::{SigningKey, VerifyingKey};
use pack::Report;
use segment::excerpt::Excerpt;
use segment::fault::Judgement;
use segment::log::Head;
use segment::manifest::{KeyManifest, Manifest, SignerUse};

use crate::common::{START_MS, World, evidence_key, log_key, run_completed, sealer_key};
use crate::container::{rezip, unzip};
use crate::export::{Wish, export, export_excerpt};
use crate::forge::Forge;
use crate::hidden::with_log;
use crate::{check, facts, scope};

fn new_sealer() -> SigningKey {
    SigningKey::from_seed("sealer-2.example.com", [12; 32]).unwrap()
}

fn new_evidence() -> SigningKey {
    SigningKey::from_seed("evidence-2.example.com", [13; 32]).unwrap()
}

fn accept(used_for: SignerUse, key: &VerifyingKey, signer: &SigningKey) -> String {
    let log = log_key().name().to_owned();
    let accepted = KeyManifest { log, key: key.clone(), used_for, program: "test/1".into() };
    Manifest::Key(accepted).sign(signer).unwrap()
}

fn runs(world: &mut World, from: u32) {
    let runs = (from..from + 3).map(|run| run_completed("agent-a", run, START_MS + i64::from(run)));
    world.commit(&[("agent.events", 0, runs.collect())]);
}

/// A log whose keys were replaced: that of the sealer twice, each accepted by the one before.
fn rotated() -> World {
    let mut world = World::new();
    runs(&mut world, 0);
    world.commit_entries(vec![accept(SignerUse::Sealer, &new_sealer().verifier(), &world.sealer)]);
    runs(&mut world, 10);
    world.sealer = new_sealer();
    runs(&mut world, 20);
    let third = SigningKey::from_seed("sealer-3.example.com", [14; 32]).unwrap();
    world.commit_entries(vec![
        accept(SignerUse::Evidence, &new_evidence().verifier(), &new_sealer()),
        accept(SignerUse::Sealer, &third.verifier(), &new_sealer()),
    ]);
    world.sealer = third;
    runs(&mut world, 30);
    world
}

fn signed(pack: &Bytes, key: &SigningKey) -> Bytes {
    rezip(unzip(pack), key)
}

fn why(report: &Report) -> &str {
    report.unverifiable.as_deref().unwrap_or_else(|| panic!("{report}"))
}

fn step(report: &Report) -> &'static str {
    report.fault.as_ref().unwrap_or_else(|| panic!("{report}")).step
}

#[test]
fn an_old_policy_follows_the_keys_that_the_log_accepts_and_says_so() {
    let pack = export(&rotated(), &scope("agent-a")).unwrap();
    for pack in [pack.clone(), signed(&pack, &new_evidence())] {
        let report = check(&pack);
        assert_eq!(report.verdict, Judgement::Verified, "{report}");
        assert_eq!(facts(&report).events, 12);
        let keys = &report.verified.as_ref().unwrap().keys;
        let accepted: Vec<_> = keys.accepted.iter().map(|key| (key.entry, key.id())).collect();
        let id = |name: &str| keys.sealers.iter().find(|id| id.starts_with(name)).unwrap().clone();
        let of_evidence = format!("evidence-2.example.com+{}", new_evidence().key_id_hex());
        let expected = [(2, id("sealer-2")), (5, of_evidence), (6, id("sealer-3"))];
        assert_eq!(accepted, expected);
        let signer = format!("sealer.example.com+{}", sealer_key().key_id_hex());
        assert_eq!(keys.accepted[0].signed_by, signer);
        let text = report.to_string();
        let said = format!("{}, accepted by log entry 2, which {signer} signed", id("sealer-2"));
        assert!(text.contains(&said), "{text}");
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.contains(r#""use":"evidence""#) && json.contains(r#""entry":6"#), "{json}");
    }
    let stranger = SigningKey::from_seed("evidence-3.example.com", [15; 32]).unwrap();
    assert!(why(&check(&signed(&pack, &stranger))).contains("`evidence-3.example.com`"));
    // That name has another key in the log.
    let forged = SigningKey::from_seed("evidence-2.example.com", [15; 32]).unwrap();
    assert_eq!(step(&check(&signed(&pack, &forged))), "evidence signature");
}

#[test]
fn who_makes_no_pack_cannot_sign_one_and_who_makes_packs_seals_nothing() {
    let pack = export(&rotated(), &scope("agent-a")).unwrap();
    assert!(why(&check(&signed(&pack, &new_sealer()))).contains("`sealer-2.example.com`"));
    let report = check(&forged(|forge| {
        let envelope = accept(SignerUse::Evidence, &new_evidence().verifier(), &sealer_key());
        forge.append(vec![envelope]);
        seal(forge, &new_evidence());
    }));
    assert!(why(&report).contains("the sealer `evidence-2.example.com`"), "{report}");
}

/// Appends a segment that somebody signed.
fn seal(forge: &mut Forge, signer: &SigningKey) {
    let partition = forge.head.ends.keys().next().unwrap().clone();
    let next = forge.next(&partition, START_MS - 1);
    forge.append(vec![Manifest::from(next).sign(signer).unwrap()]);
}

/// A pack about a log that somebody continued who has the log's key. What was appended is outside of the
/// period, so that there is a pack.
fn forged(change: impl Fn(&mut Forge)) -> Bytes {
    let mut world = World::new();
    runs(&mut world, 0);
    let mut forge = Forge::of(&world);
    change(&mut forge);
    let scope = pack::Scope::new("agent-a", START_MS, START_MS + 1_000).unwrap();
    // The last commit has a segment, which names the head before it.
    let head = forge.before.clone();
    let entries = Excerpt::needed(&head, scope.period(), forge.entries.clone()).unwrap();
    let excerpt = forge.excerpt(head, entries);
    let wish = Wish { scope, withheld: Vec::new() };
    export_excerpt(&world, wish, excerpt, &forge.checkpoint()).unwrap()
}

#[test]
fn a_key_counts_behind_the_entry_that_accepts_it_and_by_whom_the_policy_knows() {
    let new = new_sealer();
    let entry = |signer: &SigningKey| accept(SignerUse::Sealer, &new.verifier(), signer);
    let report = check(&forged(|forge| {
        forge.append(vec![entry(&sealer_key())]);
        seal(forge, &new);
    }));
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    // Not before the entry, not by its own signature, nor by a stranger's.
    let report = check(&forged(|forge| {
        seal(forge, &new);
        forge.append(vec![entry(&sealer_key())]);
        seal(forge, &sealer_key());
    }));
    assert!(why(&report).contains("log entry 2 in"), "{report}");
    assert!(why(&report).contains("the sealer `sealer-2.example.com`"), "{report}");
    let stranger = SigningKey::from_seed("stranger", [16; 32]).unwrap();
    for signer in [&new, &stranger, &evidence_key(), &log_key()] {
        let report = check(&forged(|forge| {
            forge.append(vec![entry(signer)]);
            seal(forge, &sealer_key());
        }));
        assert!(why(&report).contains(&format!("the sealer `{}`", signer.name())), "{report}");
    }
}

#[test]
fn a_name_has_one_key() {
    let other = |name: &str| SigningKey::from_seed(name, [17; 32]).unwrap().verifier();
    let named = ["sealer.example.com", "evidence.example.com", "log.example.com/agents"];
    for (number, name) in named.into_iter().enumerate() {
        for used_for in [SignerUse::Sealer, SignerUse::Evidence] {
            let report = check(&forged(|forge| {
                forge.append(vec![accept(used_for, &other(name), &sealer_key())]);
                seal(forge, &sealer_key());
            }));
            assert_eq!(step(&report), "one key of a name", "{number}: {report}");
        }
    }
    let report = check(&forged(|forge| {
        let first = accept(SignerUse::Sealer, &new_sealer().verifier(), &sealer_key());
        let second = other("sealer-2.example.com");
        forge.append(vec![first, accept(SignerUse::Evidence, &second, &new_sealer())]);
        seal(forge, &new_sealer());
    }));
    assert_eq!(step(&report), "one key of a name", "{report}");
    // Somebody else under a name that the log has accepted.
    let report = check(&forged(|forge| {
        forge.append(vec![accept(SignerUse::Sealer, &new_sealer().verifier(), &sealer_key())]);
        seal(forge, &SigningKey::from_seed("sealer-2.example.com", [17; 32]).unwrap());
    }));
    assert_eq!(step(&report), "manifest signature", "{report}");
    // The same key twice, or for both uses, is one key.
    let report = check(&forged(|forge| {
        let (key, signer) = (new_sealer().verifier(), sealer_key());
        let uses = [SignerUse::Sealer, SignerUse::Evidence, SignerUse::Sealer];
        forge.append(uses.map(|used_for| accept(used_for, &key, &signer)).into());
        forge.append(vec![accept(SignerUse::Sealer, &sealer_key().verifier(), &new_sealer())]);
        seal(forge, &new_sealer());
    }));
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    assert_eq!(report.verified.unwrap().keys.accepted.len(), 2);
}

#[test]
fn a_key_entry_that_is_removed_moved_or_that_the_head_hides_fails() {
    let pack = export(&rotated(), &scope("agent-a")).unwrap();
    let entries = unzip(&pack);
    let text = String::from_utf8(entries["log/entries.jsonl"].clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let with = |lines: Vec<&str>| {
        let mut entries = entries.clone();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        entries.insert("log/entries.jsonl".into(), text.into_bytes());
        check(&rezip(entries, &evidence_key()))
    };
    assert_eq!(with(lines.clone()).verdict, Judgement::Verified);
    for at in [2, 5, 6] {
        let mut fewer = lines.clone();
        fewer.remove(at);
        assert_eq!(with(fewer).verdict, Judgement::Failed, "entry {at} removed");
        let mut moved = lines.clone();
        moved.swap(at - 1, at);
        assert_eq!(with(moved).verdict, Judgement::Failed, "entry {at} moved");
    }
    // The numbers as they were, the entries exchanged.
    let envelope = |line: &str| line.rsplit_once(r#"","index""#).unwrap().0.to_owned();
    let mut exchanged = lines.clone();
    let (two, three) =
        (lines[2].replace(&envelope(lines[2]), &envelope(lines[3])), envelope(lines[2]));
    let three = lines[3].replace(&envelope(lines[3]), &three);
    (exchanged[2], exchanged[3]) = (&two, &three);
    assert_eq!(step(&with(exchanged)), "entries of the log");

    // A head that names other keys than the entries before it, though the log names the head.
    let accepted = |forge: &mut Forge| {
        forge.append(vec![accept(SignerUse::Sealer, &new_sealer().verifier(), &sealer_key())]);
    };
    let report = check(&forged(|forge| {
        accepted(forge);
        seal(forge, &sealer_key());
        seal(forge, &sealer_key());
    }));
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let lies: [fn(&mut Head); 3] = [
        |head| head.keys.clear(),
        |head| head.keys[0].entry = 1,
        |head| head.keys[0].used_for = SignerUse::Evidence,
    ];
    for lie in lies {
        let report = check(&lying(lie));
        assert_eq!(step(&report), "keys of the head", "{report}");
    }
}

/// A pack about a log whose last segment names a false head.
fn lying(lie: fn(&mut Head)) -> Bytes {
    let mut world = World::new();
    runs(&mut world, 0);
    let mut forge = Forge::of(&world);
    forge.append(vec![accept(SignerUse::Sealer, &new_sealer().verifier(), &sealer_key())]);
    let mut head = forge.head.clone();
    lie(&mut head);
    let partition = head.ends.keys().next().unwrap().clone();
    let mut next = forge.next(&partition, START_MS - 1);
    next.head = head.reference();
    forge.append(vec![Manifest::from(next).sign(&sealer_key()).unwrap()]);
    let scope = pack::Scope::new("agent-a", START_MS, START_MS + 1_000).unwrap();
    let entries = Excerpt::needed(&head, scope.period(), forge.entries.clone()).unwrap();
    let honest = forge.excerpt(forge.before.clone(), entries.clone());
    let mut excerpt = forge.excerpt(head, entries);
    excerpt.nodes = honest.nodes;
    with_log(&export(&world, &scope).unwrap(), &forge, &excerpt)
}
