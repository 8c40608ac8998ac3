//! What is in a pack, with digests and container made again: the first byte chooses the entry that
//! the rest replaces. Only the true content is verified.

use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, content)) = data.split_first() else { return false };
    let mut entries = seeds::entries_of_the_pack().clone();
    let names: Vec<String> =
        entries.keys().filter(|name| *name != "SHA256SUMS").cloned().collect();
    let name = names.get(usize::from(*choice) % names.len()).cloned().unwrap_or_default();
    let same = entries.get(&name).is_some_and(|entry| entry == content);
    entries.insert(name.clone(), content.to_vec());
    let report = pack::verify(&seeds::zip(entries), Some(&seeds::policy()));
    let _text = report.to_string();
    // The rows of `events.parquet` are bound, not its bytes; the generator is free text.
    let bound = name != "events.parquet" && name != "pack.json";
    assert!(report.verdict != Judgement::Verified || same || !bound, "{name}");
    report.verdict == Judgement::Verified
}
