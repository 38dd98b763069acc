"""Which hosts and origins are ours. `test_routes` holds that every page asks."""

from __future__ import annotations

import pytest

from gateway.dashboard.guards import allowed_hosts, host_name, is_same_origin


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8403", "localhost"),
        ("127.0.0.1:8403", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:8403", "::1"),
        ("localhost:", "localhost"),
        ("localhost:99999", ""),
        ("localhost:x", ""),
        ("[::1", ""),
        ("a@localhost", ""),
        ("localhost/x", ""),
        ("localhost?", ""),
        ("localhost, evil.example", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


def test_any_address_is_no_name_of_ours():
    allowed = allowed_hosts(("0.0.0.0", "::", "", "Dash.Example", "[fd00::1]"))
    assert allowed == {"localhost", "127.0.0.1", "::1", "dash.example", "fd00::1"}


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://dash.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Origin": "http://dash.example"}, True),
        ({"Origin": "https://DASH.example"}, True),
        ({"Origin": "ftp://dash.example"}, False),
        ({"Origin": "http://dash.example:81"}, False),
        ({"Origin": "http://dash.example.evil"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_whether_a_changing_request_began_here(headers, ours):
    assert is_same_origin(headers | {"Host": "dash.example"}) is ours
