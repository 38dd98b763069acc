"""The rules on the dashboard: asked, tried on what happened, put in force, taken back."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from gateway.dashboard.policy_shelf import digest_of
from gateway.licenses.consent import Answer
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.policy.reading import default_policy
from gateway.policy.reload import PolicyShelf
from gateway.uses import Use


@pytest.fixture
async def desk(start, filled, files):
    board = await start(filled, policies=files)
    await board.set_password()
    return board


def spelled(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


async def sent(board, act: str, text: str, base: str):
    form = await board.form("/policies/journal")
    return await board.post(
        f"/policies/journal/{act}", {"form": form, "text": text.replace("\n", "\r\n"), "base": base}
    )


async def test_every_site_is_listed_and_has_its_file(desk, files):
    page = (await desk.get("/policies")).text
    assert 'href="/policies/journal"' in page
    one = (await desk.get("/policies/journal")).text
    area = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", one, re.S)[1]
    assert html.unescape(area) == files.text(files.policies[0])
    assert (await desk.get("/policies/nobody")).status == 404


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("path=/essays/tides&as=GPTBot", "needs a license"),
        ("path=/essays/tides", "served, free of charge"),
        ("path=essays/tides&as=GPTBot&use=search", "GPTBot of OpenAI"),
        ("path=/essays/tides&as=GPTBot&country=DE", "country  DE"),
        ("path=/&as=Nosuchbot", "No crawler of the catalog has that name"),
        ("path=/&as=GPTBot&country=Atlantis", "A country is a code of two letters"),
        ("path=/&use=dreaming", "A use is one of"),
        ("path=/&proof=sworn", "Proof is one of"),
        ("path=http://[x", "That is no path."),
    ],
)
async def test_the_rules_answer(desk, query, said):
    page = await desk.get(f"/policies/journal?{query}")
    assert re.sub(r"\s+", " ", said) in spelled(page.text)
    assert page.status == (400 if said[:2] in {"No", "A ", "Pr", "Th"} else 200)


async def test_a_change_is_looked_at_then_put_in_force_and_taken_back(desk, files):
    policy = files.policies[0]
    text = files.text(policy)
    changed = text.replace('then = { license = ["training"] }', "") + '\n[[rules]]\nthen = "refuse"\n'
    seen = await sent(desk, "check", changed, digest_of(text))
    assert seen.status == 200
    said = spelled(seen.text)
    assert "fetches by machines, put to both rules" in said
    assert "Who would meet something else" in said
    assert re.search(r"Googlebot served free refused 24", said)
    assert "+[[rules]]" in said
    assert files.text(policy) == text

    done = await sent(desk, "activate", changed, digest_of(text))
    assert (done.status, done.headers["Location"]) == (303, "/policies/journal?done=activated")
    assert files.text(policy) == changed
    page = (await desk.get("/policies/journal?done=activated")).text
    assert "Put in force" in page
    old = f"/policies/journal/versions/{digest_of(text)}"
    assert f'href="{old}"' in page

    version = (await desk.get(old)).text
    assert "-[[rules]]" in spelled(version)
    assert "owner" in spelled(page)
    # One click leads back, from the list as from the version's own page, to what it would do.
    back = re.search(rf'name="version" value="({digest_of(text)})"', page)[1]
    assert f'name="version" value="{back}"' in version
    form = {"form": await desk.form("/policies/journal"), "base": digest_of(changed), "version": back}
    looked = await desk.post("/policies/journal/check", form)
    assert looked.status == 200
    assert "-[[rules]]" in spelled(looked.text)
    newest = (await desk.get(f"/policies/journal/versions/{digest_of(changed)}")).text
    made = spelled(newest.split('id="made"')[1].split("</section>")[0])
    assert "+[[rules]]" in made
    assert (await sent(desk, "activate", text, digest_of(changed))).status == 303
    assert files.text(policy) == text
    assert (await desk.post("/policies/journal/check", {**form, "version": "0" * 64})).status == 404
    assert (await desk.get(f"/policies/journal/versions/{'0' * 64}")).status == 404


async def test_mistakes_are_told_at_their_line_and_nothing_typed_is_lost(desk, files):
    text = files.text(files.policies[0])
    wrong = text.replace('rights = "own"', 'rights = "</textarea><script>alert(1)</script>"')
    for act in ("check", "activate"):
        page = await sent(desk, act, wrong, digest_of(text))
        assert page.status == 400
        assert "Line 10" in spelled(page.text)
        assert "works[0].rights" in page.text
        assert "<script>alert" not in page.text
        area = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.S)[1]
        assert html.unescape(area) == wrong
    assert files.text(files.policies[0]) == text


async def test_two_who_edit_at_once_lose_nothing(desk, files):
    policy = files.policies[0]
    text = files.text(policy)
    first, second = text + "# first\n", text + "# second\n"
    assert (await sent(desk, "activate", first, digest_of(text))).status == 303
    late = await sent(desk, "activate", second, digest_of(text))
    assert late.status == 409
    said = spelled(late.text)
    assert "The file was changed meanwhile" in said
    assert "-# first" in said
    assert "+# second" in said
    assert files.text(policy) == first
    # The page names what is there by now, so that whoever has read both can go on.
    base = re.search(r'name="base" value="([0-9a-f]+)"', late.text)[1]
    assert base == digest_of(first)
    assert "changed meanwhile" in (await sent(desk, "check", second, digest_of(text))).text


async def test_only_a_form_of_this_session_changes_anything(desk, files):
    text = files.text(files.policies[0])
    for act in ("check", "activate"):
        forged = {"form": "0" * 64, "text": text + "# x\n", "base": digest_of(text)}
        assert (await desk.post(f"/policies/journal/{act}", forged)).status == 403
    assert files.text(files.policies[0]) == text


async def asked(board, use: str) -> str:
    query = f"path=/essays/tides&as=GPTBot&use={use}"
    return spelled((await board.get(f"/policies/journal?{query}")).text)


async def test_a_work_is_held_because_its_authors_have_not_answered_and_the_page_says_so(
    desk, files, consents
):
    taking_back, asking = consents.taking_back, consents.asking

    async def in_force():
        files._shelf().withdraw(each for each in await taking_back.store.all(9) if not each.readmitted_at)

    assert "not sold" not in await asked(desk, "ai-train")
    ada = await asking.ask("journal", "essays", "Ada", 500_000, 9_000_000, representative=False)
    await in_force()
    said = await asked(desk, "ai-train")
    assert "but essays is not sold here at the moment" in said
    assert "held essays, for ai-train: its author has not answered yet, and no answer is no consent" in said
    assert "any more" not in said
    bo = await asking.ask("journal", "essays", "Bo", 500_000, 9_000_000, representative=False)
    await asking.answer(ada.secret, {Use.AI_TRAIN: Answer.CONSENT}, 9_000_000)
    await in_force()
    said = await asked(desk, "ai-train")
    assert "held essays, for ai-train: 1 of its 2 authors has not answered yet" in said
    await asking.answer(bo.secret, {Use.AI_TRAIN: Answer.DECLINE}, 9_000_000)
    await in_force()
    assert "held essays, for ai-train: 1 of its 2 authors declined" in await asked(desk, "ai-train")
    assert "2 of its 2 authors have not answered yet" in await asked(desk, "ai-input")
    await asking.answer(bo.secret, {Use.AI_TRAIN: Answer.CONSENT}, 9_000_000)
    await in_force()
    said = await asked(desk, "ai-train")
    assert "held" not in said
    assert "not sold" not in said
    person = spelled((await desk.get("/policies/journal?path=/essays/tides")).text)
    assert "held" not in person


async def test_what_is_held_for_an_objection_names_it(desk, files):
    hold = Withdrawal("wd_1", "journal", USUAL, 9, 9, works=("essays",), hold=True, cause="ob_1")
    files._shelf().withdraw([hold])
    assert "held for ai-train: an objection is not decided yet (ob_1)" in await asked(desk, "ai-train")
    files._shelf().withdraw([replace(hold, hold=False, cause="")])
    assert "held" not in await asked(desk, "ai-train")


async def test_rules_of_the_command_line_can_be_asked_and_not_edited(start, filled, clock, tmp_path):
    from gateway.dashboard.policy_shelf import PolicyFiles

    shelf = PolicyShelf(lambda: (default_policy("http://127.0.0.1:1"),))
    board = await start(filled, policies=PolicyFiles(lambda: shelf, tmp_path / "v", clock))
    await board.set_password()
    page = (await board.get("/policies/site?path=/&as=GPTBot")).text
    assert "<textarea" not in page
    assert "licet init" in page
    assert "GPTBot of OpenAI" in spelled(page)
    form = await board.form("/policies/site")
    answer = await board.post("/policies/site/activate", {"form": form, "text": "x", "base": ""})
    assert answer.status == 404
