"""One fetch as it will be remembered, and the bytes that are hashed and signed.

Every entry of the journal has canonical bytes (RFC 8785) and a random 32-byte
salt. Its public leaf is::

    {"v":1, "time":…, "site":SHA-256(salt ‖ "site" ‖ 0x00 ‖ site), "entry":SHA-256(salt ‖ canonical bytes)}

so that the record and its salt open the leaf, and without the salt the leaf
tells only when something was fetched. `time` is in microseconds. Address,
User-Agent, Referer, query and header evidence stand in `FetchDetail`, which the
record binds by `detail = SHA-256(detail salt ‖ canonical detail)`; forgetting a
detail and its salt leaves every other check as it was.

Versions are append-only: a member is never removed or given another meaning.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from gateway.canonical import canonical_bytes, canonical_members
from gateway.provenance.consent_note import ConsentNote

RECORD_VERSION: Final = 1
LEAF_VERSION: Final = 1
SALT_BYTES: Final = 32


def _members(entry: Any) -> dict[str, Any]:
    """Every member by name; all are plain values, so nothing is copied."""
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


class Outcome(StrEnum):
    """What became of a request.

    FREE: served without charge by rule. LICENSED: served under a license.
    OPEN: served although the rules would have refused or charged (observe, offer).
    REFUSED: turned away by us. FAILED: the origin or we broke.
    """

    FREE = "free"
    LICENSED = "licensed"
    OPEN = "open"
    REFUSED = "refused"
    FAILED = "failed"


class Ended(StrEnum):
    """Who ended the answer, and how.

    PASSED: the site's own proxy was told that it may deliver; what came of that is not seen here.
    """

    COMPLETE = "complete"
    REFUSED = "refused"
    CLIENT = "client-abort"
    ORIGIN = "origin-abort"
    GATEWAY = "gateway-abort"
    PASSED = "passed-on"


#: Compared with for every entry that is folded: text alone is told apart soonest.
_LICENSED: Final = str(Outcome.LICENSED)
_DETAIL_TYPES: Final = (str, tuple, str, str, str, str)


@dataclass(frozen=True)
class FetchDetail:
    """The personal part of a fetch: erasable, never hashed without its salt."""

    address: str = ""
    peer: str = ""
    user_agent: str = ""
    referer: str = ""
    query: str = ""
    evidence: tuple[str, ...] = ()

    def canonical(self) -> bytes:
        """The bytes that are committed to: RFC 8785 over every member."""
        octets: bytes | None = vars(self).get("_octets")
        if octets is None:
            octets = self._written()
            object.__setattr__(self, "_octets", octets)
        return octets

    def _written(self) -> bytes:
        members: dict[str, object] = {
            "address": self.address,
            "evidence": self.evidence,
            "peer": self.peer,
            "query": self.query,
            "referer": self.referer,
            "user_agent": self.user_agent,
        }
        return canonical_members(members, _DETAIL_TYPES, "evidence")

    def commitment(self, salt: bytes) -> str:
        """The value of `FetchRecord.detail` that binds this detail."""
        return hashlib.sha256(salt + self.canonical()).hexdigest()


@dataclass(frozen=True)
class FetchRecord:  # noqa: PLW1641 - a frozen dataclass has a hash
    """One request of an automated visitor, whatever came of it.

    Times are microseconds since the epoch, amounts micro-units of *currency*.
    *price_micros* is what one unit costs under the license; *charged_micros* is
    what this fetch owes, at most that, for the reason in *charge_reason*.
    *quote_micros* is the price an unlicensed visitor was or would have been
    quoted. *unit* names the resource, query and all, as a hash
    (`admission.owed.unit_of`): it shows no query, but whoever holds the record
    can test a guess at one. *would* is the code of the refusal that did not bind (observe,
    offer). *digest* is the SHA-256 of the body as sent, in hex, of a complete
    or broken-off body alike. *detail* commits to the `FetchDetail`.
    """

    id: str
    time_us: int
    duration_us: int
    site: str
    host: str
    method: str
    path: str
    visitor_class: str
    identity: str
    identity_method: str
    verdict: str
    rule: str
    policy: str
    mode: str
    outcome: str
    status: int
    bytes_sent: int
    ended: str
    detail: str
    crawler: str = ""
    operator: str = ""
    licensee: str = ""
    client: str = ""
    license: str = ""
    token: str = ""
    terms: str = ""
    uses: tuple[str, ...] = ()
    work: str = ""
    rendition: str = ""
    country: str = ""
    country_basis: str = ""
    problem: str = ""
    would: str = ""
    currency: str = ""
    price_micros: int = 0
    quote_micros: int = 0
    charged_micros: int = 0
    charge_reason: str = ""
    unit: str = ""
    digest: str = ""
    content_type: str = ""
    etag: str = ""
    v: int = RECORD_VERSION

    kind = "fetch"

    def __eq__(self, other: object) -> bool:
        """Whether *other* is a fetch of the same members, however it was made."""
        return vars(self) == vars(other) if isinstance(other, FetchRecord) else NotImplemented

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_members(vars(self), _FETCH_TYPES, "uses")

    @property
    def is_paid(self) -> bool:
        """Whether it passed under a license: never shed, always awaited."""
        return self.outcome == _LICENSED


def _shape(made: type[Any]) -> dict[str, type[Any]]:
    """What each member of *made* is, in the order of canonical JSON. Annotations are text in this module."""
    named = {field.name: str(field.type) for field in fields(made)}
    return {name: {"str": str, "int": int, "tuple[str, ...]": tuple}[named[name]] for name in sorted(named)}


_FETCH_NAMES: Final = tuple(_shape(FetchRecord))
_FETCH_TYPES: Final = tuple(_shape(FetchRecord).values())

if TYPE_CHECKING:
    make_fetch = FetchRecord
else:

    def make_fetch(**members: Any) -> FetchRecord:
        """Make a `FetchRecord` as the class itself does, and quicker of all its members in order of their names.

        A frozen dataclass stores one member a call; here all are stored at once.
        """
        return _stored(members) if tuple(members) == _FETCH_NAMES else FetchRecord(**members)


def _stored(members: dict[str, Any]) -> FetchRecord:
    """The fetch of exactly these members, whose dictionary it keeps."""
    made = object.__new__(FetchRecord)
    object.__setattr__(made, "__dict__", members)
    return made


@dataclass(frozen=True, slots=True)
class BookEntry:
    """Money that moved without a fetch: the other kind of entry that may post.

    *kind_of* is ``credit`` (the licensee paid in), ``fee`` (an agreed fee was
    paid), ``due`` (something fell due by agreement), ``payment`` (what was due
    was paid from credit), ``deposit`` (somebody, named in *reference*, holds
    money for a milestone), ``promise`` (a milestone is to be paid and nobody
    holds its money), ``milestone`` (it was met) and ``dispute`` (somebody
    objects), which move nothing, ``release`` and ``refund`` (of the deposit or
    promise *reference*), ``reversal`` (undoes entry *reference*), ``rate`` (of
    currency *reference* in *currency*; `licenses.rates`), ``claim`` and
    ``withdrawn`` (costs that are claimed, or are no more; `billing.cost_claims`),
    which move nothing, or ``share`` (what of the earnings of *site* is its
    authors', named in *memo*); ``close``
    (the period *reference* is billed as it stands), ``invoice``, ``bill`` and
    ``credit_note`` (the document *reference* gets its number), which move
    nothing; ``tax``, ``round_up``, ``round_down`` and ``write_off`` of such a
    document; ``payout`` and ``payout_fee`` to a creator. *by* names who entered
    it. *amount_micros* is positive.
    """

    id: str
    time_us: int
    kind_of: str
    site: str
    licensee: str
    amount_micros: int
    currency: str
    license: str = ""
    reference: str = ""
    memo: str = ""
    by: str = ""
    v: int = RECORD_VERSION

    kind = "book"
    is_paid = True

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_bytes(_members(self))


@dataclass(frozen=True, slots=True)
class ShedNote:
    """How many unpaid records were not kept because the disk or the queue was short. Posts nothing.

    *is_paid* is said of it because it must not be shed itself.
    """

    id: str
    time_us: int
    since_us: int
    count: int
    reason: str
    site: str = ""
    v: int = RECORD_VERSION

    kind = "shed"
    is_paid = True

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_bytes(_members(self))


@dataclass(frozen=True, slots=True)
class FloodNote:
    """How many unpaid refusals alike were counted instead of recorded one by one. Posts nothing.

    They came from *since_us* to *time_us*, *count* of them, each refused with
    *status* because of *problem* (a code of `problems`). *detail* commits to a
    `FetchDetail` whose address is their network.
    """

    id: str
    time_us: int
    since_us: int
    count: int
    site: str
    crawler: str
    visitor_class: str
    problem: str
    status: int
    detail: str
    v: int = RECORD_VERSION

    kind = "flood"
    is_paid = True
    outcome = "refused"

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_bytes(_members(self))


@dataclass(frozen=True, slots=True)
class AdminNote:
    """What somebody did by administering, or saw of what is hidden. Posts nothing.

    *act* is the permission it took, such as ``licenses.change``, or the command;
    *subject* the address of the page that did it, or what the command was given.
    *by* is the id of a person (``pe_…``), whose name stands elsewhere and can be
    erased there; "" for the machine's own operator. *role* is what that person was
    then, ``local`` for a command; *way* how it was known: ``password``, ``passkey``,
    ``oidc``, ``key ID`` or ``local``. *before* and *after* are SHA-256 in hex of what
    was there, "" for nothing and for what has no such form; where only *after*
    stands it is of what was asked for.
    """

    id: str
    time_us: int
    act: str
    subject: str
    by: str
    role: str
    way: str
    before: str = ""
    after: str = ""
    site: str = ""
    v: int = RECORD_VERSION

    kind = "admin"
    is_paid = True

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_bytes(_members(self))


JournalEntry = FetchRecord | BookEntry | ShedNote | FloodNote | AdminNote | ConsentNote
_KINDS: dict[str, type[Any]] = {
    "fetch": FetchRecord,
    "book": BookEntry,
    "shed": ShedNote,
    "flood": FloodNote,
    "admin": AdminNote,
    "consent": ConsentNote,
}
_SHAPES = {kind: (tuple(_shape(made)), tuple(_shape(made).values())) for kind, made in _KINDS.items()}
_LISTS = {
    kind: tuple(name for name, of in _shape(made).items() if of is tuple) for kind, made in _KINDS.items()
}
_TEXT = frozenset({str})


def shapes() -> dict[str, dict[str, type[Any]]]:
    """The members of each kind of entry with their types; a tuple is one of texts."""
    return {kind: _shape(made) for kind, made in _KINDS.items()}


class RecordError(ValueError):
    """Bytes that should hold a journal entry do not."""


def read_entry(kind: str, members: dict[str, Any]) -> JournalEntry:
    """Rebuild an entry from its parsed canonical JSON; raise `RecordError` if it is none.

    An entry of a later version, or with a member this version does not know, is
    refused: it must be read by the program that wrote it.
    """
    return read_canonical(kind, dict(members))[0]


def read_canonical(kind: str, members: dict[str, Any]) -> tuple[JournalEntry, bytes]:
    """Do as `read_entry` does, take *members* over, and return the canonical bytes of the entry too."""
    made = _KINDS.get(kind)
    if made is None:
        raise RecordError(f"unknown kind of entry {kind!r}")
    version, (names, types) = members.get("v"), _SHAPES[kind]
    if tuple(members) != names:
        members = dict(sorted(members.items()))
    if type(version) is not int or version != RECORD_VERSION or tuple(members) != names:
        raise RecordError(f"a {kind} entry has version {version!r} or other members than version 1")
    for name in _LISTS[kind]:
        listed = members[name]
        words = isinstance(listed, list | tuple) and _TEXT.issuperset(map(type, listed))
        members[name] = tuple(listed) if words else None
    if tuple(map(type, members.values())) != types:
        raise RecordError(f"a {kind} entry has a member of another type than version 1")
    entry: JournalEntry = _stored(members) if made is FetchRecord else made(**members)
    try:
        canonical = entry.canonical()
    except (TypeError, ValueError) as error:
        raise RecordError(f"a {kind} entry cannot be read: {error}") from None
    return entry, canonical


def entry_commitment(canonical: bytes, salt: bytes) -> str:
    """SHA-256 over salt and canonical bytes, in hex: the leaf's `entry`."""
    return hashlib.sha256(salt + canonical).hexdigest()


def leaf(entry: JournalEntry, salt: bytes, canonical: bytes | None = None) -> bytes:
    """Canonical bytes of the entry's public leaf. *salt* is `SALT_BYTES` random octets.

    *canonical* are the entry's canonical bytes, for whoever has them at hand.
    """
    return public_leaf(entry.site, entry.time_us, entry.canonical() if canonical is None else canonical, salt)


def public_leaf(site: str, time_us: int, canonical: bytes, salt: bytes) -> bytes:
    """The same of an entry of *site* at *time_us* whose canonical bytes are at hand."""
    content = entry_commitment(canonical, salt)
    site = hashlib.sha256(salt + b"site\0" + site.encode()).hexdigest()
    return b'{"entry":"%b","site":"%b","time":%d,"v":%d}' % (
        content.encode(),
        site.encode(),
        time_us,
        LEAF_VERSION,
    )
