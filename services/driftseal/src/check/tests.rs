use std::io::Write as _;

use event::{EventBuilder, column, kind};

use super::*;

fn check(files: &[(&str, &[u8])]) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let now = Timestamp::parse_rfc3339("2026-11-30T00:00:00Z").unwrap();
    let config = Config::default();
    let mut check = Check::new(&config, None, now);
    for (number, (name, bytes)) in files.iter().enumerate() {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        check.file(number, &path).unwrap();
    }
    check.into_report()
}

fn found(report: &Report) -> Vec<(usize, u64, &'static str, &'static str, &str)> {
    let findings = report.findings.iter();
    findings.map(|it| (it.file, it.line, it.finding, it.code, &*it.place)).collect()
}

const RUN: &str = r#"{"kind":"run.completed","agent_id":"a","run":{"status":"ok"}}"#;

#[test]
fn files_of_json_are_checked_line_by_line() {
    let lines = format!(
        "\u{feff}{RUN}\n{}\n{{\"kind\":NaN}}\n{}\n{}\n",
        RUN.replace("ok", "kaputt"),
        RUN.replace("run.completed", "monitor.tick"),
        r#"{"specversion":"1.0","type":"x","source":"s","id":"1","data":{}}"#,
    );
    let report =
        check(&[("a.jsonl", lines.as_bytes()), ("b.json", format!("[{RUN},7]").as_bytes())]);
    assert_eq!((report.accepted, report.rejected, report.remarked), (4, 3, 1));
    assert_eq!(
        found(&report),
        [
            (0, 2, "remark", "unknown_value", "run.status"),
            (0, 3, "rejected", "invalid_json", "byte 8"),
            (0, 4, "rejected", "reserved_kind", "/kind"),
            (1, 1, "rejected", "wrong_type", ""),
        ]
    );
}

fn run(status: &str) -> Vec<u8> {
    let event = EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, Timestamp::parse_rfc3339("2026-11-30T00:00:00Z").unwrap())
        .set(column::AGENT_ID, "a")
        .set(column::run::STATUS, status)
        .build()
        .unwrap();
    let mut datum = Vec::new();
    event::encode::encode_datum(&event, &mut datum);
    datum
}

fn long(number: i64) -> Vec<u8> {
    let mut raw = (number << 1 ^ number >> 63).cast_unsigned();
    let mut bytes = Vec::new();
    while raw > 0x7f {
        bytes.push(u8::try_from(raw & 0x7f).unwrap() | 0x80);
        raw >>= 7;
    }
    bytes.push(u8::try_from(raw).unwrap());
    bytes
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [long(i64::try_from(bytes.len()).unwrap()), bytes.to_vec()].concat()
}

fn container(codec: &str, events: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"Obj\x01".to_vec();
    bytes.extend(long(2));
    bytes.extend(text(b"avro.schema"));
    bytes.extend(text(event::schema().avro_json().as_bytes()));
    bytes.extend(text(b"avro.codec"));
    bytes.extend(text(codec.as_bytes()));
    bytes.extend(long(0));
    bytes.extend([7; 16]);
    for pair in events.chunks(2) {
        let mut block = pair.concat();
        if codec == "deflate" {
            let mut encoder =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&block).unwrap();
            block = encoder.finish().unwrap();
        }
        bytes.extend(long(i64::try_from(pair.len()).unwrap()));
        bytes.extend(text(&block));
        bytes.extend([7; 16]);
    }
    bytes
}

#[test]
fn avro_is_checked_in_containers_and_single_objects() {
    let events = [run("ok"), run("kaputt"), run("error")];
    for codec in ["null", "deflate"] {
        let report = check(&[("a.avro", &container(codec, &events))]);
        assert_eq!((report.accepted, report.rejected, report.remarked), (3, 0, 1));
        assert_eq!(found(&report), [(0, 2, "remark", "unknown_value", "run.status")]);
    }
    let mut single = vec![0xc3, 0x01];
    single.extend_from_slice(&event::encode::fingerprint().to_le_bytes());
    single.extend(run("ok"));
    let frame = [0, 0, 0, 0, 9, 1];
    let report = check(&[("single", &single), ("frame", &frame)]);
    assert_eq!((report.accepted, report.rejected), (1, 1));
    assert_eq!(found(&report), [(1, 1, "rejected", "unknown_schema", "")]);
}

#[test]
fn a_frame_is_read_with_its_schema() {
    let frame = [&[0, 0, 0, 0, 9][..], &run("kaputt")].concat();
    let directory = tempfile::tempdir().unwrap();
    // The schema of another writer: the same fields, and one more name.
    let schema = event::schema().avro_json().replacen("\"Event\"", "\"Theirs\"", 1);
    std::fs::write(directory.path().join("9.avsc"), &schema).unwrap();
    let file = directory.path().join("frame");
    std::fs::write(&file, frame).unwrap();
    let schemas = registry::Directory::new(directory.path());
    let now = Timestamp::parse_rfc3339("2026-11-30T00:00:00Z").unwrap();
    let config = Config::default();
    let mut check = Check::new(&config, None, now).with_schemas(Some(&schemas));
    check.file(0, &file).unwrap();
    let report = check.into_report();
    assert_eq!(found(&report), [(0, 1, "remark", "unknown_value", "run.status")]);
    std::fs::write(directory.path().join("9.avsc"), "{").unwrap();
    let mut check = Check::new(&config, None, now).with_schemas(Some(&schemas));
    assert!(check.file(0, &file).unwrap_err().to_string().contains("schema 9"));
}

#[test]
fn a_broken_container_is_an_error_wherever_it_is_cut() {
    let whole = container("null", &[run("ok"), run("ok"), run("ok")]);
    let read = |bytes: &[u8]| {
        let bytes = std::io::Cursor::new(bytes.to_vec());
        container::read(Box::new(bytes), Limits::default(), &mut |_, _| {})
    };
    assert!(read(&whole).is_ok());
    let block = whole.len() - 17;
    for length in (0..whole.len()).step_by(101).chain([block, whole.len() - 1]) {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    let mut huge = b"Obj\x01".to_vec();
    huge.extend(long(1));
    huge.extend(long(i64::MAX));
    assert!(read(&huge).unwrap_err().to_string().contains("a length out of range"));
    assert!(
        read(&container("snappy", &[])).unwrap_err().to_string().contains("`null` and `deflate`")
    );
}

#[test]
fn findings_are_bounded_and_all_are_counted() {
    let line = RUN.replace("ok", "kaputt");
    let lines = format!("{line}\n").repeat(report::FINDINGS_MAX + 7);
    let report = check(&[("a.jsonl", lines.as_bytes())]);
    assert_eq!(report.findings.len(), report::FINDINGS_MAX);
    assert_eq!(report.left_out(), 7);
}

#[test]
fn a_finding_obeys_nobody() {
    let json = "{\"kind\":\"run.completed\",\"agent_id\":\"a\",\"run\":{\"status\":\"\\u001b[2K\\nVERIFIED\"}}\n{\"kind\":\"x\",\"\\u001b[2K\":{\"a\":1,\"a\":2}}";
    let report = check(&[("a.jsonl", json.as_bytes())]);
    assert_eq!((report.remarked, report.rejected), (1, 1));
    for finding in &report.findings {
        let is_ordinary = |c: char| c == '…' || (' '..='~').contains(&c);
        assert!(finding.to_string().chars().all(is_ordinary), "{finding}");
    }
}
