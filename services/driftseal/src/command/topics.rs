//! `driftseal topics create`.

use serde_json::json;
use service::topics::Grown;

use super::context::Context;
use crate::gateway::Gateway;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

/// What to do with the topics.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Action {
    /// Create missing topics, and add partitions to those that have fewer than configured
    Create,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let Self::Create = self;
        let config = context.load()?;
        let topics = config.topic_specs();
        let made = match roles::open_log(&config) {
            Ok(log) => service::topics::make(&*log, &topics)?,
            // The process that has the embedded log makes them.
            Err(failure) if failure.is_in_use() => Gateway::open(&config)?.create_topics()?,
            Err(failure) => return Err(failure),
        };
        match context.output {
            Output::Text => {
                print::line(format!("topics: {}", made.topics.join(", ")));
                for Grown { topic, from, to } in &made.grown {
                    print::line(format!(
                        "{topic} had {from} partitions and has {to}; keys may go to other ones from now \
                         on"
                    ));
                }
            }
            Output::Json => print::json(&json!(made)),
        }
        Ok(Ended::Done)
    }
}
