"""Ids, secrets, and what is kept of them."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.enrollment import enroll, is_secret, secret_matches
from gateway.licenses.license import Standing

NOW = 1_795_000_000


def enrolled(**more):
    return enroll("Example AI Labs", now=NOW, standing=Standing.ACTIVE, **more)


def test_everything_said_is_kept_and_the_client_belongs_to_the_licensee():
    made = enrolled(contact="ops@labs.example", uri="https://labs.example", contacts=("a@b.example",))
    assert made.licensee.name == made.client.name == "Example AI Labs"
    assert made.licensee.contact == "ops@labs.example"
    assert made.licensee.standing is Standing.ACTIVE
    assert made.client.licensee == made.licensee.id
    assert made.client.uri == "https://labs.example"
    assert made.client.contacts == ("a@b.example",)
    assert made.licensee.created_at == made.client.created_at == NOW


@pytest.mark.parametrize(("part", "prefix"), [("licensee", "le_"), ("client", "cl_")])
def test_ids_are_uuid7_of_the_time_given(part, prefix):
    text = getattr(enrolled(), part).id
    assert text.startswith(prefix)
    found = uuid.UUID(text.removeprefix(prefix))
    assert found.version == 7
    assert found.int >> 80 == NOW * 1000


def test_the_secret_is_kept_as_its_digest_alone():
    made = enrolled()
    assert made.client.secret_sha256 == hashlib.sha256(made.secret.encode()).hexdigest()
    assert made.secret not in repr(made)
    assert made.secret not in repr(made.client)


def test_no_two_secrets_or_ids_are_alike():
    made = [enrolled() for _ in range(50)]
    assert len({each.secret for each in made}) == 50
    assert len({each.client.id for each in made} | {each.licensee.id for each in made}) == 100


def test_the_right_secret_matches_and_every_other_does_not():
    made, other = enrolled(), enrolled()
    assert secret_matches(made.client, made.secret)
    assert not secret_matches(made.client, other.secret)
    assert not secret_matches(made.client, "")
    assert not secret_matches(made.client, made.secret + " ")
    assert not secret_matches(made.client, made.client.secret_sha256)


def test_an_unknown_client_matches_nothing_not_even_what_stands_in_for_it():
    for secret in ("", "nobody", hashlib.sha256(b"nobody").hexdigest()):
        assert not secret_matches(None, secret)


@given(st.text(max_size=80))
def test_no_text_breaks_the_comparison(text):
    made = enrolled()
    assert secret_matches(made.client, text) is (text == made.secret)
    assert not secret_matches(None, text)
    assert is_secret(text) is False


def test_a_scanner_can_tell_a_secret_from_noise():
    secret = enrolled().secret
    assert is_secret(secret)
    wrong = "b" if secret[10] != "b" else "c"
    assert not is_secret(secret[:10] + wrong + secret[11:])
    assert not is_secret(secret.upper())
    assert not is_secret(secret[4:])
    assert not is_secret(secret + "a")
    assert not is_secret("lsk_" + "1" * 58)


def test_a_client_whose_digest_was_changed_matches_no_more():
    made = enrolled()
    assert not secret_matches(replace(made.client, secret_sha256="0" * 64), made.secret)
