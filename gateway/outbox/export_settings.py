"""``[[exports]]`` of ``licet.toml``: billing systems that are told of usage and of documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: What each system is told of.
TYPES: Mapping[str, tuple[str, ...]] = {
    "stripe": ("usage.counted", "invoice.issued"),
    "lago": ("usage.counted",),
    "openmeter": ("usage.counted",),
}


class ExportSettings(BaseModel):
    """One billing system, one table each.

    Attributes:
        kind: whose API it speaks.
        url: the origin of that API.
        key_file: the file that holds the API key in one line, relative to the data
            folder, readable by its owner alone; "" sends none.
        meter: what usage is called there: Stripe's ``event_name``, Lago's ``code``, OpenMeter's ``type``.
        customers: licensee or license to what it is called there (Stripe's customer, Lago's external subscription,
            OpenMeter's subject). Stripe is told of nobody else; the others use our own id.
        invoices: whether Stripe is told of documents too; such an invoice is a draft there.
        private: its host may be on a private network, have any port and speak plain http.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["stripe", "lago", "openmeter"]
    url: str = Field(pattern=r"^https?://[a-z0-9.:\[\]-]+$")
    key_file: str = ""
    meter: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] = "licet_fetches"
    customers: Mapping[str, str] = Field(default_factory=dict)
    invoices: bool = False
    private: bool = False

    @property
    def endpoint_url(self) -> str:
        """How the outbox knows it: the scheme says by which transport."""
        return f"{self.kind}:{self.url}"

    @property
    def endpoint_id(self) -> str:
        """The id of its endpoint in the outbox."""
        return f"we_{hashlib.sha256(self.endpoint_url.encode()).hexdigest()[:32]}"

    @property
    def types(self) -> tuple[str, ...]:
        """The events that it hears."""
        return tuple(each for each in TYPES[self.kind] if each != "invoice.issued" or self.invoices)
