"""`UsageCounts`: each paid fetch in exactly one event, whenever it came in and however many count."""

from __future__ import annotations

import asyncio
from collections import Counter

from gateway.outbox.events import About

DAY_US = 86_400_000_000
AT = 20_000 * DAY_US
NOW = AT // 1_000_000 + 86_400 * 3


async def told(ports):
    return [each.event for each in await ports.events.after(0, 99, About())]


async def test_usage_is_by_license_currency_and_day(ports, make):
    await ports.put(
        *(make.fetch(f"a{at}", time_us=AT + at) for at in range(3)),
        make.fetch("next-day", time_us=AT + DAY_US),
        make.fetch("other", license="lic_2", time_us=AT),
        make.fetch("euros", currency="EUR", time_us=AT),
        make.fetch("read-before", micros=0, reason="read-before", time_us=AT),
        make.book("credit", 5, "paid"),
    )
    assert await ports.usage.count(99, NOW) == 4
    assert [(each.subject, each.body["currency"], each.body["day"], each.body["fetches"], each.body["micros"]) for each in await told(ports)] == [
        ("lic_1", "EUR", AT // 10**6, 1, 5_000), ("lic_1", "USD", AT // 10**6, 3, 15_000),
        ("lic_1", "USD", AT // 10**6 + 86_400, 1, 5_000), ("lic_2", "USD", AT // 10**6, 1, 5_000),
    ]  # fmt: skip
    assert all(each.at == each.body["day"] + 86_399 for each in await told(ports))
    assert await ports.usage.count(99, NOW) == 0


async def test_what_comes_late_is_counted_once_and_nothing_twice(ports, make):
    total = Counter()
    for round_ in range(6):
        await ports.put(*(make.fetch(f"{round_}-{at}", time_us=AT + at) for at in range(5)))
        await asyncio.gather(*(ports.usage.count(2, NOW) for _ in range(2)))
    while await ports.usage.count(3, NOW):
        pass
    events = await told(ports)
    for each in events:
        total[each.subject] += each.body["fetches"]
    assert total == {"lic_1": 30}
    assert len({each.id for each in events}) == len(events)


async def test_a_day_that_is_not_over_is_told_of_now(ports, make):
    await ports.put(make.fetch("a", time_us=AT))
    await ports.usage.count(9, AT // 10**6 + 60)
    (one,) = await told(ports)
    assert one.at == AT // 10**6 + 60
