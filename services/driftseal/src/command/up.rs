//! `driftseal up`: every role in this process.

use super::{Context, Ended, Failure};
use crate::roles::{self, Role};

pub(super) fn run(context: &Context) -> Result<Ended, Failure> {
    let config = context.load()?;
    let mut all = vec![Role::Collector, Role::Processor, Role::Sealer];
    // Without a receiver there is nobody to tell.
    if !config.notifier.sinks.is_empty() {
        all.push(Role::Notifier);
    }
    roles::run(&config, &all, true)
}
