//! `driftseal act FILE`: any act of people and pipelines, as JSON.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::context::Context;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// Largest file, bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Arguments of `driftseal act`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Acts, one JSON object per line, each with `kind`, `by` and the fields of its kind; `-` reads
    /// standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let bodies = bodies(&self.file)?;
        let mut recorded = Vec::new();
        for (line, body) in bodies {
            let at = gateway.act(&body).map_err(|failure| {
                let before = recorded.len();
                failure.map(|message| {
                    format!(
                        "{}:{line}: {message}; {before} acts before it were recorded",
                        self.file.display()
                    )
                })
            })?;
            if context.output == Output::Text {
                gateway::show(&at, Output::Text, "");
            }
            recorded.push(at);
        }
        if context.output == Output::Json {
            print::json(&json!({"acts": recorded}));
        }
        Ok(Ended::Done)
    }
}

/// The acts of a file with the numbers of their lines. All are read before any is recorded.
fn bodies(file: &Path) -> Result<Vec<(usize, Body)>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("failed to read `{}`: {error}", file.display()))
    };
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let opened = std::fs::File::open(file).map_err(failed)?;
        opened.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| match serde_json::from_str(line) {
            Ok(Value::Object(object)) => Ok((number, Body::of_object(object))),
            Ok(_) => {
                Err(Failure::usage(format!("{}:{number}: must be a JSON object", file.display())))
            }
            Err(error) => Err(Failure::usage(format!("{}:{number}: {error}", file.display()))),
        })
        .collect()
}
