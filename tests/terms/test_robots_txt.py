import re
from dataclasses import replace
from itertools import product
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protego import Protego

from gateway.paths import PathScope
from gateway.terms.robots_pattern import matches
from gateway.terms.robots_txt import MOST_OCTETS, Robots, merge_robots, parse_robots
from gateway.uses import Use

HOST = "https://journal.example"
TOKENS = ("GPTBot", "CCBot", "Bytespider", "Stranger")
PATTERNS = (
    "/", "/a", "/a/", "/a/b", "/ab", "/a/b/c.html", "/a/*.gif$", "/*/b", "/a$", "/*?x", "/a/b?", "/a/**/c",
    "/*gif", "/ab/c", "/b", "", "/a/b/c.html$", "/%61b",
)  # fmt: skip
LITERAL = tuple(pattern for pattern in PATTERNS if not set(pattern) & set("*$?"))
PATHS = (
    "/", "/a", "/a/", "/ab", "/a/b", "/a/b/c.html", "/a/x.gif", "/x/b", "/a?x=1", "/ab/c", "/a/b?x=1", "/b/y",
    "/a/b/x.gif?x=2", "/c",
)  # fmt: skip
SCOPES = ("/a", "/a/b", "/", "/ab/", "/b", "/a/*.gif", "/c")


def lines(octets):
    return octets.decode().splitlines()


def written(groups):
    """A robots.txt of (tokens, [(allow, pattern)])."""
    text = []
    for tokens, rules in groups:
        text += [f"User-agent: {token}" for token in tokens]
        text += [f"{'Allow' if allow else 'Disallow'}: {pattern}" for allow, pattern in rules]
        text.append("")
    return "\n".join(text).encode()


def files(patterns):
    rules = st.lists(st.tuples(st.booleans(), st.sampled_from(patterns)), min_size=1, max_size=5)
    tokens = st.sets(st.sampled_from(("*", *TOKENS[:3])), min_size=1, max_size=2).map(sorted)
    return st.lists(st.tuples(tokens, rules), max_size=4).map(written)


stances = st.lists(
    st.tuples(
        st.sets(st.sampled_from((*TOKENS[:3], "*")), min_size=1).map(sorted),
        st.sets(st.sampled_from(SCOPES), max_size=2).map(sorted),
    ),
    max_size=2,
)


def policy_allows(terms, token, path):
    named = [stance for stance in terms.robots if token in stance.tokens]
    said = named or [stance for stance in terms.robots if "*" in stance.tokens]
    return not any(scope.covers(path.partition("?")[0]) for stance in said for scope in stance.refused)


def gives_way(origin, terms):
    """Whether some `Allow` may have had to give way because no longer `Disallow` can be written."""
    scopes = [scope for stance in terms.robots for scope in stance.refused]
    starred = [
        rule.pattern
        for group in parse_robots(origin).groups
        for rule in group.rules
        if rule.allow and "*" in rule.pattern
    ]
    bare = [scope.pattern.rstrip("/") for scope in scopes]
    return bool(starred) and any("*" in path or any(matches(each, path) for each in starred) for path in bare)


def sure(scope, path):
    """Whether robots patterns say of *path* what the scope does: a star also reaches into a query."""
    return "*" not in scope.pattern or "?" not in path


@settings(max_examples=300, deadline=None)
@given(files(PATTERNS), stances)
def test_merged_allows_exactly_what_both_allow(make, origin, said):
    terms = make.published(robots=said)
    merged = merge_robots(origin, terms)
    ours, theirs = parse_robots(merged), parse_robots(origin)
    scopes = [scope for stance in terms.robots for scope in stance.refused]
    for token, path in product(TOKENS, PATHS):
        if not all(sure(scope, path) for scope in scopes):
            continue
        both = theirs.allows(token, path) and policy_allows(terms, token, path)
        if ours.allows(token, path):
            assert both, (token, path, merged)
        elif both:
            assert gives_way(origin, terms), (token, path, merged)


@settings(max_examples=300, deadline=None)
@given(files(PATTERNS), stances)
def test_another_reader_agrees(make, origin, said):
    terms = make.published(robots=said)
    merged = merge_robots(origin, terms)
    reader, before = Protego.parse(merged.decode()), Protego.parse(origin.decode())
    scopes = [scope for stance in terms.robots for scope in stance.refused]
    for token, path in product(TOKENS, PATHS):
        if not all(sure(scope, path) for scope in scopes):
            continue
        both = before.can_fetch(HOST + path, token) and policy_allows(terms, token, path)
        if reader.can_fetch(HOST + path, token):
            assert both, (token, path, merged)
        elif both:
            assert gives_way(origin, terms), (token, path, merged)


@settings(max_examples=1500, deadline=None)
@given(files(LITERAL), stances)
def test_a_first_match_reader_agrees_where_it_can(make, origin, said):
    """Python's own reader knows no wildcard, takes the first `*` group and the first rule."""
    terms = make.published(robots=said)
    reader = RobotFileParser()
    reader.parse(merge_robots(origin, terms).decode().splitlines())
    theirs = parse_robots(origin)
    scopes = [scope for stance in terms.robots for scope in stance.refused]
    bare = {scope.pattern.rstrip("/") for scope in scopes}
    for token, path in product(TOKENS, PATHS):
        if "?" in path or path in bare or any("*" in scope.pattern for scope in scopes):
            continue
        both = theirs.allows(token, path) and policy_allows(terms, token, path)
        assert reader.can_fetch(token, HOST + path) is both, (token, path)


@settings(max_examples=150, deadline=None)
@given(files(PATTERNS), stances)
def test_merging_again_changes_nothing(make, origin, said):
    terms = make.published(robots=said)
    once = merge_robots(origin, terms, site_note="hello")
    assert merge_robots(once, terms, site_note="hello") == once


@settings(max_examples=150, deadline=None)
@given(files(PATTERNS), stances)
def test_the_shape_of_what_is_written(make, origin, said):
    told = lines(merge_robots(origin, make.published(robots=said)))
    assert told[2] == "License: https://journal.example/license.xml"
    groups = "\n".join(told).split("\n\n")[1:]
    assert groups[-1].startswith("User-agent: *\n")
    for group in groups:
        names = [line.partition(": ")[0] for line in group.splitlines()]
        assert names == sorted(names, key=lambda name: name != "User-agent"), "agents stand together"
        rules = [line for line in group.splitlines() if line.startswith(("Allow: ", "Disallow: "))]
        assert rules, group
        assert [len(rule.partition(": ")[2]) for rule in rules] == sorted(
            (len(rule.partition(": ")[2]) for rule in rules), reverse=True
        )
        assert rules[-1] in {"Allow: /", "Disallow: /"}
    assert len([line for line in told if line.startswith("User-agent: ")]) == len(
        {line.lower() for line in told if line.startswith("User-agent: ")}
    )


def test_a_new_group_repeats_the_rules_for_everybody(make):
    origin = b"User-agent: *\nCrawl-delay: 7\nDisallow: /admin/\n\nUser-agent: CCBot\nDisallow: /\n"
    merged = merge_robots(origin, make.published(robots=[(["Bytespider"], ["/essays/"])]))
    assert lines(merged)[4:] == [
        "User-agent: Bytespider",
        "Crawl-delay: 7",
        "Disallow: /essays?*",
        "Disallow: /essays$",
        "Disallow: /essays/",
        "Disallow: /admin/",
        "Allow: /",
        "",
        "User-agent: CCBot",
        "Disallow: /",
        "",
        "User-agent: *",
        "Crawl-delay: 7",
        "Disallow: /admin/",
        "Allow: /",
    ]


def test_what_is_for_sale_is_not_disallowed(make):
    terms = make.published(make.scope("/", offers=[make.offer(path="/", per_fetch="0.01")]))
    for origin in (None, b"", b"<!doctype html><title>Not found</title>"):
        assert Protego.parse(merge_robots(origin, terms).decode()).can_fetch(f"{HOST}/a", "GPTBot")


def test_an_allow_never_reopens_a_refused_scope(make):
    origin = b"User-agent: *\nAllow: /private/press/\nAllow: /*?utm_source=newsletter\nAllow: /private\n"
    terms = make.published(robots=[(["GPTBot"], ["/private"])])
    merged = Protego.parse(merge_robots(origin, terms).decode())
    for path in (
        "/private",
        "/private/press/1",
        "/private/x?utm_source=newsletter",
        "/private?utm_source=newsletter",
    ):
        assert not merged.can_fetch(HOST + path, "GPTBot"), path
        assert merged.can_fetch(HOST + path, "CCBot"), path
    assert merged.can_fetch(f"{HOST}/private-view", "GPTBot")
    assert merged.can_fetch(f"{HOST}/x?utm_source=newsletter", "GPTBot")


def test_an_allow_loses_no_more_than_what_is_refused(make):
    origin = b"User-agent: *\nDisallow: /a/\nAllow: /a/press/kit\nAllow: /a/x.gi\nAllow: /a/y.gif$\nAllow: /a/z.png$\n"
    merged = merge_robots(origin, make.published(robots=[(["GPTBot"], ["/a/*.gif"])]))
    allowed = {"/a/press/kit", "/a/press/kit/1.png", "/a/x.gi", "/a/x.gibbon", "/a/z.png"}
    closed = {
        "/a/press/kit.gif",
        "/a/press/kit/1.gif",
        "/a/x.gif",
        "/a/x.gibbon.gif",
        "/a/y.gif",
        "/a/1",
        "/a/1.gif",
    }
    reader = Protego.parse(merged.decode())
    for path in allowed | closed:
        assert parse_robots(merged).allows("GPTBot", path) is (path in allowed), path
        assert reader.can_fetch(HOST + path, "GPTBot") is (path in allowed), path
    assert b"User-agent: *\nAllow: /a/press/kit\n" in merged


def test_a_longer_name_stands_before_the_name_it_holds(make):
    origin = b"User-agent: Applebot\nDisallow: /a\n\nUser-agent: Applebot-Extended\nDisallow: /b\n"
    for said in ([], [(["Applebot-Extended"], ["/c"])], [(["Apple"], ["/b"])]):
        merged = merge_robots(origin, make.published(robots=said))
        reader = RobotFileParser()
        reader.parse(merged.decode().splitlines())
        for read in (lambda token, path: reader.can_fetch(token, HOST + path), parse_robots(merged).allows):
            assert not read("Applebot", "/a/1")
            assert read("Applebot", "/b/1")
            assert read("Applebot-Extended", "/a/1")
            assert not read("Applebot-Extended", "/b/1")


def test_identical_groups_do_not_jump_over_a_longer_name(make):
    origin = written(
        [
            (["X"], [(False, "/a")]),
            (["GPT"], [(False, "/a")]),
            (["GPTBot"], [(False, "/b")]),
            (["GPTBot-News"], [(False, "/a")]),
        ]
    )
    merged = merge_robots(origin, make.published())
    reader = RobotFileParser()
    reader.parse(merged.decode().splitlines())
    assert reader.can_fetch("GPTBot", f"{HOST}/a") and not reader.can_fetch("GPTBot", f"{HOST}/b")
    assert not reader.can_fetch("GPT", f"{HOST}/a") and not reader.can_fetch("GPTBot-News", f"{HOST}/a")


@pytest.mark.parametrize(
    ("text", "token", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /x", "a", "/x/1", False),
        ("User-agent: *\rDisallow: /x", "a", "/x/1", False),
        ("\ufeffUser-agent: *\r\nDisallow: /x\r\n", "a", "/x/1", False),
        ("user-AGENT : *\n disallow\t: /x # no", "a", "/x/1", False),
        ("User-agent: a\n\nDisallow: /x", "a", "/x/1", False),
        ("User-agent: a\nUser-agent: b\nDisallow: /x", "b", "/x/1", False),
        ("User-agent: a\nLicense: u\nUser-agent: b\nDisallow: /x", "a", "/x/1", False),
        ("User-agent: a\nCrawl-delay: 1\nUser-agent: b\nDisallow: /x", "a", "/x/1", False),
        ("User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y", "b", "/x/1", True),
        ("User-agent: a\nDisallow: /x\nUser-agent: a\nDisallow: /y", "a", "/x/1", False),
        ("User-agent: a\nDisallow: /x\nUser-agent: A\nDisallow: /y", "a", "/y/1", False),
        ("User-agent: GPTBot/1.2\nDisallow: /x", "GPTBot", "/x/1", False),
        ("User-agent: a\nDisallow: /x\nUser-agent:\nDisallow: /y", "a", "/y/1", True),
        ("User-agent: *\nAllow: /\nDisallow: /x", "a", "/x/1", False),
        ("User-agent: *\nAllow: /x\nDisallow: /x", "a", "/x/1", True),
        ("User-agent: *\nDisallow: /x\nAllow: /x/1$", "a", "/x/1", True),
        ("User-agent: *\nDisallow: /x\nAllow: /x/1$", "a", "/x/11", False),
        ("User-agent: *\nDisallow:", "a", "/x/1", True),
        ("User-agent: *\nDisallow: /", "a", "/robots.txt", True),
        ("User-agent: *\nDisallow: /", "a", "/robots.txt.bak", False),
        ("Disallow: /x", "a", "/x/1", True),
        ("User-agent: *\ndissallow: /x", "a", "/x/1", False),
        ("User-agent *\nDisallow /x", "a", "/x/1", False),
        ("User-agent: *\nDisallow /x:y", "a", "/x:y", False),
        ("User-agent: *\nDisallow: /caf\u00e9", "a", "/caf%C3%A9", False),
        ("User-agent: *\nDisallow: /caf%c3%a9", "a", "/caf\u00e9", False),
        ("User-agent: *\nDisallow: /%7Ejoe", "a", "/~joe/", False),
        ("User-agent: *\nDisallow: /a b", "a", "/a%20b", False),
        ("User-agent: b\nDisallow: /", "a", "/x", True),
        ("<html>User-agent: *\nDisallow: /", "a", "/x", True),
    ],
)
def test_reading(text, token, path, allowed):
    assert parse_robots(text.encode()).allows(token, path) is allowed


def test_a_pattern_keeps_octets_that_are_not_utf8():
    assert not parse_robots(b"User-agent: *\nDisallow: /caf\xe9").allows("a", "/caf%E9")


def test_other_lines_are_kept_where_they_stood(make):
    origin = (
        b"Sitemap: https://journal.example/a.xml\nHost: journal.example\nLicense: https://else.example/l.xml\n"
        b"User-agent: a\nContent-Signal: ai-train=no\nLicense: https://else.example/a.xml\nDisallow: /x\n"
        b"Sitemap: https://journal.example/b.xml\nSitemap: https://journal.example/a.xml\n# a comment: gone\n"
    )
    read = parse_robots(origin)
    assert read.sitemaps == ("https://journal.example/a.xml", "https://journal.example/b.xml")
    assert read.fields == (("Host", "journal.example"), ("License", "https://else.example/l.xml"))
    told = lines(merge_robots(origin, make.published()))
    assert told[2:] == [
        "License: https://journal.example/license.xml",
        "Host: journal.example",
        "License: https://else.example/l.xml",
        "",
        "User-agent: a",
        "License: https://journal.example/license.xml",
        "License: https://else.example/a.xml",
        "Content-Signal: ai-train=no",
        "Disallow: /x",
        "Allow: /",
        "",
        "User-agent: *",
        "Allow: /",
        "",
        "Sitemap: https://journal.example/a.xml",
        "Sitemap: https://journal.example/b.xml",
    ]


@settings(deadline=None)
@given(
    st.binary(max_size=400)
    | st.text(alphabet="User-agent: *\nDisallow/\r#<$%\x00\u2028é", max_size=200).map(str.encode)
)
def test_no_octets_raise(make, octets):
    assert isinstance(parse_robots(octets), Robots)
    merged = merge_robots(octets, make.published(robots=[(["GPTBot"], ["/a"])]))
    assert not Protego.parse(merged.decode()).can_fetch(f"{HOST}/a", "GPTBot")
    assert merge_robots(merged, make.published(robots=[(["GPTBot"], ["/a"])])) == merged


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=60))
def test_nothing_the_policy_says_becomes_a_line(make, token, host, note):
    """Whatever a reader takes for a line end: `splitlines` knows most of them."""
    evil = f"{token}\nDisallow: /\x0bDisallow: /\u2028User-agent: *\rDisallow: /"
    terms = make.published(robots=[([evil], ["/a"])], origin=f"https://{host}\nDisallow: /")
    plain = lines(merge_robots(None, make.published(robots=[(["token"], ["/a"])]), site_note="x"))
    told = lines(merge_robots(None, terms, site_note=f"{note}x\nDisallow: /"))
    assert len(told) <= len(plain)
    assert [line for line in told if line.startswith("Disallow")] in (
        [line for line in plain if line.startswith("Disallow")],
        [],
    )


def test_a_file_of_any_size_is_read_to_the_last_whole_line(make):
    rules = b"".join(b"Disallow: /%06d/x\n" % number for number in range(40_000))
    read = parse_robots(b"User-agent: *\n" + rules)
    count = len(read.groups[0].rules)
    assert len(b"User-agent: *\n") + count * len(b"Disallow: /000000/x\n") <= MOST_OCTETS
    assert all(len(rule.pattern) == len("/000000/x") for rule in read.groups[0].rules)
    assert parse_robots(b"x" * (MOST_OCTETS + 1)) == Robots()


def test_a_large_file_does_not_push_everybody_elses_group_out_of_reach(make):
    rules = b"".join(b"Disallow: /%06d/x\n" % number for number in range(15_000))
    tokens = [(f"Bot{chr(65 + number)}x", []) for number in range(5)]
    said = [([token], paths) for token, paths in tokens]
    merged = merge_robots(b"User-agent: *\n" + rules, make.published(robots=said))
    assert len(merged) < MOST_OCTETS
    assert not parse_robots(merged).allows("BotAx", "/000001/x")


def test_many_tokens_do_not_take_forever(make):
    origin = b"".join(b"User-agent: bot-%d\nDisallow: /%d\n" % (number, number) for number in range(9_000))
    merged = parse_robots(merge_robots(origin, make.published(robots=[(["GPTBot"], ["/a"])])))
    assert not merged.allows("bot-8999", "/8999") and not merged.allows("GPTBot", "/a")


def real_files(shared_data):
    return sorted([*shared_data.glob("rsl/*robots.txt"), *shared_data.glob("terms/*robots.txt")])


def test_real_files_keep_their_meaning(make, shared_data):
    refused = PathScope("/members")
    terms = make.published(robots=[(["GPTBot", "FreshBot"], [refused.pattern])])
    seen = 0
    for file in real_files(shared_data):
        origin = file.read_bytes()
        merged = merge_robots(origin, terms)
        before, after = Protego.parse(origin.decode("utf-8-sig")), Protego.parse(merged.decode())
        read = parse_robots(origin)
        tokens = {token for group in read.groups for token in group.tokens} | {
            "GPTBot",
            "FreshBot",
            "Stranger",
        }
        patterns = {
            rule.pattern.rstrip("$").replace("*", "x") for group in read.groups for rule in group.rules
        }
        for token, path in product(tokens, patterns | {"/", "/members/1", "/admin", "/robots.txt.old"}):
            if not path.startswith("/"):
                continue
            # Half of the readers do not know a token with a version; the merged file has none.
            versioned = f"{token}/".lower() in origin.decode().lower()
            allowed = read.allows(token, path) if versioned else before.can_fetch(HOST + path, token)
            if token in {"GPTBot", "FreshBot"}:
                allowed = allowed and not refused.covers(path)
            assert after.can_fetch(HOST + path, token) is allowed, (file.name, token, path)
        assert merge_robots(merged, terms) == merged, file.name
        assert set(before.sitemaps) == set(after.sitemaps)
        seen += 1
    assert seen >= 20


@pytest.mark.parametrize(
    "origin", [None, b"User-agent: CCBot\nAllow: /\n\nUser-agent: *\nDisallow: /drafts/\n"]
)
def test_a_honeypot_is_closed_to_everybody(make, origin):
    terms = replace(make.published(robots=[(["GPTBot"], ["/a"])]), honeypot="/k7w2m9qd4tzx")
    merged = merge_robots(origin, terms)
    robots = parse_robots(merged)
    for token in ("GPTBot", "CCBot", "Stranger"):
        assert not robots.allows(token, "/k7w2m9qd4tzx")
        assert not Protego.parse(merged.decode()).can_fetch(HOST + "/k7w2m9qd4tzx", token)
        assert robots.allows(token, "/b")
    assert merge_robots(merged, terms) == merged


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["Content-Usage", "Content-Signal", "License", "Crawl-delay", "X"]),
    st.text(max_size=80)
    | st.text(alphabet="/a* \t\x0b\x0c\x1c\x85\u2028=yn,;#:Disalow", max_size=80).map("train-ai=n {}".format),
)
def test_no_line_of_the_site_becomes_another(make, name, value):
    """Whatever stands behind a name, the rules are those without it, and every line is of a kind that was there."""
    origin = "User-agent: *\n{}Disallow: /a\n\nUser-agent: GPTBot\n{}Disallow: /b\n"
    line = f"{name}: " + re.sub("[\r\n]", " ", value) + "\n"
    terms = make.published(
        make.scope("/a", free={Use.AI_TRAIN}), make.scope("/"), robots=[(["CCBot"], ["/c"])]
    )
    with_it = merge_robots(origin.format(line, line).encode("utf-8", "surrogatepass"), terms)
    without = merge_robots(origin.format("", "").encode(), terms)
    told = parse_robots(with_it)
    assert [(group.tokens, group.rules) for group in told.groups] == [
        (group.tokens, group.rules) for group in parse_robots(without).groups
    ]
    kinds = {each.partition(":")[0] for each in with_it.decode().splitlines() if each and each[0] != "#"}
    assert kinds <= {"User-agent", "Allow", "Disallow", "License", "Content-Usage", "Content-Signal", name}
