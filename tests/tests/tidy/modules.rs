//! Within a crate, files form no circle and imports run one way.
//!
//! A file imports another if its code names something that the other defines: by `use`, or by a
//! path such as `crate::a::b`. A name is followed through re-exports to the file that defines it, so
//! a parent that declares modules and re-exports what is in them imports nothing. Tests do not
//! count. The same holds for rooms, the modules below one parent with all that is in them: two
//! rooms never import each other, not even by different files.

mod file;
mod graph;
mod tokens;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tests::workspace::{files, root};

use self::graph::Graph;
use crate::none;

/// Crates that are still being untangled. The list only ever becomes shorter.
const TANGLED: &[&str] = &["services/evidence", "shared/event", "shared/segment"];

/// A file that is longer has two subjects.
const LINES_MAX: usize = 500;

/// Folders of crates, and the root file of each library and binary in them.
fn crates() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for manifest in files().unwrap() {
        if manifest.file_name().is_none_or(|name| name != "Cargo.toml") {
            continue;
        }
        let folder = manifest.parent().unwrap().to_path_buf();
        let name = folder.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for file in ["src/lib.rs", "src/main.rs"] {
            if folder.join(file).exists() {
                found.push((name.clone(), folder.join(file)));
            }
        }
    }
    assert!(found.len() >= 19, "only {} crates found", found.len());
    found
}

/// A finding for each circle, with the imports that close it.
fn circles(name: &str, graph: &Graph) -> Vec<String> {
    let describe = |what: &str, arrows: &Vec<String>| {
        let arrows: Vec<String> = arrows.iter().map(|arrow| format!("    {arrow}")).collect();
        format!("{name}: {what} import each other:\n{}", arrows.join("\n"))
    };
    let of_files = graph.circles(|module| Some(module.clone()));
    let mut findings: Vec<String> =
        of_files.iter().map(|arrows| describe("files", arrows)).collect();
    for parent in graph.modules() {
        let room = |module: &Vec<String>| {
            let inside = module.len() > parent.len() && module.starts_with(parent);
            inside.then(|| module[..=parent.len()].to_vec())
        };
        let of_rooms = graph.circles(room);
        findings.extend(of_rooms.iter().map(|arrows| describe("rooms", arrows)));
    }
    findings
}

/// The form of the files of a crate.
fn forms(name: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for path in files().unwrap() {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let inside = relative.starts_with(&format!("{name}/src/"));
        if !inside || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        if relative.ends_with("/mod.rs") {
            findings.push(format!("{relative}: write `x.rs` beside `x/`"));
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        if lines > LINES_MAX && !relative.ends_with("/tests.rs") {
            findings.push(format!("{relative}: {lines} lines, at most {LINES_MAX}"));
        }
    }
    findings
}

/// Shows what is left of the tangled crates with `cargo test -p tests --test tidy -- --nocapture`.
#[test]
fn files_form_no_circle_imports_run_one_way_and_modules_have_one_style() {
    let mut findings = Vec::new();
    for (name, root) in crates() {
        let mut found = circles(&name, &Graph::read(&root));
        if root.ends_with("lib.rs") {
            found.extend(forms(&name));
        }
        if TANGLED.contains(&name.as_str()) {
            eprintln!("tangled {name}: {} finding(s)\n{}\n", found.len(), found.join("\n"));
        } else {
            findings.extend(found);
        }
    }
    none(&findings);
}

#[test]
fn tangled_crates_exist() {
    let known: BTreeSet<String> = crates().into_iter().map(|(name, _)| name).collect();
    let findings: Vec<String> = TANGLED
        .iter()
        .filter(|name| !known.contains(**name))
        .map(|name| format!("`{name}` is no crate; remove it from the list"))
        .collect();
    none(&findings);
}

/// A crate in a temporary folder; the findings about it.
fn findings_of(sources: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in sources {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    circles("c", &Graph::read(&folder.path().join("lib.rs")))
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let lib = ("lib.rs", "mod a;\nmod b;\nfn main() {}\n");
    for (a, b) in [
        ("use crate::b::B;\npub struct A;", "use crate::a::A;\npub struct B;"),
        ("pub struct A(crate::b::B);", "pub struct B(super::a::A);"),
        ("use super::b;\nfn f() { b::g() }", "use crate::{a::{self}};\nfn g() { a::f() }"),
        ("use crate::b::*;", "fn g() -> &'static str { crate::a::f(\"}\", '{', r#\"\"}\"#) }"),
    ] {
        let found = findings_of(&[lib, ("a.rs", a), ("b.rs", b)]);
        assert_eq!(found.len(), 2, "{a}\n{b}\n{found:?}");
        assert!(found[0].contains("a.rs:") && found[0].contains("-> b.rs"), "{found:?}");
    }
}

#[test]
fn a_name_is_followed_to_the_file_that_defines_it() {
    // `b` takes `A` from the parent, which has it from `a`; nobody imports the parent.
    let through_a_parent = [
        ("lib.rs", "mod p;"),
        ("p.rs", "mod a;\nmod b;\npub use a::A;\npub use b::*;"),
        ("p/a.rs", "pub struct A;"),
        ("p/b.rs", "use super::A;\npub struct B(A);"),
    ];
    assert_eq!(findings_of(&through_a_parent), Vec::<String>::new());
    // The parent uses what it re-exports, and a child imports from the parent.
    let with_code = [
        ("lib.rs", "mod p;"),
        ("p.rs", "mod a;\npub use a::A;\npub struct P(A);"),
        ("p/a.rs", "use super::P;\npub struct A;\nimpl From<P> for A {}"),
    ];
    assert_eq!(findings_of(&with_code).len(), 1);
}

#[test]
fn rooms_import_one_way_even_by_different_files() {
    let found = findings_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "pub mod x;\npub mod y;"),
        ("a/x.rs", "use crate::b::x::X;"),
        ("a/y.rs", "pub struct Y;"),
        ("b.rs", "pub mod x;\npub mod y;"),
        ("b/x.rs", "pub struct X;"),
        ("b/y.rs", "use crate::a::y::Y;"),
    ]);
    assert!(found.len() == 1 && found[0].contains("rooms"), "{found:?}");
}

#[test]
fn tests_may_import_what_they_like() {
    let found = findings_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::B;\n#[cfg(test)]\nuse crate::b::C;\npub struct A;"),
        (
            "b.rs",
            "pub struct B;\n#[cfg(test)]\n#[expect(x, reason = \"y\")]\nmod tests { use crate::a::A; }",
        ),
    ]);
    assert_eq!(found, Vec::<String>::new());
}
