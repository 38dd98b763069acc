"""Licet: the gate that gets creators paid when machines read.

A creator puts it in front of a site. People notice nothing. Every AI crawler
meets the creator's terms, can buy a signed token by machine, is held to what
it bought, and leaves a record that a third party can verify and a bill is
derived from.

Words, each with one meaning:

=================== ===========================================================
creator             who owns the site, sets the policy, is paid
operator            who runs this gateway (may be the creator)
site                a creator's host names and the origin server behind them
work, rendition     one piece of content; one form of it (page, transcript, …)
visitor             whoever sent this request, before and after we know who
crawler             a named automated agent; acts for a licensee, or nobody known
licensee            the company that holds a license and pays
use                 what a crawler means to do with what it fetches
terms               what a creator offers for a scope: the eight levers
offer, license      terms priced for one licensee; the same once accepted
token               the signed, short-lived proof of a license
ask                 the facts of one request that rules may look at, no others
ruling              what the policy says to one ask, and which rule said it
grant, refusal      admission's answer
delivery            what was sent back: status, bytes, digest, how it ended
record, journal     one fetch as it will be remembered; all of them, append-only
receipt, statement  one record signed for the crawler; a period's bill
=================== ===========================================================

The path of one request, held by `gateway.front.exchange` and nowhere else:

======== ========== ==========================================================
listener front      Ask(request): facts only
identify visitors   Ask -> Visitor: doubt is a weaker proof
rule     policy     (Visitor, Ask) -> Ruling: pure, and names the rule
admit    admission  (Ruling, Ask) -> Grant | Refusal: token, entitlement, credit
open     origin     (Ask, Grant) -> OriginHead
commit   rails      (Tender, OriginHead) -> Settled | Refusal: price fixed, payment by the fetch
stream   origin     bytes pass, counted and digested -> Delivery
record   provenance exactly one FetchRecord for every crawler request
======== ========== ==========================================================

People are served first: no journal entry, no lookup, no wait, ever.
"""

__version__ = "0.1.0"
