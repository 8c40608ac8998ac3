//! A role that is driven step by step, started again when what failed may pass.

use std::fmt::Display;
use std::time::Duration;

use tracing::warn;

use crate::Shutdown;

/// How often and how soon a role is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Failures in a row that are retried; one more ends the role. A step that made progress ends
    /// the row.
    pub max: u32,
    /// Pause before each retry.
    pub pause: Duration,
}

/// Starts a role and steps it until the shutdown; `step` says whether it made progress. After a
/// failure that may pass the role is dropped and started again. Returns the role that was running
/// when the shutdown came, to be finished.
///
/// # Errors
///
/// A failure that does not pass, or one too many in a row.
pub fn drive<R, E: Display>(
    shutdown: &Shutdown,
    retries: Retries,
    mut start: impl FnMut() -> Result<R, E>,
    mut step: impl FnMut(&mut R) -> Result<bool, E>,
    may_pass: impl Fn(&E) -> bool,
) -> Result<Option<R>, E> {
    let mut failures = 0;
    let mut role = None;
    while !shutdown.is_triggered() {
        let outcome = match &mut role {
            None => start().map(|started| {
                role = Some(started);
                false
            }),
            Some(role) => step(role),
        };
        match outcome {
            Ok(true) => failures = 0,
            Ok(false) => {}
            Err(error) if may_pass(&error) && failures < retries.max => {
                failures += 1;
                warn!(%error, failures, "starting again");
                role = None;
                if shutdown.wait_timeout(retries.pause) {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries { max: 2, pause: Duration::ZERO };

    /// Plays outcomes of steps: `Ok(progress)`, or `Err(may pass)`; then the shutdown comes.
    fn play(outcomes: &[Result<bool, bool>]) -> (Result<Option<()>, bool>, u32) {
        let shutdown = Shutdown::new();
        let (mut outcomes, mut starts) = (outcomes.iter(), 0);
        let ended = drive(
            &shutdown,
            RETRIES,
            || {
                starts += 1;
                Ok(())
            },
            |()| {
                outcomes.next().copied().unwrap_or_else(|| {
                    shutdown.trigger();
                    Ok(false)
                })
            },
            |may_pass| *may_pass,
        );
        (ended, starts)
    }

    #[test]
    fn what_may_pass_is_tried_again_so_often_in_a_row() {
        assert_eq!(play(&[Ok(true), Ok(false)]), (Ok(Some(())), 1));
        assert_eq!(play(&[Err(true), Err(true)]), (Ok(Some(())), 3));
        assert_eq!(play(&[Err(true), Err(true), Err(true)]), (Err(true), 3));
        let progress = [Err(true), Err(true), Ok(true), Err(true), Err(true)];
        assert_eq!(play(&progress), (Ok(Some(())), 5));
        assert_eq!(play(&[Err(false)]), (Err(false), 1));
    }
}
