#!/usr/bin/env python3
"""Checks ledger.json against the protocol's words: fields in their order, Borsh's integers and lengths, hashes tagged by type.

Builds the genesis of board/genesis/devnet.json with its state root, and transactions of several kinds, byte by byte. Shares nothing with
the implementation but the values; signatures are taken as they stand. Run: python3 ledger.py
"""

import hashlib
import importlib.util
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
QLC = 100_000_000
HOUR = 3_600_000


def tagged(tag, message):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + message).digest()


def u8(number):
    return struct.pack("<B", number)


def u16(number):
    return struct.pack("<H", number)


def u32(number):
    return struct.pack("<I", number)


def u64(number):
    return struct.pack("<Q", number)


def data(content):
    return u32(len(content)) + content


def some(content):
    return u8(0) if content is None else u8(1) + content


def array(items):
    return u32(len(items)) + b"".join(items)


def amount(text):
    whole, fraction = text.split(".")
    return int(whole) * QLC + int(fraction)


# The parameters in their order, with the values that the protocol starts from.
PARAMETERS = {
    "fee_base": 10_000, "fee_per_byte": 10, "fee_per_record": 100_000, "epoch_blocks": 1_200, "epoch_time": 2 * HOUR, "seats": 21,
    "minimum_stake": 1_000 * QLC, "unbonding_time": 14 * 24 * HOUR, "asset_confirmations": 6, "block_bytes": 512 << 10,
    "block_transactions": 2_000, "urgent_percent": 20, "dispute_window_least": HOUR // 60, "dispute_window_most": 30 * 24 * HOUR,
    "double_vote_permyriad": 500, "reporter_permyriad": 1_000, "missed_percent": 50, "usage_kept": 64,
}  # fmt: skip


def parameters(file):
    return b"".join(u64(value) for value in (PARAMETERS | file["parameters"]).values())


def genesis(file):
    allocations = [bytes.fromhex(one["key"]) + u64(amount(one["amount"])) for one in file["allocations"]]
    vesting = [
        bytes.fromhex(one["key"]) + u64(amount(one["amount"])) + u64(one["start"]) + u64(one["end"]) for one in file["vesting"]
    ]
    delegates = [bytes.fromhex(one["key"]) + u64(amount(one["stake"])) + u16(one["commission"]) for one in file["delegates"]]
    return (
        data(file["name"].encode()) + u64(file["time"]) + parameters(file) + array(allocations) + array(vesting) + array(delegates)
    )


KINDS = [
    "account", "delegate", "delegation", "unbonding", "vesting", "asset", "tariff", "channel", "content", "usage", "parameters",
    "funds", "epoch", "attendance", "proposal",
]  # fmt: skip


def state_root(file):
    """The root of the state before the first block: path = tagged key, leaf = tagged value."""
    leaves = {}

    def put(kind, name, value):
        tag = u8(KINDS.index(kind) + 1)
        leaves[tagged("qlink/state-key", tag + name)] = tagged("qlink/state-value", tag + value)

    for one in file["allocations"]:
        put("account", bytes.fromhex(one["key"]), u64(amount(one["amount"])) + u64(0))
    for index, one in enumerate(file["vesting"]):
        key = bytes.fromhex(one["key"])
        value = key + u64(amount(one["amount"])) + u64(0) + u64(one["start"]) + u64(one["end"])
        put("vesting", tagged("qlink/vesting", key + u64(index)), value)
    for one in file["delegates"]:
        key, stake = bytes.fromhex(one["key"]), amount(one["stake"])
        put("delegate", key, key + u8(0) + u16(one["commission"]) + u64(stake) + u64(stake) + u64(0))
        put("delegation", tagged("qlink/delegation", key + key), key + key + u64(stake) + u64(0))
    # Four delegates weigh what the least of them has; all together at most 2 to the 53rd.
    least = min(amount(one["stake"]) for one in file["delegates"])
    total = least * len(file["delegates"])
    power = least // -(-total // 2**53)
    members = sorted(bytes.fromhex(one["key"]) for one in file["delegates"])
    members = array([key + u64(power) for key in members])
    put("epoch", bytes(32), u64(0) + u64(1) + u64(file["time"]) + members * 3)
    put("attendance", bytes(32), u8(len(file["delegates"])) + u32(0) * len(file["delegates"]))
    put("funds", bytes(32), u64(0) * 3)
    put("parameters", bytes(32), parameters(file))
    spec = importlib.util.spec_from_file_location("state_tree", HERE / "state-tree.py")
    tree = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tree)
    return tree.root(leaves)


def hashed(number):
    return tagged("vector", u8(number))


def asset_facts():
    return (
        u8(2) + data(b"u0nd9k") + data(b"192.0.2.1:2050") + u64(0x02005E005301) + data(b"Qlink") + u64(50_000_000)
        + u64(10_000_000) + hashed(1) + hashed(2) + data(b"")
    )  # fmt: skip


def payloads(keys, session, chain):
    """Kind: its place in the protocol's list, and its body."""
    voucher = chain + hashed(3) + u64(2 * QLC) + u64(1_000_000) + u64(5) + hashed(4)
    terms = keys[1] + session + some(hashed(5)) + u64(25 * QLC) + hashed(2) + u64(1_798_800_000_000) + u64(HOUR)
    return {
        "transfer": (1, keys[1] + u64(150_000_000)),
        "stake": (2, keys[2] + u64(500 * QLC)),
        "unstake": (3, keys[2] + u64(2**64 - 1)),
        "registerDelegate": (4, u16(1_234)),
        "vote": (6, u8(5) + u64(25)),
        "registerAsset": (7, asset_facts()),
        "updateAsset": (8, hashed(5) + asset_facts()),
        "retireAsset": (9, hashed(5)),
        "publishTariff": (10, data(b"a tariff")),
        "openChannel": (11, terms),
        "topUpChannel": (12, hashed(3) + u64(QLC) + u64(1_798_900_000_000)),
        "settleChannels": (13, u32(1) + session + voucher),
        "closeChannel": (14, hashed(3) + u8(1) + session + voucher),
        "raiseVoucher": (15, session + voucher),
        "registerContent": (16, hashed(6) + u64(20_000_000)),
        "commitUsage": (17, hashed(5) + hashed(7) + u32(2) + array([data(bytes([1, 2, 3])), data(b"")])),
    }


CARRY_A_SIGNATURE = {"settleChannels", "closeChannel", "raiseVoucher"}


def main():
    vectors = json.loads((HERE / "ledger.json").read_text())
    file = json.loads((HERE.parent.parent / "board/genesis/devnet.json").read_text())
    built = genesis(file)
    chain = tagged("qlink/genesis", built)
    assert built.hex() == vectors["genesis"], "genesis"
    assert chain.hex() == vectors["chainID"], "chain id"
    assert state_root(file).hex() == vectors["stateRoot"], "state root"
    keys = [bytes.fromhex(one["key"]) for one in file["delegates"]]
    session = bytes.fromhex(file["allocations"][5]["key"])
    expected = payloads(keys, session, chain)
    for sequence, line in enumerate(vectors["transactions"]):
        signed = bytes.fromhex(line["bytes"])
        assert tagged("qlink/transaction", signed[:-64]).hex() == line["id"], line["kind"]
        if line["kind"] not in expected:
            continue
        tag, body = expected[line["kind"]]
        message = chain + keys[0] + u64(sequence) + u64(123_456) + u64(1_798_761_660_000) + u8(tag) + body
        signatures = 128 if line["kind"] in CARRY_A_SIGNATURE else 64
        assert signed[:-signatures] == message, line["kind"]
    print(f"ledger.json: genesis, its root, {len(vectors['transactions'])} names and {len(expected)} transactions are as the protocol says")


if __name__ == "__main__":
    main()
