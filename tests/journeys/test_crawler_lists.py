"""Operators' lists through the command and into a running gateway; the real files of 2026 as if fetched by hand."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHATGPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot"


@pytest.fixture
def by_hand(licet, shared_data: Path) -> Path:
    """A folder of files fetched by hand, called as their sources call them."""
    folder = licet.folder / "by-hand"
    folder.mkdir()
    for name, file in (
        ("openai-gptbot.json", "acv_openai-gptbot.json"),
        ("chatgpt-user.json", "acv_openai-chatgpt-user.json"),
        ("bingbot.json", "gb_internal.json"),
        ("mistralai-user.json", "acv_openai-gptbot.json"),
    ):
        shutil.copy(shared_data / "ip_ranges" / file, folder / name)
    return folder


async def test_a_catalog_is_listed_and_filtered(licet) -> None:
    every = (await licet("crawlers", "list", "--json")).json
    assert len(every) > 200
    training = (
        await licet(
            "crawlers", "list", "--operator", "openai", "--purpose", "training", "--class", "ai", "--json"
        )
    ).json
    assert [each["name"] for each in training] == ["GPTBot"]
    assert training[0]["verify"]["networks"] == ["openai-gptbot"]
    told = await licet("crawlers", "list", "--operator", "OpenAI")
    assert "GPTBot" in told.out
    assert "crawlers" in told.err
    wrong = await licet("crawlers", "list", "--purpose", "traning", code=2)
    assert "training" in wrong.err


async def test_one_crawler_is_shown_with_what_its_lists_prove_today(licet) -> None:
    shown = await licet("crawlers", "show", "chatgpt-user")
    assert "openai-chatgpt-user: 204 prefixes, shipped, of 2026-09-02" in shown.out
    assert "unproven: after 2 days" in shown.out
    (known,) = (await licet("crawlers", "show", "GPTBot", "--json")).json["lists"]
    assert (known["absence"], known["fresh"], known["fetched"]) == ("forged", True, False)
    assert "did you mean GPTBot" in (await licet("crawlers", "show", "GPTBoot", code=1)).err


async def test_files_fetched_by_hand_are_judged_kept_and_shown(licet, by_hand: Path) -> None:
    rehearsed = await licet("crawlers", "update", "--from", by_hand, "--dry-run", code=1)
    assert "nothing was kept" in rehearsed.err
    assert not (licet.folder / "licet-data").exists()

    told = await licet("crawlers", "update", "--from", by_hand, "--json", code=1)
    done = {each["list"]: each for each in told.json}
    assert {name: each["outcome"] for name, each in done.items()} == {
        "openai-gptbot": "unchanged",
        "openai-chatgpt-user": "unchanged",
        "bingbot": "refused",
        "mistralai-user": "refused",
    }
    assert done["bingbot"]["fault"]["code"] == "special"
    grown = done["mistralai-user"]["fault"]
    assert (grown["code"], grown["fact"], grown["arguable"]) == ("grown", "4 became 21", True)
    assert "--accept mistralai-user" in grown["next_step"]

    accepted = await licet(
        "crawlers", "update", "mistralai-user", "--from", by_hand, "--accept", "mistralai-user"
    )
    assert "+ 4.227.36.0/25" in accepted.out
    (known,) = (await licet("crawlers", "show", "MistralAI-User", "--json")).json["lists"]
    assert (known["fetched"], known["prefixes"], known["max_age_days"]) == (True, 21, 7)


async def test_a_file_says_itself_how_old_it_is(licet, by_hand: Path, shared_data: Path) -> None:
    shutil.copy(
        shared_data / "ip_ranges" / "fc_openai-chatgpt-user.json", by_hand / "openai-chatgpt-user.json"
    )
    told = await licet("crawlers", "update", "ChatGPT-User", "--from", by_hand, "--json", code=1)
    assert told.json[0]["fault"]["code"] == "older"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    insisted = await licet(
        "crawlers", "update", "ChatGPT-User", "--from", by_hand, "--as-of", today, "--json"
    )
    assert (insisted.json[0]["outcome"], insisted.json[0]["after"]) == ("updated", 240)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("nobody",), "there is no such list or crawler"),
        (("Bytespider",), "publishes no list"),
        (("--accept", "nobody"), "there is no such list"),
        (("--as-of", "2026-09-02"), "needs --from"),
        (("--from", "nowhere"), "no such folder"),
        (("--from", "by-hand", "--as-of", "soon"), "a date such as"),
        (("--from", "by-hand", "--as-of", "2999-01-01"), "no file can have been fetched then"),
        (("googlebot", "--from", "by-hand"), "holds no file for googlebot"),
    ],
)
async def test_a_mistake_is_told_with_the_next_step(
    licet, by_hand: Path, args: tuple[str, ...], sentence: str
) -> None:
    assert sentence in (await licet("crawlers", "update", *args, code=2)).err


async def test_a_check_says_what_is_old_and_fails_for_what_is_wrong(licet, by_hand: Path) -> None:
    sound = await licet("crawlers", "check", "--json")
    assert {each["state"] for each in sound.json} == {"warn"}
    assert any(each["what"] == "openai-chatgpt-user" and "stale" in each["fact"] for each in sound.json)
    assert any(each["what"] == "no source" for each in sound.json)
    await licet("crawlers", "check", "--strict", code=1)
    await licet("crawlers", "update", "--from", by_hand, code=1)
    assert "refused (special)" in (await licet("crawlers", "check")).out
    (licet.folder / "licet-data" / "feeds" / "openai-gptbot.json").write_text("{")
    wrong = await licet("crawlers", "check", "--json", code=1)
    assert [each["what"] for each in wrong.json if each["state"] == "bad"] == ["openai-gptbot.json"]


async def test_a_running_gateway_takes_up_what_was_fetched(licet, origin, http, tmp_path: Path) -> None:
    """Who is forged before is proven after, in the same processes, and a person notices nothing."""
    licet.write_site(origin.url)
    one = await licet.serve()

    async def status(address: str, agent: str = GOOGLEBOT) -> int:
        headers = {"User-Agent": agent, "X-Forwarded-For": address}
        async with http.get(f"{one.front}/essays/tides", headers=headers) as answer:
            await answer.read()
            return answer.status

    assert await status("81.2.69.1") == 403
    listed = json.loads((await licet("crawlers", "show", "Googlebot", "--json")).out)["lists"][0]["prefixes"]
    from gateway.visitors.networks import Networks

    prefixes = [*map(str, Networks.shipped().lists["googlebot"].prefixes), "81.2.69.0/24"]
    assert len(prefixes) == listed + 1
    (tmp_path / "googlebot.txt").write_text("\n".join(prefixes))
    await licet("crawlers", "update", "googlebot", "--from", tmp_path)
    async with asyncio.timeout(30):
        for last in range(2, 255):
            # Each address once: what was weighed for one is remembered for a minute.
            if await status(f"81.2.69.{last}") == 200:
                break
            await asyncio.sleep(0.2)
    assert (
        await status("81.2.69.254", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        == 200
    )


@pytest.mark.parametrize("update", [True, False])
async def test_the_office_asks_by_itself_and_the_front_takes_it_up(
    world, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    from gateway.app import licet as app_licet
    from gateway.app import office
    from gateway.visitors.feed_updates import Fetched, NotFetched
    from gateway.visitors.networks import Networks

    known = Networks.shipped().lists["openai-gptbot"]
    newer = "\n".join([*map(str, known.prefixes), "81.2.69.0/24"]).encode()
    asked: list[str] = []

    async def operators(url: str, *, etag: str, limit: int) -> Fetched | NotFetched:
        asked.append(url)
        return Fetched(newer) if url == known.source else NotFetched("it gives no list (status 503)")

    monkeypatch.setattr(office, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(office, "feed_fetch", lambda _: operators)
    monkeypatch.setattr(app_licet, "COPIES_SECONDS", 0.05)
    one = await world(settings=f"[feeds]\nupdate = {str(update).lower()}\n")
    identifier = one.licet.front.identification.identifier
    if update:
        async with asyncio.timeout(20):
            while identifier.networks.lists_of("81.2.69.7") != (known.name,):
                await asyncio.sleep(0.02)
        assert sorted(asked) == sorted(each.source for each in Networks.shipped().lists.values() if each.feed)
    else:
        assert not any(task.get_name() == "feeds" for task in one.licet._tasks)
