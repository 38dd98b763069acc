"""``[payments.x402]`` of a policy file, as pydantic reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.policy.words import wrong
from gateway.policy.x402_terms import X402Terms

_URL = r"https?://[a-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?"
_NETWORK = r"eip155:[1-9][0-9]{0,17}"
_ADDRESS = r"0x[0-9a-fA-F]{40}"
_DOMAIN = r"[ -~]{1,64}"


def _like(pattern: str, sentence: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > 300 or not re.fullmatch(pattern, value, re.ASCII):
            raise wrong(sentence)
        return value

    return check


def _whole(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise wrong(f"write a whole number without quotes, from {least} to {most}")
        return value

    return check


def _text_schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _number_schema(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


_Facilitator = Annotated[
    str,
    BeforeValidator(_like(_URL, "write its address, such as https://facilitator.example")),
    _text_schema(_URL),
]
_Network = Annotated[
    str,
    BeforeValidator(_like(_NETWORK, "name the chain as CAIP-2 does: eip155:8453")),
    _text_schema(_NETWORK),
]
_Address = Annotated[
    str, BeforeValidator(_like(_ADDRESS, "write 0x and forty hex digits")), _text_schema(_ADDRESS)
]
_Domain = Annotated[
    str, BeforeValidator(_like(_DOMAIN, "write at most 64 printable characters")), _text_schema(_DOMAIN)
]
_Decimals = Annotated[int, BeforeValidator(_whole(0, 30)), _number_schema(0, 30)]
_Seconds = Annotated[int, BeforeValidator(_whole(10, 3600)), _number_schema(10, 3600)]


class X402Table(BaseModel):
    """``[payments.x402]``: take one fetch's price on a chain, through a facilitator."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    facilitator: _Facilitator = Field(description="where payments are verified and settled")
    network: _Network = Field(description="the chain as CAIP-2 names it, such as eip155:8453")
    asset: _Address = Field(description="the token's contract on that chain")
    decimals: _Decimals = Field(default=6, description="how many decimals the token counts")
    pay_to: _Address = Field(description="your own address on that chain")
    name: _Domain = Field(description="the token's name in its signing domain, such as USD Coin")
    version: _Domain = Field(default="2", description="the version of that domain")
    seconds: _Seconds = Field(default=60, description="seconds for which a payment must stay good")

    def terms(self, currency: str) -> X402Terms:
        """What the table says, for a site that counts in *currency*."""
        return X402Terms(
            self.facilitator.rstrip("/"),
            self.network,
            self.asset,
            self.decimals,
            self.pay_to,
            self.name,
            self.version,
            currency,
            self.seconds,
        )
