"""Verifies proofs that the log went on, written from schemas/evidence/consistency.md.

    verify_consistency.py DOCUMENT POLICY [KEPT]    ends with 0 VERIFIED, 1 FAILED, 3 UNVERIFIABLE
    verify_consistency.py --vectors FILE            checks the answer to every document of consistency.json

Standard library only; shares no code with the product.
"""

import json
import sys
from pathlib import Path

import leaf
from verify_proof import Failed, Unverifiable, digest, keys_of, members, need, open_checkpoint, shape

BYTES_MAX = 65_536
MEMBERS = {"format": str, "older": str, "newer": str, "path": list}


def extends(old_size, old_root, new_size, new_root, path):
    """RFC 9162, section 2.1.4.2, by the definition of the proof in section 2.1.4.1: walks from the top of
    the new tree down to the end of the old one, and folds the nodes on the way back."""
    need(old_size <= new_size, "the older checkpoint is the larger one")
    if old_size == new_size or old_size == 0:
        need(not path, "a path where none is needed")
        need(old_root == (leaf.sha256() if old_size == 0 else new_root), "another root")
        return
    nodes = list(path)

    def fold(size, old, is_whole):
        """Roots of the old part of a subtree of `size` leaves and of all of it; `old` leaves are old."""
        if old == size:
            if is_whole:
                return old_root, old_root
            need(nodes, "the path is too short")
            node = nodes.pop(0)
            return node, node
        left = 1 << ((size - 1).bit_length() - 1)
        if old <= left:
            before, now = fold(left, old, is_whole)
            need(nodes, "the path is too short")
            return before, leaf.sha256(b"\x01", now, nodes.pop(0))
        before, now = fold(size - left, old - left, False)
        need(nodes, "the path is too short")
        node = nodes.pop(0)
        return leaf.sha256(b"\x01", node, before), leaf.sha256(b"\x01", node, now)

    before, now = fold(new_size, old_size, True)
    need(not nodes, "the path is too long")
    need(before == old_root, "the path leads to another root of the older tree")
    need(now == new_root, "the path leads to another root of the newer tree")


def check(data, keys, kept=None):
    """The newer checkpoint of a document that holds, as origin, size and root."""
    need(len(data) <= BYTES_MAX, "too large")
    document = json.loads(data.decode(), object_pairs_hook=members)
    need(isinstance(document, dict) and isinstance(document.get("format"), str), "no format")
    if document["format"] != "driftseal/consistency/v1":
        raise Unverifiable("another format")
    shape(document, MEMBERS)
    need(all(isinstance(node, str) for node in document["path"]), "type of the path")
    path = [digest(node) for node in document["path"]]
    if keys is None:
        raise Unverifiable("no policy")
    older, newer = (open_checkpoint(document[name], keys) for name in ("older", "newer"))
    need(older[0] == newer[0], "of two logs")
    extends(*older[1:], *newer[1:], path)
    if kept is not None:
        need(kept[0] == older[0], "the document is of another log than the kept checkpoint")
        if kept[1] != older[1]:
            raise Unverifiable("the document begins with another checkpoint than the kept one")
        need(kept[2] == older[2], "the kept checkpoint and the older one are of two histories")
    return newer


def verify(data, policy, kept=None):
    """The answer and its reason."""
    try:
        keys = None if policy is None else keys_of(policy)
        check(data, keys, kept and open_checkpoint(kept, keys))
    except Failed as why:
        return "FAILED", str(why)
    except Unverifiable as why:
        return "UNVERIFIABLE", str(why)
    except (KeyError, TypeError, ValueError, RecursionError) as why:
        return "FAILED", f"form: {why!r}"
    return "VERIFIED", ""


def check_vectors(path):
    found = []
    for vector in json.loads(Path(path).read_text())["documents"]:
        verdict, why = verify(vector["document"].encode(), vector["policy"], vector["kept"])
        found.append(verdict)
        if verdict != vector["verdict"]:
            print(json.dumps({"mismatch": vector["about"], "stated": vector["verdict"], "found": verdict, "why": why}))
            sys.exit(1)
    print(json.dumps({verdict: found.count(verdict) for verdict in sorted(set(found))}))


if __name__ == "__main__":
    if sys.argv[1] == "--vectors":
        check_vectors(sys.argv[2])
    else:
        verdict, why = verify(Path(sys.argv[1]).read_bytes(), *(Path(path).read_text() for path in sys.argv[2:]))
        print(json.dumps({"verdict": verdict, "why": why}))
        sys.exit({"VERIFIED": 0, "FAILED": 1, "UNVERIFIABLE": 3}[verdict])
