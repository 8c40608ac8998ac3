//! `driftseal run ROLE`: runs one role.

use super::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};
use crate::roles::{self, Role};

/// Arguments of `driftseal run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Role
    role: Role,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        // Other roles run where the secrets of receivers are not.
        let config = match self.role {
            Role::Notifier => context.load_with_secrets()?,
            Role::Collector | Role::Processor | Role::Sealer | Role::Evidence => context.load()?,
        };
        // The evidence role reads only the archive.
        if config.kafka.brokers.is_empty() && self.role != Role::Evidence {
            return Err(Failure::usage(
                "a single role needs Apache Kafka: set `kafka.brokers`, or run all roles in one process \
                 with `driftseal up`",
            ));
        }
        if self.role == Role::Notifier && config.notifier.sinks.is_empty() {
            return Err(Failure::usage(
                "the notifier has no receiver: configure one as `[notifier.sinks.NAME]`",
            ));
        }
        roles::run(&config, &[self.role], false)?;
        if context.output == Output::Json {
            print::json(&serde_json::json!({"stopped": [self.role.name()]}));
        }
        Ok(Ended::Done)
    }
}
