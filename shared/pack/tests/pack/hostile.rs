//! Zip files and JSON that one program reads in one way and another in another: none is verified.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use segment::fault::Judgement;

use crate::common::{World, evidence_key};
use crate::container::{ordered, unzip, zip};
use crate::export::export;
use crate::{check, rezip, scope};

fn pack() -> Bytes {
    export(&World::example(), &scope("agent-a")).unwrap()
}

#[track_caller]
fn refused(pack: Vec<u8>, what: &str) {
    let report = check(&pack.into());
    assert_eq!(report.verdict, Judgement::Failed, "{what}: {report}");
}

fn u32_at(pack: &[u8], at: usize) -> usize {
    u32::from_le_bytes(pack[at..at + 4].try_into().unwrap()) as usize
}

/// Where the directory begins.
fn directory(pack: &[u8]) -> usize {
    u32_at(pack, pack.len() - 6)
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(1));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_readers_of_zip_files_take_differently_is_refused() {
    let pack = pack().to_vec();
    let start = directory(&pack);
    let insert = |at: usize, bytes: &[u8]| [&pack[..at], bytes, &pack[at..]].concat();
    // Before, between and behind.
    for at in [0, start, pack.len() - 22, pack.len()] {
        refused(insert(at, b"PK\x03\x04"), "inserted");
        refused(insert(at, &[0]), "inserted");
        refused(insert(at, &pack), "a pack in a pack");
    }
    // A comment, whose length says so.
    let mut commented = pack.clone();
    let end = commented.len();
    commented[end - 2] = 5;
    commented.extend(b"hello");
    refused(commented, "a comment");
    // Every field of the directory's first record, of the end, and of a local header.
    for (from, to) in [(start, start + 46), (pack.len() - 22, pack.len()), (0, 30)] {
        for at in from..to {
            for bits in [1, 0x80, 0xff] {
                let mut changed = pack.clone();
                changed[at] ^= bits;
                refused(changed, "a header");
            }
        }
    }
    // The directory in another order, with a record twice, and without one.
    let first = 46 + usize::from(pack[start + 28]);
    let (records, end) = (&pack[start..pack.len() - 22], &pack[pack.len() - 22..]);
    let with = |records: Vec<u8>, count: u8| {
        let mut end = end.to_vec();
        (end[8], end[10]) = (count, count);
        end[12..16].copy_from_slice(&u32::try_from(records.len()).unwrap().to_le_bytes());
        [&pack[..start], &records, &end].concat()
    };
    let count = end[8];
    assert_eq!(with(records.to_vec(), count), pack);
    refused(with([&records[first..], &records[..first]].concat(), count), "another order");
    refused(with([&records[..first], records].concat(), count + 1), "a record twice");
    refused(with(records[first..].to_vec(), count - 1), "a record less");
    refused(with(Vec::new(), 0), "no record");
    // 64 bits where none are needed.
    let mut far = end.to_vec();
    far[8..20].fill(0xff);
    let mut end_64 = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\x03\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    for field in [count.into(), count.into(), records.len() as u64, start as u64] {
        end_64.extend(field.to_le_bytes());
    }
    end_64.extend(b"PK\x06\x07\0\0\0\0");
    end_64.extend(((start + records.len()) as u64).to_le_bytes());
    end_64.extend([1, 0, 0, 0]);
    refused([&pack[..start], records, &end_64, &far].concat(), "64 bits");
}

#[test]
fn a_content_has_the_size_that_its_header_says() {
    // What a writer could deflate: another stream behind, bytes behind, less, more.
    let entries = unzip(&pack());
    let list = ordered(entries.clone(), &evidence_key());
    assert_eq!(check(&zip(&list)).verdict, Judgement::Verified);
    let (name, content) = list[0].clone();
    let (stored, size) = (deflate(&content), content.len());
    let rebuilt = |stored: &[u8], size: usize| {
        // The first entry, with the others behind it.
        let whole = zip(&list).to_vec();
        let old = u32_at(&whole, 18);
        let head = 30 + name.len();
        let mut changed = [&whole[..head], stored, &whole[head + old..]].concat();
        let (from, to) = (old as i64, stored.len() as i64);
        let shift = to - from;
        let start = (directory(&whole) as i64 + shift) as usize;
        let sizes = [(stored.len() as u32).to_le_bytes(), (size as u32).to_le_bytes()].concat();
        changed[18..26].copy_from_slice(&sizes);
        changed[start + 20..start + 28].copy_from_slice(&sizes);
        let mut at = start;
        while changed[at..].starts_with(b"PK\x01\x02") {
            let offset = u32_at(&changed, at + 42) as i64;
            let moved = if offset == 0 { 0 } else { offset + shift };
            changed[at + 42..at + 46].copy_from_slice(&(moved as u32).to_le_bytes());
            at += 46 + usize::from(changed[at + 28]);
        }
        let end = changed.len() - 6;
        changed[end..end + 4].copy_from_slice(&(start as u32).to_le_bytes());
        changed
    };
    let report = check(&rebuilt(&stored, size).into());
    assert_eq!(report.verdict, Judgement::Verified, "deflated otherwise: {report}");
    refused(rebuilt(&[&stored[..], &stored].concat(), size), "two streams");
    refused(rebuilt(&[&stored[..], b"\0"].concat(), size), "a byte behind");
    refused(rebuilt(&stored[..stored.len() - 1], size), "cut off");
    refused(rebuilt(&stored, size + 1), "a larger size");
    refused(rebuilt(&stored, size - 1), "a smaller size");
    refused(rebuilt(&content, size), "not deflated");
    // A bomb: a gigabyte of zeros in a megabyte. It is read no further than its header says.
    let bomb = deflate(&vec![0; 64 << 20]);
    refused(rebuilt(&bomb, size), "a bomb");
    refused(rebuilt(&bomb, 64 << 20), "a bomb that says so");
}

#[test]
fn names_and_ways_of_storing_are_those_of_the_format() {
    let entries = unzip(&pack());
    let list = ordered(entries, &evidence_key());
    for name in
        ["../checkpoint", "/checkpoint", "Checkpoint", "checkpoint ", "log\\entries.jsonl", ""]
    {
        let mut renamed = list.clone();
        renamed[0].0 = name.to_owned();
        refused(zip(&renamed).to_vec(), name);
    }
    for at in 0..list.len() - 1 {
        let mut swapped = list.clone();
        swapped.swap(at, at + 1);
        refused(zip(&swapped).to_vec(), "swapped");
        let mut twice = list.clone();
        twice.insert(at, list[at].clone());
        refused(zip(&twice).to_vec(), "twice");
        let mut fewer = list.clone();
        fewer.remove(at);
        refused(zip(&fewer).to_vec(), "fewer");
    }
}

#[test]
fn json_has_one_spelling() {
    let entries = unzip(&pack());
    let text = String::from_utf8(entries["pack.json"].clone()).unwrap();
    let with = |changed: String| {
        let mut entries = entries.clone();
        entries.insert("pack.json".into(), changed.into_bytes());
        check(&rezip(entries))
    };
    assert_eq!(with(text.clone()).verdict, Judgement::Verified);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (from, to) in [
        ("\"events\": 8", "\"events\": 8.0"),
        ("\"events\": 8", "\"events\": 9, \"events\": 8"),
        ("\"events\": 8", "\"events\": \"8\""),
        ("\"events\": 8", "\"events\": 1e400"),
        ("\"events\": 8", "\"events\": 99999999999999999999"),
        ("\"events\": 8", &deep),
        ("\"facts\"", "\"\\u0066acts\""),
        ("\"agent-a\"", "\"agent-\\u0061\""),
        ("\"agent-a\"", "\"agent-a\u{0}\""),
        ("\"agent-a\"", "\"\\ud800\""),
        ("\"withheld\": []", "\"withheld\": null"),
        ("\"withheld\": []", "\"withheld\": [ ]"),
        ("\"withheld\": []", "\"withheld\": [], \"more\": 1"),
        (
            "\"format\": \"driftseal/pack/v3\"",
            "\"format\": \"driftseal/pack/v3\", \"format\": \"x\"",
        ),
        ("{\n", "{\r\n"),
        ("{\n", "\u{feff}{\n"),
        ("{\n", " {\n"),
    ] {
        assert!(text.contains(from), "{from}");
        let report = with(text.replacen(from, to, 1));
        assert_eq!(report.verdict, Judgement::Failed, "{from} -> {to:.60}: {report}");
    }
    for (name, from, to) in [
        ("log/entries.jsonl", "{\"envelope\"", "{ \"envelope\""),
        ("log/entries.jsonl", "\"index\":\"0\"", "\"index\":0"),
        ("log/entries.jsonl", "\"index\":\"0\"}", "\"index\":\"0\",\"index\":\"0\"}"),
        ("log/entries.jsonl", "\n", "\r\n"),
        ("log/census.jsonl", "{\"agents\"", "{ \"agents\""),
        ("log/head.json", "{", "{ "),
        ("proofs/00000.jsonl", "{\"entry\"", "{ \"entry\""),
        ("proofs/00000.jsonl", "\"nodes\":[", "\"nodes\":[ "),
        ("checkpoint", "\n", "\r\n"),
    ] {
        let mut changed = entries.clone();
        let text = String::from_utf8(entries[name].clone()).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        changed.insert(name.into(), text.replacen(from, to, 1).into_bytes());
        let report = check(&rezip(changed));
        assert_eq!(report.verdict, Judgement::Failed, "{name}: {from} -> {to}: {report}");
    }
}
