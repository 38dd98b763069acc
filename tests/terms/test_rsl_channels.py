"""Where a site names its license: robots.txt, Link headers, pages; and the real robots files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terms.robots_txt import merge_robots
from gateway.terms.rsl_channels import in_html, in_link, in_robots, is_robots

BASE = "https://a.example/x/page"
URL = "https://a.example/license.xml"
RSL = 'type="application/rsl+xml"'


@pytest.mark.parametrize(
    ("robots", "urls", "breaches"),
    [
        (f"License: {URL}", [URL], 0),
        (f"\ufefflicense : {URL} # here\r\nUser-agent: GPTBot\rLICENSE:https://b.example/l", [URL, "https://b.example/l"], 0),
        ("License: /license.xml", [URL], 1),
        ("License: http://a.example/license.xml", ["http://a.example/license.xml"], 1),
        ("Licenses: x\nSitemap: y\n# License: z", [], 0),
        ("License: https://[", [""], 1),
        ("", [], 0),
    ],
)  # fmt: skip
def test_robots(robots, urls, breaches):
    found = in_robots(robots.encode(), BASE)
    assert [each.url for each in found] == urls
    assert sum(len(each.breaches) for each in found) == breaches
    assert all(breach.section in {"4.4", "8"} for each in found for breach in each.breaches)


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        (f'<{URL}>; rel="license"; {RSL}', [URL]),
        (f"<{URL}>; {RSL}; rel=license", [URL]),
        (f'<{URL}>; rel="license"', []),
        (f'<a,b>; rel=next, <{URL}>; title="a, b; <x>"; rel="author License"; {RSL}', [URL]),
        (f"</license.xml>; rel=license; {RSL}", [URL]),
        ("nonsense", []),
        ("", []),
    ],
)
def test_link(value, urls):
    found = in_link(value, BASE)
    assert [each.url for each in found] == urls
    assert all(bool(each.breaches) is ("</" in value) for each in found)


def test_html():
    page = f"""<html><head>
<!-- <link rel="license" {RSL} href="https://evil.example/"> -->
<link rel="license" href="https://cc.example/">
<link {RSL} rel=LICENSE href="/license.xml">
<script>'<link rel="license" {RSL} href="https://evil.example/">'</script>
<script {RSL}><rsl xmlns="x"><a/></rsl></script>
</head>"""
    link, script = in_html(page.encode(), BASE)
    assert (link.channel, link.url, link.breaches[0].section, link.breaches[0].line) == (
        "link",
        URL,
        "4.6.1",
        4,
    )
    assert (script.channel, script.document) == ("script", b'<rsl xmlns="x"><a/></rsl>')


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_no_octets_raise(octets):
    for found in (in_robots(octets, BASE), in_html(octets, BASE), in_link(octets.decode("latin-1"), BASE)):
        assert isinstance(found, tuple)
    assert is_robots(octets) in {True, False}


def test_what_we_write_is_found(make):
    terms = make.published(make.scope("/"), robots=[(["GPTBot"], ["/"])])
    robots = merge_robots(b"User-agent: *\nDisallow: /x\nLicense: https://b.example/l\n", terms)
    urls = {each.url for each in in_robots(robots, f"{terms.origin}/robots.txt") if not each.breaches}
    assert terms.license_url in urls and is_robots(robots)


def test_the_real_robots_files(shared_data, capsys):
    files = sorted([*shared_data.glob("rsl/*robots*"), *shared_data.glob("terms/*robots*.txt")])
    found = {file: in_robots(file.read_bytes(), "https://a.example/robots.txt") for file in files}
    naming = [told for told in found.values() if told]
    wrong = [told for told in naming if any(each.breaches for each in told)]
    with capsys.disabled():
        print(
            f"\nreal robots files: {len(files)}; {len(naming)} name a license, {len(wrong)} of them wrongly"
        )
    assert len(files) >= 20 and len(naming) >= 8
    assert all(each.url.startswith("http") for told in naming for each in told if not each.breaches)
