//! SQL views over the committed segments of an archive.

/// The shipped views; they read the view `events`.
const VIEWS: &str = include_str!("../../../schemas/sql/views.sql");

/// SQL for DuckDB: the view `events` of these files, and the shipped views over it.
pub(crate) fn over(locations: &[String]) -> String {
    let mut sql = String::from(
        "-- Views over the committed segments of an archive, for DuckDB. Rows that are sealed later are\n\
         -- not in them: run `driftseal segments` again.\n\
         CREATE OR REPLACE VIEW events AS\nSELECT * FROM read_parquet([\n",
    );
    let quoted: Vec<_> =
        locations.iter().map(|location| format!("  '{}'", location.replace('\'', "''"))).collect();
    sql.push_str(&quoted.join(",\n"));
    sql.push_str("\n], hive_partitioning = true, union_by_name = true);\n\n");
    sql.push_str(VIEWS);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_a_location_stay_in_it() {
        let sql = over(&["/a'b/1.parquet".into(), "/2.parquet".into()]);
        assert!(sql.contains("read_parquet([\n  '/a''b/1.parquet',\n  '/2.parquet'\n],"), "{sql}");
        assert!(sql.ends_with(VIEWS));
    }
}
