"""Verifies evidence packs, written from schemas/evidence/pack.md, parquet.md and the pages they name.

    verify_pack.py PACK POLICY [KEPT [CONSISTENCY]]     ends with 0 VERIFIED, 1 FAILED, 3 UNVERIFIABLE; KEPT
                                is a checkpoint of the log from earlier, CONSISTENCY leads from it to a newer one
    verify_pack.py --serve      a line of JSON for each on standard input: `pack` is a path,
                                `policy`, `kept` and `consistency` are texts or null

Shares no code with the product. pyarrow is asked for Zstandard only. Tables and `pack.json` are made
again; the wording of `report.html` is the product's.
"""

import hashlib
import json
import re
import struct
import sys
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

import ed25519
import leaf
import pack_facts
import slice
import verify_consistency
from verify_proof import Failed, Unverifiable, accept, digest, integer, key_of, keys_of, members, need
from verify_proof import open_checkpoint, open_entry, unbase64

FIRST = ["checkpoint", "log/entries.jsonl", "log/head.json", "log/nodes.txt", "log/census.jsonl"]
LAST = ["pack.json", "report.html", "SHA256SUMS", "SHA256SUMS.sig"]
LINE_MAX, WHOLE_MAX = 32 << 20, 16 << 20
KINDS = {"installation", "segment", "key", "erasure", "compaction", "retention"}
U32, U64 = 2**32 - 1, 2**64 - 1


def names_of(files):
    numbered = [(f"events/{at:05}.parquet", f"proofs/{at:05}.jsonl") for at in range(files)]
    tables = [f"events/{at:05}.csv" for at in range(files)]
    return [*FIRST, *(name for pair in numbered for name in pair), *tables, *LAST]


def unzip(data):
    """The entries, in order; headers and directory are made again and compared."""
    need(len(data) >= 22, "no zip file")
    start = struct.unpack("<I", data[-6:-2])[0]
    if start == U32:
        need(len(data) >= 98, "no zip file")
        start = struct.unpack("<Q", data[-50:-42])[0]
    at, place, entries, central = start, 0, {}, b""
    while data[at : at + 4] == b"PK\x01\x02":
        need(at + 46 <= len(data), "a record that is cut off")
        method, crc = struct.unpack("<H", data[at + 10 : at + 12])[0], data[at + 16 : at + 20]
        stored, size, length, extra = struct.unpack("<IIHH", data[at + 20 : at + 32])
        name = data[at + 46 : at + 46 + length]
        version = 20 if method == 8 else 10
        common = struct.pack("<HHHH", 0, 8 if method == 8 else 0, 0, 0x21) + crc
        common += struct.pack("<IIH", stored, size, length)
        local = b"PK\x03\x04" + struct.pack("<H", version) + common + bytes(2) + name
        need(data[place : place + len(local)] == local, "a local header")
        far = place >= U32
        record = struct.pack("<BBH", 45 if far else version, 3, 45 if far else version) + common
        tail = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, min(place, U32)) + name
        central += b"PK\x01\x02" + record + struct.pack("<H", 12 if far else 0) + tail
        central += struct.pack("<HHQ", 1, 8, place) if far else b""
        content = data[place + len(local) : place + len(local) + stored]
        need(len(content) == stored, "an entry that is cut off")
        if method == 8:
            inflate = zlib.decompressobj(-15)
            content = inflate.decompress(content, size + 1)
            need(inflate.eof and not inflate.unused_data, "a content of its size")
        need(len(content) == size and struct.pack("<I", zlib.crc32(content)) == crc, "a content")
        need(name.decode() not in entries, "a name twice")
        need((method == 8) != name.endswith(b".parquet"), "what is deflated")
        entries[name.decode()] = content
        place += len(local) + stored
        at += 46 + length + extra
    need(place == start, "bytes between entries and directory")
    count, size = len(entries), len(central)
    if max(size, place) >= U32 or count >= 0xFFFF:
        end = struct.pack("<QHHIIQQQQ", 44, 0x32D, 45, 0, 0, count, count, size, place)
        central += b"PK\x06\x06" + end + b"PK\x06\x07" + struct.pack("<IQI", 0, place + size, 1)
        count, size, place = 0xFFFF, U32, U32
    central += b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", count, count, size, place, 0)
    need(central == data[start:], "the directory")
    files, rest = divmod(len(entries) - len(FIRST) - len(LAST), 3)
    need(rest == 0 and list(entries) == names_of(files), "entries of the pack")
    need(all(len(entries[name]) <= WHOLE_MAX for name in [*LAST, FIRST[0], FIRST[2]]), "sizes")
    return entries, files


def open_signature(note, sums, keys):
    """The evidence key's note about the list of digests."""
    if not any(use == "evidence" for use, *_ in keys):
        raise Unverifiable("no evidence key")
    text, blank, lines = note.rpartition("\n\n")
    need(blank and lines.endswith("\n") and lines.count("\n") == 1, "form of the signature")
    mark, name, encoded = (lines[:-1].split(" ") + [""] * 3)[:3]
    raw = unbase64(encoded)
    need(mark == "—" and len(raw) == 68, "form of the signature")
    key = key_of(keys, "evidence", name, raw[:4].hex())
    need(ed25519.verify(key, (text + "\n").encode(), raw[4:]), "evidence signature")
    need(text == f"driftseal/pack/v3\n{sums}", "what the evidence key signs")


def lines(content):
    need(not content or content.endswith(b"\n"), "no newline at the end")
    found = content.split(b"\n")[:-1]
    need(all(len(line) < LINE_MAX for line in found), "a line that is too long")
    return [line.decode() for line in found]


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
        "lastRecord": said["lastRecord"],
        "writerSchemas": said["writerSchemas"],
    }


def amid(said, digest_of):
    return {
        "manifest": digest_of,
        "topicId": said["topicId"],
        "nextOffset": said["nextOffset"],
        "nextSequence": str(int(said["sequence"]) + 1),
        "maxTimestampMs": said["largestTimestampMs"],
        "disorderMs": "0",
        "lastRecord": said["lastRecord"],
        "writerSchemas": said["writerSchemas"],
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
        same = ("manifest", "topicId", "nextOffset", "nextSequence", "maxTimestampMs", "lastRecord", "writerSchemas")
        need(all(at[name] == end[name] for name in same), "the entries end before the period does")


def check_log(entries, sums, keys, start, stop, kept):
    """Steps 4 to 8; gives the log, the segments that touch the period, the ends of all chains, and the
    entries of which values were erased."""
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

    # What is not in the log is signed by nobody; and each entry by whom those before it believe.
    opened, accepted = [], []
    for at, entry in zip(indices, listed):
        payload, statement = open_entry(entry["envelope"], keys)
        opened.append((at, payload, statement))
        said = statement["predicate"]
        if said["kind"] not in KINDS:
            raise Unverifiable(f"entry {at} is of kind {said['kind']}")
        if at < head_size and said["kind"] == "key":
            accepted.append({"entry": str(at), "key": said["key"], "use": said["use"]})
        keys = accept(keys, statement)
    open_signature(entries["SHA256SUMS.sig"].decode(), sums, keys)
    log = {"origin": origin, "root": root.hex(), "size": size}
    if kept is not None:
        check_kept(kept, keys, log, (edge, head_size), leaves[len(leaves) - len(after) :])
    name = {"sequence": head["sequence"], "sha256": hashlib.sha256(entries["log/head.json"]).hexdigest()}
    of_chains, ends, named, others, cluster, segments, erased = {}, {}, 0, 0, None, [], set()
    rows = {(row["topic"], row["partition"]): row for row in head["partitions"]}
    ends.update(rows)
    for at, payload, statement in opened:
        digest_of = hashlib.sha256(payload).hexdigest()
        said = statement["predicate"]
        need(said["log"] == origin, "log of an entry")
        others += at < head_size and said["kind"] != "segment"
        need((at == 0) == (said["kind"] == "installation"), "installation")
        if at == 0:
            cluster, installed = said["cluster"], said["topics"]
            continue
        if said["kind"] == "key":
            continue
        if said["kind"] == "erasure":
            erased |= {int(number) for number in said["entries"]}
            continue
        if said["kind"] != "segment":
            raise Unverifiable(f"entry {at} is of kind {said['kind']}")
        need(said["cluster"] == cluster, "cluster")
        chain = said["topic"], said["partition"]
        if at < head_size:
            need(chain in rows, "a partition that the head does not have")
            of_chains.setdefault(chain, []).append((at, said, digest_of))
        else:
            need(said["head"] == name, "head that the log names")
            named += 1
            ends[chain] = follow(ends.get(chain), said, digest_of)
        if int(said["minTimestampMs"]) < stop and int(said["maxTimestampMs"]) >= start:
            segments.append((at, statement))
    need(indices[0] == 0, "no first entry")
    need(named, "no entry names the head")
    need(others == head_size - sum(int(row["nextSequence"]) for row in rows.values()), "other kinds")
    need(accepted == head["keys"], "keys of the head")
    for chain, row in rows.items():
        check_run(of_chains.get(chain, []), row, start, stop, int(ends[chain]["disorderMs"]))
    return log, segments, ends, erased, unsealed(installed, ends)


def hashed(row, erasable):
    """The leaf of a row."""
    plain, hidden, kept = {}, dict(row["erased_commitments"] or {}), dict(row["kept_salts"] or {})
    need(row["salt"] is None or not (hidden or kept), "a salt though values are missing")
    need(row["salt"] is not None or hidden, "no salt though nothing is missing")
    need(all(path in slice.EVENT and slice.EVENT[path][2] for path in hidden), "what may be missing")
    need(all(row.get(path) is None for path in hidden), "a value that is missing and there")
    for path, (kind, _, _) in slice.EVENT.items():
        if (value := row.get(path)) is None:
            continue
        cell = leaf.cell(path, kind, value)
        if path not in erasable:
            plain[path] = cell
            continue
        salt = kept.pop(path) if row["salt"] is None else leaf.salt_of(row["salt"], path)
        hidden[path] = leaf.commitment(salt, cell)
    need(not kept, "a salt without a value")
    place = [row[f"kafka_{name}"] for name in ("topic", "partition", "offset", "timestamp", "timestamp_type")]
    return leaf.leaf_hash(leaf.preimage(*place, row["schema_id"], row["record_digest"], plain, hidden))


def runs(text, count):
    """Indices of the rows of a segment."""
    found, lowest = [], 0
    for run in text.split(","):
        first, dash, end = run.partition("-")
        first = integer(first, lowest, count - 1)
        end = integer(end, first + 1, count - 1) if dash else first
        lowest = end + 2
        found.extend(range(first, end + 1))
    return found


def check_censuses(entries, agent, segments):
    """Events of the agent by segment and kind, and what else the censuses say."""
    censuses = lines(entries["log/census.jsonl"])
    need(len(censuses) == len(segments), "number of censuses")
    expected, quarantined, alike = {}, 0, {}
    for (at, statement), text in zip(segments, censuses):
        counted = statement["subject"][1]["digest"]["sha256"]
        need(hashlib.sha256(text.encode()).hexdigest() == counted, "census digest")
        rows = json.loads(text)["agents"]
        need(sum(int(row["count"]) for row in rows) <= int(statement["predicate"]["count"]), "census counts")
        expected[at] = {row["kind"]: int(row["count"]) for row in rows if row["agent"] == agent}
        quarantined += sum(int(row["count"]) for row in rows if row["kind"] == "quarantine.added")
        for row in rows:
            if pack_facts.similar(agent, row["agent"]):
                alike[row["agent"]] = alike.get(row["agent"], 0) + int(row["count"])
    names = sorted(alike, key=str.encode)[:20]
    return expected, quarantined, [{"agent_id": name, "events": alike[name]} for name in names]


def check_rows(entries, files, agent, segments, expected, withheld, erased):
    """Gives the rows of each file, as they are checked."""
    said_of = {at: statement["predicate"] for at, statement in segments}
    fields = [said_of[at]["fields"] for at, kinds in expected.items() if kinds]
    paths = {path for of in fields for path in of["plain"] + of["erasable"]}
    if not paths <= set(slice.EVENT):
        raise Unverifiable("a field that no schema has")
    order, found, current = [at for at, _ in segments], {at: {} for at in expected}, None
    proofs = [line for file in range(files) for line in lines(entries[f"proofs/{file:05}.jsonl"])]

    def close():
        if current is None:
            return
        at, leaves = current
        need(proofs, "a line for each segment")
        place = exact(proofs.pop(0), {"entry": str, "indices": str, "nodes": list})
        need(place["entry"] == str(at), "segment of a line")
        said = said_of[at]
        indices = runs(place["indices"], int(said["count"]))
        need(len(indices) == len(leaves), "number of places")
        nodes = [unbase64(node) for node in place["nodes"]]
        root = fold(int(said["tree"]["size"]), int(said["count"]), dict(zip(indices, leaves)), nodes)
        need(root.hex() == said["tree"]["root"], "rows of a segment")

    def is_of(at, row):
        said = said_of[at]
        same = (row["kafka_topic"], row["kafka_partition"]) == (said["topic"], said["partition"])
        return same and int(said["firstOffset"]) <= row["kafka_offset"] < int(said["nextOffset"])

    for file in range(files):
        try:
            columns, count = slice.read(entries[f"events/{file:05}.parquet"], paths)
        except slice.Form as why:
            raise Failed(f"file {file}: {why}") from why
        rows = [{path: values[row] for path, values in columns.items()} for row in range(count)]
        for row in rows:
            if current is None or not is_of(current[0], row):
                close()
                rest = order[order.index(current[0]) + 1 :] if current else order
                at = next((at for at in rest if is_of(at, row)), None)
                need(at is not None, "a row of a segment of the period")
                current, offset = (at, []), -1
            at, leaves = current
            said = said_of[at]
            need(row["kafka_offset"] > offset, "order of rows")
            offset = row["kafka_offset"]
            times = int(said["minTimestampMs"]), int(said["maxTimestampMs"])
            need(times[0] <= row["kafka_timestamp"] <= times[1], "timestamp of a row")
            need(row.get("agent_id") == agent, "agent of a row")
            need(all(row.get(path) is None for path in withheld), "what is withheld")
            missing = set(row["erased_commitments"] or {})
            need(at in erased or missing <= withheld, "a value is missing without a reason")
            leaves.append(hashed(row, set(said["fields"]["erasable"])))
            found[at][row["kind"]] = found[at].get(row["kind"], 0) + 1
        yield rows
    close()
    need(not proofs, "lines without rows")
    need(found == expected, "completeness")


def unsealed(topics, ends):
    """Of what the log is for: partitions, or topics of an unknown number of them, without a segment."""
    found = []
    for topic in topics:
        there = {partition for name, partition in ends if name == topic["name"]}
        if topic["partitions"] is None:
            runs = None
            missing = not there
        else:
            runs, at = [], 0
            for number in sorted(there | {topic["partitions"]}):
                if number > topic["partitions"]:
                    break
                if number > at:
                    runs.append(f"{at}" if number == at + 1 else f"{at}-{number - 1}")
                at = number + 1
            missing, runs = bool(runs), ",".join(runs)
        if missing:
            found.append({"topic": topic["name"], "partitions": runs})
    return found


def coverage(ends, segments, stop):
    found = []
    for topic, partition in sorted(ends, key=lambda chain: (chain[0].encode(), chain[1])):
        end, said = ends[topic, partition], [s["predicate"] for _, s in segments]
        said = [of for of in said if (of["topic"], of["partition"]) == (topic, partition)]
        inside = None
        if said:
            offsets = sum(int(of["nextOffset"]) - int(of["firstOffset"]) for of in said)
            events = sum(int(of["count"]) for of in said)
            inside = {"segments": len(said), "events": events, "gaps": offsets - events}
            inside |= {"first_offset": int(said[0]["firstOffset"])}
            inside |= {"next_offset": int(said[-1]["nextOffset"])}
        largest = int(end["maxTimestampMs"])
        reach = {"reaches": pack_facts.broker_time(largest)}
        reach["reaches_end"] = None if stop is None else largest >= millis(stop)
        place = {"topic": topic, "partition": partition, "next_offset": int(end["nextOffset"])}
        found.append({**place, **reach, "segments": int(end["nextSequence"]), "in_period": inside})
    return found


def millis(text):
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text), "an instant in its form")
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


EARLIEST, LATEST = millis("0001-01-01T00:00:00.000000Z"), millis("9999-12-31T23:59:59.999000Z")


def check_kept(kept, keys, log, head, after):
    """Step 7: what a kept checkpoint vouches for is the beginning of the log."""
    note, document = kept
    origin, size, root = open_checkpoint(note, keys)
    known = [(size, root)]
    if document is not None:
        known += [verify_consistency.check(document.encode(), keys, (origin, size, root))[1:]]
    need(origin == log["origin"], "log of the kept checkpoint")
    need(size <= log["size"], "the log is shorter than it was")
    edge, at = head
    proven = [(size, root) for size, root in known if at <= size <= log["size"]]
    for size, root in proven:
        grown, _ = append(edge, at, after[: size - at])
        need(root_of(grown) == root, "root of the kept checkpoint")
    if not proven:
        raise Unverifiable("the kept checkpoint leads to none that the pack proves")


def check(data, policy, kept):
    entries, files = unzip(data)
    summed = [(name, content) for name, content in entries.items() if name not in LAST[2:]]
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in summed)
    need(entries["SHA256SUMS"] == sums.encode(), "digests")
    claimed = json.loads(entries["pack.json"], object_pairs_hook=members)
    if claimed["format"] != "driftseal/pack/v3":
        raise Unverifiable("another format")
    scope, withheld = claimed["scope"], set(claimed["withheld"])
    need(all(path in slice.EVENT and slice.EVENT[path][2] for path in withheld), "what can be withheld")
    if policy is None:
        raise Unverifiable("no policy")
    keys = keys_of(policy)
    sums = hashlib.sha256(sums.encode()).hexdigest()
    start = EARLIEST if scope["from"] is None else millis(scope["from"])
    stop = LATEST if scope["to"] is None else millis(scope["to"])
    need(scope["agent_id"] and start < stop, "scope")
    log, segments, ends, erased, nothing = check_log(entries, sums, keys, start, stop, kept)
    agent = scope["agent_id"]
    expected, quarantined, alike = check_censuses(entries, agent, segments)
    counter, columns = pack_facts.Counter(start, stop, withheld), claimed["facts"]["columns"]
    need(all(path in slice.EVENT for path in columns), "columns of the tables")
    for file, rows in enumerate(check_rows(entries, files, agent, segments, expected, withheld, erased)):
        for row in rows:
            counter.add(row)
        table = pack_facts.table(columns, filter(counter.is_in_period, rows))
        need(table == entries[f"events/{file:05}.csv"], f"table {file}")
    facts = counter.facts() | {"coverage": coverage(ends, segments, scope["to"]), "files": files}
    facts |= {"log": log, "quarantined_of_any_agent": quarantined, "similar_names": alike}
    facts |= {"segments_in_period": len(segments), "unsealed": nothing}
    facts |= {"segments_with_events": sum(bool(kinds) for kinds in expected.values())}
    need(pack_facts.document(facts, claimed) == entries["pack.json"], "pack.json")
    return len(segments), counter.rows


def verify(data, policy, kept=None, consistency=None):
    """The answer, its reason, and how many segments and rows were checked."""
    verdict, why, segments, rows = "VERIFIED", "", 0, 0
    try:
        segments, rows = check(data, policy, None if kept is None else (kept, consistency))
    except Failed as reason:
        verdict, why = "FAILED", str(reason)
    except Unverifiable as reason:
        verdict, why = "UNVERIFIABLE", str(reason)
    except (LookupError, TypeError, ValueError, RecursionError, zlib.error, struct.error) as reason:
        verdict, why = "FAILED", f"form: {reason!r}"
    # Its wording is the product's: it was not rendered again.
    signed_only = "report.html" if verdict == "VERIFIED" else None
    answer = {"verdict": verdict, "why": why, "segments": segments, "rows": rows}
    return answer | {"signed_only": signed_only}


def serve():
    for line in sys.stdin:
        asked = json.loads(line)
        data = Path(asked["pack"]).read_bytes()
        print(json.dumps(verify(data, asked["policy"], asked["kept"], asked["consistency"])), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        sys.exit(serve())
    data, texts = Path(sys.argv[1]).read_bytes(), [Path(path).read_text() for path in sys.argv[2:]]
    answer = verify(data, *texts)
    print(json.dumps(answer))
    sys.exit({"VERIFIED": 0, "FAILED": 1, "UNVERIFIABLE": 3}[answer["verdict"]])
