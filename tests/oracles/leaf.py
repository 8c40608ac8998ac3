"""The leaf of a record, the tree and the census of a segment, written from schemas/segment/*.md alone.

Standard library only. Values are Python's: bool, int, float, str, bytes, list of str, dict of str.
"""

import hashlib
import hmac
import json
import struct

TYPES = {"bool": 1, "int": 2, "float": 3, "text": 4, "bytes": 5, "time": 6, "texts": 7, "map": 8}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def short(data):
    return struct.pack(">H", len(data)) + data


def long(data):
    return struct.pack(">I", len(data)) + data


def cell(path, kind, value):
    """Path, type and value of a column."""
    if kind == "bool":
        data = bytes([value])
    elif kind in ("int", "time"):
        data = struct.pack(">q", value)
    elif kind == "float":
        data = bytes.fromhex("7ff8000000000000") if value != value else struct.pack(">d", value)
    elif kind == "text":
        data = value.encode()
    elif kind == "bytes":
        data = value
    elif kind == "texts":
        data = struct.pack(">I", len(value)) + b"".join(long(text.encode()) for text in value)
    else:
        pairs = sorted((key.encode(), text.encode()) for key, text in value.items())
        data = struct.pack(">I", len(pairs)) + b"".join(long(k) + long(v) for k, v in pairs)
    return short(path.encode()) + bytes([TYPES[kind]]) + long(data)


def salt_of(row_salt, path):
    return hmac.new(row_salt, path.encode(), hashlib.sha256).digest()


def commitment(salt, encoded_cell):
    return sha256(b"driftseal/field/v1\n", salt, encoded_cell)


def record_digest(row_salt, key, value, headers):
    def nullable(data):
        return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data

    encoded = b"".join(long(name.encode()) + nullable(data) for name, data in headers)
    salt = salt_of(row_salt, "")
    return sha256(b"driftseal/record/v1\n", salt, nullable(key), nullable(value), encoded)


def preimage(topic, partition, offset, timestamp_ms, timestamp_type, schema_id, digest, plain, erasable):
    """What a leaf hashes after its 00 byte. `plain` maps paths to cells, `erasable` to commitments."""
    paths = sorted(erasable, key=str.encode)
    return b"".join(
        [
            b"driftseal/leaf/v1\n",
            short(topic.encode()),
            struct.pack(">IQqB", partition, offset, timestamp_ms, timestamp_type),
            short(schema_id.encode()),
            digest,
            struct.pack(">H", len(plain)),
            *(plain[path] for path in sorted(plain, key=str.encode)),
            struct.pack(">H", len(erasable)),
            *(short(path.encode()) + erasable[path] for path in paths),
        ]
    )


def leaf_hash(data):
    return sha256(b"\x00", data)


def tree_root(hashes):
    """Root of RFC 6962, section 2.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    left = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\x01", tree_root(hashes[:left]), tree_root(hashes[left:]))


def edge(hashes):
    """Roots of the complete subtrees, largest first."""
    roots, start = [], 0
    for bit in reversed(range(len(hashes).bit_length())):
        if len(hashes) >> bit & 1:
            roots.append(tree_root(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return roots


def segment_tree(leaves):
    """Size and root of a segment's tree: its leaves, padded to a power of two."""
    size = 1 << (len(leaves) - 1).bit_length()
    return size, tree_root(leaves + [leaf_hash(b"")] * (size - len(leaves)))


def canonical(document):
    """RFC 8785 for what is used here: texts, lists, objects with ASCII keys, small integers."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def census(rows):
    """Census object and hashes of its rows, from (agent, kind, source id, epoch, number) of each record."""
    agents, sources = {}, {}
    for agent, kind, source, epoch, number in rows:
        agents[agent or "", kind] = agents.get((agent or "", kind), 0) + 1
        if source is not None and number is not None:
            sources.setdefault((source, epoch or 0), []).append(number)
    head = b"driftseal/census/v1\n"
    document = {"format": "driftseal/census/v1", "agents": [], "sources": []}
    hashes = []
    for (agent, kind), count in sorted(agents.items()):
        document["agents"].append({"agent": agent, "kind": kind, "count": str(count)})
        tail = struct.pack(">Q", count)
        hashes.append(leaf_hash(head + b"\x01" + long(agent.encode()) + long(kind.encode()) + tail))
    for (source, epoch), numbers in sorted(sources.items()):
        first, last, count = min(numbers), max(numbers), len(numbers)
        missing = last - first + 1 - len(set(numbers))
        row = {"first": first, "last": last, "count": count, "missing": missing}
        row = {"id": source, "epoch": epoch, **row}
        document["sources"].append({name: str(value) for name, value in row.items()})
        tail = struct.pack(">qqqQQ", epoch, first, last, count, missing)
        hashes.append(leaf_hash(head + b"\x02" + long(source.encode()) + tail))
    return canonical(document), hashes
