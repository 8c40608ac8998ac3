"""Counts the rows of an archive with DuckDB and, separately, with pyarrow; prints JSON.

    count.py ARCHIVE

DuckDB reads it as an analyst would: every file below data/, the topic and the date from the path.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as parquet

archive = Path(sys.argv[1])
files = f"read_parquet('{archive}/data/v1/**/*.parquet', hive_partitioning = true)"


def counts(by):
    rows = duckdb.sql(f"SELECT {by}, count(*) FROM {files} GROUP BY ALL ORDER BY ALL").fetchall()
    return {str(value): count for value, count in rows}


def pyarrow_kinds():
    found = Counter()
    for path in sorted(archive.glob("data/v1/**/*.parquet")):
        # One file at a time: the partition column of the path is none of the file's.
        found.update(parquet.ParquetFile(path).read(["kind"]).column("kind").to_pylist())
    return dict(sorted(found.items()))


print(
    json.dumps(
        {
            "topics": counts("kafka_topic"),
            "kinds": counts("kind"),
            "dates": counts("ingest_date"),
            "kinds_by_pyarrow": pyarrow_kinds(),
        }
    )
)
