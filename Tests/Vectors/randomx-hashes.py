#!/usr/bin/env python3
"""RandomX by another hand: the PyPI package "randomx" hashes what randomx-hashes.json has, and must find the same.

    python3 -m venv build/randomx && build/randomx/bin/pip install randomx     (needs cmake and g++)
    build/randomx/bin/python Tests/Vectors/randomx-hashes.py            compares
    build/randomx/bin/python Tests/Vectors/randomx-hashes.py --write    makes the file anew
"""
import hashlib
import json
import pathlib
import sys

import randomx

FILE = pathlib.Path(__file__).with_suffix(".json")


def blob(number):
    """76 to 80 bytes that look like a block's hashing blob, from their number alone."""
    text = b"".join(hashlib.sha256(b"blob %d %d" % (number, part)).digest() for part in range(3))
    return text[: 76 + number % 5]


def questions():
    for seed in range(3):
        for number in range(4):
            yield hashlib.sha256(b"seed %d" % seed).digest(), blob(4 * seed + number)


def answer(pairs):
    machines, vectors = {}, []
    for seed, text in pairs:
        if seed not in machines:
            machines.clear()  # each takes 256 MiB
            machines[seed] = randomx.RandomX(seed, full_mem=False, secure=False, large_pages=False)
        vectors.append({"seed": seed.hex(), "blob": text.hex(), "hash": machines[seed](text).hex()})
    return vectors


if "--write" in sys.argv:
    FILE.write_text(json.dumps({"origin": "PyPI randomx 1.1.10, by randomx-hashes.py", "hashes": answer(questions())}, indent=1) + "\n")
held = json.loads(FILE.read_text())["hashes"]
found = answer((bytes.fromhex(v["seed"]), bytes.fromhex(v["blob"])) for v in held)
wrong = [number for number, (a, b) in enumerate(zip(held, found)) if a != b]
if not held or wrong:
    sys.exit("randomx-hashes.json: vectors %s are not what PyPI's randomx finds" % wrong)
print("randomx-hashes.json: %d hashes, the same by PyPI's randomx" % len(held))
