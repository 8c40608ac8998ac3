//! One agent in one environment, its versions and their due tasks.

mod announced;
mod baseline;
mod canary;
mod due;
mod emission;
mod lifecycle;
mod metrics;
mod observe;
mod silence;
mod state;
mod version;

pub(crate) use self::announced::names_of;
pub(crate) use self::state::Agent;
pub(crate) use self::version::{OTHER_SUITE, Version};
