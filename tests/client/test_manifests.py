"""What a token for a bundle opens is believed by the hash of its manifest, from its own seller, and asked for once."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client.caller import Answer
from gateway.client.manifests import Manifests, read_places
from gateway.client.refused import Refused, Why
from gateway.client.seller import Published, Seller
from gateway.licenses.bundle import Item, manifest
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use

PATHS = ("/essays/moon", "/essays/reefs")
MADE = manifest(
    "launch", "journal", 1, [Item(path, "essays", "page", "a" * 64, 1, "own", "none") for path in PATHS]
)
PLACES = tuple(PathScope(path) for path in PATHS)
DOCUMENT = {**MADE.as_json(), "hash": MADE.hash}
ORIGIN = "https://journal.example"
ADDRESS = f"{ORIGIN}/.licet/bundles/launch@{MADE.hash}"
TERMS = LicenseTerms(
    Scope(("essays",), PLACES, bundle=MADE.bundle), Purpose(frozenset({Use.AI_TRAIN})), Compensation("USD")
)
SELLER = Seller(ORIGIN, f"{ORIGIN}/.licet", f"{ORIGIN}/.licet/token")


class Wire:
    """Answers every GET with *document* from *url*, or from where it was asked for."""

    def __init__(self, document=DOCUMENT, status=200, url=""):
        self.document, self.status, self.url, self.asked = document, status, url, []

    async def read(self, url):
        self.asked.append(url)
        if self.status == 0:
            return Refused.own(Why.UNREACHABLE, "down", url=url)
        return Answer(self.status, "", self.url or url, (), orjson.dumps(self.document))


async def test_a_manifest_is_fetched_once_and_believed_by_its_hash():
    wire = Wire()
    manifests = Manifests(wire.read)
    for _ in range(3):
        assert await manifests.places(SELLER, MADE.hash, "sha-256:t", ADDRESS) == PLACES
    assert wire.asked == [ADDRESS]


async def test_the_terms_of_the_published_offer_spare_the_question():
    wire = Wire()
    seller = replace(SELLER, offers=(Published("launch", TERMS),))
    assert await Manifests(wire.read).places(seller, MADE.hash, TERMS.hash, ADDRESS) == PLACES
    assert wire.asked == []
    # Other terms under the same name say nothing of this license.
    assert await Manifests(wire.read).places(seller, MADE.hash, "sha-256:t", ADDRESS) == PLACES
    assert wire.asked == [ADDRESS]


@pytest.mark.parametrize(
    ("wire", "address"),
    [
        (Wire({**DOCUMENT, "items": [*DOCUMENT["items"], {"path": "/"}]}), ADDRESS),
        (Wire({**DOCUMENT, "name": "other"}), ADDRESS),
        (Wire([]), ADDRESS),
        (Wire({}), ADDRESS),
        (Wire(status=404), ADDRESS),
        (Wire(status=0), ADDRESS),
        (Wire(url="https://other.example/x"), ADDRESS),
        (Wire(), ""),
        (Wire(), ADDRESS.replace("journal.example", "other.example")),
        (Wire(), ADDRESS.replace("https:", "http:")),
        (Wire(), "/.licet/bundles/launch"),
    ],
)
async def test_what_cannot_be_known_is_not_guessed(wire, address):
    manifests = Manifests(wire.read)
    assert await manifests.places(SELLER, MADE.hash, "sha-256:t", address) == ()
    assert all(url.startswith(ORIGIN) for url in wire.asked), "nobody else is asked"
    # Nothing wrong is remembered.
    manifests._read = Wire().read
    assert await manifests.places(SELLER, MADE.hash, "sha-256:t", ADDRESS) == PLACES


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["items", "path", "hash", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["items", "path", "hash", "name"]), json, max_size=4), st.text(max_size=8)
)
def test_no_document_makes_it_raise(document, digest):
    assert read_places(document, digest) == ()
