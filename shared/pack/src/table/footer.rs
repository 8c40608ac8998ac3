//! The footer that a file has: it follows from columns, rows and pages.

use super::columns::{Columns, Field, Shape, Type};
use super::page::{PLAIN, RLE};
use super::thrift::{Struct, structure};

/// Format name in the footer.
pub(super) const FORMAT: &str = "driftseal/slice/v2";

/// Begin and end of a Parquet file.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

/// Numbers that Parquet gives to repetitions.
const REQUIRED: i32 = 0;
const OPTIONAL: i32 = 1;
const REPEATED: i32 = 2;

/// A column of the file: where its page is, and how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where its page header begins.
    pub(super) offset: u64,
    /// Bytes of header and page, before and after compression.
    pub(super) uncompressed: u64,
    pub(super) compressed: u64,
    pub(super) values: u64,
}

/// Footer, its size and the mark at the end of the file. `chunks` are those of the fields' columns.
pub(super) fn footer(columns: &Columns, rows: u32, chunks: &[Chunk]) -> Vec<u8> {
    let mut bytes = Vec::new();
    structure(&mut bytes, |s| {
        s.i32(1, 1);
        let (count, elements) = schema(columns);
        s.structures(2, count, |to| to.extend_from_slice(&elements));
        s.i64(3, i64::from(rows));
        s.structures(4, 1, |to| structure(to, |s| row_group(s, columns, rows, chunks)));
        s.structures(5, 1, |to| {
            structure(to, |s| {
                s.text(1, "driftseal.format");
                s.text(2, FORMAT);
            });
        });
        s.text(6, "driftseal");
    });
    let Ok(size) = u32::try_from(bytes.len()) else {
        unreachable!("there are few columns, and a footer of {} bytes", bytes.len())
    };
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(MAGIC);
    bytes
}

fn row_group(s: &mut Struct<'_>, columns: &Columns, rows: u32, chunks: &[Chunk]) {
    s.structures(1, chunks.len(), |to| {
        let of_columns = columns.fields.iter().flat_map(|field| {
            let pairs = field.paths().into_iter().zip(field.types());
            pairs.map(move |(path, of)| (field, path, of))
        });
        for ((field, path, of), chunk) in of_columns.zip(chunks) {
            structure(to, |s| {
                s.i64(2, 0);
                s.structure(3, |s| {
                    s.i32(1, physical(of));
                    s.i32s(2, &[PLAIN, RLE]);
                    s.texts(3, &path);
                    // Codec: none, or Zstandard.
                    s.i32(4, if field.compressed { 6 } else { 0 });
                    s.i64(5, number(chunk.values));
                    s.i64(6, number(chunk.uncompressed));
                    s.i64(7, number(chunk.compressed));
                    s.i64(9, number(chunk.offset));
                });
            });
        }
    });
    s.i64(2, number(chunks.iter().map(|chunk| chunk.uncompressed).sum()));
    s.i64(3, i64::from(rows));
}

fn number(value: u64) -> i64 {
    match i64::try_from(value) {
        Ok(value) => value,
        Err(_) => unreachable!("a file has at most {} bytes", super::limits::FILE_BYTES_MAX),
    }
}

/// The number that Parquet gives to a physical type.
const fn physical(of: Type) -> i32 {
    match of {
        Type::Bool => 0,
        Type::Int32 => 1,
        Type::Int64 | Type::Millis | Type::Micros => 2,
        Type::Double => 5,
        Type::Text | Type::Bytes => 6,
        Type::Fixed(_) => 7,
    }
}

/// How many elements the schema has, and their bytes.
fn schema(columns: &Columns) -> (usize, Vec<u8>) {
    let mut schema = Schema { bytes: Vec::new(), count: 0 };
    let mut tops: Vec<Option<&str>> = Vec::new();
    for field in &columns.fields {
        if field.group.is_none() || tops.last() != Some(&field.group) {
            tops.push(field.group);
        }
    }
    schema.add(|s| {
        s.text(4, "schema");
        s.i32(5, count(tops.len()));
    });
    let mut group = None;
    for field in &columns.fields {
        if let Some(name) = field.group.filter(|_| field.group != group) {
            let members = columns.fields.iter().filter(|other| other.group == Some(name)).count();
            schema.add(|s| {
                s.i32(3, OPTIONAL);
                s.text(4, name);
                s.i32(5, count(members));
            });
        }
        group = field.group;
        schema.field(field);
    }
    (schema.count, schema.bytes)
}

struct Schema {
    bytes: Vec<u8>,
    count: usize,
}

impl Schema {
    fn add(&mut self, fields: impl FnOnce(&mut Struct<'_>)) {
        structure(&mut self.bytes, fields);
        self.count += 1;
    }

    fn field(&mut self, field: &Field) {
        let repetition = if field.required { REQUIRED } else { OPTIONAL };
        match field.shape {
            Shape::One(of) => self.leaf(field.name, of, repetition),
            Shape::Texts => {
                // Converted type and logical type of a list.
                self.outer(field.name, repetition, 3, 3);
                self.repeated("list", 1);
                self.leaf("element", Type::Text, REQUIRED);
            }
            Shape::Map(value) => {
                self.outer(field.name, repetition, 1, 2);
                self.repeated("key_value", 2);
                self.leaf("key", Type::Text, REQUIRED);
                self.leaf("value", value, REQUIRED);
            }
        }
    }

    fn outer(&mut self, name: &str, repetition: i32, converted: i32, logical: u8) {
        self.add(|s| {
            s.i32(3, repetition);
            s.text(4, name);
            s.i32(5, 1);
            s.i32(6, converted);
            s.structure(10, |s| s.structure(logical, |_| {}));
        });
    }

    fn repeated(&mut self, name: &str, members: i32) {
        self.add(|s| {
            s.i32(3, REPEATED);
            s.text(4, name);
            s.i32(5, members);
        });
    }

    fn leaf(&mut self, name: &str, of: Type, repetition: i32) {
        self.add(|s| {
            s.i32(1, physical(of));
            if let Type::Fixed(length) = of {
                s.i32(2, length);
            }
            s.i32(3, repetition);
            s.text(4, name);
            // Converted type and logical type: text, or milli- and microseconds of UTC.
            let time = match of {
                Type::Text => {
                    s.i32(6, 0);
                    return s.structure(10, |s| s.structure(1, |_| {}));
                }
                Type::Millis => 1,
                Type::Micros => 2,
                Type::Bool | Type::Int32 | Type::Int64 | Type::Double => return,
                Type::Bytes | Type::Fixed(_) => return,
            };
            s.i32(6, 8 + i32::from(time));
            s.structure(10, |s| {
                s.structure(8, |s| {
                    s.yes(1);
                    s.structure(2, |s| s.structure(time, |_| {}));
                });
            });
        });
    }
}

fn count(of: usize) -> i32 {
    match i32::try_from(of) {
        Ok(count) => count,
        Err(_) => unreachable!("the event schema has few columns, not {of}"),
    }
}
