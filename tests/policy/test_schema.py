import json
import re
import tomllib

import pytest

from gateway import bundled
from gateway.policy import schema
from gateway.problems import Mistake


def test_the_shipped_schema_is_current():
    shipped = bundled.policies("policy.schema.json").read_text("utf-8")
    assert shipped == schema.schema_json(), (
        "policies/policy.schema.json is stale; run: "
        "python -m gateway.policy.schema > policies/policy.schema.json"
    )


def test_the_schema_refuses_unknown_keys_everywhere_and_offers_words():
    written = json.loads(schema.schema_json())
    tables = [written, *written["$defs"].values()]
    assert all(table["additionalProperties"] is False for table in tables)
    assert written["$defs"]["SiteTable"]["properties"]["mode"]["enum"] == ["observe", "offer", "enforce"]
    assert "class" in written["$defs"]["WhenTable"]["properties"]


def test_the_example_explains_every_key():
    text = bundled.policies("example-site.toml").read_text("utf-8")
    written = json.loads(schema.schema_json())
    keys = set(written["properties"])
    for table in written["$defs"].values():
        keys |= set(table["properties"])
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
    assert tomllib.loads(text)["site"]["id"] == "journal"


@pytest.mark.parametrize(
    ("raw", "key", "expected", "got"),
    [
        (
            {"then": "serve", "wen": {}},
            "rules[0].wen",
            'is not a key that Licet knows; did you mean "when"?',
            "",
        ),
        (
            {"then": "serve", "when": {"price": "1"}},
            "rules[0].when.price",
            "does not belong here; it belongs in [offers.NAME]",
            "",
        ),
        (
            {"then": "serve", "zzz": 1},
            "rules[0].zzz",
            "is not a key that Licet knows; check the spelling or take the line out",
            "",
        ),
        ({"then": "serve", "when": "ai"}, "rules[0].when", "write a table of keys and values here", '"ai"'),
        (
            {"then": "maybe"},
            "rules[0].then",
            'write "serve", "refuse" or { license = ["NAME OF AN OFFER"] }',
            '"maybe"',
        ),
        ("serve", "rules[0]", "write a table of keys and values here", '"serve"'),
    ],
)
def test_mistakes_of_a_table(raw, key, expected, got):
    mistakes = []
    assert schema.read_table(schema.RuleTable, raw, "x.toml", "rules[0]", mistakes) is None
    assert mistakes == [Mistake("x.toml", key, expected, got)]


def test_what_stood_there_is_shown_short():
    assert schema.shown(True) == "true"
    assert schema.shown("x" * 99) == '"' + "x" * 57 + '..."'
    assert schema.shown([1, "a", 2.5, False, 9]) == '[1, "a", 2.5, false, ...]'
    assert schema.shown({}) == "a table"
    assert schema.shown(None) == ""


def test_the_sound_part_of_a_table_lacks_the_keys_with_mistakes():
    raw = {"uses": 1, "price": {"a": 1}, "works": 2, "use": 3}
    mistakes = [
        Mistake("f", "offers.x.price.a", ""),
        Mistake("f", "offers.x.uses[0]", ""),
        Mistake("f", "offers.xy.works", ""),
    ]
    assert schema.sound_part(raw, "offers.x", mistakes) == {"works": 2, "use": 3}
