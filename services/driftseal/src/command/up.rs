//! `driftseal up`: every role in this process.

use super::{Context, Ended, Failure};
use crate::roles::{self, Role};

pub(super) fn run(context: &Context) -> Result<Ended, Failure> {
    let config = context.load()?;
    roles::run(&config, &[Role::Collector, Role::Processor, Role::Sealer], true)
}
