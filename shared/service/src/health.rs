//! Whether the roles of this process do their work, and why not.
//!
//! As with metrics, there is one registry for the process: [`of`] gives the health of a role by its
//! name. A role that has not been heard of for [`SILENCE_MAX`] is not ready either: it is stuck.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::metric_names as names;

/// Why a role that shuts down is not ready.
pub const STOPPING: &str = "shutting down";

/// How long a role that is ready may be silent. A single request to a store takes less.
pub const SILENCE_MAX: Duration = Duration::from_secs(90);

static ROLES: Mutex<BTreeMap<&'static str, Arc<Health>>> = Mutex::new(BTreeMap::new());

/// The health of a role of this process; not ready before it says so.
#[must_use]
pub fn of(role: &'static str) -> Arc<Health> {
    let mut roles = ROLES.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(roles.entry(role).or_insert_with(|| Arc::new(Health::new(role))))
}

/// The health of all roles that [`of`] was asked for.
#[must_use]
pub fn all() -> Vec<Arc<Health>> {
    ROLES.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
}

/// Whether a role does its work.
#[derive(Debug)]
pub struct Health {
    role: &'static str,
    last: Mutex<Last>,
    /// What is held against the role, whatever it says of itself.
    objection: Mutex<Option<String>>,
}

/// What the role said last.
#[derive(Debug)]
struct Last {
    said: Result<(), String>,
    since: Stopwatch,
    /// How long it holds.
    silence_max: Duration,
}

impl Health {
    fn new(role: &'static str) -> Self {
        let said = Err("it is starting".to_owned());
        let last = Last { said, since: Stopwatch::start(), silence_max: SILENCE_MAX };
        Self { role, last: Mutex::new(last), objection: Mutex::new(None) }
    }

    /// Name of the role.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        self.role
    }

    /// Takes what the role says of itself: that it does its work, or why not. A change is logged.
    pub fn say(&self, said: Result<(), String>) {
        self.say_for(said, SILENCE_MAX);
    }

    /// The same of a role that speaks again within `silence_max`.
    pub fn say_for(&self, said: Result<(), String>, silence_max: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Last { said, since: Stopwatch::start(), silence_max };
        let before = std::mem::replace(&mut *last, now).said;
        match (&before, &last.said) {
            (Err(_), Ok(())) => tracing::info!(role = self.role, "ready"),
            // What was asked for is no trouble.
            (Ok(()), Err(reason)) if reason == STOPPING => {}
            (Ok(()), Err(reason)) => tracing::warn!(role = self.role, reason, "not ready"),
            (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
        }
    }

    /// Takes what others hold against the role: while there is something, it is not ready.
    pub fn object(&self, objection: Option<String>) {
        *self.objection.lock().unwrap_or_else(PoisonError::into_inner) = objection;
    }

    /// That nothing is held against the role.
    ///
    /// # Errors
    ///
    /// What is.
    pub fn check_objection(&self) -> Result<(), String> {
        let objection = self.objection.lock().unwrap_or_else(PoisonError::into_inner);
        objection.clone().map_or(Ok(()), Err)
    }

    /// Whether the role does its work.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn check(&self) -> Result<(), String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.said.clone()?;
        self.check_objection()?;
        if last.since.has_passed(last.silence_max) {
            return Err(format!("it has been stuck for {:.0} s", last.since.elapsed_secs()));
        }
        Ok(())
    }
}

/// Sets the gauges of all roles, for a scrape.
pub(crate) fn measure() {
    for health in all() {
        let ready = if health.check().is_ok() { 1.0 } else { 0.0 };
        metrics::gauge!(names::ROLE_READY, "role" => health.role()).set(ready);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_ready_while_it_says_so_often_enough() {
        let health = Health::new("sealer");
        assert_eq!(health.check(), Err("it is starting".to_owned()));
        health.say(Ok(()));
        assert_eq!(health.check(), Ok(()));
        health.say(Err("no archive".to_owned()));
        assert_eq!(health.check(), Err("no archive".to_owned()));
        health.say_for(Ok(()), Duration::ZERO);
        assert!(health.check().is_err_and(|reason| reason.contains("stuck")));
    }

    #[test]
    fn a_name_is_one_role_of_the_process() {
        of("a role of this test").say(Ok(()));
        assert_eq!(of("a role of this test").check(), Ok(()));
        assert!(all().iter().any(|health| health.role() == "a role of this test"));
    }
}
