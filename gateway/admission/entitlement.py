"""Does the license a crawler presents cover the page it asks for?

One question, one pure function. It is asked after the token's signature,
audience and expiry were judged (`tokens.verification`) and before any credit is
touched (`admission.till`). Five things must hold, compared in this order; the
order fixes which refusal a crawler is told when several apply:

=========== ================================================= ==================
what        the ask must be                                   refused with
=========== ================================================= ==================
term        not before the token starts, before it ends       token-expired
audience    for the origin the token names, exactly           token-other-site
path        inside one of the token's scopes, whole segments, path-not-covered
            unless a narrower one is excluded, or of the
            items of the bundle it names; and while the policy
            is the one it was bought under, on an offer of its rule
use         of uses the token grants                          use-not-covered
territory   from a country the token names, or worldwide;     territory-not-covered
            as far as the site's `territory` binds
rendition   of a form of the work the token names             rendition-not-covered
=========== ================================================= ==================

Under another policy than that a license is held to its terms alone, which leave
out what no rule could have sold (`policy.selling_scope`): an edit gives no old
license a new part of the site, and takes none from it.

HTTP carries no use: the effective use is the token's. But a crawler whose known
purposes include a use the token lacks is refused, unless a negotiated license
names that crawler; and a license that names crawlers is for no other known one. Clock skew is allowed for with the same leeway as at
verification, so that both say the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ask import Ask
from gateway.languages import Phrase
from gateway.licenses.bundle_paths import opened_by
from gateway.paths import PathScope
from gateway.policy.rules import Ruling, TerritoryMode
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PAGE
from gateway.tokens.claims import LEEWAY_SECONDS, Claims
from gateway.uses import Uses, covers
from gateway.visitors.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Covered:
    """The license covers the ask. *scope* is the narrowest scope that matched, *uses* what it is for.

    *would* is the refusal for the place of the fetch that the site only observes.
    """

    scope: PathScope
    uses: Uses
    would: Refusal | None = None


def entitle(claims: Claims, visitor: Visitor, ruling: Ruling, ask: Ask) -> Covered | Refusal:
    """Say whether *claims* entitle *visitor* to *ask*, or name the first thing that fails.

    Narrowing a token (fewer uses, places, paths, forms, seconds) never turns a
    refusal into `Covered`; `tests/admission/test_entitlement.py` holds this.
    """
    if not in_term(claims, ask.asked_at):
        return Refusal(
            Problem.TOKEN_EXPIRED, Phrase("Token {token} is outside its term.", token=claims.token_id)
        )
    if claims.audience != ask.origin:
        return Refusal(
            Problem.TOKEN_OTHER_SITE,
            Phrase(
                "The token is for {audience}, this is {origin}.", audience=claims.audience, origin=ask.origin
            ),
        )
    scope = opened_by(claims, ask.path, ruling.bundles) if ask.path else None
    if scope is None:
        return _other_path(claims, ask)
    sold = {offer.id for offer in ruling.offers}
    if claims.offer and claims.policy == ruling.policy and claims.offer not in sold:
        return Refusal(
            Problem.PATH_NOT_COVERED,
            Phrase(
                "License {license} is on the offer {offer}; this page is sold to this crawler on {sold}.",
                license=claims.license,
                offer=claims.offer,
                sold=", ".join(sorted(sold)) or Phrase("none"),
            ),
        )
    if claims.crawlers and visitor.crawler and visitor.name.lower() not in claims.crawlers:
        named = ", ".join(sorted(claims.crawlers))
        return Refusal(
            Problem.USE_NOT_COVERED,
            Phrase(
                "License {license} is for {named}; this is {crawler}.",
                license=claims.license,
                named=named,
                crawler=visitor.name,
            ),
        )
    asked = uses_under(claims, visitor)
    if not covers(claims.uses, asked):
        return _other_use(claims, asked, visitor)
    outside = _outside(claims, ask) if ruling.territory is not TerritoryMode.OFF else None
    if outside is not None and ruling.territory is TerritoryMode.ENFORCE:
        return outside
    rendition = ruling.rendition or PAGE
    if rendition not in claims.renditions:
        return Refusal(
            Problem.RENDITION_NOT_COVERED,
            Phrase(
                "License {license} covers {renditions}; this is a {rendition}.",
                license=claims.license,
                renditions=", ".join(claims.renditions),
                rendition=rendition,
            ),
        )
    return Covered(scope, asked, outside)


def _other_path(claims: Claims, ask: Ask) -> Refusal:
    listed = ", ".join(each.pattern for each in claims.scopes) or Phrase(
        "the bundle {bundle}", bundle=claims.bundle
    )
    less = ", ".join(each.pattern for each in claims.excluded)
    covered = Phrase("{covered} but not {less}", covered=listed, less=less) if less else listed
    said = Phrase(
        "License {license} covers {covered}; this is {path}.",
        license=claims.license, covered=covered, path=ask.path or ask.target,
    )  # fmt: skip
    return Refusal(Problem.PATH_NOT_COVERED, said)


def _other_use(claims: Claims, asked: Uses, visitor: Visitor) -> Refusal:
    said = Phrase(
        "License {license} grants {granted}; {who} is known for {wanted}.",
        license=claims.license, granted=", ".join(sorted(claims.uses)),
        who=visitor.name or Phrase("this visitor"), wanted=", ".join(sorted(asked)),
    )  # fmt: skip
    return Refusal(Problem.USE_NOT_COVERED, said)


def _outside(claims: Claims, ask: Ask) -> Refusal | None:
    """The refusal for where *ask* comes from, or None where the license covers that."""
    if claims.territory.covers(ask.country):
        return None
    where = (
        Phrase("probably from {country}", country=ask.country)
        if ask.country
        else Phrase("from an unknown country")
    )
    regions = ", ".join(claims.territory.as_json() or [])
    return Refusal(
        Problem.TERRITORY_NOT_COVERED,
        Phrase(
            "License {license} covers fetches from {regions}; this one comes {where}.",
            license=claims.license,
            regions=regions,
            where=where,
        ),
    )


def in_term(claims: Claims, now: int) -> bool:
    """Whether *claims* have begun and not ended at *now*, whole seconds, give or take the leeway."""
    return claims.not_before - LEEWAY_SECONDS <= now < claims.expires_at + LEEWAY_SECONDS


def uses_under(claims: Claims, visitor: Visitor) -> Uses:
    """What a fetch under *claims* is for: the token's uses, and all its crawler is known for.

    A deal that was negotiated may name a crawler and let it do less than it is
    known for; whoever buys a published offer names crawlers by himself, which
    widens nothing. The rules and the license are asked about the same uses.
    """
    crawler = visitor.crawler
    if crawler is None or (not claims.offer and crawler.name.lower() in claims.crawlers):
        return claims.uses
    return claims.uses | crawler.uses
