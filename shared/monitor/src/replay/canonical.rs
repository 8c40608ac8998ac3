//! Equality of values: bit for bit, except that all NaNs are equal.

use std::borrow::Cow;

use event::{Cell, ColumnId, Event, column};
use sha2::{Digest as _, Sha256};

/// A truncated digest.
pub(super) type Digest = [u8; 16];

/// Largest number of characters shown of a value.
const SHOWN_CHARS_MAX: usize = 200;

/// Whether a column says who signed an output, which differs from owner to owner; signatures are
/// checked instead.
fn is_of_signature(column: ColumnId) -> bool {
    [
        column::monitor::EPOCH.id(),
        column::monitor::HISTORY.id(),
        column::monitor::OWNER.id(),
        column::monitor::SIGNATURE.id(),
        column::monitor::SIGNED_BY.id(),
    ]
    .contains(&column)
}

/// The cells that are compared.
pub(super) fn compared<'e, 'a>(
    event: &'e Event<'a>,
) -> impl Iterator<Item = (ColumnId, &'e Cell<'a>)> {
    let writer = column::SCHEMA_VERSION.id();
    event
        .cells()
        .iter()
        .map(|(id, cell)| (*id, cell))
        .filter(move |(id, _)| *id != writer && !is_of_signature(*id))
}

/// A digest of the cells that are compared.
pub(super) fn digest_of(event: &Event<'_>) -> Digest {
    let mut hasher = Sha256::new();
    for (id, cell) in compared(event) {
        hasher.update((id.index() as u64).to_be_bytes());
        hasher.update([cell.cell_type() as u8]);
        match cell {
            Cell::Bool(value) => hasher.update([u8::from(*value)]),
            Cell::Int(value) => hasher.update(value.to_be_bytes()),
            Cell::Float(value) => hasher.update(bits(*value).to_be_bytes()),
            Cell::Time(value) => hasher.update(value.micros().to_be_bytes()),
            Cell::Text(value) => text(&mut hasher, value.as_bytes()),
            Cell::Bytes(value) => text(&mut hasher, value),
            Cell::Texts(values) => {
                hasher.update((values.len() as u64).to_be_bytes());
                values.iter().for_each(|value| text(&mut hasher, value.as_bytes()));
            }
            Cell::Map(pairs) => {
                hasher.update((pairs.len() as u64).to_be_bytes());
                for (key, value) in pairs {
                    text(&mut hasher, key.as_bytes());
                    text(&mut hasher, value.as_bytes());
                }
            }
        }
    }
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    digest
}

fn text(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

const fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// Whether two cells have the same value.
pub(super) fn same(one: &Cell<'_>, other: &Cell<'_>) -> bool {
    if let (Cell::Float(one), Cell::Float(other)) = (one, other) {
        bits(*one) == bits(*other)
    } else {
        one == other
    }
}

/// A value, for people.
pub(super) fn show(cell: &Cell<'_>) -> String {
    let shown: Cow<'_, str> = match cell {
        Cell::Bool(value) => value.to_string().into(),
        Cell::Int(value) => value.to_string().into(),
        Cell::Float(value) => value.to_string().into(),
        Cell::Time(value) => {
            value.to_rfc3339().unwrap_or_else(|| format!("{} us", value.micros())).into()
        }
        Cell::Text(value) => Cow::Borrowed(value),
        Cell::Bytes(value) => format!("{} bytes", value.len()).into(),
        Cell::Texts(values) => values.join(", ").into(),
        Cell::Map(pairs) => {
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            pairs.join(", ").into()
        }
    };
    let mut short: String = shown.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < shown.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, kind};

    fn event(value: f64, runs: &[&str]) -> Event<'static> {
        EventBuilder::new(kind::METRIC_WINDOW)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .set(column::metric::VALUE, value)
            .set(
                column::drift::EXAMPLE_RUNS,
                runs.iter().map(|run| (*run).to_owned()).collect::<Vec<_>>(),
            )
            .build()
            .unwrap()
    }

    #[test]
    fn a_digest_tells_apart_what_is_compared_and_nothing_else() {
        let all = [
            event(0.0, &["a"]),
            event(-0.0, &["a"]),
            event(0.1 + 0.2, &["a"]),
            event(0.3, &["a"]),
            event(0.0, &["a", ""]),
            event(0.0, &["", "a"]),
            event(f64::NAN, &["a"]),
        ];
        let digests: std::collections::BTreeSet<_> = all.iter().map(digest_of).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(digest_of(&event(-f64::NAN, &["a"])), digest_of(&event(f64::NAN, &["a"])));
        let mut later = event(0.0, &["a"]);
        later.set(column::SCHEMA_VERSION, 99.into());
        assert_eq!(digest_of(&later), digest_of(&all[0]));
    }

    #[test]
    fn what_is_shown_is_bounded_and_exact_for_numbers() {
        assert_eq!(show(&(0.1 + 0.2).into()), "0.30000000000000004");
        assert_eq!(show(&"ä".repeat(1_000).into()).chars().count(), SHOWN_CHARS_MAX + 1);
        assert!(same(&f64::NAN.into(), &(-f64::NAN).into()) && !same(&0.0.into(), &(-0.0).into()));
    }
}
