//! `driftseal up`: all roles in this process.

use super::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};
use crate::roles::{self, Role};

/// Arguments of `driftseal up`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Args {}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load_with_secrets()?;
        let mut all = vec![Role::Collector, Role::Processor, Role::Sealer, Role::Evidence];
        // Without a sink the notifier has nothing to do.
        if !config.notifier.sinks.is_empty() {
            all.push(Role::Notifier);
        }
        roles::run(&config, &all, true)?;
        if context.output == Output::Json {
            let names: Vec<&str> = all.iter().map(|role| role.name()).collect();
            print::json(&serde_json::json!({"stopped": names}));
        }
        Ok(Ended::Done)
    }
}
