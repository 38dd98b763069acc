"""A signer of requests and directories that shares nothing with what verifies them but the curve.

The signature base is written here by hand (RFC 9421, section 2.5), one line a
component, so that a mistake of the library we verify with shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.ask import Ask

NOW = 1_795_600_000
AGENT = "https://bot.example"
WELL_KNOWN = "/.well-known/http-message-signatures-directory"

#: RFC 9421, appendix B.1.4: everybody has its private side.
TEST_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
TEST_ID = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """A key pair of one algorithm."""

    def __init__(self, key: Any = None) -> None:
        self.key = key or ed25519.Ed25519PrivateKey.generate()

    @classmethod
    def of(cls, algorithm: str) -> Signer:
        if algorithm == "ed25519":
            return cls()
        if algorithm == "ecdsa-p256-sha256":
            return cls(ec.generate_private_key(ec.SECP256R1()))
        return cls(rsa.generate_private_key(65537, 2048))

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.key.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64u(public.public_bytes_raw())}
        numbers = public.public_numbers()
        if isinstance(numbers, ec.EllipticCurvePublicNumbers):
            x, y = (b64u(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        return {"kty": "RSA", "n": b64u(numbers.n.to_bytes(256, "big")), "e": b64u(b"\x01\x00\x01")}

    @property
    def keyid(self) -> str:
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64u(hashlib.sha256(text.encode()).digest())

    @property
    def published(self) -> dict[str, Any]:
        return {**self.jwk, "kid": self.keyid, "use": "sig"}

    def sign(self, octets: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(octets)
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.key.sign(octets, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.key.sign(octets, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())


def jwks(*signers: Signer) -> bytes:
    return json.dumps({"keys": [each.published for each in signers]}).encode()


FORMS = {
    "dictionary": ('sig1="{agent}"', '"signature-agent";key="sig1"'),
    "whole": ('sig1="{agent}"', '"signature-agent"'),
    "string": ('"{agent}"', '"signature-agent"'),
    "bare": ("{agent}", '"signature-agent"'),
}


@dataclass
class Draft:
    """A request to sign; every member can be bent before `ask` signs it."""

    signer: Signer
    form: str = "dictionary"
    agent: str = AGENT
    method: str = "GET"
    origin: str = "https://journal.example"
    target: str = "/essays/tides?page=2"
    headers: list[tuple[str, str]] = field(default_factory=list)
    covered: list[str] = field(default_factory=lambda: ['"@authority"', '"@method"', '"@path"'])
    names_agent: bool = True
    sends_agent: bool = True
    label: str = "sig1"
    parameters: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def lines(self) -> list[tuple[str, str]]:
        """All header lines of the signed request."""
        template, component = FORMS[self.form]
        agent = template.format(agent=self.agent)
        sent = [("host", self.origin.partition("://")[2]), *self.headers]
        covered = [*self.covered, *([component] if self.names_agent else [])]
        if self.sends_agent:
            sent.append(("signature-agent", agent))
        said = {
            "created": NOW - 10,
            "expires": NOW + 290,
            "keyid": self.signer.keyid,
            "tag": "web-bot-auth",
            **self.parameters,
        }
        said = {name: value for name, value in said.items() if name not in self.without}
        written = "".join(f";{name}={_bare(value)}" for name, value in said.items())
        params = f"({' '.join(covered)}){written}"
        base = "\n".join(
            [f"{each}: {self._value(each, sent)}" for each in covered] + [f'"@signature-params": {params}']
        )
        octets = base64.b64encode(self.signer.sign(base.encode())).decode()
        return [
            *sent,
            ("signature-input", f"{self.label}={params}"),
            ("signature", f"{self.label}=:{octets}:"),
        ]

    def ask(self, **changed: Any) -> Ask:
        """The ask of it; *changed* are members that differ from what was signed."""
        members: dict[str, Any] = {
            "id": "0197f0c0-0000-7000-8000-000000000001", "asked_at_us": NOW * 1_000_000, "site": "journal",
            "origin": self.origin, "method": self.method, "target": self.target,
            "path": self.target.partition("?")[0], "query": self.target.partition("?")[2],
            "headers": tuple(self.lines()), "peer": "203.0.113.9", "address": "203.0.113.9",
        }  # fmt: skip
        return Ask(**{**members, **changed})

    def _value(self, component: str, sent: list[tuple[str, str]]) -> str:
        name = component.partition(";")[0].strip('"')
        path, _, query = self.target.partition("?")
        derived = {
            "@authority": self.origin.partition("://")[2], "@method": self.method, "@path": path,
            "@query": f"?{query}", "@target-uri": self.origin + self.target, "@scheme": "https",
            "@request-target": self.target,
        }  # fmt: skip
        if name in derived:
            return derived[name]
        if ";key=" in component:
            return f'"{self.agent}"'
        return ", ".join(value for key, value in sent if key == name)


def _bare(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def signed_directory(
    authority: str,
    body: bytes,
    *signers: Signer,
    created: int = NOW - 10,
    expires: int = NOW + 3600,
    req: bool = True,
) -> list[tuple[str, str]]:
    """Header lines of a directory's answer, with one signature for each of *signers*."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    inputs, values = [], []
    for number, signer in enumerate(signers):
        component = '"@authority";req' if req else '"content-type"'
        params = (
            f'({component} "content-digest");created={created};expires={expires};keyid="{signer.keyid}"'
            ';tag="http-message-signatures-directory"'
        )
        base = f'{component}: {authority}\n"content-digest": {digest}\n"@signature-params": {params}'
        inputs.append(f"b{number}={params}")
        values.append(f"b{number}=:{base64.b64encode(signer.sign(base.encode())).decode()}:")
    return [
        ("content-type", "application/http-message-signatures-directory+json"),
        ("content-digest", digest),
        ("signature-input", ", ".join(inputs)),
        ("signature", ", ".join(values)),
    ]
