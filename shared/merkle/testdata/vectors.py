#!/usr/bin/env python3
"""Writes vectors.json: trees, proofs, tiles, signed notes and envelopes.

Independent of the Rust code: written from RFC 6962, RFC 8032 and the texts of C2SP (signed-note,
tlog-checkpoint, tlog-tiles, tlog-proof) and DSSE, with nothing but the standard library. Slow and
plain on purpose. Run it without arguments beside the vectors; it takes some seconds.
"""

import base64
import hashlib
import json
import pathlib
import struct


def sha256(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


# --- trees (RFC 6962, section 2.1) ---------------------------------------------------------------


def leaf(data):
    return sha256(b"\x00" + data)


def node(left, right):
    return sha256(b"\x01" + left + right)


def split(count):
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [root(leaves[k:])]
    return path(m - k, leaves[k:]) + [root(leaves[:k])]


def consistency(m, leaves):
    if m == 0 or m == len(leaves):
        return []
    return subproof(m, leaves, True)


def subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return subproof(m, leaves[:k], whole) + [root(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [root(leaves[:k])]


def padded(leaves):
    size = 1
    while size < len(leaves):
        size *= 2
    return leaves + [leaf(b"")] * (size - len(leaves))


# --- tiles (C2SP tlog-tiles) ---------------------------------------------------------------------


def tile_number(index):
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "/".join(parts)


def tiles(leaves):
    """Every tile of a tree, with its bytes."""
    found = {}
    level, hashes = 0, leaves
    while hashes:
        for start in range(0, len(hashes), 256):
            part = hashes[start : start + 256]
            suffix = "" if len(part) == 256 else ".p/%d" % len(part)
            found["tile/%d/%s%s" % (level, tile_number(start // 256), suffix)] = b"".join(part)
        full = len(hashes) // 256
        hashes = [root(hashes[at * 256 : at * 256 + 256]) for at in range(full)]
        level += 1
    return found


def bundles(entries):
    found = {}
    for start in range(0, len(entries), 256):
        part = entries[start : start + 256]
        suffix = "" if len(part) == 256 else ".p/%d" % len(part)
        data = b"".join(struct.pack(">H", len(entry)) + entry for entry in part)
        found["tile/entries/%s%s" % (tile_number(start // 256), suffix)] = data
    return found


# --- Ed25519 (RFC 8032, section 5.1) -------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x % 2 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | ((x & 1) << 255)).to_bytes(32, "little")


def expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    scalar &= (1 << 254) - 8
    scalar |= 1 << 254
    return scalar, digest[32:]


def public_key(seed):
    return compress(multiply(expand(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = expand(seed)
    public = public_key(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    commitment = compress(multiply(r, BASE))
    challenge = hashlib.sha512(commitment + public + message).digest()
    s = (r + int.from_bytes(challenge, "little") % L * scalar) % L
    return commitment + s.to_bytes(32, "little")


# --- signed notes, checkpoints, proofs, envelopes ------------------------------------------------


def key_id(name, seed):
    return sha256(name.encode() + b"\n\x01" + public_key(seed))[:4]


def note(name, seed, text):
    signature = key_id(name, seed) + sign(seed, text.encode())
    return "%s\n\u2014 %s %s\n" % (text, name, b64(signature))


def checkpoint(origin, leaves):
    return "%s\n%d\n%s\n" % (origin, len(leaves), b64(root(leaves)))


def tlog_proof(index, leaves, signed):
    lines = ["c2sp.org/tlog-proof@v1", "index %d" % index]
    lines += [b64(sibling) for sibling in path(index, leaves)]
    return "\n".join(lines) + "\n\n" + signed


def envelope(payload_type, payload, name, seed):
    head = "DSSEv1 %d %s %d " % (len(payload_type), payload_type, len(payload))
    signature = sign(seed, head.encode() + payload)
    key = "%s+%s" % (name, key_id(name, seed).hex())
    return json.dumps(
        {
            "payload": b64(payload),
            "payloadType": payload_type,
            "signatures": [{"keyid": key, "sig": b64(signature)}],
        },
        separators=(",", ":"),
    )


def hexes(hashes):
    return [item.hex() for item in hashes]


def listing(objects):
    """One digest over the paths and digests of many objects."""
    lines = ["%s %s\n" % (name, sha256(objects[name]).hex()) for name in sorted(objects)]
    return sha256("".join(lines).encode()).hex()


def siblings(start, end):
    """Every pair of sibling subtrees of the tree over some leaves, from the definition."""
    if end - start < 2:
        return
    middle = start + split(end - start)
    yield (start, middle), (middle, end)
    yield from siblings(start, middle)
    yield from siblings(middle, end)


def multiproof(all_leaves, count, listed):
    """Nodes that hold data and no listed leaf, and whose siblings hold a listed one."""
    holds = lambda tree: any(tree[0] <= at < tree[1] for at in listed)
    sent = set()
    for pair in siblings(0, len(all_leaves)):
        for one, other in (pair, pair[::-1]):
            if one[0] < count and not holds(one) and holds(other):
                sent.add(one)
    return [root(all_leaves[start:end]) for start, end in sorted(sent)]


def multiproofs(leaves):
    for size, count in ((1, 1), (2, 2), (7, 7), (8, 5), (21, 21), (64, 33), (70, 70)):
        tree = padded(leaves[:count]) if count < size else leaves[:size]
        assert len(tree) == size
        for listed in ([0], [count - 1], range(count), range(0, count, 3), range(count // 2, count)):
            listed = sorted(set(listed))
            yield {
                "size": size,
                "count": count,
                "listed": listed,
                "nodes": hexes(multiproof(tree, count, listed)),
                "root": root(tree).hex(),
            }


def main():
    leaves = [leaf(struct.pack(">Q", i)) for i in range(66_000)]
    entries = [b"entry %d" % i for i in range(600)]
    name, seed = "log.example.com/vectors", bytes(range(32))
    text = checkpoint(name, leaves[:21])
    signed = note(name, seed, text)
    payload = b'{"a":"\xc3\xa9"}'
    vectors = {
        "about": {
            "generator": "vectors.py (Python standard library only)",
            "leaves": "leaf i is the leaf hash of i as 8 bytes, big-endian",
            "entries": "entry i is the text `entry i`",
        },
        "padding_leaf": leaf(b"").hex(),
        "roots": hexes(root(leaves[:n]) for n in range(0, 301)),
        "padded_roots": hexes(root(padded(leaves[:n])) for n in range(1, 301)),
        "inclusion": {
            str(n): [hexes(path(i, leaves[:n])) for i in range(n)] for n in (1, 2, 3, 7, 8, 21, 70)
        },
        "padded_inclusion": {
            str(n): [hexes(path(i, padded(leaves[:n]))) for i in range(n)] for n in (1, 3, 11, 70)
        },
        "consistency": [
            [hexes(consistency(old, leaves[:new])) for old in range(new + 1)] for new in range(14)
        ],
        "multiproofs": list(multiproofs(leaves)),
        "tiles_of_600": {k: sha256(v).hex() for k, v in sorted(tiles(leaves[:600]).items())},
        "tiles_of_66000": listing(tiles(leaves)),
        "bundles_of_600": {k: sha256(v).hex() for k, v in sorted(bundles(entries).items())},
        "key": {
            "name": name,
            "seed": seed.hex(),
            "id": key_id(name, seed).hex(),
            "vkey": "%s+%s+%s" % (name, key_id(name, seed).hex(), b64(b"\x01" + public_key(seed))),
            "private": "PRIVATE+KEY+%s+%s+%s"
            % (name, key_id(name, seed).hex(), b64(b"\x01" + seed)),
        },
        "checkpoint_of_21": signed,
        "tlog_proof_of_13_in_21": tlog_proof(13, leaves[:21], signed),
        "envelope": {
            "payload_type": "application/vnd.in-toto+json",
            "payload": b64(payload),
            "text": envelope("application/vnd.in-toto+json", payload, name, seed),
        },
    }
    # RFC 8032, section 7.1, TEST 1: this script signs as the RFC does.
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert public_key(secret).hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert sign(secret, b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974")
    target = pathlib.Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
