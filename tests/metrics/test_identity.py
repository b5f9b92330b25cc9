from __future__ import annotations

import subprocess
import sys

import numpy as np

from molgan.metrics import HashedIdentities, hash64


def test_the_hash_is_blake2b_in_every_process() -> None:
    # Fixed for good: bundles carry these numbers. Value computed with b2sum --length=64.
    expected = int.from_bytes(bytes.fromhex("6d200b6f6c9553c3"), "little")
    assert hash64("CCO") == expected
    code = "from molgan.metrics import hash64; print(hash64('CCO'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == expected


def test_contains_tells_known_from_new() -> None:
    known = HashedIdentities.from_smiles(["CCO", "C", "CCO", "N"])
    assert len(known) == 3
    assert known.contains(["N", "O", "CCO", "OCC"]).tolist() == [True, False, True, False]
    assert known.contains([]).tolist() == []


def test_an_empty_set_knows_nothing() -> None:
    assert HashedIdentities.from_smiles([]).contains(["C"]).tolist() == [False]


def test_the_array_alone_rebuilds_the_set() -> None:
    known = HashedIdentities.from_smiles(map(str, range(1000)))
    again = HashedIdentities(np.random.default_rng(0).permutation(known.array))
    np.testing.assert_array_equal(again.array, known.array)
    assert known.array.dtype == np.uint64
    assert again.contains(["17", "1000"]).tolist() == [True, False]
