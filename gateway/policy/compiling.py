"""From the tables a creator wrote to the frozen policy, with every check that needs more than one table.

Names that nobody defined, works that are not for sale, paths in two works,
prices in another currency, rules that would leave a page without an answer:
all are found in one pass and told together. A table that is itself wrong is
None here and is not complained about twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.licenses.contract import Party
from gateway.money import MICROS, Money
from gateway.paths import PathScope
from gateway.policy.bundles import bundle_scope
from gateway.policy.dating import Dating
from gateway.policy.digest import policy_digest
from gateway.policy.guides import guide_of
from gateway.policy.milestones import paying_of
from gateway.policy.position_table import ContractTable
from gateway.policy.positions import position_of
from gateway.policy.publish_table import PublishTable
from gateway.policy.rules import (
    Author,
    Match,
    Payments,
    Policy,
    Rendition,
    Rule,
    Signing,
    Site,
    Verdict,
    Work,
)
from gateway.policy.schema import (
    OfferTable,
    RuleTable,
    SiteTable,
    WorkTable,
    shown,
)
from gateway.policy.selling_scope import sellable_scope
from gateway.policy.tables import Tables
from gateway.policy.tiers import Steps
from gateway.policy.usual_levers import levers_of, price_missing
from gateway.policy.words import quoted
from gateway.terms import countries
from gateway.terms.license_terms import (
    PAGE,
    WORLDWIDE,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.terms.publishing import Publishing
from gateway.uses import Use, tier_of

_PARTS = (
    "upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens",
    "per_inference", "subscription", "minimum_guarantee",
)  # fmt: skip


def compiled(tables: Tables, fallback_id: str) -> Policy | None:
    """The policy of *tables*, or None with at least one mistake in ``tables.mistakes``.

    *fallback_id* is the site's id where the file names none. Pure, but for the
    mistakes it adds.
    """
    works = _works(tables)
    found = {name: _terms(tables, name, offer, works) for name, offer in tables.offers.items()}
    for name in tables.offers:
        position_of(tables, name)
    guide_of(tables)
    rules = _rules(tables)
    offers = _sellable(tables, {name: terms for name, terms in found.items() if terms}, rules, works)
    _check_reach(tables, works)
    site = _site(tables.site, fallback_id)
    _check_honeypot(tables, site, works)
    if tables.mistakes or site is None:
        return None
    loose, publishing = tables.loose, Publishing(**dict(tables.publish or PublishTable()))
    given = loose.payments
    x402 = given.x402.terms(site.currency) if given.x402 else None
    payments = Payments(given.price_headers, given.origin_prices, x402, given.x402_credit)
    signing = _signing(loose.contract, site)
    limits = {name: _table(tables, name) for name in offers}
    digest = policy_digest(
        site,
        works,
        {
            name: (terms, limits[name].token_seconds, limits[name].max_fetches)
            for name, terms in offers.items()
        },
        rules,
        otherwise=loose.otherwise,
        unverifiable=loose.unverifiable,
        free_paths=loose.free_paths,
        publishing=publishing,
        payments=payments,
        signing=signing,
        redress=loose.redress.redress(),
        by_person=frozenset(name for name in offers if limits[name].by_person),
    )
    return Policy(
        site=site,
        works=works,
        offers=tuple(
            Offer(
                id=name,
                site=site.id,
                terms=terms,
                policy=digest,
                tier=tier_of(terms.purpose.uses),
                token_seconds=limits[name].token_seconds,
                max_fetches=limits[name].max_fetches,
                by_person=limits[name].by_person,
            )
            for name, terms in offers.items()
        ),
        rules=rules,
        digest=digest,
        otherwise=loose.otherwise,
        unverifiable=loose.unverifiable,
        free_paths=loose.free_paths,
        publishing=publishing,
        stance=loose.stance or "",
        file=tables.file,
        payments=payments,
        signing=signing,
        redress=loose.redress.redress(),
    )


def _sellable(
    tables: Tables, offers: Mapping[str, LicenseTerms], rules: tuple[Rule, ...], works: tuple[Work, ...]
) -> dict[str, LicenseTerms]:
    """*offers* without what no rule sells on them."""
    # Where a claim cannot be checked, every offer may be sold on what a rule serves, whatever other rules say.
    if tables.loose.unverifiable is Verdict.LICENSE:
        return dict(offers)
    return {
        name: replace(terms, scope=sellable_scope(name, terms.purpose.uses, terms.scope, rules, works))
        for name, terms in offers.items()
    }


def _table(tables: Tables, name: str) -> OfferTable:
    found = tables.offers[name]
    assert found is not None
    return found


def _site(table: SiteTable | None, fallback_id: str) -> Site | None:
    if table is None:
        return None
    return Site(
        id=table.id or fallback_id,
        hosts=table.hosts,
        origin=table.origin,
        mode=table.mode,
        currency=table.currency,
        public=table.public,
        sign_requests=table.sign_requests,
        name=table.name,
        contact=table.contact,
        territory=table.territory,
        honeypot=table.honeypot,
    )


def _check_honeypot(tables: Tables, site: Site | None, works: tuple[Work, ...]) -> None:
    if site is None or not site.honeypot:
        return
    for at, work in enumerate(works):
        if any(scope.covers(site.honeypot) for scope in work.paths):
            tables.wrong("site.honeypot", f"is a path of works[{at}]; choose one with nothing behind it")
    if any(scope.covers(site.honeypot) for scope in tables.loose.free_paths):
        tables.wrong("site.honeypot", "is one of free_paths; choose one with nothing behind it")


def _works(tables: Tables) -> tuple[Work, ...]:
    works: list[Work] = []
    ids: dict[str, int] = {}
    owner: dict[str, str] = {}
    for at, table in enumerate(tables.works):
        if table is None:
            continue
        key = f"works[{at}]"
        if table.id in ids:
            tables.wrong(
                f"{key}.id",
                f"every work needs its own id; works[{ids[table.id]}] has this one too",
                shown(table.id),
            )
        ids.setdefault(table.id, at)
        for scope in table.paths:
            stem = scope.pattern.rstrip("/")
            if stem in owner:
                tables.wrong(f"{key}.paths", f'the path "{scope.pattern}" is listed in {owner[stem]} already')
            owner.setdefault(stem, key)
        _check_renditions(tables, key, table)
        for scope in table.streams:
            if "*" in scope.pattern or not any(scope.within(path) for path in table.paths):
                tables.wrong(
                    f"{key}.streams", f'"{scope.pattern}" is no plain folder inside the paths of the work'
                )
        if table.authors and sum(author.share for author in table.authors) != MICROS:
            total = sum(author.share for author in table.authors)
            percent = f"{total // 10_000}.{total % 10_000:04d}".rstrip("0").rstrip(".")
            tables.wrong(f"{key}.authors", "the shares must add up to exactly 100 %", f"{percent} %")
        works.append(
            Work(
                id=table.id,
                paths=table.paths,
                rights=table.rights,
                people=table.people,
                renditions=tuple(Rendition(name, paths) for name, paths in table.renditions.items()),
                authors=tuple(Author(author.name, author.share) for author in table.authors),
                streams=table.streams,
                encrypted=table.encrypted,
                dating=Dating(table.dated, table.dated_by),
            )
        )
    return tuple(works)


def _check_renditions(tables: Tables, key: str, table: WorkTable) -> None:
    for name, paths in table.renditions.items():
        if name == PAGE or not (
            name.isascii() and name.replace("-", "").replace("_", "").isalnum() and name.islower()
        ):
            tables.wrong(
                f"{key}.renditions.{name}",
                f'name the form in small letters, such as "transcript"; "{PAGE}" is every work itself',
            )
        for scope in paths:
            if not any(scope.within(path) for path in table.paths):
                tables.wrong(
                    f"{key}.renditions.{name}", f'the path "{scope.pattern}" is outside the paths of the work'
                )


def _terms(
    tables: Tables, name: str, offer: OfferTable | None, works: tuple[Work, ...]
) -> LicenseTerms | None:
    if offer is None:
        return None
    key = f"offers.{name}"
    scope = _scope(tables, key, offer, works)
    if offer.uses is None and not tables.complains(f"{key}.uses"):
        tables.wrong(
            f"{key}.uses", f"is missing: write what the buyer may do, one or more of {quoted(tuple(Use))}"
        )
    price = _compensation(tables, key, offer)
    cap = _money(tables, f"{key}.liability.cap", offer.liability.cap)
    site = _site(tables.site, "")
    if scope is None or offer.uses is None or price is None or site is None:
        return None
    liability = offer.liability
    attribution, audit, retention = levers_of(offer, price, site)
    return LicenseTerms(
        scope=scope,
        purpose=Purpose(uses=frozenset(offer.uses), **offer.purpose.model_dump()),
        compensation=price,
        exclusivity=Exclusivity(offer.exclusive),
        attribution=attribution,
        audit=audit,
        retention=retention,
        liability=Liability(
            liability.indemnity, cap, liability.warranties, liability.insurance, liability.security_standard
        ),
        term=Term(offer.term.months, offer.term.renewal),
        territory=WORLDWIDE
        if offer.territory is None
        else Territory(frozenset(offer.territory), offer.territory_basis),
    )


def _scope(tables: Tables, key: str, offer: OfferTable, works: tuple[Work, ...]) -> Scope | None:
    if tables.complains(f"{key}.works"):
        return None
    if offer.bundle is not None:
        return bundle_scope(tables, key, offer, works)
    if offer.ingestion is not None:
        tables.wrong(f"{key}.ingestion", "only an offer over a bundle has a share that counts as taken in")
    before = len(tables.mistakes)
    by_id = {work.id: work for work in works}
    for name in offer.works or ():
        if name not in tables.named_works:
            tables.wrong(f"{key}.works", f'no [[works]] has the id "{name}"')
        elif name in by_id and not by_id[name].for_sale:
            tables.wrong(
                f"{key}.works",
                f'the work "{name}" is never for sale while its rights or people are "unsure"; settle that, or take it out',
            )
    if offer.works is None:
        sold = tuple(work for work in works if work.for_sale)
        if not sold and None not in tables.works:
            tables.wrong(
                key, "there is no work that it could sell: list [[works]] whose rights and people are clear"
            )
    else:
        sold = tuple(work for work in works if work.id in offer.works)
    forms = {PAGE, *(rendition.name for work in sold for rendition in work.renditions)}
    for form in offer.renditions:
        if form not in forms and None not in tables.works:
            tables.wrong(f"{key}.renditions", f'none of its works has the form "{form}"')
    if len(tables.mistakes) > before or not sold:
        return None
    return Scope(
        works=tuple(work.id for work in sold),
        paths=tuple(
            sorted((scope for work in sold for scope in work.paths), key=lambda scope: scope.pattern)
        ),
        renditions=tuple(sorted(offer.renditions)),
        excluded=_excluded(sold, works),
    )


def _excluded(sold: tuple[Work, ...], works: tuple[Work, ...]) -> tuple[PathScope, ...]:
    """The scopes of works that are not sold but lie inside one that is: they stay out of the license."""
    mine = [scope for work in sold for scope in work.paths]
    inner = {
        scope
        for work in works
        if work not in sold
        for scope in work.paths
        if any(scope.within(wide) for wide in mine)
    }
    return tuple(sorted(inner, key=lambda scope: scope.pattern))


def _compensation(tables: Tables, key: str, offer: OfferTable) -> Compensation | None:
    price = offer.price
    if price is None:
        if not tables.complains(f"{key}.price"):
            tables.wrong(f"{key}.price", price_missing(offer))
        return None
    if not price.model_fields_set & {*_PARTS, "revenue_share"}:
        tables.wrong(f"{key}.price", 'name at least one part, such as { per_fetch = "0.02" }; "0" is free')
        return None
    parts: dict[str, Any] = {
        part: _money(tables, f"{key}.price.{part}", getattr(price, part)) for part in _PARTS
    }
    steps = Steps(
        parts["per_fetch"],
        read=lambda place, text: _money(tables, f"{key}.price.{place}", text),
        wrong=lambda place, expected, got: tables.wrong(f"{key}.price.{place}", expected, got),
    )
    tiers, by_age = steps.tiers(price.tiers), steps.by_age(price.by_age)
    paying = paying_of(price, lambda place, *rest: tables.wrong(f"{key}.price.{place}", *rest))
    if tables.site is None or tiers is None or by_age is None or paying is None:
        return None
    return Compensation(
        currency=tables.site.currency,
        **parts,
        **paying,
        tiers=tiers,
        by_age=by_age,
        window_hours=offer.window_hours,
        subscription_months=price.subscription_months,
        revenue_share_bp=price.revenue_share,
        minimum_guarantee_months=price.minimum_guarantee_months,
    )


def _money(tables: Tables, key: str, text: str | None) -> Money | None:
    if text is None or tables.site is None:
        return None
    amount, _, currency = text.partition(" ")
    if currency and currency != tables.site.currency:
        tables.wrong(
            key, f"every price of this site is in {tables.site.currency} ([site] currency)", shown(text)
        )
    return Money.parse(amount, tables.site.currency)


def _rules(tables: Tables) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for at, table in enumerate(tables.rules):
        if table is None:
            continue
        key = f"rules[{at}]"
        verdict, offers = table.then
        for name in offers:
            if name not in tables.offers:
                tables.wrong(f"{key}.then", f"there is no [offers.{name}] in this file or its stance")
        for name in table.when.work:
            if name not in tables.named_works:
                tables.wrong(f"{key}.when.work", f'no [[works]] has the id "{name}"')
        rules.append(Rule(key, _match(table), verdict, offers))
    return tuple(rules)


def _match(table: RuleTable) -> Match:
    when = table.when
    return Match(
        crawlers=frozenset(when.crawler),
        operators=frozenset(when.operator),
        purposes=frozenset(when.purpose),
        classes=frozenset(when.visitor_class),
        proofs=frozenset(when.proof),
        uses=frozenset(when.use),
        works=frozenset(when.work),
        paths=when.path,
        countries=countries.spelled_out(frozenset(when.country)),
    )


def _signing(side: ContractTable, site: Site) -> Signing:
    creator = Party(side.creator, side.address, side.signatory, side.authority, site.contact)
    return Signing(side.law, side.language, creator if side.creator else Party(), side.by_machine)


def _check_reach(tables: Tables, works: tuple[Work, ...]) -> None:
    """A license rule must have an answer on every page that it reaches."""
    if tables.loose.otherwise is not None or None in tables.works:
        return
    owned = tuple(scope for work in works for scope in work.paths)
    for at, table in enumerate(tables.rules):
        if table is None or table.then[0] is not Verdict.LICENSE or table.when.work:
            continue
        reached = table.when.path or (PathScope("/"),)
        outside = [scope.pattern for scope in reached if not any(scope.within(path) for path in owned)]
        if outside:
            tables.wrong(
                f"rules[{at}]",
                f"it reaches pages that are in no work ({quoted(outside)}); "
                'say what holds there with otherwise = "serve" or otherwise = "refuse" at the top of the file',
            )
