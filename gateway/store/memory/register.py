"""`licenses.register.LicenseRegister` in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gateway.event import Event
from gateway.licenses.duty_events import suspension_event
from gateway.licenses.exclusivity import Conflict, conflict
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.revocations import Revocations
from gateway.licenses.suspension import Suspension
from gateway.problems import StoreUnavailable
from gateway.store.memory.events import Happened
from gateway.store.revoking import KINDS, lifted_at, snapshot


class MemoryRegister:
    """Licensees, clients, licenses and revocations. Setting *down* to a sentence makes it refuse."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events go to *happened*."""
        self.down = ""
        self.happened = happened or Happened()
        self._suspensions: list[Suspension] = []
        self._licensees: dict[str, Licensee] = {}
        self._clients: dict[str, Client] = {}
        self._licenses: dict[str, License] = {}
        #: Versions after the first, by license; since when a version is over; whose holder was told of the end.
        self.later: dict[str, list[License]] = {}
        self.ended: dict[tuple[str, int], int] = {}
        self.warned: set[tuple[str, int]] = set()
        self.amendments: set[tuple[str, int]] = set()
        self._revoked: dict[tuple[str, str], tuple[int, int]] = {}

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable(self.down)

    async def add_licensee(self, licensee: Licensee, client: Client) -> None:
        """Keep a new licensee with its first client; `ValueError` if either id exists."""
        self._check()
        if client.licensee != licensee.id:
            raise ValueError(f"client {client.id} is not of licensee {licensee.id}")
        if licensee.id in self._licensees:
            raise ValueError(f"there is a licensee {licensee.id}")
        if client.id in self._clients:
            raise ValueError(f"there is a client {client.id}")
        self._licensees[licensee.id] = licensee
        self._clients[client.id] = client

    async def licensee(self, licensee_id: str) -> Licensee | None:
        """The licensee of that id."""
        self._check()
        return self._licensees.get(licensee_id)

    async def licensees(self) -> tuple[Licensee, ...]:
        """Every licensee, by name."""
        self._check()
        return tuple(sorted(self._licensees.values(), key=lambda each: (each.name, each.id)))

    async def newest_licensees(self, most: int, behind: Licensee | None = None) -> tuple[Licensee, ...]:
        """Licensees, the last to register first; see the port."""
        self._check()
        ordered = sorted(self._licensees.values(), key=_registered)
        return tuple(each for each in ordered if behind is None or _registered(each) > _registered(behind))[
            :most
        ]

    async def standings(self) -> Mapping[Standing, int]:
        """How many there are of each standing."""
        self._check()
        return Counter(each.standing for each in self._licensees.values())

    async def set_standing(self, licensee_id: str, standing: Standing, at: int) -> Licensee | None:
        """Approve or suspend from *at* on; None if there is no such licensee."""
        self._check()
        before = self._licensees.get(licensee_id)
        if before is None:
            return None
        if standing is Standing.SUSPENDED:
            self._revoke("licensee", licensee_id, at, 0)
        elif before.standing is Standing.SUSPENDED:
            self._revoke("licensee", licensee_id, lifted_at(at), 0)
        self._licensees[licensee_id] = replace(before, standing=standing)
        return self._licensees[licensee_id]

    async def set_place(self, licensee_id: str, country: str, evidence: str) -> Licensee | None:
        """Keep where a licensee is; None if there is no such licensee."""
        self._check()
        before = self._licensees.get(licensee_id)
        if before is None:
            return None
        self._licensees[licensee_id] = replace(before, country=country, evidence=evidence)
        return self._licensees[licensee_id]

    async def client(self, client_id: str) -> tuple[Client, Licensee] | None:
        """A client and its licensee."""
        self._check()
        client = self._clients.get(client_id)
        return (client, self._licensees[client.licensee]) if client else None

    async def clients_of(self, licensee: str) -> tuple[Client, ...]:
        """Every client of *licensee*, the oldest first (`licenses.client_list.ClientList`)."""
        self._check()
        mine = (each for each in self._clients.values() if each.licensee == licensee)
        return tuple(sorted(mine, key=lambda each: (each.created_at, each.id)))

    async def change_client(self, client: Client) -> bool:
        """Keep *client* in place of the one with its id and licensee; False if there is none."""
        self._check()
        before = self._clients.get(client.id)
        if before is None or before.licensee != client.licensee:
            return False
        self._clients[client.id] = client
        return True

    async def remove_client(self, client_id: str, at: int, until: int) -> bool:
        """Forget a client and revoke its tokens as of *at*; False if there is none."""
        self._check()
        if self._clients.pop(client_id, None) is None:
            return False
        await self.revoke("client", client_id, at, until=until)
        return True

    async def grant(
        self, license: License, *, spent: Collection[str] = (), events: Sequence[Event] = ()
    ) -> License | Conflict:
        """Keep *license*, or return the live one that already says the same; see the port."""
        self._check()
        if license.licensee not in self._licensees:
            raise ValueError(f"there is no licensee {license.licensee}")
        live = [
            each
            for each in self.every_version()
            if (each.version == 1 or each.starts_at <= license.starts_at)
            and _agreed(each) == _agreed(license)
            and each.ends_at > license.starts_at
            and ("license", each.id) not in self._revoked
            and each.id not in spent
        ]
        if live:
            return min(live, key=lambda each: (-each.ends_at, each.id))
        if license.id in self._licenses:
            raise ValueError(f"there is another license {license.id}")
        taken = self.conflict_with(license)
        if taken is not None:
            return taken
        self._licenses[license.id] = license
        self.happened.keep(events)
        return license

    async def in_the_way(self, license: License) -> Conflict | None:
        """The license that shuts *license* out, if there is one."""
        self._check()
        return self.conflict_with(license)

    def conflict_with(self, license: License) -> Conflict | None:
        """`in_the_way`, as part of another act."""
        return conflict(license, (each for each in self.every_version() if not self.is_revoked(each.id)))

    def is_revoked(self, license_id: str) -> bool:
        """Whether a license was revoked."""
        return ("license", license_id) in self._revoked

    def revoked_at(self, license_id: str) -> int:
        """When a license was revoked, 0 for never."""
        return self._revoked.get(("license", license_id), (0, 0))[0]

    def every_version(self) -> list[License]:
        """Every version of every license."""
        return [each for id in self._licenses for each in self.versions_of(id)]

    def versions_of(self, license_id: str) -> list[License]:
        """Every version of one license, in order."""
        first = self._licenses.get(license_id)
        return [first, *self.later.get(license_id, ())] if first else []

    def change_version(self, new: License) -> None:
        """Put *new* in the place of the version of its number."""
        if new.version == 1:
            self._licenses[new.id] = new
        else:
            self.later[new.id][new.version - 2] = new

    async def license(self, license_id: str) -> License | None:
        """The license of that id: its version in force, else its last one."""
        self._check()
        versions = self.versions_of(license_id)
        standing = [each for each in versions if (each.id, each.version) not in self.ended]
        return next(iter(standing), None) or (versions[-1] if versions else None)

    def unrevoked(self) -> tuple[License, ...]:
        """Every license that was not revoked."""
        return tuple(each for each in self.every_version() if not self.is_revoked(each.id))

    async def licenses_of(self, licensee_id: str) -> tuple[License, ...]:
        """A licensee's licenses, newest first."""
        self._check()
        found = [each for each in self.every_version() if each.licensee == licensee_id]
        return tuple(sorted(found, key=lambda each: (each.starts_at, each.id, each.version), reverse=True))

    async def newest_licenses(
        self, most: int, behind: License | None = None
    ) -> tuple[tuple[License, ...], ...]:
        """Licenses with their versions, the last to begin first; see the port."""
        self._check()
        ordered = sorted(self._licenses.values(), key=_begun)
        found = [each for each in ordered if behind is None or _begun(each) > _begun(behind)]
        return tuple(tuple(self.versions_of(each.id)) for each in found[:most])

    async def licenses(self) -> int:
        """How many there are."""
        self._check()
        return len(self._licenses)

    async def revoke(
        self, kind: str, subject: str, at: int, *, until: int = 0, events: Sequence[Event] = ()
    ) -> None:
        """Revoke from *at* on; `ValueError` for a kind that is none."""
        self._check()
        if kind not in KINDS:
            raise ValueError(f"{kind} is nothing that can be revoked")
        self._revoked = {key: (since, end) for key, (since, end) in self._revoked.items() if not 0 < end < at}
        self._revoke(kind, subject, at, until)
        self.happened.keep(events)

    def _revoke(self, kind: str, subject: str, at: int, until: int) -> None:
        before = self._revoked.get((kind, subject))
        if before is not None:
            at, until = max(at, before[0]), 0 if 0 in {until, before[1]} else max(until, before[1])
        self._revoked[kind, subject] = (at, until)

    async def suspend(self, license_id: str, cause: str, said: str, at: int) -> bool:
        """Put *cause* on a license; see the port."""
        self._check()
        return self.put_cause(license_id, cause, said, at)

    def put_cause(self, license_id: str, cause: str, said: str, at: int) -> bool:
        """`suspend`, as part of another act."""
        license = self._licenses.get(license_id)
        mine = [each for each in self._suspensions if (each.license, each.cause) == (license_id, cause)]
        if license is None or any(each.stands or each.since == at for each in mine):
            return False
        self._suspensions.append(Suspension(license_id, cause, said, at))
        self.happened.keep([suspension_event(self._suspensions[-1], license)])
        return True

    async def resume(self, license_id: str, cause: str, at: int) -> bool:
        """Lift *cause* from a license; False where it does not stand."""
        self._check()
        return self.lift_cause(license_id, cause, at)

    def lift_cause(self, license_id: str, cause: str, at: int) -> bool:
        """`resume`, as part of another act."""
        for nth, each in enumerate(self._suspensions):
            if (each.license, each.cause) == (license_id, cause) and each.stands:
                self._suspensions[nth] = replace(each, lifted_at=max(at, 1))
                self.happened.keep([suspension_event(self._suspensions[nth], self._licenses[license_id])])
                return True
        return False

    async def suspensions(self, license_id: str) -> tuple[Suspension, ...]:
        """Every cause that a license was ever suspended for, in order."""
        self._check()
        found = [each for each in self._suspensions if each.license == license_id]
        return tuple(sorted(found, key=lambda each: (each.since, each.cause)))

    async def revocations(self) -> Revocations:
        """Everything revoked and suspended, as of this call."""
        self._check()
        suspended = [each.id for each in self._licensees.values() if each.standing is Standing.SUSPENDED]
        return snapshot(
            [(kind, subject, at) for (kind, subject), (at, _) in self._revoked.items()],
            suspended,
            self._suspensions,
            self._superseded(),
        )

    def _superseded(self) -> set[tuple[str, str]]:
        over, standing = set[tuple[str, str]](), set[tuple[str, str]]()
        for each in self.every_version():
            found = over if (each.id, each.version) in self.ended else standing
            found.add((each.id, each.terms.hash))
        return over - standing


def _agreed(license: License) -> tuple[object, ...]:
    return license.licensee, license.site, license.terms.hash, license.budget, license.crawlers


def _registered(licensee: Licensee) -> tuple[int, str]:
    return -licensee.created_at, licensee.id


def _begun(license: License) -> tuple[int, str]:
    return -license.starts_at, license.id
