"""The pricing guide of a policy file, read and checked apart from everything that is published."""

from __future__ import annotations

from gateway.licenses.pricing_guide import Guide, Span
from gateway.money import Money
from gateway.policy.schema import shown
from gateway.policy.tables import Tables


def guide_of(tables: Tables) -> Guide:
    """The ranges of *tables*; a range whose ends are turned around is a mistake of the file."""
    written = tables.loose.guide

    def amounts(name: str, two: tuple[str, str]) -> Span:
        return _span(tables, name, (_amount(tables, name, two[0]), _amount(tables, name, two[1])))

    return Guide(
        engagement=_span(tables, "engagement", written.engagement),
        per_file=amounts("per_file", written.per_file),
        revenue_share=_span(tables, "revenue_share", written.revenue_share),
        per_inference=amounts("per_inference", written.per_inference),
        file_minutes=written.file_minutes,
        length=_span(tables, "length", written.length),
        exclusive=written.exclusive,
        upfront=written.upfront,
        inference=written.inference,
        index=written.index,
        target=written.target,
    )


def _span(tables: Tables, name: str, two: tuple[int, int]) -> Span:
    if two[0] > two[1]:
        tables.wrong(f"guide.{name}", "the first value is the lower end, so it cannot be above the second")
    return Span(*two)


def _amount(tables: Tables, name: str, text: str) -> int:
    amount, _, currency = text.partition(" ")
    known = tables.site.currency if tables.site else currency or "USD"
    if currency and currency != known:
        tables.wrong(
            f"guide.{name}", f"every amount of this site is in {known} ([site] currency)", shown(text)
        )
    return Money.parse(amount, known).micros
