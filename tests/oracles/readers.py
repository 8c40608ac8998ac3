"""What DuckDB, Polars and pyarrow see in Parquet files of packs.

    readers.py DIRECTORY

`DIRECTORY/true.parquet` is a true file, `DIRECTORY/columns.json` the fields of its events, and
`DIRECTORY/accepted.json` names those of the other files that the product reads. Each of these must show the
same rows to all readers; and the reader in slice.py must accept the same files as the product. Prints
counts as JSON, and ends with 1 at the first file that shows other rows to somebody.
"""

import json
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet as parquet

import slice

# What filters would be answered from, if there were statistics, indexes or bloom filters to answer from.
FILTERS = ["kind = 'run.completed'", "kafka_offset > 3", "agent_id IS NOT NULL"]


def of_duckdb(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    rows = connection.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
    filtered = [
        connection.execute(f"SELECT count(*) FROM read_parquet('{path}') WHERE {of}").fetchone()
        for of in FILTERS
    ]
    return [repr(row) for row in rows], filtered


def of_polars(path):
    frame = polars.read_parquet(path)
    lazy = polars.scan_parquet(path)
    kinds = (polars.col("kind") == "run.completed", polars.col("kafka_offset") > 3)
    kinds = (*kinds, polars.col("agent_id").is_not_null())
    filtered = [(lazy.filter(of).select(polars.len()).collect().item(),) for of in kinds]
    return [repr(row) for row in frame.rows()], filtered


def of_pyarrow(path):
    import pyarrow.compute as compute

    table = parquet.read_table(path)
    kind, offset = compute.field("kind") == "run.completed", compute.field("kafka_offset") > 3
    filters = [kind, offset, ~compute.field("agent_id").is_null()]
    filtered = [(parquet.read_table(path, filters=of, columns=["kind"]).num_rows,) for of in filters]
    return [repr(row) for row in table.to_pylist()], filtered


READERS = {"duckdb": of_duckdb, "polars": of_polars, "pyarrow": of_pyarrow}


def plain(rows):
    """Columns as our reader has them, as one text for each row."""
    columns, count = rows
    return [repr({path: values[row] for path, values in columns.items()}) for row in range(count)]


def main(directory):
    fields = json.loads((directory / "columns.json").read_text())
    accepted = set(json.loads((directory / "accepted.json").read_text()))
    true = {name: reader(directory / "true.parquet") for name, reader in READERS.items()}
    counts = {tuple(filtered) for _, filtered in true.values()}
    assert len(counts) == 1, f"the readers disagree about the true file: {counts}"
    assert len({len(rows) for rows, _ in true.values()}) == 1, "the readers disagree about its rows"
    ours = plain(slice.read((directory / "true.parquet").read_bytes(), fields))
    said = {"files": 0, "accepted": 0, "others": 0}
    for path in sorted(directory.glob("*.parquet")):
        if path.name == "true.parquet":
            continue
        said["files"] += 1
        try:
            found = plain(slice.read(path.read_bytes(), fields))
        except slice.Form:
            found = None
        if (found is not None) != (path.name in accepted):
            sys.exit(f"{path.name}: accepted by one of the product and slice.py only")
        if found is None:
            continue
        said["accepted"] += 1
        if found != ours:
            # Other values: their leaves are others, and the pack is refused.
            said["others"] += 1
            continue
        for name, reader in READERS.items():
            try:
                seen = reader(path)
            except Exception as why:  # noqa: BLE001 - a reader that refuses a true file is a finding
                sys.exit(f"{path.name}: {name} refuses it: {why}")
            if seen != true[name]:
                sys.exit(f"{path.name}: {name} sees other rows")
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
