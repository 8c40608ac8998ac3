//! The lists of detectors: those that the monitor runs, and those that it is compared with. To add
//! one, write its file under `detector/` (with its `mod` line) and its line in one of the lists.
//! The laws in `tests/drift/laws.rs`, the benchmarks and the table of delays then cover it.

mod candidate;
mod entry;
mod every;
mod shipped;

pub use candidate::{ALL as CANDIDATES, Candidate};
pub use entry::{Entry, MISS};
pub use every::{AnyDetector, AnyEntry, every};
pub use shipped::{ALL, Detector, find};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for entry in every() {
            assert_eq!(every().filter(|other| other.name() == entry.name()).count(), 1);
        }
        assert!(ALL.iter().all(|entry| find(entry.name).is_some_and(|found| found.version >= 1)));
        assert!(find("none").is_none());
    }

    /// Adding a detector is one file and one line: outside its file, its module is named by the
    /// `mod` line, its type by an import and by its line in the list.
    #[test]
    fn a_detector_is_one_file_and_one_line() {
        let here = [include_str!("registry/shipped.rs"), include_str!("registry/candidate.rs")];
        let lists = here.map(|here| {
            let list = here.split("detectors! {\n").nth(1).unwrap();
            list.split("\n}").next().unwrap()
        });
        let list = lists.join("\n");
        let here = here.join("\n");
        let modules = include_str!("detector.rs");
        let detectors = modules.lines().filter_map(|line| line.strip_prefix("pub mod "));
        let mut count = 0;
        for module in detectors.map(|line| line.trim_end_matches(';')) {
            let name: String = module
                .split('_')
                .flat_map(|word| {
                    let mut letters = word.chars();
                    letters
                        .next()
                        .map(|first| first.to_ascii_uppercase())
                        .into_iter()
                        .chain(letters)
                })
                .collect();
            let lines = list.lines().filter(|line| line.contains(&format!("    {name}[")));
            assert_eq!(lines.count(), 1, "{name}");
            let words = modules.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let named = words.filter(|word| *word == module).count();
            assert_eq!(named, 1, "{module} is named elsewhere");
            let imports = here.lines().filter(|line| line.starts_with("use crate::detector::"));
            let imports = imports.filter(|line| line.contains(&format!("::{module}::")));
            assert_eq!(imports.count(), 1, "{module}");
            count += 1;
        }
        assert!(count >= 11, "{count}");
        let entries = list.lines().filter(|line| line.contains('[')).count();
        assert_eq!(entries, count, "every line has a file of its own");
    }
}
