//! Mappings: how the records of another system's export become events.
//!
//! A mapping is data, not code: a TOML document that names the format of the source and lists event
//! templates; see `schemas/mappings/README.md`. Fields of a record that no template uses go into the
//! `attributes` of the first event of the record, so that none is dropped.
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
