"""`licet terms`: every projection of one page, and the exports, from the policy alone."""

from __future__ import annotations

import json

import pytest

from gateway.terms.comp import read_package
from gateway.terms.croissant import read_usage
from gateway.terms.odrl import read_policy
from gateway.terms.schema_org import read_page
from gateway.terms.tdm_policy import read_tdm_policy


@pytest.fixture
async def example(licet):
    """The example policy, made to bind, as the data folder's one site."""
    text = (await licet("init", "--example")).out.replace('mode     = "observe"', 'mode     = "enforce"')
    file = licet.folder / "licet-data" / "sites" / "journal.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return licet


async def test_one_page_in_every_format(example) -> None:
    told = (await example("terms", "show", "https://journal.example/essays/tides", "--json")).json
    assert told["ruling"]["verdict"] == "license"
    assert told["robots.txt"]["allowed"] is True
    assert "License: https://journal.example/license.xml" in told["robots.txt"]["lines"]
    assert "Content-Usage: train-ai=n, ai-use=n, search=y" in told["answer"]
    assert told["tdmrep.json"]["tdm-reservation"] == 1
    assert {each["offer"] for each in told["offers"]} == {"training", "answers"}
    assert "3 % of net revenue" in told["offers"][0]["price"]
    licensed = {each["use"]: each["licenses"] for each in told["license.xml"]}
    assert [each["payment"] for each in licensed["search"]] == ["free"]
    assert [(each["offer"], each["amount"]) for each in licensed["ai-input"]] == [("answers", "0.005 USD")]
    assert told["refusal"]["status"] == 402
    assert told["refusal"]["body"]["code"] == "license-required"
    assert "documents" not in told
    fetched = (await example("terms", "show", "/essays/tides", "--as", "ChatGPT-User", "--json")).json
    assert "Crawler-Price: USD 0.005" in fetched["refusal"]["headers"]

    text = await example("terms", "show", "/essays/tides", "--as", "GPTBot")
    assert text.err == ""
    for line in ("robots.txt", "tdmrep.json", "license.xml", "for sale", "without token   is answered 402"):
        assert f"\n{line}" in text.out
    assert "training: ai-train, 500 USD per license + 0.02 USD per fetch + 3 % of net revenue" in text.out


async def test_who_is_served_and_who_is_refused(example) -> None:
    served = (await example("terms", "show", "/essays/tides", "--as", "Googlebot", "--json")).json
    assert served["refusal"] is None
    assert served["ruling"]["verdict"] == "serve"
    closed = (await example("terms", "show", "/letters/1", "--as", "GPTBot", "--json")).json
    assert closed["robots.txt"]["allowed"] is False
    assert closed["offers"] == []
    assert closed["refusal"]["status"] == 403
    assert "nothing" in (await example("terms", "show", "/letters/1")).out


async def test_all_prints_every_document_as_it_is_read_elsewhere(example) -> None:
    told = (await example("terms", "show", "/essays/tides", "--all", "--json")).json["documents"]
    assert read_policy(told["ODRL"][0]).terms.purpose.uses == {"ai-train"}
    assert read_tdm_policy(told["/.well-known/licenses/tdm.jsonld"]).pay
    assert [read_package(each).id for each in told["CoMP"]]
    assert len(read_usage(told["Croissant"])) == 2
    assert read_page(told["license page"])
    assert told["/license.xml"].startswith("<?xml")
    assert told["/trust.txt"] is None
    text = (await example("terms", "show", "/essays/tides", "--all")).out
    assert "---- /robots.txt\n" in text
    assert "---- Croissant\n" in text


async def test_exports_are_one_json_value_each(example) -> None:
    packages = json.loads((await example("terms", "export", "--format", "comp")).out)
    assert [read_package(each).id for each in packages] == [
        "journal.example/training",
        "journal.example/answers",
    ]
    chosen = (await example("terms", "export", "--format", "croissant", "--offer", "answers")).out
    assert [each.terms.purpose.uses for each in read_usage(json.loads(chosen))] == [
        {"search", "ai-input", "ai-index"}
    ]
    for name in ("odrl", "tdm", "page"):
        assert json.loads((await example("terms", "export", "--format", name)).out)


async def test_mistakes_are_told_in_sentences(example) -> None:
    wrong = await example("terms", "export", "--format", "pdf", code=2)
    assert "--format is one of odrl, tdm, comp, croissant, page" in wrong.err
    wrong = await example("terms", "export", "--format", "odrl", "--offer", "x", code=2)
    assert "no published offer is called 'x'; there are training, answers" in wrong.err
    assert "no crawler of the catalog" in (await example("terms", "show", "/", "--as", "Nobot", code=2)).err
    assert "no site here has the host" in (await example("terms", "show", "https://a.example/", code=2)).err
    assert "such as GB" in (await example("terms", "show", "/", "--country", "UK", code=2)).err


async def test_a_site_that_only_watches_and_one_that_sells_nothing_say_so(licet) -> None:
    told = await licet("terms", "show", "/x")
    assert "mode observe: nothing of this is sent" in told.err
    await licet("init", "--upstream", "http://127.0.0.1:1", "--host", "journal.example", "--stance", "closed")
    nothing = await licet("terms", "export", "--format", "odrl", code=1)
    assert "nothing is on offer to everybody" in nothing.err
    dark = await licet("terms", "show", "/a/../b")
    assert "https://journal.example/a/../b" in dark.out
