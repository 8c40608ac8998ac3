//! The Parquet files of a pack: one strict form, written and read by our own code.
//!
//! What one reader of Parquet takes from a footer, another derives or ignores. So nothing in these
//! files is left to choose: of a list of columns, a number of rows and the sizes of the pages there
//! is one footer and one header for each page, which reading builds again and compares byte by byte
//! (`schemas/evidence/parquet.md`). What remains are the values, and they have one form each.
//!
//! Reading is total: any bytes give rows or a [`TableFault`], in memory bounded by
//! [`limits::BYTES_MAX`].

mod columns;
mod fault;
mod footer;
mod frame;
mod levels;
mod limits;
mod page;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod thrift;
mod write;

use std::collections::BTreeSet;

pub(crate) use self::columns::Columns;
pub(crate) use self::fault::TableFault;
pub(crate) use self::limits::FILE_BYTES_MAX;
pub(crate) use self::read::Pages;
pub(crate) use self::row::StoredRow;
pub(crate) use self::write::TableWriter;

/// Reads a Parquet file of a pack whose events fill these fields; the number of its rows. Whether they
/// are true, only their proofs tell.
///
/// # Errors
///
/// Why the file is not in the one form; or which field is not known.
pub fn check_parquet(file: &[u8], fields: &[&str]) -> Result<u64, String> {
    let known = |path: &&str| event::schema().id(path).ok_or_else(|| format!("no field `{path}`"));
    let fields: Result<BTreeSet<_>, _> = fields.iter().map(known).collect();
    let columns = Columns::of(&fields?);
    let pages = Pages::open(file, &columns).map_err(|fault| fault.to_string())?;
    let mut table = pages.table().map_err(|fault| fault.to_string())?;
    let mut rows = 0;
    while table.next_row().map_err(|fault| fault.to_string())?.is_some() {
        rows += 1;
    }
    Ok(rows)
}
