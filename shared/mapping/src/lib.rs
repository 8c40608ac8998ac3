//! Mapping files: how the records of a foreign export become events.
//!
//! A mapping is data, not code: a TOML document names the source's format and lists event
//! templates; see `schemas/mappings/README.md`. Every field of a record that no template uses goes
//! into the `attributes` of the first event made from the record: nothing is dropped.
//!
//! Pure: parsed records in, JSON events out; no I/O.

mod document;
mod events;
mod path;
mod record;
mod value;

pub use document::{Format, Mapping, MappingError};
pub use events::MapError;
pub use record::Record;

#[cfg(test)]
mod tests;
