"""What a site reserves and what it leaves untouched, in the sentences that every page for people shares.

The reservation is the express one of Article 4(3) of Directive (EU) 2019/790
(17 April 2019), made once for the whole site and everybody, because one that
names single crawlers says nothing to all others. What the law allows without a
license stays allowed (Articles 3, 5 and 6 of the same directive and 5 of
Directive 2001/29/EC; Directive (EU) 2017/1564); no sentence here calls anything
that nobody licensed by another name than that.
"""

from __future__ import annotations

from typing import Final

from gateway.terms.license_terms import PublishedTerms
from gateway.uses import Use, Uses, closure

#: What nothing that is published here takes away.
LIMITS: Final = (
    "Nothing here limits what the law allows without a license. That includes text and data mining for "
    "scientific research by research organizations and cultural heritage institutions, quotation, and copies "
    "that make works accessible to people with disabilities."
)
NOTHING_RESERVED: Final = (
    "Every use that these terms know is free on the whole site; none of them is reserved."
)


def reserved(free: Uses, for_sale: Uses) -> Uses:
    """The uses of one scope that are neither *free* nor *for_sale*."""
    return frozenset(Use) - closure(free) - closure(for_sale)


def reservation(terms: PublishedTerms) -> str:
    """What is reserved on the whole site of *terms*, as one express declaration."""
    everything = frozenset(Use)
    if all(closure(scope.free) >= everything for scope in terms.scopes):
        return NOTHING_RESERVED
    who = terms.name or "the owner of this site"
    return (
        f"For every work on this site, and towards everybody, {who} expressly reserves reproductions and "
        "extractions for text and data mining, training of AI models included (Article 4(3) of Directive (EU) "
        "2019/790). Excepted are only the uses that these terms call free, and those under a license."
    )
