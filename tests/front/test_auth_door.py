"""The listener that the site's own proxy asks, over real sockets."""

from __future__ import annotations

import licet_tests_front_kit as kit
import pytest

from gateway.problems import StoreUnavailable

SAID = kit.SAID
CLIENT = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http", "X-Forwarded-Host: a.example")


class Asking(kit.AskedDoor):
    """Asked over HTTP."""

    async def asked(self, dialect="nginx", target="/a", *lines, secret=SAID, method="GET", agent="GPTBot"):
        """Ask as a proxy does that heard this of a client; the answer's status and fields."""
        kind = "Original" if dialect == "nginx" else "Forwarded"
        uri = "URI" if dialect == "nginx" else "Uri"
        told = (f"X-{kind}-Method: {method}", f"X-{kind}-{uri}: {target}") if dialect != "envoy" else ()
        place = f"/auth/{dialect}" + (target if dialect == "envoy" else "")
        host = "a.example" if dialect == "envoy" else f"127.0.0.1:{self.port}"
        head = [
            f"{method if dialect == 'envoy' else 'GET'} {place} HTTP/1.1",
            f"Host: {host}",
            "Connection: close",
        ]
        head += [f"Licet-Caller: {secret}", f"User-Agent: {agent}", *CLIENT, *told, *lines]
        answer = await self.send("\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape"))
        top, _, body = answer.partition(b"\r\n\r\n")
        first, *fields = top.decode().split("\r\n")
        return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in fields), body


@pytest.fixture
async def asking(started, origin):
    return await started(Asking(origin.url))


DIALECTS = ("nginx", "forward", "envoy")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_people_and_free_crawlers_pass_and_the_origin_is_left_alone(asking, origin, dialect):
    status, told, _ = await asking.asked(dialect, agent="Mozilla/5.0 Firefox/140.0")
    assert (status, told["Licet-Decision"], told["Licet-Record"]) == (200, "person", "")
    assert asking.people.counted == [("/a", 200)]
    assert not asking.journal.noted
    status, told, _ = await asking.asked(dialect, "/a?b=%2F")
    assert (status, told["Licet-Decision"], told["Licet-Crawler"]) == (200, "free", "GPTBot")
    record = await asking.journal.one()
    assert (record.id, record.path, record.ended, record.host) == (
        told["Licet-Record"],
        "/a",
        "passed-on",
        "a.example",
    )
    assert not origin.requests


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_licensed_fetch_is_billed_when_it_is_granted_and_before_the_proxy_hears_of_it(
    asking, dialect
):
    status, told, _ = await asking.asked(dialect, "/a", "X-Pay: 1", "Authorization: License secret")
    assert (status, told["Licet-Decision"]) == (200, "licensed")
    assert "secret" not in str(told)
    [record] = asking.journal.kept
    assert (record.charged_micros, record.charge_reason, record.ended) == (10, "fetch", "passed-on")


@pytest.mark.parametrize(("dialect", "status"), [("nginx", 401), ("forward", 403), ("envoy", 403)])
async def test_what_may_not_pass_is_handed_over_or_refused_and_recorded_once(asking, dialect, status):
    got, told, body = await asking.asked(dialect, "/closed/x")
    assert got == status
    if dialect == "nginx":
        # The public listener answers and records it.
        assert (told["Licet-Decision"], body, asking.journal.noted) == ("handed-over", b"", [])
    else:
        assert b"refused-by-owner" in body
        assert [record.problem for record in asking.journal.noted] == ["refused-by-owner"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_fetch_that_cannot_be_recorded_does_not_pass(asking, dialect):
    async def full(*_):
        raise StoreUnavailable("no room")

    asking.journal.keep = full
    asking.gate.till.unpaid = lambda *_: None
    status, _, _ = await asking.asked(dialect, "/a", "X-Pay: 1")
    assert status == (401 if dialect == "nginx" else 503)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_forged_caller_learns_nothing_whatever_it_asks(asking, dialect):
    for target in ("/a", "/closed/x"):
        for secret in ("", "x", SAID[:-1], SAID + "s"):
            status, told, _ = await asking.asked(dialect, target, secret=secret)
            assert status == 403
            assert "Licet-Decision" not in told
        status, _, _ = await asking.asked(dialect, target, "Licet-Caller: " + SAID)
        assert status == 403
    assert asking.listener.refusals["caller-unknown"] == 10
    assert not asking.journal.noted


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_question_that_lacks_or_repeats_a_line_is_never_free(asking, dialect):
    for line in ("X-Forwarded-Proto: http", *([] if dialect == "envoy" else ["X-Forwarded-Host: b.example"])):
        status, told, body = await asking.asked(dialect, "/a", line)
        assert (status, b"proxy-incomplete" in body) == (502, True)
        assert "Licet-Decision" not in told
    if dialect != "envoy":
        kind = "X-Original-URI" if dialect == "nginx" else "X-Forwarded-Uri"
        status, _, _ = await asking.asked(dialect, "/closed/x", f"{kind}: /a")
        assert status == 502
    status, _, _ = await asking.asked("other")
    assert status == 502
    assert not asking.journal.noted


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_gateways_own_paths_and_unknown_hosts_never_pass(asking, dialect):
    status, _told, _ = await asking.asked(dialect, "/.licet/token")
    assert status == (401 if dialect == "nginx" else 502)
    asking.site = kit.policy(asking.upstream, ("b.example",))
    status, _told, _ = await asking.asked(dialect)
    assert status == (401 if dialect == "nginx" else 421)


async def test_the_address_is_what_the_proxy_added_and_not_what_the_client_says(asking, started, origin):
    seen = []
    identify = asking.gate.identify
    object.__setattr__(
        asking.listener._gate,
        "identify",
        lambda ask, evidence: (seen.append(ask), identify(ask, evidence))[1],
    )
    await asking.asked(
        "forward", "/a", "X-Forwarded-For: 198.51.100.9, 203.0.113.5", "Forwarded: for=203.0.113.77"
    )
    [ask] = seen
    assert (ask.address, ask.peer, ask.origin) == ("203.0.113.5", "127.0.0.1", "http://a.example")
    assert not ask.has("x-forwarded-for")
    assert not ask.has("licet-caller")


async def test_what_is_no_http_is_refused_as_everywhere(asking):
    assert kit.statuses(await asking.send(b"GET /auth/nginx HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")) == [400]
    assert kit.statuses(await asking.send(b"\x16\x03\x01\r\n\r\n")) == [400]
