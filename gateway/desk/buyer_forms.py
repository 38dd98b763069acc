"""Forms on the pages for people: every field has a label, its mistake beside it, and what was typed in it. Pure HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from gateway.languages import foreign, tr
from gateway.licenses.lever_form import Field, Kind
from gateway.licenses.plain_words import NAMES

_NUMERIC: Final = {Kind.AMOUNT: "decimal", Kind.PERCENT: "decimal", Kind.WHOLE: "numeric"}


def text_field(
    name: str,
    label: str,
    values: Mapping[str, str],
    mistakes: Mapping[str, str],
    *,
    hint: str = "",
    kind: str = "text",
    longest: int = 300,
    rows: int = 0,
    more: str = "",
) -> str:
    """One field that is typed into; of several lines where *rows* says so. *more* are further attributes, ours."""
    wrong = mistakes.get(name, "")
    told = f"{label} ({hint})" if hint else label
    marks = f' aria-invalid="true" aria-describedby="{_id(name)}-wrong"' if wrong else ""
    named = f'id="{_id(name)}" name="{escape(name)}" maxlength="{longest}"{marks}{more}'
    value = escape(values.get(name, ""))
    typed = (
        # A browser drops the first line break of it.
        f'<textarea {named} rows="{rows}">\n{value}</textarea>'
        if rows
        else f'<input {named} type="{kind}" value="{value}">'
    )
    return f'<label for="{_id(name)}">{escape(told)}</label>{typed}\n{_wrong(name, label, wrong)}'


def lever_groups(
    fields: Iterable[Field], values: Mapping[str, str], mistakes: Mapping[str, str], currency: str
) -> str:
    """Fields over levers, one group a lever."""
    found = list(fields)
    groups = []
    for lever, name in NAMES.items():
        mine = "".join(
            lever_field(field, values, mistakes, currency) for field in found if field.lever is lever
        )
        if mine:
            groups.append(f"<fieldset><legend>{escape(tr(name))}</legend>\n{mine}</fieldset>\n")
    return "".join(groups)


def lever_field(field: Field, values: Mapping[str, str], mistakes: Mapping[str, str], currency: str) -> str:
    """One field over a lever."""
    name, wrong, label = field.name, mistakes.get(field.name, ""), tr(field.label)
    if field.boxes:
        boxes = "".join(
            _box(box, tr(text), box in values, field.name if at == 0 else "")
            for at, (box, text) in enumerate(field.boxes)
        )
        return boxes + _wrong(name, label, wrong)
    if field.kind is Kind.WORD:
        chosen = values.get(name, "")
        options = "".join(
            f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(tr(text))}</option>'
            for value, text in field.choices
        )
        marks = f' aria-invalid="true" aria-describedby="{_id(name)}-wrong"' if wrong else ""
        return (
            f'<label for="{_id(name)}">{escape(label)}</label>'
            f'<select id="{_id(name)}" name="{escape(name)}"{marks}>{options}</select>\n{_wrong(name, label, wrong)}'
        )
    hint = tr(field.hint) or (currency if field.kind is Kind.AMOUNT else "")
    mode = f' inputmode="{_NUMERIC[field.kind]}"' if field.kind in _NUMERIC else ""
    more = f'{mode} autocomplete="off" spellcheck="false"'
    rows = field.kind.rows
    return text_field(name, label, values, mistakes, hint=hint, longest=4000, rows=rows, more=more)


def hidden(**values: str) -> str:
    """What a form carries along."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def told(sentence: str) -> str:
    """A remark, said aloud by a screen reader."""
    return f'<p class="told" role="status">{escape(sentence)}</p>\n' if sentence else ""


def trouble(heading: str, sentences: Sequence[str], links: Mapping[str, str] | None = None) -> str:
    """What went wrong, each sentence in a line; *links* go to the fields by their names, each with its label."""
    lines = [escape(each) for each in sentences] + [
        f'<a href="#{_id(name)}">{escape(said)}</a>' for name, said in (links or {}).items()
    ]
    if not lines:
        return ""
    items = "".join(f"<li>{line}</li>\n" for line in lines)
    return f'<div class="told wrong" role="alert">\n<h2>{escape(heading)}</h2>\n<ul>\n{items}</ul>\n</div>\n'


def _box(name: str, label: str, on: bool, anchor: str) -> str:
    place = f' id="{_id(anchor)}"' if anchor else ""
    return (
        f'<label class="box"><input type="checkbox" name="{escape(name)}"{place}{" checked" if on else ""}>'
        f"{escape(label)}</label>\n"
    )


def _wrong(name: str, label: str, wrong: str) -> str:
    return (
        f'<p class="wrong" id="{_id(name)}-wrong">{escape(label)} <span{foreign()}>{escape(wrong)}</span></p>\n'
        if wrong
        else ""
    )


def _id(name: str) -> str:
    return f"field-{escape(name)}"
