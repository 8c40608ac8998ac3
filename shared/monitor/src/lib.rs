//! Computes metrics, drift verdicts and alerts from the events of one partition.
//!
//! # Promise
//!
//! - [`Processor`] is a pure function of the records of one partition in offset order: no clock,
//!   no randomness, no I/O. The same records give the same outputs, byte for byte, and resuming
//!   from a snapshot taken anywhere continues as if nothing had happened. Settings come from the
//!   records too (`monitor.configured`), and so do the versions of metrics and detectors in force
//!   ([`Versions`]). So anybody can recompute every metric and alert from the sealed archive, with
//!   this release or a later one ([`replay`]).
//! - Only records that the owner of the partition has signed change settings, move an idle
//!   partition's time or count as heartbeats; anybody else's are ignored and reported
//!   (`monitor.forged`). Who owns it is part of the state (`governance`).
//! - Every output carries its origin (topic, partition, offset, ordinal) and an `event_id` derived
//!   from it.
//! - Suppressions and maintenance windows are events too, and bounded: an alert that begins under a
//!   suppression is marked, and fires again if it outlasts the suppression; detectors ignore
//!   observations within a maintenance window.
//! - Memory is bounded: [`Settings`] documents each limit and what happens beyond it. Idle agents
//!   are kept serialized, and the cost of saving is proportional to what has changed (`cargo bench
//!   -p monitor --bench scale`).
//! - Windows count every tool call and every approval; detectors see one per run, because those of
//!   a run depend on each other (see `sampler`).
//! - Lag and gaps of the monitor itself are outputs too (see `heartbeat`).
//! - The average run length of one stream until a false page is at least `average_run_length`: if
//!   the baseline's confidence bound holds or, with a short baseline, on average over baselines,
//!   plus one deployment in a hundred (see `stream`). A canary that is no worse is *ever* reported
//!   as worse with probability at most `canary_alpha` in each stream (see `canary`).
//! - What cannot happen panics: counts are checked for overflow in release builds too
//!   (`overflow-checks`). Times and offsets come from senders, and arithmetic on them saturates.
//!
//! # Vocabulary
//!
//! *Key*: tenant, agent, environment and version. *Pane*: one minute of event time of one key;
//! *window*: five panes, an hour or a day. *Watermark*: the event time up to which the partition is
//! assumed to be complete. *Channel*: a metric and, for eval metrics, a suite; *place*: the index
//! of a metric in the list. *Stream*: the observations of one watched channel of one key, in offset
//! order.
//!
//! # What it does not do
//!
//! It does not read, decode or publish records; the `processor` service does.

mod agent;
mod baseline;
mod canary;
mod catalogue;
mod change;
mod columns;
mod counters;
mod decided;
mod dedup;
mod detector;
mod forged;
mod heartbeat;
mod identity;
mod kind;
pub mod metric;
mod metric_settings;
mod mute;
mod number;
mod output;
mod policy;
mod processor;
pub mod replay;
mod sampler;
mod semantics;
mod settings;
mod stream;
mod unannounced;
pub mod watchdog;
mod watermark;
mod window;

pub use catalogue::{Catalogue, Versions};
pub use counters::Counters;
pub use metric_settings::{BaselineKind, MetricSettings};
pub use output::{Destination, ORDINAL_STEP, Output};
pub use processor::{EntryId, Processor, RefusedSuite, ResumeError};
pub use semantics::SEMANTICS;
pub use settings::{Settings, SettingsError, SettingsTextError};
pub use window::{PANE_MICROS, Span};
