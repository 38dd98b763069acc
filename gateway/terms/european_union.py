"""What "EU" means as a territory: the places where the Treaties apply, by day.

By ISO 3166-1 alpha-2, because that is what networks are located by. Member
states, and the parts of them that have a code of their own and belong to the
Union: the outermost regions (TFEU, article 349) and Åland (TFEU, article
355(4)). The Azores, Madeira and the Canary Islands have no code and are their
member state. The overseas countries and territories (TFEU, annex II), the Faroe
Islands, the Channel Islands and the Isle of Man are not the Union.

Read in the consolidated Treaties (2016-06-07), the accession treaties and the
withdrawal of 2020. Last checked on `CHECKED`.
"""

from __future__ import annotations

from datetime import date
from typing import Final

#: The day up to which this table is known to be right.
CHECKED: Final = date(2026, 11, 25)

_FOUNDED, _NORTH, _EAST = "1958-01-01", "1973-01-01", "2004-05-01"
#: By code: the first day, and the last one where there was one.
_SINCE: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(["BE", "DE", "FR", "IT", "LU", "NL"], (_FOUNDED, "")),
    **dict.fromkeys(["DK", "IE"], (_NORTH, "")),
    **dict.fromkeys(["GB", "GI"], (_NORTH, "2020-01-31")),
    "GR": ("1981-01-01", ""),
    **dict.fromkeys(["ES", "PT"], ("1986-01-01", "")),
    **dict.fromkeys(["AT", "FI", "SE", "AX"], ("1995-01-01", "")),
    **dict.fromkeys(["CY", "CZ", "EE", "HU", "LT", "LV", "MT", "PL", "SI", "SK"], (_EAST, "")),
    **dict.fromkeys(["BG", "RO"], ("2007-01-01", "")),
    "HR": ("2013-07-01", ""),
    **dict.fromkeys(["GF", "GP", "MF", "MQ", "RE"], (_FOUNDED, "")),
    "YT": ("2014-01-01", ""),
    "BL": (_FOUNDED, "2011-12-31"),
    "GL": (_NORTH, "1985-01-31"),
}


def eu_on(day: date) -> frozenset[str]:
    """The codes that are the Union on *day*.

    >>> "GB" in eu_on(date(2020, 1, 31)), "GB" in eu_on(date(2020, 2, 1)), "RE" in eu_on(CHECKED)
    (True, False, True)
    """
    said = day.isoformat()
    return frozenset(
        code for code, (first, last) in _SINCE.items() if first <= said and (not last or said <= last)
    )


#: The Union today, as far as this table knows.
EU: Final[frozenset[str]] = eu_on(CHECKED)
