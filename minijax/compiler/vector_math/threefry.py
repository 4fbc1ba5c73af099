"""The hash behind random numbers, which `minijax.lax.threefry` explains.

A key is one uint64; its first word is the lower half. There are only additions, exclusive
ors and rotations of uint32, so a vector of counters is hashed at once.
"""

from __future__ import annotations


def rotate(x, r):
    """x with its bits moved up by r, those that fall off at the top put in below."""
    return uint32((x << uint32(r)) | (x >> uint32(32 - r)))


def mixed(x, y, r):
    """One round, on two words."""
    x = uint32(x + y)
    return x, uint32(rotate(y, r) ^ x)


def mixed_13(x, y):
    """Four rounds of the first kind."""
    x, y = mixed(x, y, 13)
    x, y = mixed(x, y, 15)
    x, y = mixed(x, y, 26)
    return mixed(x, y, 6)


def mixed_17(x, y):
    """Four rounds of the second kind."""
    x, y = mixed(x, y, 17)
    x, y = mixed(x, y, 29)
    x, y = mixed(x, y, 16)
    return mixed(x, y, 24)


def threefry(key, counter):
    """The two words of the hash of a counter, of 64 bits, under a key."""
    a, b = uint32(key), uint32(key >> uint64(32))
    c = uint32(a ^ b ^ uint32(0x1BD11BDA))
    x, y = mixed_13(uint32(a + uint32(counter >> 32)), uint32(b + uint32(counter)))
    x, y = mixed_17(uint32(x + b), uint32(y + c + uint32(1)))
    x, y = mixed_13(uint32(x + c), uint32(y + a + uint32(2)))
    x, y = mixed_17(uint32(x + a), uint32(y + b + uint32(3)))
    x, y = mixed_13(uint32(x + b), uint32(y + c + uint32(4)))
    return uint32(x + c), uint32(y + a + uint32(5))


def threefry_32(key, counter):
    """32 random bits."""
    x, y = threefry(key, counter)
    return uint32(x ^ y)


def threefry_64(key, counter):
    """64 random bits."""
    x, y = threefry(key, counter)
    return (uint64(x) << uint64(32)) | uint64(y)


def halves_swapped(x):
    """The halves of a uint64 in the other order: as a key, whose upper word comes first."""
    return (x << uint64(32)) | (x >> uint64(32))


def threefry_key(key, counter):
    """A new key."""
    return halves_swapped(threefry_64(key, counter))
