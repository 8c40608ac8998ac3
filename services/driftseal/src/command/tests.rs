use std::path::{Path, PathBuf};

use super::*;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn no_command_has_two_arguments_of_one_name() {
    Cli::command().debug_assert();
}

/// The help of a command and of all below it.
fn help(command: &mut clap::Command, name: &str, text: &mut String) {
    text.push_str(&format!("==== {name}\n\n{}\n", command.render_long_help()));
    let names: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for below in names.iter().filter(|below| *below != "help") {
        let command = command.find_subcommand_mut(below).unwrap();
        help(command, &format!("{name} {below}"), text);
    }
}

#[test]
fn golden_help_of_every_command() {
    let mut command = Cli::command();
    command.build();
    let mut current = String::new();
    help(&mut command, "driftseal", &mut current);
    let current: String = current.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let path = here("testdata/help.txt");
    if std::env::var_os("DRIFTSEAL_BLESS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(golden, current, "testdata/help.txt is old; `make bless` rewrites it");
}

/// A command is a file, its declaration and one line of the list: nothing else of the crate names
/// it.
#[test]
fn a_command_takes_one_file_and_one_line() {
    let list = std::fs::read_to_string(here("src/command.rs")).unwrap();
    let (_, entries) = list.split_once("\ncommands! {\n").unwrap();
    let entries: Vec<&str> = entries
        .lines()
        .take_while(|line| *line != "}")
        .filter(|line| line.ends_with("),") && line.contains("::"))
        .collect();
    let count = Cli::command().get_subcommands().count();
    assert_eq!(entries.len(), count, "one line each");
    for entry in entries {
        let module = entry.split(['(', ':']).nth(1).unwrap();
        let file = format!("src/command/{module}.rs");
        assert!(here(&file).exists(), "{file} does not exist");
        let declared = list.lines().filter(|line| *line == format!("pub mod {module};")).count();
        assert_eq!(declared, 1, "{module}");
        // The arguments of one module may make several commands.
        let others = list.lines().filter(|line| line.contains(&format!("{module}::"))).count();
        let own = list.matches(&format!("({module}::")).count();
        assert_eq!(others, own, "`{module}` is named outside the list");
    }
}

/// Every command that has a result has it as one JSON object, too.
#[test]
fn every_command_takes_the_format_of_its_result() {
    let missing: Vec<String> = std::fs::read_dir(here("src/command"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let is_command = text.starts_with("//! `driftseal ");
            // Acts are recorded, and shown, in one place.
            let shows = ["context.output", "record.record(context"];
            is_command && !shows.iter().any(|call| text.contains(call))
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(missing.is_empty(), "without --output json: {missing:?}");
}
