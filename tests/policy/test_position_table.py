"""`position` and `[contract]` of a policy file: everything that may be said there, and every mistake with its key."""

from __future__ import annotations

import pytest

from gateway import bundled
from gateway.licenses.contract import Party
from gateway.licenses.position import Concession, Position
from gateway.licenses.red_flags import Severity
from gateway.money import Money
from gateway.policy.position_table import CONCESSIONS
from gateway.policy.reading import read_policy_text, read_secretly
from gateway.problems import ConfigurationError
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope

SITE = """
stance = "search-free-training-paid"
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""
POSITION = """
[offers.training.position]
target = "0.8"
floor = "0.55"
exclusive_premium = "0"
concessions = ["report = yearly", "cap = 20000", "insurance = false"]
facts = ["use_case"]
rounds = 4
patience_hours = 24
person_above = "5000"
person_for = []
counterparties = ["Example Labs"]
severities = { perpetual = "refuse" }
walk_away = false
"""


def written(tmp_path, text):
    file = tmp_path / "journal.toml"
    file.write_text(SITE + text, encoding="utf-8")
    return read_secretly(file)


def test_everything_that_a_position_says_is_taken_as_it_stands(tmp_path):
    _, positions = written(tmp_path, POSITION)
    assert positions["training"] == Position(
        target_micros=800_000,
        floor_micros=550_000,
        concessions=(
            Concession(Lever.AUDIT, "report", "yearly"),
            Concession(Lever.LIABILITY, "cap", Money(20_000_000_000, "USD")),
            Concession(Lever.LIABILITY, "insurance", False),
        ),
        facts=("use_case",),
        rounds=4,
        patience_hours=24,
        person_above=Money(5_000_000_000, "USD"),
        person_for=frozenset(),
        counterparties=frozenset({"example labs"}),
        severities={"perpetual": Severity.REFUSE},
        walk_away=False,
    )


def test_a_position_is_in_no_policy_and_in_no_digest(tmp_path):
    policy, _ = written(tmp_path, POSITION)
    without, _ = written(tmp_path, "")
    assert policy == without
    assert policy.digest == without.digest


def test_every_concession_can_be_made_of_terms():
    terms = LicenseTerms(Scope(("w",), ()), Purpose(frozenset()), Compensation("USD"))
    texts = {"report": "none", "indemnity": "none", "model_release": "open", "cap": "1"}
    for name, (lever, read) in CONCESSIONS.items():
        value = next(
            found for text in (texts.get(name, ""), "true", "7") if (found := _read(read, text)) is not None
        )
        given = Concession(lever, name, value).applied(terms)
        assert getattr(getattr(given, lever), name) == value


def _read(read, text):
    try:
        return read(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("line", "key", "hint"),
    [
        ('concessions = ["reports = yearly"]', "concessions", '"reports = yearly" is no concession'),
        ('concessions = ["report: yearly"]', "concessions", "is no concession"),
        ('concessions = ["report = weekly"]', "concessions", 'write "none", "monthly"'),
        ('concessions = ["months = 0"]', "concessions", "from 1 to 1200"),
        ('concessions = ["retrain = no"]', "concessions", "write true or false"),
        ('concessions = ["cap = 2 EUR"]', "concessions", "is in USD"),
        ('facts = ["shoe size"]', "facts", '"shoe size" is not a fact'),
        ("rounds = 0", "rounds", "from 1 to 50"),
        ("patience_hours = 9000", "patience_hours", "from 1 to 8760"),
        ('person_above = "5 EUR"', "person_above", "is in USD"),
        ('person_for = ["tier-2"]', "person_for", "is not a kind of deal"),
        ('counterparties = [""]', "counterparties", "name a buyer"),
        ('severities = { rude = "refuse" }', "severities", '"rude" is no red flag'),
        ('severities = { no_pay = "cry" }', "severities", 'of "no_pay", write "refuse"'),
        ("walk_away = 1", "walk_away", "write true or false"),
        ('exclusive_premium = "0.5"', "exclusive_premium", "cannot cost less"),
        ('target = "0.5"\nfloor = "0.6"', "floor", "cannot be above"),
        ('flor = "0.6"', "flor", 'did you mean "floor"?'),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_key(line, key, hint):
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(f"{SITE}[offers.training.position]\n{line}\n", "journal.toml")
    assert [mistake.key for mistake in caught.value.mistakes] == [f"offers.training.position.{key}"]
    assert hint in str(caught.value.mistakes[0])


def test_what_stands_in_a_contract_is_part_of_the_policy_and_of_its_digest(tmp_path):
    law = '[contract]\nlaw = "Ireland"\n'
    bare, _ = written(tmp_path, "")
    policy, _ = written(tmp_path, law)
    assert (bare.signing.law, bare.signing.language, bare.signing.creator) == ("", "English", Party())
    assert policy.signing.law == "Ireland"
    assert bare.digest != policy.digest
    with pytest.raises(ConfigurationError, match=r"contract\.lawyer"):
        written(tmp_path, '[contract]\nlawyer = "x"\n')


def test_the_example_shows_a_whole_position():
    policy, positions = read_secretly(bundled.policies("example-site.toml"))
    assert positions["training"].floor_micros == 550_000
    assert policy.signing.creator.signatory == "Ada Example"
