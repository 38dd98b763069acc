"""Policies, crawlers and asks for the tests of this folder, made by hand and by hypothesis."""

from types import SimpleNamespace

import pytest
import tomlkit
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.policy.reading import read_policy_text
from gateway.uses import AI_USES, Use
from gateway.visitors.visitor import PERSON, Crawler, Identity, Visitor, VisitorClass

HEAD = """
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
"""

GPTBOT = Crawler(
    "GPTBot", "OpenAI", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI, verifiable=True
)
GOOGLEBOT = Crawler(
    "Googlebot", "Google", ("search",), frozenset({Use.SEARCH}), VisitorClass.SEARCH_ENGINE, verifiable=True
)
CHATGPT_USER = Crawler(
    "ChatGPT-User", "OpenAI", ("user-action",), frozenset({Use.AI_INPUT}), VisitorClass.AI, verifiable=True
)
DEVIN = Crawler("Devin", "Cognition", ("agent",), frozenset({Use.AI_INPUT}), VisitorClass.AI)
BYTESPIDER = Crawler("Bytespider", "ByteDance", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI)
BOTH = Crawler(
    "Applebot",
    "Apple",
    ("search", "training"),
    frozenset({Use.SEARCH, Use.AI_TRAIN}),
    VisitorClass.AI,
    verifiable=True,
)
FEEDLY = Crawler("Feedly", "Feedly", ("feed",), frozenset(), VisitorClass.SERVICE)
UNKNOWN = Visitor(VisitorClass.AUTOMATION)
ROBOT = Visitor(VisitorClass.AUTOMATION, identity=Identity.CLAIMED)
ALOUD = Crawler("Reader", "Ears", ("accessibility",), frozenset(), VisitorClass.SERVICE)

PURPOSES = {
    Use.SEARCH: ("search",),
    Use.AI_INPUT: ("user-action", "agent"),
    Use.AI_INDEX: ("ai-search",),
    Use.AI_TRAIN: ("training", "data-seller"),
    Use.FINE_TUNE: ("training",),
    Use.TDM: ("data-seller",),
}
SCOPES = ("/", "/a/", "/a/b/", "/a/*.pdf", "/c/", "/*.pdf", "/a/b*", "/c/d", "/a/*.jpg")
PATHS = (
    "/", "/a", "/a/x", "/a/b", "/a/b/x", "/a/x.pdf", "/a/b/x.pdf", "/a/x.jpg", "/a/b.jpg",
    "/c", "/c/d/e", "/c/d.pdf", "/z.pdf", "/z", "/a/bz",
)  # fmt: skip
COUNTRIES = ("", "DE", "US", "NO")
NAMES = ("GPTBot", "Googlebot", "FooBot", "BarBot")
OPERATORS = ("OpenAI", "Google", "Foo", "Bar")


def seen(crawler, identity=None):
    """*crawler* as it comes: verified where it can be, else only claimed."""
    if identity is None:
        identity = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    return Visitor(crawler.visitor_class, crawler, identity)


def ask(path, country=""):
    """One GET of canonical *path*; "" is ambiguous."""
    return Ask("id", 0, "journal", "https://journal.example", "GET", path or "/a/../b", path, country=country)


def few(options, least=1):
    return st.lists(st.sampled_from(options), min_size=least, max_size=2, unique=True)


def _stem(path):
    return path.rstrip("/")


@st.composite
def works(draw):
    paths = draw(st.lists(st.sampled_from(SCOPES), min_size=1, max_size=5, unique_by=_stem))
    made = []
    for at, path in enumerate(paths):
        work = {
            "id": f"w{at}",
            "paths": [path],
            "rights": draw(st.sampled_from(["own", "own", "cleared", "unsure"])),
            "people": draw(st.sampled_from(["none", "none", "consented", "unsure"])),
        }
        if path in {"/", "/a/"} and draw(st.booleans()):
            work["renditions"] = {"scan": [draw(st.sampled_from(["/a/*.pdf", "/a/*.jpg", "/a/b/"]))]}
        made.append(work)
    return made


@st.composite
def offers(draw, made):
    sold = [work for work in made if work["rights"] != "unsure" and work["people"] != "unsure"]
    if not sold:
        return {}
    found = {}
    for name in draw(st.lists(st.sampled_from(["one", "two", "three"]), max_size=3, unique=True)):
        offer = {"uses": draw(few([str(use) for use in Use])), "price": {"per_fetch": "0.01"}}
        chosen = sold
        if draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(sold), min_size=1, unique_by=lambda work: work["id"]))
            offer["works"] = [work["id"] for work in chosen]
        if any("renditions" in work for work in chosen) and draw(st.booleans()):
            offer["renditions"] = ["page", "scan"]
        if draw(st.booleans()):
            offer["territory"] = draw(few(["EU", "US", "NO"]))
        found[name] = offer
    return found


@st.composite
def rules(draw, made, on_offer):
    when = {}
    for key, options in {
        "crawler": NAMES,
        "operator": OPERATORS,
        "purpose": ["search", "training", "user-action", "agent", "ai-search", "data-seller", "feed"],
        "class": [str(word) for word in VisitorClass],
        "proof": [str(word) for word in Identity],
        "use": [str(use) for use in Use],
        "work": [work["id"] for work in made],
        "path": SCOPES,
        "country": ["DE", "EU", "US", "NO"],
    }.items():
        if draw(st.integers(0, 4)) == 0:
            when[key] = draw(few(options))
    then = draw(st.sampled_from(["serve", "refuse", "license", "license"]))
    if then == "license":
        then = {"license": draw(few(sorted(on_offer)))} if on_offer else "refuse"
    return {"when": when, "then": then}


@st.composite
def raw_policies(draw):
    """A policy file as plain tables; always valid."""
    made = draw(works())
    on_offer = draw(offers(made))
    return {
        "otherwise": draw(st.sampled_from(["serve", "refuse"])),
        "unverifiable": draw(st.sampled_from(["serve", "refuse", "license"])),
        "free_paths": draw(st.sampled_from([[], ["/c/d"], ["/a/b/"]])) or ["/never/"],
        "site": {"id": "journal", "hosts": ["journal.example"], "origin": "http://127.0.0.1:8000"},
        "works": made,
        "offers": on_offer,
        "rules": draw(st.lists(rules(made, on_offer), min_size=1, max_size=6)),
    }


def policies():
    return raw_policies().map(lambda raw: read_policy_text(tomlkit.dumps(raw), "journal.toml"))


@st.composite
def crawlers(draw, names=st.sampled_from(NAMES)):
    """A crawler whose uses, purposes and class agree, as in the catalog."""
    uses = frozenset(draw(st.lists(st.sampled_from(list(Use)), max_size=3, unique=True)))
    purposes = [word for use in sorted(uses) for word in draw(few(PURPOSES[use]))]
    if uses & (AI_USES | {Use.FINE_TUNE}):
        visitor_class = VisitorClass.AI
    elif uses == {Use.SEARCH}:
        visitor_class = VisitorClass.SEARCH_ENGINE
    elif uses:
        visitor_class = draw(
            st.sampled_from([VisitorClass.AI, VisitorClass.SEARCH_ENGINE, VisitorClass.SERVICE])
        )
    else:
        visitor_class, purposes = VisitorClass.SERVICE, ["feed"]
    return Crawler(
        draw(names),
        draw(st.sampled_from(OPERATORS)),
        tuple(dict.fromkeys(purposes)),
        uses,
        visitor_class,
        draw(st.booleans()),
    )


@st.composite
def visitors(draw):
    """Anybody: a person, an unknown program, or a crawler with any proof."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return PERSON
    if kind == 1:
        return UNKNOWN
    return seen(draw(crawlers()), draw(st.sampled_from(list(Identity))))


class _Make(SimpleNamespace):
    def __repr__(self):
        return "make"


@pytest.fixture(scope="session")
def make():
    """Everything above, by name."""
    return _Make(**{name: value for name, value in globals().items() if not name.startswith("_")})


@pytest.fixture
def read():
    """Read a policy from TOML, with the usual ``[site]`` put in where *text* has none."""

    def reading(text, **overrides):
        whole = text if "[site]" in text or not text else text + HEAD
        return read_policy_text(whole, "journal.toml", **overrides)

    return reading
