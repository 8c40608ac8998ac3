//! `driftseal-verify`: verifies an evidence pack, the proof of one event, or the proof that the log went
//! on, offline.
//!
//! Small on purpose: no network code, no async runtime, no Kafka; everything that decides is
//! [`pack::judge`], a function of the bytes.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use event::plain::{Json, Lines};
use pack::{Earlier, Seekable, Trust};
use segment::policy::Policy;

/// Verifies an evidence pack, the proof of one event, or the proof that the log went on, on this
/// machine without any network.
///
/// The answer is VERIFIED (exit code 0), FAILED (1) or UNVERIFIABLE (3). Wrong arguments give 2.
#[derive(Debug, Parser)]
#[command(name = "driftseal-verify", version)]
pub struct Arguments {
    /// The pack (a zip file) or the proof (a JSON document): of one event, or that the log went on.
    pub file: PathBuf,
    /// File with the public keys of the log, of its sealers and of who makes packs (`log <key>`,
    /// `sealer <key>` and `evidence <key>` lines). Take it from somewhere else than the pack or its sender. Without it, the answer is
    /// UNVERIFIABLE at best.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// File with a checkpoint of the log that was kept from earlier: it must be a part of the pack's
    /// log.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// File with the proof that the log went on from that checkpoint and nothing else, for a pack that
    /// does not reach back so far (`driftseal log consistency` writes it from the archive).
    #[arg(long, value_name = "FILE", requires = "checkpoint")]
    pub consistency: Option<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; the last line is the verdict.
    Text,
    /// One JSON object; errors too.
    Json,
}

/// What the program answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// What goes to standard output.
    pub text: String,
    /// What goes to standard error.
    pub complaint: String,
    /// Exit code.
    pub code: u8,
}

/// Exit code of wrong arguments, which files that cannot be read are too.
const USAGE: u8 = 2;

/// Answers a command line; the first argument is the name of the program.
#[must_use]
pub fn answer(arguments: &[OsString]) -> Answer {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let text = error.render().to_string();
            if [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind()) {
                return Answer { text, ..Answer::default() };
            }
            let whole = text.trim();
            let message = whole.strip_prefix("error: ").unwrap_or(whole);
            return refusal(message, text.clone(), wants_json(arguments));
        }
    };
    run(&parsed).unwrap_or_else(|message| {
        refusal(&message, format!("{message}\n"), parsed.output == Output::Json)
    })
}

/// Whether a command line that cannot be parsed asks for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let pairs = arguments.iter().zip(arguments.iter().skip(1));
    arguments.iter().any(|argument| argument == "--output=json")
        || pairs.into_iter().any(|(option, value)| option == "--output" && value == "json")
}

/// The answer to what cannot be run: as `driftseal` gives it, `{"error": {"code": …, "message": …}}`.
fn refusal(message: &str, complaint: String, as_json: bool) -> Answer {
    let error = serde_json::json!({"error": {"code": "usage", "message": message}});
    let text = if as_json { format!("{}\n", Json(&format!("{error:#}"))) } else { String::new() };
    Answer { text, complaint: Lines(&complaint).to_string(), code: USAGE }
}

/// Runs the program.
///
/// # Errors
///
/// A file that cannot be read, or an invalid policy: a message, exit code 2.
pub fn run(arguments: &Arguments) -> Result<Answer, String> {
    let policy = match &arguments.policy {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
            Some(Policy::parse(&text).map_err(|error| format!("`{}`: {error}", path.display()))?)
        }
    };
    let kept = match &arguments.checkpoint {
        None => None,
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?),
    };
    let document = match &arguments.consistency {
        None => None,
        Some(path) => {
            let read = open(path)
                .and_then(|bytes| pack::document(&bytes))
                .map_err(|error| unreadable(path, error))?;
            Some(read)
        }
    };
    let earlier =
        kept.as_deref().map(|checkpoint| Earlier { checkpoint, consistency: document.as_deref() });
    let path = &arguments.file;
    let bytes = open(path).map_err(|error| unreadable(path, error))?;
    let trust = Trust { policy: policy.as_ref(), earlier };
    let judged = pack::judge(&bytes, trust);
    let text = match arguments.output {
        Output::Text => judged.to_string(),
        Output::Json => serde_json::to_string_pretty(&judged)
            .map(|json| format!("{}\n", Json(&json)))
            .map_err(|error| format!("failed to write the report: {error}"))?,
    };
    Ok(Answer { text, code: judged.verdict().exit_code(), ..Answer::default() })
}

fn open(path: &Path) -> std::io::Result<Seekable<File>> {
    File::open(path).and_then(Seekable::new)
}

fn unreadable(path: &Path, error: std::io::Error) -> String {
    format!("failed to read `{}`: {error}", path.display())
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
    fn proofs_are_verified_as_the_vectors_say() {
        let vectors = include_str!("../../../schemas/evidence/vectors/proof.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (proof, policy) = (directory.path().join("proof"), directory.path().join("policy"));
        for vector in vectors["proofs"].as_array().unwrap() {
            std::fs::write(&proof, vector["document"].as_str().unwrap()).unwrap();
            std::fs::write(&policy, vector["policy"].as_str().unwrap()).unwrap();
            let words = [proof.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
            let answer = run(&arguments(&words)).unwrap();
            let verdict = vector["verdict"].as_str().unwrap();
            assert!(answer.text.ends_with(&format!("{verdict}\n")), "{}", vector["about"]);
            let without = run(&arguments(&words[..1])).unwrap();
            assert!([1, 3].contains(&without.code), "{}", vector["about"]);
        }
        std::fs::write(&proof, "{\"format\":7}").unwrap();
        let answer = run(&arguments(&[proof.to_str().unwrap()])).unwrap();
        assert!(answer.text.contains("FAIL    form") && answer.code == 1, "{}", answer.text);
    }

    #[test]
    fn proofs_that_the_log_went_on_are_verified_as_the_vectors_say() {
        let vectors = include_str!("../../../schemas/evidence/vectors/consistency.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        for vector in vectors["documents"].as_array().unwrap() {
            std::fs::write(path("document"), vector["document"].as_str().unwrap()).unwrap();
            std::fs::write(path("policy"), vector["policy"].as_str().unwrap()).unwrap();
            let (document, policy, kept) = (path("document"), path("policy"), path("kept"));
            let mut words = vec![document.as_str(), "--policy", policy.as_str()];
            if let Some(checkpoint) = vector["kept"].as_str() {
                std::fs::write(&kept, checkpoint).unwrap();
                words.extend(["--checkpoint", kept.as_str(), "--consistency", document.as_str()]);
            }
            let answer = run(&arguments(&words)).unwrap();
            let verdict = vector["verdict"].as_str().unwrap();
            assert!(answer.text.ends_with(&format!("{verdict}\n")), "{}", vector["about"]);
        }
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
