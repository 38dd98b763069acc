"""What a page is drawn from, as JSON: values as they are, and no secret and no floor for whom it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import orjson
from markupsafe import Markup

from gateway.dashboard.api_keys import made_key
from gateway.dashboard.in_json import in_json
from gateway.dashboard.people import Person
from gateway.dashboard.permissions import Role
from gateway.money import Money
from tests.dashboard.conftest import HOSTILE, POSITION


class Word(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Row:
    name: str
    price: Money
    inner: tuple[object, ...] = ()
    words: frozenset[str] = field(default_factory=frozenset)


def test_values_come_as_they_are():
    shown = in_json(
        {
            "rows": (Row("a", Money(20_000, "EUR"), (None, True, 1.5), frozenset({"b", "a"})),),
            Word.ONE: Word.ONE,
            "day": date(2026, 11, 26),
            "large": 2**60,
        },
        floors=False,
    )
    row = {
        "name": "a",
        "price": {"amount": "0.02", "currency": "EUR"},
        "inner": [None, True, 1.5],
        "words": ["a", "b"],
    }
    assert shown == {"rows": [row], "one": "one", "day": "2026-11-26", "large": str(2**60)}


def test_what_has_no_json_is_left_out_and_the_rest_stays():
    shown = in_json(
        {"can": len, "page": Markup("<b>"), "type": Word, "obj": object(), "n": 1, "l": [1, object()]},
        floors=True,
    )
    assert shown == {"n": 1, "l": [1]}
    nested: list[object] = []
    nested.append(nested)
    assert in_json({"n": nested}, floors=True)["n"]


def test_secrets_are_nobodys_and_floors_the_owners():
    person = Person("pe_1", "ada", Role.OWNER, 1, "$argon2id$x", "linkhash", 5)
    key = made_key((), "ke_1", "ci", person, ["log.read"], 1, 0).key
    context = {
        "rows": [(person, key)], "sign_out_form": "token", "limits": ["floor"], "below": True, "offer": [POSITION],
        "position": POSITION,
    }  # fmt: skip
    for floors in (False, True):
        text = orjson.dumps(in_json(context, floors=floors)).decode()
        assert not [word for word in ("argon2id", "linkhash", "token", key.secret_sha256) if word in text]
        assert ("573219" in text) is floors
        assert ("limits" in text) is floors
        assert "ada" in text


def test_hostile_text_is_json_and_nothing_else():
    text = orjson.dumps(in_json({"rows": [*HOSTILE, "\ud800"]}, floors=False))
    assert orjson.loads(text)["rows"] == [*HOSTILE, "\\ud800"]
