"""The pages beside the log: each part stands for one or two tabs, and is left out where there is nothing behind it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.admin_log import AdminLog
from gateway.dashboard.audit_pages import AuditPages
from gateway.dashboard.auditor_pages import AuditorPages
from gateway.dashboard.billing_pages import BillingPages
from gateway.dashboard.billing_tables import Bills
from gateway.dashboard.bundle_pages import BundlePages, Bundles
from gateway.dashboard.consent_pages import ConsentPages
from gateway.dashboard.consent_tables import Consents
from gateway.dashboard.deal_pages import DealPages
from gateway.dashboard.deals import Deals
from gateway.dashboard.duty_pages import DutyPages
from gateway.dashboard.frame import Frame
from gateway.dashboard.grid_pages import GridPages
from gateway.dashboard.health_pages import Health, HealthPages
from gateway.dashboard.holder_pages import HolderPages, Holders
from gateway.dashboard.hook_pages import HookPages, Hooks
from gateway.dashboard.impact_tables import ImpactTables
from gateway.dashboard.milestone_pages import MilestonePages, Milestones
from gateway.dashboard.oidc import Provider
from gateway.dashboard.person_pages import People, PersonPages
from gateway.dashboard.policy_pages import PolicyPages
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.preview_pages import Preview, PreviewPages
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.replay_pages import ReplayPages
from gateway.dashboard.rules_then import RulesThen
from gateway.dashboard.saved_views import SavedViews
from gateway.dashboard.setup_pages import Setup, SetupPages
from gateway.dashboard.view_pages import ViewPages
from gateway.dashboard.worth_pages import Worth, WorthPages
from gateway.licenses.auditors import Auditors
from gateway.licenses.duties import Audits
from gateway.licenses.duty_book import DutyBook


@dataclass(frozen=True, slots=True)
class Rooms:
    """What there are pages for besides the log.

    Attributes:
        deals: the negotiations.
        holders: licensees and licenses.
        duties: what licensees hand in.
        audits: audits, which stand beside duties and need them.
        bills: what licensees are billed.
        milestones: what parts of fees wait for.
        bundles: works that are sold as one.
        policies: the files of rules.
        consents: withdrawals, objections, authors' answers.
        auditors: who may look at the evidence, and who did.
        admin: the notes of what administrators did.
        oidc: the provider that people may sign in by.
        worth: what the value memo, the price calculator and the dossiers work on.
        preview: what crawlers would be told.
        hooks: who is told of what happened.
        health: what is found of machine, folder and sites.
        setup: what the first run works on.
        people: reports of people who were taken for machines.
        views: what operators named of the tables.
    """

    deals: Deals | None = None
    holders: Holders | None = None
    duties: DutyBook | None = None
    audits: Audits | None = None
    bills: Bills | None = None
    milestones: Milestones | None = None
    bundles: Bundles | None = None
    policies: PolicyFiles | None = None
    consents: Consents | None = None
    worth: Worth | None = None
    auditors: Auditors | None = None
    preview: Preview | None = None
    hooks: Hooks | None = None
    health: Health | None = None
    setup: Setup | None = None
    people: People | None = None
    views: SavedViews | None = None
    admin: AdminLog | None = None
    oidc: Provider | None = None

    @property
    def test_mode(self) -> bool:
        """Whether everything here is of test mode: no money moves."""
        return self.bills is not None and self.bills.test

    def paths(self) -> tuple[str, ...]:
        """The address of the first page of each part that there is."""
        every: tuple[tuple[object, str], ...] = (
            (self.deals, "/deals"),
            (self.holders, "/licenses"),
            (self.holders, "/licensees"),
            (self.bills, "/billing"),
            (self.duties, "/duties"),
            (self.duties and self.audits, "/audits"),
            (self.auditors, "/auditors"),
            (self.milestones, "/milestones"),
            (self.bundles, "/bundles"),
            (self.policies, "/policies"),
            (self.preview, "/preview"),
            (self.consents, "/consent"),
            (self.people, "/refused"),
            (self.views, "/views"),
            (self.worth, "/memo"),
            (self.worth, "/calculator"),
            (self.hooks, "/webhooks"),
            (self.health, "/health"),
            (self.setup, "/setup"),
            (self.admin, "/admin"),
        )
        return tuple(path for part, path in every if part is not None)

    def add_to(
        self, router: web.UrlDispatcher, frame: Frame, access_log: AccessLog, clock: Clock
    ) -> SetupPages | None:
        """Add the addresses of each part that there is to *router*; gives the pages that know what is left to do."""
        if self.deals is not None:
            DealPages(self.deals, frame, clock).add_to(router)
        if self.holders is not None:
            HolderPages(self.holders, frame, clock).add_to(router)
        if self.bills is not None:
            BillingPages(self.bills, frame, clock).add_to(router)
        if self.duties is not None:
            DutyPages(self.duties, frame, clock).add_to(router)
        if self.duties is not None and self.audits is not None:
            AuditPages(self.duties, self.audits, frame, clock).add_to(router)
        if self.auditors is not None:
            AuditorPages(self.auditors, frame, clock).add_to(router)
        if self.milestones is not None:
            MilestonePages(self.milestones, frame, clock).add_to(router)
        if self.bundles is not None:
            BundlePages(self.bundles, frame, clock).add_to(router)
        if self.policies is not None:
            answers = self.consents.asking.store if self.consents is not None else None
            PolicyPages(self.policies, access_log, frame, clock, answers).add_to(router)
            GridPages(self.policies, access_log, frame, clock).add_to(router)
            ImpactTables(self.policies, access_log, clock).add_to(router)
            ReplayPages(self.policies, access_log, frame, clock).add_to(router)
        if self.consents is not None:
            ConsentPages(self.consents, frame, clock).add_to(router)
        if self.people is not None:
            PersonPages(self.people, frame, clock, access_log, RulesThen(self.policies)).add_to(router)
        if self.views is not None:
            ViewPages(self.views, frame, clock).add_to(router)
        if self.worth is not None:
            WorthPages(self.worth, frame, clock).add_to(router)
        if self.preview is not None:
            PreviewPages(self.preview, frame, clock).add_to(router)
        if self.hooks is not None:
            register = self.holders.register if self.holders is not None else None
            HookPages(self.hooks, frame, clock, register).add_to(router)
        health = HealthPages(self.health, frame, clock) if self.health is not None else None
        if health is not None:
            health.add_to(router)
        if self.setup is None:
            return None
        setup = SetupPages(
            self.setup, access_log, frame, clock, lambda: health.wrong if health is not None else 0
        )
        setup.add_to(router)
        return setup
