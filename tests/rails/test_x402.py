from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.policy.x402_terms import X402Terms
from gateway.rails.x402 import (
    Presented,
    Requirement,
    Response,
    Unread,
    fingerprint,
    read_required,
    read_response,
    read_signature,
    required_octets,
    requirement,
    response_octets,
    spelled,
    why_not,
)

TERMS = X402Terms(
    "https://facilitator.example", "eip155:84532", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", 6,
    "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "USDC", "2", "USD",
)  # fmt: skip
ASKED = requirement(TERMS, Money(5_000, "USD"))
AUTHORIZATION = {
    "from": "0x857b06519E91e3A54538791bDbb0E22373e36b66",
    "to": TERMS.pay_to,
    "value": "5000",
    "validAfter": "0",
    "validBefore": "1795000060",
    "nonce": "0x" + "f3" * 32,
}
CONTENT = {
    "x402Version": 2,
    "resource": {"url": "https://journal.example/a"},
    "accepted": ASKED.as_json(),
    "payload": {"signature": "0x" + "2d" * 65, "authorization": AUTHORIZATION},
    "extensions": {},
}
NOW = 1_795_000_000


def header(content: object) -> str:
    return b64encode(json.dumps(content).encode()).decode()


def changed(**members: object) -> dict[str, object]:
    return {**CONTENT, **members}


def authorized(**members: object) -> dict[str, object]:
    return changed(payload={**CONTENT["payload"], "authorization": {**AUTHORIZATION, **members}})


@pytest.mark.parametrize(
    ("micros", "decimals", "units"),
    [
        (5_000, 6, "5000"), (1, 6, "1"), (5_000, 18, "5000000000000000"), (10_000, 2, "1"), (5_000, 2, ""),
        (1_000_000, 0, "1"), (1_500_000, 0, ""), (0, 6, ""), (-1, 6, ""),
    ],
)  # fmt: skip
def test_a_price_is_asked_exactly_or_not_at_all(micros, decimals, units) -> None:
    terms = replace(TERMS, decimals=decimals)
    assert terms.units(Money(micros, "USD")) == units
    assert (requirement(terms, Money(micros, "USD")) is None) == (units == "")


def test_a_price_in_another_currency_cannot_be_asked() -> None:
    assert requirement(TERMS, Money(5_000, "EUR")) is None


def test_what_is_asked_reads_back() -> None:
    octets = required_octets((ASKED,), url="https://journal.example/a", error="payment needed")
    read = read_required(spelled(octets))
    assert (read.accepts, read.url, read.error) == ((ASKED,), "https://journal.example/a", "payment needed")
    assert read.extensions["payment-identifier"]["info"] == {"required": False}


@pytest.mark.parametrize(
    "response",
    [
        Response(True, "0xabc", "eip155:84532", "0x857b", "5000"),
        Response(False, "", "eip155:84532", error="insufficient_funds"),
    ],
)
def test_what_came_of_it_reads_back(response) -> None:
    assert read_response(spelled(response_octets(response))) == response


def test_a_payment_is_read() -> None:
    read = read_signature(header(CONTENT))
    assert isinstance(read, Presented)
    assert read.accepted == ASKED
    assert read.authorization.payer == AUTHORIZATION["from"].lower()
    assert (read.authorization.value, read.authorization.valid_before) == (5000, 1_795_000_060)
    assert read.identifier == ""
    assert re.fullmatch(r"pay_[0-9a-f]{40}", read.id)
    assert read.content == CONTENT
    assert AUTHORIZATION["nonce"] not in repr(read.signature) and "2d2d" not in repr(read)


def test_the_id_is_that_of_what_was_signed_however_it_is_spelled() -> None:
    one = read_signature(header(CONTENT))
    spelled_otherwise = read_signature(header({**authorized(nonce="0x" + "F3" * 32), "resource": None}))
    assert (spelled_otherwise.id, spelled_otherwise.nonce) == (one.id, one.nonce)
    forged = read_signature(header(changed(payload={**CONTENT["payload"], "signature": "0x" + "2e" * 65})))
    assert forged.id != one.id
    assert forged.nonce == one.nonce


@pytest.mark.parametrize(
    "content",
    [
        changed(x402Version=1), changed(x402Version="2"), changed(x402Version=True), changed(accepted=None),
        changed(accepted={}), changed(accepted={**ASKED.as_json(), "amount": 5000}),
        changed(accepted={**ASKED.as_json(), "amount": "05"}), changed(accepted={**ASKED.as_json(), "amount": "-5"}),
        changed(accepted={**ASKED.as_json(), "network": "base"}),
        changed(accepted={**ASKED.as_json(), "maxTimeoutSeconds": "60"}),
        changed(accepted={**ASKED.as_json(), "extra": []}), changed(accepted={**ASKED.as_json(), "payTo": "a" * 201}),
        changed(payload=None), changed(payload=[]), changed(payload={"signature": "0x12"}),
        changed(payload={"authorization": AUTHORIZATION}), changed(payload={**CONTENT["payload"], "signature": "2d"}),
        changed(payload={**CONTENT["payload"], "signature": "0x" + "2d" * 3000}),
        authorized(**{"from": "0x12"}), authorized(to=7), authorized(value=5000), authorized(value="1e3"),
        authorized(nonce="0x00"), authorized(validBefore="soon"), authorized(validAfter="9" * 79),
        changed(extensions=[]), changed(extensions={"payment-identifier": 3}),
        changed(extensions={"payment-identifier": {"info": {"id": "short"}}}),
        changed(extensions={"payment-identifier": {"info": {"id": "a" * 129}}}),
        changed(extensions={"payment-identifier": {"info": {"id": "sixteen chars, no"}}}),
    ],
)  # fmt: skip
def test_a_payment_that_is_none(content) -> None:
    assert isinstance(read_signature(header(content)), Unread)


@pytest.mark.parametrize(
    "value",
    [
        "", "e30", "!!!!", "e30=\n", "é", "bnVsbA==", "W10=", header({"a": 1}) + "=", "A" * 20_000,
        b64encode(b'{"x402Version":2,"x402Version":2}').decode(), b64encode(b"\xff\xfe").decode(),
        b64encode(b'{"a":' * 500 + b"1" + b"}" * 500).decode(), b64encode(json.dumps(CONTENT).encode()).decode()[:-3],
    ],
)  # fmt: skip
def test_headers_that_hold_nothing(value) -> None:
    for read in (read_signature, read_required, read_response):
        assert isinstance(read(value), Unread)


@given(st.text(max_size=200) | st.binary(max_size=300).map(lambda raw: b64encode(raw).decode()))
def test_no_text_by_chance_is_a_payment(value) -> None:
    for read in (read_signature, read_required, read_response):
        assert isinstance(read(value), Unread)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(CONTENT)), st.sampled_from([None, *sorted(AUTHORIZATION)]), _JSON)
def test_no_member_of_any_kind_raises(member, inside, value) -> None:
    content = authorized(**{inside: value}) if inside else changed(**{member: value})
    read = read_signature(header(content))
    assert isinstance(read, Presented | Unread)


@given(st.integers(1, 10**15), st.integers(0, 30))
def test_units_are_worth_the_price(micros, decimals) -> None:
    units = replace(TERMS, decimals=decimals).units(Money(micros, "USD"))
    assert not units or int(units) * 10**6 == micros * 10**decimals


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (CONTENT, ""),
        (changed(accepted={**ASKED.as_json(), "asset": TERMS.asset.lower()}), ""),
        (changed(accepted={**ASKED.as_json(), "amount": "4999"}), "invalid_payment_requirements"),
        (changed(accepted={**ASKED.as_json(), "network": "eip155:8453"}), "invalid_payment_requirements"),
        (changed(accepted={**ASKED.as_json(), "extra": {"name": "USDC"}}), "invalid_payment_requirements"),
        (
            changed(accepted={**ASKED.as_json(), "extra": {"name": "USDC", "version": 2}}),
            "invalid_payment_requirements",
        ),
        (changed(accepted={**ASKED.as_json(), "scheme": "upto"}), "invalid_payment_requirements"),
        (authorized(to="0x" + "1" * 40), "invalid_exact_evm_payload_recipient_mismatch"),
        (authorized(value="4999"), "invalid_exact_evm_payload_authorization_value_mismatch"),
        (authorized(validAfter="1795000001"), "invalid_exact_evm_payload_authorization_valid_after"),
        (authorized(validBefore="1795000000"), "invalid_exact_evm_payload_authorization_valid_before"),
    ],
)
def test_what_does_not_pay_what_is_asked_now(content, why) -> None:
    assert why_not(read_signature(header(content)), ASKED, NOW) == why


def test_a_payment_is_for_one_request() -> None:
    url = "https://journal.example/a"
    assert fingerprint("GET", url, ASKED) == fingerprint("HEAD", url, ASKED)
    others = {
        fingerprint("POST", url, ASKED),
        fingerprint("GET", url + "?b", ASKED),
        fingerprint("GET", url, replace(ASKED, amount="6")),
    }
    assert len(others | {fingerprint("GET", url, ASKED)}) == 4


def test_the_reference_implementation_reads_and_writes_the_same() -> None:
    http, schemas = pytest.importorskip("x402.http"), pytest.importorskip("x402.schemas")
    said = http.decode_payment_required_header(
        spelled(required_octets((ASKED,), url="https://journal.example/a", error="payment needed"))
    )
    assert said.accepts[0].model_dump(by_alias=True) == ASKED.as_json()
    theirs = schemas.PaymentPayload.model_validate(CONTENT)
    ours = read_signature(http.encode_payment_signature_header(theirs))
    assert isinstance(ours, Presented)
    assert ours.id == read_signature(header(CONTENT)).id
    came = http.decode_payment_response_header(
        spelled(response_octets(Response(True, "0xa", "eip155:1", "0xb", "5")))
    )
    assert (came.success, came.transaction, came.network, came.payer, came.amount) == (
        True,
        "0xa",
        "eip155:1",
        "0xb",
        "5",
    )
    settled = schemas.SettleResponse(
        success=False, error_reason="insufficient_funds", transaction="", network="eip155:1"
    )
    assert read_response(http.encode_payment_response_header(settled)).error == "insufficient_funds"


def test_a_requirement_has_one_spelling_to_compare() -> None:
    same = Requirement("exact", "eip155:1", "0xAB", "1", "0xCD", 60, (("version", "2"), ("name", "A")))
    assert (
        same.compared
        == replace(same, asset="0xab", pay_to="0xcd", extra=(("name", "A"), ("version", "2"))).compared
    )
    assert b64decode(spelled(b"{}")) == b"{}"
