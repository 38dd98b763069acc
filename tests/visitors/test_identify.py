"""Claims and proofs: every row of the table in `gateway.visitors.identify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ask import Ask, HeaderFields
from gateway.evidence import NOTHING, Evidence, Need, Needs
from gateway.problems import Problem, Refusal
from gateway.visitors.catalog import Catalog
from gateway.visitors.conduct import Conduct
from gateway.visitors.host_names import NameFinding
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.visitor import PERSON, Identity, Method, Visitor, VisitorClass

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.4; +https://openai.com/gptbot)"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
YEARS = 3 * 365 * 86_400


@pytest.fixture(scope="module")
def identifier(catalog: Catalog, networks: Networks) -> Identifier:
    return Identifier(catalog, networks)


def who(identifier: Identifier, ask: Ask) -> Visitor:
    visitor = identifier.identify(ask, NOTHING)
    assert isinstance(visitor, Visitor)
    return visitor


@pytest.mark.parametrize(
    ("user_agent", "address", "identity", "method", "reasons"),
    [
        (GPTBOT, "132.196.86.7", "verified", "network", ("ip_in:openai-gptbot",)),
        (GPTBOT, "::ffff:132.196.86.7", "verified", "network", ("ip_in:openai-gptbot",)),
        (GPTBOT, "203.0.113.9", "spoofed", "network", ("ip_not_in:openai-gptbot",)),
        (GPTBOT, "127.0.0.9", "spoofed", "network", ("ip_not_in:openai-gptbot",)),
        (GPTBOT, "132.196.1.7", "unverifiable", "none", ("ip_not_in:openai-gptbot", "ip_near:openai-gptbot")),
        (GPTBOT, "", "unverifiable", "none", ("ip_unknown",)),
        (GPTBOT, "not an address", "unverifiable", "none", ("ip_unknown",)),
        (GOOGLEBOT, "66.249.66.1", "verified", "network", ("ip_in:googlebot",)),
        (GOOGLEBOT, "127.0.0.2", "spoofed", "network", ("ip_not_in:googlebot",)),
        (GOOGLEBOT, "5.255.104.83", "spoofed", "network", ("ip_not_in:googlebot",)),
        (
            "ChatGPT-User/1.0",
            "9.129.45.186",
            "verified",
            "network",
            ("ip_in:openai-chatgpt-user", "ip_list_stale:openai-chatgpt-user"),
        ),
        (
            "ChatGPT-User/1.0",
            "203.0.113.9",
            "unverifiable",
            "none",
            ("ip_not_in:openai-chatgpt-user", "ip_list_stale:openai-chatgpt-user"),
        ),
        ("Bytespider", "203.0.113.9", "claimed", "none", ()),
        ("YandexBot/3.0", "203.0.113.9", "unverifiable", "none", ("recipe_unchecked",)),
        ("claude-code/2.1", "203.0.113.9", "claimed", "none", ()),
        ("Slackbot 1.0", "203.0.113.9", "claimed", "none", ()),
    ],
)
def test_claims(
    identifier: Identifier,
    ask_as: Callable[..., Ask],
    user_agent: str,
    address: str,
    identity: str,
    method: str,
    reasons: tuple[str, ...],
) -> None:
    visitor = who(identifier, ask_as(user_agent, address))
    assert (visitor.identity.value, visitor.method.value) == (identity, method)
    undated = tuple(each for each in visitor.reasons if not each.startswith("ip_list_dated:"))
    assert undated == (f"ua_claim:{visitor.name}", *reasons)
    lists = [each.partition(":")[2] for each in reasons if each.startswith(("ip_in:", "ip_not_in:"))]
    days = [each for each in visitor.reasons if each.startswith("ip_list_dated:")]
    assert [day.partition(":")[2].partition("@")[0] for day in days] == lists


def test_a_spoof_keeps_what_was_claimed(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    visitor = who(identifier, ask_as(GOOGLEBOT, "127.0.0.2"))
    assert (visitor.visitor_class, visitor.name) == (VisitorClass.SEARCH_ENGINE, "Googlebot")


def test_a_stale_list_never_calls_anybody_forged(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    for user_agent in (GPTBOT, GOOGLEBOT):
        ask = ask_as(user_agent, "203.0.113.9")
        later = ask_as(user_agent, "203.0.113.9", at=ask.asked_at + YEARS)
        assert who(identifier, ask).identity is Identity.SPOOFED
        assert who(identifier, later).identity is Identity.UNVERIFIABLE


def test_an_incomplete_list_never_calls_anybody_forged(
    identifier: Identifier, ask_as: Callable[..., Ask]
) -> None:
    applebot = identifier.networks.lists["applebot"]
    visitor = who(identifier, ask_as("Applebot/0.1", "203.0.113.9", at=applebot.checked_at))
    assert visitor.identity is Identity.UNVERIFIABLE
    assert "ip_list_partial:applebot" in visitor.reasons


def test_a_missing_list_never_calls_anybody_forged(catalog: Catalog, ask_as: Callable[..., Ask]) -> None:
    visitor = who(Identifier(catalog, Networks(())), ask_as(GPTBOT))
    assert visitor.identity is Identity.UNVERIFIABLE
    assert "ip_list_missing:openai-gptbot" in visitor.reasons


def test_own_prefixes_verify(catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]) -> None:
    demo = Identifier(catalog, networks.with_prefixes("openai-gptbot", ["127.0.0.7"]))
    assert who(demo, ask_as(GPTBOT, "127.0.0.7")).identity is Identity.VERIFIED
    assert who(demo, ask_as(GPTBOT, "127.0.0.8")).identity is Identity.SPOOFED
    assert who(demo, ask_as(FIREFOX, "127.0.0.7", more=BROWSING)) is PERSON, "others are at home there too"


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSING = (
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("accept-language", "de"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
)


def test_a_person_is_the_one_constant(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    for address in ("203.0.113.9", "2001:db8::7", "", "unix:"):
        assert who(identifier, ask_as(FIREFOX, address, more=BROWSING)) is PERSON


def test_nothing_is_kept_about_a_person(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    fresh = Identifier(catalog, networks, conduct=Conduct())
    ask = ask_as(FIREFOX, "198.51.100.77", more=BROWSING)
    assert who(fresh, ask) is PERSON
    assert "198.51.100.77" not in repr((vars(fresh)["_weighed"], vars(fresh)["_made"], ask.headers.kept))


def test_a_browser_that_contradicts_itself(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    bare = who(identifier, ask_as(CHROME, more=(("accept", "*/*"),)))
    assert (bare.visitor_class, bare.identity) == (VisitorClass.AUTOMATION, Identity.NONE)
    assert bare.reasons[0] == "header_contradictions"
    once = who(identifier, ask_as(FIREFOX, more=BROWSING[:1] + BROWSING[2:]))
    assert (once.is_person, once.reasons) == (True, ("no_accept_language",))
    assert once.confidence < PERSON.confidence


def test_headers_that_nobody_captured_prove_nothing(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    assert who(Identifier(catalog, networks, headers=False), ask_as(CHROME)) is PERSON


def test_the_order_of_headers_counts_where_nothing_in_front_changes_it(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    swapped = ask_as(FIREFOX, more=BROWSING)
    first = [field for field in swapped.headers if field[0] == "accept"]
    swapped = replace(
        swapped, headers=HeaderFields((*first, *(each for each in swapped.headers if each not in first)))
    )
    assert who(Identifier(catalog, networks), swapped).reasons == ()
    direct = who(Identifier(catalog, networks, ordered=True), swapped)
    assert (direct.is_person, direct.reasons) == (True, ("header_order",))


def test_a_browser_in_chatgpts_network(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    visitor = who(identifier, ask_as(FIREFOX, "9.129.45.186", more=BROWSING))
    assert (visitor.visitor_class, visitor.name, visitor.identity, visitor.method) == (
        VisitorClass.AI, "OpenAI", Identity.NONE, Method.NETWORK,
    )  # fmt: skip
    assert visitor.crawler is not None
    assert visitor.crawler.purposes == ("user-action",)
    assert visitor.reasons == (
        "ip_operator_undeclared:openai-chatgpt-user",
        "ip_list_stale:openai-chatgpt-user",
        "ip_list_dated:openai-chatgpt-user@2026-09-02",
    )
    later = ask_as(FIREFOX, "9.129.45.186", at=ask_as("").asked_at + YEARS, more=BROWSING)
    assert who(identifier, later) is PERSON, "addresses are let again"


def test_a_browser_in_a_search_engines_network_stays_unproven(
    identifier: Identifier, ask_as: Callable[..., Ask]
) -> None:
    visitor = who(identifier, ask_as(FIREFOX, "66.249.66.1", more=BROWSING))
    assert visitor.is_person
    assert visitor.reasons[0] == "ip_operator_undeclared:googlebot"


class Names:
    """DNS that was asked before, or that must be asked."""

    def __init__(self, outcome: str = "") -> None:
        self.outcome = outcome
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def finding(self, address: str, suffixes: tuple[str, ...], evidence: Evidence) -> NameFinding | Needs:
        self.asked.append((address, suffixes))
        if not (self.outcome or evidence.has("dns", address)):
            return Needs((Need("dns", address, suffixes),))
        outcome = self.outcome or "unknown"
        reason = {"confirmed": "rdns_ok", "contradicted": "rdns_mismatch", "unknown": "rdns_unknown"}[outcome]
        return NameFinding(outcome, (reason,))


YANDEX = "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"


@pytest.mark.parametrize(
    ("agent", "outcome", "identity", "method"),
    [
        (YANDEX, "confirmed", "verified", "dns"),
        (YANDEX, "contradicted", "spoofed", "dns"),
        (YANDEX, "unknown", "unverifiable", "none"),
        ("Applebot/0.1", "confirmed", "verified", "dns"),
        ("Applebot/0.1", "contradicted", "unverifiable", "none"),
        (GOOGLEBOT, "confirmed", "verified", "dns"),
        (GOOGLEBOT, "contradicted", "spoofed", "network"),
        (GOOGLEBOT, "unknown", "spoofed", "network"),
    ],
)
def test_dns_proves_a_claim_whatever_lists_say_and_refutes_one_where_it_is_all_there_is(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask],
    agent: str, outcome: str, identity: str, method: str,
) -> None:  # fmt: skip
    visitor = who(Identifier(catalog, networks, names=Names(outcome)), ask_as(agent))
    assert (visitor.identity.value, visitor.method.value) == (identity, method)


def test_dns_is_named_and_not_waited_for(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    names = Names()
    identifier, ask = Identifier(catalog, networks, names=names), ask_as(YANDEX)
    needs = identifier.identify(ask, NOTHING)
    assert isinstance(needs, Needs)
    assert [(need.kind, need.key) for need in needs.wants] == [("dns", "203.0.113.9")]
    came = NOTHING.with_facts([(needs.wants[0], Refusal(Problem.ORIGIN_UNREACHABLE, "It did not come."))])
    visitor = identifier.identify(ask, came)
    assert isinstance(visitor, Visitor)
    assert (visitor.identity, visitor.reasons[-1]) == (Identity.UNVERIFIABLE, "rdns_unknown")


def test_what_was_weighed_by_old_lists_is_forgotten(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    identifier, ask = Identifier(catalog, networks), ask_as(GPTBOT)
    assert who(identifier, ask).identity is Identity.SPOOFED
    identifier.take_up(networks.with_prefixes("openai-gptbot", ["203.0.113.0/24"]))
    assert who(identifier, ask).identity is Identity.VERIFIED


def test_dns_is_not_asked_about_people_nor_where_a_list_proves(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    names = Names()
    identifier = Identifier(catalog, networks, names=names)
    for agent, address in ((FIREFOX, "203.0.113.9"), (GOOGLEBOT, "66.249.66.1")):
        who(identifier, ask_as(agent, address, more=BROWSING))
    assert names.asked == []


def test_conduct_is_weight_for_who_shows_something_and_nobody_else(
    catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]
) -> None:
    conduct = Conduct()
    identifier = Identifier(catalog, networks, conduct=conduct)
    conduct.note("honeypot_hit", "203.0.113.1", ask_as("").asked_at)
    assert who(identifier, ask_as(FIREFOX, more=BROWSING)) is PERSON, "a neighbor did it"
    bare = who(identifier, ask_as(FIREFOX, more=BROWSING[:2]))
    assert bare.reasons == ("no_fetch_metadata",), "a remark is no evidence either"
    for agent in ("curl/8.5.0", GPTBOT, CHROME):
        assert who(identifier, ask_as(agent)).reasons[-1] == "honeypot_hit"
        assert "honeypot_hit" not in who(identifier, ask_as(agent, "198.51.100.1")).reasons
    assert (
        who(identifier, ask_as(CHROME)).confidence
        > who(identifier, ask_as(CHROME, "198.51.100.1")).confidence
    )


@pytest.mark.parametrize(
    ("system", "reason", "confidence"),
    [(32934, "asn_match", 0.85), (64500, "asn_mismatch", 0.50), (0, "", 0.70)],
)
def test_a_system_is_a_weight_and_never_a_proof(
    catalog: Catalog,
    networks: Networks,
    ask_as: Callable[..., Ask],
    system: int,
    reason: str,
    confidence: float,
) -> None:
    identifier = Identifier(catalog, networks, asn_of=lambda _: system)
    visitor = who(identifier, ask_as("meta-externalagent/1.1"))
    assert (visitor.identity, visitor.confidence) == (Identity.UNVERIFIABLE, confidence)
    assert reason in {*visitor.reasons, ""}


def test_visitors_that_are_alike_are_one_object(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    for agent in ("curl/8.5.0", GPTBOT, CHROME):
        assert who(identifier, ask_as(agent)) is who(identifier, ask_as(agent, "203.0.113.10"))


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        (None, "no_user_agent"),
        ("", "no_user_agent"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36", "headless_declared"),
    ],
)
def test_an_automaton_that_hides(
    identifier: Identifier, ask_as: Callable[..., Ask], user_agent: str | None, reason: str
) -> None:
    visitor = who(identifier, ask_as(user_agent))
    assert (visitor.visitor_class, visitor.crawler, visitor.identity) == (
        VisitorClass.AUTOMATION,
        None,
        Identity.NONE,
    )
    assert visitor.reasons[0] == reason


@pytest.mark.parametrize("user_agent", ["curl/8.5.0", "NewBot/1.0"])
def test_an_automaton_nobody_knows_claims_something(
    identifier: Identifier, ask_as: Callable[..., Ask], user_agent: str
) -> None:
    visitor = who(identifier, ask_as(user_agent))
    assert (visitor.visitor_class, visitor.crawler, visitor.identity) == (
        VisitorClass.AUTOMATION,
        None,
        Identity.CLAIMED,
    )


def test_a_kind_is_claimed_and_uses_nothing(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    visitor = who(identifier, ask_as("SomeNewFeedReader/2.0 (+https://reader.example)"))
    assert (visitor.visitor_class, visitor.identity, visitor.uses) == (
        VisitorClass.SERVICE,
        Identity.CLAIMED,
        frozenset(),
    )


SHIPPED = Identifier(Catalog.shipped(), Networks.shipped())


@given(st.text(max_size=400), st.text(max_size=60), st.integers(0, 2**33))
def test_no_ask_raises_and_answers_repeat(user_agent: str, address: str, at: int) -> None:
    ask = Ask("i", at * 1_000_000, "s", "https://s.example", "GET", "/", "/", address=address,
              headers=(("user-agent", user_agent),))  # fmt: skip
    visitor = SHIPPED.identify(ask, NOTHING)
    assert visitor == SHIPPED.identify(ask, NOTHING)
    assert isinstance(visitor, Visitor)
    if visitor.method is Method.NONE:
        assert visitor.identity not in {Identity.VERIFIED, Identity.SPOOFED}
