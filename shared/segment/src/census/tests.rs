use event::kind;

use super::*;

fn census(agents: &[(&str, &str, u64)], sources: &[(&str, i64)]) -> Census {
    let numbers = SourceCount { first: -1, last: i64::MAX, count: 2, missing: u64::MAX / 2 };
    Census {
        agents: agents.iter().map(|(a, k, n)| (((*a).into(), (*k).into()), *n)).collect(),
        sources: sources.iter().map(|(id, epoch)| (((*id).into(), *epoch), numbers)).collect(),
    }
}

fn example() -> Census {
    census(
        &[
            ("", kind::QUARANTINE_ADDED, 1),
            ("a", kind::RUN_COMPLETED, 7),
            ("a\"\u{e9}", "x", u64::MAX),
        ],
        &[("s", -1), ("s", 3)],
    )
}

#[test]
fn a_census_survives_its_bytes_and_no_other_bytes_parse() {
    let bytes = example().to_bytes();
    assert_eq!(Census::parse(&bytes), Ok(example()));
    let text = String::from_utf8(bytes).unwrap();
    for changed in [
        text.replace("\"7\"", "\"07\""),
        text.replace("\"7\"", "\"+7\""),
        text.replace("\"7\"", "7"),
        text.replace("\"sources\"", " \"sources\""),
        text.replace("v1", "v2"),
        text.replace("}],\"format\"", ",\"more\":1}],\"format\""),
    ] {
        assert_ne!(changed, text);
        assert!(Census::parse(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn every_changed_bit_is_refused_or_changes_the_root() {
    let bytes = example().to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(other) = Census::parse(&changed) {
                assert_ne!(other.root(), example().root());
            }
        }
    }
}

fn agent(agent_id: &str, kind: &str) -> CensusKey {
    CensusKey::Agent { agent_id: agent_id.into(), kind: kind.into() }
}

#[test]
fn what_is_there_is_proved_and_what_is_not_is_proved_absent() {
    for example in [example(), census(&[("b", "k", 1)], &[]), census(&[], &[("s", 2)])] {
        let (root, rows) = (example.root(), example.len());
        for row in example.rows() {
            let proof = example.prove(&row.key());
            assert_eq!(proof.verify(&row.key(), &root, rows), Ok(Some(&row)));
            assert!(proof.verify(&agent("nobody", ""), &root, rows).is_err());
        }
        for key in [
            agent("", ""),
            agent("a", kind::RUN_STARTED),
            agent("z", ""),
            CensusKey::Source { source_id: "s".into(), epoch: 1 },
            CensusKey::Source { source_id: "t".into(), epoch: 1 },
        ] {
            let proof = example.prove(&key);
            assert_eq!(proof.verify(&key, &root, rows), Ok(None), "{key:?}");
            for row in example.rows() {
                assert!(proof.verify(&row.key(), &root, rows).is_err());
            }
        }
    }
}

#[test]
fn neighbours_that_are_not_adjacent_prove_nothing() {
    let example = example();
    let hidden = agent("a", kind::RUN_COMPLETED);
    let (CensusProof::Present(before), CensusProof::Present(after)) = (
        example.prove(&agent("", kind::QUARANTINE_ADDED)),
        example.prove(&agent("a\"\u{e9}", "x")),
    ) else {
        panic!("both are there")
    };
    let forged = CensusProof::Absent { before: Some(before), after: Some(after) };
    assert!(forged.verify(&hidden, &example.root(), example.len()).is_err());
    let nothing = CensusProof::Absent { before: None, after: None };
    assert!(nothing.verify(&hidden, &example.root(), example.len()).is_err());
}
