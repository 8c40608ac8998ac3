//! `driftseal topics create`.

use serde_json::json;

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
            Ok(log) => {
                let grown: Vec<_> = service::topics::make(&*log, &topics)?
                    .into_iter()
                    .map(|grown| json!({"topic": grown.topic, "from": grown.from, "to": grown.to}))
                    .collect();
                let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
                json!({"topics": names, "grown": grown})
            }
            // The process that has the embedded log makes them.
            Err(failure) if failure.is_in_use() => Gateway::open(&config)?.create_topics()?,
            Err(failure) => return Err(failure),
        };
        match context.output {
            Output::Text => {
                let names =
                    made.get("topics").and_then(|names| names.as_array()).into_iter().flatten();
                let names: Vec<&str> = names.filter_map(|name| name.as_str()).collect();
                print::line(format!("topics: {}", names.join(", ")));
                let grown = made.get("grown").and_then(|grown| grown.as_array());
                for grown in grown.into_iter().flatten() {
                    let text =
                        |key: &str| grown.get(key).map(ToString::to_string).unwrap_or_default();
                    let topic = grown.get("topic").and_then(|topic| topic.as_str()).unwrap_or("");
                    print::line(format!(
                        "{topic} had {} partitions and has {}; keys may go to other ones from now on",
                        text("from"),
                        text("to")
                    ));
                }
            }
            Output::Json => print::json(&made),
        }
        Ok(Ended::Done)
    }
}
