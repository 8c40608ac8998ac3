"""Verifies proofs of events, written from schemas/evidence/proof.md and the pages that it names.

    verify_proof.py PROOF POLICY        ends with 0 VERIFIED, 1 FAILED, 3 UNVERIFIABLE
    verify_proof.py --vectors FILE      checks the answer to every document of proof.json

Standard library only; shares no code with the product.
"""

import base64
import json
import re
import struct
import sys
from decimal import Decimal
from datetime import datetime, timedelta, timezone
from pathlib import Path

import ed25519
import leaf


class Failed(Exception):
    """What does not hold."""


class Unverifiable(Exception):
    """Why it cannot be said."""


def need(holds, what):
    if not holds:
        raise Failed(what)


MEMBERS = {
    **{name: str for name in ("format", "event_id", "topic", "offset", "timestamp_ms", "schema_id")},
    **{name: str for name in ("record_digest", "leaf", "index", "manifest", "tlog_proof")},
    **{"partition": int, "timestamp_type": int, "fields": list, "segment_path": list},
}
FIELD = {"path": str, "cell_type": int, "value": str, "shown": str}
OPTIONAL = ("salt", "commitment")
OTHERS = ("installation", "key", "erasure", "compaction", "retention")


def members(pairs):
    need(len(dict(pairs)) == len(pairs), "a member repeats")
    return dict(pairs)


def shape(document, types, optional=()):
    need(isinstance(document, dict), "not an object")
    need(set(types) <= set(document) <= set(types) | set(optional), "members")
    for name, kind in types.items():
        need(type(document[name]) is kind, f"type of {name}")
    for name in optional:
        need(document.get(name) is None or isinstance(document[name], str), f"type of {name}")


def integer(text, low, high):
    need(re.fullmatch(r"0|-?[1-9][0-9]*", text), f"`{text}` is not an integer in its one spelling")
    need(low <= int(text) <= high, f"{text} is out of range")
    return int(text)


def digest(text):
    need(re.fullmatch(r"[0-9a-f]{64}", text), f"`{text}` is not a digest")
    return bytes.fromhex(text)


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Failed(f"base64: {error}") from error
    need(base64.b64encode(data).decode() == text, "base64 in another spelling")
    return data


def texts(value, per_item):
    (number,), rest, parts = struct.unpack(">I", value[:4]), value[4:], []
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        if len(rest) < 4 + length:
            raise ValueError("cut off")
        parts.append(rest[4 : 4 + length].decode())
        rest = rest[4 + length :]
    if number * per_item != len(parts):
        raise ValueError("another number of texts")
    items = [parts[at : at + per_item] for at in range(0, len(parts), per_item)]
    return "; ".join(" = ".join(item) for item in items)


def floating(number):
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "inf" if number > 0 else "-inf"
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")


def instant(micros):
    try:
        at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)
    except OverflowError:
        return f"{micros} µs since the epoch"
    return at.strftime("%Y").rjust(4, "0") + at.strftime("-%m-%dT%H:%M:%S.%fZ")


def shown(kind, value):
    try:
        if kind == 1:
            return {b"\0": "false", b"\1": "true"}[value]
        if kind == 2:
            return str(struct.unpack(">q", value)[0])
        if kind == 3:
            return floating(struct.unpack(">d", value)[0])
        if kind == 4:
            return value.decode()
        if kind == 6:
            return instant(struct.unpack(">q", value)[0])
        if kind in (7, 8):
            return texts(value, kind - 6)
    except (KeyError, ValueError, struct.error):
        pass
    return f"{len(value)} bytes with SHA-256 {leaf.sha256(value).hex()}"


def keys_of(policy):
    keys = []
    for line in policy.splitlines():
        if line.strip() and not line.startswith("#"):
            use, text = line.split()
            keys.append((use, *key(text)))
    return keys


def key(text):
    """Name, id and public key of the text of a key."""
    name, key_id, data = text.split("+", 2)
    data = unbase64(data)
    need(data[0] == 1 and len(data) == 33, "not an Ed25519 key")
    need(leaf.sha256(name.encode(), b"\n", data)[:4].hex() == key_id, "key id")
    return name, key_id, data[1:]


def accept(keys, statement):
    """The keys that are believed behind an entry."""
    said = statement["predicate"]
    if said["kind"] != "key":
        return keys
    need(set(said) == {"key", "kind", "log", "program", "use"}, "members of a key entry")
    need(all(isinstance(value, str) for value in said.values()), "texts of a key entry")
    need(said["use"] in ("sealer", "evidence"), "use of a key")
    accepted = key(said["key"])
    subject = {"digest": {"sha256": leaf.sha256(said["key"].encode()).hex()}, "name": accepted[0]}
    need(statement["subject"] == [subject], "subject of a key entry")
    need(all(other[1:] == accepted for other in keys if other[1] == accepted[0]), "one key of a name")
    return [*keys, (said["use"], *accepted)]


def key_of(keys, use, name, key_id):
    named = [key for key in keys if key[:2] == (use, name)]
    if not named:
        raise Unverifiable(f"neither policy nor log name the {use} `{name}`")
    found = [key[3] for key in named if key[2] == key_id]
    need(found, f"`{name}` is known by another key")
    return found[0]


def in_tree(hashed, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    need(index < size, "index outside of the tree")
    at, last = index, size - 1
    for node in path:
        need(last > 0, "the path is too long")
        if at & 1 or at == last:
            hashed = leaf.sha256(b"\x01", node, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = leaf.sha256(b"\x01", hashed, node)
        at, last = at >> 1, last >> 1
    need(last == 0, "the path is too short")
    need(hashed == root, "the path leads to another root")


def open_entry(envelope, keys):
    """Payload and statement of a log entry that a sealer signed who is believed there."""
    document = json.loads(envelope, object_pairs_hook=members)
    need(leaf.canonical(document).decode() == envelope, "the envelope is not canonical")
    need(set(document) == {"payload", "payloadType", "signatures"}, "members of the envelope")
    (signature,) = document["signatures"]
    need(document["payloadType"] == "application/vnd.in-toto+json", "payload type")
    payload, name = unbase64(document["payload"]), signature["keyid"].rpartition("+")
    key = key_of(keys, "sealer", name[0], name[2])
    kind = document["payloadType"].encode()
    head = b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload))
    need(ed25519.verify(key, head + payload, unbase64(signature["sig"])), "manifest signature")
    statement = json.loads(payload, object_pairs_hook=members)
    need(leaf.canonical(statement) == payload, "the statement is not canonical")
    if statement["predicateType"] != "urn:driftseal:manifest:v1":
        raise Unverifiable("the statement is of another type")
    return payload, statement


def open_manifest(envelope, keys):
    _, statement = open_entry(envelope, keys)
    kind = statement["predicate"]["kind"]
    need(kind not in OTHERS, "the manifest is of another kind")
    if kind != "segment":
        raise Unverifiable(f"the manifest is of kind {kind}")
    return statement["predicate"]


def open_checkpoint(note, keys):
    text, blank, lines = note.rpartition("\n\n")
    need(blank and lines.count("\n") == 1 and lines.endswith("\n"), "form of the checkpoint")
    origin, size, root = text.split("\n")
    dash, name, data = lines[:-1].split(" ")
    data = unbase64(data)
    need(dash == "—" and name == origin, "the checkpoint is not signed by its origin")
    key = key_of(keys, "log", name, data[:4].hex())
    need(ed25519.verify(key, (text + "\n").encode(), data[4:]), "checkpoint signature")
    root = unbase64(root)
    need(len(root) == 32, "root of the checkpoint")
    return origin, integer(size, 0, 2**64 - 1), root


def check(proof, policy):
    need(isinstance(proof, dict) and isinstance(proof.get("format"), str), "no format")
    if proof["format"] != "driftseal/proof/v1":
        raise Unverifiable("another format")
    need(isinstance(proof.get("keys", []), list), "type of keys")
    shape({name: value for name, value in proof.items() if name != "keys"}, MEMBERS)
    plain, erasable, event_ids = {}, {}, []
    paths = [field.get("path", "").encode() for field in proof["fields"]]
    need(all(a < b for a, b in zip(paths, paths[1:])), "the fields do not ascend")
    for field in proof["fields"]:
        shape(field, FIELD, OPTIONAL)
        value, path = unbase64(field["value"]), field["path"]
        salt, commitment = field.get("salt"), field.get("commitment")
        need(salt is None or commitment is None, f"{path}: salt and commitment")
        if commitment is not None:
            need(field["cell_type"] == 0 and not value, f"{path}: a value beside a commitment")
            need(field["shown"] == "(erased)", f"{path}: shown value")
            erasable[path] = digest(commitment)
            continue
        need(field["shown"] == shown(field["cell_type"], value), f"{path}: shown value")
        need(0 <= field["cell_type"] < 256, f"{path}: type")
        cell = leaf.short(path.encode()) + bytes([field["cell_type"]]) + leaf.long(value)
        if salt is None:
            plain[path] = cell
        else:
            erasable[path] = leaf.commitment(digest(salt), cell)
        if path == "event_id":
            event_ids.append(field["shown"])
    need(event_ids == [proof["event_id"]], "event id")
    need(0 <= proof["partition"] < 2**31 and 0 <= proof["timestamp_type"] < 256, "numbers")
    place = integer(proof["offset"], 0, 2**63 - 1), integer(proof["timestamp_ms"], -(2**63), 2**63 - 1)
    place = proof["topic"], proof["partition"], *place, proof["timestamp_type"]
    preimage = leaf.preimage(
        *place, proof["schema_id"], digest(proof["record_digest"]), plain, erasable
    )
    hashed = leaf.leaf_hash(preimage)
    need(hashed == digest(proof["leaf"]), "leaf")

    # What is in the log is found first, then who signed it, in the order of the log.
    head, blank, note = proof["tlog_proof"].partition("\n\n")
    title, at, *path = head.split("\n")
    need(blank and title == "c2sp.org/tlog-proof@v1" and at.startswith("index "), "log proof")
    path = [unbase64(line) for line in path]
    need(len(path) <= 64 and all(len(node) == 32 for node in path), "path in the log")
    keys = keys_of(policy)
    origin, size, root = open_checkpoint(note, keys)
    at = integer(at.removeprefix("index "), 0, 2**64 - 1)
    in_tree(leaf.leaf_hash(proof["manifest"].encode()), at, size, path, root)
    lowest, accepting = 0, proof.get("keys", [])
    for entry in accepting:
        shape(entry, {"envelope": str, "index": str, "path": list})
        number = integer(entry["index"], 0, 2**64 - 1)
        need(lowest <= number < at, "order of the entries that accept keys")
        lowest = number + 1
        path = [digest(text) for text in entry["path"]]
        in_tree(leaf.leaf_hash(entry["envelope"].encode()), number, size, path, root)
    for entry in accepting:
        _, statement = open_entry(entry["envelope"], keys)
        said = statement["predicate"]
        need(said["log"] == origin, "log of an entry")
        need((said["kind"], said.get("use")) == ("key", "sealer"), "an entry that accepts a sealer")
        keys = accept(keys, statement)

    manifest = open_manifest(proof["manifest"], keys)
    need(manifest["log"] == origin, "log of the manifest")
    need(manifest["topic"] == proof["topic"], "topic")
    need(manifest["partition"] == proof["partition"], "partition")
    index = integer(proof["index"], 0, 2**64 - 1)
    need(index < int(manifest["count"]), "index in the segment")
    path = [digest(text) for text in proof["segment_path"]]
    in_tree(hashed, index, int(manifest["tree"]["size"]), path, digest(manifest["tree"]["root"]))


def verify(text, policy):
    """The answer and its reason."""
    try:
        check(json.loads(text, object_pairs_hook=members), policy)
    except Failed as why:
        return "FAILED", str(why)
    except Unverifiable as why:
        return "UNVERIFIABLE", str(why)
    except (KeyError, TypeError, ValueError) as why:
        return "FAILED", f"form: {why!r}"
    return "VERIFIED", ""


def check_vectors(path):
    vectors = json.loads(Path(path).read_text())
    found = []
    for vector in vectors["proofs"]:
        verdict, why = verify(vector["document"], vector["policy"])
        found.append(verdict)
        if verdict != vector["verdict"]:
            print(json.dumps({"mismatch": vector["about"], "stated": vector["verdict"], "found": verdict, "why": why}))
            sys.exit(1)
    print(json.dumps({verdict: found.count(verdict) for verdict in sorted(set(found))}))


if __name__ == "__main__":
    if sys.argv[1] == "--vectors":
        check_vectors(sys.argv[2])
    else:
        verdict, why = verify(Path(sys.argv[1]).read_text(), Path(sys.argv[2]).read_text())
        print(json.dumps({"verdict": verdict, "why": why}))
        sys.exit({"VERIFIED": 0, "FAILED": 1, "UNVERIFIABLE": 3}[verdict])
