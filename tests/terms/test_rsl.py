from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway import bundled
from gateway.paths import PathScope
from gateway.policy.published import publish
from gateway.policy.reading import default_policy, read_policy, stances
from gateway.terms.publishing import Publishing
from gateway.terms.robots_pattern import matches
from gateway.terms.rsl import (
    NAMESPACE,
    OUR_NAMESPACE,
    RslDocument,
    RslError,
    content_patterns,
    license_of,
    offers_for,
    parse_rsl,
    render_rsl,
)
from gateway.uses import Use
from gateway.visitors.catalog import Catalog

SEARCH, INPUT, INDEX, TRAIN = Use.SEARCH, Use.AI_INPUT, Use.AI_INDEX, Use.AI_TRAIN
WORDED = {SEARCH, INPUT, INDEX, TRAIN}
ASKED = (
    "/", "/x", "/a.html", "/a.html?page=2", "/a.html/x", "/essays", "/essays/", "/essays/1", "/essays-old",
    "/essays?x=1", "/essays/long", "/essays/long/1", "/videos/1.mp4", "/videos/1.vtt", "/videos/1.vtt?x=1",
)  # fmt: skip


def weight(pattern):
    """How narrow a pattern is: its literal octets, anchored before open (rsl digest, 1.4)."""
    return len(pattern.rstrip("$").replace("*", "")), pattern.endswith("$")


def liberal(document, path):
    """Uses that anybody may read as free, and those as buyable: the narrowest content that mentions a use decides."""
    free, sold = set(), set()
    for use in WORDED:
        said = []
        for content in document.contents:
            if not matches(content.pattern, path):
                continue
            for license in content.licenses:
                if use in license.uses:
                    said.append((weight(content.pattern), 1, license, content))
                elif {use.value, "all"} & license.prohibited:
                    said.append((weight(content.pattern), 2, license, content))
        if not said:
            continue
        narrowest = max(at for at, *_ in said)
        best = [entry for entry in said if entry[0] == narrowest]
        if any(kind == 2 for _, kind, *_ in best):
            continue
        for _, _, license, _ in best:
            (free if license.payment == "free" and license.territory.regions is None else sold).add(use)
    return free, sold


def policy_says(terms, path):
    """The narrowest scope of *path*, as the terms put them in order."""
    bare = path.partition("?")[0]
    return next((scope for scope in terms.scopes if scope.paths[0].covers(bare)), None)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_never_more_than_the_terms(make, data):
    terms = data.draw(make.terms())
    document = parse_rsl(render_rsl(terms))
    assert isinstance(document, RslDocument)
    for path in ASKED:
        scope = policy_says(terms, path)
        free, sold = liberal(document, path)
        granted = scope.free if scope else set()
        gratis = {
            use
            for offer in (scope.offers if scope else ())
            if offer.terms.compensation.is_free
            for use in offer.uses
        }
        assert free <= granted | gratis, (path, free)
        assert sold <= granted | (scope.for_sale if scope else set()), (path, sold)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_form_is_what_the_specification_asks_for(make, data):
    terms = data.draw(make.terms())
    octets = render_rsl(replace(terms, publishing=Publishing(license_days=3)), lastmod="2026-11-01T00:00:00Z")
    document = parse_rsl(octets)
    assert document.breaches == () and document.max_age_days == 3
    root = etree.fromstring(octets)
    assert root.nsmap[None] == NAMESPACE and root.prefix is None
    for element in root.iter():
        assert etree.QName(element).namespace in {NAMESPACE, OUR_NAMESPACE}
    urls = [content.url for content in document.contents]
    assert len(set(urls)) == len(urls)
    for content, element in zip(document.contents, root, strict=True):
        assert content.pattern == content.url
        assert content.server in {"", "https://journal.example/.licet"}
        for license, each in zip(content.licenses, element.findall(f"{{{NAMESPACE}}}license"), strict=True):
            assert license.uses or license.prohibited == {"all"}
            assert len(each.findall(f"{{{NAMESPACE}}}permits[@type='usage']")) == bool(license.uses)
            if license.uses:
                assert license.payment and (license.offer or not content.server)
                assert license.payment != "free" or not content.server or license.offer


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_offers_come_back_from_one_scope(make, data):
    offers = data.draw(make.offers("/essays/"))
    free = data.draw(make.uses)
    terms = make.published(make.scope("/essays/", free, offers))
    document = parse_rsl(render_rsl(terms))
    told = [
        offer
        for offer in offers
        if license_of(offer).uses - free and offer.terms.territory.regions != frozenset()
    ]
    served = [content for content in document.contents if content.server]
    assert len(served) == (3 - bool(free & WORDED) if told else 0)
    selling = [content for content in document.contents if any(each.offer for each in content.licenses)]
    assert len(selling) == (3 if told else 0)
    for content in selling:
        sold = [license for license in content.licenses if license.offer]
        assert sold == [replace(license_of(each), uses=license_of(each).uses - free) for each in told]
        assert [license.offer for license in sold] == [offer.id for offer in told]
        assert offers_for(terms, content.url) == tuple(offers)
        assert all(license.within(license_of(offer)) for license, offer in zip(sold, told, strict=True))
    for content in document.contents:
        if not content.server and free & WORDED:
            assert content.licenses[0].uses == free & WORDED and content.licenses[0].payment == "free"


def test_a_narrow_scope_takes_back_what_a_wider_one_grants(make):
    terms = make.published(
        make.scope("/essays/", {SEARCH}, [make.offer(uses=[INPUT], per_fetch="0.004")]),
        make.scope("/private/"),
        make.scope("/", {SEARCH, TRAIN}),
    )
    document = parse_rsl(render_rsl(terms))
    by_url = {content.url: content for content in document.contents}
    assert by_url["/essays/"].licenses[0].prohibited == {"ai-train"}
    assert by_url["/essays/*"].licenses[0].prohibited == {"ai-train"}
    assert by_url["/private/"].licenses[0].prohibited == {"all"}
    assert by_url["/"].licenses[0].prohibited == set()
    assert "/*" not in by_url


def test_what_is_sold_encrypted_says_so_where_its_key_is_had(make):
    sold = make.scope("/essays/", {SEARCH}, [make.offer(uses=[INPUT], per_fetch="0.004")])
    terms = make.published(replace(sold, encrypted=True), make.scope("/", {SEARCH}))
    contents = parse_rsl(render_rsl(terms)).contents
    assert {content.url: content.encrypted for content in contents if content.url.startswith("/essays/")} == {
        "/essays/": False, "/essays/*": True,
    }  # fmt: skip
    assert all(bool(content.server) is content.encrypted for content in contents)


def test_no_permission_stands_inside_a_prohibition_of_it(make):
    """Readers differ on a wide prohibition and a narrow grant; so the grant is left to the desk."""
    terms = make.published(
        make.scope("/essays/long", {TRAIN, SEARCH}, [make.offer(uses=[TRAIN], per_fetch="1")]),
        make.scope("/essays/", {SEARCH}),
        make.scope("/", {SEARCH, TRAIN}),
    )
    for content in parse_rsl(render_rsl(terms)).contents:
        if content.url.startswith("/essays/long"):
            assert [license.uses for license in content.licenses] == [{SEARCH}]


def test_a_closed_site_says_so(make):
    document = parse_rsl(render_rsl(make.published(make.scope("/"))))
    assert [(content.url, content.server) for content in document.contents] == [("/", "")]
    assert document.contents[0].licenses[0].prohibited == {"all"}
    assert document.contents[0].licenses[0].uses == set()


@pytest.mark.parametrize("path", ["/", "/essays/", "/a.html", "/videos/*.vtt", "/essays/long"])
def test_the_patterns_of_a_scope_cover_it_and_nothing_else(path):
    scope = PathScope(path)
    for asked in ASKED:
        bare, query, _ = asked.partition("?")
        said = any(matches(pattern, asked) for pattern in content_patterns(scope))
        assert said is scope.covers(bare), (asked, query)


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ("/essays/", "long"), ("/essays/*", "long"), ("/essays$", "long"), ("/essays?*", "long"), ("/essays?**", "long"),
        ("/essays/1", "long"), ("/essays", "long"), ("/essays/1?x=2#y", "long"), ("/", "all"), ("/*", "all"),
        ("https://journal.example/essays/1", "long"), ("https://journal.example", "all"), ("/else", "all"),
        ("https://journal.example.evil.example/", ""), ("https://evil.example/essays/1", ""), ("", "all"),
        ("/essays/../x", ""), ("//essays/", ""), ("/es*", ""), ("essays", ""), ("/%2e%2e/", ""),
    ],
)  # fmt: skip
def test_the_offers_of_a_resource(make, resource, found):
    terms = make.published(
        make.scope("/essays/", offers=[make.offer("long")]),
        make.scope("/", offers=[make.offer("all", path="/")]),
    )
    assert [offer.id for offer in offers_for(terms, resource)] == ([found] if found else [])


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=40), contact=st.text(max_size=40), credit=st.text(max_size=20))
def test_no_text_of_the_policy_breaks_the_document(make, name, contact, credit):
    offer = make.offer(name, per_fetch="1", attribution=credit)
    evil = f'{contact}"/><license><permits type="usage">all</permits></license>]]>&\0'
    terms = make.published(make.scope("/", offers=[offer]), name=evil, contact=f"{contact}@x")
    document = parse_rsl(render_rsl(terms))
    assert [license.uses for content in document.contents for license in content.licenses] == [{INPUT}]


def shipped():
    """The terms of every stance and of the example site, as the shipped catalog reads them."""
    tokens = {entry.name: (entry.crawler, entry.tokens) for entry in Catalog.shipped().crawlers}
    policies = [default_policy("http://127.0.0.1:1", stance=stance) for stance in stances()]
    policies.append(read_policy(bundled.policies("example-site.toml")))
    return [publish(policy, "https://journal.example", tokens) for policy in policies]


def test_every_shipped_stance_says_in_rsl_what_its_policy_says():
    sold_somewhere = set()
    for terms in shipped():
        document = parse_rsl(render_rsl(terms))
        assert isinstance(document, RslDocument) and not document.deviations
        for path in ("/", "/essays/1", "/letters/1", "/videos/1.vtt"):
            scope = policy_says(terms, path)
            free, sold = liberal(document, path)
            assert free == scope.free & WORDED
            assert sold - free == (scope.for_sale & WORDED) - free
            sold_somewhere |= sold
    assert {INPUT, TRAIN} <= sold_somewhere


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<rsl/>",
        b'<rsl xmlns="urn:x"><content url="/"/></rsl>',
        b"<!DOCTYPE rsl><rsl/>",
        b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rsl xmlns="https://rslstandard.org/rsl">&b;</rsl>',
        '<!DOCTYPE r SYSTEM "http://x.example/"><rsl/>'.encode("utf-16"),
        b"<rsl>" * 5000,
        b"\xff<rsl/>",
        b'<rsl xmlns="https://rslstandard.org/rsl">' + b" " * (1 << 20) + b"</rsl>",
    ],
)
def test_what_is_no_document_is_an_error(octets):
    found = parse_rsl(octets)
    assert isinstance(found, RslError) and found.why


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("/news/", "/news/"),
        ("https://journal.example/news/", "/news/"),
        ("https://journal.example", "/"),
        ("https://journal.example.evil.example/", ""),
        ("https://else.example/news/", ""),
    ],
)
def test_an_absolute_url_covers_its_own_origin_alone(url, pattern):
    octets = f'<rsl xmlns="{NAMESPACE}"><content url="{url}"><license/></content></rsl>'.encode()
    assert parse_rsl(octets, origin="https://journal.example").contents[0].pattern == pattern
    assert parse_rsl(octets).contents[0].pattern == (pattern if url.startswith("/") else "")


@pytest.mark.parametrize("url", ["news/", "", "news", "*/news/"])
def test_what_is_no_path_grants_nothing_and_withholds_everything(url):
    octets = f'<rsl xmlns="{NAMESPACE}"><content url="{url}"><license><permits type="usage">all</permits></license></content></rsl>'
    for content in parse_rsl(octets.encode(), origin="https://journal.example").contents:
        assert (content.pattern, content.licenses[0].uses, content.licenses[0].prohibited) == (
            "/",
            set(),
            {"all"},
        )


def test_what_stands_in_a_page_has_one_content():
    content = '<content url=""><license><permits type="usage">search</permits><payment type="free"/></license></content>'
    for number in (1, 2):
        octets = f'<rsl xmlns="{NAMESPACE}">{content * number}</rsl>'.encode()
        document = parse_rsl(octets, placed="/essays/1$")
        assert [each.pattern for each in document.contents] == ["/essays/1$"] * number
        assert [each.section for each in document.breaches] == ["4.6.2"] * (number - 1)


def test_rsl_in_a_feed_and_in_utf16():
    feed = f'<rss xmlns:rsl="{NAMESPACE}" version="2.0"><channel><item><rsl:content url="/1"><rsl:license><rsl:permits type="usage">search</rsl:permits></rsl:license></rsl:content></item></channel></rss>'
    assert parse_rsl(feed.encode()).contents[0].licenses[0].uses == {SEARCH}
    declared = '<?xml version="1.0" encoding="UTF-16"?>' + feed
    assert parse_rsl(declared.encode("utf-16")).contents[0].url == "/1"


@settings(deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                f'<rsl xmlns="{NAMESPACE}">',
                "</rsl>",
                '<content url="/">',
                "</content>",
                "<license>",
                "</license>",
                '<permits type="usage">all',
                "</permits>",
                "<!--",
                "&#0;",
                "<?x ?>",
                "<![CDATA[",
            ]
        )
    ).map(lambda parts: "".join(parts).encode())
)
def test_no_octets_raise(octets):
    assert isinstance(parse_rsl(octets), RslDocument | RslError)


#: What each real document comes to: contents, uses it grants anywhere, deviations.
OUTCOMES = {
    "ADVSEC-Mike_advsec-AI-architecture-v2__license.rsl": (2, {INPUT, INDEX, TRAIN}, 1),
    "Autonomy-Labs-Tech_prompt-vault__license.xml": RslError("there is no RSL element in it"),
    "BolsaClick_bolsa-click-portal__public_rsl.xml": (1, set(), 4),
    "DavidJKTofan_davidtofan__public_rsl.xml": (1, {SEARCH, INPUT, TRAIN}, 2),
    "IreneBurresi_ireneburresi.dev__public_rsl.xml": (2, {SEARCH, INPUT, INDEX}, 5),
    "MaxSchoon_ixbrl__rsl.xml": (1, WORDED, 2),
    "Pasithea0_microblog-template__license.rsl": (1, set(), 1),
    "Pasithea0_microblog-template__microblog.xml": RslError("it is not well-formed XML"),
    "Wolverine971_9takes__static_license.xml": (1, set(), 0),
    "arbourtrary_arbourtrary.github.io__static_license.xml": (1, {TRAIN}, 2),
    "cofob_cofob.dev__static_rsl.xml": (1, {SEARCH, INPUT}, 0),
    "cyberdefensematrix_cyberdefensematrix.github.io__license.xml": (1, {TRAIN}, 2),
    "dylmye_dylmye.github.io__public_license.xml": (1, {TRAIN}, 0),
    "gokhanibrikci_knowbase__public_license.xml": (1, WORDED, 3),
    "msoucy_msoucy.me__static_license.xml": (1, set(), 3),
    "nastaso_cloudcertprep__public_license.xml": (1, WORDED, 1),
}


def test_real_documents(shared_data):
    files = {file.name: file for file in shared_data.glob("rsl/*") if file.suffix in {".xml", ".rsl"}}
    assert set(files) == set(OUTCOMES)
    for name, expected in OUTCOMES.items():
        found = parse_rsl(files[name].read_bytes())
        if isinstance(found, RslDocument):
            granted = {
                use for content in found.contents for license in content.licenses for use in license.uses
            }
            found = (len(found.contents), granted, len(found.deviations))
        assert found == expected, name


def test_how_the_real_documents_fare(shared_data, capsys):
    """Every file of the corpus is clean, linted or refused; strict reading grants no more than lenient reading."""
    files = sorted(file for folder in ("rsl", "terms") for file in (shared_data / folder).iterdir())
    files = [file for file in files if file.suffix in {".xml", ".rsl"}]
    told = {"clean": 0, "with warnings alone": 0, "with errors": 0, "refused": 0}
    for file in files:
        found = parse_rsl(file.read_bytes())
        if isinstance(found, RslError):
            told["refused"] += 1
        elif found.deviations:
            told["with errors"] += 1
        else:
            told["with warnings alone" if found.breaches else "clean"] += 1
    with capsys.disabled():
        print(f"\nreal RSL documents: {len(files)}; {told}")
    assert told == {"clean": 1, "with warnings alone": 2, "with errors": 14, "refused": 2}
