"""Every reason code of a `Visitor`, in one place: what it says to people, on what it bears, how much.

A code is stable: it stands in records, exports and answers of ``licet who``, so
it is never renamed and never given another meaning; a new meaning is a new
code. What follows a code's first colon is its argument: a name, a list, a date.

*Weight* is how far the reason moves the question it bears on when it stands
alone, from -1 to 1; 0 is a remark. It is told, not summed: what decides is the
table of `visitors.weighing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Bears(StrEnum):
    """The question that a reason bears on."""

    CLAIM = "who it says it is"
    PROOF = "whether that is so"
    MACHINE = "whether it is a machine"
    NOTHING = "nothing by itself"


@dataclass(frozen=True, slots=True)
class Reason:
    """One code.

    Attributes:
        sentence: for people; ``{}`` is where the argument goes.
        bears: the question it bears on.
        weight: from -1 (speaks against it) to 1 (for it).
    """

    sentence: str
    bears: Bears
    weight: float = 0.0


_C, _P, _M, _N = Bears.CLAIM, Bears.PROOF, Bears.MACHINE, Bears.NOTHING

REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        # What the User-Agent says.
        "ua_claim": Reason("Its User-Agent says that it is {}.", _C, 0.80),
        "ua_kind": Reason("Its User-Agent has the words of a known kind of program: {}.", _C, 0.75),
        "ua_robots_token": Reason(
            "Its User-Agent says {}, a name for robots.txt that no request ever carries.", _M, 0.90
        ),
        "ua_oversized": Reason(
            "Its User-Agent is longer than any real one; only the beginning was read.", _N
        ),
        "ua_url_token": Reason("Its User-Agent names {} inside an address only.", _N),
        "ua_also": Reason("Its User-Agent names {} as well.", _N),
        "no_user_agent": Reason("It sent no User-Agent.", _M, 0.75),
        "headless_declared": Reason("Its User-Agent says that the browser runs without a screen.", _M, 0.90),
        "ua_library": Reason("Its User-Agent begins with the name of a programming library.", _M, 0.90),
        "ua_bot_word": Reason("Its User-Agent calls itself a bot, crawler or the like.", _M, 0.75),
        "ua_ai_word": Reason("Its User-Agent has a word that AI crawlers name themselves by.", _M, 0.75),
        "ua_contact_in_comment": Reason("Its User-Agent gives an address for webmasters.", _M, 0.75),
        "ua_user_token": Reason(
            "Its User-Agent ends in \u201c-User\u201d, as assistants name themselves.", _M, 0.75
        ),
        "ua_appended_name": Reason("Its User-Agent has a name where no browser puts one.", _M, 0.75),
        "ua_compatible_token": Reason("Its User-Agent says \u201ccompatible\u201d as crawlers do.", _M, 0.75),
        "ua_no_engine": Reason("Its User-Agent names no browser engine.", _M, 0.20),
        "claim_contradicted": Reason(
            "The User-Agent names {}, and the signature is somebody else\u2019s.", _N
        ),
        # Its address, and the lists that operators publish.
        "ip_in": Reason("Its address is in the published list {}.", _P, 0.97),
        "ip_not_in": Reason("Its address is not in the published list {}.", _P, -0.95),
        "ip_near": Reason("Its address is close to list {}, where such lists grow.", _P, 0.10),
        "ip_list_dated": Reason("The list that counted, and the day of its copy: {}.", _N),
        "ip_list_stale": Reason("The copy of list {} is too old for an absence to mean anything.", _N),
        "ip_list_partial": Reason("List {} is not all that its operator uses.", _N),
        "ip_list_missing": Reason("There is no copy of list {} here.", _N),
        "ip_unknown": Reason("Its address is not known.", _N),
        "ip_operator_undeclared": Reason(
            "It shows a browser\u2019s User-Agent from a crawler\u2019s network, list {}.", _M, 0.85
        ),
        "recipe_unchecked": Reason(
            "Its operator publishes a way to check the claim, which was not used.", _N
        ),
        "asn_match": Reason("Its address lies in a network of the claimed operator\u2019s.", _P, 0.30),
        "asn_mismatch": Reason("Its address lies in no network of the claimed operator\u2019s.", _P, -0.30),
        "asn_hosting": Reason("Its address belongs to a hosting company.", _M, 0.10),
        # Names of its address.
        "rdns_ok": Reason("Its address has a name of the operator\u2019s, which leads back to it.", _P, 0.97),
        "rdns_mismatch": Reason(
            "Its address has no name of the operator\u2019s that leads back to it.", _P, -0.90
        ),
        "rdns_unknown": Reason("The name of its address could not be found out.", _N),
        # Signatures.
        "sig_valid": Reason("It is signed with a key of the directory it names.", _P, 0.99),
        "sig_invalid": Reason("It is signed, and the signature fails: {}.", _P, -0.95),
        "sig_unverified": Reason("It is signed, and the signature could not be checked: {}.", _N),
        "sig_unknown_directory": Reason("It is signed with a key whose directory is not known here.", _N),
        "sig_uncovered": Reason("Its signature does not cover {}, which anybody could have added.", _N),
        "sig_directory_unsigned": Reason("The directory of its keys is not signed by them.", _N),
        "sig_directory_stale": Reason("The directory of its keys could not be read again.", _N),
        "sig_directory_pinned": Reason("The operator of this gateway gave its keys.", _N),
        "sig_form": Reason("It names its signer in the {} form.", _N),
        "sig_missing": Reason("Its operator signs its requests, and this one is not signed.", _P, -0.20),
        # Headers that do not fit the browser named.
        "header_contradictions": Reason(
            "Its headers contradict the browser that it names, more than once.", _M, 0.80
        ),
        "no_fetch_metadata": Reason("It lacks the Sec-Fetch headers that this browser sends.", _M, 0.10),
        "no_accept": Reason("It lacks Accept, which every browser sends.", _M, 0.40),
        "no_accept_language": Reason("It lacks Accept-Language, which every browser sends.", _M, 0.40),
        "accept_without_html": Reason("It opens a page and does not accept HTML.", _M, 0.40),
        "accept_sxg_q_stale": Reason(
            "Its Accept is one that this version of Chrome no longer sends.", _M, 0.40
        ),
        "no_upgrade_insecure_requests": Reason(
            "It lacks Upgrade-Insecure-Requests, which Chrome sends.", _M, 0.40
        ),
        "no_ch_ua": Reason("It lacks Sec-CH-UA, which this version of Chrome sends.", _M, 0.40),
        "ch_ua_on_non_chromium": Reason("It sends Sec-CH-UA, which the browser named does not.", _M, 0.40),
        "ch_ua_major_mismatch": Reason("Sec-CH-UA and User-Agent name different versions.", _M, 0.40),
        "ch_ua_grease_wrong": Reason("Sec-CH-UA is not what this version sends.", _M, 0.40),
        "ch_ua_order_wrong": Reason("Sec-CH-UA is not in the order of this version.", _M, 0.40),
        "ch_platform_mismatch": Reason("Sec-CH-UA-Platform and User-Agent name different systems.", _M, 0.40),
        "ch_mobile_mismatch": Reason("Sec-CH-UA-Mobile contradicts the User-Agent.", _M, 0.40),
        "header_order": Reason("Its headers come in an order that this browser does not use.", _M, 0.10),
        # What its network did within the hour.
        "honeypot_hit": Reason(
            "Its network asked for a path that robots.txt forbids and no page shows.", _M, 0.30
        ),
        "rate_exceeded": Reason("Its network asks faster than people do.", _M, 0.15),
        "robots_disobeyed": Reason("Its network fetched what robots.txt forbids.", _M, 0.20),
        "terms_refused": Reason("Its network went on after it was told the terms.", _M, 0.15),
        # Written with the reasons into a record's detail.
        "confidence": Reason("How sure the gate was of all this: {}.", _N),
        # Licenses.
        "token_of": Reason("It shows a license token of {}.", _P, 0.90),
        "token_bad": Reason("It shows a license token that is not good.", _M, 0.75),
    }
)


def split(reason: str) -> tuple[str, str]:
    """The code of *reason* and its argument, or "".

    >>> split("ip_not_in:openai-gptbot"), split("rdns_ok")
    (('ip_not_in', 'openai-gptbot'), ('rdns_ok', ''))
    """
    code, _, argument = reason.partition(":")
    return code, argument


def known(reason: str) -> Reason | None:
    """The entry of *reason*, or None: written by another version, or by hand."""
    return REASONS.get(split(reason)[0])


def sentence(reason: str) -> str:
    """*reason* as a sentence for people; a code that is not known stands for itself.

    >>> sentence("ip_not_in:openai-gptbot")
    'Its address is not in the published list openai-gptbot.'
    """
    found = known(reason)
    return found.sentence.replace("{}", split(reason)[1] or "it") if found else reason
