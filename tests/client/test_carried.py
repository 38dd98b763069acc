"""A visit by hand: what a hook is told to send, and to whom."""

from __future__ import annotations

import pytest

from gateway.client.caller import Answer
from gateway.client.carried import Ask, Hook, Stopped, Wait

PAGE = "https://a.example/essays/tides"


def refused(url=PAGE):
    return Answer(402, "", url, (), b"{}")


def test_a_page_is_asked_for_without_a_token_first() -> None:
    visit = Hook().visit(PAGE, "Bot/1")
    assert visit.step() == Ask(True, "GET", PAGE, {})
    assert visit.step(Answer(200, "", PAGE, (), b"text")) is None
    assert (visit.got.status, visit.got.body) == (200, b"text")


def test_a_desk_hears_who_asks_and_is_of_the_page_s_origin() -> None:
    visit = Hook().visit(PAGE, "Bot/1")
    visit.step()
    ask = visit.step(refused())
    assert (ask.page, ask.url) == (False, "https://a.example/.well-known/oauth-protected-resource")
    assert ask.headers["User-Agent"] == "Bot/1"
    assert visit.step(ask.broken(OSError("gone"), sent=True)) is None
    assert (visit.got.code, visit.got.fact) == ("unreachable", "gone")


def test_the_refusal_of_another_origin_begins_no_purchase() -> None:
    visit = Hook().visit(PAGE, "Bot/1")
    visit.step()
    assert visit.step(refused("https://b.example/")) is None
    assert visit.got.status == 303


def test_a_thrown_switch_lets_nothing_out() -> None:
    thrown = []
    hook = Hook(switch=lambda: bool(thrown))
    visit = hook.visit(PAGE, "Bot/1")
    visit.step()
    thrown.append(True)
    assert visit.step(refused()) is None
    assert visit.got.code == "stopped"
    with pytest.raises(Stopped):
        hook.visit(PAGE, "Bot/1").step()


@pytest.mark.parametrize("leaves", ["waiting", "called"])
def test_who_leaves_the_line_holds_up_nobody(leaves) -> None:
    hook = Hook()
    first, second, third = (hook.visit(PAGE, "Bot/1") for _ in range(3))
    for visit in first, second, third:
        visit.step()
    assert isinstance(first.step(refused()), Ask)
    waits = second.step(refused()), third.step(refused())
    assert all(isinstance(each, Wait) and not each.turn.done() for each in waits)
    if leaves == "waiting":
        second.close()
        first.close()
    else:
        first.close()
        assert waits[0].turn.done()
        second.close()
    assert waits[1].turn.done()
    assert isinstance(third.step(), Ask)
    third.close()
