"""Other people's signers, and their forgeries, against a live gateway.

npm ``web-bot-auth`` and ``http-message-sig``, PyPI ``http-message-signatures``
sign requests that must verify. PyPI ``botgate`` bends one request in its own
thirteen ways; each must be refused, and with which reason is printed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Licet
from gateway.config import read_config
from gateway.evidence import Needs
from gateway.policy.reading import default_policy
from gateway.policy.rules import Mode
from gateway.visitors.visitor import PERSON, Identity, Visitor, VisitorClass

SIGN = """
import {{ webcrypto }} from "node:crypto";
const job = JSON.parse(process.argv[2]);
const created = new Date(job.created * 1000), expires = new Date((job.created + 60) * 1000);
let out;
if (job.library === "web-bot-auth") {{
  const {{ signatureHeaders }} = await import("web-bot-auth");
  const {{ signerFromJWK }} = await import("web-bot-auth/crypto");
  const request = new Request(job.url, {{ headers: {{ "Signature-Agent": job.agent }} }});
  out = await signatureHeaders(request, await signerFromJWK(job.jwk), {{ created, expires }});
}} else {{
  const {{ createSignature, component, webcrypto: wrapped }} = await import("http-message-sig");
  const key = await webcrypto.subtle.importKey("jwk", job.jwk, {{ name: "Ed25519" }}, false, ["sign"]);
  const fields = [{{ name: "signature-agent", value: job.agent }}, {{ name: "crawler-max-price", value: "USD 1" }}];
  const made = await createSignature(
    {{ kind: "request", method: "GET", targetUri: job.url, fields }},
    {{
      label: "sig1",
      components: ["@authority", "@method", "@path", component("signature-agent", {{ key: "sig1" }}), "crawler-max-price"],
      parameters: {{ created: job.created, expires: job.created + 60, keyid: job.keyid, tag: "web-bot-auth" }},
      signer: wrapped.signer(key),
    }},
  );
  out = {{ "Signature": made.signature, "Signature-Input": made.signatureInput, "Crawler-Max-Price": "USD 1" }};
}}
console.log(JSON.stringify({{ ...out, "Signature-Agent": job.agent }}));
""".replace("{{", "{").replace("}}", "}")


#: What botgate 0.4.3 bends, and the word by which each is refused.
MUTATIONS = {
    "original": "valid",
    "changed_method": "invalid:signature",
    "changed_path": "invalid:signature",
    "changed_query": "invalid:signature",
    "changed_authority": "invalid:signature",
    "corrupted_signature": "invalid:signature",
    "removed_signature_agent": "invalid:component_missing",
    "changed_signature_agent": "invalid:agent_unparsable",
    "expired": "invalid:expired",
    "future_created": "invalid:created_in_future",
    "long_expiration": "invalid:lifetime",
    "missing_expires": "invalid:expires_missing",
    "unknown_key": "unverified:key_unknown",
}


@pytest.fixture
async def gate(tmp_path: Path, certify, origin: str) -> AsyncIterator[SimpleNamespace]:
    """A gateway that answers 200 where a signature verifies and 402 where it does not; *found* is what it found."""
    certificate = certify("127.0.0.1")
    one = SimpleNamespace(keys=b"", found=[])

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=one.keys)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    place = f"127.0.0.1:{runner.addresses[0][1]}"
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "licet.toml").write_text(
        "[listen]\nport = 0\n[dashboard]\nport = 0\n[store]\nreserve_mb = 1\n"
        f'[signatures]\nexempt = ["{place}"]\nauthorities = "{certificate[0]}"\nlongest = 300\n'
    )
    policy = default_policy(origin, mode=Mode.ENFORCE, stance="search-free-training-paid")
    licet = Licet(read_config(data), policies=lambda: (policy,))
    one.url = (await licet.start()).front
    one.agent = f"https://{place}"
    one.http = aiohttp.ClientSession()
    front = licet.front
    forged = front.listener._gate.identify.__self__.catalog.by_name("GPTBot").crawler

    def identify(ask, evidence):
        finding = front.identification.signatures.finding(ask, evidence)
        if isinstance(finding, Needs):
            return finding
        one.found.append(finding)
        if finding is not None and finding.outcome == "verified":
            return PERSON
        return Visitor(VisitorClass.AI, forged, Identity.SPOOFED)

    object.__setattr__(front.listener._gate, "identify", identify)
    yield one
    await one.http.close()
    await licet.stop(1)
    await runner.cleanup()


async def _sent(gate: SimpleNamespace, headers: dict[str, str], path: str = "/essays/tides") -> int:
    async with gate.http.get(gate.url + path, headers=headers) as answer:
        await answer.read()
        return answer.status


@pytest.fixture(scope="module")
def npm_signers(tmp_path_factory) -> Path:
    """A script that signs with either npm library."""
    import shutil

    folder = tmp_path_factory.mktemp("npm")
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm and node are absent (apt install npm)")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "web-bot-auth", "http-message-sig"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"the signers could not be installed: {done.stderr[-300:]}")
    script = folder / "sign.mjs"
    script.write_text(SIGN)
    return script


@pytest.mark.parametrize(
    ("library", "template", "form"),
    [
        ("web-bot-auth", '"{agent}"', "string"),
        ("web-bot-auth", 'sig1="{agent}"', "whole"),
        ("http-message-sig", 'sig1="{agent}"', "dictionary"),
    ],
)
async def test_npm_signers_verify(gate, npm_signers, signing, library, template, form) -> None:
    signer = signing.Signer()
    gate.keys = signing.jwks(signer)
    secret = {**signer.jwk, "d": signing.b64u(signer.key.private_bytes_raw()), "kid": signer.keyid}
    job = {
        "library": library, "url": gate.url + "/essays/tides", "jwk": secret, "keyid": signer.keyid,
        "agent": template.format(agent=gate.agent), "created": int(time.time()) - 1,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", str(npm_signers), json.dumps(job), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    headers = json.loads(out)
    assert await _sent(gate, headers) == 200, gate.found
    assert (gate.found[-1].outcome, gate.found[-1].form) == ("verified", form)
    # A bid that nobody has proven to have made is told so (400); without one the price is (402).
    unproven = 400 if library == "http-message-sig" else 402
    other = {**headers, "Signature-Agent": template.format(agent="https://127.0.0.1:1")}
    assert await _sent(gate, other) == unproven
    assert await _sent(gate, headers, "/essays/other") == (200 if library == "web-bot-auth" else unproven)


async def test_the_python_library_verifies(gate, signing) -> None:
    from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

    signer = signing.Signer()
    gate.keys = signing.jwks(signer)
    url = gate.url + "/essays/tides?page=2"
    message = SimpleNamespace(method="GET", url=url, headers={"Signature-Agent": f'sig1="{gate.agent}"'})
    keys = MappingKeyResolver(public_keys={}, private_keys={signer.keyid: signer.key})
    import datetime as dt

    now = dt.datetime.now(dt.UTC)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message, key_id=signer.keyid, label="sig1", tag="web-bot-auth", created=now, expires=now + dt.timedelta(minutes=1),
        covered_component_ids=('"@authority"', '"@path"', '"@query"', '"signature-agent";key="sig1"'),
    )  # fmt: skip
    assert await _sent(gate, message.headers, "/essays/tides?page=2") == 200
    assert await _sent(gate, message.headers, "/essays/tides?page=3") == 402
    assert gate.found[-1].reasons[1] == "sig_invalid:signature"


@pytest.mark.parametrize("profile", ["ietf-draft-00", "cloudflare-2026-10"])
async def test_every_mutation_of_botgate_is_refused(gate, signing, needs, tmp_path, capsys, profile) -> None:
    botgate = needs("botgate", "pip install botgate")
    subprocess.run([botgate, "init"], cwd=tmp_path, check=True, capture_output=True, timeout=20)
    gate.keys = (tmp_path / ".botgate" / "directory.json").read_bytes()
    command = [
        botgate, "test", f"{gate.url}/essays/tides?page=2", "--agent", gate.agent, "--profile", profile,
        "--allow-http", "--allow-private-target", "--allow-status-authentication",
        "--accepted-status", "200", "--rejected-status", "402", "--format", "json",
        *(["--legacy-agent"] if profile.startswith("cloudflare") else []),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    out, err = await process.communicate()
    assert out, err.decode()
    cases = json.loads(out)["live"]["cases"]
    with capsys.disabled():
        for case, finding in zip(cases, gate.found, strict=True):
            print(
                f"  {case['name']:<28} {case['status']}  {' '.join(finding.reasons) if finding else 'unsigned'}"
            )
    assert [case["name"] for case in cases if case["status"] == 200] == ["original"]
    assert {
        case["name"]: _word(finding) for case, finding in zip(cases, gate.found, strict=True)
    } == MUTATIONS


def _word(finding) -> str:
    """What *finding* is called in the reasons."""
    told = next(reason for reason in finding.reasons if not reason.startswith("sig_form"))
    return told.removeprefix("sig_")
