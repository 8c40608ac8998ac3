//! `driftseal token create|list|revoke|rotate`: who may send events to the collector, and act at the gateway.
//!
//! These commands change the file of credentials of this machine, which servers read every second. Each change is
//! recorded as an act too; where the gateway cannot record it, the change is made nevertheless (a token that
//! leaked must stop working), and the command says so and ends with 1.

use std::path::PathBuf;

use ::access::{Credential, Credentials, Pattern, Proof, Quota, Role, Scope, Tenants, Token};
use event::plain::Name;
use event::{Timestamp, kind};
use serde_json::{Value, json};
use service::access::{change, make_token, read};
use service::clock::now_micros;
use service::files::{replace_secret, write_secret};

use super::context::Context;
use super::options::{ActorArgs, parse_duration};
use crate::Config;
use crate::gateway::{Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};
use crate::table;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Make a token, and print it once
    Create(Box<CreateArgs>),
    /// List the credentials, never their tokens
    List,
    /// Revoke a token: it stops working within two seconds
    Revoke(RevokeArgs),
    /// Replace a token by a new one of the same scope; the old one stops working within two seconds
    Rotate(RotateArgs),
}

/// Arguments of `driftseal token create`.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// Name of the token, which appears in events and acts
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// What it is for: emit (events to the collector) or act (at the gateway)
    #[arg(long, value_name = "ROLE", value_parser = ["emit", "act"], default_value = "emit")]
    role: String,
    /// Agents it speaks for, with commas: identifiers, or how they begin, as `refund-*`
    #[arg(long, value_name = "AGENTS", value_delimiter = ',', value_parser = parse_pattern, default_value = "*")]
    agents: Vec<Pattern>,
    /// Families of kinds it is for, with commas, such as `run,tool`
    #[arg(long, value_name = "FAMILIES", value_delimiter = ',', value_parser = parse_pattern, default_value = "*")]
    families: Vec<Pattern>,
    /// Tenant it speaks for; `*` is all [default: that of the server's configuration]
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Time after which it is refused: 12h or 90d [default: never]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires: Option<i64>,
    /// Events per second, on average [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events_per_second: Option<u64>,
    /// Bytes of bodies per second, on average [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    bytes_per_second: Option<u64>,
    /// Events per day of UTC [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events_per_day: Option<u64>,
    /// Write the token to a new file, for its owner only, instead of printing it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Arguments of `driftseal token revoke`.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Name of the token
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Arguments of `driftseal token rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Name of the token
    #[arg(value_name = "NAME")]
    name: String,
    /// Write the token to a file, for its owner only, in place of what is there, instead of printing it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Who changes something, and whether it is recorded.
#[derive(Debug, clap::Args)]
struct ChangeArgs {
    #[command(flatten)]
    actor: ActorArgs,
    /// Do not ask the gateway to record the change, because none runs yet
    #[arg(long)]
    without_act: bool,
}

fn parse_name(text: &str) -> Result<String, String> {
    let wrong = || "expected 1 to 64 letters, digits, `-`, `_` and `.`".to_owned();
    ::access::is_name(text).then(|| text.to_owned()).ok_or_else(wrong)
}

fn parse_pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).ok_or_else(|| "expected a name, or its beginning and `*`".to_owned())
}

/// Whether the change was recorded as an act.
enum Recorded {
    /// Nobody asked for that.
    NotAsked,
    /// It was, there.
    At(Value),
    /// It was not, because of this.
    Not(String),
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        match self {
            Self::Create(args) => create(*args, &config, context.output),
            Self::List => list(&config, context.output),
            Self::Revoke(args) => revoke(&args, &config, context.output),
            Self::Rotate(args) => rotate(&args, &config, context.output),
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(now_micros())
}

fn create(args: CreateArgs, config: &Config, output: Output) -> Result<Ended, Failure> {
    let (token, now) = (make_token()?, now());
    let tenants = match args.tenant.as_deref() {
        None => Tenants::Own,
        Some("*") => Tenants::Any,
        Some(tenant) => Tenants::One(tenant.to_owned()),
    };
    let credential = Credential {
        name: args.name,
        role: if args.role == Role::Act.name() { Role::Act } else { Role::Emit },
        proof: Proof::Token(token.digest()),
        scope: Scope { tenants, agents: args.agents, families: args.families },
        created_at: now,
        expires_at: args
            .expires
            .map(|after| Timestamp::from_micros(now.micros().saturating_add(after))),
        quota: Quota {
            events_per_second: args.events_per_second,
            bytes_per_second: args.bytes_per_second,
            events_per_day: args.events_per_day,
        },
    };
    let recorded = change(&config.credentials_file(), |all| {
        let name = &credential.name;
        if all.get(name).is_some() {
            return Err(Failure::usage(format!(
                "`{name}` exists; `driftseal token rotate` replaces its token"
            )));
        }
        all.put(credential.clone());
        is_valid(all)?;
        if let Some(file) = &args.file {
            write_secret(file, &format!("{}\n", token.reveal())).map_err(|error| {
                Failure::usage(format!("failed to write `{}`: {error}", file.display()))
            })?;
        }
        Ok(record(config, kind::ACCESS_CREDENTIAL_CREATED, &credential, &args.change))
    })?;
    Ok(say(("created", &credential), Some((&token, args.file)), recorded, output))
}

fn revoke(args: &RevokeArgs, config: &Config, output: Output) -> Result<Ended, Failure> {
    let (credential, recorded) = change(&config.credentials_file(), |all| {
        let credential = known(all, &args.name)?;
        all.remove(&args.name);
        let recorded = record(config, kind::ACCESS_CREDENTIAL_REVOKED, &credential, &args.change);
        Ok::<_, Failure>((credential, recorded))
    })?;
    Ok(say(("revoked", &credential), None, recorded, output))
}

fn rotate(args: &RotateArgs, config: &Config, output: Output) -> Result<Ended, Failure> {
    let token = make_token()?;
    let (credential, recorded) = change(&config.credentials_file(), |all| {
        let mut credential = known(all, &args.name)?;
        if matches!(credential.proof, Proof::Certificate(_)) {
            return Err(Failure::usage(format!("`{}` is a certificate's, not a token", args.name)));
        }
        (credential.proof, credential.created_at) = (Proof::Token(token.digest()), now());
        all.put(credential.clone());
        // While the old token is still known: it may be the one that is shown.
        let recorded = record(config, kind::ACCESS_CREDENTIAL_ROTATED, &credential, &args.change);
        if let Some(file) = &args.file {
            replace_secret(file, &format!("{}\n", token.reveal())).map_err(|error| {
                Failure::new(format!("failed to write `{}`: {error}", file.display()))
            })?;
        }
        Ok((credential, recorded))
    })?;
    Ok(say(("rotated", &credential), Some((&token, args.file.clone())), recorded, output))
}

fn known(all: &Credentials, name: &str) -> Result<Credential, Failure> {
    all.get(name).cloned().ok_or_else(|| {
        let name = Name(name);
        Failure::usage(format!("there is no `{name}`; `driftseal token list` shows what there is"))
    })
}

/// Checks that servers will read what is about to be written, before anything is recorded.
fn is_valid(all: &Credentials) -> Result<(), Failure> {
    Credentials::parse(&all.to_text()).map(drop).map_err(|error| Failure::usage(error.to_string()))
}

/// Asks the gateway to record a change.
fn record(config: &Config, kind: &str, credential: &Credential, args: &ChangeArgs) -> Recorded {
    if args.without_act {
        return Recorded::NotAsked;
    }
    let credential_type = match credential.proof {
        Proof::Token(_) => "token",
        Proof::Certificate(_) => "certificate",
    };
    let access = json!({
        "credential_id": credential.name,
        "credential_type": credential_type,
        "role": credential.role.name(),
        "scope": credential.scope.texts(),
        "expires_at": credential.expires_at.map(|at| at.to_string()),
    });
    let body = args.actor.put(Body::of_kind(kind)).with("access", access);
    match Gateway::open(config).and_then(|gateway| gateway.act(&body)) {
        Ok(at) => Recorded::At(at),
        Err(failure) => Recorded::Not(failure.message().to_owned()),
    }
}

/// Prints what was done, with the new token unless it went to a file.
fn say(
    (done, credential): (&str, &Credential),
    token: Option<(&Token, Option<PathBuf>)>,
    recorded: Recorded,
    output: Output,
) -> Ended {
    let name = &credential.name;
    let (at, problem) = match recorded {
        Recorded::NotAsked => (Value::Null, None),
        Recorded::At(at) => (at, None),
        Recorded::Not(why) => (Value::Null, Some(why)),
    };
    match output {
        Output::Json => {
            let (token, file) = match &token {
                Some((token, None)) => (Some(token.reveal()), None),
                Some((_, Some(file))) => (None, Some(file.clone())),
                None => (None, None),
            };
            let mut object = shown(credential);
            if let Value::Object(fields) = &mut object {
                fields.insert("done".to_owned(), json!(done));
                fields.insert("token".to_owned(), json!(token));
                fields.insert("file".to_owned(), json!(file));
                fields.insert("recorded".to_owned(), at);
                fields.insert("not_recorded_because".to_owned(), json!(problem));
            }
            print::json(&object);
        }
        Output::Text => {
            match &token {
                Some((token, None)) => print::line(token.reveal()),
                Some((_, Some(file))) => {
                    print::line(format!("wrote the token to {}", file.display()))
                }
                None => {}
            }
            let scope = credential.scope.texts().join(" ");
            print::note(format!("driftseal: {done} `{name}`: {} {scope}", credential.role));
        }
    }
    match problem {
        Some(why) => {
            print::note(format!("driftseal: `{name}` is {done}, but no act records that: {why}"));
            Ended::Failed
        }
        None => Ended::Done,
    }
}

fn list(config: &Config, output: Output) -> Result<Ended, Failure> {
    let (_, all) = read(&config.credentials_file()).map_err(|error| {
        Failure::new(format!("{error}; `driftseal log init` and `driftseal token create` make it"))
    })?;
    let mut tokens: Vec<Value> = all.iter().map(shown).collect();
    if output == Output::Text {
        for (token, credential) in tokens.iter_mut().zip(all.iter()) {
            token["scope"] = credential.scope.texts().join(" ").into();
        }
    }
    let columns = [
        ("NAME", "name"),
        ("ROLE", "role"),
        ("TYPE", "type"),
        ("SCOPE", "scope"),
        ("CREATED", "created_at"),
        ("EXPIRES", "expires_at"),
        ("STATE", "state"),
    ];
    table::show(&json!({"tokens": tokens}), "tokens", &columns, "no tokens", output);
    Ok(Ended::Done)
}

/// A credential as JSON, without anything secret.
fn shown(credential: &Credential) -> Value {
    let Quota { events_per_second, bytes_per_second, events_per_day } = credential.quota;
    let (kind, certificate) = match &credential.proof {
        Proof::Token(_) => ("token", None),
        Proof::Certificate(name) => ("certificate", Some(name)),
    };
    json!({
        "name": credential.name,
        "role": credential.role.name(),
        "type": kind,
        "certificate": certificate,
        "scope": credential.scope.texts(),
        "created_at": credential.created_at.to_string(),
        "expires_at": credential.expires_at.map(|at| at.to_string()),
        "state": if credential.has_expired(now()) { "expired" } else { "valid" },
        "events_per_second": events_per_second,
        "bytes_per_second": bytes_per_second,
        "events_per_day": events_per_day,
    })
}
