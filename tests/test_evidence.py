from __future__ import annotations

from gateway.evidence import NOTHING, Evidence, Need


def test_adding_makes_a_new_value_and_keeps_the_old() -> None:
    more = NOTHING.with_facts([(Need("lease", "a"), None), (Need("robots", "s", "about"), b"x")])
    assert NOTHING.get("lease", "a") is None
    assert not NOTHING.has("lease", "a")
    assert more.has("lease", "a")
    assert more.get("lease", "a") is None
    assert more.get("robots", "s") == b"x"


def test_the_mapping_handed_in_can_change_afterwards() -> None:
    facts: dict[tuple[str, str], object] = {("a", "b"): 1}
    evidence = Evidence(facts)
    facts.clear()
    assert evidence.get("a", "b") == 1


def test_what_a_need_is_about_does_not_make_it_another_need() -> None:
    assert Need("lease", "a", 1) == Need("lease", "a", 2)
