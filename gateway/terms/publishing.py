"""In which channels a site tells its terms, besides robots.txt, license.xml and the refusals: the creator's choice.

What costs nothing and changes no byte of a page is on; what is put into pages,
feeds or files of the site's own is off until it is asked for. Who reads a
channel that is off learns the same terms by another one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class RobotsPreferences(StrEnum):
    """What becomes of preferences in the site's own robots.txt and headers.

    COMBINE: the stricter of both is told. POLICY: the policy's alone is told.
    """

    COMBINE = "combine"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Publishing:
    """The channels of one site.

    Attributes:
        content_usage: AIPREF ``Content-Usage`` in headers and robots.txt.
        content_signals: ``Content-Signal`` in headers and robots.txt.
        tdmrep: TDMRep's file and headers.
        preferences: what becomes of the site's own preferences.
        html_link: ``<link rel="license">`` is put into pages that automata fetch.
        html_script: the license itself is put into such pages.
        feeds: ``rsl:content`` is put into RSS and Atom feeds that automata fetch.
        x_robots_tag: ``X-Robots-Tag: noai, noimageai`` where AI uses are reserved.
        trust_txt: ``datatrainingallowed`` in trust.txt.
        llms_txt: a section on licensing in llms.txt.
        license_days: for how many days a reader of license.xml may go by it.
        disclaimers: what nobody vouches for, in RSL's closed vocabulary.
        warranties: what the offers warrant is stated to everybody; otherwise it binds by contract alone.
        attest: the creator states to have the authority to grant what is offered.
        proofs: absolute URIs where that can be looked up.
        reporting_profile: absolute URI of how licensees report, or "": a program
            that does not know it must take the content for not licensed.
        schema_url: absolute URL of metadata in JSON-LD about the whole site, or "".
        alternates: media types and URLs of other renditions of the whole site.
    """

    content_usage: bool = True
    content_signals: bool = True
    tdmrep: bool = True
    preferences: RobotsPreferences = RobotsPreferences.COMBINE
    html_link: bool = False
    html_script: bool = False
    feeds: bool = False
    x_robots_tag: bool = False
    trust_txt: bool = False
    llms_txt: bool = False
    license_days: int = 7
    disclaimers: tuple[str, ...] = ()
    attest: bool = False
    proofs: tuple[str, ...] = ()
    reporting_profile: str = ""
    schema_url: str = ""
    alternates: tuple[tuple[str, str], ...] = ()
    warranties: bool = False

    def as_json(self) -> dict[str, object]:
        """What differs from the usual; empty for a site that chose nothing."""
        usual = asdict(Publishing())
        return {name: _plain(value) for name, value in asdict(self).items() if value != usual[name]}


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


USUAL = Publishing()
