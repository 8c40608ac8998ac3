//! `driftseal completions SHELL`.

use clap::CommandFactory;

use super::{Cli, Ended, Failure};

/// Arguments of `driftseal completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

impl Args {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "driftseal", &mut script);
        crate::print::raw(&String::from_utf8_lossy(&script));
        Ok(Ended::Done)
    }
}
