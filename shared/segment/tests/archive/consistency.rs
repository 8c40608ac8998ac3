//! Proofs that a log went on, over logs of many sizes.

use merkle::checkpoint::Checkpoint;
use merkle::note::SigningKey;
use merkle::{Hash, hash, rfc6962};
use segment::consistency::{CONSISTENCY_BYTES_MAX, Consistency, verify_document};
use segment::fault::Judgement;
use segment::policy::Policy;

use crate::common::{log_key, policy, sealer_key};

/// A log that is true, and one that was rolled back to ten entries and went on differently.
fn leaves(rewritten: bool) -> Vec<Hash> {
    let entry = |at: u32| if rewritten && at >= 10 { at + 1_000 } else { at };
    (0..70).map(|at| hash::leaf(&entry(at).to_be_bytes())).collect()
}

fn first(leaves: &[Hash], size: u64) -> &[Hash] {
    &leaves[..usize::try_from(size).unwrap()]
}

fn checkpoint_of(leaves: &[Hash], size: u64) -> String {
    let root = rfc6962::root(first(leaves, size));
    Checkpoint { origin: log_key().name().to_owned(), size, root }.sign(&log_key())
}

fn document(old: u64, new: u64) -> Consistency {
    let all = leaves(false);
    let path = rfc6962::prove_consistency(first(&all, new), old).unwrap();
    Consistency::new(&checkpoint_of(&all, old), &checkpoint_of(&all, new), &path)
}

fn verdict(text: &[u8], policy: &Policy) -> Judgement {
    verify_document(text, Some(policy)).1.verdict
}

#[test]
fn every_pair_of_checkpoints_is_proved_and_the_document_survives_its_json() {
    for new in [1, 2, 3, 7, 8, 64, 65, 70] {
        for old in 1..=new {
            let made = document(old, new);
            let text = made.to_json();
            assert_eq!(Consistency::parse(text.as_bytes()), Ok(made));
            let (extended, report) = verify_document(text.as_bytes(), Some(&policy()));
            assert_eq!(report.verdict, Judgement::Verified, "{old} to {new}: {report:?}");
            let extended = extended.unwrap();
            assert_eq!((extended.older.size, extended.newer.size), (old, new));
            let (_, without) = verify_document(text.as_bytes(), None);
            assert_eq!(without.verdict, Judgement::Unverifiable);
        }
    }
}

#[test]
fn every_changed_character_of_a_document_is_found() {
    let made = document(13, 21);
    let json = made.to_json();
    for at in 0..json.len() {
        for bit in [1, 32] {
            let mut changed = json.clone().into_bytes();
            changed[at] ^= bit;
            let same = Consistency::parse(&changed).is_ok_and(|changed| changed == made);
            let verdict = verdict(&changed, &policy());
            assert!(same || verdict != Judgement::Verified, "byte {at}");
        }
    }
}

/// A vector: what a document is about, its text, the policy, and the kept checkpoint, if one is
/// compared.
struct Vector {
    about: &'static str,
    document: String,
    policy: String,
    kept: Option<String>,
    verdict: Judgement,
}

fn json(document: &Consistency, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut value: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
    change(&mut value);
    value.to_string()
}

/// Documents in another form.
fn malformed(made: &Consistency) -> Vec<(&'static str, String, Judgement)> {
    let (no, unsaid) = (Judgement::Failed, Judgement::Unverifiable);
    let text = made.to_json();
    let twice = text.replacen('{', "{\"format\":\"driftseal/consistency/v1\",", 1);
    let node = made.path[0].clone();
    vec![
        ("another format", text.replace("consistency/v1", "consistency/v2"), unsaid),
        ("a member more", json(made, |of| of["size"] = "70".into()), no),
        ("a member less", json(made, |of| drop(of.as_object_mut().unwrap().remove("path"))), no),
        ("a member twice", twice, no),
        ("a path that is a text", json(made, |of| of["path"] = node.as_str().into()), no),
        ("a path of numbers", json(made, |of| of["path"] = vec![1, 2].into()), no),
        ("a checkpoint that is null", json(made, |of| of["older"] = ().into()), no),
        ("a digest in capitals", text.replace(&node, &node.to_uppercase()), no),
        ("a digest that is too short", text.replace(&node, "00"), no),
        ("a list", format!("[{text}]"), no),
        ("something behind the document", format!("{text}{{}}"), no),
        ("white space is free", text.replace(':', " :\n "), Judgement::Verified),
    ]
}

/// What a forger would try with checkpoints that the log has signed.
fn forged(made: &Consistency) -> Vec<(&'static str, Consistency)> {
    let change = |change: &dyn Fn(&mut Consistency)| {
        let mut changed = made.clone();
        change(&mut changed);
        changed
    };
    let (all, other) = (leaves(false), leaves(true));
    let sign = |origin: &str, size: u64, root: Hash, key: &SigningKey| {
        Checkpoint { origin: origin.to_owned(), size, root }.sign(key)
    };
    let root = rfc6962::root(first(&all, 70));
    let stranger = SigningKey::from_seed(log_key().name(), [9; 32]).unwrap();
    let by_stranger = sign(log_key().name(), 70, root, &stranger);
    let huge = sign(log_key().name(), u64::MAX, root, &log_key());
    let beyond = made.newer.replace("\n70\n", "\n18446744073709551616\n");
    let zero = sign(log_key().name(), 0, [0; 32], &log_key());
    let swapped =
        Consistency { older: made.newer.clone(), newer: made.older.clone(), ..made.clone() };
    let no_path = |document: Consistency| Consistency { path: Vec::new(), ..document };
    let of_other = rfc6962::prove_consistency(&other, 13).unwrap();
    let newer = checkpoint_of(&other, 70);
    vec![
        ("the checkpoints are swapped", swapped.clone()),
        ("the checkpoints are swapped, without a path", no_path(swapped)),
        ("no path", no_path(made.clone())),
        ("a node too many", change(&|of| of.path.push(of.path[0].clone()))),
        ("a hundred nodes", change(&|of| of.path = vec![of.path[0].clone(); 100])),
        ("a node too few", change(&|of| drop(of.path.pop()))),
        ("the nodes in another order", change(&|of| of.path.reverse())),
        (
            "the path of another older size",
            Consistency { path: document(14, 70).path, ..made.clone() },
        ),
        ("the older checkpoint of another size", change(&|of| of.older = checkpoint_of(&all, 14))),
        ("the newer checkpoint of another size", change(&|of| of.newer = checkpoint_of(&all, 69))),
        ("a log that was rolled back and went on", change(&|of| of.newer = newer.clone())),
        (
            "a log that was rolled back, with its own path",
            Consistency::new(&made.older, &newer, &of_other),
        ),
        ("a newer checkpoint of 2^64 - 1 entries", change(&|of| of.newer = huge.clone())),
        ("a newer checkpoint of 2^64 entries", change(&|of| of.newer = beyond.clone())),
        ("an older checkpoint of no entries with a root", change(&|of| of.older = zero.clone())),
        (
            "an older checkpoint of no entries with a root, without a path",
            no_path(change(&|of| of.older = zero.clone())),
        ),
        (
            "the newer one by another key of the log's name",
            change(&|of| of.newer = by_stranger.clone()),
        ),
        (
            "a checkpoint with its signature twice",
            change(&|of| {
                let line = of.newer.lines().last().unwrap().to_owned();
                of.newer = format!("{}{line}\n", of.newer);
            }),
        ),
        (
            "two equal sizes and two roots",
            no_path(Consistency::new(&checkpoint_of(&all, 70), &newer, &[])),
        ),
    ]
}

fn vectors() -> Vec<Vector> {
    use Judgement::{Failed, Unverifiable, Verified};
    let trusted = policy().to_text();
    let mut vectors = Vec::new();
    let mut add = |about, document: String, policy: &str, kept: Option<&str>, verdict| {
        let (policy, kept) = (policy.to_owned(), kept.map(str::to_owned));
        vectors.push(Vector { about, document, policy, kept, verdict });
    };
    for (old, new) in [(1, 2), (1, 70), (13, 21), (16, 64), (63, 64), (64, 70), (69, 70), (70, 70)]
    {
        add("a log that went on", document(old, new).to_json(), &trusted, None, Verified);
    }
    let empty = Checkpoint { origin: log_key().name().into(), size: 0, root: hash::sha256(b"") };
    let made = Consistency::new(&empty.sign(&log_key()), &document(1, 2).newer, &[]);
    add("from no entries", made.to_json(), &trusted, None, Verified);

    let made = document(13, 70);
    for (about, text, verdict) in malformed(&made) {
        add(about, text, &trusted, None, verdict);
    }
    for (about, document) in forged(&made) {
        add(about, document.to_json(), &trusted, None, Failed);
    }
    let large = format!(
        "{}{}",
        made.to_json(),
        " ".repeat(usize::try_from(CONSISTENCY_BYTES_MAX).unwrap())
    );
    assert_eq!(verdict(large.as_bytes(), &policy()), Failed);

    let other = SigningKey::from_seed("log.example.com/other", [3; 32]).unwrap();
    let by_other = Checkpoint { origin: other.name().into(), size: 70, root: [7; 32] }.sign(&other);
    let of_two = Consistency { newer: by_other.clone(), ..made.clone() }.to_json();
    let both = format!("{trusted}log {}\n", other.verifier().to_vkey());
    let unknown = format!(
        "log {}\nsealer {}\n",
        other.verifier().to_vkey(),
        sealer_key().verifier().to_vkey()
    );
    add("checkpoints of two logs", of_two.clone(), &both, None, Failed);
    add("a log that the policy does not know", made.to_json(), &unknown, None, Unverifiable);
    add("the newer one of a log that it does not know", of_two, &trusted, None, Unverifiable);

    let (all, rewritten) = (leaves(false), leaves(true));
    let text = made.to_json();
    let kept = |size| checkpoint_of(&all, size);
    add("the kept checkpoint", text.clone(), &trusted, Some(&kept(13)), Verified);
    add("another one was kept", text.clone(), &trusted, Some(&kept(12)), Unverifiable);
    add("the newer one was kept", text.clone(), &trusted, Some(&kept(70)), Unverifiable);
    let history = checkpoint_of(&rewritten, 13);
    add("one of another history was kept", text.clone(), &trusted, Some(&history), Failed);
    add("one of another log was kept", text, &both, Some(&by_other), Failed);
    vectors
}

/// `schemas/evidence/vectors/consistency.json`: what every verifier answers. Its other reader is
/// `tests/oracles/verify_consistency.py`; those with a kept checkpoint are read by `pack`.
#[test]
fn golden_consistency() {
    const PATH: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/evidence/vectors/consistency.json");
    let mut made = Vec::new();
    for Vector { about, document, policy, kept, verdict: expected } in vectors() {
        if kept.is_none() {
            let found =
                verify_document(document.as_bytes(), Some(&Policy::parse(&policy).unwrap()));
            assert_eq!(found.1.verdict, expected, "{about}: {:?}", found.1);
        }
        made.push(serde_json::json!({
            "about": about,
            "document": document,
            "policy": policy,
            "kept": kept,
            "verdict": expected.name(),
        }));
    }
    let made = serde_json::json!({
        "generator": "shared/segment/tests/archive/consistency.rs",
        "format": "driftseal/consistency/v1",
        "documents": made,
    });
    #[expect(clippy::disallowed_methods, reason = "a switch of `make bless`")]
    if std::env::var("DRIFTSEAL_BLESS").is_ok() {
        std::fs::write(PATH, format!("{}\n", serde_json::to_string_pretty(&made).unwrap()))
            .unwrap();
        return;
    }
    let stated = std::fs::read_to_string(PATH).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stated).unwrap(), made);
}
