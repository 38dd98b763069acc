"""Test visits, before they are sent."""

from __future__ import annotations

import pytest

from gateway.dashboard.visiting import BROWSER, Plan, plan
from gateway.policy.reading import default_policy
from gateway.visitors.catalog import Catalog

CATALOG = Catalog.shipped()
SITE = default_policy("http://127.0.0.1:1", hosts=("journal.example", "www.journal.example"))


def test_every_crawler_with_a_token_is_known_by_the_user_agent_that_is_sent():
    for entry in CATALOG.crawlers:
        if not entry.tokens or entry.robots_only:
            continue
        planned = plan(SITE, CATALOG, entry.name, "/essays/")
        assert isinstance(planned, Plan), entry.name
        assert planned.host == "journal.example"
        assert "test visit by Licet" in planned.agent
        found = CATALOG.reading(planned.agent)
        assert found.entry is entry, (planned.agent, found)


def test_a_person_comes_as_a_browser():
    assert plan(SITE, CATALOG, "", " ") == Plan("journal.example", "/", BROWSER)
    assert plan(default_policy("http://127.0.0.1:1"), CATALOG, "", "/").host == "localhost"


@pytest.mark.parametrize(
    "path", ["essays", "http://evil.example/", "/a b", "/a\r\nX: y", "/é", "/" + "a" * 3000]
)
def test_only_a_path_of_the_site_is_visited(path):
    assert isinstance(plan(SITE, CATALOG, "GPTBot", path), str)


def test_who_is_not_known_is_not_played():
    assert isinstance(plan(SITE, CATALOG, "Nosuchbot", "/"), str)
