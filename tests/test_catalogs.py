"""The catalogs: complete, in step with the code, and compiled from what is edited."""

from __future__ import annotations

import gettext
import io
import re
import string
import sys
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from gateway.bundled import static
from gateway.languages import LANGUAGES, catalog, speak, tr, trn

sys.path.insert(0, str(Path(__file__).parent))
import catalogs

CODES = [code for code in LANGUAGES if code != "en"]


def blanks(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_what_is_collected_is_what_pages_say():
    found = catalogs.collected()
    for text in ("Are you a person? This is our mistake", "Fill it in", "A license is needed for this use"):
        assert text in found
    assert ("{days} day", "{days} days") in found
    assert len(found) > 800


@pytest.mark.parametrize("code", CODES)
def test_every_message_is_translated_and_none_is_left_over(code):
    known = {message.id: message for message in catalogs.read(code) if message.id}
    assert set(known) == set(catalogs.collected()), "run: python tests/catalogs.py"
    for id_, message in known.items():
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(said), id_
        assert not message.fuzzy, id_
        meant = id_ if isinstance(id_, tuple) else (id_,)
        for text in said:
            assert blanks(text) == blanks(meant[-1]), id_
            assert "<" not in text, "a catalog holds text, no markup"


@pytest.mark.parametrize("code", CODES)
def test_what_is_read_is_compiled_from_what_is_edited(code):
    edited = catalogs.path_of(code)
    held = [edited.with_suffix(".mo").read_bytes(), catalogs.compiled(catalogs.read(code))]
    # The head names the program that wrote it.
    read, wanted = (
        {str(each.id): each.string for each in read_mo(io.BytesIO(one)) if each.id} for one in held
    )
    assert read == wanted
    with (static("locale") / code / "LC_MESSAGES" / "licet.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Licenses") == catalog(code).gettext("Licenses")


def test_german_counts_and_is_no_english():
    speak("de")
    try:
        assert tr("Licenses") == "Lizenzen"
        assert [trn("{days} day", "{days} days", n).format(days=n) for n in (1, 2)] == ["1 Tag", "2 Tage"]
    finally:
        speak("en")
    same = [each.id for each in catalogs.read("de") if each.id and each.id == each.string]
    # What is alike in both languages is a word or a name, never a sentence.
    assert not [each for each in same if re.search(r"\w+ \w+ \w+", str(each))], same


def test_a_mistake_in_a_catalog_would_be_found(tmp_path):
    message = catalogs.Catalog(locale="de")
    message.add("Licenses", "")
    out = io.BytesIO(catalogs.compiled(message))
    assert gettext.GNUTranslations(out).gettext("Licenses") == "Licenses"
