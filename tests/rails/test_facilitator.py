"""The facilitator's client against a real one that is down, late, wrong, or lies."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from gateway.egress import Egress
from gateway.money import Money
from gateway.rails import facilitator as module
from gateway.rails.facilitator import (
    Facilitator,
    Invalid,
    Moved,
    NotMoved,
    Unclear,
    Unreached,
    Unsure,
    Verified,
    supports,
)
from gateway.rails.x402 import read_signature, requirement


@pytest.fixture
def client(egress) -> Facilitator:
    return Facilitator(egress.post)


@pytest.fixture
def wanted(terms):
    return requirement(terms, Money(5_000, "USD"))


@pytest.fixture
def presented(wallet, asked):
    return read_signature(wallet.pays(asked))


async def test_a_payment_that_holds_moves_once(client, facilitator, presented, wanted) -> None:
    url = facilitator.url
    assert await client.verify(url, presented, wanted) == Verified()
    moved = await client.settle(url, presented, wanted)
    assert moved == Moved(facilitator.settled[presented.authorization.nonce])
    assert await client.settle(url, presented, wanted) == NotMoved("invalid_transaction_state")
    assert facilitator.asked == ["verify", "settle", "settle"]


async def test_a_forged_payment_is_named_so(client, facilitator, presented, wanted) -> None:
    presented.content["payload"]["signature"] = "0x" + "11" * 65
    reason = "invalid_exact_evm_payload_signature"
    assert await client.verify(facilitator.url, presented, wanted) == Invalid(reason)
    assert await client.settle(facilitator.url, presented, wanted) == NotMoved(reason)


OTHER = "0x" + "9" * 40


def says(status=200, **said):
    async def misbehave(_what, given):
        payer = given["paymentPayload"]["payload"]["authorization"]["from"]
        return web.json_response({"payer": payer, **said}, status=status)

    return misbehave


def octets(body, status=200, **headers):
    async def misbehave(_what, _given):
        return web.Response(body=body, status=status, headers=headers)

    return misbehave


SETTLED = {"success": True, "transaction": "0xt", "network": "eip155:84532"}


@pytest.mark.parametrize(
    ("misbehave", "verified", "moved"),
    [
        (octets(b"not json"), Unsure, Unclear),
        (octets(b"[]"), Unsure, Unclear),
        (octets(b""), Unsure, Unclear),
        (octets(b"\xff\xfe"), Unsure, Unclear),
        (octets(b"{}" + b" " * 80_000), Unsure, Unclear),
        (octets(b"gone", status=500), Unsure, Unclear),
        (octets(b'{"isValid":true,"success":true,"transaction":"0xt"}', status=502), Unsure, Unclear),
        (octets(b"who are you", status=401), Unsure, Unreached),
        (octets(b"", status=302, Location="https://elsewhere.example/"), Unsure, Unclear),
        (octets(b"{}", **{"Content-Encoding": "gzip"}), Unsure, Unclear),
        (says(isValid="yes", success="yes"), Unsure, Unclear),
        (says(isValid=True, payer=OTHER, **SETTLED), Unsure, Unclear),
        (says(isValid=True, payer=7, **SETTLED), Unsure, Unclear),
        (says(isValid=True, **{**SETTLED, "network": "eip155:1"}), Verified, Unclear),
        (says(isValid=True, amount="4999", **SETTLED), Verified, Unclear),
        (says(isValid=True, **{**SETTLED, "transaction": ""}), Verified, Unclear),
        (says(isValid=True, **{**SETTLED, "transaction": "0x\r\nSet-Cookie: a"}), Verified, Unclear),
        (says(isValid=True, **{**SETTLED, "transaction": "x" * 500}), Verified, Unclear),
        (says(isValid=True, **SETTLED), Verified, Moved),
        (says(isValid=False, invalidReason="insufficient_funds", success=False, errorReason="insufficient_funds"), Invalid, NotMoved),
        (says(status=400, isValid=False, success=False, errorReason="insufficient_funds"), Invalid, NotMoved),
        (says(status=503, isValid=False, invalidReason="insufficient_funds", success=False, errorReason="insufficient_funds"), Unsure, Unclear),
        (says(isValid=False, success=False), Invalid, Unclear),
        (says(isValid=False, success=False, errorReason="settlement_pending"), Invalid, Unclear),
        (says(isValid=False, success=False, errorReason="insufficient_funds", transaction="0xt"), Invalid, Unclear),
        (says(isValid=False, invalidReason="a\nb", success=False, errorReason="x" * 500), Invalid, Unclear),
    ],
)  # fmt: skip
async def test_what_it_says_counts_only_where_it_is_of_this_payment(
    client, facilitator, presented, wanted, misbehave, verified, moved
) -> None:
    facilitator.misbehave = misbehave
    assert type(await client.verify(facilitator.url, presented, wanted)) is verified
    assert type(await client.settle(facilitator.url, presented, wanted)) is moved


async def test_one_that_is_late_may_have_moved_the_money(
    client, facilitator, presented, wanted, monkeypatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(module, "VERIFY_SECONDS", 0.05)
    late = asyncio.Event()

    async def misbehave(_what, _given):
        await late.wait()

    facilitator.misbehave = misbehave
    assert isinstance(await client.settle(facilitator.url, presented, wanted), Unclear)
    assert isinstance(await client.verify(facilitator.url, presented, wanted), Unsure)
    late.set()


async def test_one_that_breaks_off_may_have_moved_the_money(client, facilitator, presented, wanted) -> None:
    async def misbehave(_what, _given):
        raise asyncio.CancelledError

    facilitator.misbehave = misbehave
    assert isinstance(await client.settle(facilitator.url, presented, wanted), Unclear)


async def test_one_that_is_down_was_not_asked(facilitator, presented, wanted) -> None:
    port = 1  # nobody listens there
    client = Facilitator(Egress(exempt=(f"127.0.0.1:{port}",), plain=True).post)
    assert isinstance(await client.settle(f"http://127.0.0.1:{port}", presented, wanted), Unreached)
    assert isinstance(await client.verify(f"http://127.0.0.1:{port}", presented, wanted), Unsure)


@pytest.mark.parametrize(
    "url",
    [
        "http://facilitator.example",
        "https://127.0.0.1",
        "http://169.254.169.254",
        "https://localhost",
        "ftp://a.example",
    ],
)
async def test_no_address_that_is_not_public_is_asked_unless_the_operator_says_so(
    url, presented, wanted
) -> None:
    client = Facilitator(Egress(plain=True).post)
    settled = await client.settle(url, presented, wanted)
    assert isinstance(settled, Unreached)
    assert settled.why.startswith(("url", "private_address", "unreachable"))


async def test_it_says_what_it_supports(facilitator, egress) -> None:
    assert await supports(egress.get, facilitator.url, "eip155:84532") is True
    assert await supports(egress.get, facilitator.url, "eip155:8453") is False
    assert await supports(egress.get, "http://127.0.0.1:1", "eip155:8453") is None
