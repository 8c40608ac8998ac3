//! The page for analysts: every block of it is run, and counts what is committed.

use std::path::Path;
use std::process::Command;

use super::Sample;
use tests::workspace;

/// Blocks of a page that begin with that line.
fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == fence {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// Runs a program in the sample's directory; what it printed.
fn run(sample: &Sample, program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(sample.directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{complaint}");
    text
}

/// A file that a sealer left behind when it died between storing and committing.
fn leave_an_orphan(sample: &Sample) {
    let segment = sample.sealed().parquet_files().into_iter().next().unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let (rest, _) = name.rsplit_once('-').unwrap();
    std::fs::copy(&segment, segment.with_file_name(format!("{rest}-00000000.parquet"))).unwrap();
}

#[test]
fn every_recipe_of_the_page_counts_what_is_committed() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    leave_an_orphan(&sample);
    let total: u64 = sample.kinds.values().sum();
    let page = std::fs::read_to_string(workspace::root().join("schemas/sql/README.md")).unwrap();

    let commands = blocks(&page, "```sh test").join("\n");
    let driftseal = workspace::binary("driftseal").display().to_string();
    run(
        &sample,
        "sh".as_ref(),
        &["-ec", &commands.replace("driftseal ", &format!("{driftseal} "))],
    );

    let recipes = blocks(&page, "```python test");
    assert_eq!(recipes.len(), 5, "recipes of the page");
    for recipe in recipes {
        let said = run(&sample, &python, &["-c", &recipe]);
        assert_eq!(said.lines().last(), Some(total.to_string().as_str()), "{recipe}\n{said}");
    }

    // Every shipped view can be read.
    let views = "runs tool_calls evals metrics alerts quarantined";
    let query = format!(
        "import duckdb; duckdb.sql(open('views.sql').read())\n\
         for view in '{views}'.split(): print(view, duckdb.sql(f'SELECT * FROM {{view}}').fetchall()[:1] != None)"
    );
    assert_eq!(run(&sample, &python, &["-c", &query]).lines().count(), views.split(' ').count());
}
