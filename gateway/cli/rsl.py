"""`licet rsl`: what is wrong with a license in RSL, wherever it stands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from gateway.cli.say import AsJson, counted, emit, stop

if TYPE_CHECKING:
    from gateway.egress import Egress
    from gateway.terms.rsl_channels import Pointer
    from gateway.terms.rsl_xml import Breach

app = typer.Typer(
    help="RSL 1.0, the license for crawlers: check a document.",
    no_args_is_help=True,
)
_SECONDS: Final = 10.0
_LIMIT: Final = 1024 * 1024


@app.callback()
def _about() -> None:
    pass


@dataclass
class _Checked:
    """One document: where it stands, how it was found, what is wrong. *refused* says why it says nothing."""

    place: str
    channel: str = ""
    refused: str = ""
    breaches: list[Breach] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return "refused" if self.refused else "linted" if self.breaches else "clean"

    @property
    def is_wrong(self) -> bool:
        return bool(self.refused) or any(each.severity == "error" for each in self.breaches)


@app.command()
def lint(
    places: Annotated[
        list[str],
        typer.Argument(metavar="FILE|URL…", help="Documents, robots.txt, pages, or the address of a site."),
    ],
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="A host that may be private and may have any port."),
    ] = None,
    authorities: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Further authorities to trust for TLS, in PEM.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check licenses in RSL, breach by breach.

    Each is told with its line and its section of RSL 1.0. What is not itself a document is searched for one: License lines of
    robots.txt, Link headers, links and scripts of a page. An error breaks a rule
    of the standard; a warning is allowed and read in different ways. Exit 1 if
    there is an error, or no document that can be read.

    \b
    licet rsl lint license.xml
    licet rsl lint https://journal.example/
    """
    from gateway import __version__
    from gateway.egress import Egress

    way = Egress(exempt=allow or (), authorities=authorities, agent=f"licet/{__version__}")

    files = {place: Path(place).read_bytes() for place in places if not _is_url(place)}

    async def run() -> list[_Checked]:
        return [
            each
            for place in places
            for each in await (_site(place, way) if _is_url(place) else _file(place, files[place], way))
        ]

    checked = asyncio.run(run())
    if as_json:
        emit([_as_json(each) for each in checked])
    else:
        for each in checked:
            _tell(each)
    raise typer.Exit(1 if any(each.is_wrong for each in checked) else 0)


def _is_url(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


async def _file(place: str, octets: bytes, way: Egress) -> list[_Checked]:
    from gateway.terms.rsl_channels import is_robots

    if octets.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<" and is_robots(octets):
        from gateway.terms.rsl_channels import in_robots

        told = in_robots(octets, "https://robots.invalid/robots.txt")
        if not told:
            return [_Checked(place, "robots.txt", "it names no license")]
        return [_Checked(place, "robots.txt", breaches=[each for one in told for each in one.breaches])]
    first = _document(place, "", octets, "")
    if first.refused:
        from gateway.terms.rsl_channels import in_html

        found = [each for each in in_html(octets, "https://page.invalid/") if each.document or each.breaches]
        return [await _pointed(each, place, way) for each in found] or [first]
    return [first]


async def _site(url: str, way: Egress) -> list[_Checked]:
    """The document at *url*, or those that the site names."""
    from gateway.egress import Unfetched
    from gateway.terms.rsl_channels import in_html, in_link, in_robots

    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    got = await way.get(url if parts.path else f"{url}/", limit=_LIMIT, seconds=_SECONDS)
    if isinstance(got, Unfetched):
        raise stop(f"{url}: {got.why}{f' ({got.detail})' if got.detail else ''}")
    first = _document(url, "", got.body, origin)
    if not first.refused:
        return [first]
    robots = await way.get(f"{origin}/robots.txt", limit=_LIMIT, seconds=_SECONDS)
    told = [
        *(() if isinstance(robots, Unfetched) else in_robots(robots.body, robots.url)),
        *in_link(got.header("link"), url),
        *in_html(got.body, url),
    ]
    return [await _pointed(each, url, way) for each in told] or [
        _Checked(url, refused=f"{first.refused}, and no channel names a license")
    ]


async def _pointed(pointer: Pointer, page: str, way: Egress) -> _Checked:
    """The document that *pointer* names or holds, with what is wrong with the pointer itself."""
    from gateway.egress import Unfetched

    parts = urlsplit(page)
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if pointer.document:
        found = _document(page, pointer.channel, pointer.document, origin, parts.path or "/")
    elif not pointer.url:
        found = _Checked(page, pointer.channel)
    else:
        got = await way.get(pointer.url, limit=_LIMIT, seconds=_SECONDS)
        if isinstance(got, Unfetched):
            found = _Checked(pointer.url, pointer.channel, f"it cannot be fetched: {got.why}")
        else:
            found = _document(pointer.url, pointer.channel, got.body, origin)
    found.breaches[:0] = pointer.breaches
    return found


def _document(place: str, channel: str, octets: bytes, origin: str, placed: str = "") -> _Checked:
    from gateway.terms.rsl import RslError, parse_rsl

    document = parse_rsl(octets, origin=origin, placed=f"{placed}$" if placed else "")
    if isinstance(document, RslError):
        return _Checked(place, channel, document.why)
    return _Checked(place, channel, breaches=list(document.breaches))


def _as_json(checked: _Checked) -> dict[str, object]:
    return {
        "place": checked.place,
        "channel": checked.channel,
        "verdict": checked.verdict,
        "refused": checked.refused,
        "breaches": [
            {"line": each.line, "section": each.section, "severity": str(each.severity), "what": each.what}
            for each in checked.breaches
        ],
    }


def _tell(checked: _Checked) -> None:
    found = f" (by {checked.channel})" if checked.channel else ""
    if checked.refused:
        print(f"{checked.place}{found}: {checked.refused}")
    elif not checked.breaches:
        print(f"{checked.place}{found}: clean")
    for each in checked.breaches:
        line = f":{each.line}" if each.line else ""
        print(
            f"{checked.place}{line}{found}: {each.severity}: {each.what} (RSL 1.0, {_section(each.section)})"
        )
    if checked.breaches:
        errors = sum(each.severity == "error" for each in checked.breaches)
        print(
            f"{checked.place}{found}: {counted(errors, 'error')}, {counted(len(checked.breaches) - errors, 'warning')}"
        )


def _section(section: str) -> str:
    return section.replace("App.", "appendix") if section.startswith("App.") else f"section {section}"
