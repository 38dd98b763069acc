"""Content elements, the shapes we never write, and that no change to a document makes it grant more."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.terms.publishing import Publishing
from gateway.terms.robots_pattern import matches
from gateway.terms.rsl import NAMESPACE, RslDocument, parse_rsl, render_rsl
from gateway.terms.rsl_evaluation import Reading, evaluate
from gateway.terms.rsl_license import WORDED
from gateway.terms.rsl_words import PAYMENTS
from gateway.terms.rsl_xml import Severity

RSL = f"{{{NAMESPACE}}}"

# Shapes that careful readers disagree on: each says whether a document has it.


def tokens(license, verb, axis="usage"):
    found = [each for each in license.findall(RSL + verb) if each.get("type") == axis]
    return {token for each in found for token in (each.text or "").split()}


def licenses(root):
    return [(content, license) for content in root for license in content.findall(RSL + "license")]


def a_wide_prohibition_and_a_narrow_permission(root):
    barred = [(content.get("url"), tokens(license, "prohibits")) for content, license in licenses(root)]
    for content, license in licenses(root):
        inside = content.get("url").removesuffix("$").replace("*", "")
        for wide, words in barred:
            covers = wide != content.get("url") and matches(wide, inside)
            if covers and (
                tokens(license, "permits") & words or ("all" in words and tokens(license, "permits"))
            ):
                return True
    return False


def silence_about_usage(root):
    return any(
        not tokens(license, "permits") and tokens(license, "prohibits") != {"all"}
        for _, license in licenses(root)
    )


def a_prefix_that_ends_within_a_segment(root):
    return any(
        not url.endswith(("/", "$", "*")) or (url.endswith("*") and not url.rstrip("*").endswith(("/", "?")))
        for url in (content.get("url") for content in root)
    )


def an_address_for_a_path(root):
    return any(not content.get("url", "").startswith("/") for content in root)


def one_url_for_two_contents(root):
    urls = [content.get("url") for content in root]
    return len(set(urls)) < len(urls)


def a_server_before_what_is_free(root):
    return any(
        content.get("server") and license.find(RSL + "payment").get("type") == "free"
        and license.find("{*}offer") is None
        for content, license in licenses(root)
        if license.find(RSL + "payment") is not None
    )  # fmt: skip


def a_subscription_with_an_amount(root):
    return any(
        each.get("type") == "subscription" and each.find(RSL + "amount") is not None
        for each in root.iter(RSL + "payment")
    )


def a_payment_without_a_type_or_with_an_open_one(root):
    return any(each.get("type") not in PAYMENTS for each in root.iter(RSL + "payment"))


def a_grant_without_a_payment(root):
    return any(
        tokens(license, "permits") and len(license.findall(RSL + "payment")) != 1
        for _, license in licenses(root)
    )


def two_elements_of_one_kind(root):
    return any(
        len({(each.tag, each.get("type")) for each in found}) < len(found)
        for _, license in licenses(root)
        for found in [[*license.findall(RSL + "permits"), *license.findall(RSL + "prohibits"), *license.findall(RSL + "legal")]]
    )  # fmt: skip


def a_token_permitted_and_prohibited_at_once(root):
    return any(tokens(license, "permits") & tokens(license, "prohibits") for _, license in licenses(root))


def a_class_of_users(root):
    return any(each.get("type") == "user" for each in root.iter(RSL + "permits", RSL + "prohibits"))


def a_prohibition_of_places(root):
    return any(each.get("type") == "geo" for each in root.iter(RSL + "prohibits"))


def a_report_that_nobody_asked_for(root):
    return next(root.iter(RSL + "reporting"), None) is not None


def what_is_free_for_sale_beside_it(root):
    free, sold = {}, {}
    for content, license in licenses(root):
        for token in tokens(license, "permits"):
            kept = free if license.find("{*}offer") is None else sold
            kept.setdefault(content.get("url").removesuffix("$").rstrip("*"), set()).add(token)
    return any(free[url] & sold[url] for url in free.keys() & sold.keys())


def an_attribute_or_element_of_our_own(root):
    known = {
        "url",
        "server",
        "lastmod",
        "type",
        "currency",
        "max-age",
        "contactEmail",
        "contactUrl",
        "profile",
    }
    return any(
        each.tag.startswith(RSL) and set(each.attrib) - known
        for each in root.iter()
        if isinstance(each.tag, str)
    )


def a_comma_or_a_word_of_the_draft(root):
    text = " ".join(each.text or "" for each in root.iter(RSL + "permits", RSL + "prohibits"))
    return bool(re.search(r",|train-ai|tdm|fine-tune", text)) or b"XBT" in etree.tostring(root)


def terms_inside_a_license(root):
    return any(
        license.find(RSL + name) is not None
        for _, license in licenses(root)
        for name in ("terms", "copyright")
    )


def a_prefix_on_a_document_of_its_own(root):
    return any(each.prefix is not None for each in root.iter(RSL + "*"))


SHAPES = [
    a_wide_prohibition_and_a_narrow_permission, silence_about_usage, a_prefix_that_ends_within_a_segment,
    an_address_for_a_path, one_url_for_two_contents, a_server_before_what_is_free, a_subscription_with_an_amount,
    a_payment_without_a_type_or_with_an_open_one, a_grant_without_a_payment, two_elements_of_one_kind,
    a_token_permitted_and_prohibited_at_once, a_class_of_users, a_prohibition_of_places, a_report_that_nobody_asked_for,
    what_is_free_for_sale_beside_it, an_attribute_or_element_of_our_own, a_comma_or_a_word_of_the_draft,
    terms_inside_a_license, a_prefix_on_a_document_of_its_own,
]  # fmt: skip


def one(url, *bodies, attributes=""):
    return f'<content url="{url}" {attributes}>{"".join(f"<license>{body}</license>" for body in bodies)}</content>'


def permits(words="search", rest='<payment type="free"/>'):
    return f'<permits type="usage">{words}</permits>{rest}'


HAVING = {
    "a_wide_prohibition_and_a_narrow_permission": one("/", '<prohibits type="usage">ai-train</prohibits>') + one("/a/", permits("ai-train")),
    "silence_about_usage": one("/", '<prohibits type="usage">ai-train</prohibits>'),
    "a_prefix_that_ends_within_a_segment": one("/essays", permits()),
    "an_address_for_a_path": one("https://a.example/", permits()),
    "one_url_for_two_contents": one("/", permits()) + one("/", permits()),
    "a_server_before_what_is_free": one("/", permits(), attributes='server="https://a.example/"'),
    "a_subscription_with_an_amount": one("/", permits(rest='<payment type="subscription"><amount currency="USD">1</amount></payment>')),
    "a_payment_without_a_type_or_with_an_open_one": one("/", permits(rest="<payment/>")),
    "a_grant_without_a_payment": one("/", permits(rest="")),
    "two_elements_of_one_kind": one("/", permits() + '<permits type="usage">ai-input</permits>'),
    "a_token_permitted_and_prohibited_at_once": one("/", permits() + '<prohibits type="usage">search</prohibits>'),
    "a_class_of_users": one("/", permits() + '<permits type="user">commercial</permits>'),
    "a_prohibition_of_places": one("/", permits() + '<prohibits type="geo">DE</prohibits>'),
    "a_report_that_nobody_asked_for": one("/", permits() + '<reporting type="audit" profile="urn:x:1"/>'),
    "what_is_free_for_sale_beside_it": one("/", permits()) + one("/*", permits() + '<o:offer xmlns:o="urn:x:1"/>'),
    "an_attribute_or_element_of_our_own": one("/", permits(), attributes='urn="x"'),
    "a_comma_or_a_word_of_the_draft": one("/", permits("search, ai-input")),
    "terms_inside_a_license": one("/", permits() + "<terms>https://a.example/</terms>"),
    "a_prefix_on_a_document_of_its_own": f'<r:content xmlns:r="{NAMESPACE}" url="/"/>',
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_each_shape_is_known_when_it_is_seen(shape):
    assert shape(etree.fromstring(f'<rsl xmlns="{NAMESPACE}">{HAVING[shape.__name__]}</rsl>'))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_shape_that_careful_readers_disagree_on_is_ever_written(make, data):
    terms = data.draw(make.terms())
    chosen = Publishing(attest=data.draw(st.booleans()), disclaimers=("as-is",), proofs=("urn:x:1",))
    octets = render_rsl(replace(terms, publishing=chosen, x402=data.draw(st.booleans())))
    root = etree.fromstring(octets)
    assert [shape.__name__ for shape in SHAPES if shape(root)] == []
    assert parse_rsl(octets).breaches == ()


# No change to a document makes it grant more.

WHOLE = f"""<?xml version="1.0"?>
<rsl xmlns="{NAMESPACE}" xmlns:x="urn:x:1" max-age="7">
  <content url="/" server="https://a.example/olp">
    <license>
      <permits type="usage">search ai-input</permits>
      <prohibits type="usage">ai-train</prohibits>
      <permits type="user">education personal</permits>
      <prohibits type="user">government</prohibits>
      <permits type="geo">DE FR</permits>
      <payment type="crawl"><amount currency="USD">0.25</amount><custom>/buy</custom></payment>
      <reporting type="audit" profile="urn:p:1"/>
      <legal type="warranty">ownership</legal>
    </license>
    <copyright type="organization" contactEmail="a@b.example">B</copyright>
  </content>
  <content url="/open/">
    <license><permits type="usage">all</permits><prohibits type="geo">CN</prohibits><payment type="free"/></license>
    <x:note url="/">x</x:note>
  </content>
  <content url="/open/paid/"><license><permits type="usage">ai-input search</permits><payment type="use"><amount currency="USD">9</amount></payment></license></content>
  <content url="/open/shut/"><license><prohibits type="usage">ai-all</prohibits></license></content>
</rsl>"""
PATHS = ("/", "/a", "/open/", "/open/1", "/open/shut/1", "/open/paid/1", "/x/open/1")
#: Dearer than whatever is told.
UNTOLD = 1 << 60
PEOPLE = tuple(itertools.product(("", "education", "government"), ("", "DE", "CN", "US")))


def grants(document):
    """Everything anybody may do, in both readings, with the micros it costs."""
    found = set()
    if not isinstance(document, RslDocument):
        return found
    for path, use, (user, country), reading in itertools.product(PATHS, WORDED, PEOPLE, Reading):
        for profiles in (frozenset(), frozenset({"urn:p:1"})):
            said = evaluate(
                [document], path, use, user=user, country=country, profiles=profiles, reading=reading
            )
            for each in said.licenses:
                free = each.payment in {"free", "attribution"}
                price = 0 if free else each.amount.micros if each.amount else UNTOLD
                found.add((path, use, user, country, reading, profiles, bool(said.servers), price))
    return found


def mutated(draw):
    """*WHOLE* with one or two things misspelled, misplaced, doubled or broken: never with something well-formed taken away."""
    text = WHOLE
    kind = draw(st.sampled_from(["octet", "element", "attribute", "word", "double", "unprefixed"]))
    if kind == "octet":
        at = draw(st.integers(0, len(text) - 1))
        new = draw(st.sampled_from(["", "x", " ", "<", '"', "/", "&amp;", "*", "$", "Z", ","]))
        return text[:at] + new + text[at + draw(st.integers(0, 1)) :]
    root = etree.fromstring(text.encode())
    every = [each for each in root.iter(RSL + "*") if each is not root]
    if kind == "attribute":
        every = [each for each in every if each.attrib]
    if kind == "word":
        every = [each for each in every if (each.text or "").strip()]
    chosen = draw(st.sampled_from(every))
    if kind == "element":
        chosen.tag = RSL + draw(
            st.sampled_from(["contents", "licence", "permit", "prohibit", "rule", "Payment"])
        )
    elif kind == "unprefixed":
        chosen.tag = etree.QName(chosen).localname
    elif kind == "attribute":
        name = draw(st.sampled_from(sorted(chosen.attrib)))
        chosen.attrib[draw(st.sampled_from([f"{name}s", name.upper(), f"my-{name}"]))] = chosen.attrib.pop(
            name
        )
    elif kind == "word":
        chosen.text = draw(
            st.sampled_from(
                [(chosen.text or "").upper() + "x", f"{chosen.text} nonsense", f"{(chosen.text or '')[1:]}"]
            )
        )
    else:
        chosen.getparent().insert(0, etree.fromstring(etree.tostring(chosen)))
    return etree.tostring(root).decode()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_reading_leniently_never_grants_more(data):
    """A changed document grants what it strictly says; where it breaches the specification, no more than before."""
    found = parse_rsl(mutated(data.draw).encode())
    strict = isinstance(found, RslDocument) and not found.deviations
    if strict:
        return
    cheapest = {}
    for *what, price in grants(parse_rsl(WHOLE.encode())):
        cheapest[tuple(what)] = min(price, cheapest.get(tuple(what), UNTOLD))
    more = [each for each in grants(found) if each[-1] < cheapest.get(each[:-1], UNTOLD + 1)]
    assert more == []


def test_the_document_that_is_changed_grants_something_and_is_clean():
    document = parse_rsl(WHOLE.encode())
    assert [each for each in document.breaches if each.severity is Severity.ERROR] == []
    assert len(grants(document)) > 40


@pytest.mark.parametrize(
    ("body", "section"),
    [
        ("", "3.1"),
        ("<content url='/'/>", "3.3"),
        ("<content><license/></content>", "3.3"),
        ("<content url='essays/'><license/></content>", "3.3.1"),
        ("<content url='/' encrypted='yes'><license/></content>", "3.3"),
        ("<content url='/' encrypted='true'><license/></content>", "7.1"),
        ("<content url='/' lastmod='yesterday'><license/></content>", "3.3"),
        ("<content url='/' server='/olp'><license/></content>", "3.3"),
        ("<content url='/' urn='x'><license/></content>", "3"),
        ("<content url='/'><license/><copyright type='notice'>x</copyright></content>", "3.16"),
        ("<content url='/'><license/><terms>see below</terms></content>", "3.17"),
        ("<content url='/'><license/></content><license/>", "3"),
        ("<content url='/'><license/></content><meta>x</meta>", "3"),
        ("<content url='/a'><license/></content>", "3.3.1"),
    ],
)  # fmt: skip
def test_each_breach_of_a_content_is_told_with_its_section(body, section):
    document = parse_rsl(f'<rsl xmlns="{NAMESPACE}">{body}</rsl>'.encode())
    assert section in {each.section for each in document.breaches}
    assert not any(license.uses for content in document.contents for license in content.licenses)
