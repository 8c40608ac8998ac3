//! `driftseal completions SHELL`.

use super::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// Arguments of `driftseal completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell
    shell: clap_complete::Shell,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut context.cli(), "driftseal", &mut script);
        let script = String::from_utf8(script)?;
        match context.output {
            Output::Text => print::exact(&script),
            Output::Json => print::json(&serde_json::json!({
                "shell": self.shell.to_string(),
                "script": script,
            })),
        }
        Ok(Ended::Done)
    }
}
