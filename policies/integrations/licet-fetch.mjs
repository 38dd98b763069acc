// A fetch that gets a license where a site asks for one. One plain ES module, Node 18 or later, nothing to build.
//
//   import { licensedFetch } from "./licet-fetch.mjs";
//   const fetch = licensedFetch({
//     userAgent: "ExampleBot/1.0", maxPrice: "0.01 USD", budget: "5 USD",
//     logins: { "https://journal.example": ["client id", "secret"] }, receipts: "receipts.jsonl", stopFile: "stop",
//   });
//   const answer = await fetch("https://journal.example/essays/tides");
//
// Without maxPrice and budget only what is free is taken. A page that was not licensed is answered by the site's own
// 402, with `answer.licet` saying why. It buys what is published, as `TakeIt` of the Python client does; it does not
// negotiate. One token opens every page of a bundle. Licenses, purchases that were begun and receipts stand in the files of the Python client, in its format,
// so that one crawler may use both, one after the other. Tokens and secrets go to the origin they are for alone.

import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";

const MICROS = 1_000_000n;
const MOST_REDIRECTS = 10;
const DESK_MILLISECONDS = 60_000;

class Refused extends Error {
  constructor(code, fact = "") {
    super(fact ? `${code}: ${fact}` : code);
    this.code = code;
  }
}

/** "0.01 USD" as { micros, currency }; less than a micro-unit is refused. */
function money(text) {
  if (!text) return { micros: 0n, currency: "" };
  const found = /^(\d+)(?:\.(\d{1,6}))? ([A-Z]{3})$/.exec(text);
  if (!found) throw new TypeError(`${text} is no amount such as "0.01 USD"`);
  return { micros: BigInt(found[1]) * MICROS + BigInt((found[2] ?? "").padEnd(6, "0")), currency: found[3] };
}

/** A file of JSON objects, one a line. A line that a crash tore is not read, and spoils no other. */
class Lines {
  constructor(path, mode) {
    Object.assign(this, { path, mode });
  }
  read() {
    if (!this.path || !existsSync(this.path)) return [];
    return readFileSync(this.path, "utf8").split("\n").flatMap((line) => {
      try {
        const value = JSON.parse(line);
        return value && typeof value === "object" && !Array.isArray(value) ? [value] : [];
      } catch {
        return [];
      }
    });
  }
  keep(line) {
    if (!this.path) return;
    const torn = existsSync(this.path) && !/(^|\n)$/.test(readFileSync(this.path, "utf8").slice(-1));
    appendFileSync(this.path, `${torn ? "\n" : ""}${JSON.stringify(line)}\n`, { mode: this.mode, flush: true });
  }
}

/** Licenses that are held, credentials of other runs, and the idempotency key of each purchase that was begun. */
class Wallet {
  constructor(path) {
    this.lines = new Lines(path, 0o600);
    Object.assign(this, { clients: new Map(), licenses: [], begun: new Map() });
    for (const line of this.lines.read()) this.take(line);
  }
  take(line) {
    if (line.kind === "client") this.clients.set(line.origin, [line.client_id, line.client_secret]);
    if (line.kind === "license" && !this.licenses.some((each) => each.license === line.license)) this.licenses.push(line);
    if (line.kind === "spent") this.licenses = this.licenses.filter((each) => each.license !== line.license);
    if (line.kind === "begun") this.begun.set(line.name, line.key);
    if (line.kind === "done") this.begun.delete(line.name);
  }
  keep(line) {
    this.lines.keep(line);
    this.take(line);
  }
  begin(name) {
    if (!this.begun.has(name)) this.keep({ kind: "begun", name, key: randomUUID() });
    return this.begun.get(name);
  }
}

export function licensedFetch(limits = {}) {
  const { userAgent = "LicetFetch/0.1", logins = {}, uses = [], receipts, stopFile, tell = () => {} } = limits;
  const ceiling = money(limits.maxPrice);
  const budget = money(limits.budget ?? limits.maxPrice);
  const currency = budget.currency || ceiling.currency;
  if (ceiling.currency && ceiling.currency !== currency) throw new TypeError("maxPrice and budget are in one currency");
  const wallet = new Wallet(receipts && `${receipts}.wallet`);
  const kept = new Lines(receipts, 0o644);
  const tokens = new Map(), lines = new Map(), holds = new Map(), manifests = new Map();
  let spent = 0n, held = 0n;

  const hold = (price) => {
    if (price.micros < 0n) throw new Refused("unreadable", "a price is below zero");
    if (price.micros && (price.currency !== currency || price.micros > budget.micros - spent - held))
      throw new Refused("over-budget", `${price.micros} micro-units of ${price.currency} are asked for`);
    held += price.micros;
    let open = true;
    return (charged) => {
      if (!open) return;
      open = false;
      held -= price.micros;
      spent += charged > 0n ? charged : 0n;
    };
  };
  const overCeiling = (price) => price.micros > 0n && (price.currency !== ceiling.currency || price.micros > ceiling.micros);

  async function send(url, options = {}) {
    if (stopFile && existsSync(stopFile)) throw new Refused("stopped", "the kill switch was thrown");
    const headers = new Headers(options.headers);
    headers.set("User-Agent", userAgent);
    return fetch(url, { ...options, headers, redirect: "manual" });
  }
  async function desk(origin, url, options = {}) {
    if (new URL(url).origin !== origin) throw new Refused("foreign-seller", `${url} is not of ${origin}`);
    const answer = await send(url, { signal: AbortSignal.timeout(DESK_MILLISECONDS), ...options });
    const body = await answer.json().catch(() => null);
    if (!body || typeof body !== "object") throw new Refused("unreadable", `${url} gave no JSON object`);
    return { status: answer.status, body };
  }
  async function read(origin, url) {
    const { status, body } = await desk(origin, url, { headers: { Accept: "application/json" } });
    if (status !== 200) throw new Refused("no-seller", `${url} answered ${status}`);
    return body;
  }

  /** Who sells for *origin*: RFC 9728, then RFC 8414, then the offers, all of one origin. */
  async function discover(origin, refused) {
    const named = /resource_metadata="([^"\\]+)"/.exec(refused.headers.get("www-authenticate") ?? "");
    const resource = await read(origin, named ? named[1] : `${origin}/.well-known/oauth-protected-resource`);
    const issuer = resource.authorization_servers?.[0];
    if (typeof issuer !== "string" || new URL(issuer).origin !== origin || new URL(resource.resource).origin !== origin)
      throw new Refused("foreign-seller", `the desk ${issuer} is not of ${origin}`);
    const path = new URL(issuer).pathname.replace(/\/$/, "");
    const server = await read(origin, `${origin}/.well-known/oauth-authorization-server${path}`);
    if (server.issuer !== issuer) throw new Refused("unreadable", "the metadata is of another issuer");
    const index = await read(origin, server.service_documentation);
    return { endpoint: server.token_endpoint, offers: Array.isArray(index.offers) ? index.offers : [] };
  }

  async function ask(origin, endpoint, url, wish, key) {
    const login = logins[origin] ?? wallet.clients.get(origin);
    if (!login) throw new Refused("no-credentials", `no login for ${origin}`);
    const pair = login.map((part) => encodeURIComponent(part)).join(":");
    const headers = { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
    if (key) headers["Idempotency-Key"] = key;
    const details = JSON.stringify([{ type: "content_license", ...wish }]);
    const form = { grant_type: "client_credentials", resource: url.split(/[?#]/)[0], authorization_details: details };
    return desk(origin, endpoint, { method: "POST", headers, body: new URLSearchParams(form) });
  }
  async function tokenIn({ status, body }, terms, url, offers) {
    if (status !== 200) throw new Refused(String(body.type ?? body.error ?? status).split("/").pop(), body.detail ?? body.error_description);
    const detail = body.authorization_details?.[0];
    if (!detail || detail.terms !== terms || detail.price?.per !== "fetch" || !/^(bearer|license)$/i.test(body.token_type))
      throw new Refused("unreadable", "the token is of other terms than were agreed on");
    const { origin, pathname } = new URL(url);
    return {
      value: `${body.token_type.toLowerCase() === "bearer" ? "Bearer" : "License"} ${body.access_token}`,
      price: { micros: BigInt(detail.price.micros), currency: detail.price.currency },
      license: detail.license, offer: detail.offer, terms,
      paths: detail.bundle ? [pathname, ...await bundled(origin, detail.bundle, terms, body.manifest, offers)] : detail.locations ?? [],
      excluded: detail.excluded ?? [],
      until: performance.now() + Math.max(body.expires_in * 900, 1000),
    };
  }

  /**
   * The pages of the bundle whose manifest has the hash *hash*: of the published offer of these terms, else of the
   * manifest at *address*, which is believed at this origin and by its hash. None where they cannot be known: the token
   * is good for the page it was asked for, then.
   */
  async function bundled(origin, hash, terms, address, offers) {
    const offer = offers.find((each) => each.terms_hash === terms && digest(each.terms) === terms && each.terms.scope?.bundle?.manifest === hash);
    if (offer) return offer.terms.scope.paths ?? [];
    if (!manifests.has(hash)) {
      const { hash: said, ...manifest } = await read(origin, String(address)).catch(() => ({}));
      if (said === undefined || digest(manifest) !== hash || !Array.isArray(manifest.items)) return [];
      manifests.set(hash, manifest.items.map((each) => String(each?.path)));
    }
    return manifests.get(hash);
  }

  /** The cheapest offer for *path* that asks for nothing besides a fee and a price of a fetch, within the limits. */
  function chosen(offers, path, wanted) {
    const fitting = offers.filter(({ id, terms, terms_hash }) => {
      const price = terms?.compensation;
      return typeof id === "string" && price && digest(terms) === terms_hash && covers(terms.scope, path)
        && wanted.every((use) => terms.purpose?.uses?.includes(use))
        && OTHER_PARTS.every((part) => !price[part] || price[part].length === 0);
    });
    if (!fitting.length) throw new Refused("nothing-fits", `nothing that this client can buy is on offer for ${path}`);
    const fee = ({ terms }) => BigInt(terms.compensation.upfront?.micros ?? 0);
    const each = ({ terms }) => BigInt(terms.compensation.per_fetch?.micros ?? 0);
    fitting.sort((a, b) => Number(fee(a) - fee(b) || each(a) - each(b)));
    const found = fitting.find((offer) => !overCeiling({ micros: each(offer), currency: offer.terms.compensation.currency }));
    if (!found) throw new Refused("over-ceiling", `a fetch costs ${each(fitting[0])} micro-units`);
    return { offer: found, fee: { micros: fee(found), currency: found.terms.compensation.currency } };
  }

  async function acquired(url, refused, tried) {
    const { origin, pathname } = new URL(url);
    const known = tokenFor(origin, pathname);
    if (known && known !== tried) return known;
    const { endpoint, offers } = await discover(origin, refused);
    for (const license of wallet.licenses.filter((each) => each.origin === origin).reverse()) {
      const answer = await ask(origin, endpoint, url, { license: license.license });
      if (answer.status === 200) {
        const token = await tokenIn(answer, license.terms, url, offers);
        if (covers(token, pathname)) return stored(origin, token);
      } else if (answer.status >= 400 && answer.status < 500 && answer.status !== 429)
        wallet.keep({ kind: "spent", license: license.license });
    }
    const body = await refused.clone().json().catch(() => ({}));
    const { offer, fee } = chosen(offers, pathname, uses.length ? uses : (body.uses ?? []));
    const name = `buy ${origin} ${offer.id} ${offer.terms_hash}`;
    const settle = holds.get(name) ?? hold(fee);
    // A purchase without an answer keeps its hold and its key: asked again it is the same purchase.
    holds.set(name, settle);
    const wish = { offer: offer.id, terms: offer.terms_hash };
    const answer = await ask(origin, endpoint, url, wish, wallet.begin(name));
    if (answer.status >= 500) throw new Refused("unreachable", `the desk answered ${answer.status}`);
    holds.delete(name);
    settle(answer.status === 200 ? fee.micros : 0n);
    let token;
    try {
      token = await tokenIn(answer, offer.terms_hash, url, offers);
      wallet.keep({ kind: "license", origin, license: token.license, offer: token.offer, terms: token.terms });
    } finally {
      wallet.keep({ kind: "done", name });
    }
    tell(`bought the offer ${offer.id}: license ${token.license}`);
    return stored(origin, token);
  }
  function tokenFor(origin, path) {
    return (tokens.get(origin) ?? []).find((each) => each.until > performance.now() && covers(each, path));
  }
  function stored(origin, token) {
    tokens.set(origin, [token, ...(tokens.get(origin) ?? [])]);
    return token;
  }
  /** One purchase at an origin at a time; whoever waits has what was bought. */
  function inLine(origin, act) {
    const turn = (lines.get(origin) ?? Promise.resolve()).then(act, act);
    lines.set(origin, turn.catch(() => {}));
    return turn;
  }

  async function licensed(url, options, token) {
    if (overCeiling(token.price)) throw new Refused("over-ceiling", "a fetch costs more than maxPrice");
    const settle = hold(token.price);
    let answer;
    try {
      const headers = new Headers(options.headers);
      headers.set("Authorization", token.value);
      answer = await send(url, { ...options, headers });
    } catch (error) {
      settle(error.code === "stopped" ? 0n : token.price.micros);
      throw error;
    }
    const record = answer.headers.get("licet-record");
    if (!answer.ok || !record) {
      settle(0n);
      return answer;
    }
    let charged = token.price;
    try {
      charged = money(answer.headers.get("licet-price"));
    } catch {}
    settle(charged.currency === token.price.currency ? charged.micros : token.price.micros);
    const octets = Buffer.from(await answer.clone().arrayBuffer());
    kept.keep({
      kind: "fetch", at: new Date().toISOString(), url, path: new URL(url).pathname, status: answer.status,
      bytes: octets.length, sha256: createHash("sha256").update(octets).digest("hex"), record,
      receipt: answer.headers.get("licet-receipt") ?? "", at_most: answer.headers.get("licet-price") ?? "",
      license: token.license, terms: token.terms,
    });
    return answer;
  }

  async function page(url, options) {
    const { origin, pathname } = new URL(url);
    let answer = null, token = tokenFor(origin, pathname);
    try {
      for (let tries = 0; tries < 3; tries += 1) {
        answer = token ? await licensed(url, options, token) : await send(url, options);
        if (answer.status !== 401 && answer.status !== 402) return answer;
        const tried = token;
        if (tried) tokens.set(origin, (tokens.get(origin) ?? []).filter((each) => each !== tried));
        token = await inLine(origin, () => acquired(url, answer, tried));
      }
    } catch (error) {
      if (error.code === "stopped" || (!(error instanceof Refused) && !answer)) throw error;
      answer ??= await send(url, options);
      answer.licet = error;
    }
    return answer;
  }

  /** As the global `fetch`; GET alone is licensed. Throws where the kill switch was thrown. */
  async function fetched(url, options = {}) {
    const headers = new Headers(options.headers);
    if ((options.method ?? "GET") !== "GET" || headers.has("authorization")) return send(url, options);
    let place = String(url);
    for (let hops = 0; hops < MOST_REDIRECTS; hops += 1) {
      // Each redirect is a page of its own: a token is shown to its origin alone.
      const answer = await page(place, options);
      const moved = [301, 302, 303, 307, 308].includes(answer.status) && answer.headers.get("location");
      if (!moved || options.redirect === "manual") return answer;
      place = new URL(moved, place).href;
    }
    throw new Refused("too-many-redirects", place);
  }
  Object.defineProperty(fetched, "spent", { get: () => ({ micros: spent, currency }) });
  return fetched;
}

//: Parts of a price that are owed besides a fee and a price of a fetch: this client agrees to none.
const OTHER_PARTS = [
  "per_item", "per_megabyte", "per_thousand_tokens", "per_inference", "subscription", "revenue_share_bp",
  "minimum_guarantee", "milestones",
];

/** Whether *path* is inside { paths, excluded }; a plain scope covers what lies below it by whole segments. */
function covers(scope, path) {
  const { paths, excluded = [] } = scope;
  const inside = (pattern) => {
    if (pattern.includes("*"))
      return new RegExp(`^${pattern.split("*").map((part) => part.replace(/[^\w/]/g, "\\$&")).join(".*")}$`, "s").test(path);
    const stem = pattern.replace(/\/$/, "");
    return path === stem || path.startsWith(`${stem}/`);
  };
  return (paths ?? []).some(inside) && !excluded.some(inside);
}

/** The terms hash: sha-256 over the JSON with sorted members (RFC 8785; terms hold whole numbers alone). */
function digest(terms) {
  const sorted = (value) => Array.isArray(value) ? value.map(sorted)
    : value && typeof value === "object" ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]))
    : value;
  return `sha-256:${createHash("sha256").update(JSON.stringify(sorted(terms))).digest("hex")}`;
}
