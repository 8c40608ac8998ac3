//! `deploy/kafka/acls.sh` grants each role what it needs, and nobody else the topics that are obeyed.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

/// Topic to the principals that may do that.
type Grants = BTreeMap<String, BTreeSet<String>>;

fn script(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kafka/acls.sh");
    Command::new(script).args(arguments).env("KAFKA_ACLS", "kafka-acls.sh").output().unwrap()
}

/// Who may do `operation` on which topic, from the commands that the script prints.
fn granted(printed: &str, operation: &str) -> Grants {
    let mut grants = Grants::new();
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words.first(), Some(&"kafka-acls.sh"), "{line}");
        let after = |option: &str| {
            let pairs = words.iter().zip(words.iter().skip(1));
            let found = pairs.filter(|(name, _)| **name == option);
            found.map(|(_, value)| (*value).to_owned()).collect::<Vec<String>>()
        };
        let principal = after("--allow-principal").remove(0);
        if after("--operation").iter().any(|found| found == operation) {
            for topic in after("--topic") {
                grants.entry(topic).or_default().insert(principal.clone());
            }
        }
    }
    grants
}

#[test]
fn only_the_gateway_writes_acts_and_only_processor_and_notifier_write_alerts() {
    let roles = [
        "agent=User:agent",
        "collector=User:collector",
        "processor=User:processor",
        "sealer=User:sealer",
        "notifier=User:notifier",
        "evidence=User:evidence",
        "admin=User:admin",
    ];
    let options = ["--print", "--prefix", "t.", "--events", "agent.events"];
    let output = script(&[&options[..], &roles, &["--", "--bootstrap-server", "h:1"]].concat());
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.lines().all(|line| line.trim_end().ends_with("--bootstrap-server h:1")));
    let all = |names: &[&str]| {
        names.iter().map(|name| format!("User:{name}")).collect::<BTreeSet<String>>()
    };
    let writes = granted(&printed, "Write");
    for (topic, writers) in [
        ("t.agent.events", &["agent", "collector", "processor"][..]),
        ("t.driftseal.governance", &["evidence"]),
        ("t.driftseal.metrics", &["processor"]),
        ("t.driftseal.alerts", &["processor", "notifier"]),
        ("t.driftseal.controls", &["evidence"]),
        ("t.driftseal.state", &["processor", "notifier"]),
    ] {
        assert_eq!(writes.get(topic), Some(&all(writers)), "{topic}");
    }
    // No topic is forgotten, and none is granted that the product does not have.
    let product: BTreeSet<String> = {
        let mut config = driftseal::Config::default();
        config.topics.prefix = "t.".into();
        config.with_prefix().topic_specs().into_iter().map(|spec| spec.name).collect()
    };
    assert_eq!(writes.keys().cloned().collect::<BTreeSet<_>>(), product);
    // Groups begin with the prefix: those of another installation are not granted.
    let installation =
        governance::Installation { origin: "log".to_owned(), topic_prefix: "t.".to_owned() };
    let config = driftseal::Config::default();
    let groups = [&config.processor.group, &config.sealer.group, &config.notifier.group];
    let prefixes: Vec<&str> = printed
        .split_whitespace()
        .zip(printed.split_whitespace().skip(1))
        .filter_map(|(option, value)| (option == "--group").then_some(value))
        .collect();
    assert_eq!(prefixes.len(), groups.len());
    for group in groups {
        let begins = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        assert!(begins(&installation.named(group)), "{group}: {prefixes:?}");
        assert!(!begins(group), "{group}: {prefixes:?}");
    }
    let reads = granted(&printed, "Read");
    assert!(!reads.values().flatten().any(|who| who == "User:agent"), "agents read nothing");
    for sealed in ["t.agent.events", "t.driftseal.governance", "t.driftseal.alerts"] {
        assert!(reads[sealed].contains("User:sealer"), "{sealed}");
    }
    // Whoever checks the settings of a topic may read them.
    let configs = granted(&printed, "DescribeConfigs");
    assert!(configs["t.agent.events"].contains("User:collector"));
    for (topic, readers) in &reads {
        assert!(readers.is_subset(&configs[topic]), "{topic}");
    }
}

#[test]
fn a_wrong_argument_is_named_and_nothing_is_granted() {
    for (arguments, says) in [
        (&["--print"][..], "no ROLE=PRINCIPAL"),
        (&["--print", "sealr=User:a"], "`sealr=User:a`"),
        (&["--print", "sealer=alice"], "`alice` is not a principal"),
        (&["--print", "sealer="], "`sealer=`"),
    ] {
        let output = script(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
