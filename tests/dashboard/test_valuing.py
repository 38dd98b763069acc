from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.dashboard.valuing import in_force, meant, memo_of
from gateway.licenses.value_memo import Figures
from gateway.store.sqlite.traffic import SqliteTraffic
from gateway.visitors.catalog import Catalog


async def test_the_memo_of_a_filled_log(filled, clock):
    now = clock.now_us() // 1_000_000
    known = {"site": "journal", "name": "The Journal", "days": (now - 86_400, now + 1), "now": now}
    memo = await memo_of(
        SqliteTraffic(filled.database), Catalog.shipped().crawler, entered=Figures(), **known
    )
    assert memo.traffic.people == 4321
    assert memo.purposes["GPTBot"] == ("training",)
    assert {"GPTBot", "ClaudeBot", "Bytespider"} <= {each.crawler for each in memo.traffic.crawlers}
    assert memo.made_on == datetime.fromtimestamp(now, UTC).date()
    assert memo.deals == ()


@pytest.mark.parametrize(
    ("days", "names"),
    [
        ((0, 5), []),
        ((0, 10), []),
        ((0, 11), ["a"]),
        ((10, 20), ["a"]),
        ((19, 21), ["a", "b"]),
        ((20, 21), ["b"]),
        ((25, 99), ["b", "a"]),
        ((40, 99), ["a"]),
    ],
)
def test_versions_in_force(days, names):
    # a from 10, b from 20, and a again from 30 on.
    found = in_force([("a", 30), ("b", 20), ("a", 10)], days, "https://j.example/.licet/terms")
    assert [each.name for each in found] == names
    assert all(each.address.endswith(f"/terms/{each.name}") for each in found)
    if names and days[1] > 30:
        assert found[-1].until == 0


def test_whom_a_name_means():
    catalog = Catalog.shipped()
    assert meant(catalog, "gptbot") == ("OpenAI", ("GPTBot",))
    operator, crawlers = meant(catalog, "openai")
    assert operator == "OpenAI"
    assert {"GPTBot", "OAI-SearchBot", "ChatGPT-User"} <= set(crawlers)
    assert meant(catalog, "nobody at all") is None
    assert meant(catalog, "") is None
