mod damaged;

use super::*;
use crate::build::{BuildError, BuiltSegment, SegmentBuilder};
use crate::facts::{GAPS_MAX, Gap, GapReason};
use crate::leaf::field_commitment;
use event::{Batch, BatchBuilder, Cell, Decoder, EventBuilder, Limits, Timestamp, column, kind};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn partition() -> TopicPartition {
    TopicPartition::new("agent.events", 3)
}

fn salt(offset: i64) -> RowSalt {
    [offset.to_le_bytes()[0]; 16]
}

/// A batch of records with these offsets and values.
fn batch(records: impl IntoIterator<Item = (i64, Vec<u8>)>) -> Batch {
    let mut builder = BatchBuilder::new(partition());
    for (offset, value) in records {
        let headers = [(&b"h"[..], Some(&b"1"[..])), (b"h", None)];
        builder.push(
            offset,
            1_000_000 - offset,
            TimestampType::LogAppendTime,
            (offset % 2 == 0).then_some(b"key"),
            Some(&value),
            headers.into_iter(),
        );
    }
    builder.build()
}

fn builder_of(first_offset: i64, batch: &Batch) -> SegmentBuilder {
    let decoder = Decoder::new(Limits::default());
    let mut builder = SegmentBuilder::new(&partition(), first_offset);
    for record in batch.records() {
        builder.push(&record, &decoder.decode(&record), salt(record.offset)).unwrap();
    }
    builder
}

fn build(first_offset: i64, batch: &Batch) -> BuiltSegment {
    builder_of(first_offset, batch).finish().unwrap()
}

/// One event with all eight types, as a record's value.
fn everything(offset: i64) -> Vec<u8> {
    let map = BTreeMap::from([
        ("a.b".to_owned(), String::new()),
        ("\u{1f980}".to_owned(), "\u{0}".to_owned()),
    ]);
    let event = EventBuilder::new(kind::RUN_COMPLETED)
        .set(column::EVENT_ID, format!("e-{offset}"))
        .set(column::EVENT_TIME, Timestamp::EARLIEST)
        .set(column::AGENT_ID, "\u{e4}gent")
        .set(column::RUN_ID, "r")
        .set(column::run::STATUS, "")
        .set(column::run::REFUSED, offset % 2 == 0)
        .set(column::run::INPUT, "secret")
        .set(column::run::OUTPUT, "")
        .set(column::run::DURATION_MS, f64::NAN)
        .set(column::run::COST_USD, -0.0)
        .set(column::run::STEPS, i64::MIN)
        .set(column::SUBJECT_REFS, vec!["a".to_owned(), String::new()])
        .set(column::ON_BEHALF_OF, Vec::<String>::new())
        .set(column::ATTRIBUTES, map)
        .set(column::source::ID, "s")
        .set(column::source::SEQ, offset)
        .build()
        .unwrap();
    let mut value = Vec::new();
    event::encode::encode(&event, &mut value);
    value
}

/// Records of every kind of trouble.
fn mixed() -> Batch {
    let json = |offset: i64| {
        format!(r#"{{"kind":"tool.called","agent_id":"a","tool":{{"name":"t"}},"x":{offset}}}"#)
    };
    batch((10..60).filter(|offset| *offset != 20 && !(30..33).contains(offset)).map(|offset| {
        let value = match offset % 3 {
            0 => everything(offset),
            1 => json(offset).into_bytes(),
            _ => vec![0xff, 0xfe, 0x00],
        };
        (offset, value)
    }))
}

#[test]
fn what_is_checked_from_the_bytes_is_what_was_built() {
    let built = build(7, &mixed());
    let checked = check(&built.parquet).unwrap();
    assert_eq!(checked.facts, built.facts);
    assert_eq!(checked.census.to_bytes(), built.census);
    assert_eq!(checked.leaves.len() as u64, built.facts.count);
    let gap = |start, len| Gap { start, len, reason: GapReason::NoRecord };
    assert_eq!(built.facts.gaps, [gap(7, 3), gap(20, 1), gap(30, 3)]);
    assert_eq!((built.facts.first_offset, built.facts.next_offset), (7, 60));
    assert_eq!(built.facts.schema_ids, [event::decode::bundled_schema_id(), "json", "none"]);
    assert_eq!((built.facts.count, built.facts.tree_size), (46, 64));
    let (min, max) = (built.facts.min_timestamp_ms, built.facts.max_timestamp_ms);
    assert_eq!((built.facts.first_timestamp_ms, min, max), (999_990, 999_941, 999_990));
    let count = |agent: &str, kind: &str| checked.census.agents[&(agent.into(), kind.into())];
    let counts = [
        count("", kind::QUARANTINE_ADDED),
        count("a", kind::TOOL_CALLED),
        count("\u{e4}gent", kind::RUN_COMPLETED),
    ];
    assert_eq!(counts.iter().sum::<u64>(), built.facts.count);
    let numbers = checked.census.sources[&("s".to_owned(), 0)];
    assert_eq!((numbers.first, numbers.last), (12, 57));
    assert_eq!(numbers.missing, 46 - numbers.count);
    assert!(built.facts.erasable_fields.contains(&"quarantine.value".to_owned()));
    assert!(built.facts.plain_fields.contains(&"kind".to_owned()));
}

#[test]
fn rows_are_the_events_that_were_decoded() {
    let batch = mixed();
    let built = build(10, &batch);
    let decoder = Decoder::new(Limits::default());
    let mut hasher = LeafHasher::new(&partition());
    let mut records = batch.records();
    for_each_row(&built.parquet, |found, row| {
        let record = records.next().unwrap();
        let decoded = decoder.decode(&record);
        assert_eq!(found, &partition());
        assert_eq!((row.offset, row.schema_id), (record.offset, &*decoded.schema_id));
        assert_eq!(row.salt, Some(salt(record.offset)));
        // NaN is not equal to itself; its text is.
        assert_eq!(format!("{:?}", row.event), format!("{:?}", decoded.event));
        let salts = Salts::new(&salt(record.offset));
        assert_eq!(row.record_digest, salts.record_digest(&record));
        let leaf = hasher.leaf(&row.head(), &decoded.event, Secrets::Whole(&salts));
        assert_eq!(Ok(row.leaf), leaf);
        Ok::<(), ReadError>(())
    })
    .unwrap();
    assert_eq!(records.next(), None);
}

#[test]
fn a_segment_of_many_batches_is_that_of_its_records() {
    let batch = batch((0..5_000).map(|offset| (offset, everything(offset))));
    let builder = builder_of(0, &batch);
    assert_eq!((builder.rows(), builder.next_offset()), (5_000, 5_000));
    assert!(builder.size_bytes() > 50_000, "{}", builder.size_bytes());
    assert!(builder.memory_bytes() > builder.size_bytes());
    let built = builder.finish().unwrap();
    assert_eq!(check(&built.parquet).unwrap().facts, built.facts);
    // Twice the same bytes.
    assert_eq!(build(0, &batch), built);
}

#[test]
fn what_was_lost_is_told_from_what_never_was() {
    let decoder = Decoder::new(Limits::default());
    let mut builder = SegmentBuilder::new(&partition(), 5);
    builder.mark_lost_before(8).unwrap();
    assert_eq!(builder.mark_lost_before(7), Err(BuildError::Offset { next: 8, found: 7 }));
    for record in batch([(10, everything(10))]).records() {
        builder.push(&record, &decoder.decode(&record), salt(0)).unwrap();
    }
    assert_eq!(builder.mark_lost_before(12), Err(BuildError::Offset { next: 11, found: 12 }));
    let built = builder.finish().unwrap();
    assert_eq!(
        built.facts.gaps,
        [
            Gap { start: 5, len: 3, reason: GapReason::Lost },
            Gap { start: 8, len: 2, reason: GapReason::NoRecord },
        ]
    );
    assert_eq!(check(&built.parquet).unwrap().facts, built.facts);
}

#[test]
fn a_builder_takes_ascending_records_of_its_partition_only() {
    let decoder = Decoder::new(Limits::default());
    let mut builder = SegmentBuilder::new(&partition(), 5);
    assert_eq!(SegmentBuilder::new(&partition(), 5).finish(), Err(BuildError::Empty));
    let mut push =
        |record: &event::Record<'_>| builder.push(record, &decoder.decode(record), salt(0));
    let batch = batch([(6, everything(6)), (4, everything(4)), (7, everything(7))]);
    let records: Vec<_> = batch.records().collect();
    assert_eq!(push(&records[1]), Err(BuildError::Offset { next: 5, found: 4 }));
    assert_eq!(push(&records[0]), Ok(()));
    assert_eq!(push(&records[0]), Err(BuildError::Offset { next: 7, found: 6 }));
    let other = event::Record { partition: 4, ..records[2] };
    assert!(matches!(push(&other), Err(BuildError::Partition { .. })));
    let last = event::Record { offset: i64::MAX, ..records[2] };
    assert_eq!(push(&last), Err(BuildError::Offset { next: 7, found: i64::MAX }));
    assert_eq!(push(&records[2]), Ok(()));
    let built = builder.finish().unwrap();
    assert_eq!((built.facts.count, built.facts.next_offset), (2, 8));
}

#[test]
fn a_builder_with_too_many_gaps_is_full() {
    let offsets = (1..).step_by(2).take(GAPS_MAX);
    let builder = builder_of(0, &batch(offsets.map(|offset| (offset, everything(offset)))));
    assert!(builder.is_full());
    assert_eq!(builder.finish().unwrap().facts.gaps.len(), GAPS_MAX);
}

#[test]
fn damaged_files_are_refused_or_differ_and_nothing_panics() {
    let built = build(10, &batch((10..13).map(|offset| (offset, everything(offset)))));
    let whole = built.parquet;
    // Every byte would take minutes: the first pages, the footer, and a sample between.
    for at in (0..whole.len()).filter(|at| *at < 512 || *at > whole.len() - 512 || at % 97 == 0) {
        let mut changed = whole.to_vec();
        changed[at] ^= 0x10;
        if let Ok(other) = check(&changed.into()) {
            assert_ne!(other.facts, built.facts, "byte {at}");
        }
    }
    for len in (0..whole.len()).step_by(131) {
        assert!(check(&whole.slice(..len)).is_err(), "{len} bytes");
    }
}

#[test]
fn a_value_in_one_row_of_many_pages_is_read() {
    // More rows than a page of nulls has; one, on every kind of place, has values.
    let plain = br#"{"kind":"tool.called","agent_id":"a"}"#.to_vec();
    for special in [0, 2_047, 20_000, 21_999] {
        let records = (0..22_000).map(|offset| {
            (offset, if offset == special { everything(offset) } else { plain.clone() })
        });
        let built = build(0, &batch(records));
        let checked = check(&built.parquet).unwrap();
        assert_eq!(checked.facts, built.facts, "row {special}");
    }
}

#[test]
fn columns_without_a_value_are_not_decoded() {
    let built = build(10, &batch([(10, everything(10)), (11, everything(11))]));
    for parquet in [built.parquet.clone(), rewrite(&built.parquet, |batch| batch)] {
        let mut found = Vec::new();
        for batch in open(&parquet).unwrap().build().unwrap() {
            found.extend(batch.unwrap().schema().fields().iter().map(|f| f.name().clone()));
        }
        for (name, there) in [("run", true), ("attributes", true), ("tool", false), ("risk", false)]
        {
            assert_eq!(found.iter().any(|found| found == name), there, "{name}");
        }
    }
}

#[test]
fn a_column_that_has_fewer_rows_than_the_file_is_not_taken_for_absent() {
    let built = build(10, &batch([(10, everything(10)), (11, everything(11))]));
    let builder = open(&built.parquet).unwrap();
    let columns = builder.metadata().row_group(0).columns();
    let chunk = columns.iter().find(|chunk| chunk.column_path().string() == "tool.name").unwrap();
    let parquet = std::sync::Arc::new(built.parquet.clone());
    for (rows, expected) in [(2, true), (1, false), (3, false)] {
        assert_eq!(absent::is_absent(&parquet, chunk, rows, false).unwrap(), expected, "{rows}");
    }
}

#[test]
fn a_column_without_a_value_that_no_segment_has_is_refused() {
    use arrow_array::new_null_array;
    use arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;
    let built = build(10, &batch([(10, everything(10))]));
    // Of another name, of another type, there twice: also when no row has a value.
    for (name, data_type) in [
        ("surprise", DataType::Int32),
        ("tool", DataType::Int32),
        ("conversation_id", DataType::Int64),
        ("conversation_id", DataType::Utf8),
    ] {
        let changed = rewrite(&built.parquet, |batch| {
            let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
            let mut arrays = batch.columns().to_vec();
            let at = fields.iter().position(|field| field.name() == name);
            let new: arrow_schema::FieldRef = Arc::new(Field::new(name, data_type.clone(), true));
            let array = new_null_array(&data_type, batch.num_rows());
            match at.filter(|at| fields[*at].data_type() != &data_type) {
                Some(at) => (fields[at], arrays[at]) = (new, array),
                None => {
                    fields.push(new);
                    arrays.push(array);
                }
            }
            RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
        });
        let error = check(&changed).unwrap_err();
        assert!(error.to_string().contains("column `"), "{name} {data_type}: {error}");
    }
}

/// Writes rows as columns again, changed.
fn rewrite(parquet: &Bytes, change: impl Fn(RecordBatch) -> RecordBatch) -> Bytes {
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(parquet.clone(), options).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata().cloned();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| change(batch.unwrap())).collect();
    let properties = WriterProperties::builder().set_key_value_metadata(pairs).build();
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, batches[0].schema(), Some(properties)).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
    out.into()
}

fn replace(batch: &RecordBatch, name: &str, array: arrow_array::ArrayRef) -> RecordBatch {
    let at = batch.schema().index_of(name).unwrap();
    let mut arrays = batch.columns().to_vec();
    arrays[at] = array;
    RecordBatch::try_new(batch.schema(), arrays).unwrap()
}

#[test]
fn a_column_that_this_version_does_not_know_is_refused_by_name() {
    use arrow_array::Int32Array;
    use arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;
    let built = build(10, &batch([(10, everything(10))]));
    let changed = rewrite(&built.parquet, |batch| {
        let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("surprise", DataType::Int32, true)));
        let mut arrays = batch.columns().to_vec();
        arrays.push(Arc::new(Int32Array::from(vec![1])));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    });
    let judged = check(&changed).unwrap_err().of("a file");
    assert!(matches!(judged, Distrust::Unverifiable(why) if why.contains("`surprise`")));
}

#[test]
fn a_file_of_an_earlier_minor_lacks_columns_and_has_the_same_leaves() {
    use arrow_schema::Schema;
    use std::sync::Arc;
    let built = build(10, &batch([(10, everything(10))]));
    let changed = rewrite(&built.parquet, |batch| {
        let keep: Vec<_> = (0..batch.num_columns())
            .filter(|at| {
                !["approval", "tenant_id"].contains(&batch.schema().field(*at).name().as_str())
            })
            .collect();
        let schema: Schema = batch.schema().project(&keep).unwrap();
        let arrays = keep.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        RecordBatch::try_new(Arc::new(schema), arrays).unwrap()
    });
    let (before, after) = (check(&built.parquet).unwrap(), check(&changed).unwrap());
    assert_eq!(after.leaves, before.leaves);
    assert_eq!(after.facts.root, before.facts.root);
}

#[test]
fn an_erased_field_leaves_leaves_root_and_census_as_they_were() {
    use arrow_array::builder::{
        BinaryBuilder, FixedSizeBinaryBuilder, MapBuilder, MapFieldNames, StringBuilder,
    };
    use arrow_array::cast::AsArray;
    use arrow_array::{Array, StringArray, StructArray};
    use std::sync::Arc;
    let built = build(10, &batch((10..14).map(|offset| (offset, everything(offset)))));
    let before = check(&built.parquet).unwrap();
    // What an erasure of `run.input` in the second row keeps.
    let (mut commitments, mut kept) = (Vec::new(), Vec::new());
    for_each_row(&built.parquet, |_, row| {
        if row.offset == 11 {
            let salts = Salts::new(&row.salt.unwrap());
            for (id, cell) in row.event.cells() {
                let column = event::schema().column(*id);
                let salt = salts.of(&column.path);
                if column.path == "run.input" {
                    commitments.push((column.path.clone(), field_commitment(*id, cell, &salt)));
                } else if column.erasable {
                    kept.push((column.path.clone(), salt));
                }
            }
        }
        Ok::<(), ReadError>(())
    })
    .unwrap();
    assert_eq!((commitments.len(), kept.len()), (1, 4));
    let map = |pairs: &[(String, Hash)]| {
        let names =
            MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
        let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new())
            .with_values_field(arrow_schema::Field::new(
                "value",
                arrow_schema::DataType::Binary,
                false,
            ));
        for row in 0..4 {
            if row == 1 {
                for (path, hash) in pairs {
                    builder.keys().append_value(path);
                    builder.values().append_value(hash);
                }
            }
            builder.append(row == 1).unwrap();
        }
        Arc::new(builder.finish())
    };
    let erase = |batch: RecordBatch| {
        let mut salts = FixedSizeBinaryBuilder::new(16);
        for (row, salt) in batch["salt"].as_fixed_size_binary().iter().enumerate() {
            match salt.filter(|_| row != 1) {
                Some(salt) => salts.append_value(salt).unwrap(),
                None => salts.append_null(),
            }
        }
        let run = batch["run"].as_struct();
        let at = run.fields().iter().position(|field| field.name() == "input").unwrap();
        let mut inner = run.columns().to_vec();
        let inputs = inner[at].as_string::<i32>().iter().enumerate();
        let inputs: StringArray = inputs.map(|(row, text)| text.filter(|_| row != 1)).collect();
        inner[at] = Arc::new(inputs);
        let run = StructArray::new(run.fields().clone(), inner, run.nulls().cloned());
        let batch = replace(&batch, "salt", Arc::new(salts.finish()));
        let batch = replace(&batch, "run", Arc::new(run));
        let batch = replace(&batch, "erased_commitments", map(&commitments));
        replace(&batch, "kept_salts", map(&kept))
    };
    let erased = rewrite(&built.parquet, erase);
    let after = check(&erased).unwrap();
    assert_eq!(after.leaves, before.leaves);
    assert_eq!(after.census, before.census);
    let same = SegmentFacts { parquet: before.facts.parquet, ..after.facts };
    assert_eq!(same, before.facts);
    // A row that still has its salt is no erased row.
    let half = rewrite(&built.parquet, |batch| replace(&batch, "kept_salts", map(&kept)));
    assert!(matches!(check(&half), Err(ReadError::Row { row: 1, .. })));
}

fn cell_of(column: &event::Column) -> BoxedStrategy<Cell<'static>> {
    use event::CellType;
    let text = "\\PC{0,8}";
    match column.cell_type {
        CellType::Bool => any::<bool>().prop_map(Cell::from).boxed(),
        CellType::Int => any::<i64>().prop_map(Cell::from).boxed(),
        CellType::Float => any::<f64>().prop_map(Cell::from).boxed(),
        CellType::Text => text.prop_map(Cell::from).boxed(),
        CellType::Bytes => prop::collection::vec(any::<u8>(), 0..9).prop_map(Cell::from).boxed(),
        CellType::Time => {
            any::<i64>().prop_map(|micros| Cell::from(Timestamp::from_micros(micros))).boxed()
        }
        CellType::Texts => prop::collection::vec(text, 0..3).prop_map(Cell::from).boxed(),
        CellType::Map => prop::collection::btree_map(text, text, 0..3).prop_map(Cell::from).boxed(),
    }
}

/// Events with a few random columns beside the required ones.
fn any_event() -> impl Strategy<Value = Event<'static>> {
    let optional: Vec<_> =
        event::schema().ids().filter(|id| !event::schema().column(*id).required).collect();
    prop::sample::subsequence(optional, 0..12).prop_flat_map(|columns| {
        let cells: Vec<_> = columns
            .into_iter()
            .map(|id| cell_of(event::schema().column(id)).prop_map(move |cell| (id, cell)))
            .collect();
        cells.prop_map(|cells| {
            let event = EventBuilder::new(kind::RUN_COMPLETED)
                .set(column::EVENT_ID, "e")
                .set(column::EVENT_TIME, Timestamp::from_micros(0));
            let event = cells.into_iter().fold(event, |event, (id, cell)| event.set_cell(id, cell));
            event.build().unwrap()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_events_survive_the_file(events in prop::collection::vec(any_event(), 1..20)) {
        let mut builder = SegmentBuilder::new(&partition(), 0);
        let batch = batch((0..).zip(&events).map(|(offset, _)| (offset, vec![1])));
        for (record, event) in batch.records().zip(&events) {
            let decoded =
                event::Decoded { event: event.clone(), schema_id: "json".into(), fault: None };
            builder.push(&record, &decoded, salt(record.offset)).unwrap();
        }
        let built = builder.finish().unwrap();
        let mut expected = events.iter();
        for_each_row(&built.parquet, |_, row| {
            assert_eq!(format!("{:?}", row.event), format!("{:?}", expected.next().unwrap()));
            Ok::<(), ReadError>(())
        })
        .unwrap();
        prop_assert_eq!(check(&built.parquet).unwrap().facts, built.facts);
    }
}
