from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protego import Protego

from gateway.terms.robots_check import hidden_offers, robots_faults
from gateway.terms.robots_txt import merge_robots, parse_robots

HOST = "https://journal.example"
SAID = [(["GPTBot", "Google-Extended"], ["/essays/", "/videos/"]), (["CCBot"], ["/"])]
TOKENS = ("GPTBot", "Google-Extended", "CCBot", "Applebot", "Stranger")
PATHS = ("/", "/a", "/essays/1", "/essays-old", "/videos/x/y", "/admin/1", "/admin")
ORIGINS = (
    None,
    b"User-agent: *\nAllow: /\nDisallow: /admin/\n",
    b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /admin/\r\n\r\nUser-agent: Applebot\r\nDisallow: /a\r\n",
    b"User-agent: GPTBot\rLicense: https://x.example/l\r\rUser-agent: *\rDisallow: /admin/\r",
    b"User-agent: Applebot/1.2\nContent-Usage: train-ai=y\nUser-agent: CCBot\nDisallow: /a\nCrawl-delay: 3\n",
    b"<!doctype html><p>User-agent: *\nDisallow: /\n",
    b"User-agent: *\nContent-Signal: /essays/ ai-train=yes\nAllow: /admin/1\nDisallow: /admin/\n",
)


def _protego(text):
    reader = Protego.parse(text)
    return lambda token, path: reader.can_fetch(HOST + path, token)


def _standard(text):
    reader = RobotFileParser()
    reader.parse(text.splitlines())
    return lambda token, path: reader.can_fetch(token, HOST + path)


def _google(text):
    google = pytest.importorskip(
        "jwm.robotstxt.googlebot", reason="jwm.robotstxt has no wheel for this Python"
    )
    octets = text.encode()
    return lambda token, path: google.RobotsMatcher().OneAgentAllowedByRobots(
        octets, token.encode(), (HOST + path).encode()
    )


def _fast(text):
    fast = pytest.importorskip("robotstxt", reason="fast-robotstxt has no wheel for this Python")
    return lambda token, path: fast.RobotsMatcher().is_allowed(text, token, HOST + path)


def _robotspy(text):
    reader = pytest.importorskip("robots").RobotsParser.from_string(text)
    return lambda token, path: reader.can_fetch(token, path)


def _exclusion(text):
    reader = pytest.importorskip("robotexclusionrulesparser").RobotExclusionRulesParser()
    reader.parse(text)
    return lambda token, path: bool(reader.is_allowed(token, path))


READERS = {
    "protego": _protego, "urllib.robotparser": _standard, "jwm.robotstxt": _google,
    "fast-robotstxt": _fast, "robotspy": _robotspy, "robotexclusionrulesparser": _exclusion,
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("origin", ORIGINS, ids=range(len(ORIGINS)))
def test_every_reader_takes_it_as_it_is_meant(make, name, origin):
    terms = make.published(make.scope("/"), robots=SAID)
    merged = merge_robots(origin, terms)
    ours, allows = parse_robots(merged), READERS[name](merged.decode())
    for token in TOKENS:
        for path in PATHS:
            assert allows(token, path) is ours.allows(token, path), (token, path, merged)
    assert not ours.allows("GPTBot", "/essays/1") and not ours.allows("CCBot", "/a")
    assert robots_faults(merged, terms) == ()


def test_real_files_are_taken_alike_by_all(make, shared_data, capsys):
    terms = make.published(make.scope("/"), robots=[(["GPTBot", "FreshBot"], ["/members/"])])
    files = sorted([*shared_data.glob("rsl/*robots.txt"), *shared_data.glob("terms/*robots.txt")])
    clean = asked = 0
    for file in files:
        merged = merge_robots(file.read_bytes(), terms)
        assert robots_faults(merged, terms) == (), file.name
        ours = parse_robots(merged)
        for allows in (
            READERS[name](merged.decode()) for name in ("protego", "jwm.robotstxt", "fast-robotstxt")
        ):
            for token in ("GPTBot", "FreshBot", "Stranger", "CCBot", "Google-Extended"):
                for path in ("/", "/members/1", "/admin/", "/a/b.html", "/wp-admin/x"):
                    assert allows(token, path) is ours.allows(token, path), (file.name, token, path)
                    asked += 1
        clean += parse_robots(file.read_bytes()).groups != ()
    with capsys.disabled():
        print(
            f"\n  robots.txt: {len(files)} real files, {clean} with groups, {len(files) - clean} without; {asked} answers alike"
        )
    assert len(files) >= 20


BAD = [
    (b"User-agent: *\nAllow: /\n", "/essays/a-page is refused to Nobody-In-Particular and yet open to it"),
    (b"User-agent: *\nAllow: /\nDisallow: /essays\n", "urllib.robotparser takes /essays/a-page for open to Nobody-In-Particular"),
    (b"User-agent: *\nDisallow: /essays\n\nUser-agent: *\nDisallow: /b\n", "urllib.robotparser takes /b for open to Nobody-In-Particular"),
    (b"User-agent: GPT\nUser-agent: *\nDisallow: /essays\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /essays\n\nUser-agent: GPTBot-News\nDisallow: /n\nDisallow: /essays\n",
     "urllib.robotparser takes /n for open to GPTBot-News"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "fault"), BAD, ids=range(len(BAD)))
def test_a_file_that_some_reader_misreads_is_told(make, octets, fault):
    assert fault in robots_faults(octets, make.published(robots=[(["*"], ["/essays/"])]))


def test_of_a_long_file_what_the_terms_refuse_is_still_looked_at(make):
    terms = make.published(robots=[(["GPTBot"], ["/essays/"])])
    long = b"User-agent: *\n" + b"".join(b"Disallow: /%06d/x\n" % number for number in range(9_000))
    assert robots_faults(merge_robots(long, terms), terms) == ()
    assert any(
        "refused to GPTBot" in each
        for each in robots_faults(long + b"\nUser-agent: GPTBot\nAllow: /\n", terms)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300)
    | st.text(alphabet="User-agent: *\nDisallow/\r#<$%?a\x00\u2028é", max_size=200).map(str.encode)
)
def test_no_octets_raise_and_every_merge_is_sound(make, octets):
    terms = make.published(robots=SAID)
    assert isinstance(robots_faults(octets, terms), tuple)
    assert robots_faults(merge_robots(octets, terms), terms) == ()


@pytest.mark.parametrize(
    ("origin", "out"),
    [
        (None, None),
        (b"User-agent: *\nDisallow: /admin/\n", None),
        (b"User-agent: GPTBot\nDisallow: /\n", None),
        (b"User-agent: *\nDisallow: /essays/\n", "everybody else"),
        (b"User-agent: CCBot\nUser-agent: GPTBot\nDisallow: /\n", "CCBot"),
        (b"User-agent: a\nUser-agent: b\nUser-agent: c\nUser-agent: d\nDisallow: /\n", "a, b, c and 1 more"),
    ],
)
def test_what_the_site_hides_though_it_is_for_sale_is_told(make, origin, out):
    terms = make.published(
        make.scope("/essays/", offers=[make.offer()]), make.scope("/"), robots=[(["GPTBot"], ["/"])]
    )
    told = f"the site's own file closes /essays/, which an offer sells, to {out}"
    assert hidden_offers(origin, terms) == ((told,) if out else ())


@given(st.binary(max_size=200))
def test_no_octets_of_a_site_raise(make, octets):
    assert isinstance(hidden_offers(octets, make.published(make.scope("/", offers=[make.offer()]))), tuple)
