//! What is in a pack, with digests and container made again: the first byte chooses the entry that
//! the rest replaces. Only the true content is verified.

use pack::Trust;
use segment::fault::Judgement;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, content)) = data.split_first() else { return false };
    let mut entries = seeds::entries_of_the_pack().clone();
    let names: Vec<String> =
        entries.keys().filter(|name| !name.starts_with("SHA256SUMS")).cloned().collect();
    let name = names.get(usize::from(*choice) % names.len()).cloned().unwrap_or_default();
    let same = entries.get(&name).is_some_and(|entry| entry == content);
    entries.insert(name.clone(), content.to_vec());
    let trust = Trust { policy: Some(&seeds::policy()), earlier: None };
    let report = pack::verify(&seeds::zip(entries), trust);
    let _text = report.to_string();
    // How the pages of Parquet were compressed is free; the generator is free text, and so is the
    // report, if its wording is said to be of another version.
    let bound = !name.ends_with(".parquet") && name != "pack.json";
    assert!(report.verdict != Judgement::Verified || same || !bound, "{name}");
    report.verdict == Judgement::Verified
}
