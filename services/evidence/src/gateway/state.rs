//! The gateway while it runs: its parts, and what it has read.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};

use super::parts::Parts;
use super::rejection::Rejection;
use super::view::View;

/// The gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) parts: Parts,
    view: Mutex<View>,
}

impl Gateway {
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts, view: Mutex::new(View::new()) }
    }

    /// The name of the token that a request shows.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<String, Rejection> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return Err(Rejection::Unauthenticated);
        };
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let name = token.and_then(|token| self.parts.tokens.name_of(token));
        name.map(str::to_owned).ok_or(Rejection::Unauthenticated)
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

    pub(super) const fn publish_wait(&self) -> Duration {
        self.parts.config.publish_wait()
    }
}
