"""Whether the gateway knows where its visitors come from."""

from __future__ import annotations

import json

import pytest

from gateway.app.checkup.visitors import client_addresses, leads_here

PEERS = [("93.184.216.34", "10.0.0.2"), ("93.184.216.35", "10.0.0.2")]


@pytest.mark.parametrize(
    ("latest", "proxies", "state", "said"),
    [
        ([], [], "ok", "no automated visitor"),
        ([("127.0.0.1", "")] * 4, [], "ok", "4 fetches so far, too few"),
        ([(f"10.0.0.{n}", "") for n in range(9)], [], "warn", "private addresses alone"),
        ([("127.0.0.1", "")] * 5, [], "warn", "all came from 127.0.0.1"),
        ([("10.0.0.2", "10.0.0.2")] * 9, ["loopback"], "warn", "all came from 10.0.0.2"),
        (PEERS, ["10.0.0.2"], "ok", "2 told by a trusted proxy"),
        ([("93.184.216.34", ""), ("1.1.1.1", "")] * 4, [], "ok", "2 addresses in the newest 8 fetches, each"),
        ([("not an address", ""), ("x", "")] * 4, [], "ok", "2 addresses in"),
    ],
)
def test_one_address_for_everybody_is_a_proxys(latest, proxies, state, said):
    found = client_addresses(latest, proxies)
    assert found.state == state
    assert said in found.fact


def test_the_step_names_the_setting():
    assert 'proxies = ["loopback"]' in client_addresses([("127.0.0.1", "")] * 5, []).step
    assert 'proxies = ["10.9.8.7"]' in client_addresses([("10.9.8.7", "")] * 5, []).step
    assert "trusted are loopback" in client_addresses([("10.9.8.7", "")] * 5, ["loopback"]).step


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (json.dumps({"keys": [{"kid": "other"}, {"kid": "ours"}]}).encode(), "public"),
        (json.dumps({"keys": [{"kid": "other"}]}).encode(), "way around"),
        (b"<html>", "way around"),
        (b"[]", "way around"),
        (b'{"keys": 1}', "way around"),
        (b'{"keys": [{}]}', "way around"),
        (b"\xff", "way around"),
    ],
)
def test_only_a_key_of_ours_shows_that_a_name_leads_here(body, what):
    assert leads_here("journal", "https://journal.example", "ours", body).what == what
