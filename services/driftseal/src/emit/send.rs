//! Sends the events of files to a sink.

use std::path::PathBuf;

use mapping::Mapping;

use super::EmitError;
use super::reader;
use super::sink::{Mark, Sink};

/// Sends all events of the files, in order; calls `moved` with the number sent so far.
pub(crate) fn send_files(
    files: &[PathBuf],
    mapping: Option<&Mapping>,
    sink: &mut impl Sink,
    moved: &mut dyn FnMut(u64),
) -> Result<(), EmitError> {
    let mut sent = 0;
    for (index, file) in files.iter().enumerate() {
        reader::read(file, mapping, &mut |outcome| {
            if let Some(rejected) = outcome.rejected() {
                sink.report().reject(index, rejected);
            }
            let Ok(event) = outcome.event else { return Ok(()) };
            sent += 1;
            if sent % 100 == 0 {
                moved(sent);
            }
            sink.send(Mark { file: index, line: outcome.line }, event)
        })?;
    }
    sink.finish()?;
    moved(sent);
    Ok(())
}
