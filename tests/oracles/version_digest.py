"""The digest of an agent version, written from schemas/version/README.md alone.

Standard library only.

    version_digest.py tree DIRECTORY      prints the digest of a directory
    version_digest.py version DOCUMENT    prints the digest of a version document (a file with JSON)
    version_digest.py vectors FILE        checks the vectors
    version_digest.py make                prints the vectors
"""

import hashlib
import json
import os
import stat
import struct
import sys


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01", root(leaves[:split]), root(leaves[split:]))


def leaf(path, kind, content):
    data = b"" if kind == "d" else hashlib.sha256(content).digest()
    return sha256(
        b"\x00", b"driftseal/tree/v1\n", kind.encode(), struct.pack(">I", len(path)), path, data
    )


def tree(entries):
    """Of (path, type, content), paths and contents as bytes."""
    leaves = [leaf(*entry) for entry in sorted(entries, key=lambda entry: entry[0])]
    return "tree-v1:" + root(leaves).hex()


def entries_of(top):
    """What is in a directory. It does not refuse what a writer must refuse."""
    top = os.fsencode(top)
    for directory, names, files in os.walk(top):
        below = os.path.relpath(directory, top)
        if not names and not files and below != b".":
            yield below, "d", b""
        for name in names + files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            relative = os.path.relpath(path, top)
            if stat.S_ISLNK(mode):
                yield relative, "l", os.readlink(path)
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    yield relative, "f", file.read()


def canonical(value):
    """RFC 8785 of objects, lists and texts."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
    return "{" + ",".join(f"{canonical(key)}:{canonical(item)}" for key, item in members) + "}"


def version(document):
    return "sha256:" + sha256(b"driftseal/version/v1\n", canonical(document).encode()).hex()


def group(document):
    return "set-v1:" + sha256(b"driftseal/set/v1\n", canonical(document).encode()).hex()


def make():
    trees = [
        ("one file", [(b"a", "f", b"")]),
        ("the order of paths is that of bytes", [
            (b"a/b", "f", b"1"), (b"a.b", "f", b"2"), (b"\xc3\xa9", "f", b"3"),
        ]),
        ("ends of lines stay as they are", [(b"dos", "f", b"a\r\n"), (b"unix", "f", b"a\n")]),
        ("a name that is not Unicode", [(b"\xff\x01", "f", b"x"), (b"b", "f", b"y")]),
        ("links and empty directories", [
            (b"d/f", "f", b"x"), (b"e", "d", b""), (b"l", "l", b"d/f"), (b"m", "l", b"./d"),
        ]),
        ("seven files", [(str(n).encode(), "f", bytes([n]) * n) for n in range(7)]),
    ]
    documents = [
        {"prompt_digest": "sha256:" + hashlib.sha256(b"Be kind.\n").hexdigest()},
        {
            "model_name": "m",
            "model_provider": "p",
            "parameters": {"temperature": "0.2", "\ufb01": "1", "\U0001f600": "2", "a\"\\\n": "\u00e9"},
            "corpus_digests": [tree(trees[0][1]), tree(trees[1][1])],
            "policy_version": "refunds@7",
            "code_commit": "c0ffee",
        },
    ]
    sets = [{"system": documents[0]["prompt_digest"], "style": tree(trees[0][1])}]
    return {
        "made_by": "tests/oracles/version_digest.py make",
        "trees": [
            {
                "name": name,
                "entries": [
                    {"path": path.hex(), "type": kind, "content": content.hex()}
                    for path, kind, content in entries
                ],
                "digest": tree(entries),
            }
            for name, entries in trees
        ],
        "sets": [{"document": item, "digest": group(item)} for item in sets],
        "versions": [{"document": item, "digest": version(item)} for item in documents],
    }


def check(vectors):
    for case in vectors["trees"]:
        entries = [
            (bytes.fromhex(entry["path"]), entry["type"], bytes.fromhex(entry["content"]))
            for entry in case["entries"]
        ]
        assert tree(entries) == case["digest"], case["name"]
    for case in vectors["sets"]:
        assert group(case["document"]) == case["digest"], case
    for case in vectors["versions"]:
        assert version(case["document"]) == case["digest"], case
    return sum(len(vectors[name]) for name in ("trees", "sets", "versions"))


def main(verb, *rest):
    if verb == "tree":
        print(tree(list(entries_of(rest[0]))))
    elif verb == "version":
        with open(rest[0], encoding="utf-8") as file:
            print(version(json.load(file)))
    elif verb == "vectors":
        with open(rest[0], encoding="utf-8") as file:
            print(check(json.load(file)), "vectors hold")
    elif verb == "make":
        print(json.dumps(make(), indent=1))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["help"]))
