"""Who comes: people, crawlers without a license, crawlers with one, forged ones.

    licet demo   (or any gateway), and a licensee of it:
    licet licensee add Load --credit "100 USD" --data licet-demo
    LICET_CLIENT_ID=… LICET_CLIENT_SECRET=… locust -f loadtests/locustfile.py --headless -u 40 -r 10 -t 30s \
        -H http://127.0.0.1:8402

The pages are those of the demo, or LICET_PATHS with commas between them; in a
path ``{n}`` is another number each time, for an origin that has such pages
(`loadtests.origin`) and fetches that all owe their price. Every answer is
checked for what it should be; receipts of licensed fetches are added to
LICET_RECEIPTS (default receipts.jsonl) for `loadtests/reconcile.py`.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from pathlib import Path

from locust import FastHttpUser, constant, task

_DEMO = "/articles/tides,/articles/reefs,/articles/knots,/articles/charts"
_PATHS = [path for path in os.environ.get("LICET_PATHS", _DEMO).split(",") if path]
_NUMBERS = itertools.count(int(time.time() * 1000))
_RECEIPTS = Path(os.environ.get("LICET_RECEIPTS", "receipts.jsonl"))
_LOCK = threading.Lock()
_COUNTRY = {"X-Demo-Country": "DE"}
#: As `loadtests.serving.PERSON`.
_PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 SeaMonkey/2.53.21"


def _page() -> str:
    return random.choice(_PATHS).replace("{n}", str(next(_NUMBERS)))


class Person(FastHttpUser):
    """Reads pages, with a browser's name; must never be stopped."""

    weight = 90
    wait_time = constant(0)

    @task
    def read(self) -> None:
        with self.client.get(
            _page(), headers={"User-Agent": _PERSON}, catch_response=True, name="person"
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"a person got {answer.status_code}")


class Unlicensed(FastHttpUser):
    """An AI crawler without a license; must be told the price."""

    weight = 5
    wait_time = constant(0)

    @task
    def crawl(self) -> None:
        headers = {"User-Agent": "GPTBot/1.3", **_COUNTRY}
        with self.client.get(_page(), headers=headers, catch_response=True, name="unlicensed") as answer:
            if answer.status_code == 402:
                answer.success()
            else:
                answer.failure(f"expected 402, got {answer.status_code}")


class Licensed(FastHttpUser):
    """An AI crawler that buys a token and keeps the record id of everything it got."""

    weight = 4
    wait_time = constant(0)
    token = ""

    def on_start(self) -> None:
        """Buy one token."""
        form = {
            "grant_type": "client_credentials",
            "authorization_details": json.dumps([{"type": "content_license", "privileges": ["ai-train"]}]),
            "resource": f"{self.host}{_PATHS[0].rsplit('/', 1)[0]}/",
        }
        login = (os.environ.get("LICET_CLIENT_ID", ""), os.environ.get("LICET_CLIENT_SECRET", ""))
        with self.client.post(
            "/.licet/token", data=form, auth=login, catch_response=True, name="token"
        ) as answer:
            if answer.status_code == 200:
                self.token = answer.json()["access_token"]
            else:
                answer.failure(f"no token: {answer.status_code} {answer.text}")

    @task
    def crawl(self) -> None:
        if not self.token:
            return
        headers = {"User-Agent": "GPTBot/1.3", "Authorization": f"License {self.token}", **_COUNTRY}
        path = _page()
        with self.client.get(path, headers=headers, catch_response=True, name="licensed") as answer:
            if answer.status_code == 200 and answer.headers.get("Licet-Record"):
                line = json.dumps(
                    {"record": answer.headers["Licet-Record"], "path": path, "bytes": len(answer.content)}
                )
                with _LOCK, _RECEIPTS.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            elif answer.status_code in {402, 429}:
                answer.success()
            else:
                answer.failure(f"a licensed fetch got {answer.status_code}")


class Forged(FastHttpUser):
    """Shows a token nobody signed; must be refused."""

    fixed_count = 1  # a share of 1 % of few users is nobody
    wait_time = constant(0)

    @task
    def crawl(self) -> None:
        headers = {"User-Agent": "GPTBot/1.3", "Authorization": "License eyJhbGciOiJub25lIn0.e30.AA"}
        with self.client.get(_page(), headers=headers, catch_response=True, name="forged") as answer:
            if answer.status_code == 401:
                answer.success()
            else:
                answer.failure(f"expected 401, got {answer.status_code}")
