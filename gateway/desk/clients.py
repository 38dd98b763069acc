"""Who is at the desk: registration (RFC 7591, RFC 7592, July 2015) and client authentication.

Anybody may register, or whoever has the operator's initial access token where
there is one, and is then quarantined: known, and sold nothing until the
operator approves or funds it. A client logs in one way a request:

======================= ======================================================
client_secret_basic     RFC 6749, section 2.3.1
client_secret_post      the same in the form
private_key_jwt         RFC 7523 (`desk.assertions`): for clients that registered
                        so, and then nothing else
web-bot-auth            the signature of the request (`desk.signed_agents`), where
                        no other credentials are sent; needs no registration
======================= ======================================================

A client with a secret may send it either way. What a login was made with is
remembered here and nowhere else: a restart forgets which signed logins were
used, and those live for ten minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import uuid_utils
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.assertions import ASSERTION_TYPE, flaw_in, read_assertion
from gateway.desk.client_keys import ClientKeys
from gateway.desk.client_metadata import read_metadata, registered
from gateway.desk.metadata import PREFIX
from gateway.desk.pacing import DeskPace
from gateway.desk.reading import Login, read_basic
from gateway.desk.signed_agents import AgentJudge, SignedAgents
from gateway.egress import Get
from gateway.licenses.enrollment import Enrolled, access_matches, enroll, secret_matches, with_new_secret
from gateway.licenses.license import Client, Licensee, Standing
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import LEEWAY_SECONDS
from gateway.tokens.nonces import Nonces
from gateway.tokens.verification import LONGEST_LIFE_SECONDS
from gateway.visitors.replays import Replays, SharedMarks

Form = Mapping[str, tuple[str, ...]]

_CLIENT_ID = re.compile(r"[A-Za-z0-9_.~-]{1,128}", re.ASCII)
_IN_THE_FORM: Final = ("client_secret", "client_assertion", "client_assertion_type")
_ONE_WAY: Final = "Credentials are sent in one way only, and each once."


@dataclass(frozen=True, slots=True)
class Admittance:
    """How clients come in.

    *get* fetches the keys of those that publish them. *nonces* say how fresh
    the proofs of keys are; with *every_proof* each must hold one, otherwise
    those of clients that bind all their tokens. *initial* is the token without which
    nobody registers, "" where anybody may. *agents* judges the signatures of requests
    (`desk.signed_agents`); without it they log nobody in. *marks* are what other machines
    know of proofs that were used.
    """

    get: Get | None = None
    nonces: Nonces | None = None
    every_proof: bool = False
    initial: str = field(default="", repr=False)
    agents: AgentJudge | None = None
    marks: SharedMarks | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A client that proved itself, and whom it acts for.

    *crawler* is what it is called as a visitor, where nothing but its signature
    says so: what it negotiates is for that crawler, and for what it says it does.
    """

    client: Client
    licensee: Licensee
    crawler: str = ""


class Clients:
    """Registers clients and recognizes them."""

    def __init__(
        self, register: LicenseRegister, clock: Clock, pace: DeskPace, admittance: Admittance | None = None
    ) -> None:
        """Keep clients in *register*; *admittance* says how they come in."""
        self._register = register
        self._clock = clock
        self._pace = pace
        self._initial = (admittance or Admittance()).initial
        judge, marks = (admittance or Admittance()).agents, (admittance or Admittance()).marks
        self._agents = (
            SignedAgents(judge, register, clock, pace, invited=bool(self._initial), marks=marks)
            if judge
            else None
        )
        self.keys = ClientKeys(clock, (admittance or Admittance()).get)
        self._logins = Replays(shared=marks)

    def waiting(self, address: str) -> Refusal | None:
        """Take one registration from the network of *address*, before anything of it is read."""
        return _too_fast(
            self._pace.registering(address, self._clock.now_us()), "registrations of this network"
        )

    def uninvited(self, request: web.BaseRequest, address: str) -> Refusal | None:
        """Why whoever sent *request* may not register, or None; wrong tokens are paced by network."""
        if not self._initial:
            return None
        shown, wanted = (
            hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            for text in (bearer_of(request), self._initial)
        )
        return None if hmac.compare_digest(shown, wanted) else self._failed(address, _DENIED)

    async def register(self, metadata: Mapping[str, object]) -> Enrolled | Refusal:
        """Enroll who sent *metadata*, quarantined; the secrets in the result are shown once."""
        read = read_metadata(metadata)
        if isinstance(read, Refusal):
            return read
        made = enroll(
            read.name,
            now=self._now(),
            contact=read.contacts[0] if read.contacts else "",
            standing=Standing.QUARANTINED,
            uri=read.uri,
            contacts=read.contacts,
            signs=read.signs,
            metadata=read.further,
            managed=True,
        )
        await self._register.add_licensee(made.licensee, made.client)
        return made

    async def managing(self, client_id: str, request: web.BaseRequest, address: str) -> Known | Refusal:
        """The client of that id, if *request* shows its registration access token (RFC 7592, section 2)."""
        found = await self._client(client_id)
        if access_matches(found[0] if found else None, bearer_of(request)) and found:
            return self._paced(found)
        return self._failed(address, _DENIED)

    async def change(self, known: Known, metadata: Mapping[str, object]) -> tuple[Client, str] | Refusal:
        """Put *metadata* in place of what the client registered (RFC 7592, section 2.2).

        The second of what is returned is a secret to show once, "" where the
        client keeps the one it has or signs.
        """
        read = read_metadata(metadata)
        if isinstance(read, Refusal):
            return read
        # The body took its time: a secret that was replaced meanwhile must not come back.
        found = await self._client(known.client.id)
        if found is None:
            return _DENIED
        before = found[0]
        client = replace(
            before,
            name=read.name,
            uri=read.uri,
            contacts=read.contacts,
            signs=read.signs,
            metadata=read.further,
        )
        secret = ""
        if read.signs:
            client = replace(client, secret_sha256="", older_sha256="", older_until=0)
        elif before.signs:
            client, secret = with_new_secret(client, self._now())
        if not await self._register.change_client(client):
            return _DENIED
        return client, secret

    async def another_secret(self, known: Known) -> tuple[Client, str] | Refusal:
        """Give the client another secret; the one it had stays good for a day."""
        if known.client.signs:
            return Refusal(Problem.METADATA_INVALID, "This client signs and has no secret.")
        client, secret = with_new_secret(known.client, self._now())
        return (client, secret) if await self._register.change_client(client) else _DENIED

    async def remove(self, known: Known) -> None:
        """Forget the client; its tokens open nothing from now on (RFC 7592, section 2.3)."""
        now = self._now()
        # What everybody's fetches are compared with must not grow with clients that come and go.
        await self._register.remove_client(
            known.client.id, now, now + LONGEST_LIFE_SECONDS + LEEWAY_SECONDS + 1
        )

    async def authenticate(
        self, request: web.BaseRequest, address: str, form: Form | None = None, *, issuer: str = ""
    ) -> Known | Refusal:
        """Say who sent *request*, whose parameters are *form*; `CLIENT_UNKNOWN` tells nothing about what was wrong.

        *issuer* is our name, for what is signed. Good clients are paced
        each by itself, failures by network.
        """
        shown, form = request.headers.getall("Authorization", []), form or {}
        told = [name for name in _IN_THE_FORM if name in form]
        if (shown and told) or {"client_secret", "client_assertion"} <= set(told):
            return Refusal(Problem.FORM_INVALID, _ONE_WAY)
        found: tuple[Client, Licensee] | str
        if not shown and not told and self._agents is not None:
            signed = await self._agents.known(request, issuer.removesuffix(PREFIX), address)
            if signed is not None:
                return self._failed(address, signed) if isinstance(signed, Refusal) else self._paced(signed)
        if "client_assertion" in told:
            found = await self._signed(form, issuer)
        else:
            found = await self._told(_login(shown) if shown else _posted(form)) or ""
        if isinstance(found, str):
            return self._failed(address, replace(_UNKNOWN, private=found))
        if form.get("client_id", (found[0].id,)) != (found[0].id,):
            return Refusal(Problem.FORM_INVALID, "The parameter client_id names another client.")
        return self._paced(found)

    async def in_person(self, client_id: str, address: str) -> Known | Refusal:
        """The client of that id, for somebody who has proved in another way to speak for it."""
        found = await self._client(client_id)
        return self._paced(found) if found else self._failed(address, _UNKNOWN)

    async def by_key(self, shown: list[str], address: str) -> Known | Refusal:
        """The client whose id and secret, with a colon between them, are the one text *shown*."""
        client, colon, secret = shown[0].partition(":") if len(shown) == 1 else ("", "", "")
        found = await self._told(Login(client, secret) if colon else None)
        return self._paced(found) if found else self._failed(address, _UNKNOWN)

    def turned_away(self, refusal: Refusal, address: str) -> Refusal:
        """*refusal* of something secret that was guessed wrongly; counts as a failed login of the network."""
        return self._failed(address, refusal)

    @property
    def by_invitation(self) -> bool:
        """Whether nobody registers without the operator's token."""
        return bool(self._initial)

    async def _told(self, login: Login | None) -> tuple[Client, Licensee] | None:
        if login is None:
            return None
        found = await self._client(login.client)
        return found if secret_matches(found[0] if found else None, login.secret, self._now()) else None

    async def _signed(self, form: Form, issuer: str) -> tuple[Client, Licensee] | str:
        """Who signed the login in *form*, or why it is none."""
        if form.get("client_assertion_type") != (ASSERTION_TYPE,):
            return "the client_assertion_type is another one"
        assertion = read_assertion(form["client_assertion"][0])
        if isinstance(assertion, str):
            return assertion
        found = await self._client(assertion.client)
        if found is None or not found[0].signs:
            return "there is no such client that signs"
        keys = await self.keys.of(found[0], assertion.compact.kid)
        algorithm = str(registered(found[0]).get("token_endpoint_auth_signing_alg", ""))
        now = self._now()
        flaw = flaw_in(assertion, keys, (issuer, f"{issuer}/token"), now, algorithm)
        if not flaw and await self._logins.used_anywhere(
            assertion.mark, str(uuid_utils.uuid4()), assertion.until, now
        ):
            flaw = "this jti was used before"
        return flaw or found

    async def _client(self, client_id: str) -> tuple[Client, Licensee] | None:
        return await self._register.client(client_id) if _CLIENT_ID.fullmatch(client_id) else None

    def _paced(self, found: tuple[Client, Licensee] | tuple[Client, Licensee, str]) -> Known | Refusal:
        slow = _too_fast(self._pace.client(found[0].id, self._clock.now_us()), "requests of this client")
        return slow or Known(*found)

    def _failed(self, address: str, refusal: Refusal) -> Refusal:
        slow = _too_fast(self._pace.failing(address, self._clock.now_us()), "failed logins of this network")
        return slow or refusal

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


_UNKNOWN: Final = Refusal(Problem.CLIENT_UNKNOWN, "The credentials are missing or not ours.")
_DENIED: Final = Refusal(Problem.REGISTRATION_DENIED, "The registration token is missing or not ours.")


def may_buy(known: Known) -> Refusal | None:
    """Why this client is sold nothing, or None."""
    match known.licensee.standing:
        case Standing.ACTIVE:
            return None
        case Standing.QUARANTINED:
            return Refusal(
                Problem.CLIENT_QUARANTINED, f"The licensee {known.licensee.id} waits for approval or credit."
            )
        case Standing.SUSPENDED:
            return Refusal(
                Problem.CLIENT_QUARANTINED, f"The licensee {known.licensee.id} is suspended by the operator."
            )


def _login(shown: list[str]) -> Login | None:
    return read_basic(shown[0]) if len(shown) == 1 else None


def _posted(form: Form) -> Login | None:
    """The id and the secret in the form, where both are."""
    if "client_secret" not in form or "client_id" not in form:
        return None
    return Login(form["client_id"][0], form["client_secret"][0])


def bearer_of(request: web.BaseRequest) -> str:
    """What the one ``Authorization: Bearer`` of *request* holds, or ""."""
    shown = request.headers.getall("Authorization", [])
    scheme, _, rest = shown[0].strip(" \t").partition(" ") if len(shown) == 1 else ("", "", "")
    return rest.strip(" \t") if scheme.lower() == "bearer" else ""


def _too_fast(seconds: int, what: str) -> Refusal | None:
    return Refusal(Problem.TOO_FAST, f"There are too many {what}.", retry_after=seconds) if seconds else None
