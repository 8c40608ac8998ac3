//! `driftseal config check|print`.

use super::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{Config, print};

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Action {
    /// Check the configuration and report all problems
    Check,
    /// Print the effective configuration
    Print(PrintArgs),
}

/// Arguments of `driftseal config print`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct PrintArgs {
    /// Print the reference instead: all keys with default and meaning
    #[arg(long)]
    reference: bool,
}

/// The reference, generated from the configuration types by a golden test.
const REFERENCE: &str = include_str!("../../../../deploy/config/driftseal.toml");

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Check => {
                context.read()?;
                match context.output {
                    Output::Text => print::line("the configuration is valid"),
                    Output::Json => print::json(&serde_json::json!({"ok": true})),
                }
            }
            Self::Print(PrintArgs { reference: true }) => match context.output {
                Output::Text => print::raw(REFERENCE),
                Output::Json => print::json(&Config::default()),
            },
            Self::Print(PrintArgs { reference: false }) => {
                let config = hide_secrets(context.read()?);
                match context.output {
                    Output::Text => print::raw(&toml::to_string_pretty(&config)?),
                    Output::Json => print::json(&config),
                }
            }
        }
        Ok(Ended::Done)
    }
}

/// Replaces properties of librdkafka that hold secrets by `…`.
fn hide_secrets(mut config: Config) -> Config {
    for (property, value) in &mut config.kafka.client {
        let name = property.to_ascii_lowercase();
        if ["password", "secret", "key.pem", "jaas", "oauthbearer.config"]
            .iter()
            .any(|part| name.contains(part))
        {
            "…".clone_into(value);
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let mut config = Config::default();
        for (key, value) in [("sasl.password", "hunter2"), ("sasl.username", "ana")] {
            config.kafka.client.insert(key.into(), value.into());
        }
        let shown = toml::to_string_pretty(&hide_secrets(config)).unwrap();
        assert!(!shown.contains("hunter2") && shown.contains("ana"), "{shown}");
    }
}
