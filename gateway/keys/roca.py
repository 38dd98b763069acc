"""RSA keys that a faulty chip made and anybody can factor: ROCA (CVE-2017-15361, October 2017). Pure.

Such a modulus is a power of 65537 modulo each small prime, which another one is
by chance once in some hundred million.
"""

from __future__ import annotations

from typing import Final

_GENERATOR: Final = 65_537
_PRIMES: Final = (
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
    109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
)  # fmt: skip


def _powers(prime: int) -> frozenset[int]:
    found, power = {1}, _GENERATOR % prime
    while power not in found:
        found.add(power)
        power = power * _GENERATOR % prime
    return frozenset(found)


_POWERS: Final = tuple((prime, _powers(prime)) for prime in _PRIMES)


def from_faulty_chip(modulus: int) -> bool:
    """Whether the RSA *modulus* has the mark of that generator."""
    return all(modulus % prime in powers for prime, powers in _POWERS)
