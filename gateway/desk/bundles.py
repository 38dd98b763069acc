"""The manifests of bundles: ``/.licet/bundles/NAME`` of what is on offer, for whoever thinks of buying it.

``/.licet/bundles/NAME@HASH`` is the annex of a contract, whose terms have the
hash: it stays when the bundle is off sale, or its name went on to another one.
Nobody guesses a hash, so whoever has it was told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.metadata import PREFIX, on_offer
from gateway.desk.reading import JSON
from gateway.desk.replies import octets_reply
from gateway.licenses.bundle import Manifest
from gateway.licenses.license import License
from gateway.policy.bundles import manifest_sold
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.sold_bundle import Bundle

BUNDLES: Final = f"{PREFIX}/bundles"
_ABOUT: Final = About(
    "The manifest of a bundle on offer, or with @ and its hash of one that was sold: every item with path, digest, size, rights.",
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
        name, _, digest = call.rest.partition("@")
        offered = (each.terms.scope.bundle for each in on_offer(call.policy))
        bundle = next((each for each in offered if each and each.name == name), None)
        if digest:
            bundle = Bundle(name, digest, 0)
        made = bundle and self._sold(call.policy, bundle)
        if not made or made.site != call.policy.site.id:
            return Refusal(Problem.NOT_FOUND, "No bundle of that name is on offer here.")
        body = orjson.dumps({**made.as_json(), "hash": made.hash})
        return octets_reply(body, JSON, {"Cache-Control": "no-cache", "ETag": f'"{made.hash}"'})


def annex_of(license: License, origin: str, digest: str) -> str:
    """Where the manifest with that *digest* is, which a token of *license* names; "" where it names none."""
    sold = license.terms.scope.bundle
    return f"{origin}{BUNDLES}/{sold.name}@{digest}" if sold and digest else ""


def manifest_beside(policy: Policy, sold: Bundle) -> Manifest | None:
    """The manifest beside the file of *policy*; None where it has no file."""
    return manifest_sold(Path(policy.file), sold) if policy.file else None
