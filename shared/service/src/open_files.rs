//! How many files the process may open. Connections are files, too, and a process without any left can
//! neither answer nor seal.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the limit is raised to, if the system lets us: enough for thousands of connections.
const RAISED_TO: u64 = 65_536;

/// Files that the process may open.
#[must_use]
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the limit of the process as far as its supervisor allows: the lower one is there for programs that
/// cannot bear more. Returns what it is now.
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Some(current) = current {
        let wanted = maximum.map_or(RAISED_TO, |maximum| maximum.min(RAISED_TO));
        if wanted > current
            && let Err(error) =
                setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        {
            tracing::warn!(current, wanted, %error, "the limit of open files cannot be raised");
        }
    }
    limit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be() {
        let before = limit();
        let maximum = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert_eq!(raise(), before.max(maximum.min(RAISED_TO)));
        assert_eq!(raise(), limit());
    }
}
