"""The manifests of bundles that are on offer: ``/.licet/bundles/NAME``, for whoever thinks of buying one.

It is the annex of the contract too: its hash stands in the terms.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.metadata import PREFIX
from gateway.desk.reading import JSON
from gateway.desk.replies import octets_reply
from gateway.licenses.bundle import Manifest
from gateway.policy.bundles import manifest_sold
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Bundle

BUNDLES: Final = f"{PREFIX}/bundles"
_ABOUT: Final = About(
    "The manifest of a bundle on offer: every item with its path, digest, size and the state of its rights.",
    gives={JSON: {"type": "object", "required": ["format", "name", "site", "made_at", "items", "hash"]}},
    rest=("bundle", {"type": "string"}),
)


class BundleDesk:
    """Answers with what the offers of a site name, and nothing else of the folder."""

    def __init__(self, sold: Callable[[Policy, Bundle], Manifest | None]) -> None:
        """Find manifests by *sold*."""
        self._sold = sold

    def group(self) -> Group:
        """Its address."""
        return {f"{BUNDLES}/*": read_at(self._manifest, _ABOUT)}

    async def _manifest(self, call: Call) -> web.StreamResponse | Refusal:
        offered = (each.terms.scope.bundle for each in call.policy.withdrawn.offered(call.policy.offers))
        bundle = next((each for each in offered if each and each.name == call.rest), None)
        made = bundle and self._sold(call.policy, bundle)
        if not made:
            return Refusal(Problem.NOT_FOUND, "No bundle of that name is on offer here.")
        body = orjson.dumps({**made.as_json(), "hash": made.hash})
        return octets_reply(body, JSON, {"Cache-Control": "no-cache", "ETag": f'"{made.hash}"'})


def manifest_beside(policy: Policy, sold: Bundle) -> Manifest | None:
    """The manifest beside the file of *policy*; None where it has no file."""
    return manifest_sold(Path(policy.file), sold) if policy.file else None
