use super::*;

#[test]
fn the_defaults_have_no_problems_and_problems_name_their_section() {
    assert_eq!(Config::default().problems(), Vec::<String>::new());
    let mut wrong = Config::default();
    wrong.listen.operations = "nowhere".into();
    wrong.telemetry.level = "sealer=loud".into();
    wrong.archive.url = "ftp://x".into();
    wrong.topics.partitions = 0;
    wrong.sealer.group.clear();
    wrong.notifier.queue_max = 0;
    assert_eq!(
        wrong.problems(),
        [
            "`listen.operations`: must be an address and a port, such as 127.0.0.1:8480",
            "`telemetry.level`: must be `error`, `warn`, `info`, `debug`, `trace` or a filter such as \
             `info,sealer=debug`",
            "`archive.url`: must name an archive: unknown scheme `ftp`: expected \
             `file:///directory`, a plain path, `s3://bucket/prefix` or `memory:///`",
            "`topics.partitions`: must be at least 1",
            "`sealer.group`: must not be empty",
            "`notifier.queue_max`: must be at least 1",
        ]
    );
}

#[test]
fn values_that_do_not_go_together_are_named_with_both_keys() {
    let mut config = Config::default();
    config.processor.value_bytes_max = 2_000_000;
    config.collector.event_bytes_max = 3_000_000;
    config.notifier.dead_after_secs = 179;
    let problems = config.problems();
    let keys = [
        ["`processor.value_bytes_max`", "`sealer.value_bytes_max`", "2000000 and 1048576"],
        ["`collector.event_bytes_max`", "`sealer.value_bytes_max`", "3000000 and 1048576"],
        ["`notifier.dead_after_secs`", "`processor.tick_interval_secs`", "179 and 60"],
    ];
    assert_eq!(problems.len(), keys.len(), "{problems:?}");
    for (problem, keys) in problems.iter().zip(keys) {
        assert!(keys.iter().all(|key| problem.contains(key)), "{problem}");
    }
    config.processor.tick_interval_secs = 0;
    assert_eq!(config.problems().len(), 2, "without heartbeats nobody is dead");
}

#[test]
fn a_prefix_stands_before_every_topic_and_the_state_topic_is_compacted() {
    let mut config = Config::default();
    config.topics.prefix = "staging.".into();
    let specs = config.with_prefix().topic_specs();
    let names: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.compacted)).collect();
    assert_eq!(
        names,
        [
            ("staging.agent.events", false),
            ("staging.driftseal.alerts", false),
            ("staging.driftseal.controls", false),
            ("staging.driftseal.governance", false),
            ("staging.driftseal.metrics", false),
            ("staging.driftseal.state", true),
        ]
    );
}

#[cfg(feature = "tls")]
#[test]
fn sinks_are_named_tables_and_their_secrets_may_come_from_the_environment() {
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        file
    };
    let given = file(
        "[notifier]\nrequests_max = 2\n[notifier.sinks.oncall]\ntype = 'pagerduty'\n\
         token_name = 'pagerduty'\nroute = { severities = ['page'] }\n\
         [notifier.sinks.am]\ntype = 'alertmanager'\nurl = 'http://a:9093'\n\
         resend_secs = 30\nlabels = { team = 'ai' }\n",
    );
    let secret = ("DRIFTSEAL__NOTIFIER__SECRETS__PAGERDUTY".to_owned(), "hunter2".to_owned());
    let config: Config =
        service::config::load_from(Some(given.path()), [secret.clone()], &|_| Vec::new()).unwrap();
    assert_eq!(config.problems(), Vec::<String>::new());
    assert_eq!(config.notifier.sinks.keys().collect::<Vec<_>>(), ["am", "oncall"]);
    assert_eq!(config.notifier.secrets["pagerduty"].reveal(), "hunter2");
    let shown = format!("{config:?}{}", toml::to_string_pretty(&config).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");

    let wrong = file(
        "[notifier]\nrequest_max = 2\n[notifier.sinks.oncall]\ntype = 'pagerduty'\n\
         tokn_file = 'x'\n[notifier.sinks.dove]\ntype = 'pigeon'\n",
    );
    let error = service::config::load_from::<Config>(Some(wrong.path()), [], &Config::problems)
        .unwrap_err();
    let text = error.to_string();
    for expected in [
        "`notifier.request_max`: unknown key; did you mean `notifier.requests_max`?",
        "`notifier.sinks.oncall.tokn_file`: unknown key; did you mean `token_file`?",
        "`notifier.sinks.dove.type`: must be one of `alertmanager`, `pagerduty`, `slack`, \
         `webhook`, not `pigeon`",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn the_debug_form_shows_no_property() {
    let mut config = Config::default();
    config.kafka.client.insert("sasl.password".into(), "hunter2".into());
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[cfg(unix)]
#[test]
fn a_property_may_stand_in_a_file_that_others_cannot_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    service::files::write_secret(&file, "hunter2\n").unwrap();
    let mut config = Config::default();
    config.kafka.client_files.insert("sasl.password".into(), file.clone());
    assert_eq!(config.kafka.properties().unwrap()["sasl.password"], "hunter2");
    assert_eq!(config.secret_problems(), Vec::<String>::new());
    assert!(!format!("{config:?}").contains("hunter2"));

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let problems = config.secret_problems();
    assert!(
        problems.len() == 1
            && problems[0].starts_with("`kafka.client_files.\"sasl.password\"`")
            && problems[0].contains("0644"),
        "{problems:?}"
    );
    config.kafka.client.insert("sasl.password".into(), "x".into());
    assert!(config.problems()[0].contains("not be set in `kafka.client` too"));

    let keys = directory.path().join("keys");
    service::files::make_directory(&keys).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o777)).unwrap();
    config.kafka.client_files.clear();
    config.keys.directory = keys;
    let problems = config.secret_problems();
    assert!(problems.len() == 1 && problems[0].contains("chmod 755"), "{problems:?}");
}
