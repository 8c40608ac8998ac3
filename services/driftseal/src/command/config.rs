//! `driftseal config check|print`.

use service::config::{HIDDEN, hide_in_url, is_secret_name};

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
                context
                    .read_and(&|config| [config.problems(), config.secret_problems()].concat())?;
                match context.output {
                    Output::Text => print::line("the configuration is valid"),
                    Output::Json => print::json(&serde_json::json!({"ok": true})),
                }
            }
            Self::Print(PrintArgs { reference: true }) => match context.output {
                Output::Text => print::exact(REFERENCE),
                Output::Json => print::json(&Config::default()),
            },
            Self::Print(PrintArgs { reference: false }) => {
                let config = printable(&context.read()?)?;
                match context.output {
                    Output::Text => print::exact(&toml::to_string_pretty(&config)?),
                    Output::Json => print::json(&config),
                }
            }
        }
        Ok(Ended::Done)
    }
}

/// The configuration without its secrets: those that have a type of their own, values under the name
/// of one, and what URLs hold.
fn printable(config: &Config) -> Result<toml::Value, Failure> {
    let mut value = toml::Value::try_from(config)?;
    hide(&mut value, false);
    Ok(value)
}

fn hide(value: &mut toml::Value, is_secret: bool) {
    match value {
        toml::Value::String(text) => {
            // That a secret is not set is none.
            let hidden = is_secret && !text.is_empty();
            *text = if hidden { HIDDEN.to_owned() } else { hide_in_url(text) };
        }
        toml::Value::Array(values) => values.iter_mut().for_each(|value| hide(value, is_secret)),
        toml::Value::Table(table) => {
            for (name, value) in table.iter_mut() {
                hide(value, is_secret || is_secret_name(name));
            }
        }
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let text = "[kafka.client]\n'sasl.password' = 'hunter2'\n'sasl.username' = 'ana'\n\
             'ssl.key.pem' = 'hunter2'\n[archive]\nendpoint = 'https://ana:hunter2@s3.example'\n\
             [notifier.secrets]\npagerduty = 'hunter2'\n\
             [notifier.sinks.am]\ntype = 'alertmanager'\n\
             url = 'https://ana:hunter2@am.example:9093/'\n\
             [notifier.sinks.hook]\ntype = 'webhook'\nurl = 'https://x.example/?k=hunter2'\n\
             token_name = 'pagerduty'\n";
        let config: Config = toml::from_str(text).unwrap();
        let shown = toml::to_string_pretty(&printable(&config).unwrap()).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        for kept in ["ana", "am.example:9093", "token_name = \"pagerduty\"", "s3.example"] {
            assert!(shown.contains(kept), "{kept}\n{shown}");
        }
        // Without a secret the whole is printed as it is.
        let plain = Config::default();
        assert_eq!(printable(&plain).unwrap(), toml::Value::try_from(&plain).unwrap());
    }
}
