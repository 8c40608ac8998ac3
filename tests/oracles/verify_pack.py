"""Verifies evidence packs, written from schemas/evidence/pack.md and the pages that it names.

    verify_pack.py PACK POLICY        ends with 0 VERIFIED, 1 FAILED, 3 UNVERIFIABLE

Shares no code with the product; needs pyarrow for `events.parquet`. The table, the report and the
numbers in `pack.json` are not rendered again: that is for the product.
"""

import hashlib
import io
import json
import struct
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import leaf
from read_segment import COORDINATES, columns_of
from verify_proof import Failed, Unverifiable, digest, integer, keys_of, members, need
from verify_proof import open_checkpoint, open_entry, unbase64

NAMES = {
    *("SHA256SUMS", "checkpoint", "events.csv", "events.parquet", "log/census.jsonl"),
    *("log/entries.jsonl", "log/head.json", "log/nodes.txt", "pack.json", "proofs.jsonl"),
    "report.html",
}
U64 = 2**64 - 1


def unzip(data):
    """The entries; they must make the same file again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    files, directory = b"", b""
    for name, content in sorted(entries.items()):
        common = b"\x0a\x00" + bytes(6) + b"\x21\x00"
        common += struct.pack("<IIIHH", zipfile.crc32(content), len(content), len(content), len(name), 0)
        tail = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(files)) + name.encode()
        directory += b"PK\x01\x02\x0a\x03" + common + tail
        files += b"PK\x03\x04" + common + name.encode() + content
    end = struct.pack("<HHIIH", len(entries), len(entries), len(directory), len(files), 0)
    need(files + directory + b"PK\x05\x06" + bytes(4) + end == data, "zip in another form")
    return entries


def lines(content):
    need(not content or content.endswith(b"\n"), "no newline at the end")
    return content.decode().split("\n")[:-1]


def exact(line, types):
    """A line that is one JSON object in its exact form."""
    found = json.loads(line, object_pairs_hook=members)
    need(set(found) == set(types), "members of a line")
    need(all(type(found[name]) is kind for name, kind in types.items()), "types of a line")
    again = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    need(again == line, "a line in another form")
    return found


def fold(size, count, listed, nodes):
    """Root of a tree from listed leaves, by index, and the nodes of their proof."""
    need(listed and max(listed) < count <= size, "indices in the tree")
    indices, nodes = sorted(listed), list(nodes)

    def walk(start, end, below):
        if end - start == 1:
            return listed[start] if below else (nodes.pop(0) if start < count else leaf.leaf_hash(b""))
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if not below and start < count:
            need(nodes, "a node is missing")
            return nodes.pop(0)
        left = [at for at in below if at < middle]
        right = [at for at in below if at >= middle]
        return leaf.sha256(b"\x01", walk(start, middle, left), walk(middle, end, right))

    root = walk(0, size, indices)
    need(not nodes, "a node is left over")
    return root


def append(edge, size, leaves):
    """The complete subtrees of a tree that grows, largest first."""
    edge = list(edge)
    for hashed in leaves:
        carried, rest = hashed, size
        while rest & 1:
            carried, rest = leaf.sha256(b"\x01", edge.pop(), carried), rest >> 1
        edge.append(carried)
        size += 1
    return edge, size


def root_of(edge):
    root = edge[-1]
    for node in reversed(edge[:-1]):
        root = leaf.sha256(b"\x01", node, root)
    return root


def follow(end, said, digest_of):
    """The end of a chain with its next segment; `end` is what the head would have."""
    smallest, largest = int(said["minTimestampMs"]), int(said["maxTimestampMs"])
    disorder = 0
    if end is None:
        need(said["sequence"] == "0" and said["previous"] is None, "first of a chain")
    else:
        before = int(end["maxTimestampMs"])
        need(said["sequence"] == end["nextSequence"], "chain sequence")
        need(said["previous"] == end["manifest"], "chain link")
        need(said["topicId"] == end["topicId"], "topic identity")
        need(said["firstOffset"] == end["nextOffset"], "contiguous offsets")
        disorder, largest = max(int(end["disorderMs"]), before - smallest), max(before, largest)
    need(said["largestTimestampMs"] == str(largest), "largest timestamp")
    missing = sum(int(length) for _, length, _ in said["gaps"])
    offsets = int(said["nextOffset"]) - int(said["firstOffset"])
    need(offsets == int(said["count"]) + missing, "records and gaps")
    return {
        "manifest": digest_of,
        "topicId": said["topicId"],
        "nextOffset": said["nextOffset"],
        "nextSequence": str(int(said["sequence"]) + 1),
        "maxTimestampMs": str(largest),
        "disorderMs": str(disorder),
    }


def amid(said, digest_of):
    return {
        "manifest": digest_of,
        "topicId": said["topicId"],
        "nextOffset": said["nextOffset"],
        "nextSequence": str(int(said["sequence"]) + 1),
        "maxTimestampMs": said["largestTimestampMs"],
        "disorderMs": "0",
    }


def check_run(run, end, start, stop, disorder):
    """The segments of a partition before the head, against the rules of the page."""
    if int(end["maxTimestampMs"]) < start:
        return need(not run, "entries of a partition that ends before the period")
    need(run, "entries around the period are missing")
    over = lambda largest: int(largest) >= stop + disorder
    (_, first, first_digest), rest = run[0], run[1:]
    if first["sequence"] == "0":
        at = follow(None, first, first_digest)
    else:
        need(int(first["largestTimestampMs"]) < start, "the entries begin in the period")
        at = amid(first, first_digest)
    for _, said, digest_of in rest:
        need(not over(at["maxTimestampMs"]), "entries behind the period")
        need(int(said["largestTimestampMs"]) >= start, "two entries before the period")
        at = follow(at, said, digest_of)
    need(int(at["disorderMs"]) <= disorder, "disorder of timestamps")
    need(int(at["maxTimestampMs"]) <= int(end["maxTimestampMs"]), "largest timestamp of the head")
    if int(at["nextSequence"]) >= int(end["nextSequence"]) or not over(at["maxTimestampMs"]):
        same = ("manifest", "topicId", "nextOffset", "nextSequence", "maxTimestampMs")
        need(all(at[name] == end[name] for name in same), "the entries end before the period does")


def check_log(entries, keys, start, stop):
    """Steps 4 to 6; gives the segments that touch the period."""
    origin, size, root = open_checkpoint(entries["checkpoint"].decode(), keys)
    head = json.loads(entries["log/head.json"], object_pairs_hook=members)
    need(leaf.canonical(head) == entries["log/head.json"], "head in another form")
    need(head["format"] == "driftseal/head/v1" and head["origin"] == origin, "head of the log")
    head_size = integer(head["size"], 1, U64)
    edge = [digest(node) for node in head["edge"]]
    need(len(edge) == bin(head_size).count("1"), "edge of the head")
    need(root_of(edge).hex() == head["root"], "root of the head")

    listed = [exact(line, {"envelope": str, "index": str}) for line in lines(entries["log/entries.jsonl"])]
    indices = [integer(entry["index"], 0, U64) for entry in listed]
    need(all(a < b for a, b in zip(indices, indices[1:])), "numbers ascend")
    leaves = [leaf.leaf_hash(entry["envelope"].encode()) for entry in listed]
    after = [at for at in indices if at >= head_size]
    need(after == list(range(head_size, size)), "entries after the head")
    grown, _ = append(edge, head_size, leaves[len(leaves) - len(after) :])
    need(root_of(grown) == root, "log root")
    nodes = [unbase64(line) for line in lines(entries["log/nodes.txt"])]
    old = {at: hashed for at, hashed in zip(indices, leaves) if at < head_size}
    need(fold(head_size, head_size, old, nodes).hex() == head["root"], "entries of the log")

    name = {"sequence": head["sequence"], "sha256": hashlib.sha256(entries["log/head.json"]).hexdigest()}
    runs, ends, named, others, cluster, segments = {}, {}, 0, 0, None, []
    rows = {(row["topic"], row["partition"]): row for row in head["partitions"]}
    ends.update(rows)
    for at, entry in zip(indices, listed):
        payload, statement = open_entry(entry["envelope"], keys)
        digest_of = hashlib.sha256(payload).hexdigest()
        said = statement["predicate"]
        need(said["log"] == origin, "log of an entry")
        others += at < head_size and said["kind"] != "segment"
        need((at == 0) == (said["kind"] == "installation"), "installation")
        if at == 0:
            cluster = said["cluster"]
            continue
        if said["kind"] != "segment":
            raise Unverifiable(f"entry {at} is of kind {said['kind']}")
        need(said["cluster"] == cluster, "cluster")
        chain = said["topic"], said["partition"]
        if at < head_size:
            need(chain in rows, "a partition that the head does not have")
            runs.setdefault(chain, []).append((at, said, digest_of))
        else:
            need(said["head"] == name, "head that the log names")
            named += 1
            ends[chain] = follow(ends.get(chain), said, digest_of)
        if int(said["minTimestampMs"]) < stop and int(said["maxTimestampMs"]) >= start:
            segments.append((at, statement))
    need(indices[0] == 0, "no first entry")
    need(named, "no entry names the head")
    need(others == head_size - sum(int(row["nextSequence"]) for row in rows.values()), "other kinds")
    for chain, row in rows.items():
        check_run(runs.get(chain, []), row, start, stop, int(ends[chain]["disorderMs"]))
    return segments


def rows_of(content):
    """Topic, partition, offset, agent and kind of each row, and its leaf for some erasable columns."""
    columns, kinds, count = columns_of(io.BytesIO(content))

    def hashed(row, at, erasable):
        plain, hidden, kept = {}, dict(at["erased_commitments"] or []), dict(at["kept_salts"] or [])
        for path, kind in kinds.items():
            if path not in columns or (value := columns[path][row]) is None:
                continue
            cell = leaf.cell(path, kind, dict(value) if kind == "map" else value)
            if path in erasable:
                salt = kept[path] if at["salt"] is None else leaf.salt_of(at["salt"], path)
                hidden[path] = leaf.commitment(salt, cell)
            else:
                plain[path] = cell
        place = [at[f"kafka_{name}"] for name in ("topic", "partition", "offset")]
        times = [at["kafka_timestamp"], at["kafka_timestamp_type"], at["schema_id"]]
        return leaf.leaf_hash(leaf.preimage(*place, *times, at["record_digest"], plain, hidden))

    for row in range(count):
        at = {name: columns[name][row] for name in COORDINATES}
        place = [at[f"kafka_{name}"] for name in ("topic", "partition", "offset")]
        named = [columns[name][row] if name in columns else None for name in ("agent_id", "kind")]
        yield *place, *named, lambda erasable, row=row, at=at: hashed(row, at, erasable)


def check_events(entries, agent, segments):
    """Steps 7 to 9."""
    censuses = lines(entries["log/census.jsonl"])
    need(len(censuses) == len(segments), "number of censuses")
    expected = {}
    for (at, statement), text in zip(segments, censuses):
        counted = statement["subject"][1]["digest"]["sha256"]
        need(hashlib.sha256(text.encode()).hexdigest() == counted, "census digest")
        rows = json.loads(text)["agents"]
        expected[at] = {r["kind"]: int(r["count"]) for r in rows if r["agent"] == agent}
    rows, found, last = rows_of(entries["events.parquet"]), {at: {} for at, _ in segments}, -1
    for line in lines(entries["proofs.jsonl"]):
        place = exact(line, {"entry": str, "indices": str, "nodes": list})
        at = integer(place["entry"], last + 1, U64)
        need(at in found, "a segment of the period")
        said, last, listed, lowest = dict(segments)[at]["predicate"], at, {}, 0
        erasable = set(said["fields"]["erasable"])
        for run in place["indices"].split(","):
            first, dash, end = run.partition("-")
            first = integer(first, lowest, int(said["count"]) - 1)
            end = integer(end, first + 1, int(said["count"]) - 1) if dash else first
            lowest = end + 2
            for index in range(first, end + 1):
                topic, partition, offset, of_agent, kind, hashed = next(rows, (None,) * 6)
                need((topic, partition) == (said["topic"], said["partition"]), "partition of a row")
                need(int(said["firstOffset"]) <= offset < int(said["nextOffset"]), "offset of a row")
                need(of_agent == agent, "agent of a row")
                listed[index] = hashed(erasable)
                found[at][kind] = found[at].get(kind, 0) + 1
        nodes = [unbase64(node) for node in place["nodes"]]
        root = fold(int(said["tree"]["size"]), int(said["count"]), listed, nodes)
        need(root.hex() == said["tree"]["root"], "rows of a segment")
    need(next(rows, None) is None, "rows without a place")
    need(found == expected, "completeness")
    return sum(sum(kinds.values()) for kinds in found.values())


def millis(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def check(data, policy):
    entries = unzip(data)
    listed = [(name, content) for name, content in sorted(entries.items()) if name != "SHA256SUMS"]
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in listed]
    need(lines(entries["SHA256SUMS"]) == sums, "digests")
    document = json.loads(entries["pack.json"])
    if document["format"] != "driftseal/pack/v2":
        raise Unverifiable("another format")
    need(set(entries) == NAMES, "entries of the pack")
    scope = document["scope"]
    segments = check_log(entries, keys_of(policy), millis(scope["from"]), millis(scope["to"]))
    return len(segments), check_events(entries, scope["agent_id"], segments)


def verify(data, policy):
    """The answer, its reason, and how many segments and rows were checked."""
    try:
        return "VERIFIED", "", *check(data, policy)
    except Failed as why:
        return "FAILED", str(why), 0, 0
    except Unverifiable as why:
        return "UNVERIFIABLE", str(why), 0, 0
    except (LookupError, TypeError, ValueError, zipfile.BadZipFile) as why:
        return "FAILED", f"form: {why!r}", 0, 0


if __name__ == "__main__":
    verdict, why, segments, rows = verify(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_text())
    print(json.dumps({"verdict": verdict, "why": why, "segments": segments, "rows": rows}))
    sys.exit({"VERIFIED": 0, "FAILED": 1, "UNVERIFIABLE": 3}[verdict])
