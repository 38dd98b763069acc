"""The crawler's own client against a live gateway: buys, bargains, renews, stops, and never spends more than it may."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from gateway.client import (
    AgentKey,
    Bargain,
    Fetched,
    LicensedSession,
    Refused,
    Secret,
    SignedLogin,
    Spending,
    Wish,
)
from gateway.client.wallet import Lines
from gateway.keys.signing_key import SigningKey
from gateway.money import Money
from gateway.provenance.checkpoint import LogKey
from gateway.provenance.receipts import verify
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation
from gateway.uses import Use

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "archive"
paths = ["/archive/"]
rights = "own"
people = "none"
[[works]]
id = "notes"
paths = ["/notes/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[offers.whole]
uses = ["ai-train"]
works = ["archive"]
price = {{ upfront = "2", per_fetch = "0.001" }}
[offers.sharing]
uses = ["ai-train"]
works = ["notes"]
price = {{ upfront = "100", per_fetch = "0.02", revenue_share = "3 %" }}
[offers.sharing.position]
target = "0.8"
floor = "0.6"
rounds = 6
person_for = []
concessions = ["report = yearly"]
[contract]
law = "Ireland"
creator = "The Journal Ltd"
address = "1 Example Street, Dublin"
signatory = "Ada Example"
authority = "director"
by_machine = true
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "whole", "sharing"] }}
[[rules]]
then = "serve"
"""
FACTS = {
    "use_case": "training a model that summarizes essays",
    "products": "Summarizer",
    "model_class": "closed",
    "redistribution": "no",
    "launch_date": "2027-06-01",
    "data_protection": "encrypted at rest; two people have access; removed within a day",
}
PARTY = {"name": "Example AI Labs GmbH", "address": "2 Test Way", "signatory": "Eve", "authority": "CEO"}


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def spending(per_fetch: str, per_run: str) -> Spending:
    return Spending(usd(per_fetch), usd(per_run))


async def fees(gate: Any) -> list[Any]:
    """What was paid at signing, by license."""
    from gateway.provenance.audit import export_entries

    await gate.licet.journal.flush()
    entries = await asyncio.to_thread(lambda: list(export_entries(gate.folder / "journal")))
    return [each["entry"] for each in entries if each["kind"] == "book" and each["entry"]["kind_of"] == "fee"]


async def test_a_crawlers_client_buys_by_itself_within_its_ceiling(world, tmp_path) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    login = Secret(gate.front, client, secret)
    receipts = tmp_path / "receipts.jsonl"
    async with LicensedSession(
        GPTBOT, spending("0.005", "0.02"), logins=(login,), receipts=receipts
    ) as session:
        got = await session.fetch(gate.front + "/essays/tides")
        assert (got.status, got.price) == (200, "USD 0.005")
        again = await session.fetch(gate.front + "/essays/reefs")
        assert (again.status, again.license) == (200, got.license)
        assert session.spent == usd("0.01")
        assert (await session.fetch(gate.front + "/robots.txt")).status == 200
    records = {each["id"]: each for each in await gate.records() if each["outcome"] == "licensed"}
    kept = list(Lines(receipts).read())
    assert [each["record"] for each in kept] == list(records)
    assert [each["terms"] for each in kept] == [each["terms"] for each in records.values()]
    assert (receipts.with_name("receipts.jsonl.wallet").stat().st_mode & 0o777) == 0o600


async def proven(session: LicensedSession, origin: str, **known: str) -> Any:
    """What `prove` comes to once the log's next head has the records."""
    async with asyncio.timeout(20):
        while True:
            got = await session.prove(origin, **known)
            if not (isinstance(got, Refused) and got.code == "not-found"):
                return got
            await asyncio.sleep(0.05)


async def test_the_log_proves_what_was_fetched_and_what_it_cost(world, tmp_path) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    login, receipts = Secret(gate.front, client, secret), tmp_path / "receipts.jsonl"
    async with LicensedSession(GPTBOT, spending("0.005", "1"), logins=(login,), receipts=receipts) as session:
        assert isinstance(await session.prove(gate.front), Refused), "nothing was fetched yet"
        for nth in range(3):
            await session.fetch(f"{gate.front}/essays/{nth}")
        (document,) = await proven(session, gate.front)
        assert len(document["receipts"]) == 3
        key = session.wallet.log(gate.front)
        assert key == document["log"]
        (again,) = await proven(session, gate.front, log=key)
        assert [each["record"] for each in again["receipts"]] == [
            each["record"] for each in document["receipts"]
        ]
        other = "other.example+" + key.partition("+")[2]
        refused = await proven(session, gate.front, log=other)
        assert isinstance(refused, Refused)
        assert "proves nothing" in refused.fact
        for member, why in (
            ("sha256", "digest of another body"),
            ("terms", "another terms"),
            ("license", "another license"),
            ("path", "another path"),
        ):
            line = session._licensing.kept[1]
            kept, line[member] = line[member], "0" * 64
            refused = await proven(session, gate.front)
            assert why in refused.fact, refused
            line[member] = kept
        session._licensing.kept[0]["at_most"] = "USD 0.004999"
        assert "charges more" in (await proven(session, gate.front)).fact
    lines = list(Lines(receipts).read())
    assert lines[0]["receipt"] == f"{gate.front}/.licet/receipts/{lines[0]['record']}"
    assert [each["kind"] for each in lines][:4] == ["fetch"] * 3 + ["proof"]
    # Whoever has the file alone believes it by the log's key.
    assert {each.entry.id for each in verify(lines[3], LogKey.read(key))} == {
        each["record"] for each in lines[:3]
    }


@pytest.mark.parametrize(
    ("limits", "page", "code"),
    [
        (Spending(), "/essays/a", "over-ceiling"),
        (Spending(per_fetch=usd("1")), "/essays/a", "over-budget"),
        (Spending(per_run=usd("1")), "/essays/a", "over-ceiling"),
        (spending("0.004999", "1"), "/essays/a", "over-ceiling"),
        (spending("0.005", "0.004999"), "/essays/a", "over-budget"),
        (Spending(Money(10**9, "EUR"), Money(10**9, "EUR")), "/essays/a", "over-ceiling"),
        (spending("0.001", "1.999999"), "/archive/a", "over-budget"),
        # A share of revenue is owed later, and no budget of a run counts that.
        (spending("1", "1000"), "/notes/a", "over-budget"),
    ],
)
async def test_what_is_over_a_limit_is_a_refusal_and_costs_nothing(world, limits, page, code) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    async with LicensedSession(GPTBOT, limits, logins=(Secret(gate.front, client, secret),)) as session:
        got = await session.fetch(gate.front + page)
    assert isinstance(got, Refused)
    assert got.code == code, got
    assert got.rule
    assert got.next_step
    assert not session.spent
    assert [each for each in await gate.records() if each["outcome"] == "licensed"] == []
    assert await fees(gate) == []


async def test_two_hundred_fetches_at_once_share_one_purchase_and_keep_to_the_budget(world) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    limits = spending("0.001", "2.12")
    async with LicensedSession(GPTBOT, limits, logins=(Secret(gate.front, client, secret),)) as session:
        got = await asyncio.gather(*(session.fetch(f"{gate.front}/archive/{nth}") for nth in range(200)))
    told = Counter(each.status if isinstance(each, Fetched) else each.code for each in got)
    assert told == {200: 120, "over-budget": 80}
    assert session.spent == usd("2.12")
    (fee,) = await fees(gate)
    assert fee["amount_micros"] == 2_000_000
    paid = [each for each in await gate.records() if each["outcome"] == "licensed"]
    assert sum(each["charged_micros"] for each in paid) == 120_000
    assert len({each["license"] for each in paid}) == 1


async def test_a_purchase_that_was_cut_off_after_paying_is_bought_once(world, tmp_path, monkeypatch) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    receipts = tmp_path / "receipts.jsonl"

    def session() -> LicensedSession:
        login = Secret(gate.front, client, secret)
        return LicensedSession(GPTBOT, spending("0.001", "3"), logins=(login,), receipts=receipts)

    class Killed(Exception):
        pass

    async with session() as first:
        send = first.caller.send

        async def killed(method: str, url: str, *rest: Any) -> Any:
            answer = await send(method, url, *rest)
            if url.endswith("/token"):
                raise Killed
            return answer

        monkeypatch.setattr(first.caller, "send", killed)
        with pytest.raises(Killed):
            await first.fetch(gate.front + "/archive/a")
    assert len(await fees(gate)) == 1
    (begun,) = list(Lines(receipts.with_name("receipts.jsonl.wallet")).read())
    assert begun["kind"] == "begun"
    async with session() as second:
        got = await second.fetch(gate.front + "/archive/a")
    assert got.status == 200
    assert second.spent == usd("2.001"), "what may have been paid before counts in the run that finds out"
    assert len(await fees(gate)) == 1
    async with session() as third:
        assert (await third.fetch(gate.front + "/archive/b")).license == got.license
    assert third.spent == usd("0.001"), "a license that is held is not paid for again"
    assert len(await fees(gate)) == 1


async def test_no_token_leaves_for_another_origin(world) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    seen: list[dict[str, str]] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(text="elsewhere")

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/{rest:.*}", elsewhere)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    other = f"http://127.0.0.1:{runner.addresses[0][1]}"
    gate.origin.moved = {"/essays/moved": f"{other}/page", "/essays/near": "/essays/tides"}
    limits = spending("0.005", "1")
    try:
        async with LicensedSession(GPTBOT, limits, logins=(Secret(gate.front, client, secret),)) as session:
            got = await session.fetch(gate.front + "/essays/moved")
            near = await session.fetch(gate.front + "/essays/near")
    finally:
        await runner.cleanup()
    assert (got.status, got.body) == (200, b"elsewhere")
    (headers,) = seen
    assert not {"authorization", "cookie", "dpop"} & {name.lower() for name in headers}
    assert (near.status, near.url) == (200, f"{gate.front}/essays/tides")
    assert near.license


@pytest.mark.parametrize("kind", ["function", "event", "file"])
async def test_a_kill_switch_stops_it_before_the_next_request(world, tmp_path, kind) -> None:
    gate = await world(policy=POLICY)
    thrown = False
    event, file = asyncio.Event(), tmp_path / "stop"
    switch: Any = {"function": lambda: thrown, "event": event, "file": file}[kind]
    _, client, secret = await gate.licensee()
    login = Secret(gate.front, client, secret)
    async with LicensedSession(GPTBOT, spending("0.005", "1"), logins=(login,), switch=switch) as session:
        assert (await session.fetch(gate.front + "/essays/a")).status == 200
        thrown = True
        event.set()
        file.touch()
        seen = len(gate.origin.seen)
        got = await session.fetch(gate.front + "/essays/b")
    assert isinstance(got, Refused)
    assert got.code == "stopped"
    assert len(gate.origin.seen) == seen


async def test_a_token_is_replaced_before_it_lapses_without_being_refused(world) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    now = [0.0]
    login = Secret(gate.front, client, secret)
    async with LicensedSession(
        GPTBOT, spending("0.005", "1"), logins=(login,), clock=lambda: now[0]
    ) as session:
        first = await session.fetch(gate.front + "/essays/a")
        now[0] += 3300
        again = await session.fetch(gate.front + "/essays/b")
    assert (first.status, again.status, again.license) == (200, 200, first.license)
    records = await gate.records()
    assert [each["outcome"] for each in records if each["path"] == "/essays/b"] == ["licensed"], records
    assert len({each["token"] for each in records if each["outcome"] == "licensed"}) == 2


async def test_a_budget_of_fetches_that_is_used_up_is_bought_anew(world) -> None:
    gate = await world()
    _, client, secret = await gate.licensee()
    login = Secret(gate.front, client, secret)
    async with LicensedSession(GPTBOT, spending("0.02", "1"), logins=(login,)) as session:
        session.caller.headers["X-Country"] = "DE"
        got = [await session.fetch(f"{gate.front}/essays/{nth}") for nth in range(5)]
    assert [each.status for each in got] == [200] * 5
    assert len({each.license for each in got}) == 2


async def test_a_page_that_a_license_does_not_reach_costs_the_session_no_license(world) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee()
    login = Secret(gate.front, client, secret)
    async with LicensedSession(GPTBOT, spending("0.005", "3"), logins=(login,)) as session:
        first = await session.fetch(gate.front + "/archive/a")
        (held,) = session.wallet.held_at(gate.front)
        assert isinstance(await session.fetch(gate.front + "/notes/a"), Refused)
        assert session.wallet.held_at(gate.front) == (held,)
        again = await session.fetch(gate.front + "/archive/b")
    assert (first.status, again.status, again.license) == (200, 200, first.license)


async def test_it_registers_itself_and_is_told_what_it_waits_for(world, tmp_path) -> None:
    gate = await world(policy=POLICY)
    receipts = tmp_path / "receipts.jsonl"
    async with LicensedSession(
        GPTBOT, spending("0.005", "1"), register_as="First Seen Labs", receipts=receipts
    ) as session:
        got = await session.fetch(gate.front + "/essays/a")
        assert isinstance(got, Refused)
        assert (got.code, got.status) == ("client-quarantined", 403)
        (client,) = session.wallet.clients.values()
    found = await gate.licet.register.client(client.client_id)
    assert found[1].name == "First Seen Labs"
    async with LicensedSession(GPTBOT, receipts=receipts, register_as="Another") as again:
        assert again.wallet.clients[gate.front] == client


FREE_OFFER = POLICY.replace(
    "[contract]",
    """[offers.snippets]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0" }}
[contract]""",
).replace(
    '''[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "whole", "sharing"] }}
[[rules]]
then = "serve"''',
    """[[rules]]
then = {{ license = ["training", "whole", "sharing", "snippets"] }}""",
)


@pytest.mark.parametrize("by", ["registration", "key"])
async def test_who_is_seen_first_agrees_on_a_small_deal_and_fetches(world, key_directory, by) -> None:
    gate = await world(policy=FREE_OFFER, settings=key_directory.settings)
    key = SigningKey.generate("EdDSA")
    key_directory.keys = [key.public.as_jwk()]
    who: dict[str, Any] = {
        "registration": {"register_as": "First Seen Labs"},
        "key": {"agent_key": AgentKey(key_directory.agent, key), "register_as": "Never Used"},
    }[by]
    async with LicensedSession(
        "FirstSeenBot/1.0", uses=frozenset({Use.AI_INPUT}), facts={"use_case": "answers to readers"}, **who
    ) as session:
        got = await asyncio.gather(*(session.fetch(f"{gate.front}/essays/{nth}") for nth in range(20)))
    assert [each.status for each in got if isinstance(each, Fetched)] == [200] * 20, got
    assert len({each.license for each in got}) == 1
    assert session.spent is None
    (licensee,) = await gate.licet.register.licensees()
    assert licensee.name == (
        "First Seen Labs" if by == "registration" else key_directory.agent.removeprefix("https://")
    )


async def test_signed_logins_and_bound_tokens(world) -> None:
    gate = await world(policy=POLICY, settings="[clients]\ndpop_nonces = true\n")
    key = SigningKey.generate()
    metadata = {
        "client_name": "Signing Labs",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.public.as_jwk()]},
    }
    async with gate.http.post(f"{gate.front}/.licet/register", json=metadata) as answer:
        made = json.loads(await answer.read())
        assert answer.status == 201, made
    from gateway.cli.books import credit_entry
    from gateway.licenses.license import Standing

    now = gate.licet.clock.now_us()
    await gate.licet.register.set_standing(made["licensee"], Standing.ACTIVE, now // 1_000_000)
    await gate.licet.journal.keep(credit_entry(made["licensee"], usd("5"), now_us=now))
    await gate.licet.keeper.catch_up()
    login = SignedLogin(gate.front, made["client_id"], key)
    async with LicensedSession(GPTBOT, spending("0.005", "1"), logins=(login,), bind_tokens=True) as session:
        got = [await session.fetch(f"{gate.front}/essays/{nth}") for nth in range(3)]
    assert [each.status for each in got] == [200] * 3, got


async def test_it_bargains_with_its_own_position(world, tmp_path) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee("500 USD")
    said: list[str] = []
    receipts = tmp_path / "receipts.jsonl"
    async with LicensedSession(
        GPTBOT,
        spending("0.02", "95"),
        logins=(Secret(gate.front, client, secret),),
        strategy=Bargain(limit=950_000, rounds=5, wishes=(Wish(Lever.AUDIT, "report", "yearly"),)),
        owing=Compensation("USD", revenue_share_bp=300),
        facts=FACTS,
        party=PARTY,
        uses=frozenset({Use.AI_TRAIN}),
        receipts=receipts,
        tell=said.append,
    ) as session:
        got = await session.fetch(gate.front + "/notes/a")
        assert got.status == 200, (got, said)
        assert (await session.fetch(gate.front + "/notes/b")).status == 200
    (fee,) = await fees(gate)
    assert 80_000_000 <= fee["amount_micros"] <= 95_000_000
    assert any("asked for facts" in each for each in said)
    records = [each for each in await gate.records() if each["outcome"] == "licensed"]
    assert len(records) == 2
    assert session.spent.micros == fee["amount_micros"] + sum(each["price_micros"] for each in records)
    assert {each["terms"] for each in records} == {each["terms"] for each in Lines(receipts).read()}


@pytest.mark.parametrize(
    ("facts", "party", "limit", "code"),
    [
        ({}, PARTY, 950_000, "fact-missing"),
        (FACTS, {}, 950_000, "contract-incomplete"),
        (FACTS, PARTY, 500_000, "no-agreement"),
    ],
)
async def test_no_deal_is_told_with_its_reason_and_costs_nothing(world, facts, party, limit, code) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee("500 USD")
    async with LicensedSession(
        GPTBOT,
        spending("0.02", "100"),
        logins=(Secret(gate.front, client, secret),),
        strategy=Bargain(limit=limit, opening=limit // 2),
        owing=Compensation("USD", revenue_share_bp=300),
        facts=facts,
        party=party,
    ) as session:
        got = await session.fetch(gate.front + "/notes/a")
    assert isinstance(got, Refused)
    assert got.code == code, got
    assert got.fact
    assert session.spent == usd("0")
    assert session.purse.left == 100_000_000
    assert await fees(gate) == []


@pytest.mark.parametrize("after", ["/negotiations", "/proposals", "/acceptance", "/verification"])
async def test_a_negotiation_that_was_cut_off_goes_on_from_where_it_stood(world, tmp_path, after) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee("500 USD")
    receipts = tmp_path / "receipts.jsonl"

    def session() -> LicensedSession:
        return LicensedSession(
            GPTBOT,
            spending("0.02", "100"),
            logins=(Secret(gate.front, client, secret),),
            strategy=Bargain(limit=950_000),
            owing=Compensation("USD", revenue_share_bp=300),
            facts=FACTS,
            party=PARTY,
            receipts=receipts,
        )

    class Killed(Exception):
        pass

    async with session() as first:
        send = first.caller.send

        async def killed(method: str, url: str, *rest: Any) -> Any:
            answer = await send(method, url, *rest)
            if method == "POST" and url.endswith(after):
                raise Killed
            return answer

        first.caller.send = killed  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await first.fetch(gate.front + "/notes/a")
    async with session() as second:
        got = await second.fetch(gate.front + "/notes/a")
    assert got.status == 200, got
    assert len(await fees(gate)) == 1
    async with gate.http.get(
        f"{gate.front}/.licet/negotiations", headers=dict(Secret(gate.front, client, secret).headers())
    ) as answer:
        listed = json.loads(await answer.read())["negotiations"]
    assert [each["state"] for each in listed] == ["FINALIZED"]


async def test_the_command_bargains_and_tells_the_bill(licet, origin) -> None:
    licet.write_site(origin.url, policy=POLICY)
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "500 USD", "--json")).json
    who = {"LICET_CLIENT_ID": made["client_id"], "LICET_CLIENT_SECRET": made["client_secret"]}
    pairs = [each for name, text in FACTS.items() for each in ("--fact", f"{name}={text}")]
    pairs += [each for name, text in PARTY.items() for each in ("--party", f"{name}={text}")]
    command = ["fetch", f"{one.front}/notes/a", "--user-agent", GPTBOT, "--use", "ai-train", "--negotiate"]
    limits = ["--max-price", "0.02 USD", "--budget", "96 USD", "--limit", 95, "--save", "receipts.jsonl"]
    sharing = await licet(*command, *limits, *pairs, env=who, code=1)
    assert "gives nothing of: revenue_share_bp" in sharing.err
    assert "we bid" not in sharing.err
    had = await licet(*command, *limits, "--max-share", 3, *pairs, "--json", env=who)
    told = had.json
    assert told["status"] == 200
    assert 80_000_000 < told["bill"]["micros"] <= 95_019_000
    for said in ("negotiating about the offer sharing", "a counter: 100 USD at signing", "accepting"):
        assert said in had.err
    again = (await licet(*command, *limits, *pairs, "--json", env=who)).json
    assert again["license"] == told["license"]
    assert again["bill"]["micros"] <= 20_000, "what is held is not bought again"


async def test_a_deal_that_a_person_decides_is_told_and_goes_on_when_it_is_decided(
    licet, origin, tmp_path
) -> None:
    licet.write_site(origin.url, policy=POLICY.replace("person_for = []\n", ""))
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "500 USD", "--json")).json

    def session(patience: float = 0.0) -> LicensedSession:
        return LicensedSession(
            GPTBOT,
            spending("0.02", "100"),
            logins=(Secret(one.front, made["client_id"], made["client_secret"]),),
            strategy=Bargain(opening=700_000),
            owing=Compensation("USD", revenue_share_bp=300),
            facts=FACTS,
            party=PARTY,
            patience=patience,
            receipts=tmp_path / "receipts.jsonl",
        )

    async with session() as first:
        told = await first.fetch(f"{one.front}/notes/a")
    assert isinstance(told, Refused)
    assert (told.code, told.fact) == ("person-decides", "the works become part of a model")
    (waiting,) = (await licet("deals", "list", "--json")).json
    # A session that has patience waits while a person decides, and goes on by itself.
    async with session(60) as second, asyncio.TaskGroup() as both:
        fetching = both.create_task(second.fetch(f"{one.front}/notes/a"))
        change = {"compensation": {"upfront": {"micros": 75_000_000, "currency": "USD"}}}
        await licet("deals", "offer", waiting["id"], "--change", json.dumps(change))
    got = fetching.result()
    assert isinstance(got, Fetched), got
    assert got.status == 200
    assert second.spent is not None
    assert 75_000_000 <= second.spent.micros <= 75_020_000
