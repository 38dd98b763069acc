"""Who may do what on the operator's pages: four roles, one permission for each action of a page. Pure.

The table `ROUTES` names for every address of the dashboard the one permission
that it wants; `ALLOWED` names for every role the permissions it has. What stands
in neither is the owner's alone: a new page is closed until somebody says whose
it is, and a test walks every address and fails where the table is silent.

An owner does everything. An operator runs the day: decides about negotiations,
licensees, licenses, duties, bills and consent, and may see client addresses; the
rules, the prices behind them, people and keys are not its. A viewer reads. An
auditor reads evidence and nothing else: the log, its records, the papers that
follow from them, and what administrators did. Floors (`licenses.position`) are
seen by owners alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is on the dashboard."""

    OWNER = "owner"
    OPERATOR = "operator"
    VIEWER = "viewer"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """One thing that can be done. Its text is the scope of an API key, and the act in the log of administration."""

    SELF = "self"
    VIEWS_OWN = "views.own"
    OVERVIEW_READ = "overview.read"
    LOG_READ = "log.read"
    LOG_EXPORT = "log.export"
    ADDRESS_SEE = "address.see"
    ADMIN_READ = "admin.read"
    EVIDENCE_READ = "evidence.read"
    AUDITS_READ = "audits.read"
    AUDITS_CHANGE = "audits.change"
    DUTIES_READ = "duties.read"
    DUTIES_CHANGE = "duties.change"
    BILLING_READ = "billing.read"
    BILLING_CHANGE = "billing.change"
    MILESTONES_READ = "milestones.read"
    MILESTONES_CHANGE = "milestones.change"
    BUNDLES_READ = "bundles.read"
    DEALS_READ = "deals.read"
    DEALS_CHANGE = "deals.change"
    LICENSES_READ = "licenses.read"
    LICENSES_CHANGE = "licenses.change"
    LICENSEES_CHANGE = "licensees.change"
    POLICY_READ = "policy.read"
    POLICY_CHANGE = "policy.change"
    CONSENT_READ = "consent.read"
    CONSENT_CHANGE = "consent.change"
    REFUSED_READ = "refused.read"
    REFUSED_CHANGE = "refused.change"
    HEALTH_READ = "health.read"
    HEALTH_CHECK = "health.check"
    WORTH_READ = "worth.read"
    WORTH_CHANGE = "worth.change"
    FLOOR_SEE = "floor.see"
    PEOPLE_READ = "people.read"
    PEOPLE_CHANGE = "people.change"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_CHANGE = "webhooks.change"
    KEYS_READ = "keys.read"
    KEYS_CHANGE = "keys.change"


_P = Permission
_EVIDENCE: Final = frozenset(
    {
        _P.SELF, _P.VIEWS_OWN, _P.LOG_READ, _P.LOG_EXPORT, _P.ADMIN_READ, _P.EVIDENCE_READ, _P.AUDITS_READ, _P.DUTIES_READ,
        _P.BILLING_READ,
    }
)  # fmt: skip
_READING: Final = _EVIDENCE | {
    _P.OVERVIEW_READ, _P.MILESTONES_READ, _P.BUNDLES_READ, _P.DEALS_READ, _P.LICENSES_READ, _P.POLICY_READ,
    _P.CONSENT_READ, _P.WORTH_READ, _P.HEALTH_READ,
}  # fmt: skip
#: What each role may do.
ALLOWED: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Permission),
        Role.OPERATOR: _READING
        | {
            _P.ADDRESS_SEE, _P.AUDITS_CHANGE, _P.DUTIES_CHANGE, _P.BILLING_CHANGE, _P.MILESTONES_CHANGE, _P.DEALS_CHANGE,
            _P.LICENSES_CHANGE, _P.LICENSEES_CHANGE, _P.CONSENT_CHANGE, _P.PEOPLE_READ,
            _P.HEALTH_CHECK, _P.WEBHOOKS_READ, _P.WEBHOOKS_CHANGE,
            # Reports of people name the networks that they came from.
            _P.REFUSED_READ, _P.REFUSED_CHANGE,
        },
        Role.VIEWER: _READING,
        Role.AUDITOR: _EVIDENCE,
    }
)  # fmt: skip

#: What a table is for other programs; `exports` writes each.
ENDINGS: Final = ("csv", "json", "jsonl", "parquet")
_LOG: Final = {
    f"GET /{name}.{ending}": _P.LOG_EXPORT
    for name in ("log", "crawlers", "content", "content/paths")
    for ending in ENDINGS
} | {
    # A page's charts are drawn from it: whoever sees the page sees its rows.
    f"GET /{name}.{ending}": _P.LOG_READ
    for name in ("overview", "overview/compared")
    for ending in ENDINGS
}
#: The same for tables that are their page's view.
_VIEWS: Final = {"deals": _P.DEALS_READ, "billing/figures": _P.BILLING_READ}
#: What it takes to see a page's table, in whatever form; with ``.html`` it is a page of its own.
_TABLES: Final = {
    "views": _P.VIEWS_OWN, "admin": _P.ADMIN_READ, "people": _P.PEOPLE_READ, "keys": _P.KEYS_READ, "licensees": _P.LICENSES_READ,
    "licenses": _P.LICENSES_READ, "duties": _P.DUTIES_READ, "audits": _P.AUDITS_READ,
    "auditors": _P.AUDITS_READ, "auditors/looks": _P.AUDITS_READ, "milestones": _P.MILESTONES_READ,
    "bundles": _P.BUNDLES_READ, "policies": _P.POLICY_READ, "webhooks": _P.WEBHOOKS_READ,
    "webhooks/newest": _P.WEBHOOKS_READ, "webhooks/{id}/deliveries": _P.WEBHOOKS_READ,
    "webhooks/events/{id}/deliveries": _P.WEBHOOKS_READ, "refused": _P.REFUSED_READ, "refused/weeks": _P.REFUSED_READ,
    "licensees/{id}/licenses": _P.LICENSES_READ, "figures": _P.WORTH_CHANGE,
    **{f"memo/{name}": _P.WORTH_READ for name in ("crawlers", "works", "figures", "deals", "comparables")},
    **{f"calculator/{name}": _P.FLOOR_SEE for name in ("frameworks", "tiers")},
    **{f"dossier/{name}": _P.WORTH_READ for name in ("pages", "days", "senders", "networks", "versions")},
    "preview/offers": _P.POLICY_READ,
    "policies/{site}/impact": _P.POLICY_CHANGE, "policies/{site}/impact/crawlers": _P.POLICY_CHANGE,
    "who": _P.LOG_READ, "policies/{site}/consent": _P.POLICY_READ, "account/passkeys": _P.SELF,
    "crawlers/{name}/proofs": _P.LOG_READ,
    **{f"bundles/{{hash}}/{name}": _P.BUNDLES_READ for name in ("licenses", "works")},
    "audits/{id}/findings": _P.AUDITS_READ,
    **{f"duties/{{id}}/{name}": _P.DUTIES_READ for name in ("documents", "due")},
    # Whoever may not read a text may not guess it by its digest either.
    "policies/{site}/versions": _P.FLOOR_SEE,
    **{f"health/{name}": _P.HEALTH_READ for name in ("findings", "settings")},
    **{f"licenses/{{id}}/{name}": _P.LICENSES_READ for name in ("levers", "versions")},
    **{f"deals/{{id}}/{name}": _P.DEALS_READ for name in ("levers", "flags", "checklist", "transcript")},
    **{f"consent/{name}": _P.CONSENT_READ for name in ("withdrawals", "objections", "authors")},
    **{f"billing/{name}": _P.BILLING_READ for name in ("statements", "documents", "disputes", "payouts", "authors")},
    # What would be due back stands there: only for whoever could withdraw.
    **{f"consent/{name}": _P.CONSENT_CHANGE for name in ("effects", "effects/told")},
}  # fmt: skip
#: The permission that each address wants, by method and pattern.
ROUTES: Final[Mapping[str, Permission]] = MappingProxyType(
    {
        **_LOG,
        **{
            f"GET /{name}.{ending}": wants for name, wants in (_TABLES | _VIEWS).items() for ending in ENDINGS
        },
        **{f"GET /{name}.html": wants for name, wants in _TABLES.items()},
        # Everybody keeps views, of what they may see; nobody sees another's.
        "GET /views": _P.VIEWS_OWN,
        "POST /views/save": _P.VIEWS_OWN,
        "POST /views/{id}/rename": _P.VIEWS_OWN,
        "POST /views/{id}/remove": _P.VIEWS_OWN,
        "GET /account": _P.SELF,
        "POST /account/password": _P.SELF,
        "GET /account/passkeys": _P.SELF,
        "POST /account/passkeys/options": _P.SELF,
        "POST /account/passkeys/add": _P.SELF,
        "POST /account/passkeys/only": _P.SELF,
        "POST /account/passkeys/{id}/remove": _P.SELF,
        "GET /people": _P.PEOPLE_READ,
        "POST /people/add": _P.PEOPLE_CHANGE,
        **{
            f"POST /people/{{id}}/{act}": _P.PEOPLE_CHANGE
            for act in ("role", "disable", "enable", "remove", "reset")
        },
        "GET /admin": _P.ADMIN_READ,
        "GET /keys": _P.KEYS_READ,
        "POST /keys/add": _P.KEYS_CHANGE,
        "POST /keys/{id}/revoke": _P.KEYS_CHANGE,
        "GET /": _P.OVERVIEW_READ,
        "GET /log": _P.LOG_READ,
        "GET /crawlers": _P.LOG_READ,
        "GET /crawlers/{name}": _P.LOG_READ,
        "GET /content": _P.LOG_READ,
        "GET /live": _P.LOG_READ,
        "GET /live/events": _P.LOG_READ,
        "GET /records/{id}": _P.LOG_READ,
        "POST /records/{id}/reveal": _P.ADDRESS_SEE,
        "GET /who": _P.LOG_READ,
        "GET /deals": _P.DEALS_READ,
        "GET /deals/{id}": _P.DEALS_READ,
        "GET /deals/{id}/letters/{kind}.txt": _P.DEALS_READ,
        "POST /deals/{id}/offer": _P.DEALS_CHANGE,
        "POST /deals/{id}/decline": _P.DEALS_CHANGE,
        "POST /deals/{id}/confirm": _P.DEALS_CHANGE,
        "GET /licensees": _P.LICENSES_READ,
        "GET /licensees/{id}": _P.LICENSES_READ,
        "POST /licensees/{id}/stand": _P.LICENSEES_CHANGE,
        "GET /licenses": _P.LICENSES_READ,
        "GET /licenses/{id}": _P.LICENSES_READ,
        "POST /licenses/{id}/suspend": _P.LICENSES_CHANGE,
        "POST /licenses/{id}/resume": _P.LICENSES_CHANGE,
        "POST /licenses/{id}/revoke": _P.LICENSES_CHANGE,
        "GET /billing": _P.BILLING_READ,
        **{
            f"GET /billing/{name}": _P.BILLING_READ
            for name in ("statements", "documents", "disputes", "payouts")
        },
        "GET /billing/statements/{licensee}/{month}": _P.BILLING_READ,
        "GET /billing/statements/{licensee}/{month}.{ending}": _P.BILLING_READ,
        "GET /billing/documents/{id}": _P.BILLING_READ,
        "GET /billing/documents/{id}.{ending}": _P.BILLING_READ,
        "GET /billing/disputes/{id}": _P.BILLING_READ,
        "POST /billing/disputes/{id}/{act}": _P.BILLING_CHANGE,
        "GET /billing/authors": _P.BILLING_READ,
        "POST /billing/authors/payee": _P.BILLING_CHANGE,
        "POST /billing/authors/plan": _P.BILLING_CHANGE,
        "GET /duties": _P.DUTIES_READ,
        "GET /duties/{id}": _P.DUTIES_READ,
        "GET /duties/{id}/evidence/{sha256}": _P.EVIDENCE_READ,
        "POST /duties/{id}/accept": _P.DUTIES_CHANGE,
        "POST /duties/{id}/reject": _P.DUTIES_CHANGE,
        "POST /duties/{id}/excuse": _P.DUTIES_CHANGE,
        "POST /duties/{id}/veto": _P.DUTIES_CHANGE,
        "GET /audits": _P.AUDITS_READ,
        "GET /audits/{id}": _P.AUDITS_READ,
        "GET /audits/new": _P.AUDITS_CHANGE,
        "POST /audits/new": _P.AUDITS_CHANGE,
        **{
            f"POST /audits/{{id}}/{act}": _P.AUDITS_CHANGE
            for act in ("name", "bind", "findings", "close", "cancel")
        },
        "GET /auditors": _P.AUDITS_READ,
        "GET /auditors/looks": _P.AUDITS_READ,
        "POST /auditors/{id}/revoke": _P.AUDITS_CHANGE,
        "GET /milestones": _P.MILESTONES_READ,
        "GET /milestones/{license}/{name}": _P.MILESTONES_READ,
        **{
            f"POST /milestones/{{license}}/{{name}}/{act}": _P.MILESTONES_CHANGE
            for act in ("funded", "met", "dispute", "settle", "refund")
        },
        "GET /bundles": _P.BUNDLES_READ,
        "GET /bundles/{hash}": _P.BUNDLES_READ,
        "GET /policies": _P.POLICY_READ,
        "GET /policies/{site}": _P.POLICY_READ,
        "POST /policies/{site}/check": _P.POLICY_CHANGE,
        "POST /policies/{site}/activate": _P.POLICY_CHANGE,
        # A version's text holds the floors that it was in force with.
        "GET /policies/{site}/versions/{sha256}": _P.FLOOR_SEE,
        "GET /policies/{site}/consent": _P.POLICY_READ,
        "POST /policies/{site}/consent/check": _P.POLICY_CHANGE,
        "POST /policies/{site}/consent/activate": _P.POLICY_CHANGE,
        "GET /records/{id}/replay": _P.POLICY_READ,
        # The file holds the floors.
        "GET /policies/{site}/lines": _P.FLOOR_SEE,
        "GET /preview": _P.POLICY_READ,
        "GET /preview.json": _P.POLICY_READ,
        # Another text is looked at with all that stands in the one in force.
        "POST /preview": _P.POLICY_CHANGE,
        "GET /setup": _P.OVERVIEW_READ,
        "GET /setup/new": _P.POLICY_CHANGE,
        "POST /setup/look": _P.POLICY_CHANGE,
        "POST /setup/write": _P.POLICY_CHANGE,
        "POST /setup/visit": _P.HEALTH_CHECK,
        "GET /health": _P.HEALTH_READ,
        "GET /health.json": _P.HEALTH_READ,
        "POST /health/check": _P.HEALTH_CHECK,
        "POST /health/fetch": _P.HEALTH_CHECK,
        "GET /refused": _P.REFUSED_READ,
        "GET /refused/{id}": _P.REFUSED_READ,
        "POST /refused/undo": _P.REFUSED_CHANGE,
        "POST /refused/{id}/exempt": _P.REFUSED_CHANGE,
        "POST /refused/{id}/dismiss": _P.REFUSED_CHANGE,
        "GET /webhooks": _P.WEBHOOKS_READ,
        "GET /webhooks/newest": _P.WEBHOOKS_READ,
        "GET /webhooks/{id}/deliveries": _P.WEBHOOKS_READ,
        "GET /webhooks/events/{id}/deliveries": _P.WEBHOOKS_READ,
        "GET /webhooks/{id}": _P.WEBHOOKS_READ,
        "GET /webhooks/events/{id}": _P.WEBHOOKS_READ,
        **{f"POST /webhooks/{{id}}/{act}": _P.WEBHOOKS_CHANGE for act in ("test", "again", "retry", "off")},
        # A secret that is made anew is shown.
        "POST /webhooks/{id}/secret": _P.KEYS_CHANGE,
        "GET /consent": _P.CONSENT_READ,
        **{f"GET /consent/{name}": _P.CONSENT_READ for name in ("withdrawals", "objections", "authors")},
        "GET /consent/effects": _P.CONSENT_CHANGE,
        "POST /consent/withdraw": _P.CONSENT_CHANGE,
        "GET /consent/withdrawals/{id}": _P.CONSENT_READ,
        "POST /consent/withdrawals/{id}/readmit": _P.CONSENT_CHANGE,
        "GET /consent/objections/{id}": _P.CONSENT_READ,
        "POST /consent/objections/{id}/{act}": _P.CONSENT_CHANGE,
        "GET /memo": _P.WORTH_READ,
        "GET /calculator": _P.FLOOR_SEE,
        "GET /dossier": _P.WORTH_READ,
        **{f"GET /memo.{ending}": _P.WORTH_READ for ending in ("html", "pdf", "json")},
        **{f"GET /calculator.{ending}": _P.FLOOR_SEE for ending in ("html", "pdf", "json")},
        **{f"GET /dossier.{ending}": _P.WORTH_READ for ending in ("html", "pdf", "json", "txt")},
        # What a creator entered is its own, like the floors.
        "GET /figures": _P.WORTH_CHANGE,
        "POST /figures": _P.WORTH_CHANGE,
        "POST /figures/remove": _P.WORTH_CHANGE,
    }
)

#: What is posted and yet changes nothing: it asks, and what it asks is too long for an address.
LOOKING: Final = frozenset(
    {
        "/account/passkeys/options", "/policies/{site}/check", "/policies/{site}/consent/check", "/preview",
        "/setup/look", "/health/check",
    }
)  # fmt: skip


def wanted(method: str, pattern: str) -> Permission | None:
    """The permission that *method* at *pattern* wants; None where the table is silent and only an owner may.

    >>> wanted("HEAD", "/log"), wanted("GET", "/nowhere")
    (<Permission.LOG_READ: 'log.read'>, None)
    """
    return ROUTES.get(f"{'GET' if method == 'HEAD' else method} {pattern}")


def may(role: Role, permission: Permission | None) -> bool:
    """Whether *role* has *permission*; None is what nobody but an owner has.

    >>> may(Role.VIEWER, Permission.ADDRESS_SEE), may(Role.OWNER, None)
    (False, True)
    """
    return role is Role.OWNER if permission is None else permission in ALLOWED[role]
