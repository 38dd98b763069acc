"""What is sealed opens under its key and name alone, and no octets raise anything but the refusal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.sealed import PREFIX, Unsealable, new_key, open_sealed, seal

KEY = new_key()


def test_one_key_and_one_name_open_it():
    sealed = seal(KEY, "keys", b"secret")
    assert b"secret" not in sealed
    assert open_sealed(KEY, "keys", sealed) == b"secret"
    assert seal(KEY, "keys", b"secret") != sealed
    for key, name in ((new_key(), "keys"), (KEY, "policies")):
        with pytest.raises(Unsealable, match="another key, or changed"):
            open_sealed(key, name, sealed)


def test_no_octet_may_change():
    sealed = seal(KEY, "keys", b"secret")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Unsealable):
            open_sealed(KEY, "keys", bytes(changed))
        with pytest.raises(Unsealable):
            open_sealed(KEY, "keys", sealed[:at])


@settings(max_examples=200)
@given(st.binary(max_size=120), st.text(max_size=80))
def test_whatever_comes_is_refused_and_nothing_else(octets, key):
    with pytest.raises(Unsealable):
        open_sealed(KEY, "keys", octets)
    with pytest.raises(Unsealable):
        seal(key, "keys", b"")
    with pytest.raises(Unsealable):
        seal(PREFIX + key, "keys", b"")
