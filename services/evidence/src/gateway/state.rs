//! The gateway while it runs: its parts, and what it has read.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::access::Principal;
use axum::http::HeaderMap;

use super::history::History;
use super::parts::Parts;
use super::rejection::Rejection;
use super::view::View;

/// The gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) parts: Parts,
    view: Mutex<View>,
    history: Mutex<History>,
    /// Identifiers of acts that are being recorded.
    recording: Mutex<BTreeSet<String>>,
}

/// An act that is being recorded. No other with its identifier is, until this is dropped.
#[derive(Debug)]
pub(super) struct Recording<'g> {
    gateway: &'g Gateway,
    event_id: String,
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        let recording = self.gateway.recording.lock();
        recording.unwrap_or_else(PoisonError::into_inner).remove(&self.event_id);
    }
}

impl Gateway {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            view: Mutex::new(View::new()),
            history: Mutex::new(History::new()),
            recording: Mutex::default(),
        }
    }

    /// Who sends a request.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Rejection> {
        let principal = self.parts.gate.authenticate(headers).map_err(Rejection::Refused)?;
        self.parts.gate.take(&principal, (1, 0)).map_err(Rejection::Exhausted)?;
        Ok(principal)
    }

    /// Brings the view up to date and passes it on.
    pub(super) fn with_view<T>(
        &self,
        work: impl FnOnce(&View) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let Parts { log, topics, trust, config, .. } = &self.parts;
        view.advance(&**log, topics, trust, config.read_wait())?;
        work(&view)
    }

    /// The acts that were recorded, up to date.
    pub(super) fn history(&self) -> Result<MutexGuard<'_, History>, Rejection> {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let Parts { log, topics, trust, config, .. } = &self.parts;
        history.advance(&**log, &topics.governance, trust, config.read_wait())?;
        Ok(history)
    }

    /// Begins to record an act of that identifier, unless another request does so.
    pub(super) fn record(&self, event_id: &str) -> Result<Recording<'_>, Rejection> {
        let mut recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        if !recording.insert(event_id.to_owned()) {
            return Err(Rejection::InProgress);
        }
        drop(recording);
        Ok(Recording { gateway: self, event_id: event_id.to_owned() })
    }

    pub(super) const fn publish_wait(&self) -> Duration {
        self.parts.config.publish_wait()
    }
}
