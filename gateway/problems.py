"""The closed list of refusals: code, status, public sentence, next step.

A refusal is a value, an exception means something broke. This is the only
place where a refusal's code, its HTTP status, the words the other side reads
and the error names of other protocols meet:

- `type` URIs of RFC 9457 (July 2023) are ``ORIGIN/.licet/problems/CODE``;
- `license_error` is the `error` of ``WWW-Authenticate: License`` (RSL 1.0,
  section 6.3.4);
- `crawler_error` is Cloudflare's ``crawler-error`` header (AI Crawl Control,
  2026-05);
- `oauth_error` is RFC 6749 section 5.2 with RFC 8707, RFC 9396 and RSL's OLP.

Every refusal states the rule (`Problem.title`), the fact (`Refusal.detail`)
and the next step (`Problem.next_step`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from gateway.faults import ConfigurationError, Mistake, StoreUnavailable
from gateway.money import Money
from gateway.problem_entry import Told, entry

__all__ = ["PROBLEMS", "ConfigurationError", "Mistake", "Problem", "Refusal", "StoreUnavailable"]

_RESEND = "Send a well-formed request again on a new connection."
_LATER = "Ask again after the seconds named in Retry-After. Nothing was charged."
_BUY = "Buy a token at the token endpoint named in this answer and send it as Authorization: License."


class Problem(Told, Enum):
    """Every reason for which this gateway says no."""

    # The request itself.
    BAD_REQUEST = entry("bad-request", 400, "The request is not well formed", _RESEND)
    AMBIGUOUS_PATH = entry(
        "ambiguous-path",
        400,
        "The path has more than one reading",
        "Ask for the plain path, without dot segments, empty segments or encoded separators.",
    )
    METHOD_NOT_ALLOWED = entry(
        "method-not-allowed", 405, "This method is not served here", "Use one of the methods named in Allow."
    )
    REQUEST_TIMEOUT = entry("request-timeout", 408, "The request took too long to arrive", _RESEND)
    URI_TOO_LONG = entry("uri-too-long", 414, "The request target is too long", _RESEND)
    RANGE_NOT_SATISFIABLE = entry(
        "range-not-satisfiable", 416, "Too many ranges were asked for", "Ask for at most sixteen ranges."
    )
    EXPECTATION_FAILED = entry(
        "expectation-failed", 417, "Only 100-continue can be expected", "Send the request without Expect."
    )
    UNKNOWN_SITE = entry(
        "unknown-site",
        421,
        "This host is not served here",
        "Check the Host header; the operator lists hosts in the site's policy file.",
    )
    HEADERS_TOO_LARGE = entry(
        "headers-too-large", 431, "The request headers are too large", "Send fewer or shorter headers."
    )
    UNSUPPORTED_CODING = entry(
        "unsupported-transfer-coding", 501, "Only the transfer coding chunked is understood", _RESEND
    )
    VERSION_NOT_SUPPORTED = entry(
        "version-not-supported", 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here", _RESEND
    )
    NOT_FOUND = entry(
        "not-found", 404, "There is nothing at this address of the license desk", "See /.licet/."
    )
    TOO_LARGE = entry("content-too-large", 413, "The request body is too large", "Send a smaller body.")
    UNSUPPORTED_MEDIA = entry(
        "unsupported-media-type",
        415,
        "The body is in a format this address does not read",
        "Send the media type that the address documents.",
    )

    # Who asks.
    IDENTITY_NOT_PROVEN = entry(
        "identity-not-proven",
        403,
        "The claimed identity is contradicted by the evidence",
        "Ask from the operator's published addresses, or sign the request (Web Bot Auth).",
        license_error="insufficient_scope",
        crawler_error="CrawlerForbidden",
    )
    WITHDRAWN = entry(
        "withdrawn",
        403,
        "The owner has withdrawn this for the use at hand",
        "Stop using it, acknowledge the notice and plan the removal at the address named here.",
        license_error="insufficient_scope",
        crawler_error="CrawlerForbidden",
    )
    REFUSED_BY_OWNER = entry(
        "refused-by-owner",
        403,
        "The owner of this site does not serve this crawler here",
        "Money does not change this; write to the owner named on the license page.",
        license_error="insufficient_scope",
        crawler_error="CrawlerForbidden",
    )
    SIGNATURE_REPLAYED = entry(
        "signature-replayed",
        429,
        "The signature of this request was used before",
        "Sign every request that costs money anew, with a nonce of its own.",
        crawler_error="InvalidSignature",
    )

    # The license token.
    LICENSE_REQUIRED = entry(
        "license-required",
        402,
        "A license is needed for this use",
        _BUY,
        license_error="invalid_request",
        crawler_error="MissingCrawlerPrice",
    )
    TOKEN_REQUIRED = entry(
        "token-required",
        401,
        "A license token is needed, and it is free",
        "Ask the token endpoint named in this answer for a token.",
        license_error="invalid_request",
    )
    TOKEN_INVALID = entry(
        "token-invalid",
        401,
        "The license token is not one of ours or was changed",
        "Ask the token endpoint for a new token.",
        license_error="invalid_token",
        oauth_error="invalid_token",
    )
    TOKEN_EXPIRED = entry(
        "token-expired",
        401,
        "The license token is outside its term",
        "Ask the token endpoint for a new token.",
        license_error="invalid_token",
        oauth_error="invalid_token",
    )
    TOKEN_REVOKED = entry(
        "token-revoked",
        401,
        "The license token was revoked",
        "Ask the token endpoint for a new token, or write to the owner.",
        license_error="invalid_token",
        oauth_error="invalid_token",
    )
    TOKEN_OTHER_SITE = entry(
        "token-other-site",
        401,
        "The license token was issued for another site",
        "Ask this site's token endpoint for a token.",
        license_error="invalid_token",
        oauth_error="invalid_token",
    )
    PATH_NOT_COVERED = entry(
        "path-not-covered",
        403,
        "The license does not cover this path",
        "Buy a license whose scope covers the path.",
        license_error="insufficient_scope",
        oauth_error="insufficient_scope",
    )
    RENDITION_NOT_COVERED = entry(
        "rendition-not-covered",
        403,
        "The license does not cover this form of the work",
        "Buy a license that covers this rendition.",
        license_error="insufficient_scope",
        oauth_error="insufficient_scope",
    )
    USE_NOT_COVERED = entry(
        "use-not-covered",
        403,
        "The license does not cover what this crawler does with the work",
        "Buy a license for every use of the crawler, or one that names the crawler.",
        license_error="insufficient_scope",
        oauth_error="insufficient_scope",
    )
    TERRITORY_NOT_COVERED = entry(
        "territory-not-covered",
        403,
        "The license does not cover this territory",
        "Ask from a country the license names, or buy a license for this one.",
        license_error="insufficient_scope",
        oauth_error="insufficient_scope",
    )
    BUDGET_SPENT = entry(
        "budget-spent",
        402,
        "The budget of this license is used up",
        "Buy another token, or raise the budget with the owner.",
        license_error="insufficient_scope",
        crawler_error="PaymentFailed",
    )
    CREDIT_SPENT = entry(
        "credit-spent",
        402,
        "The prepaid credit does not cover the price",
        "Top up the credit with the owner of this site.",
        license_error="insufficient_scope",
        crawler_error="PaymentFailed",
    )
    TOO_FAST = entry(
        "too-fast",
        429,
        "Requests come faster than the license or this desk allows",
        "Wait for the seconds named in Retry-After.",
    )

    # Paying for one fetch: none of these charges anything.
    PRICE_UNREADABLE = entry(
        "price-unreadable", 400, "The price header cannot be read",
        "Send crawler-max-price or crawler-exact-price once, such as USD 0.01, in the currency of this site.",
        crawler_error="InvalidCrawlerPriceValue",
    )  # fmt: skip
    PRICES_CONFLICT = entry(
        "prices-conflict", 400, "Two price headers contradict each other",
        "Send either crawler-max-price or crawler-exact-price, once.",
        crawler_error="ConflictingPriceHeaders",
    )  # fmt: skip
    STRONG_AUTH_REQUIRED = entry(
        "strong-auth-required", 400, "Whoever pays by a header signs the request",
        "Sign the request (Web Bot Auth), the price header included.",
        crawler_error="StrongAuthRequired",
    )  # fmt: skip
    SIGNATURE_INVALID = entry(
        "signature-invalid", 400, "The signature of this request cannot be relied on",
        "Sign the request anew (Web Bot Auth), with the price header among its covered components.",
        crawler_error="InvalidSignature",
    )  # fmt: skip
    EXACT_PRICE_WRONG = entry(
        "exact-price-wrong", 402, "The exact price offered is not the price",
        "Send the price that this answer names.",
        license_error="invalid_request", crawler_error="InvalidCrawlerExactPrice",
    )  # fmt: skip
    MAX_PRICE_TOO_LOW = entry(
        "max-price-too-low", 402, "The most that is offered is below the price",
        "Offer at least the price that this answer names.",
        license_error="invalid_request", crawler_error="InvalidCrawlerMaxPrice",
    )  # fmt: skip
    PAYMENT_FAILED = entry(
        "payment-failed", 403, "No account here can pay for this request",
        "Ask the owner of this site to tie your signature agent to an account in good standing.",
        crawler_error="PaymentFailed",
    )  # fmt: skip
    PAYMENT_MALFORMED = entry(
        "payment-malformed", 400, "The payment header cannot be read",
        "Send PAYMENT-SIGNATURE once: base64 of a PaymentPayload of x402 version 2.",
    )  # fmt: skip
    PAYMENT_INVALID = entry(
        "payment-invalid", 402, "The payment was not taken",
        "Pay what PAYMENT-REQUIRED of this answer asks, with a new authorization.",
        license_error="invalid_request", crawler_error="PaymentFailed",
    )  # fmt: skip
    PAYMENT_CONFLICT = entry(
        "payment-conflict", 409, "The payment is for another request",
        "Send it with the request it was made for, or pay this one by itself.",
    )  # fmt: skip
    CONTENT_PRICE_INVALID = entry(
        "content-price-invalid", 502, "The site's own server named a price that cannot be read", _LATER,
        crawler_error="InvalidContentPrice",
    )  # fmt: skip

    PAYMENT_PENDING = entry(
        "payment-pending", 503, "It is not known yet whether the payment was settled",
        "Do not pay again: ask the status URL, or send the same payment after Retry-After.",
        license_error="server_error",
    )  # fmt: skip
    PAYMENT_SERVICE_UNAVAILABLE = entry(
        "payment-service-unavailable", 503, "Whoever moves the money cannot be asked",
        "Send the same payment again after Retry-After; nothing was taken.",
        license_error="server_error",
    )  # fmt: skip
    IDEMPOTENCY_CONFLICT = entry(
        "idempotency-conflict", 409, "This idempotency key came with another request",
        "Use a new key for a new request, or send the first request again as it was.",
        oauth_error="invalid_request",
    )  # fmt: skip

    # A dependency is down: nothing was charged.
    JOURNAL_UNAVAILABLE = entry(
        "journal-unavailable",
        503,
        "Fetches cannot be recorded at the moment",
        _LATER,
        license_error="server_error",
        crawler_error="InternalError",
    )
    SPEND_BOOK_UNAVAILABLE = entry(
        "spend-book-unavailable",
        503,
        "Credit cannot be checked at the moment",
        _LATER,
        license_error="server_error",
        crawler_error="InternalError",
        oauth_error="server_error",
    )
    REVOCATIONS_STALE = entry(
        "revocations-stale",
        503,
        "Revocations cannot be checked at the moment",
        _LATER,
        license_error="server_error",
        crawler_error="InternalError",
    )
    ROBOTS_UNAVAILABLE = entry(
        "robots-unavailable", 503, "The site's own robots.txt cannot be read at the moment", _LATER
    )
    DRAINING = entry("draining", 503, "This gateway is about to stop", _LATER)
    ORIGIN_UNREACHABLE = entry(
        "origin-unreachable",
        502,
        "The site's own server cannot be reached",
        _LATER,
        crawler_error="InternalError",
    )
    ORIGIN_FAILED = entry(
        "origin-failed",
        502,
        "The site's own server gave no usable answer",
        _LATER,
        crawler_error="InternalError",
    )
    # fmt: off
    ORIGIN_TIMEOUT = entry("origin-timeout", 504, "The site's own server did not answer in time", _LATER,
        crawler_error="InternalError")
    CALLER_UNKNOWN = entry("caller-unknown", 403, "Only the site's own proxy may ask here", "Show the secret that `licet deploy` prints.")
    PROXY_INCOMPLETE = entry("proxy-incomplete", 502, "The site's own proxy does not say what was asked of it", "Set it up as `licet deploy` prints.")
    # The desk: OAuth 2.0 and RSL's OLP keep their own error shape.
    CLIENT_UNKNOWN = entry("client-unknown", 401, "Client authentication failed",
        "Authenticate in the way this client is registered for, and in one way only.", oauth_error="invalid_client")
    CLIENT_QUARANTINED = entry("client-quarantined", 403, "This client is registered but not approved or funded yet",
        "Write to the owner of this site; the operator approves or credits licensees.", oauth_error="unauthorized_client")
    FORM_INVALID = entry("form-invalid", 400, "The request lacks a parameter or has one twice",
        "See the description.", oauth_error="invalid_request")
    GRANT_UNSUPPORTED = entry("grant-unsupported", 400, "Only grant_type client_credentials is supported",
        "Send grant_type=client_credentials.", oauth_error="unsupported_grant_type")
    TARGET_INVALID = entry("target-invalid", 400, "The resource is not one this desk licenses",
        "Name a path or URL of this site that is on offer; see /license.xml.", oauth_error="invalid_target")
    DETAILS_INVALID = entry("details-invalid", 400, "The authorization_details are not ones this desk grants",
        "Ask for what the offers list; unknown members and values are refused.", oauth_error="invalid_authorization_details")
    LICENSE_NOT_OFFERED = entry("license-not-offered", 400, "This license is not on offer for this resource",
        "Send a license element as /license.xml publishes it.", oauth_error="invalid_license")
    RESOURCE_NOT_OFFERED = entry("resource-not-offered", 400, "This resource is not managed by this license server",
        "Send the url attribute of a content element of /license.xml.", oauth_error="invalid_resource")
    PAYMENT_MISSING = entry("payment-missing", 403, "The credit does not cover what this license costs",
        "Top up the credit at the address named here, then ask for the token again.", oauth_error="unauthorized_client")
    SCOPE_INVALID = entry("scope-invalid", 400, "The scope is not one this desk grants",
        "Name uses that are on offer; see scopes_supported.", oauth_error="invalid_scope")
    PROOF_INVALID = entry("proof-invalid", 400, "The DPoP proof does not hold for this request",
        "Make a fresh proof for this address (RFC 9449, section 4).", oauth_error="invalid_dpop_proof")
    PROOF_NONCE = entry("proof-nonce", 400, "The DPoP proof must hold a nonce of this desk",
        "Make the proof again with the nonce named in DPoP-Nonce.", oauth_error="use_dpop_nonce")
    TOKEN_UNPROVEN = entry("token-unproven", 401, "The license token is bound to a key that this request does not prove",
        "Send Authorization: DPoP with a fresh proof, or sign with that key.", license_error="invalid_token")
    TOKEN_NONCE = entry("token-nonce", 401, "The proof of the key must hold a nonce of this gateway",
        "Make the proof again with the nonce named in DPoP-Nonce.", license_error="invalid_token")
    REGISTRATION_DENIED = entry("registration-denied", 401, "This address needs a registration token",
        "Send it as Authorization: Bearer, as the operator or the registration told it.", oauth_error="invalid_token")
    STATEMENT_INVALID = entry("statement-invalid", 400, "The software statement is not a signed JWT",
        "Leave software_statement out.", oauth_error="invalid_software_statement")
    STATEMENT_UNAPPROVED = entry("statement-unapproved", 400, "No issuer of software statements is trusted here",
        "Leave software_statement out.", oauth_error="unapproved_software_statement")
    METADATA_INVALID = entry("metadata-invalid", 400, "The client metadata is not acceptable",
        "See the description (RFC 7591, section 2).", oauth_error="invalid_client_metadata")
    NEGOTIATION_OVER = entry("negotiation-over", 409, "This negotiation has ended",
        "Begin another one; what was agreed or refused before goes on from there.")
    NEGOTIATION_OUTDATED = entry("negotiation-outdated", 409, "Other terms are on the table than the ones named",
        "Read the negotiation again and answer to what is on the table.")
    NEGOTIATION_WAITS = entry("negotiation-waits", 409, "This cannot be done in the state the negotiation is in",
        "Read the negotiation again; it says what it waits for.")
    EXCLUSIVE_TAKEN = entry("exclusive-taken", 409, "A license that somebody else holds shuts this one out",
        "Ask for other works, uses or places, for another time, or without exclusivity.")
    PROPOSAL_INVALID = entry("proposal-invalid", 400, "The message cannot be read as what this address takes",
        "Correct the member named here; /.licet/openapi.json has the schema.")
    PRECONDITION_REQUIRED = entry("precondition-required", 428, "A change has to name the version it is made to",
        "Read what you change and send its ETag in If-Match.")
    REMOVAL_OUT_OF_ORDER = entry("removal-out-of-order", 409, "This step of a removal comes after another one",
        "Acknowledge, plan, attest, in this order; read the notice again for where it stands.")
    CONTRACT_INCOMPLETE = entry("contract-incomplete", 409, "Something is missing without which nothing can be signed",
        "Send what is named as yours; what is the owner's, only the owner can fill in.")
    LICENSE_SUSPENDED = entry("license-suspended", 403, "The license is suspended",
        "Hand in what /.licet/duties tells as overdue; the license and its tokens then hold again within a second.",
        license_error="insufficient_scope", oauth_error="unauthorized_client")
    LICENSE_OVER = entry("license-over", 409, "The license has ended, or was revoked",
        "Ask for a license of your own: nothing follows one that is over.")
    LICENSE_NOT_TRANSFERABLE = entry("license-not-transferable", 403, "A license cannot be transferred",
        "Whoever wants to use the works asks for a license here.")
    DUTY_OVER = entry("duty-over", 409, "Nothing is handed in or judged in the state the duty is in",
        "Read the duty again; it says where it stands.")
    DOCUMENT_INVALID = entry("document-invalid", 400, "The document cannot be taken for what is due",
        "Correct every member named here; /.licet/openapi.json has the schema.")
    DISPUTE_REFUSED = entry("dispute-refused", 409, "This cannot be disputed, or not decided, as things stand",
        "Read the document and its disputes again; the detail says what is in the way.")
    VERSION_OUTDATED = entry("version-outdated", 409, "It has changed since the version named",
        "Read it again and act on what it says.")
    AUDIT_REFUSED = entry("audit-refused", 409, "The agreement does not allow this audit, or not this step of it",
        "Read the audit and the clause on audits again; they say what is allowed and what comes next.")
    MILESTONE_WAITS = entry("milestone-waits", 409, "This cannot be done as the milestone stands",
        "Read the milestone again; it says where its money is and what comes next.")
    AUDITOR_UNKNOWN = entry("auditor-unknown", 401, "This address needs the secret of an auditor whose access runs",
        "Send it as Authorization: Bearer; who owns the site gives, renews and ends access (licet auditors).")
    AUDIT_OUT_OF_SCOPE = entry("audit-out-of-scope", 403, "This auditor may not see that", "See /.licet/audit for what may be seen.")
    # fmt: on


#: Every refusal by its code.
PROBLEMS: Mapping[str, Problem] = MappingProxyType({problem.code: problem for problem in Problem})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One "no": which problem, and the fact behind it.

    *detail* is public, one sentence, and never holds a secret or a floor.
    *retry_after* is in whole seconds, 0 where waiting does not help. *private*
    is for the operator's log only. *facts* become members of the problem body.
    *price* is what is asked, where that is not what the offer asks.
    """

    problem: Problem
    detail: str = ""
    retry_after: int = 0
    private: str = field(default="", compare=False)
    facts: tuple[tuple[str, str], ...] = ()
    price: Money | None = None

    @property
    def status(self) -> int:
        """The HTTP status of the problem."""
        return self.problem.status

    @property
    def code(self) -> str:
        """The code of the problem."""
        return self.problem.code
