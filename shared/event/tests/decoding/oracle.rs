//! apache-avro reads what we write, and we read what apache-avro writes: with the bundled schema
//! and with a foreign one.

use std::collections::{BTreeMap, HashMap};

use crate::common::{any_event, decode, decode_by, encode, same};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use event::{Cell, CellType, Decoder, Event, Limits, Reason, SchemaKey, Timestamp, column, schema};
use proptest::prelude::*;

fn bundled() -> Schema {
    Schema::parse_str(schema().avro_json()).unwrap()
}

fn write(schema: &Schema, value: Value) -> Vec<u8> {
    GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value).unwrap()
}

fn read(schema: &Schema, mut datum: &[u8]) -> Value {
    let value =
        GenericDatumReader::builder(schema).build().unwrap().read_value(&mut datum).unwrap();
    assert!(datum.is_empty(), "apache-avro leaves bytes");
    value
}

fn to_value(cell: &Cell<'_>) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    match cell {
        Cell::Bool(value) => Value::Boolean(*value),
        Cell::Int(value) => Value::Long(*value),
        Cell::Float(value) => Value::Double(*value),
        Cell::Text(value) => text(value),
        Cell::Bytes(value) => Value::Bytes(value.to_vec()),
        Cell::Time(value) => Value::TimestampMicros(value.micros()),
        Cell::Texts(values) => Value::Array(values.iter().map(|value| text(value)).collect()),
        Cell::Map(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (key.to_string(), text(value))).collect())
        }
    }
}

fn from_value(value: &Value) -> Cell<'static> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    match value {
        Value::Boolean(value) => Cell::Bool(*value),
        Value::Long(value) => Cell::Int(*value),
        Value::Double(value) => Cell::Float(*value),
        Value::String(value) => Cell::from(value.clone()),
        Value::Bytes(value) => Cell::from(value.clone()),
        Value::TimestampMicros(value) => Cell::Time(Timestamp::from_micros(*value)),
        Value::Array(values) => Cell::from(values.iter().map(text).collect::<Vec<_>>()),
        Value::Map(pairs) => Cell::from(
            pairs.iter().map(|(key, value)| (key.clone(), text(value))).collect::<BTreeMap<_, _>>(),
        ),
        other => panic!("{other:?}"),
    }
}

fn union(value: Option<Value>) -> Value {
    value.map_or_else(
        || Value::Union(0, Box::new(Value::Null)),
        |value| Value::Union(1, Box::new(value)),
    )
}

/// The event as apache-avro's tree; groups without a value are null, or present and empty.
fn to_record(event: &Event<'_>, empty_groups: bool) -> Value {
    let mut top: Vec<(String, Value)> = Vec::new();
    let mut groups: HashMap<String, usize> = HashMap::new();
    for column in schema().columns() {
        let value = schema().id(&column.path).and_then(|id| event.get(id)).map(to_value);
        let value = if column.required { value.unwrap() } else { union(value) };
        match &column.group {
            None => top.push((column.name.clone(), value)),
            Some(group) => {
                let at = *groups.entry(group.clone()).or_insert_with(|| {
                    top.push((group.clone(), Value::Record(Vec::new())));
                    top.len() - 1
                });
                let Value::Record(fields) = &mut top[at].1 else { panic!("{group}") };
                fields.push((column.name.clone(), value));
            }
        }
    }
    let is_null = |(_, value): &(String, Value)| matches!(value, Value::Union(0, _));
    for at in groups.into_values() {
        let record = std::mem::replace(&mut top[at].1, Value::Null);
        let Value::Record(fields) = &record else { panic!("{at}") };
        let empty = fields.iter().all(is_null) && !empty_groups;
        top[at].1 = union((!empty).then_some(record));
    }
    Value::Record(top)
}

fn from_record(value: &Value) -> Event<'static> {
    let mut event = Event::empty();
    let mut set = |path: &str, value: &Value| {
        event.set(schema().id(path).unwrap(), from_value(value));
    };
    let Value::Record(fields) = value else { panic!("{value:?}") };
    for (name, value) in fields {
        match value {
            Value::Union(0, _) => {}
            Value::Union(_, inner) => match &**inner {
                Value::Record(fields) => {
                    for (field, value) in fields {
                        if let Value::Union(1, value) = value {
                            set(&format!("{name}.{field}"), value);
                        }
                    }
                }
                value => set(name, value),
            },
            value => set(name, value),
        }
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_event_survives_its_encoding(event in any_event()) {
        let decoded = decode(&encode(&event));
        prop_assert_eq!(decoded.fault, None);
        prop_assert_eq!(&decoded.schema_id, event::decode::bundled_schema_id());
        prop_assert!(same(&decoded.event, &event));
    }

    #[test]
    fn apache_avro_reads_what_we_write(event in any_event()) {
        let value = read(&bundled(), &encode(&event)[10..]);
        prop_assert!(same(&from_record(&value), &event));
    }

    #[test]
    fn we_read_what_apache_avro_writes(event in any_event(), empty_groups: bool) {
        let datum = write(&bundled(), to_record(&event, empty_groups));
        let value = [&encode(&event)[..10], &datum].concat();
        let decoded = decode(&value);
        prop_assert_eq!(decoded.fault, None);
        prop_assert!(same(&decoded.event, &event));
    }

    /// The reader for foreign schemas agrees with the one for the bundled schema.
    #[test]
    fn both_readers_agree(event in any_event()) {
        // The same fields under another name is another schema.
        let renamed = schema().avro_json().replace("\"Event\"", "\"Renamed\"");
        let mut decoder = Decoder::new(Limits::default());
        decoder.register(SchemaKey::Id(9), &renamed).unwrap();
        let value = [&[0, 0, 0, 0, 9][..], &encode(&event)[10..]].concat();
        let decoded = decode_by(&decoder, &value, &[]);
        prop_assert_eq!(decoded.fault, None);
        prop_assert!(decoded.schema_id != event::decode::bundled_schema_id());
        prop_assert!(same(&decoded.event, &event));
    }

    /// What an earlier build wrote is read as it was.
    #[test]
    fn the_schema_of_an_earlier_build_is_known(event in any_event()) {
        let documents = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/events/published");
        for entry in std::fs::read_dir(documents).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let earlier = Schema::parse_str(&text).unwrap();
            let mut value = to_record(&event, false);
            let mut left_out = Vec::new();
            retain(&mut value, &earlier, "", &mut left_out);
            let mut wanted = Event::empty();
            for (id, cell) in event.cells() {
                if !left_out.contains(&id.path()) {
                    wanted.set(*id, cell.clone());
                }
            }
            let fingerprint = rabin(&earlier);
            let single = [&[0xc3, 1][..], &fingerprint, &write(&earlier, value)].concat();
            let decoded = decode(&single);
            prop_assert_eq!(decoded.fault, None);
            let number = u64::from_le_bytes(fingerprint.try_into().unwrap());
            let written = format!("avro:{number:016x}");
            prop_assert_eq!(decoded.schema_id, written);
            prop_assert!(same(&decoded.event, &wanted));
        }
    }

    /// JSON of an event is the event, where JSON can write it.
    #[test]
    fn an_event_survives_json(event in any_event()) {
        let is_number = |cell: &Cell<'_>| matches!(cell, Cell::Float(value) if !value.is_finite());
        let mut finite = Event::empty();
        for (id, cell) in event.cells().iter().filter(|(_, cell)| !is_number(cell)) {
            finite.set(*id, cell.clone());
        }
        prop_assert_eq!(event::encode_json(&event).is_some(), same(&finite, &event));
        let decoded = decode(&event::encode_json(&finite).unwrap());
        prop_assert_eq!(decoded.fault, None);
        prop_assert_eq!(&decoded.schema_id, "json");
        prop_assert!(same(&decoded.event, &finite));
    }
}

/// The fingerprint of a schema in the parsing canonical form of the specification.
fn rabin(schema: &Schema) -> Vec<u8> {
    let canonical = Schema::parse_str(&schema.canonical_form()).unwrap();
    canonical.fingerprint::<apache_avro::rabin::Rabin>().bytes
}

/// Leaves out what a schema has no field for, and says which columns these are.
fn retain(value: &mut Value, writer: &Schema, group: &str, left_out: &mut Vec<&'static str>) {
    match (value, writer) {
        (Value::Union(1, value), Schema::Union(union)) => {
            retain(value, &union.variants()[1], group, left_out);
        }
        (Value::Record(fields), Schema::Record(record)) => fields.retain_mut(|(name, value)| {
            let path = if group.is_empty() { name.clone() } else { format!("{group}.{name}") };
            if let Some(at) = record.lookup.get(name) {
                retain(value, &record.fields[*at].schema, &path, left_out);
                return true;
            }
            let is_below = |column: &&str| {
                column
                    .strip_prefix(&*path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            left_out.extend(schema().ids().map(event::ColumnId::path).filter(is_below));
            false
        }),
        _ => {}
    }
}

const FOREIGN: &str = r#"{"type":"record","name":"Their","namespace":"com.example","fields":[
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["started","ended"]}},
    {"name":"agent_id","type":"string"},
    {"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"temperature","type":"float"},
    {"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"nothing","type":["null","string"]},
    {"name":"run","type":["null",{"type":"record","name":"Run","fields":[
        {"name":"status","type":["null","string"]},
        {"name":"id","type":{"type":"fixed","name":"Id","size":2}},
        {"name":"parent","type":["null","Id"]}]}]},
    {"name":"tree","type":["null",{"type":"record","name":"Node","fields":[
        {"name":"left","type":["null","Node"]},{"name":"n","type":"int"}]}]}]}"#;

fn foreign() -> (String, Value) {
    let text = |text: &str| Value::String(text.to_owned());
    let node = |left: Option<Value>, n| {
        Value::Record(vec![("left".into(), union(left)), ("n".into(), Value::Int(n))])
    };
    let value = Value::Record(vec![
        ("kind".into(), Value::Enum(1, "ended".into())),
        ("agent_id".into(), text("a")),
        ("event_time".into(), Value::TimestampMillis(1_500)),
        ("temperature".into(), Value::Float(0.5)),
        ("tags".into(), Value::Array(vec![text("x"), text("y")])),
        ("nothing".into(), union(None)),
        (
            "run".into(),
            union(Some(Value::Record(vec![
                ("status".into(), union(Some(text("ok")))),
                ("id".into(), Value::Fixed(2, vec![1, 2])),
                ("parent".into(), union(Some(Value::Fixed(2, vec![3, 4])))),
            ]))),
        ),
        ("tree".into(), union(Some(node(Some(node(None, 2)), 1)))),
    ]);
    (FOREIGN.to_owned(), value)
}

#[test]
fn a_foreign_schema_gives_columns_by_name_and_attributes() {
    let (text, value) = foreign();
    let parsed = Schema::parse_str(&text).unwrap();
    let datum = write(&parsed, value);
    let mut decoder = Decoder::new(Limits::default());
    decoder.register(SchemaKey::Id(300), &text).unwrap();
    decoder.register(SchemaKey::Guid([5; 16]), &text).unwrap();
    let framed = [&[0, 0, 0, 1, 44][..], &datum].concat();
    let guid = [&[1][..], &[5; 16]].concat();
    let single = {
        let fingerprint = parsed.fingerprint::<apache_avro::rabin::Rabin>().bytes;
        [&[0xc3, 1][..], &fingerprint, &datum].concat()
    };
    let by_header = decode_by(&decoder, &datum, &[("__value_schema_id", Some(&guid))]);
    assert_eq!(by_header, decode_by(&decoder, &framed, &[]));
    assert_eq!(by_header, decode_by(&decoder, &single, &[]));
    assert_eq!(by_header.fault, None);
    assert!(by_header.schema_id.starts_with("avro:"));
    let event = by_header.event;
    assert_eq!(event.text(column::KIND), Some("ended"));
    assert_eq!(event.text(column::run::STATUS), Some("ok"));
    assert_eq!(event.get(column::EVENT_TIME), Some(&Cell::Time(Timestamp::from_micros(1_500_000))));
    let attributes = [
        ("run.id", "AQI="),
        ("run.parent", "AwQ="),
        ("tags", r#"["x","y"]"#),
        ("temperature", "0.5"),
        ("tree", r#"{"left":{"left":null,"n":2},"n":1}"#),
    ];
    let attributes = attributes.map(|(key, value)| (key.into(), value.into())).to_vec();
    assert_eq!(event.get(column::ATTRIBUTES), Some(&Cell::Map(attributes)));
    for length in 0..datum.len() {
        let framed = [&[0, 0, 0, 1, 44][..], &datum[..length]].concat();
        assert_eq!(decode_by(&decoder, &framed, &[]).fault.unwrap().reason, Reason::InvalidAvro);
    }
}

#[test]
fn items_of_no_bytes_and_endless_nesting_are_faults() {
    let mut decoder = Decoder::new(Limits::default());
    let list_of_nulls = r#"{"type":"record","name":"N","fields":[
        {"name":"x","type":{"type":"array","items":"null"}}]}"#;
    let endless = r#"{"type":"record","name":"E","fields":[{"name":"e","type":["null","E"]}]}"#;
    let itself = r#"{"type":"record","name":"S","fields":[{"name":"s","type":"S"}]}"#;
    decoder.register(SchemaKey::Id(1), list_of_nulls).unwrap();
    decoder.register(SchemaKey::Id(2), endless).unwrap();
    decoder.register(SchemaKey::Id(3), itself).unwrap();
    for (id, datum) in [(1, vec![4, 0, 0, 0]), (2, vec![2; 1000]), (3, vec![0])] {
        let value = [&[0, 0, 0, 0, id][..], &datum].concat();
        assert_eq!(decode_by(&decoder, &value, &[]).fault.unwrap().reason, Reason::InvalidAvro);
    }
    assert!(decoder.register(SchemaKey::Id(4), r#""string""#).is_err());
    assert!(decoder.register(SchemaKey::Id(4), "{").is_err());
}

#[test]
fn a_registered_spelling_of_the_bundled_schema_is_the_bundled_schema() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.register(SchemaKey::Id(1), &bundled().canonical_form()).unwrap();
    let event = event::EventBuilder::new("x.y")
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, Timestamp::from_micros(5))
        .build()
        .unwrap();
    let framed = [&[0, 0, 0, 0, 1][..], &encode(&event)[10..]].concat();
    let decoded = decode_by(&decoder, &framed, &[]);
    assert_eq!(decoded.schema_id, event::decode::bundled_schema_id());
    assert_eq!(decoded.event, event);
}

#[test]
fn blocks_with_sizes_are_read_and_sizes_are_checked() {
    let event = event::EventBuilder::new("x.y")
        .set(column::EVENT_ID, "e")
        .set(column::EVENT_TIME, Timestamp::from_micros(5))
        .set(
            column::ATTRIBUTES,
            BTreeMap::from([("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()))),
        )
        .build()
        .unwrap();
    let value = encode(&event);
    let plain = [4, 2, b'a', 2, b'1', 2, b'b', 2, b'2', 0];
    let at = value.windows(plain.len()).position(|window| window == plain).unwrap();
    let with = |block: &[u8]| decode(&[&value[..at], block, &value[at + plain.len()..]].concat());
    // Two blocks, keys out of order, each with its size in bytes.
    let sized = with(&[1, 8, 2, b'b', 2, b'2', 1, 8, 2, b'a', 2, b'1', 0]);
    assert_eq!((sized.fault, sized.event), (None, event));
    let wrong_size = with(&[1, 6, 2, b'b', 2, b'2', 1, 8, 2, b'a', 2, b'1', 0]);
    assert_eq!(wrong_size.fault.unwrap().reason, Reason::InvalidAvro);
    let repeats = with(&[4, 2, b'a', 2, b'1', 2, b'a', 2, b'2', 0]);
    assert_eq!(repeats.fault.unwrap().reason, Reason::InvalidAvro);
}

#[test]
fn every_type_of_column_occurs() {
    for cell_type in [
        CellType::Bool,
        CellType::Int,
        CellType::Float,
        CellType::Text,
        CellType::Bytes,
        CellType::Time,
        CellType::Texts,
        CellType::Map,
    ] {
        assert!(schema().columns().iter().any(|column| column.cell_type == cell_type));
    }
}
