import asyncio
import json
from dataclasses import replace

import pytest
from lxml import etree
from protego import Protego

from gateway.ask import Ask
from gateway.evidence import NOTHING, Needs
from gateway.front import notices as notices_module
from gateway.front.answer import Notice
from gateway.front.notices import SiteNotices
from gateway.front.own_files import FRESH_SECONDS, GOOD_SECONDS, RETRY_SECONDS, OwnFile
from gateway.origin.small import SMALL_BYTES, SmallAnswer
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Site
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PublishedScope, PublishedTerms, RobotsStance
from gateway.terms.publishing import Publishing, RobotsPreferences
from gateway.terms.rsl import NAMESPACE
from gateway.terms.tdm_policy import TdmPolicy, read_tdm_policy
from gateway.uses import Use

ORIGIN = "https://journal.example"
OWN = SmallAnswer(200, "text/plain", b"User-agent: *\nDisallow: /admin/\n")


def policy(mode=Mode.ENFORCE, digest="sha-256:p", public="", hosts=("journal.example",), **channels):
    site = Site("journal", hosts, "http://127.0.0.1:8000", mode, "USD", public)
    return Policy(site, (), (), (), digest, publishing=Publishing(**channels))


def ask(path="/robots.txt", method="GET", origin=ORIGIN):
    return Ask("0192-a", 0, "journal", origin, method, path, path)


def published(policy, origin):
    return PublishedTerms(
        origin, "The Journal", "", policy.digest, "USD",
        (PublishedScope((PathScope("/"),), "", frozenset({Use.SEARCH}), ()),),
        (RobotsStance(("GPTBot",), (PathScope("/private"),)),),
        publishing=policy.publishing,
    )  # fmt: skip


class Server:
    """The creator's server: says what it is told to, and remembers who asked what."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.busy = asyncio.Event()
        self.busy.set()

    async def __call__(self, upstream, target, *, public=""):
        self.asked.append((upstream, target, public))
        await self.busy.wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def told(clock):
    """Makes notices on a server, and asks them as the exchange does: evidence is fetched once and asked again."""

    def make(*answers):
        server = Server(*answers)
        notices = SiteNotices(published, server, clock)

        async def find(policy=policy(), ask=ask()):
            found = notices.find(policy, ask, NOTHING)
            if isinstance(found, Needs):
                (need,) = found.wants
                evidence = NOTHING.with_facts([(need, await notices.own_file(need))])
                found = notices.find(policy, ask, evidence)
                assert not isinstance(found, Needs)
            return found

        return notices, server, find

    return make


def allows(notice, path, token="Stranger"):
    return Protego.parse(notice.body.decode()).can_fetch(ORIGIN + path, token)


async def test_robots_is_the_sites_own_and_the_terms(told):
    _, server, find = told(OWN)
    notice = await find()
    assert isinstance(notice, Notice) and notice.media_type == "text/plain; charset=utf-8"
    assert not allows(notice, "/admin/") and not allows(notice, "/private", "GPTBot")
    assert allows(notice, "/private") and allows(notice, "/")
    assert notice.etag.startswith('"') and notice.etag.endswith('"')
    assert server.asked == [("http://127.0.0.1:8000", "/robots.txt", "https://journal.example")]


async def test_the_license_document_says_when_the_terms_last_changed(told):
    notices, _, _ = told(OWN)
    written = replace(policy(), written_at=1_793_664_000)
    contents = etree.fromstring(notices.find(written, ask("/license.xml"), NOTHING).body)
    assert {content.get("lastmod") for content in contents} == {"2026-11-03T00:00:00Z"}
    unknown = etree.fromstring(notices.find(policy(digest="sha-256:q"), ask("/license.xml"), NOTHING).body)
    assert {content.get("lastmod") for content in unknown} == {None}


async def test_the_license_document_needs_no_evidence(told):
    notices, server, _ = told(OWN)
    notice = notices.find(policy(), ask("/license.xml"), NOTHING)
    assert notice.media_type == "application/rsl+xml"
    assert etree.fromstring(notice.body).tag == f"{{{NAMESPACE}}}rsl"
    assert server.asked == []


@pytest.mark.parametrize(
    ("policy", "ask"),
    [
        (policy(Mode.OBSERVE), ask()),
        (policy(Mode.OBSERVE), ask("/license.xml")),
        (policy(), ask(method="POST")),
        (policy(), ask("/license.xml", method="DELETE")),
        (policy(), ask("/")),
        (policy(), ask("")),
        (policy(), ask("/robots.txt/")),
        (policy(), ask("/Robots.txt")),
        (policy(), ask("/a/robots.txt")),
    ],
)
def test_everything_else_is_no_control_file(told, policy, ask):
    assert told(OWN)[0].find(policy, ask, NOTHING) is None


@pytest.mark.parametrize("mode", [Mode.OFFER, Mode.ENFORCE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_both_modes_and_methods(told, mode, method):
    assert isinstance(await told(OWN)[2](policy(mode), ask(method=method)), Notice)


async def test_a_fresh_answer_is_not_asked_for_again(told, clock):
    notices, server, find = told(OWN, SmallAnswer(200, "text/plain", b"User-agent: *\nDisallow: /new/\n"))
    first = await find()
    clock.advance(FRESH_SECONDS - 1)
    assert notices.find(policy(), ask(), NOTHING) is first
    clock.advance(1)
    again = await find()
    assert len(server.asked) == 2 and not allows(again, "/new/") and allows(again, "/admin/")
    assert again.etag != first.etag


@pytest.mark.parametrize(
    "answer",
    [
        SmallAnswer(404, "text/plain", b"User-agent: *\nDisallow: /\n"),
        SmallAnswer(410, "text/html", b""),
        SmallAnswer(401, "text/plain", b"User-agent: *\nDisallow: /\n"),
        SmallAnswer(200, "text/html; charset=utf-8", b"User-agent: *\nDisallow: /\n"),
        SmallAnswer(200, "text/plain", b"\n<!DOCTYPE html><p>User-agent: *\nDisallow: /\n"),
        SmallAnswer(204, "", b""),
    ],
)
async def test_a_site_without_robots_tells_the_terms_alone(told, answer):
    notice = await told(answer)[2]()
    assert allows(notice, "/admin/") and not allows(notice, "/private", "GPTBot")


FAILURES = [
    SmallAnswer(500, "text/plain", b""),
    SmallAnswer(503, "text/plain", b""),
    SmallAnswer(429, "text/plain", b""),
    SmallAnswer(304, "text/plain", b""),
    SmallAnswer(301, "text/plain", b""),
    Refusal(Problem.ORIGIN_TIMEOUT, "The site's own server took more than 5 seconds."),
    Refusal(Problem.ORIGIN_UNREACHABLE, "x", private="127.0.0.1:8000 refused"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_without_the_sites_own_nothing_is_opened(told, clock, failure):
    notices, server, find = told(failure, OWN)
    refusal = await find()
    assert isinstance(refusal, Refusal) and refusal.problem is Problem.ROBOTS_UNAVAILABLE
    assert refusal.retry_after == RETRY_SECONDS and "127.0.0.1" not in refusal.detail and refusal.private
    assert notices.find(policy(), ask(), NOTHING) == refusal, "the server is left alone for a while"
    clock.advance(RETRY_SECONDS)
    assert not allows(await find(), "/admin/")
    assert len(server.asked) == 2


@pytest.mark.parametrize("failure", FAILURES)
async def test_the_last_good_one_goes_on_for_thirty_days(told, clock, failure):
    notices, server, find = told(OWN, failure)
    good = await find()
    clock.advance(FRESH_SECONDS)
    assert await find() is good
    assert notices.find(policy(), ask(), NOTHING) is good
    assert len(server.asked) == 2, "between two attempts the good one is told at once"
    clock.advance(GOOD_SECONDS - FRESH_SECONDS - 1)
    assert await find() is good
    clock.advance(1)
    notices_gone = await find()
    assert isinstance(notices_gone, Refusal) and notices_gone.problem is Problem.ROBOTS_UNAVAILABLE


async def test_requests_at_the_same_moment_share_one_fetch(told):
    _, server, find = told(OWN)
    server.busy.clear()
    waiting = [asyncio.ensure_future(find()) for _ in range(50)]
    while not server.asked:
        await asyncio.sleep(0)
    server.busy.set()
    found = await asyncio.gather(*waiting)
    assert len(server.asked) == 1 and all(notice is found[0] for notice in found)


async def test_a_request_that_leaves_does_not_take_the_others_along(told):
    _, server, find = told(OWN)
    server.busy.clear()
    first, second = asyncio.ensure_future(find()), asyncio.ensure_future(find())
    while not server.asked:
        await asyncio.sleep(0)
    first.cancel()
    server.busy.set()
    assert isinstance(await second, Notice)
    assert first.cancelled() or first.cancelling()


async def test_renderings_follow_policy_and_host_and_are_bounded(told):
    notices, server, find = told(OWN)
    one = await find()
    assert await find() is one
    assert await find(policy(digest="sha-256:q")) is not one
    other = await find(ask=ask(origin="https://www.journal.example"))
    assert b"License: https://www.journal.example/license.xml" in other.body
    assert len(server.asked) == 1
    for number in range(500):
        await find(ask=ask(origin=f"https://{number}.example"))
    assert len(notices._rendered) <= 64


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (policy(public="https://www.journal.example"), "https://www.journal.example"),
        (policy(hosts=("a.example", "b.example")), "https://a.example"),
        (policy(hosts=("*",)), ""),
        (policy(hosts=()), ""),
    ],
)
async def test_the_server_is_never_asked_by_a_name_that_a_request_brought(told, policy, name):
    _, server, find = told(OWN)
    await find(policy, ask(origin="https://evil.example"))
    assert server.asked[0][2] == name


async def test_evidence_is_believed(told):
    notices, _, _ = told(OWN)
    (need,) = notices.find(policy(), ask(), NOTHING).wants
    assert (need.kind, need.key) == ("own-file", "journal /robots.txt")
    refusal = Refusal(Problem.ROBOTS_UNAVAILABLE, "x")
    assert notices.find(policy(), ask(), NOTHING.with_facts([(need, refusal)])) is refusal
    robots = OwnFile(b"User-agent: *\nDisallow: /x\n", "t")
    assert not allows(notices.find(policy(), ask(), NOTHING.with_facts([(need, robots)])), "/x")


async def test_the_tdm_policy_is_told_without_asking_the_server(told):
    notices, server, _ = told(OWN)
    found = notices.find(policy(), ask("/.well-known/licenses/tdm.jsonld"), NOTHING)
    assert found.media_type == "application/ld+json"
    assert read_tdm_policy(json.loads(found.body)) == TdmPolicy(pay=False, consent=True)
    assert server.asked == []
    observed = policy(Mode.OBSERVE)
    assert notices.find(observed, ask("/.well-known/licenses/tdm.jsonld"), NOTHING) is None


TDMREP = "/.well-known/tdmrep.json"
ON = {"trust_txt": True, "llms_txt": True}
JSON = "application/json"


def reserved(notice):
    return [(rule["location"], rule["tdm-reservation"]) for rule in json.loads(notice.body)]


async def test_tdmrep_reserves_what_the_site_or_the_terms_reserve(told):
    own = b'[{"location": "/drafts/", "tdm-reservation": 1, "tdm-policy": "https://else.example/p"}]'
    _, server, find = told(SmallAnswer(200, JSON, own))
    notice = await find(ask=ask(TDMREP))
    assert notice.media_type == JSON and notice.max_age == 3600
    assert reserved(notice) == [("/drafts/", 1), ("/", 1)]
    assert server.asked == [("http://127.0.0.1:8000", TDMREP, "https://journal.example")]


@pytest.mark.parametrize(
    "answer",
    [
        SmallAnswer(404, "text/html", b"<html>"),
        SmallAnswer(200, JSON, b'{"tdmrep": [{"location": "/", "tdm-reservation": 0}]}'),
        SmallAnswer(200, "text/html", b'[{"location": "/a", "tdm-reservation": 1}]'),
        SmallAnswer(200, JSON, b"[" * 9_000),
        SmallAnswer(200, JSON, b'[{"location": "/", "tdm-reservation": 0}]'),
    ],
)
async def test_what_implements_no_protocol_or_frees_more_changes_nothing(told, answer):
    assert reserved(await told(answer)[2](ask=ask(TDMREP))) == [("/", 1)]


async def test_the_policy_alone_asks_no_server(told):
    notices, server, _ = told(OWN)
    chosen = policy(preferences=RobotsPreferences.POLICY)
    assert reserved(notices.find(chosen, ask(TDMREP), NOTHING)) == [("/", 1)]
    assert server.asked == []


@pytest.mark.parametrize("failure", FAILURES)
async def test_while_the_server_fails_all_is_reserved_for_a_minute(told, failure):
    _, _, find = told(failure)
    for path, text in ((TDMREP, b'"tdm-reservation": 1'), ("/trust.txt", b"datatrainingallowed=no\n")):
        notice = await find(policy(**ON), ask(path))
        assert text in notice.body and notice.max_age == RETRY_SECONDS
    notice = await find(policy(**ON), ask("/llms.txt"))
    assert b"## Licensing" in notice.body and notice.max_age == RETRY_SECONDS


async def test_the_sites_own_texts_keep_their_words(told):
    _, _, find = told(SmallAnswer(200, "text/plain", b"member=https://journallist.example/\n"))
    trust = await find(policy(**ON), ask("/trust.txt"))
    assert trust.body == b"member=https://journallist.example/\ndatatrainingallowed=no\n"
    _, _, find = told(SmallAnswer(200, "text/markdown", b"# Tides\n\n> All about them.\n"))
    llms = await find(policy(**ON), ask("/llms.txt"))
    assert llms.body.startswith(b"# Tides\n\n> All about them.\n\n## Licensing\n")
    assert b"https://journal.example/license.xml" in llms.body


async def test_a_text_that_cannot_be_read_whole_passes_only_where_it_grants_nothing(told):
    whole = b"datatrainingallowed=yes\n" + b"#" * SMALL_BYTES
    _, _, find = told(SmallAnswer(200, "text/plain", whole[:SMALL_BYTES]))
    assert await find(policy(**ON), ask("/llms.txt")) is None
    trust = await find(policy(**ON), ask("/trust.txt"))
    assert b"allowed=yes" not in trust.body
    assert trust.body.endswith(b"\ndatatrainingallowed=no\n")


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        (policy(), "/trust.txt"),
        (policy(), "/llms.txt"),
        (policy(tdmrep=False), TDMREP),
        (policy(Mode.OBSERVE, **ON), "/trust.txt"),
        (policy(Mode.OBSERVE, **ON), "/llms.txt"),
        (policy(Mode.OBSERVE), TDMREP),
    ],
)
def test_what_the_site_did_not_choose_passes(told, policy, path):
    notices, server, _ = told(OWN)
    assert notices.find(policy, ask(path), NOTHING) is None
    assert server.asked == []


async def test_a_robots_txt_that_readers_take_otherwise_is_logged(told, caplog, monkeypatch):
    await told(OWN)[2]()
    assert caplog.records == []
    monkeypatch.setattr(notices_module, "merge_robots", lambda *_: b"User-agent: *\nAllow: /\n")
    await told(OWN)[2]()
    assert "robots.txt of journal: /private/a-page is refused to GPTBot" in caplog.text
