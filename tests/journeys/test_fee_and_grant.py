"""A gateway that dies by SIGKILL between a fee and its license: the next one gives the fee back.

What it completes instead where it can: `tests/desk/test_granting.py`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from gateway.store.sqlite.database import Database
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.unfinished import SqliteUnfinished
from gateway.terms.license_terms import Exclusivity

POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.answers]
uses = ["ai-input"]
price = {{ upfront = "5", per_fetch = "0.01" }}
term = {{ months = 1 }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["answers"] }}
"""
#: Read by every process of the command: the one that would keep the license is gone at that very moment.
DOOMED = """
import os, signal
from gateway.store.sqlite.register import SqliteRegister
async def dies(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)
SqliteRegister.grant = dies
"""


async def _bought(front: str, made: dict[str, Any], http: aiohttp.ClientSession) -> int:
    login = aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])
    form = {"grant_type": "client_credentials", "resource": "/essays/"}
    async with http.post(f"{front}/.licet/token", data=form, headers={"Authorization": login}) as answer:
        return answer.status


async def _taken_by(data: Path, licensee: str) -> None:
    """Give somebody the works of the purchase for himself alone, as what a person agreed to would."""
    database = await Database.open(data / "licet.db")
    try:
        (purchase,) = await SqliteUnfinished(database).all()
        terms = replace(purchase.license.terms, exclusivity=Exclusivity(exclusive=True))
        sole = replace(purchase.license, id="li_sole", licensee=licensee, offer="", terms=terms)
        assert await SqliteRegister(database).grant(sole) == sole
    finally:
        await database.close()


async def test_a_fee_is_given_back_when_a_kill_lost_its_license_to_somebody_else(licet, http, origin) -> None:
    data = licet.write_site(origin.url, policy=POLICY)
    # What a gateway makes at its first start, the commands work on.
    assert await (await licet.serve()).stop() == 0
    made, other = [
        (await licet("licensee", "add", name, "--credit", "10 USD", "--json")).json for name in ("One", "Two")
    ]
    (licet.folder / "sitecustomize.py").write_text(DOOMED)
    paths = {"PYTHONPATH": os.pathsep.join((str(licet.folder), str(Path(__file__).parents[2])))}
    one = await licet.serve(env=paths)
    # The front lives on and says that the desk is gone; each desk that is started anew dies at the same act.
    assert await _bought(one.front, made, http) == 503
    await one.stop()
    (licet.folder / "sitecustomize.py").unlink()
    await _taken_by(data, other["licensee"])
    again = await licet.serve()
    listed = (await licet("licensee", "list", "--json")).json
    assert {each["licensee"]: each["credit"] for each in listed} == {
        made["licensee"]: "10 USD",
        other["licensee"]: "10 USD",
    }
    assert await _bought(again.front, made, http) == 409
    await licet("reconcile")
