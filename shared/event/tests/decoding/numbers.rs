//! Numbers that a double does not hold: whatever a sender wrote into a column of doubles can be read
//! again, to the last digit.

use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Decimal, Schema};
use event::remark::Code;
use event::{
    Cell, CellType, ColumnId, Decoder, Event, Limits, Reason, Remarker, SchemaKey, column, schema,
};
use proptest::prelude::*;

use crate::common::{decode, decode_by, encode};

fn columns() -> Vec<ColumnId> {
    let is_float = |id: &ColumnId| schema().column(*id).cell_type == CellType::Float;
    schema().ids().filter(is_float).collect()
}

/// Sign, digits without zeros around them, and the power of ten of the last one.
fn exact(text: &str) -> (bool, String, i128) {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let kept = digits.trim_end_matches('0');
    let dropped = digits.len() - kept.len();
    let power = exponent.parse::<i128>().unwrap() - fraction.len() as i128 + dropped as i128;
    match kept.trim_start_matches('0') {
        "" => (false, String::new(), 0),
        kept => (whole.starts_with('-'), kept.to_owned(), power),
    }
}

/// What an event says that was sent into a column.
fn sent(event: &Event<'_>, id: ColumnId) -> String {
    let mut attributes = event.map(column::ATTRIBUTES).iter();
    let kept = attributes.find(|(path, _)| path == id.path());
    match (kept, event.get(id)) {
        (Some((_, text)), _) => text.to_string(),
        (None, Some(Cell::Float(value))) => shortest(*value),
        (None, other) => panic!("{other:?}"),
    }
}

/// An event with a value in a column, in a group or under a dotted name.
fn json(id: ColumnId, value: &str, is_dotted: bool) -> String {
    match id.path().split_once('.') {
        Some((group, name)) if !is_dotted => {
            format!(r#"{{"kind":"x","{group}":{{"{name}": {value} }}}}"#)
        }
        Some(_) | None => format!(r#"{{"kind":"x","{}":{value}}}"#, id.path()),
    }
}

/// As other programs print a double.
fn shortest(value: f64) -> String {
    serde_json::Value::from(value).to_string()
}

fn remarks(event: &Event<'_>) -> Vec<(Code, String)> {
    let remarks = Remarker::new().remarks(event, event.time(column::EVENT_TIME).unwrap());
    let of_numbers = remarks.into_iter().filter(|remark| remark.code != Code::OutOfRange);
    of_numbers.map(|remark| (remark.code, remark.field)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_number_of_json_can_be_read_again(
        id in proptest::sample::select(columns()),
        text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
        is_dotted: bool,
        is_text: bool,
    ) {
        let value = if is_text { format!("\"{text}\"") } else { text.clone() };
        let decoded = decode(json(id, &value, is_dotted).as_bytes());
        prop_assert_eq!(decoded.fault, None);
        let event = decoded.event;
        prop_assert_eq!(exact(&sent(&event, id)), exact(&text));
        // The column has the nearest double, and a remark says where it is another number.
        let nearest: f64 = text.parse().unwrap();
        let expected = nearest.is_finite().then_some(Cell::Float(nearest));
        prop_assert_eq!(event.get(id), expected.as_ref());
        let kept = !event.map(column::ATTRIBUTES).is_empty();
        let expected = if kept { vec![(Code::Rounded, id.path().to_owned())] } else { vec![] };
        prop_assert_eq!(remarks(&event), expected);
        // What is kept is what was sent, and what stands for it is not kept twice.
        let is_same = nearest.is_finite() && exact(&shortest(nearest)) == exact(&text);
        prop_assert_eq!(kept, !is_same);
        if kept {
            prop_assert_eq!(&sent(&event, id), &text);
        }
        // As the collector publishes it.
        let published = decode(&encode(&event)).event;
        prop_assert_eq!(&published, &event);
        prop_assert_eq!(remarks(&published), remarks(&event));
    }
}

#[test]
fn a_text_that_is_no_number_is_a_fault_as_before() {
    for (value, found) in [
        (r#""""#, "text that is no number"),
        (r#""1,5""#, "text that is no number"),
        (r#""$5""#, "text that is no number"),
        (r#""NaN""#, "text that is no number"),
        (r#"" 1""#, "text that is no number"),
        ("true", "a boolean"),
        ("[1]", "a list"),
        (r#"{"amount":1}"#, "an object"),
    ] {
        let fault =
            decode(json(column::run::COST_USD.id(), value, false).as_bytes()).fault.unwrap();
        assert_eq!(
            (fault.reason, &*fault.pointer),
            (Reason::WrongType, "/run/cost_usd"),
            "{value}"
        );
        assert_eq!(fault.detail, format!("expected a number, found {found}"), "{value}");
    }
    let null = decode(json(column::run::COST_USD.id(), "null", false).as_bytes());
    assert_eq!((null.fault, null.event.get(column::run::COST_USD)), (None, None));
    let half = decode(json(column::run::COST_USD.id(), r#""\ud800""#, false).as_bytes());
    assert_eq!(half.fault.unwrap().reason, Reason::InvalidJson);
    // An integer stays one: nothing is rounded there.
    let steps = decode(json(column::run::STEPS.id(), r#""7""#, false).as_bytes());
    assert_eq!(steps.fault.unwrap().reason, Reason::WrongType);
}

#[test]
fn what_is_kept_stands_for_itself_once() {
    for json in [
        r#"{"kind":"x","run":{"cost_usd":0.10000000000000000001},"attributes":{"run.cost_usd":"1"}}"#,
        r#"{"kind":"x","attributes":{"run.cost_usd":"1"},"run.cost_usd":0.10000000000000000001}"#,
        r#"{"kind":"x","run.cost_usd":1e400,"run":{"cost_usd":1}}"#,
        r#"{"kind":"x","run":{"cost_usd":1e400},"run.cost_usd":1}"#,
    ] {
        let fault = decode(json.as_bytes()).fault.unwrap();
        assert_eq!(
            (fault.reason, &*fault.detail),
            (Reason::InvalidJson, "a member repeats"),
            "{json}"
        );
    }
    // What is read again from an export is what was sealed.
    let again = r#"{"kind":"x","run":{"cost_usd":0.1},"attributes":{"run.cost_usd":"0.10000000000000000001"}}"#;
    let event = decode(again.as_bytes()).event;
    assert_eq!(sent(&event, column::run::COST_USD.id()), "0.10000000000000000001");
    assert_eq!(remarks(&event), [(Code::Rounded, "run.cost_usd".to_owned())]);
    // An attribute that is another number is none of these.
    let other = r#"{"kind":"x","run":{"cost_usd":0.2},"attributes":{"run.cost_usd":"0.10000000000000000001"}}"#;
    let event = decode(other.as_bytes()).event;
    assert_eq!(remarks(&event), [(Code::LikeField, "run.cost_usd".to_owned())]);
    let cloud = r#"{"specversion":"1.0","id":"1","source":"s","type":"x","data":{"run":{"cost_usd":9007199254740993}}}"#;
    let event = decode(cloud.as_bytes()).event;
    assert_eq!(sent(&event, column::run::COST_USD.id()), "9007199254740993");
}

/// A foreign schema, its types of numbers, and texts.
const THEIR: &str = r#"{"type":"record","name":"Their","fields":[
    {"name":"kind","type":"string"},
    {"name":"run","type":{"type":"record","name":"Run","fields":[
        {"name":"cost_usd","type":{"type":"bytes","logicalType":"decimal","precision":60,"scale":6}},
        {"name":"duration_ms","type":"long"},
        {"name":"budget","type":{"type":"bytes","logicalType":"decimal","precision":60,"scale":2}}]}},
    {"name":"model","type":{"type":"record","name":"Model","fields":[
        {"name":"cost_usd","type":"string"},
        {"name":"temperature","type":"float"}]}}]}"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_number_of_a_foreign_schema_can_be_read_again(
        unscaled: i128,
        long: i64,
        text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?",
        float in any::<f32>().prop_filter("a number", |float| float.is_finite()),
    ) {
        let parsed = Schema::parse_str(THEIR).unwrap();
        let decimal = || Value::Decimal(Decimal::from(unscaled.to_be_bytes()));
        let record = |fields: Vec<(&str, Value)>| {
            Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let value = record(vec![
            ("kind", Value::String("x".into())),
            ("run", record(vec![
                ("cost_usd", decimal()),
                ("duration_ms", Value::Long(long)),
                ("budget", decimal()),
            ])),
            ("model", record(vec![
                ("cost_usd", Value::String(text.clone())),
                ("temperature", Value::Float(float)),
            ])),
        ]);
        let writer = GenericDatumWriter::builder(&parsed).build().unwrap();
        let datum = writer.write_value_to_vec(value).unwrap();
        let mut decoder = Decoder::new(Limits::default());
        decoder.register(SchemaKey::Id(1), THEIR).unwrap();
        let decoded = decode_by(&decoder, &[&[0, 0, 0, 0, 1][..], &datum].concat(), &[]);
        prop_assert_eq!(decoded.fault, None);
        let event = decoded.event;
        let read = |id: ColumnId| exact(&sent(&event, id));
        prop_assert_eq!(read(column::run::COST_USD.id()), exact(&format!("{unscaled}e-6")));
        prop_assert_eq!(read(column::run::DURATION_MS.id()), exact(&long.to_string()));
        prop_assert_eq!(read(column::model::COST_USD.id()), exact(&text));
        let widened = f64::from(float);
        prop_assert_eq!(event.get(column::model::TEMPERATURE), Some(&Cell::Float(widened)));
        let budget = event.map(column::ATTRIBUTES).iter().find(|(path, _)| path == "run.budget");
        prop_assert_eq!(exact(&budget.unwrap().1), exact(&format!("{unscaled}e-2")));
    }
}
