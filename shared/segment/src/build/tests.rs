//! What small files leave out, and that large ones keep it.

use bytes::Bytes;
use event::{
    BatchBuilder, Decoder, EventBuilder, Limits, Timestamp, TimestampType, TopicPartition, column,
    encode, kind,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use super::{BATCH_ROWS, BuiltSegment, SegmentBuilder};

fn segment(rows: usize) -> BuiltSegment {
    let partition = TopicPartition::new("agent.events", 0);
    let mut batch = BatchBuilder::new(partition.clone());
    for offset in (0..).take(rows) {
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, format!("00000000-0000-7000-8000-{offset:012x}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(offset))
            .set(column::AGENT_ID, "refund-desk")
            .set(column::run::STATUS, "ok")
            .set(column::run::OUTPUT, format!("output {offset}"))
            .build()
            .unwrap();
        let mut value = Vec::new();
        encode::encode(&event, &mut value);
        batch.push(offset, 0, TimestampType::LogAppendTime, None, Some(&value), std::iter::empty());
    }
    let batch = batch.build();
    let decoder = Decoder::new(Limits::default());
    let mut builder = SegmentBuilder::new(&partition, 0);
    for record in batch.records() {
        builder.push(&record, &decoder.decode(&record), [7; 16]).unwrap();
    }
    builder.finish().unwrap()
}

fn file(parquet: &Bytes) -> SerializedFileReader<Bytes> {
    let options = ReadOptionsBuilder::new().with_page_index().build();
    SerializedFileReader::new_with_options(parquet.clone(), options).unwrap()
}

#[test]
fn a_small_file_has_neither_filters_nor_indexes_nor_parts_of_absent_columns() {
    let parquet = segment(1).parquet;
    let file = file(&parquet);
    let group = file.metadata().row_group(0);
    for column in group.columns() {
        assert_eq!(column.bloom_filter_offset(), None, "{}", column.column_path());
        assert_eq!(column.column_index_offset(), None, "{}", column.column_path());
        assert_eq!(column.offset_index_offset(), None, "{}", column.column_path());
    }
    let named = |path: &str| {
        group.columns().iter().find(|column| column.column_path().string() == path).unwrap()
    };
    for absent in ["access.id", "attributes.key_value.value", "subject_refs.list.element"] {
        assert_eq!(named(absent).dictionary_page_offset(), None, "{absent}");
        assert!(named(absent).statistics().is_none(), "{absent}");
    }
    assert!(named("run.status").dictionary_page_offset().is_some());
    assert!(named("run.status").statistics().is_some());
    assert!(named("run.output").statistics().is_none(), "an erasable column");
    assert!(parquet.len() < 64 * 1024, "{} bytes", parquet.len());
}

#[test]
fn a_file_of_more_than_a_batch_keeps_filters_and_indexes() {
    let parquet = segment(BATCH_ROWS + 1).parquet;
    let file = file(&parquet);
    let columns = file.metadata().row_group(0).columns();
    assert!(columns.iter().any(|column| column.bloom_filter_offset().is_some()));
    assert!(columns.iter().all(|column| column.offset_index_offset().is_some()));
}

#[test]
fn small_and_large_files_hold_the_same_rows() {
    for rows in [1, 2, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 1] {
        let built = segment(rows);
        let read: usize = ParquetRecordBatchReaderBuilder::try_new(built.parquet.clone())
            .unwrap()
            .build()
            .unwrap()
            .map(|batch| {
                let batch = batch.unwrap();
                assert!(batch.column_by_name("run").is_some());
                batch.num_rows()
            })
            .sum();
        assert_eq!(read, rows);
        assert_eq!(built, segment(rows), "the same records give the same bytes");
    }
}
