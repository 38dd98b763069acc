"""What each permission lets somebody do, in words: for whoever chooses a key's scopes, and for whoever asks what a role may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.dashboard.permissions import Permission

_P = Permission
#: One clause for each permission, as it goes on after "it may".
WORDS: Final[Mapping[Permission, str]] = {
    _P.SELF: "sign in, out, and change its own password",
    _P.VIEWS_OWN: "save views of its own",
    _P.OVERVIEW_READ: "read the overview and its charts",
    _P.LOG_READ: "read the access log, live too",
    _P.LOG_EXPORT: "take the log and the lists of crawlers and content along as files",
    _P.ADDRESS_SEE: "see clients' addresses; each look is noted",
    _P.ADMIN_READ: "read what administrators did",
    _P.EVIDENCE_READ: "read the papers that prove fetches",
    _P.AUDITS_READ: "read audits and who may look",
    _P.AUDITS_CHANGE: "ask for audits and decide about them",
    _P.DUTIES_READ: "read what licensees owe besides money",
    _P.DUTIES_CHANGE: "judge and waive what licensees hand in",
    _P.BILLING_READ: "read statements, invoices, disputes and payouts",
    _P.BILLING_CHANGE: "answer disputes, name payees and plan payouts",
    _P.MILESTONES_READ: "read what of fees waits for something",
    _P.MILESTONES_CHANGE: "confirm milestones, object to them, settle them and give fees back",
    _P.BUNDLES_READ: "read what is sold as one",
    _P.DEALS_READ: "read negotiations",
    _P.DEALS_CHANGE: "approve, counter and decline in negotiations",
    _P.LICENSES_READ: "read licenses and licensees",
    _P.LICENSES_CHANGE: "suspend, resume and revoke licenses",
    _P.LICENSEES_CHANGE: "suspend licensees and take them back",
    _P.POLICY_READ: "read the rules and what crawlers meet",
    _P.POLICY_CHANGE: "change the rules and how much of them binds",
    _P.CONSENT_READ: "read withdrawals, objections and authors' answers",
    _P.CONSENT_CHANGE: "withdraw, readmit and decide about objections",
    _P.REFUSED_READ: "read what people say who were refused",
    _P.REFUSED_CHANGE: "exempt what people were refused for, or dismiss it",
    _P.HEALTH_READ: "read what is in order on this machine",
    _P.HEALTH_CHECK: "have the machine looked at again",
    _P.WORTH_READ: "read the memo, the calculator and dossiers",
    _P.WORTH_CHANGE: "state figures of your own",
    _P.FLOOR_SEE: "see the least that you would take",
    _P.PEOPLE_READ: "read who may sign in",
    _P.PEOPLE_CHANGE: "invite people and change what they may",
    _P.WEBHOOKS_READ: "read who is told of what happens",
    _P.WEBHOOKS_CHANGE: "test, retry and switch off webhooks",
    _P.KEYS_READ: "read which keys there are",
    _P.KEYS_CHANGE: "make and revoke keys",
}
