"""What there is to translate, and the catalogs beside the code: `python tests/catalogs.py` brings both together.

Found is what stands in `tr`, `trn`, `later` and `Phrase`; Babel reads and writes the
catalogs. Constants of deeper layers,
which pages translate by their value, are listed here, so that none is missed.
"""

from __future__ import annotations

import ast
import io
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from gateway.admission.owed import REASONS
from gateway.billing.dunning import Dunned
from gateway.billing.invoices import HEADINGS
from gateway.billing.line_disputes import Disputed
from gateway.desk.license_page import _BASES
from gateway.languages import DOMAIN, LANGUAGES
from gateway.licenses.contract import NOTICE
from gateway.licenses.lever_form import FIELDS
from gateway.licenses.objection import ObjectionState, Role
from gateway.licenses.plain_words import NAMES, TAX
from gateway.licenses.position import FACTS
from gateway.licenses.withdrawal import PROMISE
from gateway.problems import PROBLEMS
from gateway.terms.holding import NOBODY
from gateway.terms.license_terms import Basis
from gateway.terms.unit import AGES, FREE, TIERS, UNIT

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "static" / "locale"
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
KEYWORDS = {"tr": 1, "later": 1, "trn": 2, "Phrase": 1}


def constants() -> set[str]:
    """What pages translate that is written elsewhere."""
    found = {
        UNIT,
        *FREE,
        TIERS,
        AGES,
        NOTICE,
        PROMISE,
        TAX,
        NOBODY.sentence,
        *NAMES.values(),
        *REASONS.values(),
        *FACTS.values(),
    }
    found |= {each.sentence for each in Basis} | {str(each) for each in _BASES}
    found |= {text for each in PROBLEMS.values() for text in (each.title, each.next_step)}
    found |= {each.words for each in Role} | {str(each) for each in ObjectionState}
    found |= {*map(str, Dunned), *map(str, Disputed), *HEADINGS}
    found |= {"licensee", "creator", "operator", "machine", "buyer", "owner"}
    for field in FIELDS:
        found |= {
            field.label,
            field.hint,
            *(text for _, text in field.boxes),
            *(text for _, text in field.choices),
        }
    return {each for each in found if each}


@cache
def written() -> set[str | tuple[str, str]]:
    """What stands in the code. Babel's own extractor sees no call within an f-string before Python 3.12."""
    found: set[str | tuple[str, str]] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            count = KEYWORDS.get(node.func.id, 0)
            if count and len(texts) >= count and all(isinstance(each, str) for each in texts[:count]):
                found.add(texts[0] if count == 1 else (texts[0], texts[1]))
    return {each for each in found if each}


def collected() -> dict[str | tuple[str, str], None]:
    """Every message, singular or (singular, plural)."""
    return dict.fromkeys(sorted(written() | constants(), key=str))


def path_of(code: str) -> Path:
    """The catalog that is edited."""
    return LOCALE / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(code: str) -> Catalog:
    """The catalog as it is."""
    path = path_of(code)
    if not path.exists():
        return Catalog(locale=code, project="licet", version="0", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=code)


def compiled(catalog: Catalog) -> bytes:
    """What gettext reads."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update(code: str, more: dict[object, object]) -> list[str | tuple[str, str]]:
    """Bring a catalog up to date with the code, with translations in *more*; what is missing still."""
    before = read(code)
    known = {message.id: message.string for message in before if message.id}
    known |= more
    # The same translations give the same octets, on whatever day they are written.
    after = Catalog(
        locale=code,
        project="licet",
        version="0",
        charset="utf-8",
        fuzzy=False,
        creation_date=_DAY,
        revision_date=_DAY,
    )
    missing = []
    for message in collected():
        string = known.get(message, "")
        after.add(message, string)
        if not string or (isinstance(string, tuple) and not all(string)):
            missing.append(message)
    path = path_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, after, width=110, omit_header=False, sort_output=True)
    path.with_suffix(".mo").write_bytes(compiled(after))
    return missing


if __name__ == "__main__":
    for language in LANGUAGES:
        if language != "en":
            for text in update(language, {}):
                print(f"{language}: {text!r}")
