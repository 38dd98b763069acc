"""Our tokens and key sets read by other people's libraries, and what those sign read by us: PyPI joserfc, npm jose."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from gateway.app import Licet
from gateway.cli.books import add_licensee
from gateway.config import read_config
from gateway.desk.assertions import ASSERTION_TYPE
from gateway.keys.key_ring import KeyRing
from gateway.licenses.license import Standing

#: joserfc warns of the older name of Ed25519 signatures (RFC 9864), which more clients read than the newer.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "enforce"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.answers]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["answers"] }}
"""

VERIFY = """
import * as jose from "jose";
const job = JSON.parse(process.argv[2]);
const keys = jose.createRemoteJWKSet(new URL(job.jwks));
const options = { issuer: job.issuer, audience: job.audience, typ: "at+jwt", algorithms: ["ES256", "EdDSA"],
  requiredClaims: ["exp", "iat", "nbf", "jti", "sub", "client_id", "authorization_details"] };
const good = await jose.jwtVerify(job.token, keys, options);
const refused = [];
for (const [name, token] of Object.entries(job.bad)) {
  try { await jose.jwtVerify(token, keys, options); } catch { refused.push(name); }
}
const published = await (await fetch(job.jwks)).json();
const thumbprints = await Promise.all(published.keys.map((key) => jose.calculateJwkThumbprint(key)));
console.log(JSON.stringify({ payload: good.payload, header: good.protectedHeader, refused, thumbprints,
  kids: published.keys.map((key) => key.kid) }));
"""

SIGN = """
import * as jose from "jose";
const job = JSON.parse(process.argv[2]);
const { publicKey, privateKey } = await jose.generateKeyPair(job.alg, { extractable: true });
const jwk = { ...(await jose.exportJWK(publicKey)), alg: job.alg };
const registered = await (await fetch(`${job.issuer}/register`, { method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ client_name: "jose", token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } }) })).json();
const proof = await new jose.SignJWT({ htm: "POST", htu: `${job.issuer}/token`, jti: crypto.randomUUID() })
  .setProtectedHeader({ alg: job.alg, typ: "dpop+jwt", jwk: await jose.exportJWK(publicKey) }).setIssuedAt().sign(privateKey);
const login = await new jose.SignJWT({}).setProtectedHeader({ alg: job.alg }).setIssuer(registered.client_id)
  .setSubject(registered.client_id).setAudience(job.issuer).setIssuedAt().setExpirationTime("1m").setJti(crypto.randomUUID())
  .sign(privateKey);
console.log(JSON.stringify({ licensee: registered.licensee, proof, login,
  thumbprint: await jose.calculateJwkThumbprint(jwk) }));
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """A gateway with its desk, two keys of which one signs no more, and `buy(login, **form)`."""
    (tmp_path / "sites").mkdir()
    tmp_path.chmod(0o700)
    (tmp_path / "licet.toml").write_text(
        "[listen]\nport = 0\n[dashboard]\nenabled = false\n[store]\nreserve_mb = 1\n"
    )

    async def page(_: web.BaseRequest) -> web.Response:
        return web.Response(text="words")

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    (tmp_path / "sites" / "journal.toml").write_text(POLICY.format(origin=origin))
    licet = Licet(read_config(tmp_path))
    one = SimpleNamespace(url=(await licet.start()).front, licet=licet, http=aiohttp.ClientSession())
    one.issuer = f"{one.url}/.licet"

    async def buy(headers: dict[str, str], **form: str) -> dict[str, Any]:
        fields = {"grant_type": "client_credentials", "resource": "/essays/", **form}
        async with one.http.post(f"{one.issuer}/token", data=fields, headers=headers) as answer:
            found: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status == 200, found
            return found

    one.buy = buy
    yield one
    await one.http.close()
    await licet.stop(1)
    await runner.cleanup()


async def sold(desk: SimpleNamespace) -> str:
    made = await add_licensee(desk.licet.register, "Example AI Labs", now=int(time.time()))
    header = aiohttp.encode_basic_auth(made.client.id, made.secret)
    return (await desk.buy({"Authorization": header}, scope="ai-input"))["access_token"]


async def jwks_of(desk: SimpleNamespace) -> dict[str, Any]:
    async with desk.http.get(f"{desk.issuer}/jwks.json") as answer:
        return await answer.json()


def forged(token: str) -> dict[str, str]:
    """What no library may take."""
    head, body, signature = token.split(".")
    return {
        "signature": f"{head}.{body}.{'A' * len(signature)}",
        "payload": f"{head}.{body[:-4]}AAAA.{signature}",
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.",
    }


async def test_joserfc_reads_our_tokens_and_our_keys(desk, interop) -> None:
    token, published = await sold(desk), await jwks_of(desk)
    keys = KeySet.import_key_set(published)
    read = jwt.decode(token, keys, algorithms=["ES256", "EdDSA"])
    assert read.header["typ"] == "at+jwt"
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": desk.issuer}, aud={"essential": True, "value": desk.url},
        exp={"essential": True}, nbf={"essential": True}, jti={"essential": True}, sub={"essential": True},
        scope={"essential": True, "value": "ai-input"},
    )  # fmt: skip
    registry.validate(read.claims)
    assert read.claims["authorization_details"][0]["offer"] == "answers"
    for key in keys.keys:
        assert key.thumbprint() == key.kid
    for name, text in forged(token).items():
        with pytest.raises(Exception) as refused:
            jwt.decode(text, keys, algorithms=["ES256", "EdDSA"])
        assert name != "signature" or isinstance(refused.value, BadSignatureError)
    interop(
        "PyPI joserfc", version("joserfc"), "read our token by our JWKS", f"{read.header['alg']}, no forgery"
    )


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_joserfc_reads_what_either_of_our_algorithms_signs(tmp_path, clock, algorithm) -> None:
    from gateway.keys.jws import sign

    ring = KeyRing.create(tmp_path / "ring", algorithm, clock=clock)
    text = sign(b'{"a":1}', ring.current, "x+jws")
    read = jws.deserialize_compact(text, KeySet.import_key_set(ring.public.jwks()), algorithms=[algorithm])
    assert read.payload == b'{"a":1}'


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"])
async def test_what_joserfc_signs_logs_in_and_binds(desk, algorithm, interop) -> None:
    made = {
        "ES256": lambda: ECKey.generate_key("P-256"),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
        "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    }.get(algorithm, lambda: RSAKey.generate_key(2048))()
    public = {**made.as_dict(private=False), "alg": algorithm}
    metadata = {
        "client_name": "joserfc",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public]},
    }
    async with desk.http.post(f"{desk.issuer}/register", json=metadata) as answer:
        client = await answer.json()
        assert answer.status == 201, client
    await desk.licet.register.set_standing(client["licensee"], Standing.ACTIVE, int(time.time()))
    now, name = int(time.time()), client["client_id"]
    claims = {"iss": name, "sub": name, "aud": desk.issuer, "exp": now + 60, "iat": now, "jti": "1"}
    login = jwt.encode({"alg": algorithm, "typ": "JWT"}, claims, made, algorithms=[algorithm])
    shown = {k: v for k, v in public.items() if k in {"kty", "crv", "x", "y", "n", "e"}}
    proof = jwt.encode(
        {"alg": algorithm, "typ": "dpop+jwt", "jwk": shown},
        {"htm": "POST", "htu": f"{desk.issuer}/token", "iat": now, "jti": "2"}, made, algorithms=[algorithm],
    )  # fmt: skip
    body = await desk.buy({"DPoP": proof}, client_assertion=login, client_assertion_type=ASSERTION_TYPE)
    assert body["token_type"] == "DPoP"
    read = jwt.decode(body["access_token"], KeySet.import_key_set(await jwks_of(desk)), algorithms=["ES256"])
    assert read.claims["cnf"] == {"jkt": made.thumbprint()}
    interop("PyPI joserfc", version("joserfc"), f"sign a login and a proof by {algorithm}", "DPoP token")


@pytest.fixture(scope="module")
def jose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with npm jose and the two scripts, or a skip that says why not."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm and node are absent (apt install npm)")
    folder = tmp_path_factory.mktemp("jose")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "jose"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm jose could not be installed: {done.stderr[-300:]}")
    (folder / "verify.mjs").write_text(VERIFY)
    (folder / "sign.mjs").write_text(SIGN)
    return folder


async def run(script: Path, job: dict[str, Any]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        "node", str(script), json.dumps(job), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found


async def test_npm_jose_reads_our_tokens_and_our_keys(desk, jose, interop) -> None:
    token = await sold(desk)
    job = {
        "token": token, "jwks": f"{desk.issuer}/jwks.json", "issuer": desk.issuer, "audience": desk.url, "bad": forged(token),
    }  # fmt: skip
    found = await run(jose / "verify.mjs", job)
    assert found["payload"]["authorization_details"][0]["type"] == "content_license"
    assert found["header"]["typ"] == "at+jwt"
    assert found["refused"] == list(job["bad"])
    assert found["thumbprints"] == found["kids"]
    interop("npm jose", _version(jose), "read our token by our JWKS", f"{found['header']['alg']}, no forgery")


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"])
async def test_what_npm_jose_signs_logs_in_and_binds(desk, jose, algorithm, interop) -> None:
    made = await run(jose / "sign.mjs", {"issuer": desk.issuer, "alg": algorithm})
    await desk.licet.register.set_standing(made["licensee"], Standing.ACTIVE, int(time.time()))
    body = await desk.buy(
        {"DPoP": made["proof"]}, client_assertion=made["login"], client_assertion_type=ASSERTION_TYPE
    )
    read = jwt.decode(body["access_token"], KeySet.import_key_set(await jwks_of(desk)), algorithms=["ES256"])
    assert (body["token_type"], read.claims["cnf"]) == ("DPoP", {"jkt": made["thumbprint"]})
    interop("npm jose", _version(jose), f"sign a login and a proof by {algorithm}", "DPoP token")


def _version(folder: Path) -> str:
    return str(json.loads((folder / "node_modules" / "jose" / "package.json").read_text())["version"])
