"""``[payments.x402]``: what a creator takes for one fetch on a chain, through a facilitator.

The token stands for the site's currency one to one: a price of 0.005 USD is
asked as 5000 units of a dollar token with six decimals. A price that is no
whole number of units cannot be asked, and is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.money import LARGEST_MICROS, MICROS, Money


@dataclass(frozen=True, slots=True)
class X402Terms:
    """What is asked and where it goes.

    Attributes:
        facilitator: the URL below which ``verify`` and ``settle`` are.
        network: the chain, as CAIP-2 names it: ``eip155:8453``.
        asset: the token's contract there.
        decimals: how many decimals the token counts.
        pay_to: the creator's address there.
        name: the token's name in its EIP-712 domain.
        version: that domain's version.
        currency: what one token stands for, one to one.
        seconds: how long a payer's authorization need be good for.
    """

    facilitator: str
    network: str
    asset: str
    decimals: int
    pay_to: str
    name: str
    version: str
    currency: str
    seconds: int = 60

    def units(self, price: Money) -> str:
        """*price* in the token's smallest units, exactly; "" where it cannot be asked in this token.

        >>> USDC = X402Terms("https://f.example", "eip155:8453", "0x0", 6, "0x1", "USD Coin", "2", "USD")
        >>> USDC.units(Money(5_000, "USD")), USDC.units(Money(5_000, "EUR"))
        ('5000', '')
        """
        if price.currency != self.currency or price.micros <= 0:
            return ""
        units, rest = divmod(price.micros * 10**self.decimals, MICROS)
        return "" if rest else str(units)

    def worth(self, units: str) -> Money | None:
        """What *units*, a whole number of the token's smallest, stand for; None where no amount of ours does.

        >>> USDC = X402Terms("https://f.example", "eip155:8453", "0x0", 6, "0x1", "USD Coin", "2", "USD")
        >>> str(USDC.worth("5000"))
        '0.005 USD'
        """
        micros, rest = divmod(int(units) * MICROS, 10**self.decimals)
        return Money(micros, self.currency) if not rest and 0 < micros <= LARGEST_MICROS else None
