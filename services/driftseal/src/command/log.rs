//! `driftseal log init|checkpoint|consistency|rebuild|rotate-key`: the transparency log.

use std::path::{Path, PathBuf};

use ::evidence::gateway::{TOKEN_FILE, make_first};
use archive::Archive;
use event::Timestamp;
use sealer::{Keys, RoleKeys};
use service::access::CREDENTIALS_FILE;
use service::clock::now_micros;

use super::consistency::ConsistencyArgs;
use super::context::Context;
use super::evidence;
use super::rotate::RotateArgs;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{place, print, roles};

/// What to do with the transparency log.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Create the log in the configured archive; its signing keys and the token of the gateway too,
    /// unless they exist
    Init(InitArgs),
    /// Print the signed checkpoint of the log
    Checkpoint,
    /// Prove that the log went on from a checkpoint that was kept: nothing before it was changed or
    /// removed
    Consistency(ConsistencyArgs),
    /// Write again what is missing of tiles, heads and checkpoint, from the commits; needs the keys
    Rebuild,
    /// Replace a signing key: the log accepts the new one, so that whoever believes the old one follows
    RotateKey(RotateArgs),
}

/// Arguments of `driftseal log init`.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Name of the log, such as log.example.com/agents; it cannot be changed later
    #[arg(long, value_name = "NAME")]
    origin: String,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Init(args) => init(&args, context)?,
            Self::Checkpoint => checkpoint(context)?,
            Self::Consistency(args) => return args.run(context),
            Self::RotateKey(args) => args.run(context)?,
            Self::Rebuild => rebuild(context)?,
        }
        Ok(Ended::Done)
    }
}

fn init(args: &InitArgs, context: &Context) -> Result<(), Failure> {
    let config = context.load()?;
    let runtime = roles::runtime()?;

    let prefix = context.read()?.topics.prefix;
    let log = roles::open_log(&config)?;
    let mut installation = sealer::describe(&*log, &prefix, &config.sealer.topics)?;
    let directory = &config.keys.directory;
    let keys = if directory.join("log.key").exists() {
        Keys::load(directory)?
    } else {
        let keys = Keys::generate(&args.origin)?;
        keys.save(directory)?;
        keys
    };
    if keys.log.verifier().name() != args.origin {
        return Err(Failure::new(format!(
            "the keys in `{}` belong to the log `{}`, not to `{}`",
            directory.display(),
            keys.log.verifier().name(),
            args.origin
        )));
    }
    let role_keys = if RoleKeys::exist(directory) {
        RoleKeys::load(directory)?
    } else {
        let keys = RoleKeys::generate(&args.origin)?;
        keys.save(directory)?;
        keys
    };
    installation.keys = role_keys.installed();
    let options = config.archive.options();
    let handle = runtime.handle().clone();
    let archive = Archive::create_with(&config.archive.url, &options, handle)?;
    // Before the log, so that a log that exists has a gateway that can be asked.
    let token = token_of(directory)?;
    sealer::init_log(&archive, &keys, installation)?;
    let policy = directory.join("policy.txt");
    match context.output {
        Output::Text => {
            print::line(format!("created log `{}` in {}", args.origin, archive.location()));
            print::line(format!(
                "give {} to verifiers; keep the .key files beside it secret and back them up",
                policy.display()
            ));
            print::line(format!(
                "{} lets its holder act (`driftseal suppress`, `alert`, `version` and \
                             others); only its owner may read it",
                token.display()
            ));
        }
        Output::Json => print::json(&serde_json::json!({
            "origin": args.origin,
            "archive": archive.location(),
            "policy": policy,
            "token_file": token,
        })),
    }
    Ok(())
}

fn checkpoint(context: &Context) -> Result<(), Failure> {
    let runtime = roles::runtime()?;
    let archive = place::open_archive(&context.load()?, &runtime)?;

    let note = archive.get(segment::layout::CHECKPOINT)?;
    let note = String::from_utf8(note.to_vec())?;
    match context.output {
        Output::Text => print::lines(&note),
        Output::Json => print::json(&serde_json::json!({"checkpoint": note})),
    }
    Ok(())
}

fn rebuild(context: &Context) -> Result<(), Failure> {
    let config = context.load()?;
    let runtime = roles::runtime()?;

    let archive = place::open_archive(&config, &runtime)?;
    let keys = Keys::load(&config.keys.directory)?;
    let bar = evidence::bar();
    let rebuilt = sealer::rebuild(&archive, &keys, &mut |commit, last| {
        bar.set_length(last);
        bar.set_position(commit);
        bar.set_message("reading commits");
    });
    bar.finish_and_clear();
    let rebuilt = rebuilt?;
    let sealer::Rebuilt { commits, entries, tiles, heads, checkpoint } = rebuilt;
    match context.output {
        Output::Text => print::line(format!(
            "{commits} commits with {entries} entries; wrote {tiles} tiles and entry \
                         bundles, {heads} heads, {} checkpoint",
            if checkpoint { "the" } else { "no" }
        )),
        Output::Json => print::json(&serde_json::json!({
            "commits": commits,
            "entries": entries,
            "tiles_written": tiles,
            "heads_written": heads,
            "checkpoint_written": checkpoint,
        })),
    }

    Ok(())
}

/// The file of the gateway's token, which is made unless it exists.
fn token_of(directory: &Path) -> Result<PathBuf, Failure> {
    let file = directory.join(TOKEN_FILE);
    if file.exists() && directory.join(CREDENTIALS_FILE).exists() {
        return Ok(file);
    }
    Ok(make_first(directory, "default", Timestamp::from_micros(now_micros()))?)
}
