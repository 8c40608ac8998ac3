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
    let loaded: Sample = load_from(None, [], &|_| Vec::new()).unwrap();
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
        &|_| Vec::new(),
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
    let check = |sample: &Sample| {
        let mut checks = Checks::new();
        checks.at_least("sealer.rows_max", sample.sealer.rows_max, 1_000);
        checks.must(false, "note", "be there");
        checks.must(false, "sealer.age_ms_max", "be checked only if it could be read");
        checks.into_problems()
    };
    let error = load_from::<Sample>(
        Some(file.path()),
        variables(&[
            ("DRIFTSEAL__SEALER__SYNC", "perhaps"),
            ("DRIFTSEAL__KAFKA__BROKER", "a:1"),
            ("DRIFTSEAL__SEALER__ROWS_MAX", "7"),
        ]),
        &check,
    )
    .unwrap_err();
    let ConfigError::Problems(problems) = &error else { panic!("{error}") };
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "kafka.rows_max",
            "sealer.row_max",
            "kafka.broker",
            "sealer.sync",
            "sealer.age_ms_max",
            "sealer.rows_max",
            "note"
        ]
    );
    let text = error.to_string();
    for expected in [
        "`kafka.rows_max`: unknown key; did you mean `sealer.rows_max`?",
        "`sealer.row_max`: unknown key; did you mean `sealer.rows_max`?",
        "`kafka.broker`: unknown key; did you mean `kafka.brokers`? (in DRIFTSEAL__KAFKA__BROKER)",
        "`sealer.sync`: must be true or false, not `perhaps`",
        "`sealer.age_ms_max`: must be a whole number from 0 to 18446744073709551615, not the text \
         `soon` (in",
        "`sealer.rows_max`: must be at least 1000 (in DRIFTSEAL__SEALER__ROWS_MAX)",
        "`note`: must be there",
        &file.path().display().to_string(),
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for foreign in ["invalid type", "expected", "u64"] {
        assert!(!text.contains(foreign), "{foreign}\n{text}");
    }
}

#[test]
fn a_list_in_the_environment_is_written_with_commas_or_as_json() {
    let brokers = |text: &str| {
        let given = variables(&[("DRIFTSEAL__KAFKA__BROKERS", text)]);
        load_from::<Sample>(None, given, &|_| Vec::new()).map(|sample| sample.kafka.brokers)
    };
    for same in ["a:1,b:2", " a:1 , b:2, ", "[\"a:1\", \"b:2\"]", " [\"a:1\",\"b:2\"] "] {
        assert_eq!(brokers(same).unwrap(), ["a:1", "b:2"], "{same}");
    }
    assert_eq!(brokers("[]").unwrap(), Vec::<String>::new());
    for wrong in ["[a:1]", "[1]", "[\"a:1\"", "{\"a\":1}", "\"a:1\""] {
        let error = brokers(wrong).unwrap_err().to_string();
        assert!(error.contains("`kafka.brokers`: must be a list"), "{wrong}: {error}");
    }
}

#[test]
fn a_number_that_does_not_fit_and_a_text_for_a_number_are_wrong() {
    for (text, key) in [
        ("[sealer]\nrows_max = -1\n", "`sealer.rows_max`: must be a whole number from 0 to "),
        ("[sealer]\nrows_max = \"7\"\n", "`sealer.rows_max`: must be a whole number"),
        ("[sealer]\nrows_max = 1.5\n", "`sealer.rows_max`: must be a whole number"),
        ("[sealer]\nratio = inf\n", "`sealer.ratio`: must be a number"),
        ("[sealer]\nsync = \"true\"\n", "`sealer.sync`: must be true or false"),
        ("sealer = 1\n", "`sealer`: must be a table, not `1`"),
        ("[kafka]\nbrokers = \"a:1\"\n", "`kafka.brokers`: must be a list"),
        (
            "[kafka.client]\n\"sasl.password\" = 123\n",
            "`kafka.client.\"sasl.password\"`: must be a text",
        ),
    ] {
        let file = file(text);
        let error = load_from::<Sample>(Some(file.path()), [], &|_| Vec::new()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(key), "{text}: {error}");
        assert!(!error.contains("123"), "{error}");
    }
}

#[test]
fn a_file_that_is_absent_or_not_toml_is_named() {
    for path in [Path::new("/nowhere/driftseal.toml"), file("[[[").path()] {
        let error = load_from::<Sample>(Some(path), [], &|_| Vec::new()).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
