//! `driftseal-verify`: verifies an evidence pack offline.
//!
//! Small on purpose: no network code, no async runtime, no Kafka; everything that decides is
//! [`pack::verify`], a pure function, which the product's own `verify` command calls too.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use pack::Report;
use segment::fault::Judgement;
use segment::policy::Policy;

/// Verifies an evidence pack on this machine, without any network.
///
/// The answer is VERIFIED (exit code 0), FAILED (1) or UNVERIFIABLE (3). Wrong arguments give 2.
#[derive(Debug, Parser)]
#[command(name = "driftseal-verify", version)]
pub struct Arguments {
    /// The pack: a zip file.
    pub pack: PathBuf,
    /// File with the public keys of the log and of its sealers (`log <key>` and `sealer <key>`
    /// lines). Take it from somewhere else than the pack or its sender. Without it, the answer is
    /// UNVERIFIABLE at best.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; the last line is the verdict.
    Text,
    /// One JSON document.
    Json,
}

/// What the program answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What goes to standard output.
    pub text: String,
    /// Exit code.
    pub code: u8,
}

/// Runs the program.
///
/// # Errors
///
/// A file that cannot be read, or a policy that is none: a message for standard error, exit code 2.
pub fn run(arguments: &Arguments) -> Result<Answer, String> {
    let policy = match &arguments.policy {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("failed to read `{}`: {error}", path.display()))?;
            Some(Policy::parse(&text).map_err(|error| format!("`{}`: {error}", path.display()))?)
        }
    };
    let pack = std::fs::read(&arguments.pack)
        .map_err(|error| format!("failed to read `{}`: {error}", arguments.pack.display()))?;
    let report = pack::verify(&pack.into(), policy.as_ref());
    Ok(answer(&report, arguments.output))
}

fn answer(report: &Report, output: Output) -> Answer {
    let text = match output {
        Output::Text => report.to_string(),
        Output::Json => {
            let mut json = serde_json::to_string_pretty(report).unwrap_or_default();
            json.push('\n');
            json
        }
    };
    Answer { text, code: Judgement::exit_code(report.verdict) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::parse_from(std::iter::once("driftseal-verify").chain(words.iter().copied()))
    }

    #[test]
    fn what_is_no_pack_fails_and_says_where() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pack.zip");
        std::fs::write(&path, b"not a zip file").unwrap();
        let answer = run(&arguments(&[path.to_str().unwrap()])).unwrap();
        assert_eq!(answer.code, 1);
        assert!(answer.text.ends_with("FAILED\n"), "{}", answer.text);
        let answer = run(&arguments(&[path.to_str().unwrap(), "--output", "json"])).unwrap();
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(json["verdict"], "FAILED");
        assert!(json["fault"]["place"].is_string());
    }

    #[test]
    fn a_bad_policy_names_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.txt");
        std::fs::write(&path, "log\n").unwrap();
        let error = run(&arguments(&["pack.zip", "--policy", path.to_str().unwrap()])).unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }
}
