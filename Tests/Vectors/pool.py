#!/usr/bin/env python3
"""Writes pool.json: what a mining pool signs, computed without our code (docs/decisions/022-pool.md).

Needs the package `cryptography`. Run from anywhere: python3 Tests/Vectors/pool.py
"""
import hashlib, json, os, struct
from fractions import Fraction
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key(number):
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(private):
    return private.public_key().public_bytes_raw()


def tagged(tag, message):
    name = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(name + name + message).digest()


def u64(value):
    return struct.pack("<Q", value)


def line(member, work, window_work, amount):
    return member + u64(work) + u64(window_work) + u64(amount)


def node(entry):  # {hash, work, amount}
    return entry[0] + u64(entry[1]) + u64(entry[2])


def tree(leaves):  # RFC 6962, section 2.1
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = tree(leaves[:split]), tree(leaves[split:])
    return tagged("qlink/pool-sums", node(left) + node(right)), left[1] + right[1], left[2] + right[2]


def path(index, leaves):
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return path(index, leaves[:split]) + [tree(leaves[split:])]
    return path(index - split, leaves[split:]) + [tree(leaves[:split])]


def share_out(whole, weights):  # largest remainder, with exact fractions
    exact = [Fraction(whole * weight, sum(weights)) for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: whole - sum(parts)]:
        parts[i] += 1
    return parts


POOL, RATE, FEE, REWARD = key(250), 25_000_000_007, 130, 612_345_678_901
WORKS = {1: 700, 2: 1, 3: 333, 4: 90_071, 5: 12}

gross = REWARD * RATE // 10**12
fee = gross * FEE // 10_000
members = sorted((public(key(number)), work) for number, work in WORKS.items())
amounts = share_out(gross - fee, [work for _, work in members])
lines = [line(member, work, work, amount) for (member, work), amount in zip(members, amounts)]
leaves = [(tagged("qlink/pool-line", l), work, amount) for l, (_, work), amount in zip(lines, members, amounts)]
block = hashlib.sha256(b"a block").digest()
statement = (
    u64(1) + bytes(32) + block + u64(3_000_000) + u64(REWARD) + u64(RATE) + u64(FEE) + u64(gross) + u64(fee)
    + struct.pack("<I", len(lines)) + node(tree(leaves))
)
signed = statement + POOL.sign(tagged("qlink/pool-statement", statement))
proofs = [
    (signed + l + struct.pack("<I", i) + struct.pack("<I", len(path(i, leaves))) + b"".join(map(node, path(i, leaves)))).hex()
    for i, l in enumerate(lines)
]
first = public(key(1))
receipt = first + u64(700) + u64(1) + u64(0) + u64(0) + u64(0)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pool.json"), "w") as file:
    json.dump(
        {
            "origin": "pool.py, an implementation of its own",
            "poolSeed": 250, "qlcPerXMRUnits": RATE, "feePermyriad": FEE, "reward": REWARD, "block": block.hex(),
            "height": 3_000_000, "shares": [{"seed": seed, "work": work} for seed, work in WORKS.items()],
            "gross": gross, "fee": fee, "amounts": amounts, "statement": signed.hex(), "proofs": proofs,
            "receipt": (receipt + POOL.sign(tagged("qlink/pool-receipt", receipt))).hex(),
        },
        file, indent=1,
    )
    file.write("\n")
