"""Country codes that a policy may name: ISO 3166-1 alpha-2 (as of 2026-11), ``XK``, and ``EU`` as a group.

``XK`` (Kosovo) is user-assigned and stands here because location databases use
it. Codes are checked so that a slip such as ``UK`` cannot open or close a
country in silence.
"""

from __future__ import annotations

from gateway.terms.european_union import EU

_LISTED = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """
COUNTRIES: frozenset[str] = frozenset(_LISTED.split())

#: What people write when they mean another code.
_MEANT = {"UK": "GB", "EL": "GR", "EN": "GB", "SU": "RU"}


def region(text: str) -> str | None:
    """Return the country or ``EU`` in upper case, or None where there is no such place.

    >>> region("de"), region("EU"), region("UK")
    ('DE', 'EU', None)
    """
    code = text.upper()
    return code if code == "EU" or code in COUNTRIES else None


def meant(text: str) -> str:
    """What somebody who wrote *text* may have meant, or ""."""
    return _MEANT.get(text.upper(), "")


def spelled_out(regions: frozenset[str]) -> frozenset[str]:
    """*regions* with ``EU`` spelled out (`terms.european_union`)."""
    return (regions - {"EU"}) | (EU if "EU" in regions else frozenset())
