"""The digest of what a policy means: same meaning, same digest; another meaning, another one.

Left out: bargaining positions, because they are secret; the address of the
creator's server, the stance's name and the file's, because moving or renaming
them changes no term; comments and layout. Order counts only where it decides:
of works, rules, renditions and the offers of a rule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from gateway.canonical import canonical_digest
from gateway.paths import PathScope
from gateway.policy.dating import UNDATED
from gateway.policy.rules import Match, Payments, Redress, Rule, Signing, Site, TerritoryMode, Verdict, Work
from gateway.terms.license_terms import LicenseTerms
from gateway.terms.publishing import USUAL, Publishing

#: Changes when the same policy is spelled in another way below.
VERSION = 1
_USUAL = Payments()
#: What was meant by a policy that said nothing before large deals were for named parties.
_UNSAID = Signing(by_machine=True)
_NONE = Redress()


def _signing(signing: Signing) -> dict[str, object]:
    told = asdict(signing)
    # What was said before there was a choice keeps its digest.
    if signing.by_machine:
        del told["by_machine"]
    return told


def policy_digest(
    site: Site,
    works: Sequence[Work],
    offers: Mapping[str, tuple[LicenseTerms, int, int]],
    rules: Sequence[Rule],
    *,
    otherwise: Verdict | None,
    unverifiable: Verdict,
    free_paths: Sequence[PathScope],
    publishing: Publishing = USUAL,
    payments: Payments = _USUAL,
    signing: Signing = _UNSAID,
    redress: Redress = _NONE,
    by_person: Collection[str] = (),
) -> str:
    """The digest, ``sha-256:`` and hex. *offers* are terms, token seconds and most fetches by id.

    *by_person* are the ids of those that no machine sells.
    """
    return canonical_digest(
        {
            "version": VERSION,
            "site": {
                "id": site.id,
                "hosts": sorted(site.hosts),
                "mode": site.mode.value,
                "currency": site.currency,
                "public": site.public,
                "name": site.name,
                "contact": site.contact,
                # Named only where they are not as they were before anybody could choose.
                **(
                    {"territory": site.territory.value} if site.territory is not TerritoryMode.ENFORCE else {}
                ),
                **({"honeypot": site.honeypot} if site.honeypot else {}),
            },
            "works": [_spelled_work(work) for work in works],
            "offers": {
                name: [terms.as_json(), seconds, fetches]
                for name, (terms, seconds, fetches) in offers.items()
            },
            "rules": [
                {"when": spelled_match(rule.when), "then": rule.verdict.value, "offers": list(rule.offers)}
                for rule in rules
            ],
            "otherwise": otherwise.value if otherwise else None,
            "unverifiable": unverifiable.value,
            "free_paths": _patterns(free_paths),
            **({"publish": publishing.as_json()} if publishing != USUAL else {}),
            **({"payments": asdict(payments)} if payments != _USUAL else {}),
            **({"contract": _signing(signing)} if signing != _UNSAID else {}),
            **({"redress": asdict(redress)} if redress != _NONE else {}),
            **({"by_person": sorted(by_person)} if by_person else {}),
        }
    )


def spelled_match(when: Match) -> dict[str, list[str]]:
    """What a rule looks at, under the keys a policy file uses; a key that matches everything is left out."""
    spelled: dict[str, list[str]] = {
        "crawler": sorted(when.crawlers),
        "operator": sorted(when.operators),
        "purpose": sorted(when.purposes),
        "class": sorted(when.classes),
        "proof": sorted(when.proofs),
        "use": sorted(when.uses),
        "work": sorted(when.works),
        "path": _patterns(when.paths),
        "country": sorted(when.countries),
    }
    return {key: [str(word) for word in words] for key, words in spelled.items() if words}


def _patterns(paths: Sequence[PathScope]) -> list[str]:
    return sorted(scope.pattern for scope in paths)


def _spelled_work(work: Work) -> dict[str, object]:
    return {
        "id": work.id,
        "paths": _patterns(work.paths),
        "rights": work.rights.value,
        "people": work.people.value,
        "renditions": [[rendition.name, _patterns(rendition.paths)] for rendition in work.renditions],
        "authors": [[author.name, author.share_micros] for author in work.authors],
        **({"encrypted": True} if work.encrypted else {}),
        **({"streams": _patterns(work.streams)} if work.streams else {}),
        **({"dating": asdict(work.dating)} if work.dating != UNDATED else {}),
    }
