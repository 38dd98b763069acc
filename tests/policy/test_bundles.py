"""Offers over bundles: their terms are what the manifest froze, and every mistake is named by its offer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.bundle import Item, manifest, write_manifest
from gateway.licenses.offers import Wanted, accept, choose
from gateway.licenses.withdrawal import Withdrawal, Withdrawn
from gateway.paths import PathScope
from gateway.policy.bundles import earlier_file, manifest_file, manifest_sold
from gateway.policy.reading import read_policy
from gateway.problems import ConfigurationError, Refusal
from gateway.store.terms_json import read_terms, write_terms
from gateway.uses import Use

POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "letters"
paths = ["/letters/"]
rights = "{rights}"
people = "none"
[offers.launch]
uses = ["ai-train"]
bundle = "launch"
{more}
price = {{ upfront = "90" }}
[[rules]]
then = {{ license = ["launch"] }}
"""


def items(*paths):
    return [Item(path, "essays", "page", "a" * 64, 10, "own", "none") for path in paths]


MADE = manifest("launch", "journal", 1_795_000_000, items("/essays/a", "/essays/b", "/letters/c"))


@pytest.fixture
def write(tmp_path):
    def writing(made=MADE, rights="own", more="", name="launch"):
        file = tmp_path / "journal.toml"
        file.write_text(POLICY.format(rights=rights, more=more))
        at = manifest_file(file, name)
        at.parent.mkdir(exist_ok=True)
        if made is not None:
            at.write_text(made if isinstance(made, str) else write_manifest(made))
        return file

    return writing


def test_the_terms_name_the_items_and_the_manifest_and_are_read_back(write):
    policy = read_policy(write())
    (offer,) = policy.offers
    scope = offer.terms.scope
    assert scope.paths == (PathScope("/essays/a"), PathScope("/essays/b"), PathScope("/letters/c"))
    assert (scope.works, scope.bundle) == (("essays", "letters"), MADE.bundle)
    assert not scope.covers("/essays/d")
    assert read_terms(write_terms(offer.terms), offer.terms.hash) == offer.terms
    again = replace(MADE, made_at=MADE.made_at + 1)
    (other,) = read_policy(write(again)).offers
    assert other.terms.hash != offer.terms.hash


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"made": None}, "licet bundle make"),
        ({"made": write_manifest(MADE).replace("/essays/a", "/essays/z")}, "changed"),
        ({"made": "{}"}, "no manifest"),
        ({"made": replace(MADE, name="other")}, "of the bundle other"),
        ({"made": replace(MADE, site="other")}, "of the site other"),
        ({"rights": "unsure"}, "unsure"),
        ({"made": manifest("launch", "journal", 1, items("/notes/a"))}, "in no work"),
    ],
)
def test_a_mistake_is_of_the_offer(write, kept, said):
    with pytest.raises(ConfigurationError) as caught:
        read_policy(write(**kept))
    (mistake,) = caught.value.mistakes
    assert mistake.key == "offers.launch.bundle"
    assert said in mistake.expected


@pytest.mark.parametrize("name", ["../launch", "Launch", "a.b"])
def test_a_name_that_is_a_path_opens_no_file(write, name):
    file = write()
    file.write_text(file.read_text().replace('bundle = "launch"', f'bundle = "{name}"'))
    with pytest.raises(ConfigurationError) as caught:
        read_policy(file)
    assert caught.value.mistakes[0].key == "offers.launch.bundle"


def test_works_are_said_by_the_manifest_alone(write):
    with pytest.raises(ConfigurationError) as caught:
        read_policy(write(more='works = ["essays"]'))
    assert [each.key for each in caught.value.mistakes] == ["offers.launch.works"]


def test_what_was_sold_is_found_under_its_hash_when_its_name_went_on(write):
    file = write()
    assert manifest_sold(file, MADE.bundle) == MADE
    newer = replace(MADE, made_at=MADE.made_at + 1)
    manifest_file(file, "launch").rename(earlier_file(file, MADE))
    manifest_file(file, "launch").write_text(write_manifest(newer))
    assert manifest_sold(file, MADE.bundle) == MADE
    assert manifest_sold(file, newer.bundle) == newer
    assert manifest_sold(file, replace(MADE.bundle, manifest="sha-256:../x")) is None
    assert manifest_sold(file, replace(MADE.bundle, name="../launch")) is None


def test_a_bundle_is_bought_by_name_and_whole(write):
    (offer,) = read_policy(write()).offers
    one = Wanted(targets=(PathScope("/essays/a"),), scopes=(PathScope("/essays/a"),))
    assert isinstance(choose([offer], one), Refusal)
    named = replace(one, offer="launch")
    assert choose([offer], named) == offer
    license = accept(offer, named, licensee="le_1", now=1_795_000_000, license_id="li_1")
    assert license.terms.scope == offer.terms.scope


def test_a_bundle_with_a_work_withdrawn_is_off_sale(write):
    policy = read_policy(write())
    gone = Withdrawal("wd_1", "journal", frozenset({Use.AI_TRAIN}), 1, 1, paths=(PathScope("/essays/b"),))
    elsewhere = replace(gone, paths=(PathScope("/essays/z"),))
    assert Withdrawn((gone,)).offered(policy.offers) == ()
    assert Withdrawn((elsewhere,)).offered(policy.offers) == policy.offers


def test_what_is_in_every_bundle_of_the_site_is_at_hand_whatever_is_on_offer(write, tmp_path):
    file = write()
    older = manifest("launch", "journal", 1, items("/essays/old"))
    foreign = manifest("theirs", "another", 1, items("/essays/a"))
    for at, made in ((earlier_file(file, older), older), (manifest_file(file, "theirs"), foreign)):
        at.write_text(write_manifest(made))
    manifest_file(file, "broken").write_text('{"format": 1}')
    changed = write_manifest(replace(older, made_at=2)).replace("/essays/old", "/letters/c")
    manifest_file(file, "changed").write_text(changed)
    assert read_policy(file).bundles.by_manifest == {
        MADE.hash: {"/essays/a", "/essays/b", "/letters/c"},
        older.hash: {"/essays/old"},
    }


def test_how_much_has_to_be_taken_in_is_part_of_the_terms(write):
    usual, less = read_policy(write()), read_policy(write(more='ingestion = "90 %"'))
    assert less.offers[0].terms.scope.bundle.ingestion == 900_000
    assert "ingestion" not in usual.offers[0].terms.as_json()["scope"]["bundle"]
    assert usual.offers[0].terms.hash != less.offers[0].terms.hash
    terms = less.offers[0].terms
    assert read_terms(write_terms(terms), terms.hash) == terms


@pytest.mark.parametrize("share", ['"0 %"', '"101 %"', '"x"', "0.9", '"-1 %"'])
def test_a_share_that_is_none_is_named(write, share):
    with pytest.raises(ConfigurationError) as caught:
        read_policy(write(more=f"ingestion = {share}"))
    assert [each.key for each in caught.value.mistakes] == ["offers.launch.ingestion"]


def test_only_a_bundle_is_taken_in(write, tmp_path):
    file = write()
    file.write_text(file.read_text().replace('bundle = "launch"', 'works = ["essays"]\ningestion = "90 %"'))
    with pytest.raises(ConfigurationError) as caught:
        read_policy(file)
    assert "offers.launch.ingestion" in [each.key for each in caught.value.mistakes]
