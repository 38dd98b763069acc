"""What documents license for one URL, and that every careful reader takes ours alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.terms.robots_pattern import matches
from gateway.terms.rsl import NAMESPACE, RslDocument, RslError, parse_rsl, render_rsl
from gateway.terms.rsl_evaluation import Reading, evaluate
from gateway.terms.rsl_license import WORDED
from gateway.uses import Use

SEARCH, INPUT, INDEX, TRAIN = Use.SEARCH, Use.AI_INPUT, Use.AI_INDEX, Use.AI_TRAIN
ASKED = (
    "/", "/x", "/a.html", "/a.html?page=2", "/essays", "/essays/", "/essays/1", "/essays-old", "/essays?x=1",
    "/essays/long", "/essays/long/1", "/videos/1.mp4", "/videos/1.vtt", "/videos/1.vtt?x=1",
)  # fmt: skip


def document(*contents):
    found = parse_rsl(f'<rsl xmlns="{NAMESPACE}">{"".join(contents)}</rsl>'.encode())
    assert isinstance(found, RslDocument)
    return found


def content(url, *licenses, server=""):
    served = f' server="{server}"' if server else ""
    return (
        f'<content url="{url}"{served}>{"".join(f"<license>{each}</license>" for each in licenses)}</content>'
    )


def usage(words, rest='<payment type="free"/>'):
    return f'<permits type="usage">{words}</permits>{rest}'


def bar(words):
    return f'<prohibits type="usage">{words}</prohibits>'


CRAWL = '<payment type="crawl"><amount currency="USD">{}</amount></payment>'


def test_a_wider_permission_fills_what_a_narrower_scope_is_silent_about():
    here = document(content("/", usage("all")), content("/essays/", bar("ai-train")))
    for reading in Reading:
        assert evaluate([here], "/essays/1", SEARCH, reading=reading).is_free
        assert not evaluate([here], "/essays/1", TRAIN, reading=reading).licenses
        assert evaluate([here], "/x", TRAIN, reading=reading).is_free


def test_a_wide_prohibition_and_a_narrow_permission_are_read_in_two_ways():
    here = document(content("/", usage("search") + bar("ai-train")), content("/open/", usage("ai-train")))
    assert evaluate([here], "/open/1", TRAIN).why == "it is prohibited"
    assert evaluate([here], "/open/1", TRAIN, reading=Reading.LIBERAL).is_free


def test_the_narrower_price_holds_and_of_equals_the_dearer():
    here = document(
        content("/", usage("ai-input")), content("/essays/", usage("ai-input", CRAWL.format("0.01")))
    )
    assert not evaluate([here], "/essays/1", INPUT).is_free
    equal = [
        document(content("/essays/", usage("ai-input", CRAWL.format(price))))
        for price in ("0.01", "0.03", "0.02")
    ]
    (license,) = evaluate(equal, "/essays/1", INPUT).licenses
    assert license.amount.amount == "0.03"
    free = document(content("/essays/", usage("ai-input"), usage("ai-input", CRAWL.format("1"))))
    assert evaluate([free], "/essays/1", INPUT).is_free, (
        "alternatives of one scope are the licensee's to choose"
    )


def test_a_server_of_any_covering_scope_must_give_a_token():
    here = document(
        content("/", usage("search"), server="https://s.example/olp"), content("/a/", usage("search"))
    )
    assert evaluate([here], "/a/1", SEARCH).servers == ("https://s.example/olp",)
    assert evaluate([here], "/a/1", SEARCH, reading=Reading.LIBERAL).servers == ()


@pytest.mark.parametrize(
    ("conditions", "asked", "licensed"),
    [
        ('<permits type="geo">EU</permits>', {"country": "DE"}, True),
        ('<permits type="geo">EU</permits>', {"country": "US"}, False),
        ('<permits type="geo">EU</permits>', {}, False),
        ('<prohibits type="geo">CN</prohibits>', {"country": "CN"}, False),
        ('<prohibits type="geo">CN</prohibits>', {"country": "DE"}, True),
        ('<prohibits type="geo">CN</prohibits>', {}, False),
        ('<permits type="user">education</permits>', {"user": "education"}, True),
        ('<permits type="user">education</permits>', {"user": "commercial"}, False),
        ('<permits type="user">education</permits>', {}, False),
        ('<prohibits type="user">commercial</prohibits>', {"user": "personal"}, True),
        ('<reporting type="audit" profile="urn:p"/>', {}, False),
        ('<reporting type="audit" profile="urn:p"/>', {"profiles": frozenset({"urn:p"})}, True),
    ],
)  # fmt: skip
def test_a_license_is_for_those_it_is_for(conditions, asked, licensed):
    here = document(content("/", usage("search") + conditions))
    assert bool(evaluate([here], "/", SEARCH, **asked).licenses) is licensed


def test_what_cannot_be_read_is_unlicensed():
    good = document(content("/", usage("all")))
    assert evaluate([], "/", SEARCH).why and evaluate([good, RslError("gone")], "/", SEARCH).licenses == ()
    assert evaluate([good], "/", Use.TDM).licenses == ()


def longest(pattern):
    return len(pattern), 0


def literal(pattern):
    return len(pattern.removesuffix("$").replace("*", "")), pattern.endswith("$")


def read(document, path, use, weigh, accumulate):
    """Another reader: '' for not licensed, 'free' or 'sold'. How narrow a scope is and what bars are its own choice."""
    covering = [each for each in document.contents if matches(each.pattern, path)]

    def bars(each):
        return any({use.value, "all"} & license.prohibited for license in each.licenses)

    def licenses(each):
        return [license for license in each.licenses if use in license.uses]

    said = [each for each in covering if bars(each) or licenses(each)]
    if not said:
        return ""
    top = max(weigh(each.pattern) for each in said)
    best = [each for each in said if weigh(each.pattern) == top]
    if any(map(bars, covering if accumulate else best)):
        return ""
    free = [any(license.payment in {"free", "attribution"} for license in licenses(each)) for each in best]
    return "free" if all(free) else "sold" if not any(free) else "both"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_readers_that_choose_differently_take_our_documents_alike(make, data):
    found = parse_rsl(render_rsl(data.draw(make.terms())))
    for path in ASKED:
        for use in WORDED:
            readings = {
                read(found, path, use, weigh, accumulate)
                for weigh in (longest, literal)
                for accumulate in (True, False)
            }
            assert len(readings) == 1 and readings != {"both"}, (path, use)
            ours = {
                bool(evaluate([found], path, use, reading=each, country="DE").licenses) for each in Reading
            }
            assert len(ours) == 1, (path, use)
