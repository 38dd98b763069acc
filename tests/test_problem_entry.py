from __future__ import annotations

from enum import Enum

from gateway.problem_entry import Entry, Told, entry


class _Some(Told, Enum):
    ONE = entry("one", 418, "A rule", "Do this.", crawler_error="Name", oauth_error="name")
    TWO = entry("two", 419, "Another", "Do that.", license_error="word")


def test_a_member_tells_its_entry() -> None:
    one = _Some.ONE
    assert one.value == Entry("one", 418, "A rule", "Do this.", "", "Name", "name")
    assert (one.code, one.status, one.title, one.next_step) == ("one", 418, "A rule", "Do this.")
    assert (one.license_error, one.crawler_error, one.oauth_error) == ("", "Name", "name")
    assert _Some.TWO.license_error == "word"
