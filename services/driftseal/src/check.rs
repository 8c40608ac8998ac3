//! Checks events of files: what the collector would reject, what would be quarantined, and what is
//! suspicious. Nothing is sent.
//!
//! Files hold JSON (lines, arrays, CloudEvents), CSV, records of a log (one per file: Avro single
//! objects, registry frames) or Avro object containers, gzipped or not.

mod container;
mod report;

use std::io::{BufRead, Read as _};
use std::path::Path;

use collector::{Checker, Config};
use event::{
    BatchBuilder, Decoder, Fault, Limits, Remark, Timestamp, TimestampType, TopicPartition,
};
use mapping::Mapping;
use registry::{Format, Source};

use crate::emit::{EmitError, reader, source};

pub(crate) use report::Report;

/// The number of events of a container that decode; `None` if it is not a whole one. For fuzzing.
#[doc(hidden)]
#[must_use]
pub fn avro_container(bytes: &[u8]) -> Option<u64> {
    let mut events = 0;
    let bytes = Box::new(std::io::Cursor::new(bytes.to_vec()));
    container::read(bytes, Limits::default(), &mut |_, event| events += u64::from(event.is_ok()))
        .ok()?;
    Some(events)
}

/// Largest file of a single record, bytes.
const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Checks files, one after the other.
#[derive(Debug)]
pub(crate) struct Check<'m> {
    checker: Checker,
    limits: Limits,
    mapping: Option<&'m Mapping>,
    schemas: Option<&'m dyn Source>,
    now: Timestamp,
    report: Report,
}

impl<'m> Check<'m> {
    /// With the limits of a collector, as if events arrived now.
    pub(crate) fn new(config: &Config, mapping: Option<&'m Mapping>, now: Timestamp) -> Self {
        let limits = Limits { value_bytes_max: config.event_bytes_max };
        let (checker, report) = (Checker::new(config), Report::default());
        Self { checker, limits, mapping, schemas: None, now, report }
    }

    /// Schemas of frames are looked up there.
    pub(crate) fn with_schemas(mut self, schemas: Option<&'m dyn Source>) -> Self {
        self.schemas = schemas;
        self
    }

    /// What was found.
    pub(crate) fn into_report(self) -> Report {
        self.report
    }

    /// Checks a file, which has that number among the files.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(crate) fn file(&mut self, number: usize, file: &Path) -> Result<(), EmitError> {
        let unreadable = |error: &dyn std::fmt::Display| EmitError::Read {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let mut bytes = source::open(file).map_err(|error| unreadable(&error))?;
        let begin = bytes.fill_buf().map_err(|error| unreadable(&error))?;
        if begin.starts_with(container::MAGIC) {
            let report = &mut self.report;
            let (checker, now) = (&mut self.checker, self.now);
            return container::read(bytes, self.limits, &mut |place, event| match event {
                Ok(event) => report.accept(number, place, checker.event(event, now)),
                Err(fault) => report.reject(number, place, fault),
            })
            .map_err(|error| unreadable(&error));
        }
        if begin.starts_with(&[0xc3, 0x01]) || begin.starts_with(&[0]) {
            let mut value = Vec::new();
            let read = bytes.take(RECORD_BYTES_MAX + 1).read_to_end(&mut value);
            read.map_err(|error| unreadable(&error))?;
            return self.record(number, &value).map_err(|error| unreadable(&error));
        }
        reader::read_from(file, bytes, self.mapping, &mut |outcome| {
            match outcome.event {
                Ok(event) => self.json(number, outcome.line, &event),
                Err(reason) => self.report.unreadable(number, outcome.line, reason),
            }
            Ok(())
        })
    }

    fn json(&mut self, file: usize, line: u64, event: &[u8]) {
        match self.checker.json(event, self.now) {
            Ok(remarks) => self.report.accept(file, line, remarks),
            Err(rejected) => self.report.refuse(file, line, rejected),
        }
    }

    /// Checks the value of one record of the log.
    fn record(&mut self, file: usize, value: &[u8]) -> Result<(), String> {
        let mut batch = BatchBuilder::new(TopicPartition::new("file", 0));
        let none = std::iter::empty();
        batch.push(0, self.now.millis(), TimestampType::None, None, Some(value), none);
        let batch = batch.build();
        let mut decoder = Decoder::new(self.limits);
        for record in batch.records() {
            if let (Some(schemas), Some(key)) = (self.schemas, decoder.wants(&record)) {
                let found = schemas.find(key).map_err(|error| error.to_string())?;
                // What is behind the id of another schema is read as it is.
                if let Some(schema) = found.filter(|schema| schema.format == Format::Avro) {
                    decoder
                        .register(key, &schema.text)
                        .map_err(|error| format!("schema {key}: {error}"))?;
                }
            }
            let decoded = decoder.decode(&record);
            match decoded.fault {
                Some(fault) => self.report.reject(file, 1, &fault),
                None => {
                    let remarks: Vec<Remark> = self.checker.event(&decoded.event, self.now);
                    self.report.accept(file, 1, remarks);
                }
            }
        }
        Ok(())
    }
}

impl Report {
    fn reject(&mut self, file: usize, place: u64, fault: &Fault) {
        let Fault { reason, pointer, detail } = fault;
        let reason = reason.name();
        let (pointer, detail) = (pointer.clone(), detail.clone());
        self.refuse(file, place, collector::Rejected { reason, pointer, detail });
    }
}

#[cfg(test)]
mod tests;
