"""Hash functions of bytes whose values never change: FarmHash Fingerprint64 and SipHash-2-4, as TensorFlow uses them.

Plain Python on integers modulo 2**64. Callers hash each distinct value once.
"""

from collections.abc import Callable

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
"""The primes of FarmHash."""

_CAT = 0xC6A4A7935BD1E995
"""The multiplier of MurmurHash, which combines two fingerprints."""


def fingerprint64(data: bytes) -> int:
    """Return the 64-bit fingerprint of FarmHash (``farmhash::Fingerprint64``, the function ``farmhashna::Hash64``).

    Source: https://github.com/google/farmhash.

    Args:
        data: Bytes of any length.

    Example:
        >>> from cornu.layers.preprocessing.fingerprints import fingerprint64
        >>> fingerprint64(b"A") % 3, fingerprint64(b"B") % 3
        (1, 0)
    """
    if len(data) <= 16:
        return _up_to_16(data)
    if len(data) <= 32:
        return _up_to_32(data)
    if len(data) <= 64:
        return _up_to_64(data)
    return _longer(data)


def _word(data: bytes, at: int) -> int:
    """Return the 8 bytes at a position, which may be negative, as a little-endian integer."""
    at %= len(data)
    return int.from_bytes(data[at : at + 8], "little")


def _half_word(data: bytes, at: int) -> int:
    """Return the 4 bytes at a position, which may be negative, as a little-endian integer."""
    at %= len(data)
    return int.from_bytes(data[at : at + 4], "little")


def _rotate_right(x: int, bits: int) -> int:
    x &= _MASK
    return (x >> bits | x << (64 - bits)) & _MASK


def _fold(x: int) -> int:
    x &= _MASK
    return x ^ (x >> 47)


def _mix(u: int, v: int, factor: int) -> int:
    """Hash two words to one."""
    first = _fold((u ^ v) * factor)
    return _fold(((v & _MASK) ^ first) * factor) * factor & _MASK


def _up_to_16(data: bytes) -> int:
    size = len(data)
    factor = _K2 + 2 * size
    if size >= 8:
        a, b = _word(data, 0) + _K2, _word(data, -8)
        return _mix(_rotate_right(b, 37) * factor + a & _MASK, (_rotate_right(a, 25) + b) * factor & _MASK, factor)
    if size >= 4:
        return _mix(size + (_half_word(data, 0) << 3), _half_word(data, -4), factor)
    if size:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[-1] << 2)
        return _fold(y * _K2 & _MASK ^ z * _K0 & _MASK) * _K2 & _MASK
    return _K2


def _ends(data: bytes, factor: int, first: int) -> tuple[int, int, int]:
    """Return two words that depend on the first and last 16 bytes, and the product of the first word."""
    a, b = _word(data, 0) * first & _MASK, _word(data, 8)
    c, d = _word(data, -8) * factor, _word(data, -16) * _K2
    return (_rotate_right(a + b, 43) + _rotate_right(c, 30) + d) & _MASK, (a + _rotate_right(b + _K2, 18) + c) & _MASK, a


def _up_to_32(data: bytes) -> int:
    factor = _K2 + 2 * len(data)
    y, z, _ = _ends(data, factor, _K1)
    return _mix(y, z, factor)


def _up_to_64(data: bytes) -> int:
    factor = _K2 + 2 * len(data)
    y, z, a = _ends(data, factor, _K2)
    z = _mix(y, z, factor)
    e, f = _word(data, 16) * factor & _MASK, _word(data, 24)
    g, h = (y + _word(data, -32)) * factor, (z + _word(data, -24)) * factor
    u = (_rotate_right(e + f, 43) + _rotate_right(g, 30) + h) & _MASK
    return _mix(u, (e + _rotate_right(f + a, 18) + g) & _MASK, factor)


def _half_block(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Hash 32 bytes with two seeds to two words."""
    w, x, y, z = (_word(data, at + offset) for offset in (0, 8, 16, 24))
    a += w
    b = _rotate_right(b + a + z, 21)
    c = a
    a += x + y
    b += _rotate_right(a, 44)
    return (a + z) & _MASK, (b + c) & _MASK


def _longer(data: bytes) -> int:
    """Hash more than 64 bytes: block by block, and once more the last 64 bytes, which overlap the block before."""
    x, y = 81, 81 * _K1 + 113 & _MASK
    z = _fold(y * _K2 + 113) * _K2 & _MASK
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _word(data, 0)) & _MASK
    for at in range(0, (len(data) - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(data, at, (x, y, z, v, w), _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w = (w[0] + ((len(data) - 1) & 63), w[1])
    v = (v[0] + w[0] & _MASK, v[1])
    w = (w[0] + v[0] & _MASK, w[1])
    x, y, z, v, w = _block(data, len(data) - 64, (x, y, z, v, w), factor, 9)
    return _mix(_mix(v[0], w[0], factor) + _fold(y) * _K0 + z & _MASK, _mix(v[1], w[1], factor) + x & _MASK, factor)


def _block(data: bytes, at: int, state: tuple, factor: int, weight: int) -> tuple:
    """Return the state of the hash after the 64 bytes at a position."""
    x, y, z, v, w = state
    x = _rotate_right(x + y + v[0] + _word(data, at + 8), 37) * factor
    y = _rotate_right(y + v[1] + _word(data, at + 48), 42) * factor
    x = (x ^ w[1] * weight) & _MASK
    y = (y + v[0] * weight + _word(data, at + 40)) & _MASK
    z = _rotate_right(z + w[0], 33) * factor & _MASK
    v = _half_block(data, at, v[1] * factor, x + w[0])
    w = _half_block(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def siphash64(data: bytes, key: tuple[int, int]) -> int:
    """Return the 64-bit SipHash-2-4 of bytes.

    Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", https://www.131002.net/siphash/siphash.pdf.

    Args:
        data: Bytes of any length.
        key: Pair of integers, the two words of the key.

    Example:
        >>> from cornu.layers.preprocessing.fingerprints import siphash64
        >>> key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
        >>> hex(siphash64(bytes(range(15)), key))  # the example of the paper
        '0xa129ca6149be45e5'
    """
    k0, k1 = (word & _MASK for word in key)
    state = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v0, v1, v2, v3 = _rounds((*state[:3], state[3] ^ word), 2)
        state = v0 ^ word, v1, v2, v3
    v0, v1, v2, v3 = _rounds((*state[:2], state[2] ^ 0xFF, state[3]), 4)
    return v0 ^ v1 ^ v2 ^ v3


def _rotate_left(x: int, bits: int) -> int:
    return (x << bits | x >> (64 - bits)) & _MASK


def _rounds(state: tuple[int, int, int, int], count: int) -> tuple[int, int, int, int]:
    """Return the state of SipHash after some rounds."""
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0, v2 = v0 + v1 & _MASK, v2 + v3 & _MASK
        v1, v3 = _rotate_left(v1, 13) ^ v0, _rotate_left(v3, 16) ^ v2
        v0 = _rotate_left(v0, 32)
        v2, v0 = v2 + v1 & _MASK, v0 + v3 & _MASK
        v1, v3 = _rotate_left(v1, 17) ^ v2, _rotate_left(v3, 21) ^ v0
        v2 = _rotate_left(v2, 32)
    return v0, v1, v2, v3


def fingerprint_cat64(first: int, second: int) -> int:
    """Return the fingerprint of a pair of fingerprints; it depends on their order.

    Example:
        >>> from cornu.layers.preprocessing.fingerprints import fingerprint_cat64
        >>> fingerprint_cat64(1, 2) == fingerprint_cat64(2, 1)
        False
    """
    result = first & _MASK ^ _CAT
    result = (result ^ _fold(second * _CAT) * _CAT) * _CAT & _MASK
    return _fold(_fold(result) * _CAT)


def hash_function(salt: tuple[int, int] | None) -> Callable[[bytes], int]:
    """Return FarmHash's fingerprint without a salt, and SipHash with the salt as its key."""
    return fingerprint64 if salt is None else lambda data: siphash64(data, salt)
