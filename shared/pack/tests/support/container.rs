//! The container of a pack from the page of its format, apart from the product: a reader and a
//! writer. The fuzz targets use them too.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use merkle::hash;
use merkle::note::SigningKey;

/// The entries of a zip file, by a reader of the central directory.
pub(crate) fn unzip(pack: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([pack[at], pack[at + 1]]));
    let u32_at = |at: usize| u32::from_le_bytes(pack[at..at + 4].try_into().unwrap()) as usize;
    let end = pack.len() - 22;
    let mut at = u32_at(end + 16);
    let mut entries = BTreeMap::new();
    for _ in 0..u16_at(end + 10) {
        let (stored, name_len, local) = (u32_at(at + 20), u16_at(at + 28), u32_at(at + 42));
        let name = String::from_utf8(pack[at + 46..at + 46 + name_len].to_vec()).unwrap();
        let data = &pack[local + 30 + name_len..][..stored];
        let mut content = data.to_vec();
        if u16_at(at + 10) == 8 {
            content.clear();
            DeflateDecoder::new(data).read_to_end(&mut content).unwrap();
        }
        entries.insert(name, content);
        at += 46 + name_len;
    }
    entries
}

/// Where an entry stands in a pack.
fn order(name: &str) -> (u8, String) {
    const FIRST: [&str; 5] =
        ["checkpoint", "log/entries.jsonl", "log/head.json", "log/nodes.txt", "log/census.jsonl"];
    const LAST: [&str; 4] = ["pack.json", "report.html", "SHA256SUMS", "SHA256SUMS.sig"];
    let at = |names: &[&str]| names.iter().position(|other| *other == name);
    match (at(&FIRST), at(&LAST)) {
        (Some(at), _) => (at as u8, String::new()),
        (None, Some(at)) => (20 + at as u8, String::new()),
        (None, None) if name.ends_with(".csv") => (11, name.to_owned()),
        (None, None) => {
            // A file of events, then its proofs.
            let (directory, number) = name.split_once('/').unwrap_or(("", name));
            let number = number.split('.').next().unwrap_or_default();
            (10, format!("{number} {directory}"))
        }
    }
}

/// What a forger would do who has the key that signs packs: digests, signature and zip file made
/// again around changed entries.
pub(crate) fn rezip(entries: BTreeMap<String, Vec<u8>>, key: &SigningKey) -> Bytes {
    zip(&ordered(entries, key))
}

/// The entries in their order, with digests and signature made again.
pub(crate) fn ordered(
    mut entries: BTreeMap<String, Vec<u8>>,
    key: &SigningKey,
) -> Vec<(String, Vec<u8>)> {
    entries.remove("SHA256SUMS");
    entries.remove("SHA256SUMS.sig");
    let mut ordered: Vec<(String, Vec<u8>)> = entries.into_iter().collect();
    ordered.sort_by_key(|(name, _)| order(name));
    let sums: String = ordered
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", hash::to_hex(&hash::sha256(content))))
        .collect();
    let sums_digest = hash::to_hex(&hash::sha256(sums.as_bytes()));
    let note = key.sign_note(&format!("driftseal/pack/v3\n{sums_digest}\n"));
    ordered.push(("SHA256SUMS".into(), sums.into_bytes()));
    ordered.push(("SHA256SUMS.sig".into(), note.into_bytes()));
    ordered
}

/// A second writer of the exact form, from `schemas/evidence/pack.md`.
pub(crate) fn zip(entries: &[(String, Vec<u8>)]) -> Bytes {
    let (mut files, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let deflated = !name.ends_with(".parquet");
        let mut stored = content.clone();
        if deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
            encoder.write_all(content).unwrap();
            stored = encoder.finish().unwrap();
        }
        let version: u16 = if deflated { 20 } else { 10 };
        let mut common = version.to_le_bytes().to_vec();
        common.extend([0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0]);
        common.extend(crc32(content).to_le_bytes());
        common.extend((stored.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02");
        directory.extend([version as u8, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend((files.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        files.extend(b"PK\x03\x04");
        files.extend(&common);
        files.extend(name.as_bytes());
        files.extend(stored);
    }
    let (size, at, count) = (directory.len() as u32, files.len() as u32, entries.len() as u16);
    files.extend(directory);
    files.extend(b"PK\x05\x06\0\0\0\0");
    files.extend(count.to_le_bytes());
    files.extend(count.to_le_bytes());
    files.extend(size.to_le_bytes());
    files.extend(at.to_le_bytes());
    files.extend([0, 0]);
    files.into()
}

fn crc32(content: &[u8]) -> u32 {
    !content.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
