//! `driftseal log rotate-key`: replaces a signing key.

use std::path::Path;

use sealer::{Rotated, SignerUse};

use super::context::Context;
use crate::outcome::Failure;
use crate::place::Place;
use crate::print::Output;
use crate::{print, roles};

/// Arguments of `driftseal log rotate-key`.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// The key to replace
    #[arg(value_name = "KEY", value_enum)]
    key: RotatedKey,
    /// Tell the log nothing, because the old key was stolen or lost: verifiers need the new policy.txt
    #[arg(long)]
    without_log: bool,
}

/// A key that can be replaced. That of the log cannot: its name and signature are what verifiers know
/// the log by. Those that sign in topics are named by the first entry of the log.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RotatedKey {
    /// Signs segments
    Sealer,
    /// Signs packs
    Evidence,
}

impl From<RotatedKey> for SignerUse {
    fn from(key: RotatedKey) -> Self {
        match key {
            RotatedKey::Sealer => Self::Sealer,
            RotatedKey::Evidence => Self::Evidence,
        }
    }
}

impl RotateArgs {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let config = context.load()?;
        let (directory, used_for) = (&config.keys.directory, self.key.into());
        let rotated = if self.without_log {
            sealer::rotate_key_without_log(directory, used_for)?
        } else {
            let runtime = roles::runtime()?;
            let archive = Place::of(&config, &runtime).open().map_err(|error| {
                advised(Failure::new(format!(
                    "the key was not replaced, and nothing was changed: {error}"
                )))
            })?;
            sealer::rotate_key(&archive, directory, used_for)
                .map_err(|error| advised(error.into()))?
        };
        say(directory, used_for, &rotated, context.output);
        Ok(())
    }
}

/// The same failure, with what to do.
fn advised(error: Failure) -> Failure {
    error.map(|why| {
        format!(
            "{why}. Run it again when the archive can be written to; if the key was stolen or lost, with \
             --without-log"
        )
    })
}

fn say(directory: &Path, used_for: SignerUse, rotated: &Rotated, output: Output) {
    let policy = directory.join("policy.txt");
    let Rotated { key, entry, signed_by, is_continued } = rotated;
    match output {
        Output::Text => {
            if *is_continued {
                print::line("an earlier rotation was interrupted; this is its end");
            }
            print::line(format!("the new key of the {} is {}", used_for.name(), key.to_vkey()));
            match entry.zip(signed_by.as_ref()) {
                Some((entry, signer)) => print::line(format!(
                    "log entry {entry} accepts it, which {signer} has signed: whoever believes that key \
                     follows, and needs no new policy; start the roles again"
                )),
                None => print::line(format!(
                    "start the roles again, and give {} to verifiers: what the new key signs is \
                     UNVERIFIABLE to whoever does not have it",
                    policy.display()
                )),
            }
        }
        Output::Json => print::json(&serde_json::json!({
            "key": key.to_vkey(),
            "used_for": used_for.name(),
            "policy": policy,
            "log_entry": entry,
            "signed_by": signed_by,
            "is_continued": is_continued,
        })),
    }
}
