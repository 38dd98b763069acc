"""A desk on a real socket: real keys, a real journal, small stores in memory that keep the ports' promises."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.admission.spending import Lease, Short
from gateway.clock import HandClock
from gateway.desk.pacing import DeskPace
from gateway.desk.routes import Desk
from gateway.keys.key_ring import KeyRing
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.licenses.offers import same_agreement
from gateway.licenses.revocations import Revocations
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Match, Mode, People, Policy, Rendition, Rights, Rule, Site, Verdict, Work
from gateway.problems import StoreUnavailable
from gateway.provenance.journal import Journal
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Term, Territory
from gateway.uses import Use


def usd(text):
    return Money.parse(text, "USD")


class Register:
    """Keeps the promises of `LicenseRegister` in memory; gives way at each call, as a database would."""

    def __init__(self):
        self.people, self.clients, self.licenses = {}, {}, {}
        self.revoked = {}
        self.down = False

    async def _away(self):
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("the register is down")

    async def add_licensee(self, licensee, client):
        await self._away()
        if licensee.id in self.people or client.id in self.clients:
            raise ValueError("there already")
        self.people[licensee.id], self.clients[client.id] = licensee, client

    async def client(self, client_id):
        await self._away()
        found = self.clients.get(client_id)
        return (found, self.people[found.licensee]) if found else None

    async def set_standing(self, licensee_id, standing, at):
        from dataclasses import replace

        await self._away()
        self.people[licensee_id] = replace(self.people[licensee_id], standing=standing)
        if standing is Standing.SUSPENDED:
            self.revoked["licensee", licensee_id] = at
        return self.people[licensee_id]

    async def grant(self, license):
        await self._away()
        for kept in self.licenses.values():
            if same_agreement(kept, license) and kept.ends_at > license.starts_at:
                return kept
        if license.id in self.licenses:
            raise ValueError("there already")
        self.licenses[license.id] = license
        return license

    async def license(self, license_id):
        await self._away()
        return self.licenses.get(license_id)

    async def licenses_of(self, licensee_id):
        await self._away()
        return tuple(reversed([each for each in self.licenses.values() if each.licensee == licensee_id]))

    async def revoke(self, kind, subject, at, *, until=0):
        await self._away()
        self.revoked.setdefault((kind, subject), at)

    async def revocations(self):
        await self._away()
        of = lambda kind: frozenset(subject for found, subject in self.revoked if found == kind)  # noqa: E731
        holders = tuple((s, at) for (kind, s), at in self.revoked.items() if kind in {"client", "licensee"})
        return Revocations(of("token"), of("license"), holders)


class Book:
    """Keeps the promises of `SpendBook` in memory: credit minus open holds, idempotent by record id."""

    def __init__(self):
        self.credit, self.holds, self.leases = {}, {}, 0

    def pay_in(self, licensee, money):
        self.credit[licensee, money.currency] = self.credit.get((licensee, money.currency), 0) + money.micros

    async def available(self, licensee, currency):
        await asyncio.sleep(0)
        held = sum(
            c.price.micros
            for c in self.holds.values()
            if (c.licensee, c.price.currency) == (licensee, currency)
        )
        return Money(self.credit.get((licensee, currency), 0) - held, currency)

    async def lease(self, charge, now):
        self.leases += 1
        await asyncio.sleep(0)
        if charge.record_id not in self.holds:
            left = self.credit.get((charge.licensee, charge.price.currency), 0) - sum(
                c.price.micros for c in self.holds.values() if c.licensee == charge.licensee
            )
            if charge.price.micros > left:
                return Short("credit", Money(left, charge.price.currency))
            self.holds[charge.record_id] = charge
        return Lease(charge.record_id, charge.price)

    async def settle(self, record_id, owed, now):
        return False

    async def give_back(self, record_id):
        return self.holds.pop(record_id, None) is not None


@dataclass
class Kept:
    """A real journal, and what was made durable through it. *broken* stands for a disk that is full."""

    journal: Journal
    entries: list = field(default_factory=list)
    broken: bool = False

    async def keep(self, entry):
        if self.broken:
            raise StoreUnavailable("the disk is full")
        await self.journal.keep(entry)
        self.entries.append(entry)


def make_offer(
    id, *, works=("essays",), paths=("/essays/",), uses, price, territory=None, renditions=("page",), **more
):
    terms = LicenseTerms(
        scope=Scope(works, tuple(PathScope(path) for path in paths), renditions),
        purpose=Purpose(frozenset(uses)),
        compensation=price,
        territory=Territory(None if territory is None else frozenset(territory)),
        term=Term(more.pop("months", 1)),
    )
    return Offer(id, "journal", terms, "sha-256:policy", **more)


OFFERS = (
    make_offer(
        "training", uses={Use.AI_TRAIN}, price=Compensation("USD", per_fetch=usd("0.02")),
        territory={"EU", "US"}, max_fetches=1000, token_seconds=900,
    ),
    make_offer(
        "answers", works=("essays", "videos"), paths=("/essays/", "/videos/"), uses={Use.AI_INPUT, Use.AI_INDEX},
        price=Compensation("USD", per_fetch=usd("0.004")), renditions=("page", "transcript"),
    ),
    make_offer(
        "archive", works=("archive",), paths=("/archive/",), uses={Use.AI_TRAIN},
        price=Compensation("USD", upfront=usd("500"), per_fetch=usd("0.001")), months=24,
    ),
    make_offer("gift", works=("gift",), paths=("/gift/",), uses={Use.AI_INPUT}, price=Compensation("USD")),
    make_offer("unsold", works=("notes",), paths=("/notes/",), uses={Use.AI_INPUT}, price=Compensation("USD")),
)  # fmt: skip


def make_policy(offers=OFFERS, mode=Mode.ENFORCE):
    works = tuple(
        Work(name, (PathScope(f"/{name}/"),), Rights.OWN, People.NONE, renditions)
        for name, renditions in (
            ("essays", ()),
            ("videos", (Rendition("transcript", (PathScope("/videos/*.vtt"),)), Rendition("thumbnail", (PathScope("/videos/*.jpg"),)))),
            ("archive", ()),
            ("gift", ()),
            ("notes", ()),
        )
    )  # fmt: skip
    sold = tuple(offer.id for offer in offers if offer.id != "unsold")
    return Policy(
        site=Site("journal", ("*",), "http://127.0.0.1:1", mode, "USD", name="The <Journal>", contact="rights@journal.example"),
        works=works,
        offers=tuple(offers),
        rules=(Rule("rules[0]", Match(), Verdict.LICENSE, sold),),
        digest="sha-256:policy",
    )  # fmt: skip


class World:
    """The desk and everything around it, with a client's view of it."""

    offers = OFFERS
    make_offer = staticmethod(make_offer)
    make_policy = staticmethod(make_policy)

    def __init__(self, folder, **desk):
        self.clock = HandClock()
        self.keys = KeyRing.create(folder / "tokens", clock=self.clock)
        self.register, self.book = Register(), Book()
        self.kept = Kept(Journal.open(folder / "journal", "desk", clock=self.clock, reserve_bytes=0))
        self.policy = make_policy()
        self.pace = DeskPace()
        self.address = "203.0.113.7"
        self.options = desk

    async def open(self):
        self.desk = Desk(
            register=self.register,
            spend_book=self.book,
            journal=self.kept,
            keys=self.keys,
            clock=self.clock,
            balance=self.book.available,
            pace=self.pace,
            **self.options,
        )
        self.server = RawTestServer(self._answer)
        await self.server.start_server()
        self.origin = f"http://{self.server.host}:{self.server.port}"
        self.http = aiohttp.ClientSession()

    async def close(self):
        await self._shut()
        await self.kept.journal.close()

    async def reopen(self):
        """Start the desk anew on the same stores, as after a crash or with other settings."""
        await self._shut()
        await self.open()

    async def _shut(self):
        await self.http.close()
        await self.server.close()

    async def _answer(self, request: web.BaseRequest):
        assert self.desk.owns(request.rel_url.raw_path), "the listener asks before it calls"
        return await self.desk(request, self.policy, self.origin, self.address)

    async def licensee(self, credit="10", standing=Standing.ACTIVE):
        """Enroll somebody and fund them; returns the enrollment."""
        made = enroll("Example AI Labs", now=self.now, standing=standing)
        await self.register.add_licensee(made.licensee, made.client)
        if credit:
            self.book.pay_in(made.licensee.id, usd(credit))
        return made

    @property
    def now(self):
        return self.clock.now_us() // 1_000_000

    async def get(self, path, **more):
        async with self.http.get(self.origin + path, **more) as answer:
            await answer.read()
            return answer

    async def post(self, path, made=None, data=None, **more):
        headers = dict(more.pop("headers", {}))
        if made:
            headers["Authorization"] = aiohttp.encode_basic_auth(made.client.id, made.secret)
        async with self.http.post(self.origin + path, data=data, headers=headers, **more) as answer:
            await answer.read()
            return answer

    async def token(self, made, *details, **form):
        """Ask for a token; returns status and body."""
        import json

        if details:
            form["authorization_details"] = json.dumps(
                [{"type": "content_license", **each} for each in details]
            )
        form.setdefault("grant_type", "client_credentials")
        answer = await self.post("/.licet/token", made, form)
        return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    await made.open()
    yield made
    await made.close()
