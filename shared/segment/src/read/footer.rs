//! The footer of a Parquet file, checked before the library reads it: what it says is of the
//! types, within the bounds and as large as the file that it ends.

use super::thrift::{self, Fields, Kind, Value};

/// What is wrong.
pub(crate) type Wrong = &'static str;

/// Where the pages of a column are, in one row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    /// Path of the column.
    pub(crate) path: Vec<&'a [u8]>,
    /// Where its first page header begins, and its last page ends.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Whether its first page is a dictionary.
    pub(crate) dictionary: bool,
    /// Levels and values of all its pages; a row without a value counts.
    pub(crate) values: u64,
    /// Bytes of all its pages before compression.
    pub(crate) uncompressed: u64,
    /// Whether its pages are compressed.
    pub(crate) compressed: bool,
    /// Where its bloom filter begins, if it has one.
    pub(crate) filter: Option<u64>,
}

/// A column of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaf<'a> {
    path: Vec<&'a [u8]>,
    physical: i64,
    repeated: bool,
}

/// Bytes at the end of a file: length of the footer and [`MAGIC`].
pub(crate) const TAIL_BYTES: usize = 8;

/// Begin and end of a file.
const MAGIC: &[u8; 4] = b"PAR1";

/// Most groups, lists and maps within one another.
const SCHEMA_DEPTH_MAX: usize = 8;

/// The structs of a footer (parquet.thrift); fields that are not listed are passed over.
mod grammar {
    use super::Kind::{self, Bool, Bytes, I16, I32, I64, List, Struct};

    pub(super) const FILE: &[(i16, Kind)] = &[
        (1, I32),
        (2, List(&Struct(ELEMENT))),
        (3, I64),
        (4, List(&Struct(GROUP))),
        (5, List(&Struct(&[(1, Bytes), (2, Bytes)]))),
        (6, Bytes),
        // Order of a column: as its type says.
        (7, List(&Struct(&[(1, NOTHING)]))),
    ];

    const NOTHING: Kind = Struct(&[]);

    const ELEMENT: &[(i16, Kind)] = &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, Bytes),
        (5, I32),
        (6, I32),
        (7, I32),
        (8, I32),
        (9, I32),
        (10, Struct(LOGICAL)),
    ];

    /// Text, map, list, instant.
    const LOGICAL: &[(i16, Kind)] = &[
        (1, NOTHING),
        (2, NOTHING),
        (3, NOTHING),
        (8, Struct(&[(1, Bool), (2, Struct(&[(1, NOTHING), (2, NOTHING), (3, NOTHING)]))])),
    ];

    const GROUP: &[(i16, Kind)] = &[
        (1, List(&Struct(CHUNK))),
        (2, I64),
        (3, I64),
        (4, List(&Struct(&[(1, I32), (2, Bool), (3, Bool)]))),
        (5, I64),
        (6, I64),
        (7, I16),
    ];

    const CHUNK: &[(i16, Kind)] =
        &[(1, Bytes), (2, I64), (3, Struct(COLUMN)), (4, I64), (5, I32), (6, I64), (7, I32)];

    const COLUMN: &[(i16, Kind)] = &[
        (1, I32),
        (2, List(&I32)),
        (3, List(&Bytes)),
        (4, I32),
        (5, I64),
        (6, I64),
        (7, I64),
        (8, List(&Struct(&[(1, Bytes), (2, Bytes)]))),
        (9, I64),
        (10, I64),
        (11, I64),
        (12, Struct(STATISTICS)),
        (13, List(&Struct(&[(1, I32), (2, I32), (3, I32)]))),
        (14, I64),
        (15, I32),
        (16, Struct(&[(1, I64), (2, List(&I64)), (3, List(&I64))])),
    ];

    const STATISTICS: &[(i16, Kind)] =
        &[(1, Bytes), (2, Bytes), (3, I64), (4, I64), (5, Bytes), (6, Bytes), (7, Bool), (8, Bool)];
}

/// How long the footer is that ends with these bytes.
pub(crate) fn length(tail: &[u8; TAIL_BYTES]) -> Result<u64, Wrong> {
    let (length, magic) = tail.split_first_chunk().ok_or("it is cut off")?;
    if magic != MAGIC {
        return Err("its last bytes are not those of a Parquet file");
    }
    Ok(u64::from(u32::from_le_bytes(*length)))
}

/// The chunks of a whole file, in the order of the footer.
pub(crate) fn chunks(file: &[u8]) -> Result<Vec<Chunk<'_>>, Wrong> {
    let (rest, tail) = file.split_last_chunk().ok_or("it is cut off")?;
    let length = usize::try_from(length(tail)?).map_err(|_| "its footer is longer than it is")?;
    let start = rest.len().checked_sub(length).ok_or("its footer is longer than it is")?;
    let (pages, footer) = rest.split_at_checked(start).ok_or("its footer is longer than it is")?;
    if !pages.starts_with(MAGIC) {
        return Err("its first bytes are not those of a Parquet file");
    }
    check(footer, start as u64)
}

/// The chunks of a footer that begins there in its file.
pub(crate) fn check(footer: &[u8], start: u64) -> Result<Vec<Chunk<'_>>, Wrong> {
    let (file, rest) = thrift::read(footer, grammar::FILE).ok_or("its footer cannot be read")?;
    if !rest.is_empty() {
        return Err("its footer has bytes behind its end");
    }
    let leaves = file.list(2).and_then(leaves).ok_or("the schema in its footer cannot be read")?;
    if file.list(7).is_some_and(|orders| orders.len() != leaves.len()) {
        return Err("its footer has another number of orders than columns");
    }
    let groups = file.list(4).ok_or("its footer has no list of row groups")?;
    let mut rows = 0_u64;
    let mut chunks = Vec::new();
    for group in groups {
        let group = group.fields().ok_or("a row group cannot be read")?;
        let rows_of_group = group.size(3).ok_or("a row group has no number of rows")?;
        rows = rows.saturating_add(rows_of_group);
        group.size(2).ok_or("a row group has no size")?;
        let columns = group.list(1).ok_or("a row group has no columns")?;
        if columns.len() != leaves.len() {
            return Err("a row group has other columns than the schema");
        }
        for (column, leaf) in columns.iter().zip(&leaves) {
            let column = column.fields().ok_or("a column cannot be read")?;
            chunks.push(chunk(column, leaf, rows_of_group, start)?);
        }
    }
    if file.size(3) != Some(rows) {
        return Err("its footer has another number of rows than its row groups");
    }
    Ok(chunks)
}

/// The columns of a schema, the root of which comes first.
fn leaves<'a>(elements: &[Value<'a>]) -> Option<Vec<Leaf<'a>>> {
    let mut elements = elements.iter();
    let root = elements.next()?.fields()?;
    let mut leaves = Vec::new();
    for _ in 0..root.size(5).filter(|_| !root.has(1))? {
        element(&mut elements, &mut Vec::new(), false, &mut leaves)?;
    }
    // Nothing may be left that no group holds.
    elements.next().is_none().then_some(leaves)
}

/// Reads an element of the schema with what is in it.
fn element<'a>(
    elements: &mut std::slice::Iter<'_, Value<'a>>,
    path: &mut Vec<&'a [u8]>,
    repeated: bool,
    leaves: &mut Vec<Leaf<'a>>,
) -> Option<()> {
    let element = elements.next()?.fields()?;
    // Required, optional, repeated.
    let repetition = element.number(3).filter(|repetition| (0..=2).contains(repetition))?;
    let repeated = repeated || repetition == 2;
    path.push(element.bytes(4).filter(|name| std::str::from_utf8(name).is_ok())?);
    match (element.number(1), element.number(5).unwrap_or_default()) {
        (None, members @ 1..) if path.len() < SCHEMA_DEPTH_MAX => {
            for _ in 0..members {
                self::element(elements, path, repeated, leaves)?;
            }
        }
        (Some(physical), 0) => {
            let fits = match physical {
                FIXED => {
                    element.size(2).is_some_and(|bytes| (1..=FIXED_BYTES_MAX).contains(&bytes))
                }
                0..FIXED => true,
                _ => false,
            };
            leaves.push(fits.then(|| Leaf { path: path.clone(), physical, repeated })?);
        }
        _ => return None,
    }
    path.pop();
    Some(())
}

/// Number of the physical type of values of a fixed length.
const FIXED: i64 = 7;

/// Most bytes of such a value.
const FIXED_BYTES_MAX: u64 = 1_024;

fn chunk<'a>(
    column: &Fields<'_>,
    leaf: &Leaf<'a>,
    rows: u64,
    end: u64,
) -> Result<Chunk<'a>, Wrong> {
    if column.has(1) {
        return Err("a column is in another file");
    }
    let of = column.fields(3).ok_or("a column has no description")?;
    let path = of.list(3).ok_or("a column has no path")?;
    if of.number(1) != Some(leaf.physical)
        || !path.iter().map(Value::bytes).eq(leaf.path.iter().copied().map(Some))
    {
        return Err("a column is another one than in the schema");
    }
    let compressed = match of.number(4) {
        Some(0) => false,
        // Zstandard.
        Some(6) => true,
        _ => return Err("a column is compressed in a way that segments are not"),
    };
    let values = of.size(5).ok_or("a column has no number of values")?;
    if values < rows || (values > rows && !leaf.repeated) {
        return Err("a column has another number of values than rows");
    }
    let uncompressed = of.size(6).ok_or("a column has no size")?;
    let size = of.size(7).ok_or("a column has no size")?;
    let data = of.size(9).ok_or("a column has no pages")?;
    let dictionary = match (of.has(11), of.size(11)) {
        (false, _) => None,
        (true, Some(at)) if at < data => Some(at),
        (true, _) => return Err("the dictionary of a column is not before its values"),
    };
    let start = dictionary.unwrap_or(data);
    let chunk_end = start.checked_add(size).filter(|chunk_end| *chunk_end <= end);
    let chunk_end = chunk_end.ok_or("a column ends behind the pages")?;
    if start < MAGIC.len() as u64 || data > chunk_end {
        return Err("a column is not where the pages are");
    }
    let filter = match (of.has(14), of.size(14)) {
        (false, _) => None,
        (true, Some(at)) if (chunk_end..end).contains(&at) => Some(at),
        (true, _) => return Err("the filter of a column is not behind its pages"),
    };
    let dictionary = dictionary.is_some();
    Ok(Chunk {
        path: leaf.path.clone(),
        start,
        end: chunk_end,
        dictionary,
        values,
        uncompressed,
        compressed,
        filter,
    })
}
