"""`kill -9` under load loses no record of what a client received, and bills nothing twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.money import Money

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)

_PAGE = {"record": "a", "path": "/1", "bytes": 7, "sha256": "d1"}
_RECORD = {
    "id": "a",
    "path": "/1",
    "bytes_sent": 7,
    "digest": "d1",
    "outcome": "licensed",
    "ended": "complete",
    "status": 200,
}


def _killed(root: Path, number: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "loadtests.kills", "--kills", str(number), "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60 + 10 * number)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == found["ok"], done.stderr
    return found


def _nothing_is_off(found: dict[str, Any], number: int) -> None:
    assert found["ok"], found
    assert found["kills"] == number
    assert found["pages fetched to the end"] == found["charged"] == found["postings"] > number
    assert (found["lost"], found["recorded twice"], found["pages billed twice"]) == (0, 0, 0)
    assert found["micros missing from the balance"] == 0
    assert found["licensed answers broken off"] > 0, "no kill met a licensed answer: nothing was tested"


@pytest.mark.timeout(180)
def test_kills_under_load_lose_nothing_and_bill_nothing_twice(root: Path) -> None:
    _nothing_is_off(_killed(root, 5), 5)


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_a_thousand_kills_under_load_lose_nothing_and_bill_nothing_twice(root: Path) -> None:
    found = _killed(root, 1000)
    print(json.dumps(found, indent=2))
    _nothing_is_off(found, 1000)


async def test_what_a_killed_gateway_had_set_aside_is_credit_again_at_the_next_start(
    world, tmp_path: Path
) -> None:
    one = await world()
    licensee, client, secret = await one.licensee("1 USD")
    token = (await one.token(client, secret, resource="/podcast/"))["access_token"]
    got = await one.get("/podcast/one", GPTBOT, token=token)
    assert got.status == 200
    await one.folded(got.headers["Licet-Record"])
    assert await one.licet.book.available(licensee, "USD") < Money.read("0.98 USD"), (
        "more than one was leased"
    )
    # What `kill -9` leaves: the files as they are, and nobody who holds a lock on them.
    killed = tmp_path / "killed"
    shutil.copytree(one.folder, killed)
    (writer,) = (path.name for path in (killed / "journal").glob("front-*.live"))
    again = await world(folder=killed)
    assert await again.licet.book.available(licensee, "USD") == Money.read("0.98 USD")
    assert not (killed / "journal" / writer).exists()
    assert (await again.licet.ledger.books()).purses == ()


@pytest.mark.parametrize(
    ("receipts", "records", "lost", "differing", "doubled"),
    [
        ([_PAGE], [_RECORD], (), (), ()),
        ([], [_RECORD], (), (), ()),
        ([_PAGE], [], ("a",), (), ()),
        ([_PAGE], [{**_RECORD, "bytes_sent": 6}], (), ("a",), ()),
        ([_PAGE], [{**_RECORD, "digest": "d2"}], (), ("a",), ()),
        ([_PAGE], [{**_RECORD, "ended": "client-abort"}], (), ("a",), ()),
        ([_PAGE], [{**_RECORD, "outcome": "refused"}], (), ("a",), ()),
        ([_PAGE], [{**_RECORD, "path": "/2"}], (), ("a",), ()),
        ([_PAGE], [_RECORD, _RECORD], (), (), ("a",)),
        ([_PAGE, _PAGE], [_RECORD], (), (), ("a",)),
    ],
)
def test_what_is_lost_or_doubled_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, receipts, records, lost, differing, doubled
) -> None:
    monkeypatch.syspath_prepend(str(root))
    from loadtests.reconcile import compare

    compared = compare(receipts, records)
    assert (compared.lost, compared.differing, compared.doubled) == (lost, differing, doubled)
    assert compared.good == (not (lost or differing or doubled))
