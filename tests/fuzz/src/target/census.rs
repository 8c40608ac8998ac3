//! Census objects: canonical bytes only, and every proof over what they hold verifies.

use segment::census::Census;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(census) = Census::parse(data) else { return false };
    assert_eq!(census.to_bytes(), data);
    let (root, rows) = (census.root(), census.len());
    if let Some(row) = census.rows().next() {
        let key = row.key();
        assert_eq!(census.prove(&key).verify(&key, &root, rows), Ok(Some(&row)));
    }
    true
}
