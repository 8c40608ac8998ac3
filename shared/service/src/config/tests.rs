use std::collections::BTreeMap;
use std::io::Write;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    sealer: Sealer,
    kafka: Kafka,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sealer {
    rows_max: u64,
    age_ms_max: u64,
    ratio: f64,
    sync: bool,
}

impl Default for Sealer {
    fn default() -> Self {
        Self { rows_max: 100, age_ms_max: 60_000, ratio: 0.5, sync: true }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kafka {
    brokers: Vec<String>,
    client: BTreeMap<String, String>,
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".conf").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn without_file_and_environment_the_defaults_stand() {
    let loaded: Sample = load_from(None, []).unwrap();
    assert_eq!(loaded, Sample::default());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let file = file(
        "note = \"n\"\n[sealer]\nrows_max = 7\nage_ms_max = 8\n\
         [kafka.client]\n\"session.timeout.ms\" = \"1\"\n",
    );
    let loaded: Sample = load_from(
        Some(file.path()),
        variables(&[
            ("DRIFTSEAL__SEALER__ROWS_MAX", "9"),
            ("DRIFTSEAL__SEALER__RATIO", "2"),
            ("DRIFTSEAL__SEALER__SYNC", "false"),
            ("DRIFTSEAL__KAFKA__BROKERS", "a:1, b:2"),
            ("DRIFTSEAL__KAFKA__CLIENT__SASL_PASSWORD", "123"),
            ("DRIFTSEAL_OTHER", "ignored"),
        ]),
    )
    .unwrap();
    assert_eq!(loaded.sealer, Sealer { rows_max: 9, age_ms_max: 8, ratio: 2.0, sync: false });
    assert_eq!(loaded.kafka.brokers, ["a:1", "b:2"]);
    assert_eq!(loaded.kafka.client["session.timeout.ms"], "1");
    assert_eq!(loaded.kafka.client["sasl.password"], "123");
    assert_eq!(loaded.note.as_deref(), Some("n"));
}

#[test]
fn every_problem_is_reported_with_its_key_and_its_place() {
    let file = file("[sealer]\nrow_max = 7\nage_ms_max = \"soon\"\n[kafka]\nrows_max = 1\n");
    let error = load_from::<Sample>(
        Some(file.path()),
        variables(&[("DRIFTSEAL__SEALER__SYNC", "perhaps"), ("DRIFTSEAL__KAFKA__BROKER", "a:1")]),
    )
    .unwrap_err();
    let ConfigError::Problems(problems) = &error else { panic!("{error}") };
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        ["kafka.rows_max", "sealer.row_max", "kafka.broker", "sealer.sync", "sealer.age_ms_max"]
    );
    let text = error.to_string();
    for expected in [
        "`kafka.rows_max`: unknown key; did you mean `sealer.rows_max`?",
        "`sealer.row_max`: unknown key; did you mean `sealer.rows_max`?",
        "`kafka.broker`: unknown key; did you mean `kafka.brokers`? (in DRIFTSEAL__KAFKA__BROKER)",
        "`sealer.sync`: `perhaps` is not true or false",
        "`sealer.age_ms_max`: invalid type: string \"soon\"",
        &file.path().display().to_string(),
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn a_file_that_is_absent_or_not_toml_is_named() {
    for path in [Path::new("/nowhere/driftseal.toml"), file("[[[").path()] {
        let error = load_from::<Sample>(Some(path), []).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
