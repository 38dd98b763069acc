"""A license over a running gateway: agreed, amended, suspended, resumed, revoked; what each does to its tokens."""

from __future__ import annotations

import json
import time
from typing import Any

from gateway.canonical import canonical_digest
from gateway.licenses.revocations import OLDEST
from tests.journeys.test_negotiation import POLICY, Crawler

ANSWERS = {"offer": "answers", "facts": {"use_case": "answers to readers"}}
#: A crawler whose purpose is the use that is bought.
READER = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot"


async def agreed(crawler: Crawler, at: str, body: dict[str, Any]) -> str:
    """Begin with *body*, accept what is on the table, verify it; the license's id."""
    crawler.tag = ""
    status, told = await crawler.post(at, body)
    assert (status, told["state"]) == (201, "OFFERED"), told
    return await accepted(crawler, told)


async def accepted(crawler: Crawler, told: dict[str, Any]) -> str:
    """Accept and verify what *told* has on the table."""
    accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    status, told = await crawler.post(told["links"]["acceptance"], accept)
    assert (status, told["state"]) == (200, "AGREED"), told
    _, told = await crawler.post(told["links"]["verification"], {"terms_hash": accept["terms_hash"]})
    assert told["state"] == "FINALIZED"
    return str(told["license"])


async def token(crawler: Crawler, front: str, license: str) -> str:
    """A token of *license*."""
    details = json.dumps([{"type": "content_license", "license": license}])
    form = {"grant_type": "client_credentials", "authorization_details": details}
    async with crawler.http.post(f"{front}/.licet/token", data=form, headers=crawler.login) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["access_token"])


async def fetched(crawler: Crawler, url: str, token: str) -> tuple[int, str]:
    """What a fetch with *token* comes to: status, and the code of a refusal."""
    headers = {"User-Agent": READER, "Authorization": f"License {token}", "X-Country": "DE"}
    async with crawler.http.get(url, headers=headers) as answer:
        body = await answer.read()
        return answer.status, json.loads(body)["code"] if answer.status >= 400 else ""


async def until(crawler: Crawler, url: str, token: str, expected: int) -> str:
    """Fetch until *expected* is the answer; whatever is sent a second after now has to have it."""
    begun = time.monotonic()
    while True:
        sent = time.monotonic()
        status, code = await fetched(crawler, url, token)
        if status == expected:
            return code
        assert sent <= begun + OLDEST, f"{status} {code}, more than a second later"


async def test_a_license_is_amended_suspended_resumed_and_revoked(licet: Any, origin: Any) -> None:
    licet.write_site(origin.url, policy=POLICY)
    running = await licet.serve("--workers", 2)
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "100 USD", "--json")).json
    crawler = Crawler(made["client_id"], made["client_secret"], [])
    front, page = running.front, f"{running.front}/essays/tides"
    try:
        license = await agreed(crawler, f"{front}/.licet/negotiations", ANSWERS)
        contract = f"{front}/.licet/contracts/{license}"
        first = json.loads((await crawler.get(contract, **crawler.login))[1])
        old = await token(crawler, front, license)
        assert await fetched(crawler, page, old) == (200, "")

        # The buyer asks for less, which is agreed to at once.
        about = f"{front}/.licet/licenses/{license}"
        less = {"proposal": {"scope": {"paths": ["/essays/tides"]}}}
        assert await agreed(crawler, f"{about}/amendment", less) == license
        assert await until(crawler, page, old, 401) == "token-revoked"
        new = await token(crawler, front, license)
        assert await fetched(crawler, page, new) == (200, "")
        assert (await fetched(crawler, f"{front}/essays/moon", new))[0] == 403
        second = json.loads((await crawler.get(contract, **crawler.login))[1])
        again = json.loads((await crawler.get(f"{contract}?version=1", **crawler.login))[1])
        assert again == first
        assert (second["id"], second["version"], second["replaces"]) == (license, 2, canonical_digest(first))
        for form in ("text/html", "application/pdf"):
            status, drawn = await crawler.get(contract, **crawler.login, Accept=form)
            assert status == 200
            assert form != "text/html" or first["terms_hash"] not in drawn.decode()

        # The owner offers more by command; the buyer accepts it.
        change = json.dumps({"scope": {"paths": ["/essays/"]}})
        offered = (await licet("licenses", "amend", license, "--change", change, "--json")).json
        url = f"{front}/.licet/negotiations/{offered['negotiation']}"
        told = json.loads((await crawler.get(url, **crawler.login))[1])
        crawler.tag = f'"{told["version"]}"'
        assert (told["state"], told["about"]) == ("OFFERED", license)
        assert await accepted(crawler, told) == license
        assert await until(crawler, page, new, 401) == "token-revoked"
        third = await token(crawler, front, license)
        assert await fetched(crawler, f"{front}/essays/moon", third) == (200, "")

        (row,) = (await licet("licenses", "list", "--json")).json
        assert (row["license"], row["state"], row["version"]) == (license, "in force", 3)
        assert [each["state"] for each in row["versions"]] == ["replaced", "replaced", "in force"]
        assert "0.004 USD" in (await licet("licenses", "show", license)).out

        await licet("licenses", "suspend", license, "--why", "A question is open.")
        assert await until(crawler, page, third, 403) == "license-suspended"
        told = json.loads((await crawler.get(about, **crawler.login))[1])
        assert (told["state"], told["suspended"]) == ("suspended", "A question is open.")
        assert "already" in (await licet("licenses", "suspend", license, code=1)).err
        await licet("licenses", "resume", license)
        await until(crawler, page, third, 200)
        assert "did not" in (await licet("licenses", "resume", license, code=1)).err

        assert "--yes" in (await licet("licenses", "revoke", license, code=2)).err
        await licet("licenses", "revoke", license, "--yes")
        assert await until(crawler, page, third, 401) == "token-revoked"
        assert "revoked" in (await licet("licenses", "revoke", license, "--yes", code=1)).err
        assert "revoked" in (await licet("licenses", "amend", license, "--change", "{}", code=1)).err
        assert "no license" in (await licet("licenses", "show", "li_0", code=1)).err
        status, body = await crawler.post(f"{about}/transfer", {"to": "somebody"})
        assert (status, body["code"]) == (403, "license-not-transferable")
    finally:
        await crawler.http.close()
