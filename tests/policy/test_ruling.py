from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.policy.reading import default_policy
from gateway.policy.rules import Verdict
from gateway.policy.ruling import names_visitors, rule
from gateway.uses import AI_USES, Use
from gateway.visitors.visitor import PERSON, Identity, Visitor, VisitorClass

SERVE, REFUSE, LICENSE = Verdict.SERVE, Verdict.REFUSE, Verdict.LICENSE
OWNER, PROOF, AMBIGUOUS = "refused-by-owner", "identity-not-proven", "ambiguous-path"
UPSTREAM = "http://127.0.0.1:8000"
MORE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORKS = """
works = [
  {id = "essays", paths = ["/essays/"], rights = "own", people = "none", renditions = {scan = ["/essays/*.pdf"]}},
  {id = "forum", paths = ["/essays/forum/"], rights = "unsure", people = "none"},
  {id = "videos", paths = ["/videos/"], rights = "own", people = "consented"},
]
offers.training = {uses = ["ai-train"], works = ["essays"], price = {per_fetch = "0.02"}}
offers.answers = {uses = ["ai-input"], works = ["essays"], price = {per_fetch = "0.004"}}
offers.scans = {uses = ["ai-input"], works = ["essays"], renditions = ["scan"], price = {per_fetch = "0.1"}}
"""


def judge(policy, visitor, ask, uses=None):
    return rule(policy, visitor, ask, visitor.uses if uses is None else uses)


STANCES = [
    # stance, who, verdict, rule
    ("open", "PERSON", SERVE, 2),
    ("open", "ALOUD", SERVE, 0),
    ("open", "CHATGPT_USER", SERVE, 1),
    ("open", "GPTBOT", SERVE, 2),
    ("open", "UNKNOWN", SERVE, 2),
    ("search-free-training-paid", "PERSON", SERVE, 6),
    ("search-free-training-paid", "ALOUD", SERVE, 0),
    ("search-free-training-paid", "GOOGLEBOT", SERVE, 1),
    ("search-free-training-paid", "FEEDLY", SERVE, 2),
    ("search-free-training-paid", "CHATGPT_USER", LICENSE, 3),
    ("search-free-training-paid", "DEVIN", LICENSE, 3),
    ("search-free-training-paid", "GPTBOT", LICENSE, 4),
    ("search-free-training-paid", "BOTH", LICENSE, 4),
    ("search-free-training-paid", "UNKNOWN", SERVE, 5),
    ("everything-licensed", "PERSON", SERVE, 5),
    ("everything-licensed", "ALOUD", SERVE, 0),
    ("everything-licensed", "FEEDLY", SERVE, 1),
    ("everything-licensed", "CHATGPT_USER", LICENSE, 2),
    ("everything-licensed", "GOOGLEBOT", LICENSE, 3),
    ("everything-licensed", "GPTBOT", LICENSE, 3),
    ("everything-licensed", "UNKNOWN", LICENSE, 4),
    ("everything-licensed", "ROBOT", SERVE, 5),
    ("research-free", "PERSON", SERVE, 6),
    ("research-free", "ALOUD", SERVE, 0),
    ("research-free", "GOOGLEBOT", SERVE, 1),
    ("research-free", "CHATGPT_USER", LICENSE, 3),
    ("research-free", "GPTBOT", LICENSE, 4),
    ("research-free", "UNKNOWN", SERVE, 5),
    ("closed", "PERSON", SERVE, 4),
    ("closed", "ALOUD", SERVE, 0),
    ("closed", "GOOGLEBOT", SERVE, 4),
    ("closed", "FEEDLY", SERVE, 4),
    ("closed", "CHATGPT_USER", REFUSE, 1),
    ("closed", "GPTBOT", REFUSE, 2),
    ("closed", "UNKNOWN", REFUSE, 3),
    ("closed", "ROBOT", SERVE, 4),
]


@pytest.mark.parametrize(("stance", "who", "verdict", "key"), STANCES)
def test_stances(make, stance, who, verdict, key):
    policy = default_policy(UPSTREAM, stance=stance)
    who = getattr(make, who)
    ruling = judge(policy, who if isinstance(who, Visitor) else make.seen(who), make.ask("/a/page"))
    assert (ruling.verdict, ruling.rule) == (verdict, f"rules[{key}]")
    assert (ruling.policy, ruling.mode, ruling.work) == (policy.digest, policy.site.mode, "site")
    assert bool(ruling.offers) == (verdict is LICENSE)


def test_in_the_default_stance_answers_cost_less_than_training(make):
    offers = judge(default_policy(UPSTREAM), make.seen(make.DEVIN), make.ask("/")).offers
    cheapest = {use: min(offer.price.micros for offer in offers if use in offer.uses) for use in AI_USES}
    assert cheapest == {Use.AI_INPUT: 4000, Use.AI_INDEX: 4000, Use.AI_TRAIN: 20_000}
    assert any(offer.uses >= AI_USES for offer in offers)


MATCHES = [
    ('crawler = "gptbot"', "GPTBOT", True),
    ('crawler = "GPT"', "GPTBOT", False),
    ('crawler = ["x", "Devin"]', "DEVIN", True),
    ('operator = "openai"', "CHATGPT_USER", True),
    ('operator = "openai"', "DEVIN", False),
    ('class = "ai"', "GPTBOT", True),
    ('class = ["service", "search-engine"]', "GPTBOT", False),
    ('proof = "verified"', "GPTBOT", True),
    ('proof = "claimed"', "GPTBOT", False),
    ('use = "ai-train"', "GPTBOT", True),
    ('use = ["ai-train", "search"]', "BOTH", True),
    ('use = "ai-train"', "BOTH", False),
    ('use = "search"', "FEEDLY", False),
    ('use = ["ai-input", "ai-index", "ai-train"]', "UNKNOWN", True),
    ('purpose = "training"', "GPTBOT", True),
    ('purpose = "training"', "BOTH", True),
    ('purpose = "agent"', "UNKNOWN", False),
    ('crawler = "GPTBot", operator = "Google"', "GPTBOT", False),
    ('path = "/essays/"', "GPTBOT", True),
    ('path = ["/essays/one/x", "/other/"]', "GPTBOT", False),
    ('work = "essays"', "GPTBOT", True),
    ('work = "videos"', "GPTBOT", False),
    ('country = "DE"', "GPTBOT", True),
    ('country = "EU"', "GPTBOT", True),
    ('country = "NO"', "GPTBOT", False),
]


@pytest.mark.parametrize(("when", "who", "matches"), MATCHES)
def test_what_a_rule_matches(make, read, when, who, matches):
    policy = read(f'{WORKS}\nrules = [{{when = {{{when}}}, then = "refuse"}}, {{then = "serve"}}]')
    who = getattr(make, who)
    visitor = who if isinstance(who, Visitor) else make.seen(who)
    ruling = judge(policy, visitor, make.ask("/essays/one", "DE"))
    assert ruling.verdict is (REFUSE if matches else SERVE)
    assert ruling.rule == ("rules[0]" if matches else "rules[1]")


def test_an_unknown_country_is_in_no_list(make, read):
    policy = read('rules = [{when = {country = ["DE", "US"]}, then = "serve"}, {then = "refuse"}]')
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/", "")).verdict is REFUSE
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/", "US")).verdict is SERVE


def test_a_crawler_with_two_purposes_is_not_served_for_the_better_one(make, read):
    serve = read('rules = [{when = {purpose = "search"}, then = "serve"}, {then = "refuse"}]')
    refuse = read('rules = [{when = {purpose = "training"}, then = "refuse"}, {then = "serve"}]')
    for policy in (serve, refuse):
        assert judge(policy, make.seen(make.BOTH), make.ask("/")).verdict is REFUSE
        assert judge(policy, make.seen(make.GOOGLEBOT), make.ask("/")).verdict is SERVE


def test_the_tokens_use_is_what_rules_look_at(make, read):
    policy = read('rules = [{when = {use = "ai-input"}, then = "serve"}, {then = "refuse"}]')
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/"), frozenset({Use.AI_INPUT})).verdict is SERVE


def test_a_wider_use_covers_the_narrower_one(make, read):
    policy = read('rules = [{when = {use = "ai-train"}, then = "refuse"}, {then = "serve"}]')
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/"), frozenset({Use.FINE_TUNE})).verdict is REFUSE


FREE = [
    # verifiable crawler, identity, unverifiable = …, verdict, rule, problem
    (Identity.VERIFIED, "refuse", SERVE, "rules[0]", ""),
    (Identity.SPOOFED, "serve", REFUSE, "rules[0]", PROOF),
    (Identity.CLAIMED, "serve", REFUSE, "rules[0]", PROOF),
    (Identity.NONE, "serve", REFUSE, "rules[0]", PROOF),
    (Identity.UNVERIFIABLE, "serve", SERVE, "rules[0]", ""),
    (Identity.UNVERIFIABLE, "refuse", REFUSE, "unverifiable", PROOF),
    (Identity.UNVERIFIABLE, "license", LICENSE, "unverifiable", ""),
]


@pytest.mark.parametrize(("identity", "unverifiable", "verdict", "key", "problem"), FREE)
def test_free_for_whom(make, read, identity, unverifiable, verdict, key, problem):
    policy = read(f'unverifiable = "{unverifiable}"\n{WORKS}\nrules = [{{then = "serve"}}]')
    ruling = judge(policy, make.seen(make.GOOGLEBOT, identity), make.ask("/essays/one"))
    assert (ruling.verdict, ruling.rule, ruling.problem) == (verdict, key, problem)
    assert [offer.id for offer in ruling.offers] == (["training", "answers"] if verdict is LICENSE else [])


def test_where_nothing_can_be_sold_an_unverifiable_claim_is_refused(make, read):
    policy = read(f'unverifiable = "license"\n{WORKS}\nrules = [{{then = "serve"}}]')
    for path in ("/elsewhere", "/essays/forum/x", ""):
        ruling = judge(policy, make.seen(make.GOOGLEBOT, Identity.UNVERIFIABLE), make.ask(path))
        assert (ruling.verdict, ruling.problem) == (REFUSE, PROOF)


def test_who_cannot_be_checked_is_taken_by_the_word_but_never_against_the_evidence(make, read):
    policy = read('rules = [{then = "serve"}]')
    assert judge(policy, make.seen(make.DEVIN, Identity.CLAIMED), make.ask("/")).verdict is SERVE
    assert judge(policy, make.seen(make.DEVIN, Identity.SPOOFED), make.ask("/")).problem == PROOF


SELLING = (
    f'otherwise = "refuse"\n{WORKS}\nrules = [{{then = {{license = ["training", "answers", "scans"]}}}}]'
)
SOLD = [
    ("/essays/one", LICENSE, ["training", "answers"], "essays", "page"),
    ("/essays", LICENSE, ["training", "answers"], "essays", "page"),
    ("/essays/one.pdf", LICENSE, ["scans"], "essays", "scan"),
    ("/essays/forum/one", REFUSE, [], "forum", "page"),
    ("/videos/one", REFUSE, [], "videos", "page"),
    ("/essays-archive", REFUSE, [], "", ""),
]


@pytest.mark.parametrize(("path", "verdict", "offers", "work", "rendition"), SOLD)
def test_what_is_sold_where(make, read, path, verdict, offers, work, rendition):
    ruling = judge(read(SELLING), make.seen(make.GPTBOT), make.ask(path))
    assert (ruling.verdict, [offer.id for offer in ruling.offers]) == (verdict, offers)
    assert (ruling.work, ruling.rendition) == (work, rendition)
    assert ruling.problem == (OWNER if verdict is REFUSE else "")
    assert ("not for sale" in ruling.why) == (verdict is REFUSE and work != "")


@pytest.mark.parametrize(("otherwise", "verdict"), [("serve", SERVE), ("refuse", REFUSE)])
def test_otherwise(make, read, otherwise, verdict):
    policy = read(SELLING.replace('otherwise = "refuse"', f'otherwise = "{otherwise}"'))
    ruling = judge(policy, make.seen(make.GPTBOT), make.ask("/elsewhere"))
    assert (ruling.verdict, ruling.rule) == (verdict, "otherwise")
    assert judge(policy, make.seen(make.GPTBOT, Identity.SPOOFED), make.ask("/elsewhere")).verdict is REFUSE


def test_otherwise_unsaid_means_no(make, read):
    policy = replace(read(SELLING), otherwise=None)
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/elsewhere")).verdict is REFUSE


def test_free_paths_come_before_every_rule_and_every_proof(make, read):
    policy = read('free_paths = "/press/"\nrules = [{then = "refuse"}]')
    ruling = judge(policy, make.seen(make.GPTBOT, Identity.SPOOFED), make.ask("/press/kit"))
    assert (ruling.verdict, ruling.rule) == (SERVE, "free")
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/pressed")).verdict is REFUSE
    assert judge(policy, make.seen(make.GPTBOT), make.ask("")).verdict is REFUSE


DEFAULT = [
    ("PERSON", SERVE), ("GOOGLEBOT", SERVE), ("FEEDLY", SERVE),
    ("GPTBOT", REFUSE), ("BOTH", REFUSE), ("DEVIN", REFUSE), ("UNKNOWN", REFUSE),
]  # fmt: skip


@pytest.mark.parametrize(("who", "verdict"), DEFAULT)
def test_a_use_nobody_set_means_no(make, read, who, verdict):
    policy = read('rules = [{when = {crawler = "nobody"}, then = "serve"}]')
    who = getattr(make, who)
    ruling = judge(policy, who if isinstance(who, Visitor) else make.seen(who), make.ask("/"))
    assert (ruling.verdict, ruling.rule) == (verdict, "default")


PEOPLE = [
    ('rules = [{when = {class = "unproven"}, then = "refuse"}]', "/essays/x", SERVE, "default"),
    ('rules = [{when = {proof = "none", path = "/essays/"}, then = "refuse"}]', "/essays/x", SERVE, "default"),
    ('rules = [{when = {path = "/essays/"}, then = "refuse"}]', "/essays/x", REFUSE, "rules[0]"),
    ('rules = [{when = {path = "/essays/"}, then = "refuse"}]', "", SERVE, "default"),
    ('rules = [{then = "refuse"}]', "", REFUSE, "rules[0]"),
    ('rules = [{when = {class = "unproven"}, then = "serve"}, {then = "refuse"}]', "/", SERVE, "rules[0]"),
    ('rules = [{then = {license = "training"}}]', "/essays/x", SERVE, "rules[0]"),
    ('rules = [{then = {license = "training"}}]', "", SERVE, "rules[0]"),
    ('rules = [{when = {class = "unproven"}, then = {license = "training"}}, {then = "serve"}]', "/", SERVE, "rules[1]"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "path", "verdict", "key"), PEOPLE)
def test_people(make, read, rules, path, verdict, key):
    ruling = judge(read(f'otherwise = "refuse"\n{WORKS}\n{rules}'), PERSON, make.ask(path))
    assert (ruling.verdict, ruling.rule) == (verdict, key)


HIDDEN = [
    ('{then = "serve"}', SERVE, ""),
    ('{then = "refuse"}', REFUSE, OWNER),
    ('{then = {license = "training"}}', REFUSE, AMBIGUOUS),
    ('{when = {path = "/private/"}, then = "refuse"}, {then = "serve"}', REFUSE, AMBIGUOUS),
    ('{when = {work = "essays"}, then = {license = "training"}}, {then = "serve"}', REFUSE, AMBIGUOUS),
    ('{when = {path = "/open/"}, then = "serve"}, {then = "refuse"}', REFUSE, OWNER),
    ('{when = {path = "/private/", class = "service"}, then = "refuse"}, {then = "serve"}', SERVE, ""),
    ('{when = {path = "/open/"}, then = "serve"}', REFUSE, OWNER),
]


@pytest.mark.parametrize(("rules", "verdict", "problem"), HIDDEN)
def test_nobody_gets_past_a_rule_by_hiding_the_path(make, read, rules, verdict, problem):
    policy = read(f'otherwise = "serve"\n{WORKS}\nrules = [{rules}]')
    ruling = judge(policy, make.seen(make.GPTBOT), make.ask(""))
    assert (ruling.verdict, ruling.problem) == (verdict, problem)
    assert (ruling.work, ruling.rendition, ruling.offers) == ("", "", ())


WHYS = [
    ("{}", "rule 1 matches everyone"),
    ('{class = "ai"}', "rule 1 matches class ai"),
    ('{class = ["ai", "service"], path = "/essays/"}', "rule 1 matches class ai or service, path /essays/"),
    ('{country = "EU"}', "rule 1 matches country AT or AX or BE or BG or CY or 29 more"),
]


@pytest.mark.parametrize(("when", "why"), WHYS)
def test_why(make, read, when, why):
    policy = read(f'rules = [{{when = {when}, then = "refuse"}}]')
    assert judge(policy, make.seen(make.GPTBOT), make.ask("/essays/x", "DE")).why == why


@MORE
@given(st.data())
def test_first_match_wins_and_later_rules_change_nothing(make, data):
    policy, visitor = data.draw(make.policies()), data.draw(make.visitors())
    ask = make.ask(data.draw(st.sampled_from([*make.PATHS, ""])), data.draw(st.sampled_from(make.COUNTRIES)))
    ruling = judge(policy, visitor, ask)
    keys = [each.key for each in policy.rules]
    if ruling.rule in keys:
        kept = policy.rules[: keys.index(ruling.rule) + 1]
        assert judge(replace(policy, rules=kept), visitor, ask) == ruling
        before = judge(replace(policy, rules=kept[:-1]), visitor, ask)
        assert before.rule in {"default", "unverifiable"}


@MORE
@given(st.data())
def test_invariants_of_every_ruling(make, data):
    policy, visitor = data.draw(make.policies()), data.draw(make.visitors())
    path = data.draw(st.sampled_from([*make.PATHS, ""]))
    ruling = judge(policy, visitor, make.ask(path, data.draw(st.sampled_from(make.COUNTRIES))))
    assert ruling.policy == policy.digest
    assert bool(ruling.offers) == (ruling.verdict is LICENSE)
    assert bool(ruling.problem) == (ruling.verdict is REFUSE)
    if ruling.offers:
        work = next(work for work in policy.works if work.id == ruling.work)
        assert work.for_sale
        for offer in ruling.offers:
            assert work.id in offer.terms.scope.works
            assert offer.terms.scope.covers(path)
            assert ruling.rendition in offer.terms.scope.renditions
    if visitor.is_person:
        assert ruling.verdict is not LICENSE
        refusing = [each for each in policy.rules if each.key == ruling.rule]
        assert ruling.verdict is SERVE or not names_visitors(refusing[0].when)
    elif ruling.verdict is SERVE and ruling.rule != "free":
        assert visitor.identity is not Identity.SPOOFED
        if visitor.crawler and visitor.crawler.verifiable and visitor.identity is not Identity.VERIFIED:
            assert (visitor.identity, policy.unverifiable) == (Identity.UNVERIFIABLE, SERVE)


@MORE
@given(st.data())
def test_more_proof_never_costs_more_where_no_rule_looks_at_proof(make, data):
    policy, crawler = data.draw(make.policies()), data.draw(make.crawlers())
    rules = tuple(replace(each, when=replace(each.when, proofs=frozenset())) for each in policy.rules)
    policy = replace(policy, rules=rules)
    ask = make.ask(data.draw(st.sampled_from([*make.PATHS, ""])))
    verified = judge(policy, make.seen(crawler, Identity.VERIFIED), ask)
    for identity in Identity:
        ruling = judge(policy, make.seen(crawler, identity), ask)
        assert ruling.verdict is not SERVE or verified.verdict is SERVE


def test_a_service_without_uses_matches_no_use(make, read):
    policy = read('rules = [{when = {use = ["search", "ai-input"]}, then = "refuse"}]')
    visitor = Visitor(VisitorClass.SERVICE, make.FEEDLY, Identity.CLAIMED)
    assert judge(policy, visitor, make.ask("/")).verdict is SERVE


def test_the_honeypot_goes_to_the_site_whoever_asks(make, read):
    policy = read(
        '[site]\nhosts = ["a.example"]\norigin = "http://127.0.0.1:8000"\nhoneypot = "/k7w2m9qd4tzx"\n[[rules]]\nthen = "refuse"\n'
    )
    for visitor in (PERSON, make.UNKNOWN, make.seen(make.GPTBOT)):
        asked = make.ask("/k7w2m9qd4tzx")
        assert rule(policy, visitor, asked, visitor.uses).rule == "honeypot"
        assert rule(policy, visitor, asked, visitor.uses).verdict is Verdict.SERVE
        assert rule(policy, visitor, make.ask("/k7w2m9qd4tzx/deeper"), visitor.uses).rule == "rules[0]"
