//! `driftseal run ROLE`: one role in this process.

use super::{Context, Ended, Failure};
use crate::roles::{self, Role};

/// Arguments of `driftseal run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The role
    role: Role,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        if config.kafka.brokers.is_empty() {
            return Err(Failure::usage(
                "a single role needs Apache Kafka: configure `kafka.brokers`, or run every role in \
                 one process with `driftseal up`",
            ));
        }
        if self.role == Role::Notifier && config.notifier.sinks.is_empty() {
            return Err(Failure::usage(
                "the notifier has nobody to tell: configure `[notifier.sinks.NAME]` with its `type`",
            ));
        }
        roles::run(&config, &[self.role], false)
    }
}
