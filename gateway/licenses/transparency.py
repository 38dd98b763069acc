"""The transparency report of one period: its schema, everything wrong with one at once, what it makes due. Pure.

A report names the data sets that hold the works, by path on the site or by the
SHA-256 of the content; the versions of models that used them; how many answers
relied on them; and the net revenue that the agreement counts. Amounts are whole
micro-units in the currency of the agreement.

What it makes due is computed here and nowhere else (`reported_amounts`); nothing
is posted: the books take it up with the bill of the period.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.canonical import canonical_bytes
from gateway.currencies import is_currency
from gateway.licenses.obligations import Kind, Obligation
from gateway.licenses.rates import NONE, Rates
from gateway.money import LARGEST_MICROS, Money
from gateway.paths import Ambiguous, canonical
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms

#: How many mistakes one answer names.
MOST_MISTAKES: Final = 20
_LONGEST: Final = 300
_MOST_COUNT: Final = 10**15
_CONTENT: Final = r"^(/\S{0,2047}|sha-256:[0-9a-f]{64})$"


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise PydanticCustomError("licet", "is no printable line")
    return text


def _a_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("licet", "is no day such as 2027-03-01") from None
    return text


def _a_currency(text: str) -> str:
    if not is_currency(text):
        raise PydanticCustomError("licet", "is no currency of ISO 4217, such as EUR")
    return text


Line = Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(_printable)]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_a_day)]
Currency = Annotated[
    str, AfterValidator(_a_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]
Content = Annotated[str, Field(pattern=_CONTENT)]
Count = Annotated[int, Field(ge=0, le=_MOST_COUNT)]
Seconds = Annotated[int, Field(ge=0, le=2**40)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Period(_Part):
    """What the report is about, in whole seconds, as its duty tells; the end is not in it."""

    begins: Seconds
    ends: Seconds


class Dataset(_Part):
    """A collection that holds works: what of them, by path on the site or ``sha-256:`` and hex."""

    name: Line
    content: Annotated[list[Content], Field(max_length=10_000)]
    items: Count = Field(description="how many items of the licensed works it holds in all")


class ModelVersion(_Part):
    """A version of a model that used data sets of this report. *released_on* is null before its release."""

    name: Line
    version: Line
    datasets: Annotated[list[Line], Field(max_length=1000)]
    released_on: Day | None = None

    @property
    def told(self) -> str:
        """Name and version, as other members refer to it."""
        return f"{self.name} {self.version}"


class Inferences(_Part):
    """How many answers of one model, by name and version, relied on the works."""

    model: Line
    count: Count


class Amount(_Part):
    """Whole micro-units of one currency (ISO 4217)."""

    micros: Annotated[int, Field(ge=0, le=LARGEST_MICROS)]
    currency: Currency


class Revenue(_Part):
    """The net revenue of one product in the period, as the agreement counts it."""

    product: Line
    net: Amount


class Statement(_Part):
    """Who answers for the report."""

    by: Line
    role: Line


class TransparencyReport(_Part):
    """One report, whole."""

    duty: Line
    license: Line
    period: Period
    datasets: Annotated[list[Dataset], Field(max_length=1000)]
    models: Annotated[list[ModelVersion], Field(max_length=1000)]
    inferences: Annotated[list[Inferences], Field(max_length=1000)]
    revenue: Annotated[list[Revenue], Field(max_length=1000)]
    statement: Statement
    note: Annotated[str, Field(max_length=4000)] = ""

    @property
    def document(self) -> bytes:
        """The report as canonical JSON (RFC 8785)."""
        return canonical_bytes(self.model_dump(mode="json"))

    @property
    def sha256(self) -> str:
        """The SHA-256 of `document`, hex."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def releases(self) -> tuple[tuple[str, int], ...]:
        """Models that were released, with the first second of the day."""
        return tuple(
            (each.told, int(datetime.fromisoformat(each.released_on).replace(tzinfo=UTC).timestamp()))
            for each in self.models
            if each.released_on
        )

    @classmethod
    def kept(cls, document: str) -> Self:
        """A report read back from what `document` wrote."""
        return cls.model_validate_json(document)


@dataclass(frozen=True, slots=True)
class ReportedAmount:
    """One part of what a report makes due: ``revenue_share`` or ``inferences``, and what it was computed from."""

    part: str
    amount: Money
    basis: str


def read_report(
    body: Mapping[str, object], duty: Obligation, terms: LicenseTerms, now: int, rates: Rates = NONE
) -> TransparencyReport | Refusal:
    """The report in *body* that meets *duty* under *terms*, or every mistake in it. Nothing is ever raised.

    *now* is in whole seconds: no model was released later. Revenue in another currency
    than the agreement's is taken where *rates* say what that is worth.
    """
    if duty.kind is not Kind.REPORT:
        return Refusal(Problem.DOCUMENT_INVALID, f"The duty {duty.id} asks for another document.")
    try:
        report = TransparencyReport.model_validate(dict(body))
    except ValidationError as error:
        return _mistaken(_told(each) for each in error.errors(include_url=False, include_context=False))
    wrong = [*_about(report, duty), *_names(report), *_amounts(report, terms, rates), *_early(report, now)]
    return _mistaken(wrong) if wrong else report


def reported_amounts(
    report: TransparencyReport, terms: LicenseTerms, rates: Rates = NONE
) -> tuple[ReportedAmount, ...]:
    """What *report* makes due under *terms*, by part; a part that the terms do not ask is left out.

    Revenue in another currency is added up there and converted once, at the rate
    that holds on the last day of the period; without one there is no share yet.

    The share is of the sum of net revenue and the price of inferences is for
    their sum, so each part is rounded once, as `Money.times` does. A minimum
    guarantee is settled over periods of its own and is not part of this.
    """
    price, found = terms.compensation, list[ReportedAmount]()
    if price.revenue_share_bp:
        counted = _net(report, price.currency, rates)
        if counted is not None:
            net, said = counted
            due = net.times(price.revenue_share_bp, 10_000)
            basis = f"{_percent(price.revenue_share_bp)} of {net}{said}"
            found.append(ReportedAmount("revenue_share", due, basis))
    if price.per_inference is not None:
        count = sum(each.count for each in report.inferences)
        due = price.per_inference.times(count)
        found.append(ReportedAmount("inferences", due, f"{count:,} at {price.per_inference}"))
    return tuple(found)


def _net(report: TransparencyReport, currency: str, rates: Rates) -> tuple[Money, str] | None:
    """The net revenue in *currency*, and at which rates; None where one is not known."""
    sums = dict[str, int]()
    for each in report.revenue:
        sums[each.net.currency] = sums.get(each.net.currency, 0) + each.net.micros
    total, said = Money(sums.pop(currency, 0), currency), list[str]()
    for other, micros in sorted(sums.items()):
        rate = rates.find(other, currency, report.period.ends - 1)
        if rate is None:
            return None
        total += rate.converted(Money(micros, other))
        said.append(rate.told)
    return total, f", at {'; '.join(said)}" if said else ""


def outside(report: TransparencyReport, terms: LicenseTerms) -> tuple[str, ...]:
    """Paths in the data sets of *report* that *terms* do not cover: for the creator to ask about, no mistake."""
    found = list[str]()
    for dataset in report.datasets:
        for content in dataset.content:
            path = canonical(content) if content.startswith("/") else ""
            if path and (isinstance(path, Ambiguous) or not terms.scope.covers(path)):
                found.append(content)
    return tuple(dict.fromkeys(found))


def report_schema() -> dict[str, Any]:
    """JSON Schema of a report, whole: without references, so that it can stand in any document."""
    schema = TransparencyReport.model_json_schema()
    parts = schema.pop("$defs")

    def whole(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return whole(parts[node["$ref"].rsplit("/", 1)[1]])
            return {key: whole(value) for key, value in node.items()}
        return [whole(item) for item in node] if isinstance(node, list) else node

    found: dict[str, Any] = whole(schema)
    return found


def _percent(points: int) -> str:
    whole, rest = divmod(points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def _told(error: Any) -> str:
    place = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in error["loc"]).lstrip(".")
    shown = place if place.isprintable() and len(place) <= 100 else "a member"
    return f"{shown or 'the report'}: {error['msg']}"


def _about(report: TransparencyReport, duty: Obligation) -> Iterable[str]:
    if report.duty != duty.id:
        yield "duty: is another one than the address names"
    if report.license != duty.license:
        yield f"license: the duty is of {duty.license}"
    if (report.period.begins, report.period.ends) != (duty.begins, duty.ends):
        yield f"period: the duty is about {duty.begins} to {duty.ends}"


def _names(report: TransparencyReport) -> Iterable[str]:
    datasets, models = [each.name for each in report.datasets], [each.told for each in report.models]
    for member, names in (("datasets", datasets), ("models", models)):
        if len(set(names)) < len(names):
            yield f"{member}: a name stands there twice"
    for nth, model in enumerate(report.models):
        if not set(model.datasets) <= set(datasets):
            yield f"models[{nth}].datasets: names one that is not among the datasets"
    for nth, each in enumerate(report.inferences):
        if each.model not in models:
            yield f"inferences[{nth}].model: is not the name and version of one of the models"


def _amounts(report: TransparencyReport, terms: LicenseTerms, rates: Rates) -> Iterable[str]:
    price = terms.compensation
    for nth, each in enumerate(report.revenue):
        own = each.net.currency == price.currency
        if not own and rates.find(each.net.currency, price.currency, report.period.ends - 1) is None:
            yield (
                f"revenue[{nth}].net.currency: the agreement counts in {price.currency},"
                f" and no rate of {each.net.currency} is recorded for the period"
            )
    if price.revenue_share_bp and not report.revenue:
        yield "revenue: the agreement has a revenue share; name each product, with 0 where there was none"
    if price.per_inference is not None and report.models and not report.inferences:
        yield "inferences: the agreement has a price per inference; name each model, with 0 where there was none"
    if sum(each.net.micros for each in report.revenue) > LARGEST_MICROS:
        yield "revenue: is more in all than any amount this gateway books"
    elif any(abs(each.amount.micros) > LARGEST_MICROS for each in reported_amounts(report, terms, rates)):
        yield "inferences: come to more than any amount this gateway books"


def _early(report: TransparencyReport, now: int) -> Iterable[str]:
    for nth, (_, at) in enumerate(report.releases):
        if at > now:
            yield f"models: the release {nth + 1} is not yet; leave released_on null until then"


def _mistaken(mistakes: Iterable[str]) -> Refusal:
    found = list(mistakes)
    told = found[:MOST_MISTAKES] + (
        [f"and {len(found) - MOST_MISTAKES} more"] if found[MOST_MISTAKES:] else []
    )
    return Refusal(
        Problem.DOCUMENT_INVALID,
        f"Of the report, {'; '.join(told)}.",
        facts=(("mistakes", "\n".join(told)),),
    )
