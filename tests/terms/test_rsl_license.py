import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WORLDWIDE, Territory
from gateway.terms.rsl import NAMESPACE, RslLicense, license_of, parse_license, render_rsl
from gateway.uses import AI_USES, Use

SEARCH, INPUT, INDEX, TRAIN = Use.SEARCH, Use.AI_INPUT, Use.AI_INDEX, Use.AI_TRAIN
PLAIN = '<license><permits type="usage">ai-input</permits><payment type="crawl"><amount currency="USD">0.004</amount></payment></license>'


def license_text(body):
    return f"<license>{body}</license>"


def usage(text):
    return f'<permits type="usage">{text}</permits>'


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        (usage("search"), {SEARCH}),
        (usage(" ai-input \n ai-index "), {INPUT, INDEX}),
        (usage("ai-all"), AI_USES),
        (usage("all"), AI_USES | {SEARCH}),
        (usage("search") + usage("ai-input"), {SEARCH, INPUT}),
        (usage("search, ai-train"), {SEARCH, TRAIN}),
        (usage("train-ai"), {TRAIN}),
        (usage("tdm fine-tune quote AI-TRAIN"), set()),
        (usage("all") + '<prohibits type="usage">ai-train</prohibits>', {SEARCH, INPUT, INDEX}),
        (usage("ai-train") + '<prohibits type="usage">all</prohibits>', set()),
        (usage("ai-all") + '<prohibits type="usage">train-ai</prohibits>', {INPUT, INDEX}),
        (usage("ai-all") + '<prohibits type="usage">train-ai tdm</prohibits>', set()),
        ('<prohibits type="usage">ai-train</prohibits>', set()),
        ('<permits type="search">yes</permits>', set()),
        ("<permits>search</permits>", set()),
        ("", set()),
    ],
)
def test_uses_are_never_read_wider(body, uses):
    assert parse_license(license_text(body)).uses == uses


@pytest.mark.parametrize(
    ("body", "territory", "excluded"),
    [
        ("", WORLDWIDE, set()),
        ('<permits type="geo">EU US</permits>', Territory(frozenset({"EU", "US"})), set()),
        ('<permits type="geo">Europe</permits>', Territory(frozenset()), set()),
        ('<permits type="geo">us</permits>', Territory(frozenset()), set()),
        ('<prohibits type="geo">CN</prohibits>', WORLDWIDE, {"CN"}),
        ('<permits type="geo">DE FR</permits><prohibits type="geo">FR</prohibits>', Territory(frozenset({"DE"})), set()),
        ('<permits type="geo">DE US</permits><prohibits type="geo">EU</prohibits>', Territory(frozenset({"US"})), set()),
    ],
)  # fmt: skip
def test_places(body, territory, excluded):
    read = parse_license(license_text(body))
    assert (read.territory, read.excluded) == (territory, frozenset(excluded))


def test_users_payment_and_conditions():
    read = parse_license(
        license_text(
            usage("search")
            + '<permits type="user">education personal aliens</permits><prohibits type="user">personal</prohibits>'
            + '<payment type="inference"><amount currency="EUR">0.0150000</amount><custom>https://x.example/</custom>'
            + "<standard>https://s.example/</standard></payment>"
            + '<reporting type="audit" profile="https://p.example/"/>'
        )
    )
    assert read.users == {"education"}
    assert (read.payment, read.amount) == ("use", Money(15_000, "EUR"))
    assert (read.custom, read.standard) == ("https://x.example/", "https://s.example/")
    assert read.reporting == {"https://p.example/"}


@pytest.mark.parametrize("amount", ["1e3", "-1", "", "0.0000001", "1,5", "USD 1"])
def test_an_amount_that_is_none_is_no_price(amount):
    text = license_text(
        usage("search") + f'<payment type="crawl"><amount currency="USD">{amount}</amount></payment>'
    )
    assert parse_license(text).amount is None


def rendered(make, offer):
    document = etree.fromstring(render_rsl(make.published(make.scope("/", offers=[offer]))))
    return document.find(f".//{{{NAMESPACE}}}license")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_published_element_is_the_offer_however_it_is_sent(make, data):
    offer = data.draw(make.offers().filter(bool))[0]
    meant = license_of(offer)
    element = rendered(make, offer)
    if not meant.uses or offer.terms.territory.regions == frozenset():
        return
    raw = etree.tostring(element, encoding="unicode")
    prefixed = (
        raw.replace("<licet:", "\0").replace("</licet:", "\1").replace("</", "</rsl:").replace("<", "<rsl:")
    )
    prefixed = prefixed.replace("<rsl:/rsl:", "</rsl:").replace("\0", "<licet:").replace("\1", "</licet:")
    prefixed = prefixed.replace(f' xmlns="{NAMESPACE}"', "")
    for text in (
        raw,
        f'\ufeff<?xml version="1.0" encoding="UTF-8"?>\n{raw}\n',
        raw.replace(f' xmlns="{NAMESPACE}"', ""),
        prefixed,
    ):
        sent = parse_license(text)
        assert isinstance(sent, RslLicense), text
        assert sent == meant
        assert sent.offer == offer.id
        assert sent.same_as(meant) and meant.same_as(sent)


@pytest.mark.parametrize(
    ("price", "payment", "amount"),
    [
        ({}, "free", None),
        ({"attribution": "Credit us"}, "attribution", None),
        ({"per_fetch": "0.02"}, "crawl", "0.02"),
        ({"upfront": "500"}, "purchase", "500"),
        ({"subscription": "12"}, "subscription", None),
        ({"per_inference": "0.0001"}, "use", "0.0001"),
        ({"upfront": "500", "per_fetch": "0.02"}, "purchase", None),
        ({"per_fetch": "0.02", "revenue_share_bp": 300}, "crawl", None),
        ({"per_fetch": "0.02", "minimum_guarantee": "500"}, "crawl", None),
        ({"per_fetch": "0.02", "upfront": "0"}, "crawl", "0.02"),
        ({"per_item": "1"}, "purchase", None),
        ({"per_megabyte": "1"}, "crawl", None),
        ({"revenue_share_bp": 300}, "use", None),
    ],
)
def test_one_part_of_a_price_is_never_told_as_the_whole(make, price, payment, amount):
    made = license_of(make.offer(**price))
    assert (made.payment, made.amount) == (payment, Money.parse(amount, "USD") if amount else None)


def test_a_use_without_a_word_is_not_told_as_a_wider_one(make):
    assert license_of(make.offer(uses=[Use.FINE_TUNE])).uses == set()
    assert license_of(make.offer(uses=[Use.TDM, INPUT])).uses == {INPUT}


PUBLISHED = RslLicense(
    frozenset({INPUT, INDEX}), Territory(frozenset({"EU", "US"})), payment="crawl", amount=Money(4_000, "USD")
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "within"),
    [
        (usage("ai-input ai-index"), True),
        (usage("ai-input"), True),
        (usage("ai-input ai-train"), False),
        (usage("ai-all"), False),
        (usage("search"), False),
        ("", False),
    ],
)
def test_a_narrower_use_is_within_and_a_wider_one_is_not(body, within):
    rest = '<permits type="geo">DE US</permits><payment type="crawl"><amount currency="USD">0.0040</amount></payment>'
    assert parse_license(license_text(body + rest)).within(PUBLISHED) is within


@pytest.mark.parametrize(
    ("body", "within"),
    [
        ('<permits type="geo">EU US</permits>', True),
        ('<permits type="geo">DE</permits><permits type="user">education</permits>', True),
        ("", False),
        ('<prohibits type="geo">CN</prohibits>', False),
        ('<permits type="geo">DE NO</permits>', False),
        ('<permits type="geo">DE</permits><reporting type="audit" profile="urn:p"/>', True),
    ],
)
def test_places_and_conditions_count(body, within):
    rest = usage("ai-input") + '<payment type="crawl"><amount currency="USD">0.004</amount></payment>'
    assert parse_license(license_text(body + rest)).within(PUBLISHED) is within


@pytest.mark.parametrize(
    "payment",
    [
        "",
        '<payment type="free"/>',
        '<payment type="crawl"/>',
        '<payment type="crawl"><amount currency="USD">0.003</amount></payment>',
        '<payment type="crawl"><amount currency="EUR">0.004</amount></payment>',
        '<payment type="purchase"><amount currency="USD">0.004</amount></payment>',
        '<payment><amount currency="USD">0.004</amount></payment>',
    ],
)
def test_another_price_is_another_license(payment):
    text = license_text(usage("ai-input") + '<permits type="geo">DE</permits>' + payment)
    assert not parse_license(text).within(PUBLISHED)


def test_exclusions_compare_as_places():
    wide = RslLicense(frozenset({SEARCH}), excluded=frozenset({"CN"}))
    assert not RslLicense(frozenset({SEARCH})).within(wide)
    assert RslLicense(frozenset({SEARCH}), excluded=frozenset({"CN", "RU"})).within(wide)
    assert RslLicense(frozenset({SEARCH}), Territory(frozenset({"DE"}))).within(wide)
    assert not RslLicense(frozenset({SEARCH}), Territory(frozenset({"CN"}))).within(wide)
    assert not RslLicense(frozenset()).same_as(RslLicense(frozenset()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "license",
        "<license>",
        "<content url='/'>" + PLAIN + "</content>",
        PLAIN + PLAIN,
        "x" + PLAIN,
        PLAIN + "x",
        '<license xmlns="urn:other"/>',
        "<x:license/>",
        "</sent><sent>" + PLAIN,
        PLAIN + "</sent><sent>",
        '<!DOCTYPE license [<!ENTITY a "b">]>' + PLAIN,
        '<?xml version="1.0"?><!DOCTYPE license SYSTEM "file:///etc/passwd">' + PLAIN,
        PLAIN.replace("ai-input", "&xxe;"),
        "<license>" * 40 + "</license>" * 40,
        "<license>" * 4000 + "</license>" * 4000,
        license_text(usage("search " * 20_000)),
        "\ud800" + PLAIN,
        "\0" + PLAIN,
    ],
)
def test_what_is_no_license_is_refused(text):
    refusal = parse_license(text)
    assert isinstance(refusal, Refusal) and refusal.problem is Problem.LICENSE_NOT_OFFERED
    assert refusal.detail.endswith(".") and refusal.detail.isprintable()


@settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(["<license>", "</license>", usage("all"), "<!--", "]]>", "&lt;", "<a", "rsl:", "\0"])
    ).map("".join)
)
def test_no_text_raises(text):
    assert isinstance(parse_license(text), RslLicense | Refusal)
