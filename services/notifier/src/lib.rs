//! The notifier: reads alerts and notifies receivers of each step of each alert.
//!
//! # Promise
//!
//! - Each sink is notified of the steps of each alert routed to it: firing, acknowledged and resolved
//!   (or dismissed), in this order, each decided once. The outcome is an event in the same partition,
//!   `notification.delivered` or `notification.failed`, which is published until the log acknowledges
//!   it; one that cannot be built ends the role.
//! - Pending alerts are not sent.
//! - Only what processor and notifier signed for a partition of this installation is heeded, and answers
//!   of people that the gateway signed; anything else, and copies, are ignored, counted by reason
//!   (`driftseal_notifier_records_ignored_total`) and said. So write access to the topic pages nobody,
//!   resolves nothing and hides nothing.
//! - An alert that fires under a suppression is not sent; `notification.suppressed` records that. If it
//!   outlasts the suppression, it fires again and is sent from then on.
//! - A suppression holds from the moment that it is in the governance topic, also for alerts of partitions
//!   that lag; an alert that it held back and that is still open when it ends is sent then.
//! - If the monitor's heartbeats stop for [`Config::dead_after_secs`], this service raises an alert: for
//!   each partition `monitor.dead`, and `monitor.recovered` once they resume. Each is written to the log,
//!   with a derived identifier, before anybody is notified.
//! - Requests are idempotent where the receiver deduplicates: Alertmanager by the labels, PagerDuty by
//!   `dedup_key`, a webhook by `webhook-id`. Slack does not.
//! - No receiver delays another, and a request takes at most [`Config::request_wait_ms_max`].
//! - Memory is bounded by [`Config::alerts_max`], which documents what happens at the limit.
//! - Secrets appear in no log line, event, error or `Debug` output.
//!
//! | state of a step | if the process dies in it |
//! |---|---|
//! | in the log | it is read again |
//! | queued, or waiting for a retry | it is read again; attempts are counted from the start |
//! | delivered, response lost | it is sent again; the receiver deduplicates |
//! | response received, outcome not in the log | the same |
//! | outcome in the log | it is not sent again |
//!
//! HTTP permits no stronger guarantee: the process may die between the response and its record.
//!
//! # Where to start
//!
//! `machine` decides what to send to whom (pure: events and time in, requests and outcomes out),
//! `sink` makes requests, `http` sends them, `outbox` writes outcomes, `role` is the loop. Whether
//! the monitor is dead is decided by [`monitor::watchdog`].
//!
//! # What it does not do
//!
//! It raises no other alerts, does not group alerts, and has no on-call schedules; Alertmanager and
//! PagerDuty have. It reads secrets only at its start.

mod alert;
mod answers;
mod config;
mod contact;
mod credentials;
mod heard;
mod http;
mod ignored;
mod machine;
mod meters;
mod mutes;
mod outbox;
mod outcome;
mod owned;
mod position;
mod role;
mod secret;
pub mod sink;
mod text;

pub use alert::Severity;
pub use config::{Config, Topics};
pub use credentials::Credentials;
#[doc(hidden)]
pub use http::parse_retry_after;
pub use role::{Notifier, run};

#[cfg(test)]
mod tests {
    mod hostile;
}
