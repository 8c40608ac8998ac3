//! The notifying service: reads the alerts, and tells receivers about each step of each of them.
//!
//! # Promise
//!
//! - For every sink and alert that it routes to: firing, acknowledged and resolved (or dismissed),
//!   in this order, each decided once. What came of it is an event in the same partition:
//!   `notification.delivered` or `notification.failed`.
//! - A pending alert is not told.
//! - An alert that fires under a suppression is not told, and `notification.suppressed` says so; if
//!   it outlasts the suppression it fires again, and is told from there on.
//! - A monitor whose heartbeats stop for [`Config::dead_after_secs`] is an alert too, which this service
//!   raises itself: for each partition `monitor.dead`, and `monitor.recovered` when they are back, each
//!   an event with a derived identifier before anybody is told.
//! - The request names alert and step the same however often it is made, so that a receiver with
//!   a memory takes a repetition for the same: Alertmanager by the labels, PagerDuty by
//!   `dedup_key`, a webhook by `webhook-id`. Slack has no such memory.
//! - No receiver waits for another one, and a request never waits longer than
//!   [`Config::request_wait_ms_max`].
//! - Memory is bounded by [`Config::alerts_max`]; what happens there is said there.
//! - Secrets are in no log line, event, error or `Debug` text.
//!
//! | state of a step | if the process dies here |
//! |---|---|
//! | in the log | it is read again |
//! | queued, or waiting for a retry | it is read again; attempts are counted from the start |
//! | the receiver has it, its answer is lost | it is told again; the receiver takes it for the same |
//! | answered, outcome not in the log | the same |
//! | outcome in the log | it is not told again |
//!
//! HTTP allows no more than that: between the answer and our note of it there is always a moment.
//!
//! # Where to start
//!
//! `machine` decides what to send to whom (pure: events and time in, requests and outcomes out),
//! `sink` makes requests, `http` sends them, `outbox` writes outcomes, `role` is the loop. Whether
//! the monitor is dead is decided by [`monitor::watchdog`].
//!
//! # What it does not do
//!
//! It decides nothing about other alerts, groups none, and knows no schedules of people: Alertmanager
//! and PagerDuty do. It reads secrets at its start only.

mod alert;
mod config;
mod http;
mod machine;
mod meters;
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
pub use role::{Notifier, run};
