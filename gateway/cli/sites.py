"""Which site a command is about, and what is written about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import emit, stop, tell

if TYPE_CHECKING:
    from gateway.licenses.pricing_guide import Guide
    from gateway.licenses.written import Writing
    from gateway.policy.rules import Policy

Site = Annotated[
    str,
    typer.Option(
        "--site", metavar="ID", help="The site, by its id or host; else the only one, or the first."
    ),
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser.")]
Pdf = Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="Write a PDF; needs licet[pdf].")]


def chosen(data: Path, site: str, file: Path | None = None) -> Policy:
    """The policy of that site, of *file* or of the data folder; what ``serve --upstream`` goes by where there is none."""
    from gateway.policy.reading import default_policy, read_policy

    files = [file] if file is not None else sorted((data / "sites").glob("*.toml"))
    if not files:
        tell(f"no policy file in {data / 'sites'}: this goes by the rules of `licet serve --upstream \u2026`")
    found = [read_policy(each) for each in files] or [default_policy("http://localhost:8000")]
    named = [each for each in found if site.lower() in {each.site.id, *each.site.hosts}] if site else found
    if not named:
        raise stop(f"there is no site {site}; there are {', '.join(each.site.id for each in found)}")
    if len(named) > 1:
        tell(f"of several sites this is {named[0].site.id}; --site names another")
    return named[0]


def guide_of(policy: Policy) -> Guide:
    """The ranges that *policy* prices by: its own, or the shipped ones where it has no file."""
    from gateway.licenses.pricing_guide import SHIPPED
    from gateway.policy.reading import read_guide

    file = Path(policy.file)
    return read_guide(file) if file.suffix == ".toml" and file.is_file() else SHIPPED


def hand_out(
    writing: Writing, value: object, *, html: Path | None, pdf: Path | None, as_json: bool, text: str = ""
) -> None:
    """Write the files that were asked for, and print JSON, or the text where no file was."""
    from gateway.dashboard.writing_page import writing_page
    from gateway.licenses.written import plain_text

    if html is not None:
        write_private(html, writing_page(writing).encode())
    if pdf is not None:
        from gateway.dashboard.writing_pdf import available, writing_pdf

        if not available():
            raise stop("a PDF needs typst: pip install 'licet[pdf]'")
        write_private(pdf, writing_pdf(writing))
    if as_json:
        emit(value)
    elif html is None and pdf is None:
        print(text or plain_text(writing), end="")


def write_private(file: Path, octets: bytes) -> None:
    """Make *file* readable to its owner alone: a memo or a calculation is not for everybody on a machine."""
    file.touch(mode=0o600)
    file.write_bytes(octets)
    tell(f"wrote {file}")
