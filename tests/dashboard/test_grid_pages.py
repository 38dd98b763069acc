"""The grid of consent on the dashboard: shown, tried in words, put in force, and never over somebody else's change."""

from __future__ import annotations

import html
import json
import re

import pytest

from gateway.dashboard.policy_shelf import BY_GRID, digest_of
from gateway.policy.consent_grid import Cell, Consent, Place
from gateway.policy.consent_text import read_grid
from gateway.uses import Use

GRID = "/policies/journal/consent"
ESSAYS = Place("essays")


@pytest.fixture
async def desk(start, filled, files):
    board = await start(filled, policies=files)
    await board.set_password()
    return board


def spelled(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the grid if nothing were touched."""
    sent = {}
    for tag in re.findall(r"<input[^>]*>", page[page.index('class="consent"') :]):
        found = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if found.get("type") != "radio" or re.search(r"\schecked", tag):
            sent[html.unescape(found.get("name", ""))] = html.unescape(found.get("value", ""))
    return sent


async def grid_form(desk, **more: str) -> dict[str, str]:
    return {
        **fields((await desk.get(GRID)).text),
        **{name.replace("__", "/"): value for name, value in more.items()},
    }


def ticked(page: str) -> list[str]:
    return [tag for tag in re.findall(r'<input type="radio"[^>]*>', page) if "checked" in tag]


async def test_a_rule_that_comes_first_is_told_in_words(desk, files):
    policy = files.policies[0]
    text = files.text(policy)
    own = '\n[[rules]]\nwhen = { crawler = "Bytespider" }\nthen = "refuse"\n'
    own += (
        '[[rules]]\nwhen = { class = "ai" }\nthen = { license = ["training"] }\n[[rules]]\nthen = "serve"\n'
    )
    assert files.activate(policy, text + own, digest_of(text))
    files._shelf().reload()
    page = spelled((await desk.get(GRID)).text)
    assert "whatever is ticked here: rule 1: crawlers named bytespider are refused (line " in page
    assert "rules[0]" not in page


async def test_nothing_is_ticked_before_somebody_ticks_it(desk):
    page = (await desk.get(GRID)).text
    assert page.count('type="radio"') >= 4
    assert ticked(page) == []
    said = spelled(page)
    assert "a cell that is not set means no" in said
    assert "it depends on who asks" in said
    assert "Starting points of a guide, not market data" in said


async def test_a_form_that_ticks_nothing_changes_nothing(desk, files):
    text = files.text(files.policies[0])
    seen = await desk.post(f"{GRID}/check", await grid_form(desk))
    assert "every cell says what it said" in spelled(seen.text)
    assert files.text(files.policies[0]) == text


async def test_a_cell_is_looked_at_in_words_then_put_in_force_and_shown_as_ticked(desk, files):
    policy = files.policies[0]
    before = files.text(policy)
    form = await grid_form(
        desk,
        **{
            "essays__page__ai-input": "no",
            "essays__page__tdm": "paid",
            "essays__page__tdm__amount": "0.0040",
        },
    )
    seen = await desk.post(f"{GRID}/check", form)
    assert seen.status == 200
    said = spelled(seen.text)
    assert "The pages of essays: a crawler that counts and compares them" in said
    assert "and then pays 0.004 USD for each fetch." in said
    assert "It holds from the moment it is put in force" in said
    assert "fetches by machines, put to both rules" in said
    assert files.text(policy) == before

    again = fields(seen.text.replace('class="editor sure card"', 'class="consent"'))
    done = await desk.post(f"{GRID}/activate", again)
    assert (done.status, done.headers["Location"]) == (303, f"{GRID}?done=activated")
    grid = read_grid(files.text(policy), policy.file)
    assert grid.cells[ESSAYS, Use.AI_INPUT].cell == Cell(Consent.NO)
    assert grid.cells[ESSAYS, Use.TDM].cell == Cell(Consent.PAID, "0.004")
    version = files.versions(policy)[0]
    assert version.by == BY_GRID
    assert version.who == "owner"
    assert any("pays 0.004 USD" in each for each in version.words)
    assert any('value="paid"' in tag for tag in ticked((await desk.get(GRID)).text))


async def test_a_price_that_is_none_is_told_at_its_cell_and_nothing_typed_is_lost(desk, files):
    before = files.text(files.policies[0])
    form = await grid_form(
        desk,
        essays__page__tdm="ask",
        essays__page__tdm__amount='"><b>',
        essays__page__search="free",
    )
    seen = await desk.post(f"{GRID}/check", form)
    assert seen.status == 400
    assert 'aria-invalid="true"' in seen.text
    assert "<b>" not in seen.text
    assert fields(seen.text)["essays/page/tdm/amount"] == '"><b>'
    assert fields(seen.text)["essays/page/search"] == "free"
    assert files.text(files.policies[0]) == before


async def test_somebody_elses_change_is_not_run_over_and_both_are_shown(desk, files):
    policy = files.policies[0]
    form = await grid_form(desk, essays__page__tdm="no")
    with open(policy.file, "a", encoding="utf-8") as opened:
        opened.write("\n# a second operator was here\n")
    theirs = files.text(policy)
    seen = await desk.post(f"{GRID}/activate", form)
    assert seen.status == 409
    said = spelled(seen.text)
    assert "The policy was changed meanwhile" in said
    assert "+# a second operator was here" in said
    assert "# Consent for the work" in said
    assert files.text(policy) == theirs
    done = await desk.post(
        f"{GRID}/activate", fields(seen.text.replace('class="editor sure card"', 'class="consent"'))
    )
    assert done.status == 303
    assert "# a second operator was here" in files.text(policy)
    assert read_grid(files.text(policy), policy.file).cells[ESSAYS, Use.TDM].cell == Cell(Consent.NO)


async def test_a_cell_by_hand_says_so_and_leads_to_its_line(desk, files):
    page = (await desk.get(GRID)).text
    links = re.findall(r"/policies/journal\?line=(\d+)#text", page)
    assert links
    lines = files.text(files.policies[0]).splitlines()
    shown = (await desk.get(f"/policies/journal?line={links[0]}")).text
    assert (
        f"<mark>{int(links[0]):4d}  {html.escape(lines[int(links[0]) - 1])}</mark>"
        in html.unescape(shown).replace('"', "&#34;")
        or "<mark>" in shown
    )
    for line in ("0", "-1", "99999", "x", "9" * 99):
        assert "<mark>" not in (await desk.get(f"/policies/journal?line={line}")).text


async def test_a_form_of_another_session_and_a_site_that_is_none_are_refused(desk):
    assert (await desk.post(f"{GRID}/check", {"form": "forged"})).status == 403
    assert (await desk.post(f"{GRID}/activate", {"form": "forged"})).status == 403
    assert (await desk.get("/policies/nobody/consent")).status == 404


async def test_a_word_that_is_none_and_a_cell_that_is_nowhere_are_no_choice(desk, files):
    before = files.text(files.policies[0])
    form = await grid_form(
        desk, essays__page__tdm="everything", atlantis__page__tdm="free", essays__page="free"
    )
    seen = await desk.post(f"{GRID}/activate", form)
    assert seen.status == 303
    assert files.text(files.policies[0]) == before


async def test_the_version_of_a_policy_is_named_by_its_text(desk, files):
    page = (await desk.get(GRID)).text
    assert f'value="{digest_of(files.text(files.policies[0]))}"' in page


async def test_a_form_that_a_session_ended_under_is_not_lost(desk, files):
    before = files.text(files.policies[0])
    form = await grid_form(desk, essays__page__tdm="paid", essays__page__tdm__amount="0.77")
    desk.forget_cookies()
    seen = await desk.post(f"{GRID}/check", form, Accept="text/html")
    assert "0.77" in seen.text
    assert f'action="{GRID}/check"' in seen.text or GRID in seen.text
    assert files.text(files.policies[0]) == before


async def test_the_grid_as_a_table_has_a_row_for_each_form_and_a_column_for_each_use(desk, files):
    form = await grid_form(desk, **{"essays__page__ai-input": "no", "essays__page__tdm": "paid", "essays__page__tdm__amount": "0.0040"})  # fmt: skip
    seen = await desk.post(f"{GRID}/check", form)
    again = fields(seen.text.replace('class="editor sure card"', 'class="consent"'))
    assert (await desk.post(f"{GRID}/activate", again)).status == 303
    page = (await desk.get(GRID)).text
    assert f'href="{GRID}.csv"' in page
    rows = json.loads((await desk.get(f"{GRID}.json")).text)["rows"]
    grid = read_grid(files.text(files.policies[0]), files.policies[0].file)
    assert [(row["work"], row["rendition"]) for row in rows] == [
        (place.work, place.rendition) for place in grid.places
    ]
    (essays,) = (row for row in rows if (row["work"], row["rendition"]) == ("essays", "page"))
    assert list(essays) == ["work", "rendition", *map(str, Use)]
    assert essays["ai-input"] == "no"
    assert essays["tdm"].startswith("paid, 0.004 USD")
    # What a cell says there is what it says on the page.
    assert essays["tdm"] in spelled(page) and essays["ai-train"] in spelled(page)
    assert (await desk.get("/policies/nowhere/consent.csv")).status == 404
