//! Converts YAML to a JSON value, with the line of every path.
//!
//! Promise: the value is what a person sees. Scalars follow the core schema (YAML 1.2.2, section
//! 10.3.2), so `no` is text. Duplicate keys, anchors, aliases, tags, a second document and numbers
//! that JSON cannot represent exactly are refused, each with its line. JSON is parsed as YAML; only
//! its escaped surrogate pairs (`\ud83d\ude00`), which YAML does not have, are joined before.
//!
//! It does not interpret the document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// Largest depth of nesting.
const DEPTH_MAX: usize = 32;
/// Largest whole number that every JSON parser represents exactly (RFC 7493, section 2.2).
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Lines of the paths of a document, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// Line of a path, or of the nearest path that contains it.
    pub(crate) fn of(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            if path.is_empty() {
                return None;
            }
            path = path.rfind(['.', '[']).and_then(|at| path.get(..at)).unwrap_or_default();
        }
    }
}

/// Path of a member.
pub(crate) fn member(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Path of an element.
pub(crate) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The value of a document, and the lines of its paths.
pub(crate) fn load(text: &str) -> Result<(Value, Lines), Problem> {
    let text = joined(text);
    let mut loader = Loader { parser: Parser::new_from_str(&text), lines: Lines::default() };
    let mut value = None;
    loop {
        let (event, span) = loader.next()?;
        if event == Event::StreamEnd {
            break;
        }
        let frame = matches!(
            event,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd
        );
        if frame {
            continue;
        }
        if value.is_some() {
            return Err(at(span, "", "a second document: one file has one suite"));
        }
        value = Some(loader.value(event, span, "", 0)?);
    }
    let Some(value) = value else {
        return Err(Problem::new("", Some(1), "the document is empty"));
    };
    Ok((value, loader.lines))
}

fn at(span: Span, path: &str, message: impl Into<String>) -> Problem {
    Problem::new(path, Some(span.start.line()), message)
}

/// JSON with every pair of escaped surrogates (RFC 8259, section 7) as the character it means.
fn joined(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('{') || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let pair = unit(after).and_then(|high| {
            let (_, second) = after.split_at_checked(5)?;
            let low = unit(second.strip_prefix('\\')?)?;
            let character = char::decode_utf16([high, low]).next()?.ok()?;
            (character.len_utf16() == 2).then_some(character)
        });
        let taken = if let Some(character) = pair {
            out.push(character);
            11
        } else {
            out.push('\\');
            let escaped = after.chars().next();
            out.extend(escaped);
            escaped.map_or(0, char::len_utf8)
        };
        let Some(left) = after.get(taken..) else { unreachable!("{taken} bytes were read") };
        rest = left;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The code unit of `uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

struct Loader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    lines: Lines,
}

impl<'t> Loader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        let broken = |error: &ScanError| {
            let message = format!("not YAML: {}", error.info());
            Problem::new("", Some(error.marker().line()), message)
        };
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(broken(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(
        &mut self,
        event: Event<'t>,
        span: Span,
        path: &str,
        depth: usize,
    ) -> Result<Value, Problem> {
        self.lines.0.entry(path.to_owned()).or_insert_with(|| span.start.line());
        if depth > DEPTH_MAX {
            return Err(at(span, path, format!("nested deeper than {DEPTH_MAX}")));
        }
        let plain = |anchor: usize, tagged: bool| {
            if tagged {
                Err(at(span, path, "tags are not supported: remove it"))
            } else if anchor != 0 {
                Err(at(span, path, "anchors are not supported: write the value out"))
            } else {
                Ok(())
            }
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                scalar(&text, style).map_err(|message| at(span, path, message))
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        return Ok(Value::Array(items));
                    }
                    let item = self.value(event, span, &element(path, items.len()), depth + 1)?;
                    items.push(item);
                }
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut members = Map::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        return Ok(Value::Object(members));
                    }
                    let Event::Scalar(key, _, 0, None) = event else {
                        return Err(at(span, path, "a key must be plain text"));
                    };
                    let inner = member(path, &key);
                    self.lines.0.insert(inner.clone(), span.start.line());
                    let (event, value_span) = self.next()?;
                    let value = self.value(event, value_span, &inner, depth + 1)?;
                    if members.insert(key.into_owned(), value).is_some() {
                        return Err(at(span, &inner, "duplicate key"));
                    }
                }
            }
            Event::Alias(_) => {
                Err(at(span, path, "aliases are not supported: write the value out"))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(at(span, path, "the document ends inside a value")),
        }
    }
}

/// A scalar by the core schema.
fn scalar(text: &str, style: ScalarStyle) -> Result<Value, String> {
    if style != ScalarStyle::Plain {
        return Ok(text.into());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(true.into()),
        "false" | "False" | "FALSE" => return Ok(false.into()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("`{text}` is not a number that JSON can represent"));
        }
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if all(digits) {
        return match text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
            Ok(number) if number.abs() <= INTEGER_MAX => Ok(number.into()),
            Ok(_) | Err(_) => {
                Err(format!("`{text}` is larger than JSON parsers represent exactly"))
            }
        };
    }
    if is_float(digits, all) {
        let number = text.parse::<f64>().ok().and_then(Number::from_f64);
        return number
            .map(Value::Number)
            .ok_or_else(|| format!("`{text}` is not a number that JSON can represent"));
    }
    Ok(text.into())
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(digits: &str, all: impl Fn(&str) -> bool) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
        }
        None => (digits, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => all(fraction),
        Some((whole, fraction)) => all(whole) && (fraction.is_empty() || all(fraction)),
        None => all(mantissa),
    };
    mantissa && exponent.is_none_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        load(text).unwrap().0
    }

    fn refused(text: &str) -> String {
        load(text).unwrap_err().to_string()
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let text = "[a, no, 'true', true, ~, 12, -3, +4, 1.50, .5, 2., 1e3, 1.2.3, 0x1f, 1_000]";
        let expected = json!([
            "a", "no", "true", true, null, 12, -3, 4, 1.5, 0.5, 2.0, 1000.0, "1.2.3", "0x1f",
            "1_000"
        ]);
        assert_eq!(read(text), expected);
        assert_eq!(read("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), json!({"a": "x\ny\n", "b": "x y"}));
    }

    #[test]
    fn json_is_read_as_it_is() {
        let value = json!({
            "a": [1, 2.5, -1e-7, "x\n\"\\/ü😀", {"b": {}}, [], null, true], "": "", "c:d": "#e",
        });
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            assert_eq!(read(&text), value, "{text}");
        }
    }

    #[test]
    fn json_as_other_writers_write_it_is_read_too() {
        let text = "{\r\n\t\"a\": [\r\n\t\t1,\r\n\t\t\"\\ud83d\\ude00 \\u00fc \\\\ud83d\\n\"\r\n\t]\r\n}\r\n";
        assert_eq!(read(text), json!({"a": [1, "😀 ü \\ud83d\n"]}));
        assert_eq!(read(text), serde_json::from_str::<Value>(text).unwrap());
        assert!(refused("{\"a\": \"\\ud83d\"}").contains("line 1"));
        assert_eq!(joined("{\\").as_ref(), "{\\");
        assert_eq!(joined("{\\u").as_ref(), "{\\u");
        assert_eq!(joined("{\\ud83d\\u0041é").as_ref(), "{\\ud83d\\u0041é");
    }

    #[test]
    fn every_place_has_its_line() {
        let (_, lines) = load("a: 1\nb:\n  - c: 2\n    d: 3\n  -\n    c: 4\n").unwrap();
        let of = |path| lines.of(path).unwrap();
        assert_eq!((of("a"), of("b"), of("b[0].c"), of("b[0].d"), of("b[1].c")), (1, 2, 3, 4, 6));
        assert_eq!((of("b[0].missing"), of("missing"), of("")), (3, 1, 1));
    }

    #[test]
    fn what_hides_something_is_refused_with_its_line() {
        for (text, expected) in [
            ("a: 1\na: 2\n", "line 2, `a`: duplicate key"),
            ("a: &x 1\n", "line 1, `a`: anchors are not supported: write the value out"),
            ("a: &x 1\nb: *x\n", "line 1, `a`: anchors are not supported: write the value out"),
            ("a: !!str 1\n", "line 1, `a`: tags are not supported: remove it"),
            ("a: 1\n---\nb: 2\n", "line 3: a second document: one file has one suite"),
            ("", "line 1: the document is empty"),
            ("a: .nan\n", "line 1, `a`: `.nan` is not a number that JSON can represent"),
            (
                "a: 9007199254740993\n",
                "line 1, `a`: `9007199254740993` is larger than JSON parsers represent exactly",
            ),
            ("? [a]\n: 1\n", "line 1: a key must be plain text"),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
        assert!(refused("a: [1\n").contains("not YAML"));
        assert!(refused(&"[".repeat(DEPTH_MAX + 2)).contains("nested deeper"));
    }
}
