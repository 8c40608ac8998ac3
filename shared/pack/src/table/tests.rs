//! A file is read back, and nothing else is read that shows other rows.

use std::collections::BTreeSet;

use event::{Cell, ColumnId, Event, Timestamp, TimestampType};

use super::{Columns, Pages, StoredRow, TableFault, TableWriter};

fn id(path: &str) -> ColumnId {
    event::schema().id(path).unwrap()
}

/// Cells of every type, in groups and outside, with and without a value.
fn event(row: u32) -> Event<'static> {
    let mut event = Event::empty();
    let mut set = |path: &str, cell: Cell<'static>| event.set(id(path), cell);
    set("event_id", format!("event-{row}").into());
    set("kind", "run.completed".into());
    set("event_time", Timestamp::from_micros(i64::from(row) - 5).into());
    set("schema_version", Cell::Int(1));
    if !row.is_multiple_of(3) {
        set("run.cost_usd", Cell::Float(if row == 4 { f64::NAN } else { f64::from(row) / 3.0 }));
        set("run.status", "ok".into());
    }
    if row.is_multiple_of(4) {
        set("on_behalf_of", Cell::Texts((0..row / 4).map(|at| at.to_string().into()).collect()));
        set(
            "attributes",
            Cell::Map((0..row / 4).map(|at| (format!("{at:03}").into(), "é".into())).collect()),
        );
    }
    if row.is_multiple_of(5) {
        set("quarantine.value", Cell::Bytes(vec![0, 255, 7].into()));
    }
    event
}

fn ids() -> BTreeSet<ColumnId> {
    let cells =
        (0..20).flat_map(|row| event(row).cells().iter().map(|(id, _)| *id).collect::<Vec<_>>());
    cells.chain([id("run.input"), id("tool.name"), id("subject_refs")]).collect()
}

fn row(at: u32) -> StoredRow<'static> {
    let is_whole = !at.is_multiple_of(7);
    let secrets = |path: &'static str| if is_whole { Vec::new() } else { vec![(path, [9; 32])] };
    StoredRow {
        topic: "agent.events",
        partition: 3,
        offset: i64::from(at) * 2,
        timestamp_ms: 1_790_812_800_000 + i64::from(at),
        timestamp_type: TimestampType::LogAppendTime,
        schema_id: "json",
        record_digest: [u8::try_from(at % 256).unwrap(); 32],
        salt: is_whole.then_some([1; 16]),
        event: event(at),
        commitments: secrets("run.input"),
        kept_salts: secrets("run.output"),
    }
}

fn write(rows: u32) -> Vec<u8> {
    let mut writer = TableWriter::new(&Columns::of(&ids()));
    for at in 0..rows {
        assert!(writer.has_room(&row(at)));
        writer.push(&row(at));
    }
    writer.finish().unwrap()
}

/// The rows as texts: a number that is none equals itself.
fn read(file: &[u8], columns: &Columns) -> Result<Vec<String>, TableFault> {
    let pages = Pages::open(file, columns)?;
    let mut table = pages.table()?;
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        rows.push(format!("{row:?}"));
    }
    Ok(rows)
}

#[test]
fn rows_survive_their_file() {
    let columns = Columns::of(&ids());
    for rows in [1, 20, 500] {
        let expected: Vec<_> = (0..rows).map(|at| format!("{:?}", row(at))).collect();
        assert_eq!(read(&write(rows), &columns).unwrap(), expected);
    }
    assert_eq!(write(20), write(20));
}

#[test]
fn every_changed_bit_is_refused_or_changes_no_row() {
    let (file, columns) = (write(20), Columns::of(&ids()));
    let expected = read(&file, &columns).unwrap();
    let (mut refused, mut others) = (0_u32, 0_u32);
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[at] ^= 1 << bit;
            match read(&changed, &columns) {
                Err(fault) => {
                    assert!(!fault.to_string().is_empty());
                    refused += 1;
                }
                // A value, most of them random and stored as they are: a leaf commits to it.
                Ok(rows) => others += u32::from(rows != expected),
            }
        }
    }
    assert!(refused > 2 * others && others > 0, "{refused} {others}");
    for end in 0..file.len() {
        assert!(read(&file[..end], &columns).is_err(), "cut at {end}");
    }
    assert!(read(&[&file[..], b"\0"].concat(), &columns).is_err());
    assert!(read(&[b"\0", &file[..]].concat(), &columns).is_err());
}

#[test]
fn a_file_has_the_columns_that_are_asked_for() {
    let file = write(3);
    let mut fewer = ids();
    fewer.remove(&id("tool.name"));
    assert!(read(&file, &Columns::of(&fewer)).is_err());
    let more: BTreeSet<_> = ids().into_iter().chain([id("tool.call_id")]).collect();
    assert!(read(&file, &Columns::of(&more)).is_err());
}

#[test]
fn pages_that_claim_more_than_a_file_may_hold_are_not_decompressed() {
    // A page of zeros compresses thirty thousandfold: its size is refused before it is one.
    let mut file = b"PAR1".to_vec();
    let frame = zstd::bulk::compress(&vec![0; 80 << 20], 1).unwrap();
    let sizes = super::page::Sizes {
        uncompressed: 80 << 20,
        compressed: u32::try_from(frame.len()).unwrap(),
        values: 1,
    };
    file.extend_from_slice(&sizes.header());
    file.extend_from_slice(&frame);
    file.extend_from_slice(b"\x00\x01\x00\x00\x00PAR1");
    let fault = read(&file, &Columns::of(&ids())).unwrap_err();
    assert!(fault.expected.contains("67108864"), "{fault}");
}

#[test]
fn a_file_ends_before_it_is_too_large() {
    let columns = Columns::of(&ids());
    let mut writer = TableWriter::new(&columns);
    let mut large = row(1);
    large.event.set(id("run.input"), Cell::Text("x".repeat(20 << 20).into()));
    let mut rows = 0;
    while writer.has_room(&large) {
        writer.push(&large);
        rows += 1;
    }
    assert_eq!(rows, 3);
    assert_eq!(read(&writer.finish().unwrap(), &columns).unwrap().len(), 3);
}

/// `schemas/evidence/vectors/slice.json`: true files and others. `tests/oracles/slice.py` gives the same
/// answers.
#[test]
fn golden_files() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    const VECTORS: &str = include_str!("../../../../schemas/evidence/vectors/slice.json");
    let fields: Vec<&str> = ids().iter().map(|id| id.path()).collect();
    #[expect(clippy::disallowed_methods, reason = "a switch of `make bless`")]
    if std::env::var("DRIFTSEAL_BLESS").is_ok() {
        let mut files = Vec::new();
        for rows in [1, 20] {
            let file = write(rows);
            files.push(serde_json::json!({
                "about": format!("{rows} rows"), "fields": fields, "rows": rows,
                "file": BASE64.encode(&file),
            }));
            for (about, at) in [
                ("the first page header", 5),
                ("the middle", file.len() / 2),
                ("the footer", file.len() - 40),
                ("the size of the footer", file.len() - 8),
            ] {
                let mut changed = file.clone();
                changed[at] ^= 0x10;
                if read(&changed, &Columns::of(&ids())).is_err() {
                    files.push(serde_json::json!({
                        "about": format!("{rows} rows, a bit changed in {about}"),
                        "fields": fields, "rows": null, "file": BASE64.encode(&changed),
                    }));
                }
            }
        }
        let made =
            serde_json::json!({ "generator": "shared/pack/src/table/tests.rs", "files": files });
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/evidence/vectors/slice.json");
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&made).unwrap()))
            .unwrap();
        return;
    }
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let files = vectors["files"].as_array().unwrap();
    assert!(files.iter().filter(|file| file["rows"].is_u64()).count() >= 2);
    assert!(files.iter().filter(|file| file["rows"].is_null()).count() >= 4);
    for file in files {
        let content = BASE64.decode(file["file"].as_str().unwrap()).unwrap();
        let fields: Vec<&str> =
            file["fields"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        let found = super::check_parquet(&content, &fields);
        assert_eq!(found.ok(), file["rows"].as_u64(), "{}", file["about"]);
    }
}
