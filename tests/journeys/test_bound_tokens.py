"""A token bound to a key, from its purchase to the page: by DPoP, by a signed request, and by nobody else."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from gateway.desk.assertions import ASSERTION_TYPE

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)


@pytest.fixture
async def agent(certify, signing):
    """A crawler's key and the server that publishes it."""
    certificate, signer, seen = certify("127.0.0.1"), signing.Signer(), []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request.path)
        return web.Response(body=signing.jwks(signer))

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    place = f"127.0.0.1:{runner.addresses[0][1]}"
    settings = f'[signatures]\nexempt = ["{place}"]\nauthorities = "{certificate[0]}"\n'
    yield SimpleNamespace(signer=signer, agent=f"https://{place}", settings=settings, seen=seen)
    await runner.cleanup()


async def bought(one, holder, *, resource="/essays/", nonce="", **form):
    """Buy with a proof; returns the endpoint's answer."""
    _, client, secret = one.buyer
    url = f"{one.front}/.licet/token"
    more = {"nonce": nonce} if nonce else {}
    headers = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    if holder is not None:
        headers["DPoP"] = holder.proof("POST", url, int(time.time()), **more)
    fields = {"grant_type": "client_credentials", "resource": one.front + resource, **form}
    async with one.http.post(url, data=fields, headers=headers) as answer:
        return await answer.json(content_type=None), answer.headers


async def fetched(one, token, path="/essays/tides", scheme="DPoP", proof=""):
    headers = {"Authorization": f"{scheme} {token}", **({"DPoP": proof} if proof else {})}
    answer = await one.get(path, GPTBOT, headers=headers)
    return answer.status, answer


async def test_dpop_from_the_purchase_to_the_page(world, proving) -> None:
    one, holder = await world(), proving.Holder()
    one.buyer = await one.licensee()
    body, _ = await bought(one, holder)
    token, url = body["access_token"], f"{one.front}/essays/tides"
    assert body["token_type"] == "DPoP"
    proof = holder.proof("GET", url, int(time.time()), token=token)
    assert (await fetched(one, token, proof=proof))[0] == 200
    sent = {name.lower() for name, _ in one.origin.seen[-1]["headers"]}
    assert {"dpop", "authorization"}.isdisjoint(sent), "neither reaches the creator's server"
    status, again = await fetched(one, token, proof=proof)
    assert (status, (await again.json(content_type=None))["code"]) == (401, "token-unproven")
    challenge = [value for value in again.headers.getall("WWW-Authenticate") if value.startswith("DPoP")]
    assert challenge == ['DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"']
    for scheme in ("License", "Bearer"):
        fresh = holder.proof("GET", url, int(time.time()), token=token)
        assert (await fetched(one, token, scheme=scheme, proof=fresh))[0] == 401
    other = proving.Holder().proof("GET", url, int(time.time()), token=token)
    assert (await fetched(one, token, proof=other))[0] == 401
    query = holder.proof("GET", url, int(time.time()), token=token)
    assert (await fetched(one, token, "/essays/tides?page=2", proof=query))[0] == 200


async def test_with_nonces_the_gateway_says_which_to_use(world, proving) -> None:
    one, holder = await world(settings="[clients]\ndpop_nonces = true\n"), proving.Holder()
    one.buyer = await one.licensee()
    body, headers = await bought(one, holder)
    assert body["error"] == "use_dpop_nonce"
    body, _ = await bought(one, holder, nonce=headers["DPoP-Nonce"])
    token, url = body["access_token"], f"{one.front}/essays/tides"
    bare = holder.proof("GET", url, int(time.time()), token=token)
    status, answer = await fetched(one, token, proof=bare)
    assert (status, answer.headers["Cache-Control"]) == (401, "no-store")
    lines = answer.headers.getall("WWW-Authenticate")
    assert 'DPoP error="use_dpop_nonce", algs="ES256 EdDSA PS256 RS256"' in lines
    nonce = answer.headers["DPoP-Nonce"]
    held = holder.proof("GET", url, int(time.time()), token=token, nonce=nonce)
    assert (await fetched(one, token, proof=held))[0] == 200


async def test_a_proof_pays_once_however_many_send_it_at_once(world, proving) -> None:
    one, holder = await world(), proving.Holder()
    one.buyer = await one.licensee()
    token = (await bought(one, holder))[0]["access_token"]
    proof = holder.proof("GET", f"{one.front}/essays/tides", int(time.time()), token=token)
    found = await asyncio.gather(*(fetched(one, token, proof=proof) for _ in range(50)))
    assert sorted(status for status, _ in found) == [200] + [401] * 49


async def test_a_token_bound_to_the_key_that_signs_requests(world, agent, signing) -> None:
    one = await world(settings=agent.settings)
    jwk = {**agent.signer.jwk, "kid": agent.signer.keyid}
    async with one.http.post(
        f"{one.front}/.licet/register", json={"client_name": "Signing crawler", "jwks": {"keys": [jwk]}}
    ) as answer:
        made = await answer.json()
    from gateway.cli.books import credit_entry
    from gateway.licenses.license import Standing
    from gateway.money import Money

    await one.licet.register.set_standing(made["licensee"], Standing.ACTIVE, int(time.time()))
    entry = credit_entry(made["licensee"], Money.read("10 USD"), now_us=one.licet.clock.now_us())
    await one.licet.journal.keep(entry)
    await one.licet.keeper.catch_up()
    one.buyer = made["licensee"], made["client_id"], made["client_secret"]
    body, _ = await bought(one, None, cnf=json.dumps({"jkt": agent.signer.keyid}))
    token = body["access_token"]
    assert body["token_type"] == "DPoP"

    async def signed(signer, scheme, nonce):
        now = int(time.time())
        draft = signing.Draft(
            signer, origin=one.front, target="/essays/tides", agent=agent.agent,
            headers=[("user-agent", GPTBOT), ("authorization", f"{scheme} {token}")],
            parameters={"created": now - 1, "expires": now + 60, "nonce": nonce},
            covered=['"@authority"', '"@method"', '"@path"', '"authorization"'],
        )  # fmt: skip
        lines = dict(line for line in draft.lines() if line[0] != "host")
        async with one.http.get(f"{one.front}/essays/tides", headers={**lines, "X-Country": "DE"}) as got:
            await got.read()
            return got.status

    assert [await signed(agent.signer, scheme, scheme) for scheme in ("License", "Bearer", "DPoP")] == [
        200
    ] * 3
    assert await signed(signing.Signer(), "License", "another") == 401
    assert (await fetched(one, token, scheme="License"))[0] == 401, "unsigned, whoever copied it"


async def test_what_a_narrow_token_lacks_is_told_so_that_a_program_can_buy_it(world) -> None:
    one = await world()
    one.buyer = await one.licensee()
    narrow = (await bought(one, None, resource="/podcast/"))[0]["access_token"]
    status, answer = await fetched(one, narrow, scheme="Bearer")
    assert status == 403
    (line,) = [each for each in answer.headers.getall("WWW-Authenticate") if each.startswith("Bearer")]
    assert 'error="insufficient_scope"' in line
    said = line.partition('authorization_remediation="')[2].rstrip('"')
    remedy = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    wide, _ = await bought(one, None, authorization_details=json.dumps(remedy["authorization_details"]))
    assert (await fetched(one, wide["access_token"], scheme="Bearer"))[0] == 200


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_key_that_its_client_publishes_logs_it_in_by_the_guarded_way_alone(
    world, agent, proving, allowed
) -> None:
    settings = (
        agent.settings if allowed else agent.settings.replace('exempt = ["', 'exempt = ["bot.example:1", "x')
    )
    one, holder = await world(settings=settings), proving.Holder("EdDSA")
    holder.key = agent.signer.key
    metadata = {
        "client_name": "A", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": f"{agent.agent}/jwks.json",
    }  # fmt: skip
    async with one.http.post(f"{one.front}/.licet/register", json=metadata) as answer:
        client = (await answer.json())["client_id"]
    statuses = []
    for _ in range(3):
        login = holder.login(client, f"{one.front}/.licet", int(time.time()))
        form = {"client_assertion": login, "client_assertion_type": ASSERTION_TYPE}
        async with one.http.post(f"{one.front}/.licet/account", data=form) as answer:
            statuses.append(answer.status)
    assert statuses == ([200] * 3 if allowed else [401] * 3)
    assert agent.seen == (["/jwks.json"] if allowed else []), "asked once, or never: it is a private address"


async def test_over_two_workers_a_proof_pays_at_most_once_at_each(licet, http, origin, sell, proving) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("max_fetches = 3\n", ""))
    serving = await licet.serve("--workers", 2)
    sold, holder = await sell(serving, pages=()), proving.Holder()
    one = SimpleNamespace(front=serving.front, http=http, buyer=("", sold.client, sold.secret))
    token, url = (await bought(one, holder))[0]["access_token"], f"{serving.front}/essays/tides"

    async def send(proof):
        headers = {
            "User-Agent": GPTBOT, "X-Country": "DE", "Connection": "close", "Authorization": f"DPoP {token}", "DPoP": proof,
        }  # fmt: skip
        async with http.get(url, headers=headers) as answer:
            await answer.read()
            return answer.status

    proof = holder.proof("GET", url, int(time.time()), token=token)
    statuses = [await send(proof)]
    statuses += await asyncio.gather(*(send(proof) for _ in range(30)))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {200, 401}
    assert statuses.count(200) <= 2, "by the worker that saw it first, and by the other before it was told"
    fresh = [holder.proof("GET", url, int(time.time()), token=token) for _ in range(20)]
    assert set(await asyncio.gather(*map(send, fresh))) == {200}
    assert await serving.stop() == 0
