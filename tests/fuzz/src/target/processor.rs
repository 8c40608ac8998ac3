//! Events as they come, a line of JSON each, through the whole monitor. A processor that is resumed
//! after any of them says of the rest what one that went on says.

use event::{BatchBuilder, TimestampType, TopicPartition};
use monitor::{Output, Processor, Settings};

use crate::seeds;

/// More lines take longer and find nothing more.
const LINES_MAX: usize = 200;

pub(crate) fn run(data: &[u8]) -> bool {
    let (settings, lines) = match data.split_first() {
        // A byte of its own: windows close while the lines are read.
        Some((hours, lines)) => (i64::from(*hours % 8), lines),
        None => return false,
    };
    let step_ms = settings * 600_000 + 1;
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').take(LINES_MAX).collect();
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    for (offset, line) in (0..).zip(&lines) {
        let at_ms = seeds::START_MS + offset * step_ms;
        let headers = std::iter::empty();
        batch.push(offset, at_ms, TimestampType::LogAppendTime, None, Some(line), headers);
    }
    let (batch, decoder) = (batch.build(), seeds::decoder());
    let mut whole = Processor::new(Settings::default(), "agent.events", 0);
    let mut resumed = Processor::new(Settings::default(), "agent.events", 0);
    let middle = i64::try_from(lines.len() / 2).unwrap_or(i64::MAX);
    let mut accepted = false;
    for record in batch.records() {
        if record.offset == middle {
            resumed = again(&mut resumed);
        }
        let decoded = decoder.decode(&record);
        accepted |= decoded.fault.is_none();
        let outputs: Vec<Output> = whole.handle_record(&record, &decoded);
        assert_eq!(resumed.handle_record(&record, &decoded), outputs, "resumed at {middle}");
    }
    accepted
}

fn again(processor: &mut Processor) -> Processor {
    let mut entries = Vec::new();
    let head = processor.take_changes(&mut |id, bytes| entries.extend(Some(id).zip(bytes)));
    match Processor::resume("agent.events", 0, &head, entries) {
        Ok(processor) => processor,
        Err(error) => unreachable!("its own state: {error}"),
    }
}
