"""OAuth clients of others, unmodified: npm ``oauth4webapi`` and PyPI ``Authlib`` buy, look and give back."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version

#: One run does everything up to what the operator must do, the next everything after it.
CLIENT = """
import * as oauth from "oauth4webapi";
const job = JSON.parse(process.argv[2]), told = [];
const plain = { [oauth.allowInsecureRequests]: true };
const say = (step, outcome) => told.push([step, outcome]);
const agent = new Headers({ "User-Agent": "GPTBot/1.3" });
const page = new URL(job.url + "/essays/tides");

const refused = await fetch(page, { headers: agent });
const found = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate"))[1];
const resource = await oauth.processResourceDiscoveryResponse(
  new URL(job.url), await oauth.resourceDiscoveryRequest(new URL(job.url), plain));
if (!found.startsWith(job.url)) throw new Error(found);
say("discover the resource (RFC 9728)", `${refused.status}, then ${resource.authorization_servers[0].replace(job.url, "")}`);
const issuer = new URL(resource.authorization_servers[0]);
const server = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { ...plain, algorithm: "oauth2" }));
say("discover the server (RFC 8414)", "issuer " + server.issuer.replace(job.url, ""));

if (!job.client) {
  const made = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, { client_name: "Interop", contacts: ["ops@labs.example"] }, plain));
  say("register (RFC 7591)", `201, ${made.standing}`);
  console.log(JSON.stringify({ told, client: made }));
  process.exit(0);
}
const client = { client_id: job.client.client_id }, login = oauth.ClientSecretBasic(job.client.client_secret);
const wish = new URLSearchParams({ resource: page.href,
  authorization_details: JSON.stringify([{ type: "content_license", offer: "training", locations: [job.url + "/essays/"] }]) });
const buy = async (options) => oauth.processClientCredentialsResponse(
  server, client, await oauth.clientCredentialsGrantRequest(server, client, login, wish, { ...plain, ...options }));
const bought = await buy({});
say("client_credentials, resource, authorization_details", `${bought.token_type}, ${bought.authorization_details[0].locations}`);
const got = await oauth.protectedResourceRequest(bought.access_token, "GET", page, agent, null, plain);
say("fetch with it", `${got.status}, ${got.headers.get("licet-price")}`);

const look = async (token) => oauth.processIntrospectionResponse(
  server, client, await oauth.introspectionRequest(server, client, login, token, plain));
const seen = await look(bought.access_token);
say("introspect (RFC 7662)", `active ${seen.active}, scope ${seen.scope}`);

const key = await oauth.generateKeyPair("ES256"), proof = oauth.DPoP(client, key);
let asked = 0;
const proven = async (act) => {
  try { return await act(); } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    asked += 1;
    return act();
  }
};
const bound = await proven(() => buy({ DPoP: proof }));
const opened = await proven(() => oauth.protectedResourceRequest(
  bound.access_token, "GET", page, agent, null, { ...plain, DPoP: proof }));
say("DPoP with nonces (RFC 9449)", `${bound.token_type}, asked for a nonce ${asked} times, then ${opened.status}`);
const stolen = await fetch(page, { headers: { "User-Agent": "GPTBot/1.3", Authorization: `Bearer ${bound.access_token}` } });
say("the bound token without its key", `${stolen.status}`);

await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, login, bought.access_token, plain));
const after = await look(bought.access_token);
say("revoke (RFC 7009)", `then active ${after.active}`);
console.log(JSON.stringify({ told }));
"""


def ran(folder, job):
    done = subprocess.run(
        ["node", "client.mjs", json.dumps(job)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_oauth4webapi_does_everything(npm, gateway, interop) -> None:
    folder = npm("oauth4webapi")
    (folder / "client.mjs").write_text(CLIENT)
    package = json.loads((folder / "node_modules" / "oauth4webapi" / "package.json").read_text())
    first = ran(folder, {"url": gateway.url})
    gateway.fund(first["client"]["licensee"])
    second = ran(folder, {"url": gateway.url, "client": first["client"]})
    told = dict(first["told"]) | dict(second["told"])
    for step, outcome in told.items():
        interop("npm oauth4webapi", package["version"], step, outcome)
    assert told == {
        "discover the resource (RFC 9728)": "402, then /.licet",
        "discover the server (RFC 8414)": "issuer /.licet",
        "register (RFC 7591)": "201, quarantined",
        "client_credentials, resource, authorization_details": "bearer, /essays/",
        "fetch with it": "200, USD 0.01",
        "introspect (RFC 7662)": "active true, scope ai-train",
        "DPoP with nonces (RFC 9449)": "dpop, asked for a nonce 1 times, then 200",
        "the bound token without its key": "401",
        "revoke (RFC 7009)": "then active false",
    }


def test_authlib_buys_and_fetches(gateway, interop) -> None:
    from authlib.integrations.requests_client import OAuth2Session

    client, secret = gateway.licensee()
    with OAuth2Session(client, secret, token_endpoint_auth_method="client_secret_basic") as session:
        session.headers["User-Agent"] = "GPTBot/1.3"
        endpoint = session.get(
            f"{gateway.url}/.well-known/oauth-authorization-server/.licet", withhold_token=True
        ).json()["token_endpoint"]
        token = session.fetch_token(
            endpoint, grant_type="client_credentials", resource=f"{gateway.url}/essays/tides"
        )
        answer = session.get(f"{gateway.url}/essays/tides")
    assert token["token_type"] == "Bearer"
    assert (answer.status_code, answer.headers["Licet-Price"]) == (200, "USD 0.01")
    told = f"{token['token_type']}, then {answer.status_code} at {answer.headers['Licet-Price']}"
    interop("PyPI Authlib", version("authlib"), "client_credentials with Basic, fetch", told)
