"""Write the golden vectors beside this file: `python tests/vectors/generate.py`.

No clock, no dice: keys are fixed and known to everybody, and ECDSA takes its
nonces from the message (RFC 6979). A test notices when a file is stale. Whoever
writes a client in another language may use the files as they are.

`tokens.json` has, for each text, what a gateway at second ``now`` with the keys
``jwks`` answers: ``outcome`` is ``claims`` or a problem code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.canonical import canonical_bytes
from gateway.keys.key_set import KeySet, encode_base64url
from gateway.keys.signing_key import SigningKey
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import PAGE, Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use

NOW = 1_795_000_000
AUDIENCE = "https://journal.example"
ISSUER = f"{AUDIENCE}/.licet"
OTHER = "https://gazette.example"

#: Worth nothing: everybody can read them here.
ES256_KEY = SigningKey.of(ec.derive_private_key(0x11CE7 * 2**128 + 1, ec.SECP256R1()))
EDDSA_KEY = SigningKey.of(
    ed25519.Ed25519PrivateKey.from_private_bytes(b"licet test key, known to all....".ljust(32))
)
STRANGER = SigningKey.of(ec.derive_private_key(0x57A6E * 2**128 + 1, ec.SECP256R1()))
KEYS = KeySet([ES256_KEY.public, EDDSA_KEY.public])

CLAIMS = Claims(
    issuer=ISSUER,
    audience=AUDIENCE,
    client="client-1",
    token_id="019c2f5e-7a00-7000-8000-000000000001",
    issued_at=NOW - 60,
    not_before=NOW - 60,
    expires_at=NOW + 3540,
    license="019c2f5e-7a00-7000-8000-0000000000aa",
    licensee="Example AI",
    scopes=(PathScope("/essays/"), PathScope("/videos/*.vtt")),
    renditions=(PAGE, "transcript"),
    uses=frozenset({Use.AI_INPUT, Use.SEARCH}),
    territory=Territory(frozenset({"EU", "US"})),
    crawlers=frozenset({"ExampleBot"}),
    budget=Budget(micros=5_000_000, fetches=1000),
    price=Money(4_000, "USD"),
    terms="sha-256:" + "0" * 64,
    policy="sha-256:" + "1" * 64,
)

Signer = Callable[[bytes], bytes]


def octets_of(part: object) -> bytes:
    """JSON of a value; text and octets as they are."""
    if isinstance(part, bytes):
        return part
    return part.encode("utf-8", "surrogatepass") if isinstance(part, str) else canonical_bytes(part)


def by(key: SigningKey) -> Signer:
    """Sign as *key* would, the same octets every time."""

    def sign(message: bytes) -> bytes:
        if isinstance(key.key, ed25519.Ed25519PrivateKey):
            return key.key.sign(message)
        der = key.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def as_hmac(secret: bytes) -> Signer:
    """Sign with HMAC, as a verifier that lets the header choose would check."""
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


def constantly(signature: bytes) -> Signer:
    """Sign with the same octets whatever the message."""
    return lambda message: signature


def other_half(message: bytes) -> bytes:
    """The negative of the good signature: ``n - s`` for ``s``."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    good = by(ES256_KEY)(message)
    return good[:32] + (order - int.from_bytes(good[32:], "big")).to_bytes(32, "big")


def header(key: SigningKey = ES256_KEY, **changes: object) -> dict[str, object]:
    """The header the profile has, with *changes*; None takes a member out."""
    members = {"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt", **changes}
    return {name: value for name, value in members.items() if value is not None}


def payload(**changes: object) -> dict[str, object]:
    """The claims set with *changes*; None takes a member out."""
    return {name: value for name, value in {**CLAIMS.as_json(), **changes}.items() if value is not None}


def detail(**changes: object) -> dict[str, object]:
    """The claims set with *changes* in its one authorization detail; None stays null."""
    return payload(authorization_details=[{**CLAIMS.detail(), **changes}])


def text(head: object = None, body: object = None, signer: Signer | None = None) -> str:
    """A compact text of any header and payload; by default the good one."""
    first = encode_base64url(octets_of(header() if head is None else head))
    second = encode_base64url(octets_of(payload() if body is None else body))
    signature = (signer or by(ES256_KEY))(f"{first}.{second}".encode())
    return f"{first}.{second}.{encode_base64url(signature)}"


def raw_claim(name: str, literal: str) -> bytes:
    """The claims set with the value of one member spelled as *literal*."""
    return canonical_bytes(payload(**{name: "HERE"})).replace(b'"HERE"', literal.encode())


GOOD = text()
#: The thumbprint of a key (RFC 9449, figure 10), and the uses of the good token as a scope.
KEY = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
SCOPE = "ai-input search"
FIRST, SECOND, THIRD = GOOD.split(".")

#: name, outcome, what it guards, text
Vector = tuple[str, str, str, str]


def good_tokens() -> Iterator[Vector]:
    """What must be taken."""
    yield "es256", "claims", "the default", GOOD
    yield "eddsa", "claims", "the other algorithm", text(header(EDDSA_KEY), signer=by(EDDSA_KEY))
    yield "high-s", "claims", "RFC 7518 takes both halves; count by jti", text(signer=other_half)
    spaced = json.dumps(dict(reversed(payload().items())), indent=1)
    yield "spaced payload", "claims", "the payload's spelling is the signer's", text(body=spaced)
    wide = detail(territory=None, budget={"micros": None, "fetches": None}, crawlers=[])
    yield "null is unlimited", "claims", "null stands where the profile has it", text(body=wide)
    yield "expired within leeway", "claims", "clocks differ", text(body=payload(exp=NOW - 29))
    yield "issued within leeway", "claims", "clocks differ", text(body=payload(iat=NOW + 30, nbf=NOW + 30))
    yield (
        "bound",
        "claims",
        "RFC 9449, 6.1: whoever shows it proves the key",
        text(body=payload(cnf={"jkt": KEY})),
    )
    yield "scoped", "claims", "RFC 9068, 2.2.3: the same as its privileges", text(body=payload(scope=SCOPE))


def algorithm_attacks() -> Iterator[Vector]:
    """Whoever lets the text choose how it is checked has lost."""
    for name in ("none", "None", "nOnE", "HS256", "RS256", "ES384", "es256", "EdDSA", "", "ES256 "):
        yield f"alg {name!r}", "token-invalid", "the key has one algorithm", text(header(alg=name))
    yield "alg missing", "token-invalid", "the key has one algorithm", text(header(alg=None))
    yield "alg null", "token-invalid", "members are texts", text('{"alg":null,"kid":"a","typ":"at+jwt"}')
    for name in ("none", "None", "nOnE"):
        unsigned = f"{encode_base64url(octets_of(header(alg=name)))}.{SECOND}"
        yield f"alg {name} unsigned", "token-invalid", "RFC 8725, 3.2", unsigned + "."
        yield f"alg {name} two segments", "token-invalid", "RFC 8725, 3.2", unsigned
    key = ES256_KEY.public.key
    secrets = {
        "PEM": key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "DER": key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "JWK": canonical_bytes(ES256_KEY.public.as_jwk()),
        "JWKS": canonical_bytes(KEYS.jwks()),
        "raw": ES256_KEY.public.raw,
        "empty": b"",
    }
    for form, secret in secrets.items():
        yield (
            f"HS256 with our {form}",
            "token-invalid",
            "RFC 8725, 2.1",
            text(header(alg="HS256"), signer=as_hmac(secret)),
        )
        yield f"HMAC as ES256 {form}", "token-invalid", "RFC 8725, 2.1", text(signer=as_hmac(secret))
    yield (
        "eddsa header, es256 key",
        "token-invalid",
        "the key has one algorithm",
        text(header(alg="EdDSA"), signer=by(EDDSA_KEY)),
    )
    crossed = text(header(kid=EDDSA_KEY.kid))
    yield "es256 header, eddsa kid", "token-invalid", "the key has one algorithm", crossed


def header_attacks() -> Iterator[Vector]:
    """No member of a header may name a key, a place or a transformation."""
    extra = {
        "jwk": STRANGER.public.as_jwk(),
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "cty": "JWT",
        "enc": "A128GCM",
        "nonce": "1",
        "": "1",
    }
    for name, value in extra.items():
        signer = by(STRANGER) if name in {"jwk", "jku", "x5u", "x5c"} else by(ES256_KEY)
        yield (
            f"header {name!r}",
            "token-invalid",
            "alg, kid and typ alone",
            text({**header(), name: value}, signer=signer),
        )
    for member in ("jku", "x5u"):
        inward = {**header(), member: "http://169.254.169.254/latest/meta-data/"}
        yield (
            f"header {member} inward",
            "token-invalid",
            "nothing is ever fetched",
            text(inward, signer=by(STRANGER)),
        )
    for name, value in {
        "path": "../../../../dev/null",
        "query": "x' UNION SELECT 'key';--",
        "NUL": ES256_KEY.kid + "\0",
        "blank": ES256_KEY.kid + " ",
        "unknown": STRANGER.kid,
        "empty": "",
        "number": 1,
        "list": [ES256_KEY.kid],
        "10 KB": "k" * 10_240,
        "300": "k" * 300,
    }.items():
        yield f"kid {name}", "token-invalid", "a kid is looked up and nothing else", text(header(kid=value))
    yield "kid missing", "token-invalid", "one key, named", text(header(kid=None))
    for value in ("JWT", "at+JWT", "application/at+jwt", "dpop+jwt", "", None, "at+jwt ", 1):
        yield f"typ {value!r}", "token-invalid", "RFC 8725, 3.11", text(header(typ=value))
    yield (
        "alg twice",
        "token-invalid",
        "one reading",
        text(octets_of(header()).replace(b"{", b'{"alg":"none",')),
    )
    yield "kid twice", "token-invalid", "one reading", text(octets_of(header()).replace(b"}", b',"kid":"x"}'))
    for name, raw in {"list": b"[]", "text": b'"x"', "broken": b'{"alg":', "deep": b"[" * 900}.items():
        yield f"header is {name}", "token-invalid", "one JSON object", text(raw)


def form_attacks() -> Iterator[Vector]:
    """A token has one spelling."""
    bad = {
        "empty": "",
        "dots": "..",
        "one segment": FIRST,
        "signature stripped": f"{FIRST}.{SECOND}",
        "signature empty": f"{FIRST}.{SECOND}.",
        "payload empty": f"{FIRST}..{THIRD}",
        "header empty": f".{SECOND}.{THIRD}",
        "signature padded": GOOD + "==",
        "payload padded": f"{FIRST}.{SECOND}=.{THIRD}",
        "newline after": GOOD + "\n",
        "blank before": " " + GOOD,
        "blank inside": f"{FIRST}. {SECOND}.{THIRD}",
        "NUL after": GOOD + "\0",
        "standard alphabet": f"{FIRST}.{SECOND}.{THIRD[:-2]}+/",
        "fullwidth": GOOD[:-1] + "\uff21",
        "stray bits": GOOD[:-1] + ("B" if THIRD[-1] == "A" else "R" if THIRD[-1] == "Q" else "h" if THIRD[-1] == "g" else "x"),
        "a character short": GOOD[:-1],
        "a character more": GOOD + "A",
        "four segments": GOOD + ".AAAA",
        "encrypted": f"{FIRST}.AAAA.{SECOND}.AAAA.{THIRD}",
        "JSON form": json.dumps({"payload": SECOND, "protected": FIRST, "signature": THIRD}),
        "two tokens": f"{GOOD}, {GOOD}",
        "8 KiB": text(body=payload(sub="s" * 6_000)),
        "4097 characters": f"{FIRST}.{SECOND}.{'A' * (4095 - len(FIRST) - len(SECOND))}",
    }  # fmt: skip
    for name, token in bad.items():
        yield f"form: {name}", "token-invalid", "one spelling, one length", token
    nested = text(header(cty="JWT"), GOOD)
    yield "nested", "token-invalid", "a token is not a token's payload", nested
    yield "nested without cty", "token-invalid", "a payload is one object", text(body=GOOD)


def signature_attacks() -> Iterator[Vector]:
    """Octets that are no signature of this text by this key."""
    wide = ec.derive_private_key(7, ec.SECP384R1())
    signers = {
        "stranger": by(STRANGER),
        "zero": constantly(bytes(64)),
        "r zero": constantly(bytes(32) + b"\x01" * 32),
        "all ones": constantly(b"\xff" * 64),
        "short": constantly(b"\x01" * 63),
        "long": constantly(b"\x01" * 65),
        "DER": lambda m: ES256_KEY.key.sign(m, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)),
        "wrong curve": lambda m: wide.sign(m, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)),
        "SHA-512": lambda m: by_hash(m),
    }
    for name, signer in signers.items():
        yield f"signature: {name}", "token-invalid", "made by the key it names", text(signer=signer)
    yield "signature of another token", "token-invalid", "it is over this text", text(
        body=payload(jti="019c2f5e-7a00-7000-8000-000000000002"), signer=constantly(by(ES256_KEY)(f"{FIRST}.{SECOND}".encode()))
    )  # fmt: skip
    for name, raw in {"zero": bytes(64), "small order": b"\x01" + bytes(63), "short": bytes(32)}.items():
        yield f"Ed25519 {name}", "token-invalid", "RFC 8032", text(header(EDDSA_KEY), signer=constantly(raw))


def by_hash(message: bytes) -> bytes:
    """The right key over the wrong hash."""
    r, s = decode_dss_signature(
        ES256_KEY.key.sign(message, ec.ECDSA(hashes.SHA512(), deterministic_signing=True))
    )
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def claim_attacks() -> Iterator[Vector]:
    """Signed by our own key, and still not what the profile says."""
    for name in CLAIMS.as_json():
        yield f"{name} missing", "token-invalid", "nothing is optional", text(body=payload(**{name: None}))
        twice = canonical_bytes(payload())[:-1] + f',"{name}":"x"}}'.encode()
        yield f"{name} twice", "token-invalid", "one reading", text(body=twice)
    for literal in (
        f'"{NOW + 60}"',
        f"{NOW + 60}.0",
        "true",
        "-1",
        "1e400",
        "NaN",
        "Infinity",
        "1" * 400,
        "[]",
        "null",
    ):
        yield f"exp {literal[:12]}", "token-invalid", "whole seconds", text(body=raw_claim("exp", literal))
        yield f"iat {literal[:12]}", "token-invalid", "whole seconds", text(body=raw_claim("iat", literal))
    extra = {**payload(), "scope": "everything"}
    yield "unknown claim", "token-invalid", "unknown means no", text(body=extra)
    yield (
        "cnf",
        "token-invalid",
        "a binding that is not checked means no",
        text(body={**payload(), "cnf": {"jkt": "x"}}),
    )
    for name in CLAIMS.detail():
        short = {key: value for key, value in CLAIMS.detail().items() if key != name}
        yield (
            f"detail without {name}",
            "token-invalid",
            "nothing is optional",
            text(body=payload(authorization_details=[short])),
        )
    changes: list[dict[str, object]] = [
        {"version": 2}, {"version": True}, {"type": "content_licence"}, {"privileges": ["everything"]},
        {"privileges": []}, {"privileges": "ai-input"}, {"locations": []}, {"locations": ["essays"]},
        {"locations": ["/essays/../"]}, {"locations": "/"}, {"territory": ["eu"]}, {"territory": []},
        {"budget": {"micros": -1, "fetches": None}}, {"budget": {"micros": None}}, {"budget": None},
        {"price": {"micros": 1, "currency": "usd", "per": "fetch"}}, {"price": None}, {"crawlers": None},
        {"price": {"micros": 1, "currency": "USD", "per": "item"}}, {"exclusive": True}, {"license": ""},
    ]  # fmt: skip
    for change in changes:
        yield f"detail {json.dumps(change)}", "token-invalid", "unknown means no", text(body=detail(**change))
    for name, value in {"none": [], "two": [CLAIMS.detail()] * 2, "an object": CLAIMS.detail()}.items():
        yield (
            f"details: {name}",
            "token-invalid",
            "exactly one",
            text(body=payload(authorization_details=value)),
        )
    yield "sub and client_id differ", "token-invalid", "RFC 9068, 2.2", text(body=payload(sub="someone else"))
    surrogate = canonical_bytes(payload()).replace(b'"client-1"', b'"\\ud800"')
    yield "lone surrogate", "token-invalid", "one reading", text(body=surrogate)
    yield (
        "UTF-16 payload",
        "token-invalid",
        "UTF-8",
        text(body=canonical_bytes(payload()).decode().encode("utf-16")),
    )
    yield (
        "BOM before payload",
        "token-invalid",
        "UTF-8 without a mark",
        text(body=b"\xef\xbb\xbf" + canonical_bytes(payload())),
    )
    for depth in (10, 300):
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        yield f"payload {depth} deep", "token-invalid", "bounded depth", text(body=nested)


def binding_attacks() -> Iterator[Vector]:
    """Bindings and scopes that are none."""
    keys = {
        "empty": {}, "text": KEY, "list": [{"jkt": KEY}], "padded": {"jkt": KEY + "="}, "short": {"jkt": KEY[:-1]},
        "second spelling": {"jkt": KEY[:-1] + "J"}, "number": {"jkt": 1}, "jwk": {"jwk": {"kty": "EC"}},
        "two": {"jkt": KEY, "x5t#S256": KEY}, "null": {"jkt": None},
    }  # fmt: skip
    for name, value in keys.items():
        yield (
            f"cnf {name}",
            "token-invalid",
            "a binding that is not read binds nothing",
            text(body=payload(cnf=value)),
        )
    for scope in ("", "search", "search ai-input", SCOPE + " ", SCOPE.split(), SCOPE.upper()):
        yield (
            f"scope {scope!r}",
            "token-invalid",
            "scope and privileges agree",
            text(body=payload(scope=scope)),
        )


def address_attacks() -> Iterator[Vector]:
    """Genuine, and for somebody else."""
    for name, value in {
        "tenant": OTHER,
        "longer": AUDIENCE + ".evil.example",
        "shorter": AUDIENCE[:-1],
        "slash": AUDIENCE + "/",
        "path": AUDIENCE + "/essays/",
        "case": AUDIENCE.upper(),
        "scheme": AUDIENCE.replace("https", "http"),
        "port": AUDIENCE + ":443",
        "issuer": ISSUER,
    }.items():
        yield f"aud {name}", "token-other-site", "compared whole", text(body=payload(aud=value))
    yield "aud list", "token-invalid", "one text", text(body=payload(aud=[AUDIENCE]))
    yield "aud list of two", "token-invalid", "one text", text(body=payload(aud=[AUDIENCE, OTHER]))
    yield "aud empty", "token-invalid", "one text", text(body=payload(aud=""))
    for name, value in {
        "prefix": ISSUER[:-1],
        "longer": ISSUER + "/",
        "site": AUDIENCE,
        "case": ISSUER.upper(),
    }.items():
        yield f"iss {name}", "token-invalid", "compared whole", text(body=payload(iss=value))
    yield (
        "iss of a tenant",
        "token-invalid",
        "the desk of this site",
        text(body=payload(iss=OTHER + "/.licet")),
    )
    away = payload(aud=OTHER, iss=OTHER + "/.licet")
    yield "another tenant's token", "token-other-site", "one key ring, two sites", text(body=away)
    staging = payload(aud="https://staging.journal.example", iss="https://staging.journal.example/.licet")
    yield (
        "sibling environment",
        "token-other-site",
        "another gateway",
        text(header(STRANGER), staging, by(STRANGER)),
    )
    yield (
        "sibling, our names",
        "token-invalid",
        "another gateway",
        text(header(STRANGER), signer=by(STRANGER)),
    )


def time_attacks() -> Iterator[Vector]:
    """Genuine, and not now."""
    yield "expired at the edge", "token-expired", "leeway ends", text(body=payload(exp=NOW - 30))
    yield (
        "expired",
        "token-expired",
        "its term",
        text(body=payload(iat=NOW - 7200, nbf=NOW - 7200, exp=NOW - 3600)),
    )
    yield "nbf beyond leeway", "token-expired", "its term", text(body=payload(nbf=NOW + 31))
    yield "nbf far away", "token-expired", "its term", text(body=payload(nbf=10**15))
    yield (
        "iat beyond leeway",
        "token-invalid",
        "nobody signs later",
        text(body=payload(iat=NOW + 31, nbf=NOW)),
    )
    yield "lives 24 h and a second", "token-invalid", "short-lived", text(body=payload(exp=NOW - 60 + 86_401))
    yield "ends before it begins", "token-invalid", "a life", text(body=payload(exp=NOW - 60))
    yield "eternal", "token-invalid", "short-lived", text(body=payload(exp=10**15))
    yield (
        "expired forgery",
        "token-invalid",
        "a forgery tells no time",
        text(body=payload(exp=NOW - 50), signer=by(STRANGER)),
    )


def tokens() -> dict[str, object]:
    """Everything in `tokens.json`."""
    families = (
        good_tokens, algorithm_attacks, header_attacks, form_attacks, signature_attacks,
        claim_attacks, binding_attacks, address_attacks, time_attacks,
    )  # fmt: skip
    listed = [
        {"name": name, "outcome": outcome, "guards": guards, "token": token}
        for family in families
        for name, outcome, guards, token in family()
    ]
    return {"now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "jwks": KEYS.jwks(), "vectors": listed}


FILES: dict[str, Callable[[], object]] = {"tokens.json": tokens}


def written(name: str) -> str:
    """What the file *name* must hold."""
    return json.dumps(FILES[name](), indent=1) + "\n"


if __name__ == "__main__":
    for name in FILES:
        (Path(__file__).parent / name).write_text(written(name), encoding="ascii")
        print(f"wrote {name}", file=sys.stderr)
