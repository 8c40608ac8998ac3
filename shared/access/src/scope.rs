//! What a credential may be used for.

use std::fmt;

use event::plain::Name;
use event::{Event, column};

/// Longest pattern or tenant, bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256;
/// Most patterns of a list.
pub(crate) const PATTERNS_MAX: usize = 1_000;

/// A name, or the beginning of names: `refund` is one, `refund-*` all that begin with `refund-`, `*` all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// All names, also none.
    Any,
    /// One name.
    One(String),
    /// Names that begin with a text.
    Beginning(String),
}

impl Pattern {
    /// Reads a pattern; `None` if it is empty or too long, has a `*` elsewhere than at the end, a control
    /// character, or white space around it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let (name, is_beginning) = match text.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (text, false),
        };
        if !is_text(name) || name.contains('*') {
            return None;
        }
        let name = name.to_owned();
        Some(if is_beginning { Self::Beginning(name) } else { Self::One(name) })
    }

    fn covers(&self, name: Option<&str>) -> bool {
        match (self, name) {
            (Self::Any, _) => true,
            (Self::One(own), Some(name)) => own == name,
            (Self::Beginning(own), Some(name)) => name.starts_with(own.as_str()),
            (Self::One(_) | Self::Beginning(_), None) => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(name) => f.write_str(name),
            Self::Beginning(name) => write!(f, "{name}*"),
        }
    }
}

/// Whether a text may be a name in a scope.
pub(crate) fn is_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

/// The tenants that a credential speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tenants {
    /// That of the server's configuration, if it has one: an event with another is refused.
    #[default]
    Own,
    /// One: an event without a tenant is of that one.
    One(String),
    /// All, as events name them.
    Any,
}

/// What a credential may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Tenants.
    pub tenants: Tenants,
    /// Agents, by their identifiers. Only `*` covers events without an agent.
    pub agents: Vec<Pattern>,
    /// Families of kinds, such as `run`: what stands before the first dot.
    pub families: Vec<Pattern>,
}

/// What is outside of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// The tenant.
    Tenant(Option<String>),
    /// The agent, or that there is none.
    Agent(Option<String>),
    /// The family of the kind.
    Family(String),
}

impl Forbidden {
    /// Reason of a rejection and label of a metric; part of the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "forbidden_tenant",
            Self::Agent(_) => "forbidden_agent",
            Self::Family(_) => "forbidden_family",
        }
    }

    /// Name of the field that says it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant_id",
            Self::Agent(_) => "agent_id",
            Self::Family(_) => "kind",
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            Self::Tenant(name) => ("tenant", name.as_deref()),
            Self::Agent(name) => ("agent", name.as_deref()),
            Self::Family(name) => ("family", Some(name.as_str())),
        };
        match name {
            Some(name) => write!(f, "the credential is not for {what} `{}`", Name(name)),
            None => write!(f, "the credential is not for events without {what}"),
        }
    }
}

impl Scope {
    /// All agents and families, of the server's own tenant.
    #[must_use]
    pub fn everything() -> Self {
        let (agents, families) = (vec![Pattern::Any], vec![Pattern::Any]);
        Self { tenants: Tenants::Own, agents, families }
    }

    /// Whether it covers all agents and families.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let has_all = |patterns: &[Pattern]| patterns.contains(&Pattern::Any);
        has_all(&self.agents) && has_all(&self.families)
    }

    /// The tenant of an event that names `tenant`, at a server whose own tenant is `own`; an empty one
    /// is none.
    ///
    /// # Errors
    ///
    /// `Tenant`, if the credential does not speak for it.
    pub fn tenant<'t>(
        &'t self,
        tenant: Option<&'t str>,
        own: Option<&'t str>,
    ) -> Result<Option<&'t str>, Forbidden> {
        let named = tenant.filter(|tenant| !tenant.is_empty());
        let own = own.filter(|own| !own.is_empty());
        let only = match &self.tenants {
            Tenants::Any => return Ok(named.or(own)),
            Tenants::One(one) => Some(one.as_str()),
            Tenants::Own => own,
        };
        if named.is_some() && named != only {
            return Err(Forbidden::Tenant(named.map(str::to_owned)));
        }
        Ok(only)
    }

    /// Whether it covers something of a tenant that is there already; `None` is of no tenant.
    #[must_use]
    pub fn covers_tenant(&self, tenant: Option<&str>) -> bool {
        match &self.tenants {
            Tenants::Own => tenant.is_none(),
            Tenants::One(one) => tenant == Some(one),
            Tenants::Any => true,
        }
    }

    /// Checks that agent and family of an event are covered.
    ///
    /// # Errors
    ///
    /// `Agent`, `Family`.
    pub fn check(&self, event: &Event<'_>) -> Result<(), Forbidden> {
        let agent = event.text(column::AGENT_ID);
        if !self.covers_agent(agent) {
            return Err(Forbidden::Agent(agent.map(str::to_owned)));
        }
        let kind = event.text(column::KIND).unwrap_or("");
        let family = kind.split_once('.').map_or(kind, |(family, _)| family);
        if !self.families.iter().any(|pattern| pattern.covers(Some(family))) {
            return Err(Forbidden::Family(family.to_owned()));
        }
        Ok(())
    }

    /// Whether an agent is covered; `None` is no agent.
    #[must_use]
    pub fn covers_agent(&self, agent: Option<&str>) -> bool {
        self.agents.iter().any(|pattern| pattern.covers(agent))
    }

    /// As texts, for a list of people and the record of the act: `tenant:…`, `agent:…`, `family:…`.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let tenant = match &self.tenants {
            Tenants::Own => None,
            Tenants::One(one) => Some(format!("tenant:{one}")),
            Tenants::Any => Some("tenant:*".to_owned()),
        };
        let agents = self.agents.iter().map(|pattern| format!("agent:{pattern}"));
        let families = self.families.iter().map(|pattern| format!("family:{pattern}"));
        tenant.into_iter().chain(agents).chain(families).collect()
    }
}

#[cfg(test)]
mod tests {
    use event::EventBuilder;
    use proptest::prelude::*;

    use super::*;

    fn scope(agents: &[&str], families: &[&str]) -> Scope {
        let all = |texts: &[&str]| texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        Scope { tenants: Tenants::Own, agents: all(agents), families: all(families) }
    }

    fn check(scope: &Scope, kind: &str, agent: Option<&str>) -> Result<(), &'static str> {
        let event = EventBuilder::new(kind).set_some(column::AGENT_ID, agent);
        let event = event
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, event::Timestamp::from_micros(1));
        scope.check(&event.build().unwrap()).map_err(|forbidden| forbidden.code())
    }

    #[test]
    fn a_scope_covers_what_it_names_byte_by_byte() {
        let own = scope(&["refund-*", "search", "caf\u{e9}-*"], &["run", "tool"]);
        let agent = |agent: &str| check(&own, "run.completed", Some(agent));
        for good in ["refund-1", "refund-", "refund-*", "search", "caf\u{e9}-1", "refund-\u{202e}x"]
        {
            assert_eq!(agent(good), Ok(()), "{good}");
        }
        for bad in [
            "refund",
            "Refund-1",
            "REFUND-1",
            " refund-1",
            "xrefund-1",
            "search ",
            "search-2",
            "searc",
            "se\u{430}rch",
            "cafe\u{301}-1",
            "\u{feff}refund-1",
            "*",
            "",
        ] {
            assert_eq!(agent(bad), Err("forbidden_agent"), "{bad:?}");
        }
        assert_eq!(check(&own, "run.completed", None), Err("forbidden_agent"));
        for kind in ["model.called", "Run.completed", "runs.completed", "running", ".run", "ru"] {
            assert_eq!(check(&own, kind, Some("search")), Err("forbidden_family"), "{kind}");
        }
        for kind in ["run", "run.", "run.x.y", "tool.called"] {
            assert_eq!(check(&own, kind, Some("search")), Ok(()), "{kind}");
        }
        let all = Scope::everything();
        assert!(all.is_everything() && !own.is_everything());
        assert_eq!(check(&all, "x.y", None), Ok(()));
        assert_eq!(own.texts()[0], "agent:refund-*");
    }

    #[test]
    fn a_tenant_is_the_one_of_the_credential() {
        let of = |tenants: Tenants, named: Option<&str>, own: Option<&str>| {
            let scope = Scope { tenants, ..Scope::everything() };
            let tenant = scope.tenant(named, own).map_err(|forbidden| forbidden.code())?;
            Ok(tenant.map(str::to_owned))
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        let refused = Err("forbidden_tenant");
        let acme = || Tenants::One("acme".to_owned());
        assert_eq!(of(acme(), None, None), some("acme"));
        assert_eq!(of(acme(), Some(""), Some("other")), some("acme"));
        assert_eq!(of(acme(), Some("acme"), None), some("acme"));
        for other in ["other", "ACME", "acme ", "acme\0"] {
            assert_eq!(of(acme(), Some(other), Some(other)), refused, "{other:?}");
        }
        assert_eq!(of(Tenants::Own, None, None), Ok(None));
        assert_eq!(of(Tenants::Own, Some("acme"), None), refused);
        assert_eq!(of(Tenants::Own, Some("acme"), Some("acme")), some("acme"));
        assert_eq!(of(Tenants::Own, None, Some("acme")), some("acme"));
        assert_eq!(of(Tenants::Any, Some("x"), Some("acme")), some("x"));
        assert_eq!(of(Tenants::Any, None, Some("acme")), some("acme"));
    }

    #[test]
    fn a_pattern_has_its_star_at_the_end() {
        for wrong in
            ["", "**", "a*b", "*a", "a**", " a", "a ", "a\n", "\u{7f}", " *", &"x".repeat(257)]
        {
            assert_eq!(Pattern::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_beginning_covers_exactly_what_begins_so(beginning in "[a-c]{1,3}", name in "[a-c*]{0,5}") {
            let pattern = Pattern::parse(&format!("{beginning}*")).unwrap();
            prop_assert_eq!(pattern.covers(Some(&name)), name.starts_with(&beginning));
            prop_assert_eq!(Pattern::parse(&pattern.to_string()), Some(pattern));
        }
    }
}
