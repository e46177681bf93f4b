"""Philox 4x32 as in src/base/philox.h, on numpy arrays: the same words here and in C++.

Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. Run as a program, this file checks
itself against the known answers that the authors publish with Random123.
"""

import numpy as np

PURPOSE_TEST = 255  # frugal::Purpose::test

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter, key, rounds=10):
    """Four arrays (or numbers) of words for four of counters and a key of two numbers."""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1 = key
    for _ in range(rounds):
        a, b = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (b >> _HALF) ^ c1 ^ np.uint64(k0),
            b & _LOW,
            (a >> _HALF) ^ c3 ^ np.uint64(k1),
            a & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return tuple(np.asarray(c).astype(np.uint32) for c in (c0, c1, c2, c3))


def words(seed, layer, count, draw=0, epoch=0, purpose=PURPOSE_TEST):
    """The first `count` words of RandomStream(seed, purpose, layer, epoch) at `draw`."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    stream = (purpose << 24) ^ layer
    four = philox4x32((blocks, draw, epoch, stream), (seed & 0xFFFFFFFF, seed >> 32))
    return np.stack(np.broadcast_arrays(*four), axis=1).reshape(-1)[:count]


def uniform01(w):
    """[0, 1) with 24 bits, exact in float32."""
    return (w >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def uniform_below(w, n):
    return ((w.astype(np.uint64) * np.uint64(n)) >> _HALF).astype(np.int64)


def check_known_answers():
    """kat_vectors of Random123 for philox4x32_10."""
    ones = 0xFFFFFFFF
    answers = [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ones,) * 4, (ones,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ]
    for counter, key, expected in answers:
        found = tuple(int(w) for w in philox4x32(counter, key))
        if found != expected:
            raise SystemExit(f"philox4x32{counter}: found {found}, expected {expected}")


if __name__ == "__main__":
    check_known_answers()
    print("philox4x32_10 gives Random123's known answers")
