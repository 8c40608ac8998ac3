//! What the topics must be set to for the roles of a process, at the start and while they run.

use std::sync::Arc;
use std::time::Duration;

use ports::EventLog;
use ports::settings::{Demand, Purpose};
use service::Shutdown;
use service::topics_watch::{self, Watch, Watched};

use crate::Config;
use crate::outcome::Failure;
use crate::role::Role;

/// Demands of roles that do not read their topics as members of a group. The others check theirs at every
/// assignment.
pub(crate) fn at_start(config: &Config, roles: &[Role], has_gateway: bool) -> Vec<Demand> {
    let mut demands = Vec::new();
    if roles.contains(&Role::Collector) {
        demands.push(collected(config));
    }
    let governance = &config.notifier.topics.governance;
    if has_gateway {
        demands.push(Demand::written(governance, Purpose::Acts));
    } else if roles.contains(&Role::Sealer) && config.sealer.topics.contains(governance) {
        demands.push(Demand::read(governance, Purpose::Acts));
    }
    demands
}

fn collected(config: &Config) -> Demand {
    Demand::written(&config.collector.topic, Purpose::Records)
}

/// Reads the settings of the topics of all roles again and again, on a thread of its own, until shutdown.
pub(crate) fn watch(
    config: &Config,
    roles: &[Role],
    has_gateway: bool,
    log: Arc<dyn EventLog>,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let governance = &config.notifier.topics.governance;
    let of = |role: &Role| match role {
        Role::Collector => vec![collected(config)],
        Role::Processor => config.processor.topics.demands(),
        Role::Notifier => config.notifier.topics.demands(),
        Role::Sealer => {
            let mut demands = config.sealer.demands();
            for demand in demands.iter_mut().filter(|demand| demand.topic == *governance) {
                demand.purpose = Purpose::Acts;
            }
            demands
        }
        Role::Evidence if has_gateway => vec![Demand::written(governance, Purpose::Acts)],
        Role::Evidence => Vec::new(),
    };
    let watched = roles.iter().map(|role| Watched { role: role.name(), demands: of(role) });
    let watch = Watch::new(watched.collect());
    let every = Duration::from_secs(config.topics.settings_interval_secs);
    // Nobody waits for it: a request to a log that is away takes its time, and a shutdown has none.
    std::thread::Builder::new()
        .name("settings".to_owned())
        .spawn(move || topics_watch::run(watch, &*log, every, &shutdown))?;
    Ok(())
}
