"""A file that is sold encrypted: made by the creator, fetched and opened by who bought it."""

from __future__ import annotations

import io
import json
import re

import aiohttp

from gateway.client import LicensedSession, Refused, Secret, Spending
from gateway.keys import ems
from gateway.money import Money

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
ARCHIVE = b"WARC/1.1\r\n" + bytes(range(256)) * 1000


async def sold(world, licet, tmp_path, origin):
    """A gateway whose origin has the archive encrypted; returns it and the file's path."""
    one = await world()
    file = one.folder / "sites" / "journal.toml"
    file.write_text(file.read_text().replace('people = "none"', 'people = "none"\nencrypted = true', 1))
    assert not one.licet.reload()
    doctor = ("doctor", "--data", str(one.folder), "--json")
    assert [each["state"] for each in (await licet(*doctor)).json if each["what"] == "content keys"] == [
        "warn"
    ]
    (tmp_path / "archive.warc").write_bytes(ARCHIVE)
    command = (
        "ems",
        "encrypt",
        str(tmp_path / "archive.warc"),
        "--at",
        "/essays/",
        "--data",
        str(one.folder),
    )
    (made,) = (await licet(*command, "--json")).json
    assert made["path"] == "/essays/archive.warc.enc"
    assert not [each for each in (await licet(*doctor)).json if each["what"] == "content keys"]
    octets = (tmp_path / "archive.warc.enc").read_bytes()
    assert ARCHIVE[:64] not in octets
    origin.files[made["path"]] = octets
    return one, made


async def test_a_creator_encrypts_and_a_buyer_opens(world, licet, tmp_path, origin) -> None:
    one, made = await sold(world, licet, tmp_path, origin)
    document = await (await one.get("/license.xml", GPTBOT)).text()
    assert re.search(
        r'<content url="/essays/\*?" server="[^"]+/.licet" encrypted="true" lastmod="[^"]+">', document
    )
    assert (await one.get(made["path"], GPTBOT)).status == 402

    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    asked = {"token": token, "resource": one.front + made["path"]}
    async with one.http.post(
        f"{one.front}/.licet/key", data=asked, headers={**login, "X-Country": "US", "Licet-Country": "DE"}
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (403, "insufficient_scope")
    async with one.http.post(
        f"{one.front}/.licet/key", data=asked, headers={**login, "X-Country": "DE"}
    ) as answer:
        assert answer.status == 200
        (tmp_path / "key.json").write_bytes(await answer.read())
    got = tmp_path / "bought.warc.enc"
    got.write_bytes(await (await one.get(made["path"], GPTBOT, token=token)).read())
    done = await licet("ems", "decrypt", str(got), "--key", str(tmp_path / "key.json"), "--json")
    assert done.json == {"file": str(tmp_path / "bought.warc"), "octets": len(ARCHIVE)}
    assert (tmp_path / "bought.warc").read_bytes() == ARCHIVE


def ems_octets(tmp_path):
    return (tmp_path / "archive.warc.enc").read_bytes()


async def test_what_was_cut_off_is_refused_and_leaves_nothing(world, licet, tmp_path, origin) -> None:
    one, made = await sold(world, licet, tmp_path, origin)
    from gateway.keys.content_keys import ContentKeys

    key = ContentKeys(one.folder / "keys" / "content").key("journal", made["path"])
    (tmp_path / "key.json").write_text(json.dumps(key.as_jwk()))
    cut = tmp_path / "cut.enc"
    cut.write_bytes(ems_octets(tmp_path)[: 33 + 65536 + 16])
    done = await licet("ems", "decrypt", str(cut), "--key", str(tmp_path / "key.json"), code=1)
    assert "the end is missing" in done.err
    assert not (tmp_path / "cut").exists()
    assert not list(tmp_path.glob(".cut*"))


async def test_encrypting_again_wants_a_word_and_makes_another_key(world, licet, tmp_path, origin) -> None:
    one, made = await sold(world, licet, tmp_path, origin)
    command = (
        "ems",
        "encrypt",
        str(tmp_path / "archive.warc"),
        "--at",
        "/essays/",
        "--data",
        str(one.folder),
    )
    assert "--force replaces it" in (await licet(*command, code=2)).err
    (again,) = (await licet(*command, "--force", "--json")).json
    assert again["key"] != made["key"]
    odd = (*command[:3], "--at", "/nowhere/", "--data", str(one.folder), "--force")
    assert "no work with encrypted = true covers /nowhere/archive.warc.enc" in (await licet(*odd)).err
    for at in ("essays/", "/a/../b", "/essays/*"):
        wrong = (*command[:3], "--at", at, "--data", str(one.folder), "--force")
        assert "make no plain path" in (await licet(*wrong, code=2)).err
    elsewhere = await licet(*command, "--site", "other", "--force", code=2)
    assert "there is no site other" in elsewhere.err


async def test_the_client_s_session_opens_what_it_bought(world, licet, tmp_path, origin) -> None:
    one, made = await sold(world, licet, tmp_path, origin)
    _, client, secret = await one.licensee()
    url = one.front + made["path"]
    cent = Money.read("0.01 USD")
    # Tokens are bound to a key of the session, so that the desk asks it for a proof.
    logins = (Secret(one.front, client, secret),)
    session = LicensedSession("GPTBot/1.3", Spending(cent, cent), logins=logins, bind_tokens=True)
    async with session:
        # The license is for two countries, and the front believes this proxy's word on where a fetch is from.
        session.caller.headers["X-Country"] = "DE"
        unbought = await session.content_key(url)
        assert isinstance(unbought, Refused)
        assert "fetch the file first" in unbought.fact
        await session.fetch(url)
        key = await session.content_key(url)
    assert isinstance(key, ems.ContentKey)
    target = io.BytesIO()
    ems.decrypt(io.BytesIO(ems_octets(tmp_path)), target, key)
    assert target.getvalue() == ARCHIVE
