from pathlib import Path

import pytest
import tomlkit
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway import bundled
from gateway.licenses.position import FACTS, Position, usual
from gateway.money import MICROS, Money
from gateway.paths import PathScope
from gateway.policy.lint import lint
from gateway.policy.reading import (
    LARGEST_FILE_BYTES,
    default_policy,
    read_policy,
    read_policy_text,
    read_positions,
    stances,
)
from gateway.policy.rules import Mode, People, Rights, Verdict
from gateway.problems import ConfigurationError
from gateway.uses import Use
from gateway.visitors.catalog import Catalog

CORPUS = Path(__file__).parent.parent / "policies"
GOOD = sorted((CORPUS / "good").glob("*.toml"))
BAD = sorted((CORPUS / "bad").glob("*.toml"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good(path):
    policy = read_policy(path)
    assert policy.file == str(path)
    assert policy.written_at == int(path.stat().st_mtime)
    assert policy.digest == read_policy_text(path.read_text("utf-8"), path.name).digest


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_is_told_whole_and_word_for_word(path):
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(path.read_text("utf-8"), path.name)
    assert f"{caught.value}\n" == path.with_suffix(".expected").read_text("utf-8")


def test_the_corpora_are_there():
    assert len(GOOD) >= 5
    assert len(BAD) >= 14
    assert {path.stem for path in BAD} == {path.stem for path in (CORPUS / "bad").glob("*.expected")}


@pytest.mark.parametrize("stance", stances())
def test_every_stance_stands_alone(stance):
    policy = default_policy("http://localhost:8000", stance=stance)
    assert policy.stance == stance
    assert policy.rules
    (work,) = policy.works
    assert (work.paths, work.rights, work.people) == ((PathScope("/"),), Rights.OWN, People.NONE)
    assert all(offer.terms.scope.paths == work.paths for offer in policy.offers)
    named = {name for each in policy.rules for name in each.offers}
    assert named == set(policy.by_offer)


def test_five_stances_ship():
    assert stances() == (
        "closed",
        "everything-licensed",
        "open",
        "research-free",
        "search-free-training-paid",
    )


def test_the_default_policy_only_watches():
    policy = default_policy("http://localhost:8000")
    assert policy.site.mode is Mode.OBSERVE
    assert policy.site.hosts == ("*",)
    assert policy.stance == "search-free-training-paid"
    assert default_policy("http://localhost:8000", mode=Mode.ENFORCE, hosts=("a.example",)).site.hosts == (
        "a.example",
    )


def test_a_wrong_upstream_is_a_mistake():
    with pytest.raises(ConfigurationError, match=r"site\.origin: write the address"):
        default_policy("localhost")


def test_the_example_reads_and_nothing_in_it_looks_wrong():
    policy = read_policy(bundled.policies("example-site.toml"))
    assert lint(policy, {entry.name for entry in Catalog.shipped().crawlers}) == ()


def test_the_file_wins_over_the_stance_key_by_key():
    policy = read_policy(CORPUS / "good" / "one-key-differs.toml")
    training = policy.by_offer["training"]
    assert training.price == Money.parse("0.05", "USD")
    assert training.uses == {Use.AI_TRAIN}
    assert training.terms.attribution.model_card_days == 30
    assert policy.by_offer["answers"].price == Money.parse("0.004", "USD")
    assert policy.otherwise is Verdict.REFUSE
    assert policy.site.hosts == ("journal.example",)
    assert policy.site.id == "one-key-differs"


def test_rules_in_the_file_replace_the_stances_and_its_unused_offers_go():
    policy = read_policy(CORPUS / "good" / "design.toml")
    assert [each.verdict for each in policy.rules] == ["serve", "refuse", "license", "serve"]
    assert set(policy.by_offer) == {"training", "answers"}


def test_overrides_win_over_the_file(read):
    policy = read(
        'stance = "open"\n', overrides={"site.mode": "enforce", "stance": "closed", "site.name": "N"}
    )
    assert (policy.site.mode, policy.stance, policy.site.name) == (Mode.ENFORCE, "closed", "N")
    with pytest.raises(ConfigurationError, match=r"site\.mode"):
        read('stance = "open"\n', overrides={"site.mode": "loud"})


def test_positions_are_read_apart_and_are_nowhere_in_the_policy():
    path = CORPUS / "good" / "design.toml"
    positions = read_positions(path)
    written = Position(MICROS, 800_000, 550_000, 4 * MICROS, facts=tuple(FACTS))
    assert positions == {"training": written, "answers": usual(3)}
    assert usual(3).facts == ("use_case",)
    assert usual(1).facts == usual(2).facts == tuple(FACTS)
    assert "550000" not in repr(read_policy(path))
    assert "floor" not in repr(read_policy(path))


def test_what_cannot_be_read_is_a_mistake(tmp_path):
    def sentence(path):
        with pytest.raises(ConfigurationError) as caught:
            read_policy(path)
        return str(caught.value).removeprefix(f"{path}: ")

    assert sentence(tmp_path / "no.toml") == "cannot be read: No such file or directory"
    assert sentence(tmp_path) == "cannot be read: Is a directory"
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b"\xff\xfe")
    assert sentence(odd) == "is not a text file; save it as UTF-8"
    odd.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    assert sentence(odd) == "is larger than a megabyte; that is no policy file"


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "journal.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (CORPUS / "good" / "smallest.toml").read_bytes())
    assert read_policy(path).stance == "open"


ANYTHING = st.recursive(
    st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=6)
    | st.sampled_from(["ai-train", "/", "own", "serve", "one"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "uses", "then", "when", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["stance", "site", "works", "offers", "rules", "otherwise", "unverifiable", "free_paths", "x"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, ANYTHING, max_size=6))
@example({"rules": [{"then": {"license": 3}}], "offers": {"one": {}}, "stance": "closed"})
@example({"rules": [{"then": {"license": [3]}}], "offers": {"one": 3}, "works": [3]})
@example({"stance": "../../open", "site": [], "offers": {"": {}}})
def test_no_tables_make_it_raise_anything_else(raw):
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(tomlkit.dumps(raw), "x.toml")
    assert caught.value.mistakes


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet="[]{}=\"\n.#a1,'\\ue", max_size=40))
@example("a = " + "[" * 5000)
@example("a = " + "9" * 5000)
@example("a = 1\n[a.b]\n")
@example('"\ud800" = 1')
def test_no_text_makes_it_raise_anything_else(text):
    with pytest.raises(ConfigurationError):
        read_policy_text(text, "x.toml")


def one_mistake(raw, made):
    """*raw* with one value broken beyond repair, somewhere."""
    raw["works"][0]["rights"] = "mine"
    raw["rules"][0]["then"] = "sell"
    raw["site"]["mode"] = made
    return raw


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_three_mistakes_far_apart_are_told_together(make, data):
    raw = one_mistake(data.draw(make.raw_policies()), "loud")
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(tomlkit.dumps(raw), "x.toml")
    assert {"works[0].rights", "rules[0].then", "site.mode"} <= {
        mistake.key for mistake in caught.value.mistakes
    }
