"""The tables of a policy file, as pydantic reads them; nothing outside them is a policy.

One model per table, unknown keys refused everywhere. Checks across tables
(names that nobody defined, paths listed twice) are `compiling`'s. Keys that a
stance can supply are optional here, so that a site's file may name only what
differs.

``python -m gateway.policy.schema > policies/policy.schema.json`` writes the
JSON Schema (draft 2020-12) that editors use; a test keeps the file current.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
import sys
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.policy import dating_words, words
from gateway.policy.guide_table import GuideTable
from gateway.policy.paying_table import MilestoneTable, PayingTable
from gateway.policy.position_table import ContractTable, PositionTable
from gateway.policy.publish_table import PublishTable
from gateway.policy.redress_table import RedressTable
from gateway.policy.rules import Mode, TerritoryMode, Verdict
from gateway.policy.x402_table import X402Table
from gateway.problems import Mistake
from gateway.terms.license_terms import SUSPEND_AFTER_DAYS, WINDOW_HOURS, Basis


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class SiteTable(_Table):
    """``[site]``: whose pages these are, and where they come from."""

    hosts: words.Hosts = Field(description="the host names of the site, without https:// and port")
    origin: words.Origin = Field(description="the address of the site's own server")
    id: words.SiteId | None = Field(default=None, description="a short name; the file's name if left out")
    mode: words.ModeWord = Field(default=Mode.OBSERVE, description="observe, offer or enforce")
    currency: words.Currency = Field(default="USD", description="the currency of every price (ISO 4217)")
    public: words.Public = Field(
        default="", description="the address people use, if it cannot be told from requests"
    )
    sign_requests: bool = Field(
        default=False, description="sign every request to the site's own server, so that it can refuse others"
    )
    name: words.Line = Field(default="", description="who licenses, as buyers shall read it")
    contact: words.Line = Field(default="", description="an e-mail or web address for buyers")
    territory: words.TerritoryModeWord = Field(
        default=TerritoryMode.ENFORCE,
        description="how far the place a fetch comes from binds a license limited to places: off, observe, enforce",
    )
    honeypot: words.HoneypotPath = Field(
        default="", description="a path with nothing behind it, that only automata find; off if left out"
    )


class AuthorTable(_Table):
    """One entry of a work's ``authors``."""

    name: words.Line = Field(description="the author's name")
    share: words.ShareMicros = Field(description="the author's share of what the work earns")


class WorkTable(_Table):
    """``[[works]]``: one piece of content, or a shelf of them, by path."""

    id: words.Name = Field(description="a short name")
    paths: words.Paths = Field(description="the paths where the work is; each covers everything below it")
    rights: words.RightsWord = Field(description="own, cleared, or unsure (never for sale)")
    people: words.PeopleWord = Field(description="none, consented, or unsure (never for sale)")
    renditions: dict[str, words.Paths] = Field(
        default={}, description="other forms of the work and their paths"
    )
    streams: words.Paths = Field(
        default=(),
        description="folders in which each entry is streamed in pieces, such as a playlist and its segments: "
        "all pieces of one are paid for once",
    )
    encrypted: words.Flag = Field(
        default=False, description="whether `licet ems encrypt` made its files; buyers fetch their keys"
    )
    authors: list[AuthorTable] = Field(default=[], description="who shares in the earnings; 100 % in all")
    dated: dating_words.Patterns = Field(
        default=(),
        description="how the path of a page begins that tells when it was published, such as /news/%Y/%m/%d/",
    )
    dated_by: dating_words.FieldName = Field(
        default="", description="the header of the site's own server that tells it, such as last-modified"
    )


class TierTable(_Table):
    """One entry of a price's ``tiers``: from so many fetches on, a fetch costs less."""

    from_fetches: words.Fetches = Field(description="how many fetches one license was charged for by then")
    per_fetch: words.Amount = Field(description="what each further page or file costs")


class AgeTable(_Table):
    """One entry of a price's ``by_age``: from so many days after it was published, a page costs less.

    How old a page is, its work tells by ``dated`` (its path) or ``dated_by`` (a
    header of the site's own server); a page without a date counts as new.
    """

    from_days: words.Fetches = Field(description="how many days ago the page was published by then, at least")
    per_fetch: words.Amount = Field(description="what such a page or file costs")


class PriceTable(PayingTable):
    """``price`` of an offer: every part is an amount in quotes, and all parts are owed."""

    upfront: words.Amount | None = Field(default=None, description="once, when the deal starts")
    per_fetch: words.Amount | None = Field(default=None, description="for each page or file delivered")
    per_item: words.Amount | None = Field(default=None, description="for each item of the work")
    per_megabyte: words.Amount | None = Field(default=None, description="for each megabyte delivered")
    per_thousand_tokens: words.Amount | None = Field(
        default=None, description="for each thousand tokens delivered"
    )
    per_inference: words.Amount | None = Field(default=None, description="for each answer that used the work")
    subscription: words.Amount | None = Field(default=None, description="for each period")
    subscription_months: words.Months = Field(default=1, description="how long such a period is")
    revenue_share: words.BasisPoints = Field(default=0, description="a share of net revenue, such as 3 %")
    minimum_guarantee: words.Amount | None = Field(default=None, description="the least owed in each period")
    minimum_guarantee_months: words.Months = Field(default=3, description="how long such a period is")
    tiers: list[TierTable] = Field(
        default=[],
        description="lower prices of a fetch for licenses that fetch much; the first needs per_fetch",
    )
    by_age: list[AgeTable] = Field(
        default=[], description="lower prices of older pages; per_fetch is what a new page costs"
    )


class PurposeTable(_Table):
    """``purpose`` of an offer: what may be done besides its uses. Everything left out is no."""

    redistribution: words.Flag = False
    sublicensing: words.Flag = False
    model_release: words.ReleaseWord = "none"
    resale: words.Flag = False
    internal_research: words.Flag = False
    evaluation: words.Flag = False


class AttributionTable(_Table):
    """``attribution`` of an offer: what the buyer must show. What is left out is usual for its tier."""

    text: words.Line | None = None
    link: words.Line | None = None


class DutiesTable(_Table):
    """``duties`` of an offer: what the buyer must hand in, and when; what is left out is usual for its tier."""

    report: words.ReportWord | None = None
    audits_per_year: words.Days | None = None
    audit_window_months: words.Months = 12
    output_samples: words.Count = 0
    suspend_after_days: words.Days = SUSPEND_AFTER_DAYS
    model_card_days: words.Days = 0
    remediation_plan_days: words.Days | None = None


class RetentionTable(_Table):
    """``retention`` of an offer: how long the buyer may keep the work. 0 days: as long as the term."""

    days: words.Days = 0
    withdrawal_notice_days: words.Days = 30
    retrain: words.Flag | None = None


class LiabilityTable(_Table):
    """``liability`` of an offer: who answers for what."""

    indemnity: words.IndemnityWord = "mutual"
    cap: words.Amount | None = None
    warranties: words.Lines = ("ownership",)
    insurance: words.Flag = False
    security_standard: words.Line = ""


class TermTable(_Table):
    """``term`` of an offer: how long a license lasts."""

    months: words.Months = 12
    renewal: words.Flag = False


class OfferTable(_Table):
    """``[offers.NAME]``: what can be bought. *uses* and *price* must stand here or in the stance."""

    uses: words.UseWords | None = Field(default=None, description="what the buyer may do with the work")
    price: PriceTable | None = Field(default=None, description="what it costs")
    works: words.WorkNames | None = Field(
        default=None, description="which works; every work for sale if left out"
    )
    bundle: words.Name | None = Field(
        default=None, description="a bundle of `licet bundle make`, in place of works: its items, no others"
    )
    ingestion: words.ShareMicros | None = Field(
        default=None, description="of a bundle, how much has to be fetched to be taken in; all if left out"
    )
    renditions: words.FormNames = Field(
        default=("page",), description="which forms of them; the page itself if left out"
    )
    purpose: PurposeTable = PurposeTable()
    exclusive: words.Flag = Field(default=False, description="whether nobody else may buy the same")
    by_person: words.Flag = Field(
        default=False, description="whether you decide on every deal yourself; nothing is sold by machine"
    )
    attribution: AttributionTable = AttributionTable()
    duties: DutiesTable = DutiesTable()
    retention: RetentionTable = RetentionTable()
    liability: LiabilityTable = LiabilityTable()
    term: TermTable = TermTable()
    territory: words.TerritoryWords = Field(default=None, description='countries, "EU", or "worldwide"')
    territory_basis: words.BasisWord = Field(
        default=Basis.FETCH,
        description="what has to be there: fetch (by network location), licensee (declared), use (by contract)",
    )
    window_hours: words.WindowHours = Field(
        default=WINDOW_HOURS,
        description="how long unchanged content is not paid for again, in hours, at most a week",
    )
    max_fetches: words.Count = Field(default=0, description="the most one token can fetch; 0 for no limit")
    token_seconds: words.Seconds = Field(default=3600, description="how long one token lasts")
    position: PositionTable | None = Field(default=None, description="your secret bargaining position")


class WhenTable(_Table):
    """``when`` of a rule: every key that is given must match; each takes one text or a list."""

    crawler: words.CrawlerNames = ()
    operator: words.OperatorNames = ()
    purpose: words.PurposeWords = ()
    visitor_class: words.ClassWords = Field(default=(), alias="class")
    proof: words.ProofWords = ()
    use: words.UseWords = ()
    work: words.WorkNames = ()
    path: words.Paths = ()
    country: words.Regions = ()


class RuleTable(_Table):
    """``[[rules]]``: the first that matches decides."""

    when: WhenTable = WhenTable()
    then: words.Then = Field(description='"serve", "refuse" or { license = ["NAME OF AN OFFER"] }')


class PaymentsTable(_Table):
    """``[payments]``: how one fetch can be paid for without a license."""

    price_headers: words.Flag = Field(
        default=True, description="take crawler-max-price and crawler-exact-price on signed requests"
    )
    origin_prices: words.Flag = Field(
        default=False, description="let the site's own server name the price of each answer in crawler-price"
    )
    x402_credit: words.Flag = Field(
        default=False, description="let accounts pay in the words of x402 too, on signed requests"
    )
    x402: X402Table | None = Field(default=None, description="take payments on a chain, by x402")


class LooseKeys(_Table):
    """The keys that stand above every table."""

    stance: words.Name | None = Field(default=None, description="a shipped stance to start from")
    otherwise: words.Otherwise | None = Field(
        default=None, description="what a license rule means on a page that is in no work"
    )
    unverifiable: words.Unverifiable = Field(
        default=Verdict.SERVE, description="what is free for a crawler whose name cannot be checked just now"
    )
    free_paths: words.Paths = Field(default=(), description="paths that are served to everyone, always")
    payments: PaymentsTable = PaymentsTable()
    contract: ContractTable = ContractTable()
    guide: GuideTable = GuideTable()
    redress: RedressTable = RedressTable()


class PolicyFile(LooseKeys):
    """A policy file of Licet: one site, its works, what is on offer, and the rules."""

    site: SiteTable
    works: list[WorkTable] = []
    offers: dict[str, OfferTable] = {}
    rules: list[RuleTable] = []
    publish: PublishTable = PublishTable()


_T = TypeVar("_T", bound=BaseModel)

#: Where each key belongs, for "this key belongs under …".
_PLACES: dict[str, str] = {}
for _table, _place in (
    (GuideTable, "[guide]"),
    (RetentionTable, "an offer's retention"),
    (AttributionTable, "an offer's attribution"),
    (PositionTable, "an offer's position"),
    (LiabilityTable, "an offer's liability"),
    (TermTable, "an offer's term"),
    (PurposeTable, "an offer's purpose"),
    (DutiesTable, "an offer's duties"),
    (MilestoneTable, "an offer's price.milestones"),
    (TierTable, "an offer's price.tiers"),
    (AgeTable, "an offer's price.by_age"),
    (PriceTable, "an offer's price"),
    (WhenTable, "a rule's when"),
    (PublishTable, "[publish]"),
    (RuleTable, "[[rules]]"),
    (OfferTable, "[offers.NAME]"),
    (WorkTable, "[[works]]"),
    (SiteTable, "[site]"),
    (X402Table, "[payments.x402]"),
    (ContractTable, "[contract]"),
    (RedressTable, "[redress]"),
    (PaymentsTable, "[payments]"),
    (LooseKeys, "the top of the file, above every table"),
):
    _PLACES.update({field.alias or name: _place for name, field in _table.model_fields.items()})


def read_table(model: type[_T], raw: object, file: str, key: str, mistakes: list[Mistake]) -> _T | None:
    """Return *raw* as a *model*, or None with every mistake in it added to *mistakes*.

    *key* is where the table stands, such as ``works[1]``; "" is the top.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        mistakes.extend(_mistake(model, item, file, key) for item in error.errors(include_url=False))
    return None


def sound_part(raw: object, key: str, mistakes: list[Mistake]) -> dict[str, object]:
    """*raw*, the table at *key*, without the keys that some mistake is about."""
    bad = {
        re.split(r"[.\[]", mistake.key.removeprefix(f"{key}."), maxsplit=1)[0]
        for mistake in mistakes
        if mistake.key.startswith(f"{key}.")
    }
    return {name: value for name, value in raw.items() if name not in bad} if isinstance(raw, dict) else {}


def _mistake(model: type[BaseModel], error: object, file: str, key: str) -> Mistake:
    assert isinstance(error, dict)
    place = spelled(key, error["loc"])
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "licet-named":
        return Mistake(file, place, error["ctx"]["sentence"])
    if kind == "licet":
        return Mistake(file, place, error["ctx"]["sentence"], shown(error["input"]))
    if kind == "missing":
        hint = _described(model, error["loc"])
        return Mistake(file, place, f"is missing: write {hint}" if hint else "is missing")
    if kind == "extra_forbidden":
        return Mistake(file, place, _unknown_key(model, error["loc"], name))
    if kind in {"list_type", "tuple_type"}:
        return Mistake(file, place, "write a list in square brackets", shown(error["input"]))
    return Mistake(file, place, "write a table of keys and values here", shown(error["input"]))


def _unknown_key(model: type[BaseModel], loc: tuple[str | int, ...], name: str) -> str:
    near = difflib.get_close_matches(name, _keys_at(model, loc), 1, 0.7)
    if near:
        return f'is not a key that Licet knows; did you mean "{near[0]}"?'
    if name in _PLACES:
        return f"does not belong here; it belongs in {_PLACES[name]}"
    return "is not a key that Licet knows; check the spelling or take the line out"


def _table_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The table in which the last step of *loc* stands, as far as plain nesting tells."""
    table: type[BaseModel] = model
    for step in loc[:-1]:
        if isinstance(step, int):
            continue
        for name, field in table.model_fields.items():
            if step == (field.alias or name):
                inner = _inner(field.annotation)
                if inner is None:
                    return None
                table = inner
                break
    return table


def _inner(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner(argument)
        if found is not None:
            return found
    return None


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    table = _table_at(model, loc)
    return [field.alias or name for name, field in table.model_fields.items()] if table else []


def _described(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    table = _table_at(model, loc)
    for name, field in (table.model_fields if table else {}).items():
        if loc[-1] == (field.alias or name):
            return field.description or ""
    return ""


def spelled(key: str, loc: tuple[str | int, ...]) -> str:
    """The key path of *loc* below *key*: ``works[1].rights``."""
    for step in loc:
        key = f"{key}[{step}]" if isinstance(step, int) else f"{key}.{step}" if key else step
    return key


def shown(value: object) -> str:
    """*value* as it may have stood in the file, cut short, for "not …"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value if len(value) <= 60 else value[:57] + "...", ensure_ascii=False)
    if isinstance(value, int | float | dt.date | dt.time):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value[:4]) + (", ...]" if len(value) > 4 else "]")
    return "a table" if isinstance(value, dict) else ""


def schema_json() -> str:
    """The JSON Schema of a policy file, two spaces deep, with a final newline."""
    schema = PolicyFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "A Licet policy"
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_json())
