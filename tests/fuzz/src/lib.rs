//! Fuzz targets: decoders and parsers that read bytes of somebody else, and what is behind them. The
//! test `tests/decoders.rs` finds every parser in the sources and asks which target reaches it.
//!
//! A target is a function of bytes that returns whether they were accepted, and panics if a promise
//! does not hold: that any bytes have an answer, and what else the reader promises (one exact form
//! survives being written again, no changed proof verifies). Its seeds are the files of
//! `corpus/<target>/`; inputs that once failed are kept there too.
//!
//! The test `tests/corpus.rs` gives each target its corpus and a fixed number of mutations of it;
//! `make fuzz` (`run.sh`) searches for new inputs with libFuzzer, led by what they reach.
//!
//! To add a target: a file in `target/`, its name in the list below, a seed that it accepts.

pub mod corpus;
pub mod mutate;
#[path = "../../src/rng.rs"]
pub mod rng;
pub mod seeds;

/// A function of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name: of the file in `target/` and of the directory of its corpus.
    pub name: &'static str,
    /// Whether the bytes were accepted. Panics if a promise does not hold.
    pub run: fn(&[u8]) -> bool,
}

macro_rules! targets {
    ($($name:ident)*) => {
        mod target {
            $(pub(crate) mod $name;)*
        }

        /// All targets, by name.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), run: target::$name::run }),*];
    };
}

targets! {
    admission
    archive
    authorization
    avro_container
    aws_profile
    census
    checkpoint
    chunk
    collector_body
    commit
    config
    consistency
    dsse
    emit
    event_avro
    event_json
    event_record
    gateway_body
    head
    manifest
    mapping
    multiproof
    note
    otlp
    otlp_mapping
    pack_content
    pack_zip
    parquet
    paths
    policy
    processor
    proof
    retry_after
    schemas
    sealed
    settings
    snapshot
    suite_canonical
    suite_run
    suite_yaml
    tile_bundle
    tlog_proof
    topic
    writer_schema
}
