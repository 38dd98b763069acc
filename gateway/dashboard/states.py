"""What was there before a change and what is there after, for the digests of a note.

Each of these is what a page's address stands for, read from the same port that
the page changes. An address of which nothing stands here has no state of its
own; its note holds the digest of what was asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.dashboard.people import person_told
from gateway.dashboard.people_file import PeopleFile
from gateway.dashboard.policy_shelf import PolicyFiles, digest_of
from gateway.dashboard.rooms import Rooms
from gateway.licenses.register import LicenseRegister


def states_of(rooms: Rooms, file: PeopleFile) -> Callable[[str, Mapping[str, str]], Awaitable[object]]:
    """How the state behind an address of these pages is read."""

    async def state(pattern: str, given: Mapping[str, str]) -> object:
        noun, id = pattern.split("/")[1], given.get("id", "")
        if noun == "people":
            return person_state(file, id)
        if noun == "keys":
            key = file.read().key(id)
            return {"id": key.id, "revoked_us": key.revoked_us} if key else None
        if noun == "policies" and rooms.policies is not None:
            return _policy(rooms.policies, given.get("site", ""))
        if noun == "deals" and rooms.deals is not None:
            return await rooms.deals.negotiations.get(id)
        if noun == "duties" and rooms.duties is not None:
            return await rooms.duties.duties.get(id)
        if noun == "milestones" and rooms.milestones is not None:
            known = (await rooms.milestones.book.known(given["license"])).milestones
            return next((each for each in known if each.milestone.name == given["name"]), None)
        if noun == "audits" and rooms.audits is not None and id:
            return await rooms.audits.get(id)
        if rooms.holders is not None and noun == "licensees":
            return await rooms.holders.register.licensee(id)
        if rooms.holders is not None and noun == "licenses":
            return await _license(rooms.holders.register, id)
        return None

    return state


def person_state(file: PeopleFile, id: str) -> object:
    """What may be known of a person: no hash, and whether there is one."""
    return person_told(file.read().people.of_id(id))


def _policy(files: PolicyFiles, site: str) -> object:
    policy = files.of_site(site)
    return {"sha256": digest_of(files.text(policy))} if policy is not None else None


async def _license(register: LicenseRegister, id: str) -> object:
    revoked = id in (await register.revocations()).licenses
    stops = [(each.cause, each.said) for each in await register.suspensions(id) if each.stands]
    return {"id": id, "revoked": revoked, "suspended": stops}
