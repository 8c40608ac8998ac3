//! The identity of an agent: names of bounded size, and the keys of agents.

use std::borrow::Cow;

use event::{Event, column};
use serde::{Deserialize, Serialize};

use crate::dedup::digest_of;

/// Largest size of a name (tenant, agent, environment, version, suite, run) in bytes. A longer name
/// is replaced by its beginning and a digest of all of it.
const NAME_BYTES_MAX: usize = 256;
/// Number of characters kept of a name that is too long.
const NAME_CHARS_KEPT: usize = 48;

/// A name, bounded in size.
pub(crate) fn bounded(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_BYTES_MAX {
        return Cow::Borrowed(name);
    }
    let mut short: String = name.chars().take(NAME_CHARS_KEPT).collect();
    short.push('~');
    short.push_str(&format!("{:032x}", digest_of(name)));
    Cow::Owned(short)
}

/// The identity of an agent: tenant, id and environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) tenant: Option<String>,
    pub(crate) id: String,
    pub(crate) environment: Option<String>,
}

impl Identity {
    pub(crate) fn of(event: &Event<'_>, id: &str) -> Self {
        let text = |column| event.text(column).map(|text| bounded(text).into_owned());
        Self {
            tenant: text(column::TENANT_ID),
            id: bounded(id).into_owned(),
            environment: text(column::ENVIRONMENT),
        }
    }
}

/// Writes the name of an agent: tenant and id with their lengths, so that names are unique and all
/// environments of an agent share a prefix, whose length is returned.
pub(crate) fn write_key(event: &Event<'_>, id: &str, into: &mut String) -> usize {
    let mut part = |name: Option<&str>| match name {
        None => into.push_str("-;"),
        Some(name) => {
            let name = bounded(name);
            let mut digits = [0_u8; 20];
            into.push_str(decimal(name.len(), &mut digits));
            into.push(':');
            into.push_str(&name);
            into.push(';');
        }
    };
    part(event.text(column::TENANT_ID));
    part(Some(id));
    let prefix = into.len();
    if let Some(environment) = event.text(column::ENVIRONMENT) {
        into.push('=');
        into.push_str(&bounded(environment));
    }
    prefix
}

/// Decimal digits without the formatting machinery: this runs for every event.
fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &str {
    let mut start = digits.len();
    for (at, slot) in digits.iter_mut().enumerate().rev() {
        let Ok(digit) = u8::try_from(number % 10) else { unreachable!("a digit") };
        *slot = b'0' + digit;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    let Some(Ok(digits)) = digits.get(start..).map(std::str::from_utf8) else {
        unreachable!("digits are ASCII")
    };
    digits
}

/// A digest in two halves: a 128-bit number would be aligned to 16 bytes.
pub(crate) type Digest = [u64; 2];

/// The key of an agent: a digest of tenant and id, which all its environments share, and one of the
/// whole name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct AgentKey {
    pub(crate) family: Digest,
    pub(crate) whole: Digest,
}

impl AgentKey {
    /// The key for a name (see [`write_key`]), whose first `family_bytes` bytes identify tenant and
    /// id.
    pub(crate) fn of(name: &str, family_bytes: usize) -> Self {
        let Some(family) = name.get(..family_bytes) else {
            unreachable!("{family_bytes} bytes of `{name}`")
        };
        let digest = |name: &str| {
            let digest = digest_of(name);
            let half = |number: u128| u64::try_from(number & u128::from(u64::MAX));
            let (Ok(high), Ok(low)) = (half(digest >> 64), half(digest)) else {
                unreachable!("a half has 64 bits")
            };
            [high, low]
        };
        Self { family: digest(family), whole: digest(name) }
    }

    /// The digest of the whole name.
    pub(crate) fn number(self) -> u128 {
        let [high, low] = self.whole;
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use event::{EventBuilder, kind};

    #[test]
    fn no_two_agents_share_a_key() {
        let key = |tenant: Option<&str>, id: &str, environment: Option<&str>| {
            let event = EventBuilder::new(kind::RUN_COMPLETED)
                .set(column::EVENT_ID, "e")
                .set(column::EVENT_TIME, event::Timestamp::from_micros(0))
                .set_some(column::TENANT_ID, tenant)
                .set_some(column::ENVIRONMENT, environment)
                .build()
                .unwrap();
            let mut key = String::new();
            let prefix = write_key(&event, id, &mut key);
            (key, prefix)
        };
        let all = [
            key(None, "a", None),
            key(None, "a", Some("")),
            key(None, "a;=p", None),
            key(None, "a", Some("p")),
            key(Some(""), "a", None),
            key(Some("a"), "", None),
            key(Some("-"), "a", None),
        ];
        let distinct: BTreeSet<_> = all.iter().map(|(key, _)| key).collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        let prefix = |(key, prefix): &(String, usize)| key.get(..*prefix).map(str::to_owned);
        assert_eq!(prefix(&all[0]), prefix(&all[3]));
    }

    #[test]
    fn long_names_are_bounded_and_stay_distinct() {
        let (a, b) = ("x".repeat(1_000), "x".repeat(1_001));
        assert!(bounded(&a).len() < NAME_BYTES_MAX && bounded(&a) != bounded(&b));
        assert_eq!(decimal(1_234_567_890, &mut [0; 20]), "1234567890");
    }
}
