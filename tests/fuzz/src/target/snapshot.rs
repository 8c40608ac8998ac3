//! Snapshots of a processor: `u32` length and the head, then entries of `u8` length, name, `u32`
//! length and bytes.

use monitor::{EntryId, Processor};

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((head, rest)) = take(data) else { return false };
    let mut entries = Vec::new();
    let mut rest = rest;
    while let Some((length, after)) = rest.split_first() {
        let Some((name, after)) = after.split_at_checked(usize::from(*length)) else { break };
        let Some((bytes, after)) = take(after) else { break };
        if let Some(id) = EntryId::from_bytes(name) {
            assert_eq!(id.to_bytes(), name);
            entries.push((id, bytes));
        }
        rest = after;
    }
    let Ok(mut processor) = Processor::resume("agent.events", 0, head, entries) else {
        return false;
    };
    // What was resumed can be saved again.
    let _head = processor.take_changes(&mut |_, _| {});
    true
}

fn take(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
