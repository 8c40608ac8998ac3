"""Writes schemas/segment/vectors/leaf.json and census.json, which the product's tests check.

    make_vectors.py DIRECTORY

Nothing in them is random. Hashes and salts are hexadecimal, floats are the 16 digits of their bits,
64-bit integers are texts.
"""

import json
import struct
import sys
from pathlib import Path

import leaf


def floating(bits):
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def python_value(kind, value):
    """The value as leaf.py takes it, from its form in the vectors."""
    if kind in ("int", "time"):
        return int(value)
    if kind == "float":
        return floating(value)
    return bytes.fromhex(value) if kind == "bytes" else value


# Columns of the event schema: path, type, whether it can be erased, value.
REQUIRED = [
    ("event_id", "text", False, "0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6"),
    ("event_time", "time", False, "1790000000123456"),
    ("kind", "text", False, "run.completed"),
    ("schema_version", "int", False, "1"),
]
EVERY_TYPE = [
    *REQUIRED,
    ("agent_id", "text", False, "support-agent"),
    ("approval.eligible_approvers", "texts", False, ["", "b", "a"]),
    ("agent.parameters", "map", False, {"temperature": "0.2", "\u00e9": "", "": "empty key"}),
    ("attributes", "map", True, {"\U0001f980": "crab", "\uffff": "before it in UTF-16, after in UTF-8"}),
    ("on_behalf_of", "texts", True, []),
    ("quarantine.value", "bytes", True, "00ff10"),
    ("quarantine.detail", "text", True, ""),
    ("run.cost_usd", "float", False, "8000000000000000"),
    ("run.duration_ms", "float", False, "fff8000000000001"),
    ("run.input", "text", True, "na\u00efve \u2603 \U0001f980"),
    ("run.refused", "bool", False, True),
    ("run.steps", "int", False, "-9223372036854775808"),
    ("tool.privileged", "bool", False, False),
    ("metric.value", "float", False, "3fb999999999999a"),
    ("received_at", "time", False, "-62135596800000000"),
]
ROWS = [
    {
        "about": "the smallest event; no key, no value, no headers",
        "salt": "00" * 16,
        "offset": "0",
        "timestampType": 0,
        "timestampMs": "-1",
        "schemaId": "json",
        "key": None,
        "value": None,
        "headers": [],
        "cells": REQUIRED,
        "erase": [],
    },
    {
        "about": "all eight types; empty, unordered and foreign text; headers that repeat",
        "salt": "000102030405060708090a0b0c0d0e0f",
        "offset": "9223372036854775806",
        "timestampType": 2,
        "timestampMs": "1790000000123",
        "schemaId": "avro:0123456789abcdef",
        "key": "",
        "value": "c30100",
        "headers": [["trace", "00"], ["trace", None], ["", ""]],
        "cells": EVERY_TYPE,
        "erase": ["run.input", "on_behalf_of"],
    },
    {
        "about": "one erasable field, erased: no salt is kept",
        "salt": "ff" * 16,
        "offset": "7",
        "timestampType": 1,
        "timestampMs": "0",
        "schemaId": "none",
        "key": "6b6579",
        "value": "7b7d",
        "headers": [["h", "31"]],
        "cells": [*REQUIRED, ("run.output", "text", True, "a secret")],
        "erase": ["run.output"],
    },
]


def unhex(text):
    return None if text is None else bytes.fromhex(text)


def leaf_row(row):
    salt = bytes.fromhex(row["salt"])
    headers = [(name, unhex(value)) for name, value in row["headers"]]
    digest = leaf.record_digest(salt, unhex(row["key"]), unhex(row["value"]), headers)
    plain, hidden = {}, {}
    for path, kind, erasable, value in row["cells"]:
        cell = leaf.cell(path, kind, python_value(kind, value))
        if erasable:
            hidden[path] = leaf.commitment(leaf.salt_of(salt, path), cell)
        else:
            plain[path] = cell
    place = ("agent.events", 3, int(row["offset"]), int(row["timestampMs"]), row["timestampType"])
    data = leaf.preimage(*place, row["schemaId"], digest, plain, hidden)
    erase = row["erase"]
    return {
        **row,
        "topic": "agent.events",
        "partition": 3,
        "cells": [
            {"path": path, "type": kind, "erasable": erasable, "value": value}
            for path, kind, erasable, value in sorted(row["cells"])
        ],
        "recordDigest": digest.hex(),
        "preimage": data.hex(),
        "leaf": leaf.leaf_hash(data).hex(),
        # What an erased row stores instead of its salt and the erased values.
        "erasedCommitments": {path: hidden[path].hex() for path in erase},
        "keptSalts": {
            path: leaf.salt_of(salt, path).hex() for path in sorted(hidden) if path not in erase
        },
    }


def trees():
    leaves = [leaf.leaf_hash(struct.pack(">I", number)) for number in range(300)]
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 64, 65, 300]:
        size, root = leaf.segment_tree(leaves[:count])
        yield {"leaves": count, "size": str(size), "root": root.hex()}


CENSUS = [
    ("support-agent", "run.completed", "pod-1", 3, 7),
    ("support-agent", "run.completed", "pod-1", 3, 9),
    ("support-agent", "run.completed", "pod-1", 3, 9),
    ("support-agent", "approval.decided", "pod-1", None, -(2**63)),
    ("support-agent", "approval.decided", "pod-1", None, 2**63 - 1),
    ("\U0001f980", "tool.called", None, None, None),
    ("\uffff", "tool.called", "pod \"1\"\n", -1, 0),
    (None, "quarantine.added", "pod-2", 1, None),
]


def write(path, document):
    header = {"generator": "tests/oracles/make_vectors.py"}
    text = json.dumps({**header, **document}, indent=1, ensure_ascii=True)
    path.write_text(text + "\n")


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    write(
        directory / "leaf.json",
        {
            "format": "driftseal/leaf/v1",
            "rows": [leaf_row(row) for row in ROWS],
            "treesAbout": "leaf number i is the RFC 6962 leaf of i as 4 bytes, big-endian",
            "trees": list(trees()),
        },
    )
    text, hashes = leaf.census(CENSUS)
    names = ("agentId", "kind", "sourceId", "epoch", "seq")
    shown = [
        {name: str(v) if isinstance(v, int) else v for name, v in zip(names, row)} for row in CENSUS
    ]
    write(
        directory / "census.json",
        {
            "format": "driftseal/census/v1",
            "records": shown,
            "object": text.decode(),
            "rowLeaves": [digest.hex() for digest in hashes],
            "root": leaf.tree_root(hashes).hex(),
        },
    )
