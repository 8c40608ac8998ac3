//! Changes of a segment file that the Parquet library answers with a panic, with more memory than there
//! is, or not at all. Each is made from a file that the product wrote.

use std::collections::BTreeMap;
use std::ops::Range;

/// A change of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Damage {
    pub(crate) name: &'static str,
    /// What is said of the changed file.
    pub(crate) says: &'static str,
    pub(crate) change: fn(&[u8]) -> Vec<u8>,
}

/// All changes.
pub(crate) const DAMAGES: [Damage; 7] = [
    Damage {
        name: "a column that begins before the file",
        says: "a column has no pages",
        change: |file| {
            let place = format!("{}.3.9", column(file, "salt"));
            in_footer(file, |_, numbers| (numbers[&place].clone(), zigzag(-5)))
        },
    },
    Damage {
        name: "values of no bytes",
        says: "the schema in its footer cannot be read",
        change: |file| {
            // The root, seven columns, and the salt.
            in_footer(file, |_, numbers| (numbers[".2[8].2"].clone(), zigzag(0)))
        },
    },
    Damage {
        name: "a dictionary that is an index",
        says: "a page is of a kind that segments have not, or out of place",
        change: |file| in_page(file, "kafka_partition", ".1", 1),
    },
    Damage {
        name: "a dictionary of no values",
        says: "a dictionary has bytes, and no values",
        change: |file| in_page(file, "kafka_topic", ".7.1", 0),
    },
    Damage {
        name: "more row groups than bytes",
        says: "its footer cannot be read",
        change: |file| {
            in_footer(file, |footer, numbers| {
                let head = numbers[".4"].clone();
                let kind = footer[head.start] & 0x0f;
                (head, [vec![0xf0 | kind], varint(0x7fff_ffff)].concat())
            })
        },
    },
    Damage {
        name: "lists that do not end",
        says: "its footer cannot be read",
        change: |file| {
            in_footer(file, |footer, _| {
                // Fields that nobody knows, each a list of booleans: the library passes over one in
                // as many steps as it says, without a byte for any.
                let list = [vec![0x19, 0xf1], varint(0x7fff_ffff)].concat();
                let end = footer.len() - 1;
                (end..end, list.repeat(1_000))
            })
        },
    },
    Damage {
        name: "a level beyond the deepest",
        says: "the file is damaged",
        change: |file| {
            // Repetition, then definition: four bytes of length, the run, the level.
            let at = first_page(file, "kept_salts.key_value.key");
            let header = numbers(&file[at..])[".end"].end;
            let mut changed = file.to_vec();
            changed[at + header + 11] = 3;
            changed
        },
    },
];

/// The file with a part of its footer replaced.
fn in_footer(
    file: &[u8],
    replace: impl FnOnce(&[u8], &BTreeMap<String, Range<usize>>) -> (Range<usize>, Vec<u8>),
) -> Vec<u8> {
    let start = footer(file);
    let end = file.len() - 8;
    let mut changed = file[start..end].to_vec();
    let (range, new) = replace(&changed, &numbers(&changed));
    changed.splice(range, new);
    let length = u32::try_from(changed.len()).unwrap();
    [&file[..start], &changed, &length.to_le_bytes(), b"PAR1"].concat()
}

/// The file with a number in the header of a column's first page replaced by one as long.
fn in_page(file: &[u8], column: &str, field: &str, number: i64) -> Vec<u8> {
    let at = first_page(file, column);
    let range = numbers(&file[at..])[field].clone();
    let new = zigzag(number);
    assert_eq!(new.len(), range.len(), "{column} {field}");
    let mut changed = file.to_vec();
    changed[at + range.start..at + range.end].copy_from_slice(&new);
    changed
}

fn footer(file: &[u8]) -> usize {
    let length = file[file.len() - 8..].first_chunk().unwrap();
    file.len() - 8 - usize::try_from(u32::from_le_bytes(*length)).unwrap()
}

/// Place of a column in the footer.
fn column(file: &[u8], path: &str) -> String {
    let footer = &file[footer(file)..file.len() - 8];
    let numbers = numbers(footer);
    let text = |length: &Range<usize>| {
        let bytes = usize::try_from(read(footer, length.start).0).unwrap();
        String::from_utf8_lossy(&footer[length.end..length.end + bytes])
    };
    let of = |place: &str| {
        let names = (0..).map_while(|at| Some(text(numbers.get(&format!("{place}.3.3[{at}]"))?)));
        names.collect::<Vec<_>>().join(".")
    };
    let mut places = (0..).map(|at| format!(".4[0].1[{at}]"));
    places.find(|place| of(place) == path).unwrap()
}

/// Where the first page header of a column begins.
fn first_page(file: &[u8], path: &str) -> usize {
    let place = column(file, path);
    let footer = &file[footer(file)..file.len() - 8];
    let numbers = numbers(footer);
    let dictionary = numbers.get(&format!("{place}.3.11"));
    let first = dictionary.unwrap_or_else(|| &numbers[&format!("{place}.3.9")]);
    usize::try_from(read(footer, first.start).0 >> 1).unwrap()
}

/// Where in a struct its numbers, lengths of texts and heads of lists are, by the way to them; `.end` is
/// its last byte.
fn numbers(bytes: &[u8]) -> BTreeMap<String, Range<usize>> {
    let mut found = BTreeMap::new();
    let end = walk(bytes, 0, 12, "", &mut found);
    found.insert(".end".to_owned(), end - 1..end);
    found
}

/// Passes over a value of Thrift's compact protocol; where the next one begins.
fn walk(
    bytes: &[u8],
    at: usize,
    kind: u8,
    place: &str,
    found: &mut BTreeMap<String, Range<usize>>,
) -> usize {
    let mut keep = |range: Range<usize>| _ = found.insert(place.to_owned(), range);
    match kind {
        1 | 2 => at,
        4..=6 => {
            let (_, end) = read(bytes, at);
            keep(at..end);
            end
        }
        8 => {
            let (length, end) = read(bytes, at);
            keep(at..end);
            end + usize::try_from(length).unwrap()
        }
        9 => {
            let head = bytes[at];
            let (count, mut next) =
                if head >> 4 == 15 { read(bytes, at + 1) } else { (u64::from(head >> 4), at + 1) };
            keep(at..next);
            for item in 0..count {
                next = walk(bytes, next, head & 0x0f, &format!("{place}[{item}]"), found);
            }
            next
        }
        12 => {
            let (mut next, mut id) = (at, 0);
            loop {
                let head = bytes[next];
                if head == 0 {
                    return next + 1;
                }
                id += head >> 4;
                next = walk(bytes, next + 1, head & 0x0f, &format!("{place}.{id}"), found);
            }
        }
        other => panic!("type {other} at {at}"),
    }
}

/// A number, and where it ends.
fn read(bytes: &[u8], at: usize) -> (u64, usize) {
    let length = bytes[at..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let bits = bytes[at..at + length].iter().rev();
    (bits.fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)), at + length)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn zigzag(value: i64) -> Vec<u8> {
    varint((value << 1 ^ value >> 63).cast_unsigned())
}
