"""What `licet doctor` finds of ways around the gate."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.checkup.ways_around import leaks, listens_everywhere
from gateway.bundled import policies
from gateway.policy.reading import read_policy

WORDPRESS = b'<meta name="generator" content="WordPress 6.8" />'
GHOST = b'<meta name="generator" content="Ghost 6.0">'


def policy(name: str, **free):
    return replace(read_policy(policies("integrations", f"{name}.toml")), **free)


def at(found, origin: str):
    return replace(found, site=replace(found.site, origin=origin))


def told(found, home: bytes) -> list[tuple[str, str]]:
    return [(what, state) for what, state, _, _ in leaks(at(found, "http://site.example"), home)]


@pytest.mark.parametrize(("name", "home"), [("wordpress", WORDPRESS), ("ghost", GHOST)])
def test_the_policies_to_begin_with_leave_no_copy_open(name, home):
    assert told(policy(name), home) == [("copies", "ok")]


def test_a_path_that_opens_a_copy_is_named(tmp_path):
    for name, home, opened, copy in (
        ("ghost", GHOST, '"/ghost/assets/"', "/ghost/api/content/posts/"),
        ("wordpress", WORDPRESS, '"/wp-cron.php"', "/wp-json/wp/v2/posts"),
    ):
        text = policies("integrations", f"{name}.toml").read_text()
        wider = '"/ghost/"' if name == "ghost" else '"/wp-json/"'
        file = tmp_path / f"{name}.toml"
        file.write_text(text.replace(opened, wider, 1))
        [(what, state, fact, step)] = leaks(at(read_policy(file), "http://site.example"), home)
        assert (what, state) == ("copies", "warn")
        assert copy in fact
        assert f"{name}.toml" in step


def test_what_is_free_everywhere_and_what_nobody_made_leaks_nothing():
    assert told(policy("wordpress"), b"<h1>by hand</h1>") == []
    assert told(read_policy(policies("integrations", "ghost.toml")), b"") == []


def test_a_server_that_everybody_reaches_is_named():
    found = policy("ghost")
    assert [
        each[0] for each in leaks(at(found, "http://198.51.100.7:8000"), b"")
    ] == []  # a documentation address is not global
    assert [each[0] for each in leaks(at(found, "http://9.9.9.9:8000"), b"")] == ["way around"]
    for host, names in (("0.0.0.0", ["way around"]), ("127.0.0.1", [])):
        with socket.create_server((host, 0)) as server:
            port = server.getsockname()[1]
            assert [each[0] for each in leaks(at(found, f"http://127.0.0.1:{port}"), b"")] == names


def test_only_sockets_that_listen_on_every_address_count():
    lines = Path("/proc/net/tcp").read_text().splitlines() if Path("/proc/net/tcp").exists() else []
    assert not listens_everywhere([*lines[:1], "", "x"], 8000)
    assert not listens_everywhere(["  0: 0100007F:1F40 00000000:0000 0A 0"], 8000)
    assert not listens_everywhere(["  0: 00000000:1F40 00000000:0000 01 0"], 8000)
    assert not listens_everywhere(["  0: 00000000:1F41 00000000:0000 0A 0"], 8000)
    assert listens_everywhere([f"  0: {'0' * 32}:1F40 {'0' * 32}:0000 0A 0"], 8000)
