//! The installation: what distinguishes this log and its topics from others on the same cluster.
//!
//! | on the cluster | name |
//! |---|---|
//! | topic | `<topics.prefix><topic>` |
//! | consumer group | `<topics.prefix><group>.<tag>` |
//! | member of a group (`group.instance.id`) | `<kafka.instance>.<digest of group and subscription>` |
//! | client (`client.id`) | `<topics.prefix>driftseal.<tag>` |
//! | keys of state | `<role>/<tag>/…` |
//!
//! The tag is a digest of the origin of the transparency log and the prefix
//! ([`governance::Installation::tag`]).

use governance::{Installation, Trust};
use merkle::note::VerifyingKey;
use segment::manifest::KeyUse;

use crate::Config;
use crate::outcome::Failure;

/// The installation, and the keys that count in its topics, as the policy in the directory of the keys
/// has them.
pub(crate) fn trust(config: &Config) -> Result<Trust, Failure> {
    let policy = evidence::read_policy(&config.keys.directory.join("policy.txt"))?;
    let Some(log) = policy.logs().first() else { unreachable!("a policy names a log") };
    let installation =
        Installation { origin: log.name().to_owned(), topic_prefix: config.applied_prefix.clone() };
    let keys =
        |used_for| policy.keys_for(used_for).map(VerifyingKey::to_vkey).collect::<Vec<String>>();
    let trust = Trust::parse(installation, keys(KeyUse::Processor), keys(KeyUse::Governance))?;
    Ok(trust.with_notifiers(keys(KeyUse::Notifier))?)
}

/// What the brokers call the clients. Where there is no policy (a machine that only sends, or before
/// `driftseal log init`), the origin is not known; nobody joins a group from there.
#[cfg(feature = "kafka")]
pub(crate) fn client_id(config: &Config) -> Result<String, Failure> {
    if !config.keys.directory.join("policy.txt").exists() {
        return Ok(format!("{}driftseal", config.applied_prefix));
    }
    Ok(trust(config)?.installation().named("driftseal"))
}

/// Which records the embedded log deletes: of the sealed topics but that of acts, once they are sealed,
/// and processed or notified of. None before `driftseal log init`.
pub(crate) fn retention(config: &Config) -> Result<Option<embedded::Expiry>, Failure> {
    if !config.keys.directory.join("policy.txt").exists() {
        return Ok(None);
    }
    let trust = trust(config)?;
    let group = |name: &str| trust.installation().named(name);
    let names = &config.processor.topics;
    let governance = &config.notifier.topics.governance;
    let sealed = config.sealer.topics.iter().filter(|name| *name != governance);
    let topics = sealed.map(|name| {
        let mut groups = vec![group(&config.sealer.group)];
        groups.extend((*name == names.events).then(|| group(&config.processor.group)));
        groups.extend((*name == names.alerts).then(|| group(&config.notifier.group)));
        (name.clone(), groups)
    });
    Ok(Some(embedded::Expiry {
        after_ms: i64::from(config.embedded.retention_secs) * 1_000,
        topics: topics.collect(),
    }))
}
