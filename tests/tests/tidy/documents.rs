//! What must be written down beside the code.

use std::path::Path;

use tests::workspace::{files, root};

use crate::none;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let findings: Vec<String> = section
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        // Our own crates are documented by themselves.
        .filter(|line| !line.contains("path = \""))
        .filter(|line| line.split_once(" # ").is_none_or(|(_, reason)| reason.trim().len() < 4))
        .map(|line| format!("Cargo.toml: no reason beside `{line}`"))
        .collect();
    none(&findings);
}

#[test]
fn versions_are_stated_once() {
    let mut findings = Vec::new();
    for path in files().unwrap() {
        if path.file_name().is_none_or(|name| name != "Cargo.toml")
            || path == root().join("Cargo.toml")
        {
            continue;
        }
        let manifest: toml::Table =
            toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in table {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    findings.push(format!("{}: `{name}` is not the workspace's", path.display()));
                }
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            findings.push(format!("{}: does not take the workspace's lints", path.display()));
        }
    }
    none(&findings);
}

#[test]
fn every_schema_field_is_documented() {
    fn undocumented(at: &str, value: &serde_json::Value, findings: &mut Vec<String>) {
        match value {
            serde_json::Value::Array(items) => {
                for item in items {
                    undocumented(at, item, findings);
                }
            }
            serde_json::Value::Object(members) => {
                let name = members.get("name").and_then(serde_json::Value::as_str);
                let here = name.map_or_else(|| at.to_owned(), |name| format!("{at}.{name}"));
                let documented = members
                    .get("doc")
                    .and_then(serde_json::Value::as_str)
                    .is_some_and(|doc| !doc.trim().is_empty());
                if name.is_some() && !documented {
                    findings.push(format!("{here}: no doc"));
                }
                for member in members.values() {
                    undocumented(&here, member, findings);
                }
            }
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    let mut findings = Vec::new();
    let mut seen = 0;
    for path in files().unwrap() {
        // What builds have published is without prose.
        let is_published = path.parent().is_some_and(|parent| parent.ends_with("events/published"));
        if path.extension().is_some_and(|extension| extension == "avsc") && !is_published {
            let schema = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            undocumented(&name, &schema, &mut findings);
            seen += 1;
        }
    }
    assert!(seen >= 10, "only {seen} schemas found");
    none(&findings);
}

#[test]
fn every_mapping_and_format_has_its_page() {
    let mut findings = Vec::new();
    let mappings = read("schemas/mappings/README.md");
    for entry in std::fs::read_dir(root().join("schemas/mappings")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") && !mappings.contains(&name) {
            findings.push(format!("schemas/mappings/README.md does not mention {name}"));
        }
    }
    let pages = ["README", "segment", "leaf", "census", "manifest", "log"];
    for page in pages.map(|page| format!("schemas/segment/{page}.md")) {
        if !root().join(&page).exists() {
            findings.push(format!("{page} is missing"));
        }
    }
    for page in ["schemas/evidence/pack.md", "schemas/evidence/proof.md"] {
        if !root().join(page).exists() {
            findings.push(format!("{page} is missing"));
        }
    }
    none(&findings);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut findings = Vec::new();
    for path in files().unwrap() {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or("");
            let elsewhere = target.is_empty() || target.contains("://") || target.contains(' ');
            if !elsewhere && !path.parent().unwrap_or_else(|| Path::new("")).join(target).exists() {
                findings.push(format!("{}: no `{target}`", path.display()));
            }
        }
    }
    none(&findings);
}

#[test]
fn every_step_of_the_walks_exists() {
    let page = root().join("services/README.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (mut findings, mut steps) = (Vec::new(), 0);
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains(".rs](")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, file, function] = cells.as_slice() else { continue };
        let Some(function) = function.strip_prefix('`').and_then(|name| name.strip_suffix('`'))
        else {
            continue;
        };
        let path = file.rsplit('(').next().unwrap().trim_end_matches(')');
        let source = std::fs::read_to_string(page.parent().unwrap().join(path));
        let source = source.unwrap_or_default();
        let head = format!("fn {function}");
        if !source.contains(&format!("{head}(")) && !source.contains(&format!("{head}<")) {
            findings.push(format!("services/README.md: {path} has no function `{function}`"));
        }
        steps += 1;
    }
    assert!(steps >= 20, "only {steps} steps found");
    none(&findings);
}

#[test]
fn a_mapping_takes_one_file_and_one_line() {
    let mappings = read("schemas/mappings/README.md");
    let (mut findings, mut seen) = (Vec::new(), 0);
    for entry in std::fs::read_dir(root().join("schemas/mappings")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".toml") else { continue };
        let lines = mappings.lines().filter(|line| line.starts_with("| ") && line.contains(&name));
        if lines.count() != 1 {
            findings.push(format!("schemas/mappings/README.md: not one line for {name}"));
        }
        for path in files().unwrap() {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let shipped = relative.ends_with(".rs") && relative.contains("/src/");
            if shipped && !relative.starts_with("tests/") {
                let source = std::fs::read_to_string(&path).unwrap();
                if source.contains(&format!("{stem}.toml")) {
                    findings.push(format!("{relative}: names the mapping {stem}"));
                }
            }
        }
        seen += 1;
    }
    assert!(seen > 0, "no mapping found");
    none(&findings);
}

#[test]
fn every_verb_of_the_makefile_has_a_line_of_help() {
    let makefile = read("Makefile");
    let verbs = ["demo", "test", "test-fast", "check", "bench", "kafka-up", "kafka-down", "bless"];
    let findings: Vec<String> = verbs
        .iter()
        .filter(|verb| {
            let rule = format!("{verb}:");
            !makefile.lines().any(|line| line.starts_with(&rule) && line.contains("## "))
        })
        .map(|verb| format!("Makefile: `{verb}` has no help"))
        .collect();
    none(&findings);
}

#[test]
fn the_tests_that_the_fast_verb_leaves_out_exist() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let list = makefile.split("\nEXHAUSTIVE :=").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = list.split_whitespace().filter(|word| *word != "\\").collect();
    assert!(names.len() > 3, "{names:?}");
    let sources: Vec<String> = files()
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let is_test = |name: &str| {
        let found = |source: &String| {
            let mut tests = source.split("#[test]").skip(1);
            tests.any(|test| test.split('(').next().is_some_and(|head| head.contains(name)))
        };
        sources.iter().any(found)
    };
    let gone: Vec<String> =
        names.iter().filter(|name| !is_test(name)).map(|name| format!("no test {name}")).collect();
    none(&gone);
}
