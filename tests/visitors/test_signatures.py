from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.evidence import NOTHING, Evidence, Needs
from gateway.visitors.key_directory import KeyDirectory, NoDirectory, WantedKey, read_directory
from gateway.visitors.signature_agent import SignatureAgent, read_agent
from gateway.visitors.signatures import KIND, SignatureFinding, Signatures

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "web_bot_auth.json").read_text())


class AtHand:
    """Directories by agent, and what was asked for."""

    def __init__(self, directories=()) -> None:
        self.directories = dict(directories)
        self.asked = []

    def at_hand(self, agent: SignatureAgent, keyid: str):
        self.asked.append((agent.url, keyid))
        return self.directories.get(agent.url)


@pytest.fixture(scope="module")
def signer(signing):
    return signing.Signer()


@pytest.fixture(scope="module")
def judge(signing, signer):
    """`judge(ask)`: the finding, with the signer's keys at hand as its agent's."""

    def found(
        ask: Ask, *, signers=(signer,), proven=True, known=True, evidence=NOTHING, directory=None, **kept
    ):
        agent = read_agent(signing.AGENT)
        read = directory or read_directory(signing.jwks(*signers), agent)
        if proven and isinstance(read, KeyDirectory):
            read = KeyDirectory(read.agent, read.keys, frozenset(read.keys), read.pinned, read.stale)
        judge = Signatures(AtHand({signing.AGENT: read}), known=lambda _: known, **kept)
        return judge.finding(ask, evidence)

    return found


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512"])
@pytest.mark.parametrize("form", ["dictionary", "whole", "string", "bare"])
def test_every_form_and_algorithm_verifies(signing, judge, algorithm, form) -> None:
    one = signing.Signer.of(algorithm)
    draft = signing.Draft(one, form=form, parameters={"alg": algorithm, "nonce": "n"})
    found = judge(draft.ask(), signers=(one,))
    assert found == SignatureFinding(
        "verified", signing.AGENT, form, (f"sig_form:{form}", "sig_valid"), one.keyid
    )


@pytest.mark.parametrize("vector", VECTORS[1:], ids=lambda vector: vector["name"])
def test_vectors_of_the_draft(vector) -> None:
    agent = read_agent("https://signature-agent.test")
    keys = AtHand({agent.url: read_directory(json.dumps({"keys": [vector["key"]]}).encode(), agent)})
    ask = Ask(
        id="0197f0c0-0000-7000-8000-000000000001", asked_at_us=vector["at"] * 1_000_000, site="s",
        origin="https://example.com", method="GET", target="/path/to/resource", path="/path/to/resource",
        headers=tuple((name, value) for name, value in vector["headers"]),
    )  # fmt: skip
    lenient = Signatures(keys, known=lambda _: True, longest=10**10, test_keys=True)
    found = lenient.finding(ask, NOTHING)
    if vector["finding"] == "agent_absent":
        assert found.reasons == ("sig_unverified:agent_absent",)
    else:
        assert (found.outcome, found.form) == ("verified", vector["finding"])
        strict = Signatures(keys, known=lambda _: True, longest=10**10).finding(ask, NOTHING)
        assert strict.reasons[-1] == "sig_invalid:test_key"


def test_an_unsigned_request_and_other_profiles_are_none_of_ours(signing, judge, signer) -> None:
    plain = signing.Draft(signer)
    lines = [line for line in plain.lines() if not line[0].startswith("signature")]
    assert judge(plain.ask(headers=tuple(lines))) is None
    # Fediverse servers sign by an older draft, with a header of the same name.
    older = (
        *lines,
        ("signature", 'keyId="https://a.example/#main-key",headers="host date",signature="AAAA"'),
    )
    assert judge(plain.ask(headers=older)) is None
    other = signing.Draft(signer, parameters={"tag": "another-app"})
    assert judge(other.ask()) is None
    broken = (*lines, ("signature-input", "sig1=("), ("signature", "sig1=:AA==:"))
    assert judge(plain.ask(headers=broken)) is None


#: Bent drafts, and what each must be called: outcome and word. Section 9 of the negative vectors, and ours.
BENT = {
    "target not covered": ({"covered": ['"@method"', '"@path"']}, "invalid", "target_not_covered"),
    "nothing covered": ({"covered": []}, "invalid", "target_not_covered"),
    "expired": ({"parameters": {"created": -300, "expires": -10}}, "invalid", "expired"),
    "clock ahead": ({"parameters": {"created": 60, "expires": 120}}, "invalid", "created_in_future"),
    "created missing": ({"without": ("created",)}, "invalid", "created_missing"),
    "expires missing": ({"without": ("expires",)}, "invalid", "expires_missing"),
    "expires first": ({"parameters": {"expires": -20}}, "invalid", "expires_before_created"),
    "lives for days": ({"parameters": {"expires": 90_000}}, "invalid", "lifetime"),
    "key id missing": ({"without": ("keyid",)}, "invalid", "keyid_missing"),
    "algorithm unknown": ({"parameters": {"alg": "hmac-sha256"}}, "invalid", "algorithm"),
    "algorithm of JOSE": ({"parameters": {"alg": "EdDSA"}}, "invalid", "algorithm"),
    "algorithm of another key": ({"parameters": {"alg": "ecdsa-p256-sha256"}}, "invalid", "algorithm_mismatch"),
    "agent absent": ({"sends_agent": False, "names_agent": False}, "unverified", "agent_absent"),
    "agent covered and absent": ({"sends_agent": False}, "invalid", "component_missing"),
    "agent not covered": ({"names_agent": False}, "invalid", "agent_not_covered"),
    "agent without TLS": ({"agent": "http://bot.example"}, "unverified", "agent_not_https"),
    "agent no origin": ({"agent": "https://bot.example/k.json", "form": "string"}, "unverified", "agent_not_origin"),
    "agent with user": ({"agent": "https://a@bot.example"}, "invalid", "agent_unparsable"),
    "agent with fragment": ({"agent": "https://bot.example/#k"}, "invalid", "agent_unparsable"),
    "component twice": ({"covered": ['"@authority"', '"@authority"']}, "invalid", "component_duplicate"),
    "component of responses": ({"covered": ['"@authority"', '"@status"']}, "invalid", "component_unknown"),
    "digest of no such body": (
        {"covered": ['"@authority"', '"content-digest"'], "headers": [("content-digest", "sha-256=:AAAA:")]}, "invalid", "content_digest",
    ),
    "digest that is none": (
        {"covered": ['"@authority"', '"content-digest"'], "headers": [("content-digest", "none")]}, "invalid", "content_digest",
    ),
    "header not sent": ({"covered": ['"@authority"', '"date"']}, "invalid", "component_missing"),
    "key of a stranger": ({"parameters": {"keyid": "A" * 43}}, "unverified", "key_unknown"),
    "price not covered": ({"headers": [("crawler-max-price", "USD 1")]}, "unverified", "uncovered_credential"),
    "license not covered": ({"headers": [("authorization", "License t")]}, "unverified", "uncovered_credential"),
    "payment not covered": ({"headers": [("payment-signature", "e30=")]}, "unverified", "uncovered_credential"),
}  # fmt: skip


@pytest.mark.parametrize("name", BENT)
def test_bent_requests_are_refused_by_their_name(signing, judge, signer, name) -> None:
    members, outcome, word = BENT[name]
    members = dict(members)
    parameters = {
        key: signing.NOW + value if isinstance(value, int) else value
        for key, value in members.pop("parameters", {}).items()
    }
    found = judge(signing.Draft(signer, parameters=parameters, **members).ask())
    assert found.outcome == outcome
    assert f"sig_{outcome}:{word}" in found.reasons


def test_a_covered_price_verifies(signing, judge, signer) -> None:
    headers = [("crawler-max-price", "USD 1"), ("authorization", "License t")]
    covered = ['"@authority"', '"crawler-max-price"', '"authorization"']
    assert judge(signing.Draft(signer, headers=headers, covered=covered).ask()).outcome == "verified"
    basic = signing.Draft(signer, headers=[("authorization", "Basic YTpi")])
    assert judge(basic.ask()).outcome == "verified", "a password of the site is no business of ours"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"method": "HEAD"}, "signature"),
        ({"target": "/essays/other?page=2"}, "signature"),
        ({"origin": "https://other.example"}, "signature"),
        ({"origin": "https://journal.example:8443"}, "signature"),
        ({"target": "/essays/tides?page=3"}, ""),
    ],
)
def test_what_is_covered_cannot_change(signing, judge, signer, changed, word) -> None:
    found = judge(signing.Draft(signer).ask(**changed))
    assert found.reasons[1] == (f"sig_invalid:{word}" if word else "sig_valid")
    assert found.contradicts is bool(word)


def test_the_host_is_ours_and_not_what_a_header_says(signing, judge, signer) -> None:
    """A signature for another host does not become one for ours because a header names that host."""
    draft = signing.Draft(
        signer, origin="https://other.example", headers=[("x-forwarded-host", "other.example")]
    )
    assert judge(draft.ask(origin="https://journal.example")).reasons[1] == "sig_invalid:signature"
    upper = signing.Draft(signer, origin="https://JOURNAL.example")
    assert judge(upper.ask(origin="https://journal.example")).reasons[1] == "sig_invalid:signature"


@pytest.mark.parametrize(
    "covered", [['"@target-uri"'], ['"@authority"', '"@query"', '"@scheme"', '"@request-target"'], ['"@authority"', '"user-agent"']]
)  # fmt: skip
@pytest.mark.parametrize("target", ["/", "/a?", "/a?b=c&d", "/%C3%A9"])
def test_other_coverage_verifies(signing, judge, signer, covered, target) -> None:
    draft = signing.Draft(
        signer, covered=covered, target=target, headers=[("user-agent", "Bot/1"), ("accept", "*/*")]
    )
    assert judge(draft.ask()).outcome == "verified"


def test_two_signatures_are_never_resolved_by_their_order(signing, judge, signer) -> None:
    first, second = signing.Draft(signer).lines(), signing.Draft(signer, label="sig2").lines()
    both = signing.Draft(signer).ask(headers=tuple(first + second[-2:]))
    assert judge(both).reasons == ("sig_invalid:ambiguous",)
    other = signing.Draft(signer, label="sig2", parameters={"tag": "another-app"}).lines()
    beside = signing.Draft(signer).ask(headers=tuple(first + other[-2:]))
    assert judge(beside).outcome == "verified"


def test_two_agents_on_one_request_are_not_judged(signing, judge, signer) -> None:
    lines = signing.Draft(signer).lines()
    said = dict(lines)
    header = 'sig1="https://bot.example", sig2="https://cdn.example"'
    inputs = said["signature-input"] + ", " + said["signature-input"].replace("sig1", "sig2")
    values = said["signature"] + ", " + said["signature"].replace("sig1", "sig2")
    changed = {"signature-agent": header, "signature-input": inputs, "signature": values}
    ask = signing.Draft(signer).ask(headers=tuple({**said, **changed}.items()))
    assert judge(ask).reasons == ("sig_unverified:several_signatures",)


def test_the_key_of_one_agent_is_no_proof_for_another(signing, signer) -> None:
    """Found by key id alone, the key of any site would make its owner anybody."""
    victim = read_directory(signing.jwks(signing.Signer()), read_agent("https://victim.example"))
    own = read_directory(signing.jwks(signer), read_agent(signing.AGENT))
    judge = Signatures(AtHand({"https://victim.example": victim, signing.AGENT: own}), known=lambda _: True)
    found = judge.finding(signing.Draft(signer, agent="https://victim.example").ask(), NOTHING)
    assert found.reasons[1] == "sig_unverified:key_unknown"
    assert (found.agent, found.contradicts) == ("https://victim.example", False)


def test_what_weakens_a_proof_is_said(signing, judge, signer) -> None:
    ask = signing.Draft(signer).ask()
    agent = read_agent(signing.AGENT)
    keys = read_directory(signing.jwks(signer), agent).keys
    assert judge(ask, proven=False).reasons[2:] == ("sig_directory_unsigned",)
    assert judge(ask, known=False).reasons[2:] == ("sig_unknown_directory",)
    stale = KeyDirectory(agent.url, keys, frozenset(keys), stale=True)
    assert judge(ask, directory=stale).reasons[2:] == ("sig_directory_stale",)
    pinned = KeyDirectory(agent.url, keys, pinned=True)
    assert judge(ask, directory=pinned, proven=False).reasons[2:] == ("sig_directory_pinned",)
    broken = judge(ask, directory=NoDirectory("directory_timeout"))
    assert (broken.outcome, broken.reasons[1]) == ("unverified", "sig_unverified:directory_timeout")


def test_a_key_out_of_its_term_does_not_verify(signing, judge, signer) -> None:
    agent = read_agent(signing.AGENT)
    for term in ({"nbf": signing.NOW + 1}, {"exp": signing.NOW}):
        body = json.dumps({"keys": [{**signer.jwk, **term}]}).encode()
        found = judge(signing.Draft(signer).ask(), directory=read_directory(body, agent))
        assert found.reasons[1] == "sig_unverified:key_out_of_term"


def test_keys_that_are_not_at_hand_are_needed_once(signing, signer) -> None:
    agent = read_agent(signing.AGENT)
    at_hand = AtHand()
    judge = Signatures(at_hand, known=lambda _: True)
    ask = signing.Draft(signer).ask()
    needs = judge.finding(ask, NOTHING)
    assert isinstance(needs, Needs)
    (need,) = needs.wants
    assert (need.kind, need.key, need.about) == (KIND, agent.directory, WantedKey(agent, signer.keyid))
    directory = read_directory(signing.jwks(signer), agent)
    assert judge.finding(ask, NOTHING.with_facts([(need, directory)])).outcome == "verified"
    for lost in (None, NoDirectory("directory_timeout"), object()):
        found = judge.finding(ask, Evidence({(KIND, agent.directory): lost}))
        assert found.outcome == "unverified"
    assert at_hand.asked == [(signing.AGENT, signer.keyid)] * 2


def test_the_key_that_signed_is_told_where_the_keys_at_hand_say_so_and_nowhere_else(signing, signer) -> None:
    directory = read_directory(signing.jwks(signer), read_agent(signing.AGENT))
    judge = Signatures(AtHand({signing.AGENT: directory}), known=lambda _: True)
    ask = signing.Draft(signer).ask()
    assert judge.proven(ask) == signer.keyid
    assert judge.proven(replace(ask, method="POST")) == ""
    assert judge.proven(replace(ask, asked_at_us=ask.asked_at_us + 10**12)) == "", "it has lapsed"
    assert judge.proven(replace(ask, headers=())) == ""
    assert Signatures(AtHand(), known=lambda _: True).proven(ask) == "", "its keys are not at hand"


def test_a_bad_request_makes_nobody_fetch_anything(signing, signer) -> None:
    at_hand = AtHand()
    judge = Signatures(at_hand, known=lambda _: True)
    for members, _, word in BENT.values():
        if word in {"key_unknown", "algorithm_mismatch"}:
            continue
        members = dict(members)
        given_ = members.pop("parameters", {})
        parameters = {k: signing.NOW + v if isinstance(v, int) else v for k, v in given_.items()}
        assert not isinstance(
            judge.finding(signing.Draft(signer, parameters=parameters, **members).ask(), NOTHING), Needs
        )
    assert at_hand.asked == []


def test_a_mark_is_one_for_each_signature(signing, signer) -> None:
    other = signing.Signer()
    directory = read_directory(signing.jwks(signer, other), read_agent(signing.AGENT))
    judge = Signatures(AtHand({signing.AGENT: directory}), known=lambda _: True)

    def mark(draft, **changed):
        ask = draft.ask(**changed)
        judge.finding(ask, NOTHING)
        return judge.mark(ask)

    one = signing.Draft(signer, parameters={"nonce": "a"})
    first, until = mark(one)
    assert until == signing.NOW + 290 + 5
    again = signing.Draft(signer, parameters={"nonce": "a"}, target="/other")
    assert mark(again) == (first, until), "the nonce is what must be single"
    assert mark(signing.Draft(signer, parameters={"nonce": "b"}))[0] != first
    assert mark(signing.Draft(other, parameters={"nonce": "a"}))[0] != first
    bare = signing.Draft(signer)
    assert mark(bare)[0] != mark(signing.Draft(signer, parameters={"created": signing.NOW - 9}))[0]
    assert mark(bare, headers=()) is None
    assert mark(bare, method="HEAD") is None, "a signature that does not hold marks nothing"
    assert mark(signing.Draft(signer, names_agent=False)) is None
    assert judge.mark(bare.ask()) is None, "nobody has looked yet"


def _mutate(
    lines: list[tuple[str, str]], which: int, at: int, how: int, char: str
) -> tuple[tuple[str, str], ...]:
    name, value = lines[which]
    at %= max(len(value), 1)
    bent = [
        value[:at] + value[at + 1 :],
        value[:at] + char + value[at + 1 :],
        value[:at] + char + value[at:],
    ][how]
    return (*lines[:which], (name, bent), *lines[which + 1 :])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(
    form=st.sampled_from(["dictionary", "whole", "string", "bare"]),
    which=st.integers(-3, -1),
    at=st.integers(0, 400),
    how=st.integers(0, 2),
    char=st.sampled_from([chr(n) for n in range(32, 127)]),
)
def test_no_mutation_of_a_signed_header_verifies(signing, judge, signer, form, which, at, how, char) -> None:
    """A changed header either says the same to every reader of it, or does not verify, with a reason."""
    draft = signing.Draft(signer, form=form, parameters={"nonce": "abc", "alg": "ed25519"})
    lines = draft.lines()
    bent = _mutate(lines, len(lines) + which, at, how, char)
    found = judge(draft.ask(headers=bent))
    if found is None:  # the tag is gone: signed for something else
        assert (
            "web-bot-auth" not in dict(bent)["signature-input"]
            or 'tag="web-bot-auth"' not in dict(bent)["signature-input"]
        )
        return
    if isinstance(found, Needs):  # another agent: its keys are not these
        return
    if found.outcome == "verified":
        assert _same(dict(lines), dict(bent))
    else:
        assert any(reason.startswith(f"sig_{found.outcome}:") for reason in found.reasons)


def _same(before: dict[str, str], after: dict[str, str]) -> bool:
    """Whether the bent headers say what the signed ones say: white space, a label, or the spelling of an agent."""
    import http_sf

    def read(fields):
        # The label is not signed, nor is how a domain is spelled while the header's own octets are.
        (inputs,) = http_sf.parse(fields["signature-input"].encode(), tltype="dictionary").values()
        (values,) = http_sf.parse(fields["signature"].encode(), tltype="dictionary").values()
        return inputs, values

    return read(before) == read(after)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(octets=st.binary(min_size=64, max_size=64))
def test_no_other_octets_are_a_signature(signing, judge, signer, octets) -> None:
    lines = signing.Draft(signer).lines()
    forged = (*lines[:-1], ("signature", f"sig1=:{base64.b64encode(octets).decode()}:"))
    assert judge(signing.Draft(signer).ask(headers=forged)).reasons[1] == "sig_invalid:signature"


@given(st.lists(st.tuples(st.sampled_from(["signature-input", "signature", "signature-agent", "authorization"]), st.text(max_size=80)), max_size=6))  # fmt: skip
def test_no_headers_make_it_raise(headers) -> None:
    judge = Signatures(AtHand(), known=lambda _: False)
    ask = Ask("i", 1_000_000, "s", "https://a.example", "GET", "/", "/", headers=tuple(headers))
    found = judge.finding(ask, NOTHING)
    assert isinstance(found, SignatureFinding | Needs | None)
    assert not (isinstance(found, SignatureFinding) and found.outcome == "verified"), "no key is at hand"
    assert judge.mark(ask) is None, "what was not found to hold is no mark"


def test_a_covered_digest_is_of_the_empty_body_or_of_one_that_is_not_read_here(
    signing, judge, signer
) -> None:
    empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    covered = ['"@authority"', '"@method"', '"content-digest"']
    for lines in (
        [("content-digest", empty)],
        [("content-digest", empty), ("content-length", "0")],
        [("content-digest", "sha-256=:AAAA:"), ("content-length", "10")],
    ):
        draft = signing.Draft(signer, covered=covered, headers=lines)
        assert judge(draft.ask()).outcome == "verified", lines
