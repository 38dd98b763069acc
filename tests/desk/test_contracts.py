"""Contracts: the same facts as JSON, as a page and as a PDF, and for nobody but the parties."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html import unescape

import lxml.html
import pytest

from gateway.canonical import canonical_digest
from gateway.desk import contract_pdf
from gateway.desk.contract_page import contract_page
from gateway.desk.contracts import shipped_clauses
from gateway.keys.jws import read_compact, signature_holds
from gateway.licenses.contract import Deal, Evidence, Party, contract_of
from gateway.licenses.position import Position
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Signing
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use

HOSTILE = "Evil <b>& Co</b> #set text(9pt) $x$ *bold* {creator}"
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=250
    ),
)
DEAL = Deal(
    "li_1", "https://journal.example", TERMS,
    Party("The Journal Ltd", "1 Example Street", "Ada Example", "director"),
    Party(HOSTILE, "2 Test Way", "Eve", "CEO"),
    1_795_000_000, 1_860_000_000, "a search engine", "Ireland",
    evidence=Evidence("Eve", 1_795_000_000, "the secret of the client cl_1", "203.0.113.7", "I accept.", "sha-256:ab"),
)  # fmt: skip


def squeezed(text):
    """*text* without spaces, which drawing puts where lines end."""
    return re.sub(r"[\s\u00ad]+", "", text)


def read_pdf(octets):
    import pypdf

    pages = pypdf.PdfReader(io.BytesIO(octets)).pages
    return [each.extract_text() for each in pages]


def facts_of_page(html):
    found = lxml.html.fromstring(html)
    rows = found.xpath("//table[@aria-label='What was agreed in short']//tr")
    return [[row.xpath("string(th)"), row.xpath("string(td)")] for row in rows]


@pytest.mark.parametrize("deal", [DEAL, replace(DEAL, evidence=None)], ids=["agreed", "proposed"])
def test_the_facts_and_clauses_are_the_same_in_all_three(deal):
    document = json.loads(json.dumps(contract_of(deal, shipped_clauses()).as_json()))
    digest = canonical_digest(document)
    page = contract_page(document, digest)
    assert facts_of_page(page) == document["facts"]
    pages = read_pdf(contract_pdf.contract_pdf(document, digest))
    pdf = squeezed("".join(pages))
    text = squeezed(unescape(re.sub(r"<[^>]+>", "", page)))
    for label, value in document["facts"]:
        assert squeezed(label) + squeezed(value) in text
        assert squeezed(label) in pdf
        assert squeezed(value) in pdf, value
    for section in document["sections"]:
        for said in (f"{section['number']}. {section['title']}", *section["text"]):
            assert squeezed(said) in text
    assert squeezed(document["heading"]) in pdf
    assert squeezed(digest) in pdf
    assert squeezed(digest) in text
    assert all(squeezed(document["notice"]) in squeezed(each) for each in pages), "on every page"
    assert ("Nobodyhasaccepted" in pdf) == (deal.evidence is None)
    assert ("Nobodyhasaccepted" in text) == (deal.evidence is None)


def test_the_same_document_gives_the_same_octets():
    document = contract_of(DEAL, shipped_clauses()).as_json()
    assert contract_pdf.contract_pdf(document, "d") == contract_pdf.contract_pdf(document, "d")


def test_nothing_that_a_party_wrote_is_markup():
    document = contract_of(DEAL, shipped_clauses()).as_json()
    assert "<b>" not in contract_page(document, "d")
    assert squeezed(HOSTILE) in squeezed("".join(read_pdf(contract_pdf.contract_pdf(document, "d"))))


async def test_they_are_for_the_parties_alone_and_stay_as_they_were(world):
    world.positions["answers"] = Position()
    world.policy = replace(world.policy, signing=Signing("Ireland"))
    made, stranger = await world.licensee(), await world.licensee()

    async def post(path, body, **headers):
        answer = await world.post(
            path, made, json.dumps(body), headers={"Content-Type": "application/json", **headers}
        )
        assert answer.status < 300, await answer.text()
        return await answer.json(), answer.headers["ETag"]

    async def get(path, who=made, accept="application/json"):
        import aiohttp

        login = {"Authorization": aiohttp.encode_basic_auth(who.client.id, who.secret)} if who else {}
        async with world.http.get(world.origin + path, headers={"Accept": accept, **login}) as answer:
            return answer, await answer.read()

    told, tag = await post("/.licet/negotiations", {"offer": "answers"})
    _, proposed = await get(f"/.licet/negotiations/{told['id']}/contract")
    assert json.loads(proposed)["heading"] == "Proposed terms"
    body = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    told, tag = await post(f"/.licet/negotiations/{told['id']}/acceptance", body, **{"If-Match": tag})
    at = told["contract"].removeprefix(world.origin)
    for path, who, status in ((at, stranger, 404), (at, None, 401), ("/.licet/contracts/li_0", made, 404)):
        assert (await get(path, who))[0].status == status
    first, octets = await get(at)
    document = json.loads(octets)
    assert document["heading"] == "License agreement"
    assert document["terms_hash"] == body["terms_hash"] == canonical_digest(document["terms"])
    assert first.headers["ETag"] == f'"{canonical_digest(document)}"'
    agreement = next(each for each in told["transcript"] if each["act"] == "agreement")
    assert agreement["body"]["contract"] == canonical_digest(document)
    compact = read_compact(agreement["body"]["signature"])
    assert signature_holds(compact, world.keys.public.get(compact.kid))
    assert json.loads(compact.payload)["contract"] == canonical_digest(document)
    assert document["evidence"]["assent"] == body["assent"]
    acceptance = next(each for each in told["transcript"] if each["act"] == "acceptance")
    assert document["evidence"]["transcript"] == acceptance["hash"]
    world.policy = replace(world.policy, signing=Signing("another law"))
    assert (await get(at))[1] == octets
    page, html = await get(at, accept="text/html")
    assert page.content_type == "text/html"
    assert facts_of_page(html.decode()) == document["facts"]
    pdf, drawn = await get(at, accept="application/pdf")
    assert (pdf.content_type, drawn[:5]) == ("application/pdf", b"%PDF-")


async def test_without_the_extra_a_pdf_is_not_there(world, monkeypatch):
    monkeypatch.setattr("gateway.desk.contracts.available", lambda: False)
    world.policy = replace(world.policy, signing=Signing("Ireland"))
    world.positions["answers"] = Position()
    made = await world.licensee()
    answer = await world.post(
        "/.licet/negotiations", made, b'{"offer": "answers"}', headers={"Content-Type": "application/json"}
    )
    import aiohttp

    login = {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    at = f"/.licet/negotiations/{(await answer.json())['id']}/contract"
    found = await world.get(at, headers={"Accept": "application/pdf", **login})
    assert (found.status, (await found.json())["code"]) == (404, "not-found")
