"""A wallet: what was kept is there again, a torn line spoils nothing, and a key is of one purchase."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client.logins import Secret
from gateway.client.refused import Refused
from gateway.client.wallet import Held, Lines, Wallet

AT = "https://journal.example"
LICENSE = Held(AT, "li_1", "training", "sha-256:1")


def test_what_was_kept_is_there_again(tmp_path):
    path = tmp_path / "deep" / "wallet"
    wallet = Wallet(path)
    wallet.registered(Secret(AT, "cl_1", "secret"))
    wallet.licensed(LICENSE)
    wallet.licensed(Held(AT, "li_2", "training", "sha-256:1"))
    wallet.licensed(LICENSE)
    wallet.used_up("li_2")
    wallet.talking(AT, "training", f"{AT}/.licet/negotiations/ne_1")
    key = wallet.begin("buy")
    again = Wallet(path)
    assert again.clients == {AT: Secret(AT, "cl_1", "secret")}
    assert again.held_at(AT) == (LICENSE,)
    assert again.talk(AT, "training").endswith("ne_1")
    assert again.begin("buy") == key
    again.done("buy")
    again.talked(AT, "training")
    last = Wallet(path)
    assert last.begin("buy") != key
    assert last.talk(AT, "training") == ""
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr(last.clients[AT])


def test_a_torn_line_is_not_read_and_spoils_no_other(tmp_path):
    path = tmp_path / "wallet"
    Wallet(path).licensed(LICENSE)
    path.write_bytes(path.read_bytes() + b'{"kind": "license", "orig')
    wallet = Wallet(path)
    assert wallet.held_at(AT) == (LICENSE,)
    other = Held(AT, "li_3", "", "sha-256:3")
    wallet.licensed(other)
    assert Wallet(path).held_at(AT) == (other, LICENSE)


def test_without_a_path_it_is_kept_in_memory():
    wallet = Wallet()
    assert wallet.begin("buy") == wallet.begin("buy") != wallet.begin("other")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_file_makes_it_raise(tmp_path_factory, octets):
    path = tmp_path_factory.mktemp("wallets") / "wallet"
    path.write_bytes(octets + b'\n[1]\n{"kind": 3}\n{"kind": "license", "origin": []}\n')
    wallet = Wallet(path)
    wallet.begin("buy")
    assert any(line.get("name") == "buy" for line in Lines(path).read())


json = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
members = st.sampled_from(["type", "title", "detail", "next_step", "error", "error_description", "error_uri"])


@given(st.dictionaries(members, json), st.integers(100, 599))
def test_whatever_a_server_says_is_told_as_one_line(body, status):
    refused = Refused.told(status, body, AT, "Reason")
    assert refused.code == refused.problem.rstrip("/").rpartition("/")[2]
    assert str(refused).isprintable()
    assert len(str(refused)) < 4000
