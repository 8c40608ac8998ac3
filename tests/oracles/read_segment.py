"""Reads a sealed archive with pyarrow and hashlib, and shares no code with the product.

    read_segment.py ARCHIVE

Follows the commits to the manifests, the manifests to the files, and derives every leaf, root,
census and head again from what the files hold. Prints counts as JSON; at the first mismatch it says what and
ends with 1. Signatures are not checked here (the standard library has no Ed25519): fsck does.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

import leaf

COORDINATES = {
    *("kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "kafka_timestamp_type"),
    *("schema_id", "record_digest", "salt", "erased_commitments", "kept_salts"),
}


def expect(what, stated, found):
    if stated != found:
        print(json.dumps({"mismatch": what, "stated": str(stated), "found": str(found)}))
        sys.exit(1)


def kind_of(arrow_type):
    tests = {"bool": "boolean", "int": "int64", "float": "float64", "text": "string"}
    tests |= {"bytes": "binary", "time": "timestamp", "texts": "list", "map": "map"}
    return next(kind for kind, test in tests.items() if getattr(pa.types, f"is_{test}")(arrow_type))


def columns_of(path):
    """Every column by its path, as a list of Python values; instants as integers."""
    table = parquet.ParquetFile(path).read()
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    columns, kinds = {}, {}
    for field in table.schema:
        column = table.column(field.name)
        if field.name not in COORDINATES:
            kinds[field.name] = kind_of(field.type)
        if pa.types.is_timestamp(field.type):
            column = column.cast(pa.int64())
        if column.null_count < len(column) or field.name in COORDINATES:
            columns[field.name] = column.to_pylist()
    return columns, kinds, table.num_rows


def joined(gaps):
    """Ranges of offsets; two that touch are one, whatever their reasons."""
    ranges = []
    for start, length in gaps:
        if ranges and sum(ranges[-1]) == start:
            start, length = ranges[-1][0], ranges.pop()[1] + length
        if length:
            ranges.append((start, length))
    return ranges


def check_segment(where, archive, statement):
    said, (data, counted) = statement["predicate"], statement["subject"]
    for subject in statement["subject"]:
        digest = hashlib.sha256((archive / subject["name"]).read_bytes()).hexdigest()
        expect(f"{where}: sha256 of {subject['name']}", subject["digest"]["sha256"], digest)
    columns, kinds, count = columns_of(archive / data["name"])
    erasable = set(said["fields"]["erasable"])
    present = {path: columns[path] for path in kinds if path in columns}
    leaves, gaps, next_offset = [], [], int(said["firstOffset"])
    for row in range(count):
        at = {name: columns[name][row] for name in COORDINATES}
        expect(f"{where}: topic of row {row}", said["topic"], at["kafka_topic"])
        expect(f"{where}: partition of row {row}", said["partition"], at["kafka_partition"])
        gaps.append((next_offset, at["kafka_offset"] - next_offset))
        next_offset = at["kafka_offset"] + 1
        plain, hidden = {}, dict(at["erased_commitments"] or [])
        kept = dict(at["kept_salts"] or [])
        for path, values in present.items():
            if (value := values[row]) is None:
                continue
            if kinds[path] == "map":
                value = dict(value)
            cell = leaf.cell(path, kinds[path], value)
            if path in erasable:
                salt = kept[path] if at["salt"] is None else leaf.salt_of(at["salt"], path)
                hidden[path] = leaf.commitment(salt, cell)
            else:
                plain[path] = cell
        leaves.append(
            leaf.leaf_hash(
                leaf.preimage(
                    *(at["kafka_topic"], at["kafka_partition"], at["kafka_offset"]),
                    *(at["kafka_timestamp"], at["kafka_timestamp_type"], at["schema_id"]),
                    *(at["record_digest"], plain, hidden),
                )
            )
        )
    size, root = leaf.segment_tree(leaves)
    expect(f"{where}: root", said["tree"]["root"], root.hex())
    expect(f"{where}: tree size", said["tree"]["size"], str(size))
    expect(f"{where}: records", said["count"], str(count))
    expect(f"{where}: next offset", said["nextOffset"], str(next_offset))
    times = columns["kafka_timestamp"]
    for name, time in ("first", times[0]), ("min", min(times)), ("max", max(times)):
        expect(f"{where}: {name} timestamp", said[f"{name}TimestampMs"], str(time))
    stated = joined((int(start), int(length)) for start, length, _ in said["gaps"])
    expect(f"{where}: gaps", stated, joined(gaps))

    none = [None] * count
    names = ["agent_id", "kind", "source.id", "source.epoch", "source.seq"]
    document, hashes = leaf.census(zip(*(columns.get(name, none) for name in names)))
    expect(f"{where}: census", (archive / counted["name"]).read_bytes(), document)
    expect(f"{where}: census root", said["census"]["root"], leaf.tree_root(hashes).hex())
    expect(f"{where}: census rows", said["census"]["rows"], str(len(hashes)))
    return count, sum(length for _, length in gaps)


def check_installation(where, statement):
    """The first entry; gives the log and the cluster that every other entry must name."""
    said, (key,) = statement["predicate"], statement["subject"]
    expect(f"{where}: kind", "installation", said["kind"])
    expect(f"{where}: key", said["log"], key["name"])
    names = [topic["name"] for topic in said["topics"]]
    expect(f"{where}: order of topics", sorted(set(names)), names)
    outside = [name for name in names if not name.startswith(said["topicPrefix"])]
    expect(f"{where}: topics without the prefix", [], outside)
    return said["log"], said["cluster"]


def check_key(where, statement, log):
    """An entry that accepts a key."""
    said, (subject,) = statement["predicate"], statement["subject"]
    expect(f"{where}: members", sorted(said), ["key", "kind", "log", "program", "use"])
    expect(f"{where}: log", said["log"], log)
    expect(f"{where}: use", said["use"] in ("sealer", "evidence"), True)
    name, digest = said["key"].split("+")[0], hashlib.sha256(said["key"].encode()).hexdigest()
    expect(f"{where}: subject", subject, {"digest": {"sha256": digest}, "name": name})
    return {"key": said["key"], "use": said["use"]}


def row_of(said, digest, row, sequence):
    """The row of a partition in the head after the commit that holds this manifest."""
    largest, smallest = int(said["maxTimestampMs"]), int(said["minTimestampMs"])
    disorder = 0
    if row is not None:
        before = int(row["maxTimestampMs"])
        disorder = max(int(row["disorderMs"]), before - smallest)
        largest = max(before, largest)
    return {
        "topic": said["topic"],
        "partition": said["partition"],
        "topicId": said["topicId"],
        "commit": str(sequence),
        "manifest": digest,
        "nextOffset": said["nextOffset"],
        "nextSequence": str(int(said["sequence"]) + 1),
        "maxTimestampMs": str(largest),
        "disorderMs": str(disorder),
        "lastRecord": said["lastRecord"],
        "writerSchemas": said["writerSchemas"],
    }


def check_head(archive, path, log, sequence, entries, rows, keys):
    """Derives the head of a commit, compares its object, and gives how manifests name it."""
    payload = leaf.canonical(
        {
            "format": "driftseal/head/v1",
            "origin": log,
            "sequence": str(sequence),
            "commit": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": str(len(entries)),
            "root": leaf.tree_root(entries).hex(),
            "edge": [node.hex() for node in leaf.edge(entries)],
            "keys": keys,
            "partitions": [rows[chain] for chain in sorted(rows, key=lambda c: (c[0].encode(), c[1]))],
        }
    )
    envelope = json.loads((archive / "log" / "head" / path.name).read_bytes())
    expect(f"{path.name}: head", payload, base64.b64decode(envelope["payload"]))
    return {"sequence": str(sequence), "sha256": hashlib.sha256(payload).hexdigest()}


def check_log(archive):
    entries, ends, rows, gaps, commits, segments = [], {}, 0, 0, 0, 0
    log = cluster = head = None
    heads, keys = {}, []
    for commits, path in enumerate(sorted((archive / "log" / "commit").iterdir()), start=1):
        commit = json.loads(path.read_bytes())
        expect(f"{path.name}: sequence", f"{commits - 1:020}", path.name)
        expect(f"{path.name}: canonical", path.read_bytes(), leaf.canonical(commit))
        expect(f"{path.name}: size before", commit["previousSize"], str(len(entries)))
        for entry in commit["entries"]:
            where = f"log entry {len(entries)}"
            payload = base64.b64decode(json.loads(entry)["payload"])
            statement = json.loads(payload)
            expect(f"{where}: canonical", payload, leaf.canonical(statement))
            said = statement["predicate"]
            entries.append(leaf.leaf_hash(entry.encode()))
            if len(entries) == 1:
                log, cluster = check_installation(where, statement)
                continue
            if said["kind"] == "key":
                keys.append({"entry": str(len(entries) - 1), **check_key(where, statement, log)})
                continue
            expect(f"{where}: kind", "segment", said["kind"])
            expect(f"{where}: log", said["log"], log)
            expect(f"{where}: cluster", said["cluster"], cluster)
            chain = said["topic"], said["partition"]
            previous, next_offset = ends.get(chain, (None, said["firstOffset"]))
            expect(f"{where}: previous manifest", said["previous"], previous)
            expect(f"{where}: first offset", said["firstOffset"], next_offset)
            digest = hashlib.sha256(payload).hexdigest()
            ends[chain] = digest, said["nextOffset"]
            heads[chain] = row_of(said, digest, heads.get(chain), commits - 1)
            largest = heads[chain]["maxTimestampMs"]
            expect(f"{where}: largest timestamp", said["largestTimestampMs"], largest)
            expect(f"{where}: head", said["head"], head)
            found = check_segment(where, archive, statement)
            rows, gaps, segments = rows + found[0], gaps + found[1], segments + 1
        _, size, root, *_ = commit["checkpoint"].split("\n")
        expect(f"{path.name}: size", size, str(len(entries)))
        expect(f"{path.name}: root", root, base64.b64encode(leaf.tree_root(entries)).decode())
        head = check_head(archive, path, log, commits - 1, entries, heads, keys)
    return {"commits": commits, "segments": segments, "rows": rows, "gap_offsets": gaps}


if __name__ == "__main__":
    print(json.dumps(check_log(Path(sys.argv[1]))))
