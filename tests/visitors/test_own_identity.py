from __future__ import annotations

import pytest

from gateway.evidence import NOTHING
from gateway.keys.key_ring import KeyRing
from gateway.visitors.key_directory import proven_keys, read_directory
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.signature_agent import WELL_KNOWN, read_agent
from gateway.visitors.signatures import Signatures


@pytest.fixture
def ring(tmp_path, clock):
    return KeyRing.create(tmp_path / "identity", "EdDSA", clock=clock)


def test_our_directory_proves_the_key_that_signs(ring, signing) -> None:
    found = OwnIdentity(ring).directory("https://journal.example", signing.NOW)
    agent = read_agent("https://journal.example")
    directory = read_directory(found.body, agent)
    assert directory.keys.keys() == {key.thumbprint for key in ring.public}
    headers = tuple((name.lower(), value) for name, value in found.headers.items())
    assert headers[0] == ("content-type", "application/http-message-signatures-directory+json")
    proven = proven_keys(directory, agent.directory, headers, found.body, signing.NOW)
    assert proven == {ring.current.public.thumbprint}
    elsewhere = agent.directory.replace("journal", "other")
    assert proven_keys(directory, elsewhere, headers, found.body, signing.NOW) == frozenset()
    assert b'"d"' not in found.body


def test_our_requests_are_what_our_own_judge_calls_verified(ring, signing) -> None:
    identity = OwnIdentity(ring, "https://journal.example")
    target = "/keys.json?a=b"
    headers = identity.request_headers(f"https://bot.example{target}", signing.NOW)
    agent = read_agent(f"https://journal.example{WELL_KNOWN}")
    directory = read_directory(identity.directory("https://journal.example", signing.NOW).body, agent)

    class Keys:
        def at_hand(self, asked, keyid):
            return directory if asked == agent else None

    lines = tuple((name.lower(), value) for name, value in headers.items())
    draft = signing.Draft(signing.Signer(), origin="https://bot.example", target=target)
    found = Signatures(Keys(), known=lambda _: True).finding(draft.ask(headers=lines), NOTHING)
    assert (found.outcome, found.form, found.agent) == ("verified", "dictionary", "https://journal.example")
    again = identity.request_headers(f"https://bot.example{target}", signing.NOW)
    assert again["Signature"] != headers["Signature"], "each has a nonce of its own"


def test_without_a_name_nothing_is_signed(ring, signing) -> None:
    assert OwnIdentity(ring).request_headers("https://bot.example/", signing.NOW) == {}


@pytest.fixture
def origin_ring(tmp_path, clock):
    return KeyRing.create(tmp_path / "origin", "EdDSA", clock=clock)


def _judged(identity, published, signing, draft, told):
    """What a verifier at the origin finds, of the request as the origin gets it."""
    agent = read_agent("https://journal.example")
    directory = read_directory(published.directory("https://journal.example", signing.NOW).body, agent)

    class Keys:
        def at_hand(self, asked, keyid):
            return directory if asked == agent else None

    ask = draft.ask(headers=tuple(draft.lines())[: 1 + len(draft.headers)] + told)
    return Signatures(Keys(), known=lambda _: True).finding(ask, NOTHING)


def test_a_site_can_tell_what_came_through_here(ring, origin_ring, signing) -> None:
    identity = OwnIdentity(origin_ring, "https://journal.example")
    published = OwnIdentity(ring, "https://journal.example", also=(origin_ring,))
    draft = signing.Draft(signing.Signer(), target="/essays/tides?a=%20b", headers=[("user-agent", "curl/8")])
    plain = draft.ask(headers=tuple(draft.lines())[:2])
    told = identity.origin_headers(plain)
    assert [name for name, _ in told] == ["signature-agent", "signature-input", "signature"]
    found = _judged(identity, published, signing, draft, told)
    assert (found.outcome, found.form, found.agent) == ("verified", "dictionary", "https://journal.example")
    found = _judged(identity, published, signing, signing.Draft(signing.Signer(), target="/other"), told)
    assert found.reasons[1] == "sig_invalid:signature"


def test_both_rings_prove_their_keys(ring, origin_ring, signing) -> None:
    found = OwnIdentity(ring, also=(origin_ring,)).directory("https://journal.example", signing.NOW)
    agent = read_agent("https://journal.example")
    headers = tuple((name.lower(), value) for name, value in found.headers.items())
    directory = read_directory(found.body, agent)
    assert len(directory.keys) == 4
    proven = proven_keys(directory, agent.directory, headers, found.body, signing.NOW)
    assert proven == {each.current.public.thumbprint for each in (ring, origin_ring)}


def test_the_signature_of_a_client_stands_beside_ours(origin_ring, signing) -> None:
    identity = OwnIdentity(origin_ring, "https://journal.example")
    for label, ours in (("sig1", "licet"), ("licet", "licet2")):
        ask = signing.Draft(signing.Signer(), label=label).ask()
        told = dict(identity.origin_headers(ask))
        assert told["signature-input"].startswith(f"{ours}=(")
        assert "signature-agent" not in told, "the client's own would have two meanings"


def test_a_target_that_cannot_be_signed_is_not_signed(origin_ring, signing) -> None:
    identity = OwnIdentity(origin_ring, "https://journal.example")
    ask = signing.Draft(signing.Signer()).ask(target="/a|b", headers=(("host", "journal.example"),))
    assert identity.origin_headers(ask) == ()
