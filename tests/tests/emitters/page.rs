//! The page for newcomers, `deploy/start/agents.md`, as it stands: its settings are those of the test.

use std::fmt::Write as _;

use tests::workspace::root;

/// The block of the page that begins with ```` ```sh NAME ````, `None` if there is none.
pub(crate) fn block(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(root().join("deploy/start/agents.md")).unwrap();
    let (_, rest) = text.split_once(&format!("```sh {name}\n"))?;
    rest.split_once("```").map(|(block, _)| block.to_owned())
}

/// Every block's name, in order.
pub(crate) fn names() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("deploy/start/agents.md")).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("```sh ")).map(str::to_owned).collect()
}

/// What a person would paste who uses that library, around the command of their program.
pub(crate) fn script(library: &str, program: &str) -> String {
    let mut script = String::from("set -euo pipefail\n");
    for name in ["up", "every", library] {
        writeln!(script, "{}", block(name).unwrap()).unwrap();
    }
    writeln!(script, "{program} > truth.json").unwrap();
    script + &block("down").unwrap()
}
