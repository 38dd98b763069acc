"""Paying on the spot, with a gateway of two workers, a facilitator that loses its words, and kills."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from eth_account import Account

from gateway.app.checkup.payments import payments
from gateway.config import read_config
from loadtests.chainless import PaidSite, paid_site, served, signed
from loadtests.processes import free_port, running
from loadtests.raw_origin import PAGE

GPTBOT = {"User-Agent": "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"}


@pytest.fixture
def paid(tmp_path: Path) -> Iterator[PaidSite]:
    """Pages of a creator's server behind two workers."""
    port = free_port()
    command = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with (
        running(command, None, port, tmp_path / "origin.log"),
        paid_site(tmp_path, f"http://127.0.0.1:{port}", workers=2) as site,
    ):
        yield site


def licet(site: PaidSite, *command: str) -> subprocess.CompletedProcess[str]:
    """`licet …` on the site's data folder."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *command, "--data", str(site.data)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def audited(site: PaidSite) -> str:
    done = licet(site, "journal", "audit")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def quoted(http: aiohttp.ClientSession, url: str) -> dict:
    async with http.get(url, headers=GPTBOT) as answer:
        assert answer.status == 402
        return json.loads(b64decode(answer.headers["PAYMENT-REQUIRED"]))


def payment(required: dict, account=None, *, seconds: int = 60) -> str:
    """A `PAYMENT-SIGNATURE` for what *required* asks."""
    (asked,) = required["accepts"]
    payload = signed(
        account or Account.create(), asked, nonce=os.urandom(32), before=int(time.time()) + seconds
    )
    content = {"x402Version": 2, "resource": required["resource"], "accepted": asked, "payload": payload}
    return b64encode(json.dumps(content).encode()).decode()


async def paying(http: aiohttp.ClientSession, url: str, header: str) -> tuple[int, bytes, dict[str, str]]:
    async with http.get(url, headers={**GPTBOT, "PAYMENT-SIGNATURE": header}) as answer:
        return (
            answer.status,
            await answer.read(),
            {name.lower(): value for name, value in answer.headers.items()},
        )


async def test_200_identical_payments_at_two_workers_settle_once(paid) -> None:
    account, url = Account.create(), f"{paid.url}/essays/tides"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200, force_close=True)) as http:
        header = payment(await quoted(http, url), account)
        answers = await asyncio.gather(*(paying(http, url, header) for _ in range(200)))
        assert Counter((status, body) for status, body, _ in answers) == {(200, PAGE): 200}
        states = Counter(headers["licet-payment"].partition("=")[2] for _, _, headers in answers)
        said = paid.settled()
        print(f"\n200 identical payments at once, two workers: {said}, {dict(states)}")
        assert said == {"settled": 1, "asked": 1}
        assert len({headers["licet-payment"].partition(";")[0] for _, _, headers in answers}) == 1
        id = answers[0][2]["licet-payment"].partition(";")[0]
        async with http.get(f"{paid.url}/.licet/payments/{id}") as answer:
            told = await answer.json()
            assert (answer.status, told["state"], told["spent"]) == (200, "SETTLED", True)
    (row,) = json.loads(licet(paid, "payments", "--json").stdout)
    assert (row["payment"], row["state"], row["credited"], row["url"]) == (id, "SETTLED", True, url)
    month = time.strftime("%Y-%m", time.gmtime())
    bill = json.loads(
        licet(paid, "statement", f"x402:{account.address.lower()}", "--period", month, "--json").stdout
    )
    (total,) = bill["totals"]
    assert (total["credited_micros"], total["charged_micros"], total["closing_micros"]) == (5_000, 5_000, 0)
    audited(paid)


async def test_who_pays_while_every_process_is_replaced_pays_once_and_gets_the_page(paid) -> None:
    url, ended, answers = f"{paid.url}/essays/tides", asyncio.Event(), Counter()

    async def pays(http: aiohttp.ClientSession) -> None:
        """Buy the page again and again, each time until it comes, as refusals say."""
        while not ended.is_set():
            header = payment(await quoted(http, url))
            while True:
                status, body, headers = await paying(http, url, header)
                answers[status] += 1
                if status == 200:
                    assert body == PAGE
                    break
                assert status in {429, 503}, body
                await asyncio.sleep(int(headers["retry-after"]))
            await asyncio.sleep(0.3)  # below the pace of strangers

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(pays(http))
        try:
            for _ in range(3):
                done = await asyncio.to_thread(licet, paid, "restart", "--json")
                assert json.loads(done.stdout) == {"replaced": 2, "office": True}, done.stderr
        finally:
            ended.set()
    print(f"\npaid for while every process was replaced: {dict(answers)}")
    assert paid.settled()["settled"] == answers[200]
    rows = json.loads(licet(paid, "payments", "--json").stdout)
    assert {(row["state"], row["credited"]) for row in rows} == {("SETTLED", True)}
    audited(paid)
    reconciled = licet(paid, "reconcile")
    assert reconciled.returncode == 0, reconciled.stdout


async def test_a_facilitator_that_loses_its_words_costs_nobody_a_second_payment(paid) -> None:
    url = f"{paid.url}/essays/tides"
    async with aiohttp.ClientSession() as http:
        header = payment(await quoted(http, url))
        paid.silence(on=True)
        status, body, headers = await paying(http, url, header)
        told = json.loads(body)
        assert (status, told["code"], "payment-required" in headers) == (503, "payment-pending", False)
        assert int(headers["retry-after"]) > 0
        async with http.get(told["status_url"]) as answer:
            assert (await answer.json())["state"] == "PENDING"
        assert (await paying(http, url, header))[0] == 503
        assert paid.settled() == {"settled": 1, "asked": 1}
        shown = licet(paid, "payments", told["payment"], "--json")
        assert json.loads(shown.stdout)["state"] == "PENDING"
        found = {each["what"]: each for each in json.loads(licet(paid, "doctor", "--json").stdout)}
        assert found["facilitator"]["state"] == "ok", found
        assert found["payments"]["fact"].startswith("1 payment whose outcome is not known")
        wrong = licet(paid, "payments", "--settled", "0x1")
        assert wrong.returncode == 2
        paid.silence(on=False)
        early = licet(paid, "payments", told["payment"], "--failed", "not on the chain")
        assert (early.returncode, "after" in early.stderr) == (1, True), early.stderr
        done = licet(paid, "payments", told["payment"], "--settled", "0xfeed", "--json")
        assert json.loads(done.stdout)["state"] == "SETTLED"
        assert licet(paid, "payments", told["payment"], "--failed", "no").returncode == 1
        status, body, headers = await paying(http, url, header)
        assert (status, body) == (200, PAGE)
        assert json.loads(b64decode(headers["payment-response"]))["transaction"] == "0xfeed"
    audited(paid)


async def test_doctor_warns_where_money_is_held_for_others(tmp_path) -> None:
    pytest.importorskip("stripe", reason="PyPI stripe is absent (make .make/dev)")
    (tmp_path / "licet.toml").write_text(
        '[stripe]\naccount = "operator"\nsecret_key_file = "sk"\nwebhook_secret_file = "wh"\n'
    )
    for name in ("sk", "wh"):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text("secret\n")
    found = await payments(read_config(tmp_path), (), tmp_path)
    assert [(what, state) for what, state, *_ in found] == [("stripe", "ok"), ("stripe", "warn")]
    assert "may need a license" in found[1][3]
    (tmp_path / "sk").chmod(0o640)
    ((_, state, fact, _),) = await payments(read_config(tmp_path), (), tmp_path)
    assert (state, "chmod 600" in fact) == ("bad", True)


async def test_a_kill_at_any_moment_of_a_payment_loses_no_money(paid) -> None:
    """The whole gateway is killed while payments are under way; started again, the books hold every settled one."""
    paths = [f"/essays/{number}" for number in range(24)]
    headers: dict[str, str] = {}
    async with aiohttp.ClientSession() as http:
        for path in paths:
            headers[path] = payment(await quoted(http, paid.url + path), seconds=900)
        going = [asyncio.create_task(paying(http, paid.url + path, headers[path])) for path in paths]
        await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
        for pid in _processes(paid.pid):
            os.kill(pid, signal.SIGKILL)
        ended = await asyncio.gather(*going, return_exceptions=True)
    before = sum(isinstance(each, tuple) and each[0] == 200 for each in ended)
    assert before >= 1
    with served(paid.data, paid.facilitator, workers=2, port=int(paid.url.rpartition(":")[2])) as again:
        async with aiohttp.ClientSession() as http:
            later = [await paying(http, paid.url + path, headers[path]) for path in paths]
        assert {status for status, *_ in later} <= {200, 503}
        assert all("payment-required" not in answer for *_, answer in later)
        rows = json.loads(licet(again, "payments", "--json").stdout)
        states = Counter(row["state"] for row in rows)
        said = again.settled()
        served_later = Counter(status for status, *_ in later)
        print(
            f"\nkilled after {before} of {len(paths)} answers: {said}, rows {dict(states)}, {dict(served_later)}"
        )
        assert states["SETTLED"] + states["PENDING"] >= said["settled"] >= states["SETTLED"]
        assert served_later[503] == states["PENDING"]
        assert all(row["credited"] for row in rows if row["state"] == "SETTLED")
        audited(again)


def _processes(root: int) -> list[int]:
    """The process and all below it, the youngest first."""
    found, queue = [root], [root]
    while queue:
        children = Path(f"/proc/{queue[0]}/task/{queue.pop(0)}/children").read_text().split()
        found += map(int, children)
        queue += map(int, children)
    return found[::-1]
