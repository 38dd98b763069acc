"""A receipt checked step by step for anybody who has one, and whatever else is sent told to be none."""

from __future__ import annotations

import copy
import io

import aiohttp
import orjson
import pytest

from gateway.provenance.receipt_steps import DIGEST, FORM, INCLUSION, SIGNATURE, check

RECEIPT = "/.licet/receipt"
PAGE = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>"


def basic(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


@pytest.fixture
async def paid(world):
    """Somebody who paid in, with the receipt of that; and enough other entries that a proof has steps."""
    made = await world.licensee("5")
    for _ in range(4):
        await world.pay_in(made, "1")
    await world.log.sign_news()
    async with world.http.get(f"{world.origin}/.licet/receipts/credit-1", headers=basic(made)) as answer:
        return made, await answer.json()


async def checked(world, **sent):
    async with world.http.post(world.origin + RECEIPT, **sent) as answer:
        return answer.status, await answer.json(content_type=None)


def failing(found):
    return [each["step"] for each in found["steps"] if not each["good"]]


async def test_each_step_is_told_in_words(world, paid):
    _, receipt = paid
    text = orjson.dumps(receipt).decode()
    async with world.http.post(world.origin + RECEIPT, data={"receipt": text}, headers=PAGE) as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    for word in (
        "The receipt holds", "Signature", "signed by the key of this site", "Digest", "Inclusion", "credit-1", "5 USD",
        "licet receipt verify", "hashes lead to the root",
    ):  # fmt: skip
        assert word in page, word
    status, found = await checked(world, json=receipt)
    assert (status, found["good"]) == (200, True)
    assert [each["step"] for each in found["steps"]] == [FORM, SIGNATURE, DIGEST, INCLUSION]
    assert found["records"] == [{"id": "credit-1", "index": 0, "log": "journal.example/.licet/log"}]


async def test_it_is_pasted_uploaded_or_opened_by_id(world, paid):
    made, receipt = paid
    form = aiohttp.FormData()
    form.add_field("file", orjson.dumps(receipt), filename="r.json", content_type="application/json")
    assert (await checked(world, data=form))[1]["good"] is True
    async with world.http.get(
        f"{world.origin}/.licet/receipts/credit-1.tlog-proof", headers=basic(made)
    ) as answer:
        proof = await answer.text()
    assert (await checked(world, data=proof, headers={"Content-Type": "text/plain"}))[1]["good"] is True
    pasted = {"receipt": proof.replace("\n", "\r\n")}
    assert (await checked(world, data=pasted))[1]["good"] is True, "as a browser pastes it"
    at = f"{RECEIPT}?id=credit-1"
    assert (await world.get(at)).status == 401
    other = await world.licensee("1")
    await world.log.sign_news()
    assert (await world.get(at, headers=basic(other))).status == 404
    page = await (await world.get(at, headers={**basic(made), **PAGE})).text()
    assert "The receipt holds" in page


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda doc: doc["receipts"][0]["record"].update(amount_micros=7), INCLUSION),
        (lambda doc: doc["receipts"][0].update(index=1), INCLUSION),
        (lambda doc: doc["receipts"][0]["proof"].pop(), INCLUSION),
        (lambda doc: doc["receipts"][0].update(salt="00"), DIGEST),
        (lambda doc: doc["receipts"][0]["record"].update(evil=HOSTILE), DIGEST),
        (lambda doc: doc["receipts"].append(5), DIGEST),
        (lambda doc: doc.update(checkpoint=doc["checkpoint"].replace("\n5\n", "\n6\n")), SIGNATURE),
        (lambda doc: doc.update(checkpoint=HOSTILE), SIGNATURE),
        (lambda doc: doc.update(format=HOSTILE), FORM),
        (lambda doc: doc.update(receipts=[]), FORM),
    ],
)
async def test_whatever_is_changed_fails_at_its_step(world, paid, change, step):
    receipt = copy.deepcopy(paid[1])
    change(receipt)
    status, found = await checked(world, json=receipt)
    assert (status, found["good"], found["records"]) == (200, False, [])
    assert failing(found) == [step]
    async with world.http.post(
        world.origin + RECEIPT, data={"receipt": orjson.dumps(receipt).decode()}, headers=PAGE
    ) as answer:
        page = await answer.text()
    assert "Nothing is proven" in page
    assert HOSTILE not in page


@pytest.mark.parametrize(
    "octets", [b"", b"x", b"{", b"[]", b"\xff\xfe", b"c2sp.org/tlog-proof@v1\nextra x\nindex 0\n\n", b"c2sp.org/\xff", b"[" * 5000]
)  # fmt: skip
async def test_any_octets_are_answered(world, paid, octets):
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "multipart/form-data"):
        status, found = await checked(world, data=octets, headers={"Content-Type": kind})
        assert (status, failing(found)) == (200, [FORM])
    assert check(octets, world.log.log.key).proven == ()


async def test_too_much_and_too_often_are_refused(world, paid):
    status, found = await checked(
        world, data=io.BytesIO(b"x" * (1 << 20 | 1)), headers={"Content-Type": "text/plain"}
    )
    assert (status, found["code"]) == (413, "content-too-large")
    statuses = {(await checked(world, json={}))[0] for _ in range(40)}
    assert statuses == {200, 429}
