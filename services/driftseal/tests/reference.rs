//! `deploy/config/driftseal.toml`, the reference: every key with its default and its meaning, made
//! from the configuration types and their documents. `make bless` writes it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use driftseal::Config;

/// A section, the source of its type, and the type's name.
const SECTIONS: [(&str, &str, &str); 18] = [
    ("", "services/driftseal/src/config.rs", "Config"),
    ("telemetry", "services/driftseal/src/config.rs", "Telemetry"),
    ("listen", "services/driftseal/src/config/listen.rs", "Listen"),
    ("topics", "services/driftseal/src/config.rs", "Topics"),
    ("kafka", "services/driftseal/src/config.rs", "Kafka"),
    ("embedded", "services/driftseal/src/config.rs", "Embedded"),
    ("archive", "services/driftseal/src/config.rs", "Archive"),
    ("keys", "services/driftseal/src/config.rs", "Keys"),
    ("collector", "services/collector/src/config.rs", "Config"),
    ("processor", "services/processor/src/config.rs", "Config"),
    ("processor.topics", "services/processor/src/config.rs", "Topics"),
    ("processor.monitor", "shared/monitor/src/settings.rs", "Settings"),
    ("sealer", "services/sealer/src/config.rs", "Config"),
    ("notifier", "services/notifier/src/config.rs", "Config"),
    ("notifier.topics", "services/notifier/src/config.rs", "Topics"),
    ("evidence", "services/evidence/src/role/config.rs", "Config"),
    ("gateway", "services/evidence/src/gateway/config.rs", "Config"),
    ("ready", "services/evidence/src/gateway/ready.rs", "Config"),
];

const HEAD: &str = "\
# Every key of Driftseal's configuration with its default and its meaning.
# Made from the configuration types; `driftseal config print --reference` prints it.
#
# A key of the environment wins: DRIFTSEAL__SECTION__KEY, such as DRIFTSEAL__TOPICS__PARTITIONS=12.
# Unknown keys are errors. Empty tables (kafka.client, notifier.sinks, processor.monitor.metrics)
# are yours to fill; properties of librdkafka pass through [kafka.client] unchanged.
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Documents of the fields of a struct, by field.
fn documents(source: &str, name: &str) -> BTreeMap<String, Vec<String>> {
    let begin = format!("pub struct {name} {{");
    let body = source.lines().skip_while(|line| *line != begin).skip(1);
    let (mut documents, mut document) = (BTreeMap::new(), Vec::new());
    for line in body.take_while(|line| *line != "}").map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            document.push(text.trim().to_owned());
        } else if let Some(field) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(':'))
        {
            documents.insert(field.0.to_owned(), std::mem::take(&mut document));
        }
    }
    assert!(!documents.is_empty(), "{name} has no fields");
    documents
}

/// The reference.
fn reference() -> String {
    let defaults = toml::Value::try_from(Config::default()).unwrap();
    let mut text = HEAD.to_owned();
    for (section, source, name) in SECTIONS {
        let source = std::fs::read_to_string(root().join(source)).unwrap();
        let documents = documents(&source, name);
        let mut table = &defaults;
        for part in section.split('.').filter(|part| !part.is_empty()) {
            table = table.get(part).unwrap();
        }
        let table = table.as_table().unwrap();
        for key in table.keys() {
            assert!(documents.contains_key(key), "[{section}] {key} has no document");
        }
        if section.is_empty() {
            continue;
        }
        write!(text, "\n[{section}]\n").unwrap();
        let is_section =
            |key: &str| SECTIONS.iter().any(|(other, ..)| *other == format!("{section}.{key}"));
        for (key, value) in table.iter().filter(|(key, _)| !is_section(key)) {
            for line in documents.get(key).into_iter().flatten() {
                writeln!(text, "# {line}").unwrap();
            }
            let empty = value.as_table().is_some_and(toml::Table::is_empty);
            let value = if empty { "{}".to_owned() } else { value.to_string() };
            writeln!(text, "{}{key} = {value}", if empty { "# " } else { "" }).unwrap();
        }
    }
    text
}

#[test]
fn the_reference_is_golden() {
    let path = root().join("deploy/config/driftseal.toml");
    let expected = reference();
    if std::env::var_os("DRIFTSEAL_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == expected, "deploy/config/driftseal.toml is old; `make bless` rewrites it");
}

#[test]
fn the_reference_is_the_default_configuration() {
    let read: Config = toml::from_str(&reference()).unwrap();
    assert_eq!(read, Config::default());
}

#[test]
fn every_section_of_the_configuration_is_in_the_reference() {
    let defaults = toml::Value::try_from(Config::default()).unwrap();
    let text = reference();
    for section in defaults.as_table().unwrap().keys() {
        assert!(text.contains(&format!("\n[{section}]\n")), "{section}");
    }
}

#[test]
fn a_metric_has_a_table_of_its_own_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("driftseal.toml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        service::config::load_from::<Config>(Some(&file), [], &|_| Vec::new())
    };
    let text = "[processor.monitor.metrics.\"run.error_rate\"]\nbaseline = \"rolling\"\n";
    let config = load(text).unwrap();
    let own = config.processor.monitor.metrics.get("run.error_rate").unwrap();
    assert_eq!(own.baseline, Some(monitor::BaselineKind::Rolling));
    assert_eq!(config.problems(), Vec::<String>::new());
    let wrong = load(&text.replace("error_rate", "eror_rate")).unwrap();
    let problems = wrong.problems();
    assert!(problems.len() == 1 && problems[0].contains("run.eror_rate"), "{problems:?}");
    assert!(load(&text.replace("rolling", "weekly")).is_err());
}
