"""A license token under every scheme and spelling: what it opens, and that nobody behind us ever sees it."""

from __future__ import annotations

import aiohttp
import pytest

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
LINK = '/license.xml>; rel="license"; type="application/rsl+xml"'


def held(one, token):
    """Everything the origin was ever sent."""
    return [
        piece for piece in (token, token.split(".")[1], token.split(".")[2]) if piece in str(one.origin.seen)
    ]


@pytest.mark.parametrize("scheme", ["License", "license", "LICENSE", "lIcEnSe", "Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case_and_taken_off(world, scheme) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    answer = await one.get("/essays/tides", GPTBOT, headers={"Authorization": f"{scheme} {token}"})
    assert answer.status == 200
    assert LINK in answer.headers["Link"]
    assert not [name for name, _ in one.origin.seen[-1]["headers"] if name.lower() == "authorization"]
    assert held(one, token) == []


@pytest.mark.parametrize("scheme", ["License", "Bearer", "DPoP", "dpop"])
@pytest.mark.parametrize("path", ["/essays/tides", "/podcast/one", "/about"])
async def test_no_scheme_and_no_place_lets_a_token_of_ours_through(world, scheme, path, capfd) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    for shown in (token, token[:-6] + "AAAAAA"):
        for agent in (GPTBOT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"):
            answer = await one.get(path, agent, headers={"Authorization": f"{scheme} {shown}"})
            assert answer.status in {200, 401, 403}
            assert shown not in str(answer.headers) + (await answer.read()).decode()
        assert held(one, shown) == []
    said = capfd.readouterr()
    assert not [piece for piece in token.split(".")[1:] if piece in said.out + said.err]


async def test_two_credentials_are_refused_and_neither_reaches_the_origin(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    for other in (f"Bearer {token}", "Basic YTpi", f"License {token}"):
        headers = [("User-Agent", GPTBOT), ("Authorization", f"License {token}"), ("Authorization", other)]
        async with one.http.get(f"{one.front}/essays/tides", headers=headers) as answer:
            assert answer.status == 400
    assert one.origin.seen == []


async def test_what_is_the_site_s_own_passes_untouched(world) -> None:
    one = await world()
    for value in (aiohttp.encode_basic_auth("reader", "tides"), "Bearer of-the-site", "Digest a=b"):
        answer = await one.get("/about", headers={"Authorization": value})
        assert answer.status == 200
        assert ("Authorization", value) in one.origin.seen[-1]["headers"]


async def test_each_status_of_cap_from_the_whole_gateway(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    for path, shown, status, error in (
        ("/essays/tides", "", 402, "invalid_request"),
        ("/essays/tides", "x.y.z", 401, "invalid_token"),
        ("/essays/tides", token[:-6] + "AAAAAA", 401, "invalid_token"),
        ("/podcast/one", token, 403, "insufficient_scope"),
    ):
        answer = await one.get(path, GPTBOT, token=shown)
        assert answer.status == status, path
        (challenge,) = (
            each for each in answer.headers.getall("WWW-Authenticate") if each.startswith("License ")
        )
        assert challenge.startswith(f'License error="{error}", error_description="')
        assert LINK in answer.headers["Link"]
    assert one.origin.seen == []
