#!/usr/bin/env python3
"""Writes state-tree.json: sets of leaves, the root that the protocol's definition gives them, and proofs in canonical bytes.

Follows the definition word by word and shares nothing with the implementation. Run: python3 state-tree.py > state-tree.json
"""

import hashlib
import json

EMPTY = bytes(32)


def tagged(tag, message):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + message).digest()


def bit(path, level):
    return path[level // 8] >> (7 - level % 8) & 1


def root(leaves, level=0):
    """A subtree with one leaf is that leaf; an empty one is 32 zero bytes."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        ((path, value),) = leaves.items()
        return tagged("qlink/state-leaf", path + value)
    sides = [{p: v for p, v in leaves.items() if bit(p, level) == side} for side in (0, 1)]
    return tagged("qlink/state-node", root(sides[0], level + 1) + root(sides[1], level + 1))


def proof(leaves, path):
    siblings, level = [], 0
    while len(leaves) > 1:
        siblings.append(root({p: v for p, v in leaves.items() if bit(p, level) != bit(path, level)}, level + 1))
        leaves = {p: v for p, v in leaves.items() if bit(p, level) == bit(path, level)}
        level += 1
    if not leaves:
        end = b"\0"
    elif path in leaves:
        end = b"\1" + leaves[path]
    else:
        ((other, value),) = leaves.items()
        end = b"\2" + other + value
    places = bytearray((len(siblings) + 7) // 8)
    for level, sibling in enumerate(siblings):
        if sibling != EMPTY:
            places[level // 8] |= 1 << level % 8
    kept = [sibling for sibling in siblings if sibling != EMPTY]
    return end + len(places).to_bytes(4, "little") + places + len(kept).to_bytes(4, "little") + b"".join(kept)


def number(n):
    return hashlib.sha256(b"%d" % n).digest()


def flipped(path, level):
    changed = bytearray(path)
    changed[level // 8] ^= 1 << (7 - level % 8)
    return bytes(changed)


def case(name, leaves, absent):
    proofs = [{"path": p.hex(), "value": leaves[p].hex() if p in leaves else None, "proof": proof(leaves, p).hex()} for p in absent]
    entries = [{"path": p.hex(), "value": v.hex()} for p, v in leaves.items()]
    return {"name": name, "leaves": entries, "root": root(leaves).hex(), "proofs": proofs}


one, two = bytes(31) + b"\1", number(2)
hundred = {number(n): number(n + 1000) for n in range(100)}
cases = [
    case("empty", {}, [one]),
    case("one leaf", {one: two}, [one, two]),
    case("parting at the first bit", {one: two, flipped(one, 0): one}, [one, flipped(one, 1)]),
    case("parting at the last bit", {one: two, flipped(one, 255): one}, [one, flipped(one, 255), flipped(one, 200), flipped(one, 0)]),
    case("a shared beginning and one apart", {one: two, flipped(one, 250): one, two: one}, [one, two, flipped(one, 251), flipped(two, 9)]),
    case("a hundred", hundred, [number(7), number(99), number(100), number(101), number(102)]),
]
if __name__ == "__main__":
    print(json.dumps({"origin": "state-tree.py, from the protocol's definition", "cases": cases}, indent=1))
