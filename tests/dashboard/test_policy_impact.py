"""What a changed policy would have done, told from the log; and how two texts differ."""

from __future__ import annotations

from gateway.dashboard.policy_impact import REPLAY_DAYS, Replaying, difference
from gateway.dashboard.queries import Visited
from gateway.policy.reading import default_policy
from gateway.policy.rules import Verdict
from gateway.visitors.catalog import Catalog


class Log:
    def __init__(self, clock):
        self.clock, self.asked = clock, []

    async def visits(self, site, since_us):
        self.asked.append((site, self.clock.now_us() - since_us))
        return (
            Visited("GPTBot", "ai", "verified", "/essays/a", "", 3),
            Visited("Forgotten", "ai", "", "/essays/b", "", 2),
        )


async def test_the_visits_of_the_last_days_are_put_to_both_policies(clock):
    log = Log(clock)
    before, after = (default_policy("http://127.0.0.1:1", stance=name) for name in ("open", "closed"))
    found = await Replaying(log, clock, Catalog.shipped()).impact(before, after)
    assert log.asked == [("site", REPLAY_DAYS * 86_400_000_000)]
    assert found.visits == 5
    assert found.before[Verdict.SERVE] == 5
    assert found.after[Verdict.REFUSE] == 5
    assert {each.crawler: each.count for each in found.changed} == {"GPTBot": 3, "": 2}


def test_lines_that_differ_say_how():
    told = difference("a\nb\nc\n", "a\nB\nc\n")
    assert ("del", "-b") in told
    assert ("add", "+B") in told
    assert ("", " a") in told
    assert difference("a\n", "a\n") == ()
