"""W3C PROV: another program reads our document, and finds in it what the records say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.provenance.prov_json import prov_document
from gateway.provenance.receipts import Opened
from gateway.provenance.record import BookEntry, FetchRecord

FETCH = FetchRecord(
    id="f-1", time_us=1_795_000_000_000_000, duration_us=1500, site="journal", host="journal.example", method="GET",
    path="/essays/tides", visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="rules[1]",
    policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=10, ended="complete", detail="0" * 64,
    crawler="GPTBot", licensee="le_1", license="li_1", terms="sha-256:t", work="essays", currency="USD", price_micros=5000,
    charged_micros=5000, charge_reason="fetch", digest="d" * 64, content_type="text/html",
)  # fmt: skip


def document(*entries):
    found = [
        (Opened(nth, each.kind, "le_1", each.site, each.time_us, each.canonical(), bytes(32)), json.loads(each.canonical()))
        for nth, each in enumerate(entries)
    ]  # fmt: skip
    return prov_document(found)


def test_another_program_reads_it_and_writes_the_same():
    prov = pytest.importorskip("prov.model", reason="prov is absent (pip install prov)")
    entries = (
        FETCH,
        replace(FETCH, id="f-2", path="/essays/reefs", digest="e" * 64),
        replace(FETCH, id="f-3"),
        replace(FETCH, id="f-4", license="", licensee="", digest="", crawler='A "bot": {x} \U0001f916'),
        BookEntry("b-1", 1, "credit", "", "le_1", 5_000_000, "USD"),
    )
    text = json.dumps(document(*entries))
    read = prov.ProvDocument.deserialize(content=text, format="json")
    assert len(list(read.get_records(prov.ProvActivity))) == 4
    assert len(list(read.get_records(prov.ProvUsage))) == 3
    assert len(list(read.get_records(prov.ProvAttribution))) == 2
    assert len(list(read.get_records(prov.ProvAssociation))) == 4
    assert len(list(read.get_records(prov.ProvDelegation))) == 3
    again = prov.ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    assert again == read
    (first,) = [each for each in read.get_records(prov.ProvActivity) if "f-1" in str(each.identifier)]
    told = {str(name): str(value) for name, value in first.extra_attributes}
    assert told["licet:charged_micros"] == "5000"
    assert first.get_endTime().timestamp() == FETCH.time_us / 1_000_000


def test_nothing_that_others_wrote_becomes_a_name_of_ours():
    told = document(replace(FETCH, crawler="prov:Person", site="a b", license="x\ny"))
    names = {name for kind in told.values() for name in kind}
    assert "licet:crawler/prov:Person" not in names
    assert all(" " not in name and "\n" not in name for name in names)


def test_of_nothing_there_is_an_empty_document():
    assert set(document()) == {"prefix"}
