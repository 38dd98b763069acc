"""DPoP proofs (RFC 9449): one test for each check of section 4.3, in its order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tokens.dpop import WINDOW_SECONDS, Proof, Proving, Unproven, read_proof
from gateway.tokens.nonces import Nonces

NOW = 1_795_000_000
URL = "https://journal.example/essays/tides"
TOKEN = "a.b.c"
#: RFC 9449, section 4.1, figure 1: a proof by another implementation, with its own moment.
RFC_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtI"
    "joiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


def for_page(**changes):
    return Proving(**({"method": "GET", "url": URL, "now": NOW, "token": TOKEN} | changes))


@pytest.fixture(scope="module", params=["ES256", "EdDSA", "PS256", "RS256"])
def holder(request, proving):
    return proving.Holder(request.param)


@pytest.fixture(scope="module")
def one(proving):
    return proving.Holder()


def test_the_proof_of_the_rfc_holds_at_its_moment():
    there = Proving("POST", "https://server.example.com/token", 1_562_262_616)
    found = read_proof([RFC_PROOF], there)
    assert isinstance(found, Proof)
    assert found.key == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "section 6.1, figure 10"


def test_a_good_proof_names_its_key_by_any_algorithm(holder):
    found = read_proof([holder.proof("GET", URL, NOW, token=TOKEN)], for_page())
    assert isinstance(found, Proof)
    assert found.key == holder.thumbprint
    assert found.until == NOW + WINDOW_SECONDS


def test_the_newer_name_of_ed25519(proving):
    holder = proving.Holder("EdDSA")
    text = holder.proof("GET", URL, NOW, token=TOKEN, header={"alg": "Ed25519"})
    assert isinstance(read_proof([text], for_page()), Proof)


def test_1_there_is_exactly_one_header(one):
    good = one.proof("GET", URL, NOW, token=TOKEN)
    assert read_proof([], for_page()) == Unproven("there is no DPoP header")
    assert isinstance(read_proof([good, good], for_page()), Unproven)
    assert isinstance(read_proof([f"{good}, {good}"], for_page()), Unproven)


@pytest.mark.parametrize("change", [lambda t: t + "=", lambda t: t[:-1], lambda t: t.rpartition(".")[0] + ".", lambda t: "", lambda t: t.replace(".", ".."), lambda t: t + ".x", lambda t: "x" * 9000])  # fmt: skip
def test_2_it_is_one_compact_jwt(one, change):
    assert isinstance(read_proof([change(one.proof("GET", URL, NOW, token=TOKEN))], for_page()), Unproven)


@pytest.mark.parametrize("claims", [{"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 257}, {"htm": None}, {"htm": ["GET"]}, {"htu": None}, {"htu": 1}, {"iat": None}, {"iat": "1"}, {"iat": True}, {"iat": float(NOW)}, {"ath": None}, {"ath": ""}, {"ath": 1}, {"nonce": 5}])  # fmt: skip
def test_3_every_claim_is_there_and_of_its_type(one, claims):
    text = one.proof("GET", URL, NOW, token=TOKEN, **claims)
    assert isinstance(read_proof([text], for_page()), Unproven)


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "at+jwt"}, {"typ": None}, {"typ": 1}, {"kid": "x"}, {"jku": "https://evil.example"}, {"crit": ["exp"]}, {"jwk": None}, {"jwk": "x"}, {"jwk": []}])  # fmt: skip
def test_4_the_header_is_that_of_a_proof(one, header):
    text = one.proof("GET", URL, NOW, token=TOKEN, header=header)
    assert isinstance(read_proof([text], for_page()), Unproven)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES384", "EdDSA", "RS256", "", "es256"])
def test_5_the_algorithm_is_ours_and_the_key_s(one, algorithm):
    text = one.proof("GET", URL, NOW, token=TOKEN, header={"alg": algorithm})
    assert isinstance(read_proof([text], for_page()), Unproven)


def test_5_a_symmetric_or_weak_key_is_none(one, proving):
    secret = {"kty": "oct", "k": "AAAA"}
    assert isinstance(
        read_proof(
            [one.proof("GET", URL, NOW, token=TOKEN, header={"alg": "HS256", "jwk": secret})], for_page()
        ),
        Unproven,
    )
    weak = proving.Holder("RS256", 1024)
    assert isinstance(read_proof([weak.proof("GET", URL, NOW, token=TOKEN)], for_page()), Unproven)


def test_6_the_signature_is_by_that_key(one, proving):
    other = proving.Holder()
    text = one.proof("GET", URL, NOW, token=TOKEN, header={"jwk": other.jwk})
    assert read_proof([text], for_page()) == Unproven("its signature was not made by its jwk")


@pytest.mark.parametrize("name", ["d", "k", "p", "oth"])
def test_7_a_key_with_a_secret_member_is_refused(one, name):
    text = one.proof("GET", URL, NOW, token=TOKEN, header={"jwk": {**one.jwk, name: "AAAA"}})
    assert isinstance(read_proof([text], for_page()), Unproven)


@pytest.mark.parametrize("method", ["POST", "get", "HEAD", ""])
def test_8_the_method_is_this_one(one, method):
    assert isinstance(read_proof([one.proof(method, URL, NOW, token=TOKEN)], for_page()), Unproven)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        (URL, True),
        ("HTTPS://Journal.Example/essays/tides", True),
        ("https://journal.example:443/essays/tides", True),
        ("https://journal.example/essays/%74ides", True),
        (URL + "?page=2", True),
        (URL + "#part", True),
        ("http://journal.example/essays/tides", False),
        ("https://journal.example:8443/essays/tides", False),
        ("https://journal.example/essays/tides/", False),
        ("https://journal.example/essays", False),
        ("https://journal.example.evil.example/essays/tides", False),
        ("https://user@journal.example/essays/tides", False),
        ("/essays/tides", False),
        ("https://[::1/essays", False),
        ("https://journal.example:99999/essays/tides", False),
        ("ftp://journal.example/essays/tides", False),
        ("", False),
    ],
)
def test_9_the_address_is_this_one_in_any_spelling(one, url, same):
    found = read_proof([one.proof("GET", url, NOW, token=TOKEN)], for_page(url=URL + "?asked=1"))
    assert isinstance(found, Proof) is same


def test_10_a_nonce_of_ours_where_one_is_wanted(one):
    nonces = Nonces(b"n" * 32)
    wanted = for_page(nonces=nonces, must=True)
    for claims in ({}, {"nonce": "x"}, {"nonce": Nonces(b"o" * 32).current(NOW)}):
        found = read_proof([one.proof("GET", URL, NOW, token=TOKEN, **claims)], wanted)
        assert found == Unproven("it does not hold a fresh nonce of ours", nonces.current(NOW))
    text = one.proof("GET", URL, NOW, token=TOKEN, nonce=nonces.current(NOW))
    assert isinstance(read_proof([text], wanted), Proof)
    assert isinstance(read_proof([text], for_page()), Proof), "one that nobody asked for harms nothing"


@pytest.mark.parametrize(("late", "good"), [(-61, False), (-60, True), (60, True), (61, False), (-(10**15), False)])  # fmt: skip
def test_11_it_is_fresh(one, late, good):
    found = read_proof([one.proof("GET", URL, NOW + late, token=TOKEN)], for_page())
    assert isinstance(found, Proof) is good


@pytest.mark.parametrize(("late", "good"), [(-3601, False), (-3600, True), (300, True), (3601, False)])
def test_11_a_nonce_stands_in_for_a_clock_that_is_wrong_and_is_offered(one, late, good):
    nonces = Nonces(b"n" * 32)
    there = for_page(nonces=nonces)
    bare = read_proof([one.proof("GET", URL, NOW + late, token=TOKEN)], there)
    assert bare == Unproven("its iat is more than 60 seconds from now", nonces.current(NOW))
    stale = one.proof("GET", URL, NOW, token=TOKEN, nonce="an old one")
    assert isinstance(read_proof([stale], there), Proof), "where none is wanted the clock is enough"
    held = read_proof([one.proof("GET", URL, NOW + late, token=TOKEN, nonce=nonces.current(NOW))], there)
    if good:
        assert held.until == max(NOW + 300, NOW + late + 60), "as long as the nonce or its moment may be good"
    else:
        assert held == Unproven("its iat is more than 3600 seconds from now")


def test_12_the_token_is_the_one_shown(one):
    text = one.proof("GET", URL, NOW, token="another")
    assert read_proof([text], for_page()) == Unproven("its ath is not of the token shown")
    assert isinstance(read_proof([text], for_page(token="")), Proof), "at the token endpoint there is none"


def test_the_mark_is_one_of_the_key_the_address_and_the_jti(one, proving):
    def mark(holder, url=URL, **claims):
        found = read_proof(
            [holder.proof("GET", url, NOW, token=TOKEN, **({"jti": "1"} | claims))], for_page(url=url)
        )
        assert isinstance(found, Proof)
        return found.mark

    marks = {mark(one), mark(one, jti="2"), mark(proving.Holder()), mark(one, URL + "/b")}
    assert len(marks) == 4
    assert mark(one, URL.replace("tides", "%74ides")) == mark(one)


@given(st.data())
@settings(max_examples=200)
def test_no_mutation_of_a_good_proof_holds_for_another_request(data):
    there = Proving("POST", "https://server.example.com/token", 1_562_262_616)
    at = data.draw(st.integers(0, len(RFC_PROOF) - 1))
    char = data.draw(st.characters())
    changed = RFC_PROOF[:at] + char + RFC_PROOF[at + 1 :]
    found = read_proof([changed], there)
    assert isinstance(found, Proof if changed == RFC_PROOF else Unproven)


@given(st.lists(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}")))
def test_no_header_raises(texts):
    assert isinstance(read_proof(texts, for_page()), Unproven)


def test_a_proof_of_a_clock_that_is_ahead_is_remembered_until_its_own_moment_is_past(one):
    nonces, ahead = Nonces(b"n" * 32), 3000
    text = one.proof("GET", URL, NOW + ahead, token=TOKEN, nonce=nonces.current(NOW))
    first = read_proof([text], for_page(nonces=nonces))
    for now in (NOW + ahead - 60, NOW + ahead, NOW + ahead + 60):
        again = read_proof([text], for_page(nonces=nonces, now=now))
        assert isinstance(again, Proof), "its moment has come, and no nonce is wanted"
        assert again.mark == first.mark
        assert first.until >= now, "so it is still known to have been used"


def test_what_a_proof_is_judged_by_does_not_tell_the_token():
    assert TOKEN not in repr(for_page())
