//! Who speaks, once that was proved; and what it may say.

use std::fmt;
use std::sync::Arc;

use event::{Cell, Event, column};

use crate::claims;
use crate::credential::Credential;
use crate::scope::{Forbidden, Scope};

/// How a sender proved who it is; a value of `actor.authn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authn {
    /// Not at all: the server asks nobody.
    None,
    /// By a token.
    Token,
    /// By a client certificate.
    Mtls,
}

impl Authn {
    /// Its value in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Mtls => "mtls",
        }
    }
}

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Principal {
    authn: Authn,
    credential: Option<Arc<Credential>>,
}

/// Why somebody is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No credential was shown.
    Missing,
    /// What was shown is no credential, or there are two.
    Malformed,
    /// No such credential is known; it may have been revoked.
    Unknown,
    /// It has expired.
    Expired,
    /// It is for the other server.
    WrongRole,
}

impl Refusal {
    /// Value of `error.code` and of the metric's label; part of the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing | Self::Malformed | Self::Unknown => "unauthenticated",
            Self::Expired => "expired",
            Self::WrongRole => "wrong_role",
        }
    }

    /// Whether somebody is known, but may not do this: 403 instead of 401.
    #[must_use]
    pub const fn is_forbidden(self) -> bool {
        matches!(self, Self::WrongRole)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "show a token: `Authorization: Bearer <token>`",
            Self::Malformed => {
                "`Authorization` must be there once, as `Bearer`, a space and a token"
            }
            Self::Unknown => "the credential is not known; it may have been revoked",
            Self::Expired => "the credential has expired",
            Self::WrongRole => {
                "the credential is for the other server: those of role `emit` send events to the \
                 collector, those of role `act` act at the gateway"
            }
        })
    }
}

impl Principal {
    /// Anybody, where nobody is asked who they are.
    #[must_use]
    pub const fn anybody() -> Self {
        Self { authn: Authn::None, credential: None }
    }

    pub(crate) const fn new(authn: Authn, credential: Arc<Credential>) -> Self {
        Self { authn, credential: Some(credential) }
    }

    /// How it was proved.
    #[must_use]
    pub const fn authn(&self) -> Authn {
        self.authn
    }

    /// The credential that was shown.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_deref()
    }

    /// Name of the credential that was shown.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.credential().map(|credential| credential.name.as_str())
    }

    /// What it may be used for; `None` if nobody was asked.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        self.credential().map(|credential| &credential.scope)
    }

    /// Takes an event that this principal sent: checks that it may say that, fills in the tenant where
    /// the event has none, and writes into `actor` what was proved; what the sender claimed about that is
    /// kept as attributes. `own_tenant` is the tenant of the server's configuration.
    ///
    /// # Errors
    ///
    /// What is outside of the scope. The event is as it was.
    pub fn admit(&self, event: &mut Event<'_>, own_tenant: &str) -> Result<(), Forbidden> {
        let named = event.text(column::TENANT_ID).filter(|tenant| !tenant.is_empty());
        let own = Some(own_tenant).filter(|own| !own.is_empty());
        let tenant = match self.scope() {
            Some(scope) => {
                let tenant = scope.tenant(named, own)?;
                scope.check(event)?;
                tenant
            }
            None => named.or(own),
        };
        if named.is_none()
            && let Some(tenant) = tenant
        {
            let tenant = Cell::from(tenant.to_owned());
            event.set(column::TENANT_ID, tenant);
        }
        claims::settle(event, self.authn.name(), self.name());
        Ok(())
    }
}
