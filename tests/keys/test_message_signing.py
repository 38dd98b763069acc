"""What is signed here holds by the reader that judges crawlers, and bent octets do not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.keys.message_signing import LABEL, TAG, sign_message
from gateway.keys.signing_key import SigningKey
from gateway.visitors.message_signature import Fields, SignedRequest, flaw_in_proof, read_signatures

COVERED = ('"@authority"', '"@method"', '"@target-uri"', '"x-paid"')


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_signature_holds_for_its_request_and_for_no_other(algorithm):
    key = SigningKey.generate(algorithm)
    request = SimpleNamespace(
        method="POST", url="https://journal.example/.licet/token", headers={"X-Paid": "1"}
    )
    sign_message(request, key, COVERED, 1_800_000_000, 60, TAG)
    (signed,) = read_signatures(request.headers["Signature-Input"], request.headers["Signature"])
    assert (signed.label, signed.tag, signed.keyid) == (LABEL, TAG, key.public.thumbprint)
    assert (signed.created, signed.expires) == (1_800_000_000, 1_800_000_060)
    assert len(signed.nonce) >= 22

    def flaw(method="POST", url=request.url, paid="1"):
        path = url.removeprefix("https://journal.example")
        lines = [(name.lower(), value) for name, value in {**request.headers, "X-Paid": paid}.items()]
        message = SignedRequest(method, url, Fields(tuple(lines)), path)
        return flaw_in_proof(signed, message, signed.alg, key.public.key)

    assert flaw() == ""
    assert flaw(method="GET")
    assert flaw(url="https://journal.example/.licet/revoke")
    assert flaw(paid="2")


def test_each_request_has_a_nonce_of_its_own_and_a_directory_none():
    key = SigningKey.generate("EdDSA")
    nonces = set()
    for _ in range(3):
        request = SimpleNamespace(method="GET", url="https://journal.example/", headers={})
        sign_message(request, key, COVERED[:3], 1, 60, TAG)
        (signed,) = read_signatures(request.headers["Signature-Input"], request.headers["Signature"])
        nonces.add(signed.nonce)
    assert len(nonces) == 3
    answer = SimpleNamespace(
        method="GET", url="https://journal.example/", headers={"Content-Digest": f"sha-256=:{'A' * 43}=:"}
    )
    sign_message(answer, key, COVERED[:3], 1, 60, "http-message-signatures-directory")
    assert "nonce" not in answer.headers["Signature-Input"]
