//! Inputs and outputs of the machine.

use std::sync::Arc;

use crate::alert::{Alert, Step};
use crate::outcome::Outcome;

/// An alert and a sink.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) partition: i32,
    pub(crate) alert_id: Arc<str>,
    /// Index of the sink in the list of plans.
    pub(crate) sink: usize,
}

/// Why a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// To notify of a step; its outcome is written to the log.
    Notify(Step),
    /// To keep the alert firing at the receiver; it is repeated periodically, so its outcome is not
    /// written.
    Refresh,
}

/// The content of a notification.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notice {
    /// The event by which the alert fired for this sink; that of the step if the log no longer holds it.
    pub(crate) opened: Arc<Alert>,
    /// The event by which a person acknowledged it, if that is being or was sent.
    pub(crate) acknowledged: Option<Arc<Alert>>,
    /// The event of this step.
    pub(crate) current: Arc<Alert>,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) key: Key,
    pub(crate) task: Task,
    pub(crate) notice: Notice,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver accepted it.
    Accepted { status: u16 },
    /// The receiver will never accept it.
    Refused { status: u16, detail: String },
    /// It may be accepted later. Without a status there was no response.
    Busy { status: Option<u16>, retry_after_ms: Option<i64>, detail: String },
}

/// An outcome to write to the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) key: Key,
    pub(crate) sink: Arc<str>,
    /// The event of the step.
    pub(crate) alert: Arc<Alert>,
    pub(crate) outcome: Outcome,
}
