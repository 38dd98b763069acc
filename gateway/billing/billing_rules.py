"""``[billing]`` of ``licet.toml``: who bills, by which tax rules, and when what is due.

Nothing about tax is inferred: rate, exemption and reverse-charge text come from
here, and which rule holds for a licensee is what the operator said of it. Without
a seller or a rule a document is headed *Statement* and is no invoice.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

#: Parts of a rate in 100 %.
WHOLE: int = 1_000_000


def read_rate(text: str) -> int:
    """A percentage of at most four decimals, such as ``19 %``, in millionths; raises `ValueError`.

    >>> read_rate("8.1 %")
    81000
    """
    try:
        percent = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        percent = Decimal(-1)
    millionths = percent * 10_000
    if not (percent.is_finite() and 0 <= percent <= 100 and millionths == int(millionths)):
        raise ValueError("must be a percentage of at most four decimals, such as 19 %")
    return int(millionths)


def _rate(text: str) -> str:
    read_rate(text)
    return text


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


def _lines(text: str) -> str:
    if not all(char.isprintable() or char == "\n" for char in text):
        raise ValueError("must be lines of printable text")
    return text


Line = Annotated[str, Field(max_length=300), AfterValidator(_line)]
Lines = Annotated[str, Field(max_length=1000), AfterValidator(_lines)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TaxRule(_Section):
    """One tax rule, one table each: what it is called here, its *rate*, and the *text* that stands on the invoice.

    The text names the tax (``VAT``), or says why there is none (an exemption, reverse charge).
    """

    id: Id
    rate: Annotated[str, AfterValidator(_rate)]
    text: Line = Field(min_length=1)

    @property
    def millionths(self) -> int:
        """The rate in millionths."""
        return read_rate(self.rate)


class Party(_Section):
    """Whom a document is from or for: legal name, address, tax id. *tax* is the rule that holds for a buyer."""

    name: Line = ""
    address: Lines = ""
    tax_id: Line = ""
    tax: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")


class BillingRules(_Section):
    """How this operator bills.

    Attributes:
        mode: ``test`` keeps separate books and numbers: a data folder is of one mode for good.
        prefix: what stands before the numbers of documents.
        name, address, tax_id: the seller.
        iban, bic: the account that payouts by SEPA are paid from.
        tax: the rule of licensees that have none of their own, "" for none.
        taxes: the rules there are.
        due_days: days from the issue of an invoice until it is due.
        reminder_days: days after the due day on which a reminder goes out.
        overdue_days: days after the due day from which it is overdue.
        suspend_days: days after the due day from which the licenses on it are suspended until it is paid, 0 for never.
        dispute_days: days from the issue in which a line may be disputed.
        answer_days: days in which a dispute is to be answered.
    """

    mode: Literal["live", "test"] = "live"
    prefix: str = Field(default="", pattern=r"^[A-Z0-9-]{0,12}$")
    name: Line = ""
    address: Lines = ""
    tax_id: Line = ""
    iban: str = Field(default="", pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{11,30})?$")
    bic: str = Field(default="", pattern=r"^([A-Z0-9]{8}([A-Z0-9]{3})?)?$")
    tax: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")
    taxes: tuple[TaxRule, ...] = ()
    due_days: int = Field(default=14, ge=0, le=365)
    reminder_days: int = Field(default=3, ge=1, le=365)
    overdue_days: int = Field(default=14, ge=1, le=365)
    suspend_days: int = Field(default=30, ge=0, le=365)
    dispute_days: int = Field(default=30, ge=1, le=365)
    answer_days: int = Field(default=14, ge=1, le=365)

    @model_validator(mode="after")
    def _fits_together(self) -> BillingRules:
        ids = [each.id for each in self.taxes]
        if len(set(ids)) < len(ids):
            raise ValueError("taxes must have different ids")
        if self.tax and self.tax not in ids:
            raise ValueError(f"tax must be the id of a rule in taxes, not {self.tax!r}")
        if not self.reminder_days <= self.overdue_days <= (self.suspend_days or self.overdue_days):
            raise ValueError("reminder_days, overdue_days and suspend_days (0 for never) must not decrease")
        return self

    @property
    def test(self) -> bool:
        """Whether these are books of test mode."""
        return self.mode == "test"

    @property
    def seller(self) -> Party:
        """The seller."""
        return Party(name=self.name, address=self.address, tax_id=self.tax_id)

    def rule_of(self, buyer: Party) -> TaxRule | None:
        """The rule that holds for *buyer*, or None where the operator named none."""
        wanted = buyer.tax or self.tax
        return next((each for each in self.taxes if each.id == wanted), None)
