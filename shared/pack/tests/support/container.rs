//! The container of a pack from the page of its format, apart from the product: a reader and a
//! writer. The fuzz targets use them too.

use std::collections::BTreeMap;

use bytes::Bytes;
use merkle::hash;

/// The entries of a stored zip file, by a reader of the central directory.
pub(crate) fn unzip(pack: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([pack[at], pack[at + 1]]));
    let u32_at = |at: usize| u32::from_le_bytes(pack[at..at + 4].try_into().unwrap()) as usize;
    let end = pack.len() - 22;
    let mut at = u32_at(end + 16);
    let mut entries = BTreeMap::new();
    for _ in 0..u16_at(end + 10) {
        let (size, name_len, local) = (u32_at(at + 20), u16_at(at + 28), u32_at(at + 42));
        let name = String::from_utf8(pack[at + 46..at + 46 + name_len].to_vec()).unwrap();
        let data = local + 30 + name_len;
        entries.insert(name, pack[data..data + size].to_vec());
        at += 46 + name_len;
    }
    entries
}

/// What a forger would do: digests and zip file made again around changed entries.
pub(crate) fn rezip(mut entries: BTreeMap<String, Vec<u8>>) -> Bytes {
    entries.remove("SHA256SUMS");
    let sums: String = entries
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", hash::to_hex(&hash::sha256(content))))
        .collect();
    entries.insert("SHA256SUMS".into(), sums.into_bytes());
    zip(&entries)
}

/// A second writer of the exact form, from `schemas/evidence/pack.md`.
fn zip(entries: &BTreeMap<String, Vec<u8>>) -> Bytes {
    let (mut files, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut common = vec![10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(content).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x0a\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend((files.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        files.extend(b"PK\x03\x04");
        files.extend(&common);
        files.extend(name.as_bytes());
        files.extend(content);
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
