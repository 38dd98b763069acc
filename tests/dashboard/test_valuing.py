from __future__ import annotations

from datetime import UTC, datetime

from gateway.dashboard.valuing import memo_of
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
