"""The insert in pages and feeds: any cut gives the same, the origin's octets stay, nothing goes where it must not."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.terms.publishing import Publishing
from gateway.terms.rsl import NAMESPACE, parse_rsl
from gateway.terms.rsl_embedding import (
    FEED_WITHIN,
    HEAD_WITHIN,
    FeedInsertion,
    PageInsertion,
    item_content,
    page_insert,
)
from gateway.uses import Use

MARK = b"<link rel=license href=mark>"
PIECES = [
    b"<!doctype html>", b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://x/y.dtd">', b"<html>", b"<HTML lang=de>",
    b'<html data-x="<head>">', b"<html a='>'>", b"<head>", b"<HEAD\n>", b'<head prefix="og: http://ogp.me/ns#">', b"<header>",
    b"<head/>", b"</head>", b"<!-- <head> -->", b"<!--><head>-->", b"<!-->", b"<!---->", b"<!-- x --!><head>", b"<!-- never closed <head>",
    b"<script>'<head>'</script>", b"<title><head></title>", b"<textarea><head></textarea>", b"<style><head></style>",
    b"<?xml version='1.0'?>", b"<body>", b"text", b" ", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"<", b"<he", b'<html "', b"<meta charset=utf-8>",
]  # fmt: skip
bodies = st.lists(st.sampled_from(PIECES), max_size=7).map(b"".join) | st.binary(max_size=60)


def through(insertion, body, cuts):
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(places)]
    return b"".join([insertion.take(each) for each in pieces] + [insertion.end()])


class Reader(HTMLParser):
    """Python's own reader of HTML, as a second opinion: what is open where the mark stands."""

    def __init__(self):
        super().__init__()
        self.tags, self.at_mark, self.comments = [], None, []

    def handle_starttag(self, tag, attrs):
        if ("href", "mark") in attrs:
            self.at_mark = list(self.tags)
        self.tags.append(tag)

    def handle_comment(self, data):
        self.comments.append(data)


@settings(max_examples=1500, deadline=None)
@given(bodies, st.lists(st.integers(0, 300), max_size=12))
def test_a_page_is_the_same_however_it_is_cut_and_keeps_its_octets(body, cuts):
    changed = through(PageInsertion(MARK), body, cuts)
    assert changed == through(PageInsertion(MARK), body, [])
    assert changed == through(PageInsertion(MARK), body, range(len(body)))
    at = changed.find(MARK)
    if at < 0:
        assert changed == body
        return
    before, after = changed[:at], changed[at + len(MARK) :]
    assert before + after == body and MARK not in after
    assert re.search(rb"<head[^<>]*>\Z", before, re.IGNORECASE)
    reader = Reader()
    reader.feed(changed.decode("latin-1"))
    assert reader.at_mark in (["head"], ["html", "head"], ["html", "html", "head"]) or (
        reader.at_mark and set(reader.at_mark) <= {"html", "head"}
    )
    assert not any("href=mark" in comment for comment in reader.comments)


@pytest.mark.parametrize(
    ("body", "put"),
    [
        (b"<html><head><title>x</title></head>", True),
        (b"<!doctype html>\n<!-- <head> -->\n<head lang='a>b'>", True),
        (b"<head>", True),
        (b"<!-- <head> --><html><body>", False),
        (b"<!-- x --!><head>", False),
        (b"<!--><head>", False),
        (b"<script>'<head>'</script><head>", False),
        (b"<title><head></title>", False),
        (b"<textarea><head></textarea>", False),
        (b"text <head>", False),
        (b"<body><head>", False),
        (b"<header>", False),
        (b"<head", False),
        (b"<html><head>".decode().encode("utf-16"), False),
        (b"", False),
    ],
)
def test_where_the_insert_goes(body, put):
    changed = through(PageInsertion(MARK), body, [])
    assert (MARK in changed) is put and changed.replace(MARK, b"") == body


def test_a_head_that_comes_late_is_left_alone_and_nothing_more_is_held():
    late = b"<!--" + b"x" * HEAD_WITHIN + b"--><head>"
    assert through(PageInsertion(MARK), late, range(0, len(late), 100)) == late
    insertion = PageInsertion(MARK)
    assert insertion.take(b"a") == b"a" and insertion.take(b"<head>") == b"<head>"
    insertion = PageInsertion(MARK)
    assert insertion.take(b"<!--" + b"x" * HEAD_WITHIN) != b"", "no more than that is ever held"


def site(make, **chosen):
    terms = make.published(
        make.scope("/essays/", {Use.SEARCH}, [make.offer(uses=[Use.AI_INPUT], per_fetch="0.004")]),
        make.scope("/paid/", offers=[make.offer(path="/paid/", per_fetch="1")]),
        make.scope("/shut/"),
        make.scope("/", {Use.SEARCH, Use.AI_TRAIN}),
        name='</script><head>"&\N{EURO SIGN}',
        contact="x@y",
    )
    return replace(terms, publishing=Publishing(**chosen), x402=True)


@pytest.mark.parametrize("path", ["/", "/essays/1", "/paid/1", "/shut/1"])
def test_the_script_says_of_its_page_what_the_document_says(make, path):
    terms = site(make, html_link=True, html_script=True)
    octets = page_insert(terms, path)
    assert octets.isascii() and octets.lower().count(b"</script") == 1 and b"<!--" not in octets
    link, _, script = octets.partition(b"<script ")
    assert link == (
        b'<link rel="license" type="application/rsl+xml" href="https://journal.example/license.xml">'
    )
    inline = parse_rsl(script.partition(b">")[2].removesuffix(b"</script>"), placed=f"{path}$")
    assert inline.breaches == () and len(inline.contents) == 1
    (content,) = inline.contents
    assert (content.url, content.pattern, content.server) == ("", f"{path}$", "")
    assert content.terms == "https://journal.example/.licet/terms/"
    said = {use for license in content.licenses for use in license.uses}
    scope = next(each for each in terms.scopes if each.paths[0].covers(path))
    assert said == scope.free | scope.for_sale
    assert page_insert(site(make, html_script=True), "") == b"", "a path with two readings is told nothing"


RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- <rss><item></item> -->
<rss version="2.0"><channel><title><![CDATA[</item>]]></title><link>https://journal.example/</link>
<item><title>a</title><link>https://journal.example/essays/1?a=1&amp;b=2</link></item>
<item><title>b</title><link>https://else.example/essays/1</link></item >
<item><description>&lt;/item&gt;</description><link> https://journal.example/shut/2 </link></item>
</channel></rss>
"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://journal.example/"/>
<entry><link rel="self" href="https://else.example/"/><link href="https://journal.example/paid/1"/></entry>
</feed>"""


def fed(terms, feed, cuts=()):
    return through(FeedInsertion(lambda link: item_content(terms, link)), feed, cuts)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([RSS, ATOM]), st.lists(st.integers(0, 900), max_size=9))
def test_a_feed_is_the_same_however_it_is_cut_and_keeps_its_octets(make, feed, cuts):
    terms = site(make, feeds=True)
    changed = fed(terms, feed, cuts)
    assert changed == fed(terms, feed) != feed
    root = etree.fromstring(changed)
    assert root.nsmap["rsl"] == NAMESPACE
    back = re.sub(rb"<rsl:content .*?</rsl:content>", b"", changed, flags=re.DOTALL)
    assert back.replace(f' xmlns:rsl="{NAMESPACE}"'.encode(), b"", 1) == feed


def test_items_of_the_feeds_own_origin_carry_their_license(make):
    terms = site(make, feeds=True)
    changed = fed(terms, RSS)
    document = parse_rsl(changed, origin="https://journal.example")
    assert document.breaches == ()
    assert [each.url for each in document.contents] == [
        "https://journal.example/essays/1?a=1&b=2",
        "https://journal.example/shut/2",
    ]
    assert [each.pattern for each in document.contents] == ["/essays/1?a=1&b=2$", "/shut/2$"]
    assert document.contents[0].licenses[0].uses == {Use.SEARCH} and document.contents[0].server == ""
    assert document.contents[1].licenses[0].prohibited == {"all"}
    items = etree.fromstring(changed).findall("channel/item")
    assert [each[-1].tag == f"{{{NAMESPACE}}}content" for each in items] == [True, False, True]
    (paid,) = parse_rsl(fed(terms, ATOM), origin="https://journal.example").contents
    assert paid.server == "https://journal.example/.licet"


@pytest.mark.parametrize(
    "feed",
    [
        b"", b"not xml", RSS[:-8], RSS.replace(b"UTF-8", b"ISO-8859-1"), RSS.decode().encode("utf-16"),
        b'<!DOCTYPE rss [<!ENTITY e "x">]>' + RSS.partition(b"?>")[2],
        RSS.replace(b"<channel>", b'<channel xmlns:rsl="https://rslstandard.org/rsl"><rsl:content url="/"/>'),
        RSS.replace(b'version="2.0"', b'version="2.0" xmlns:rsl="urn:else"'), b"<html><item><link>https://journal.example/</link></item></html>",
        RSS.replace(b"https://journal.example", b"https://else.example"), b"<rss><channel/></rss>",
        RSS.replace(b"<channel>", b"<channel>" + b" " * FEED_WITHIN), RSS.replace(b"<title>a", b"<item/><title>a"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_for_sure_passes_untouched(make, feed):
    terms = site(make, feeds=True)
    assert fed(terms, feed) == fed(terms, feed, range(0, len(feed), 7_919)) == feed


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_change_of_a_feed_raises_or_loses_an_octet(make, data):
    feed = data.draw(st.sampled_from([RSS, ATOM]))
    at = data.draw(st.integers(0, len(feed)))
    feed = (
        feed[:at]
        + data.draw(st.binary(max_size=4) | st.sampled_from([b"<item>", b"<!--", b"]]>"]))
        + feed[at:]
    )
    changed = fed(site(make, feeds=True), feed)
    back = re.sub(rb"<rsl:content .*?</rsl:content>", b"", changed, flags=re.DOTALL)
    assert changed == feed or back.replace(f' xmlns:rsl="{NAMESPACE}"'.encode(), b"", 1) == feed
