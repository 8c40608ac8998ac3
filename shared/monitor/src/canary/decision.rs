//! The effect of a deployment or a rollback on a canary.

use crate::kind::Kind;

/// Outcome of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Promoted,
    /// All traffic goes to it: it was promoted, whatever was said.
    Alone,
    RolledBack,
    Superseded,
    Forgotten,
}

impl Ending {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Promoted | Self::Alone => "promoted",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
            Self::Forgotten => "forgotten",
        }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Promoted => "the canary was promoted",
            Self::Alone => {
                "its control has no more traffic, so it is compared with the version before"
            }
            Self::RolledBack => "the canary was rolled back",
            Self::Superseded => "another version was deployed",
            Self::Forgotten => "the state of the canary or of its control was evicted",
        }
    }
}

/// What remains to be done after a deployment or rollback.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// The version takes over.
    TakeOver,
    /// The version becomes a canary.
    Start(f64),
    /// The share of the canary changes.
    Share(f64),
    /// Nothing.
    Nothing,
}

/// The effect of a deployment of `to`, or a rollback to it: the outcome of the running canary, if
/// it ends, and what remains to be done.
pub(crate) fn decide(
    running: Option<(&str, &str)>,
    current: Option<&str>,
    (to, from): (&str, Option<&str>),
    kind: Kind,
    share: Option<f64>,
) -> (Option<Ending>, Step) {
    if kind == Kind::RolledBack {
        return match running {
            Some((canary, control)) if to == canary || to == control => {
                (Some(Ending::RolledBack), Step::Nothing)
            }
            Some((canary, _)) if from == Some(canary) => (Some(Ending::RolledBack), Step::TakeOver),
            Some(_) => (Some(Ending::Superseded), Step::TakeOver),
            None if current == Some(to) => (None, Step::Nothing),
            None => (None, Step::TakeOver),
        };
    }
    // A share of 1 or more is a full deployment.
    let part = share.filter(|share| *share < 1.0);
    match (running, part) {
        (Some((canary, _)), Some(part)) if to == canary => {
            if part > 0.0 {
                (None, Step::Share(part))
            } else {
                (Some(Ending::RolledBack), Step::Nothing)
            }
        }
        (Some((canary, _)), None) if to == canary => (Some(Ending::Promoted), Step::TakeOver),
        (Some((_, control)), Some(_)) if to == control => (None, Step::Nothing),
        (Some((_, control)), None) if to == control => (Some(Ending::RolledBack), Step::Nothing),
        (None, _) if current == Some(to) => (None, Step::Nothing),
        (_, Some(part)) if current.is_some() => {
            if part > 0.0 {
                (running.map(|_| Ending::Superseded), Step::Start(part))
            } else {
                (None, Step::Nothing)
            }
        }
        (_, _) => (running.map(|_| Ending::Superseded), Step::TakeOver),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Option<(&str, &str)> = Some(("c", "k"));

    fn deployed(
        running: Option<(&str, &str)>,
        to: &str,
        share: Option<f64>,
    ) -> (Option<Ending>, Step) {
        decide(running, Some("k"), (to, None), Kind::Deployed, share)
    }

    #[test]
    fn a_deployment_means_one_thing() {
        use Ending::{Promoted, RolledBack, Superseded};
        for (share, expected) in [
            (Some(0.1), (None, Step::Share(0.1))),
            (Some(0.0), (Some(RolledBack), Step::Nothing)),
            (Some(1.0), (Some(Promoted), Step::TakeOver)),
            (Some(f64::NAN), (Some(Promoted), Step::TakeOver)),
            (None, (Some(Promoted), Step::TakeOver)),
        ] {
            assert_eq!(deployed(RUNNING, "c", share), expected, "{share:?}");
        }
        assert_eq!(deployed(RUNNING, "k", Some(0.9)), (None, Step::Nothing));
        assert_eq!(deployed(RUNNING, "k", None), (Some(RolledBack), Step::Nothing));
        assert_eq!(deployed(RUNNING, "d", Some(0.2)), (Some(Superseded), Step::Start(0.2)));
        assert_eq!(deployed(RUNNING, "d", Some(-1.0)), (None, Step::Nothing));
        assert_eq!(deployed(RUNNING, "d", None), (Some(Superseded), Step::TakeOver));
        assert_eq!(deployed(None, "k", Some(0.2)), (None, Step::Nothing));
        assert_eq!(deployed(None, "c", Some(0.2)), (None, Step::Start(0.2)));
        assert_eq!(deployed(None, "c", None), (None, Step::TakeOver));
        // Nothing is there to stay current.
        let first = decide(None, None, ("c", None), Kind::Deployed, Some(0.2));
        assert_eq!(first, (None, Step::TakeOver));
    }

    #[test]
    fn a_rollback_means_one_thing() {
        let back =
            |running, to, from| decide(running, Some("k"), (to, from), Kind::RolledBack, None);
        let ended = Some(Ending::RolledBack);
        assert_eq!(back(RUNNING, "k", Some("c")), (ended, Step::Nothing));
        assert_eq!(back(RUNNING, "c", None), (ended, Step::Nothing));
        assert_eq!(back(RUNNING, "j", Some("c")), (ended, Step::TakeOver));
        assert_eq!(back(RUNNING, "j", Some("k")), (Some(Ending::Superseded), Step::TakeOver));
        assert_eq!(back(None, "k", None), (None, Step::Nothing));
        assert_eq!(back(None, "j", Some("k")), (None, Step::TakeOver));
    }
}
