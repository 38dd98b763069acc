"""A page behind the x402 middleware for FastAPI, for the row of 402 answers.

Runs in the environment of the `x402` package, not in ours. The facilitator is a
stand-in that only says what it supports: a price is told without asking one.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from x402 import x402ResourceServer
from x402.http.middleware.fastapi import payment_middleware
from x402.mechanisms.evm.exact.server import ExactEvmScheme
from x402.schemas import SupportedKind, SupportedResponse

_NETWORK = "eip155:84532"


class Facilitator:
    """Says that it would settle on the test network, and is never asked to."""

    def get_supported(self) -> SupportedResponse:
        """The one kind of payment."""
        kind = SupportedKind(x402_version=2, scheme="exact", network=_NETWORK)
        return SupportedResponse(kinds=[kind], extensions=[], signers={})

    async def verify(self, payload, requirements):
        """Never asked: nobody pays here."""
        raise NotImplementedError

    async def settle(self, payload, requirements):
        """Never asked: nobody pays here."""
        raise NotImplementedError


def shop() -> FastAPI:
    """An application with one page, and a price on it."""
    server = x402ResourceServer(Facilitator())
    server.register(_NETWORK, ExactEvmScheme())
    accepts = {"scheme": "exact", "payTo": "0x" + "1" * 40, "price": "$0.001", "network": _NETWORK}
    app = FastAPI()
    app.middleware("http")(payment_middleware({"GET /402": {"accepts": accepts}}, server))

    @app.get("/402")
    async def page() -> str:
        return "paid"

    return app


if __name__ == "__main__":
    uvicorn.run(
        shop(), host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", access_log=False, log_level="error"
    )
