"""The grid of consent, written into the text of a policy: the inverse of `consent_grid`. Pure.

A work that is set in the grid gets a block of rules of its own, before every
rule that decides it now, and an offer for each of its prices. A cell of that work
that was not set keeps what it said: free stays free, what is sold stays on the
offers that sell it, and what depends on who asks is left to the rules below. The
rest of the file stays as it was, octet by octet; the rules of a stance are copied
into a file that has none of its own.

Nothing is guessed: what is written is read again, as TOML and as a policy, and
where it does not say exactly what was asked for, it is not written, and the
mistake says what is in the way.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.money import Money
from gateway.policy.consent_grid import (
    UNITS,
    Cell,
    Choices,
    Consent,
    Found,
    Grid,
    Place,
    Reader,
    blocks_of,
    grid_of,
    leading,
    price_cell,
    programs_rule,
    programs_served,
)
from gateway.policy.consent_offers import Offers, Said
from gateway.policy.reading import read_policy_text, stance_text
from gateway.policy.rules import Policy, Work
from gateway.problems import ConfigurationError, Mistake
from gateway.terms.license_terms import PAGE
from gateway.uses import Use, closure
from gateway.visitors.visitor import Identity

_HEADER: Final = re.compile(r"\s*\[\[\s*rules\s*\]\]\s*(?:#.*)?")
_OFFER: Final = re.compile(r"\s*\[\s*offers\s*\.\s*\"?([a-z0-9_-]+)\"?\s*(?:\.[^\]]*)?\]\s*(?:#.*)?")
_ENDS: Final = re.compile(r"\s*(?:#.*|\[.*)?")


@dataclass(frozen=True, slots=True)
class Written:
    """The text that says what was asked for; or every mistake, and no text."""

    text: str = ""
    mistakes: tuple[Mistake, ...] = ()


def read_grid(text: str, file: str) -> Grid:
    """The grid of the policy *text*; *file* is as `reading.read_policy_text` takes it, and so is what it raises."""
    policy = read_policy_text(text, file)
    return grid_of(policy, tomllib.loads(text), tomllib.loads(stance_text(policy.stance)))


def write_choices(text: str, file: str, changes: Choices) -> Written:
    """*text* with *changes* in it, which name the cells to be set; all others keep what they say.

    Raises `ConfigurationError` where *text* is no policy.
    """
    policy = read_policy_text(text, file)
    writer = _Writer(text, file, policy)
    try:
        for work in policy.works:
            mine = {key: cell for key, cell in changes.items() if key[0].work == work.id}
            if mine:
                writer.write(work.id, mine)
    except _Wrong as wrong:
        return Written(mistakes=wrong.mistakes)
    return Written(writer.text)


def normal(cell: Cell, currency: str) -> Cell | None:
    """*cell* with its amount as the file spells it; None where that is no amount above zero, or the unit is none."""
    if not cell.priced:
        return Cell(cell.consent)
    try:
        money = Money.parse(cell.amount.strip(), currency)
    except ValueError:
        return None
    return replace(cell, amount=money.amount) if money.micros > 0 and cell.unit in UNITS else None


class _Wrong(Exception):
    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__()
        self.mistakes = mistakes


class _Writer:
    def __init__(self, text: str, file: str, policy: Policy) -> None:
        self.text, self._file, self._policy = text, file, policy
        self._by_hand = frozenset(tomllib.loads(text).get("offers", {}))

    def write(self, work_id: str, changes: Choices) -> None:
        """Write the block of one work; raises `_Wrong`."""
        raw = tomllib.loads(self.text)
        stance = tomllib.loads(stance_text(self._policy.stance))
        before = grid_of(self._policy, raw, stance)
        work = next(each for each in self._policy.works if each.id == work_id)
        said = [
            self._planned(work, place, before, changes) for place in before.places if place.work == work_id
        ]
        # The page comes last: its rules hold for every other form that has none of its own.
        said = [*said[1:], said[0]]
        blocks = blocks_of(self._policy, work)
        offers = Offers(self._policy, raw, stance, before)
        names = {each.place: offers.of_place(each) for each in said}
        rules = [rule for each in said for rule in _rules(work, each, names[each.place])]
        old = sorted(at for block in blocks.values() for at in range(block.start, block.stop))
        served = programs_rule(self._policy, work, blocks)
        if served is not None:
            old = [served, *old]
        if rules and (served is not None or not blocks):
            rules = [*_programs(self._policy, work), *rules]
        at = old[0] if old else leading(self._policy)
        has_rules = "rules" in raw
        listed = list(raw.get("rules", stance.get("rules", [])))
        rest = [each for nth, each in enumerate(listed) if nth not in old]
        offers.drop_unused([*rest, *rules])
        expected = {**raw, "rules": [*rest[:at], *rules, *rest[at:]]}
        expected["offers"] = offers.tables
        text = self._with_offers(offers)
        if not has_rules:
            text = _joined(text, _copied_rules(self._policy.stance))
        self.text = self._with_rules(text, work_id, old, at, rules, offers.fresh, expected)
        self._policy = self._checked(before, changes, said, names)

    def _planned(self, work: Work, place: Place, before: Grid, changes: Choices) -> Said:
        said = Said(place)
        for use in Use:
            found, wish = before.cells[place, use], changes.get((place, use))
            if wish is not None:
                self._set(work, said, use, found, wish)
            elif found.mixed and found.locked:
                said.left.add(use)
            elif found.mixed:
                said.unset.add(use)
            elif found.ours and found.cell:
                said.put(use, found.cell)
            elif any(use in self._policy.by_offer[name].uses for name in found.offers):
                said.kept[use] = found.offers
            elif (
                found.offers
                or found.cell is None
                or (use is Use.FINE_TUNE and found.cell.consent is Consent.NO)
            ):
                # What only comes with a wider use goes on to do so, or not.
                said.unset.add(use)
            else:
                said.put(use, found.cell)
        self._keep(said)
        train, tune = said.openness(Use.AI_TRAIN), said.openness(Use.FINE_TUNE)
        if train is not None and tune is not None and tune < train:
            self._wrong(
                before.cells[place, Use.FINE_TUNE].key,
                f"{_named(place)}: whoever may train may fine-tune, which is a part of it; "
                "set fine-tune to the same, or leave it unset",
            )
        return said

    def _set(self, work: Work, said: Said, use: Use, found: Found, wish: Cell) -> None:
        cell = normal(wish, self._policy.site.currency)
        if found.locked:
            self._wrong(found.key, f"{_named(said.place)}, {use}: {found.locked}; change it in the editor")
        if cell is None:
            self._wrong(
                f"works.{work.id}",
                f"{_named(said.place)}, {use}: write an amount in {self._policy.site.currency}, such as 0.02",
            )
        elif cell.priced and not work.for_sale:
            self._wrong(
                f"works.{work.id}",
                f'{_named(said.place)} is never for sale while its rights or people are "unsure"',
            )
        else:
            said.put(use, cell)

    def _keep(self, said: Said) -> None:
        """Leave out of what is kept the offers that sell something else that is decided otherwise.

        What only offers of the stance sold together with that gets an offer of its own at their price.
        """
        for use in [*said.kept, *said.kept]:
            otherwise = said.refused | said.unset | set(said.priced)
            names = said.kept.get(use, ())
            left = tuple(name for name in names if not self._policy.by_offer[name].uses & otherwise)
            if left or not names:
                said.kept.update({use: left} if left else {})
                continue
            offer = self._policy.by_offer[names[0]]
            cell = None if offer.id in self._by_hand else price_cell(offer)
            if cell is None:
                tied = ", ".join(sorted(offer.uses & otherwise))
                self._wrong(
                    f"offers.{offer.id}",
                    f'{_named(said.place)}, {use}: the offer "{offer.id}" sells it together with {tied}; '
                    f"set {use} here too, or change the offer in the editor",
                )
            else:
                del said.kept[use]
                said.put(use, cell)

    def _with_offers(self, offers: Offers) -> str:
        lines = self.text.split("\n")
        heads = [nth for nth, line in enumerate(lines) if _offer_of(line) in offers.gone]
        removed = {nth for head in heads for nth in _extent(lines, head)}
        text = "\n".join(line for nth, line in enumerate(lines) if nth not in removed)
        if not offers.changed:
            return text
        import tomlkit

        document = tomlkit.parse(text)
        tables: Any = document["offers"]
        for name, keys in offers.changed.items():
            for key, value in keys.items():
                if value is None:
                    tables[name].pop(key, None)
                else:
                    tables[name][key] = _inline(value) if isinstance(value, dict) else value
        return tomlkit.dumps(document)

    def _with_rules(
        self, text: str, work: str, old: Sequence[int], at: int, rules: Sequence[Mapping[str, Any]],
        fresh: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Any],
    ) -> str:  # fmt: skip
        lines = text.split("\n")
        heads = [nth for nth, line in enumerate(lines) if _HEADER.fullmatch(line)]
        marker = _marker(work)
        block = [marker] if rules else []
        for each in rules:
            block += ["[[rules]]", f"when = {_toml(each['when'])}", f"then = {_toml(each['then'])}", ""]
        tables: list[str] = []
        for name, table in fresh.items():
            tables += [f"[offers.{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()), ""]
        try:
            kept = [head for nth, head in enumerate(heads) if nth not in old]
            spot = heads[at] if old else kept[at] if at < len(kept) else len(lines)
            if spot < len(lines):
                spot = _above_comments(lines, spot, marker)
            first = _above_comments(lines, heads[0], marker) if heads else len(lines)
            removed = {nth for place in old for nth in _extent(lines, heads[place])}
        except IndexError:
            self._wrong("rules", _UNUSUAL)
        removed |= {nth for nth, line in enumerate(lines) if line == marker}
        made: list[str] = []
        for nth, line in enumerate([*lines, None]):
            if nth == first:
                made += tables
            if nth == spot:
                made += block
            if line is not None and nth not in removed:
                made.append(line)
        result = "\n".join(made)
        result = result if result.endswith("\n") else result + "\n"
        try:
            same = {"offers": {}, **tomllib.loads(result)} == expected
        except tomllib.TOMLDecodeError:
            same = False
        if not same:
            self._wrong("rules", _UNUSUAL)
        return result

    def _checked(
        self, before: Grid, changes: Choices, said: Iterable[Said], names: Mapping[Place, tuple[str, ...]]
    ) -> Policy:
        """The policy of what was written, once it says what was asked for."""
        try:
            policy = read_policy_text(self.text, self._file)
        except ConfigurationError as error:
            raise _Wrong(*error.mistakes) from None
        raw, stance = tomllib.loads(self.text), tomllib.loads(stance_text(policy.stance))
        after, reader = grid_of(policy, raw, stance), Reader(policy, raw, stance)
        for each in said:
            work = next(one for one in policy.works if one.id == each.place.work)
            for use in Use:
                key = (each.place, use)
                now = reader.said(work, each.place, use)
                wish = normal(changes[key], policy.site.currency) if key in changes else None
                if use in each.left:
                    good = now.cell == before.cells[key].cell and now.offers == before.cells[key].offers
                elif wish is not None and after.cells[key].cell != wish:
                    good = False
                elif use in each.free:
                    good = now.cell == Cell(Consent.FREE)
                elif use in each.priced or use in each.kept:
                    good = bool(now.offers) and set(now.offers) <= set(names[each.place])
                else:
                    good = now.cell in {None, Cell(Consent.NO)} and not now.offers and not now.mixed
                    comes_with = closure(frozenset({*each.free, *each.priced, *each.kept}))
                    good = good or use in comes_with
                    tied = (
                        ""
                        if use in comes_with
                        else next((offer.id for offer in reader.sellers(work, each.place, use)), "")
                    )
                    if tied:
                        self._wrong(
                            f"offers.{tied}",
                            f'{_named(each.place)}, {use}: the offer "{tied}" sells it still',
                        )
                if not good:
                    self._wrong(
                        now.key,
                        f"{_named(each.place)}, {use}: {now.key or 'another rule'} decides before the grid",
                    )
        return policy

    def _wrong(self, key: str, sentence: str) -> None:
        raise _Wrong(Mistake(self._file, key, sentence))


_UNUSUAL: Final = (
    "the rules or offers are written in a way that the grid cannot change; change them in the editor"
)


def _programs(policy: Policy, work: Work) -> list[dict[str, Any]]:
    """The rule that goes on serving programs that nobody knows, or none where they are not served."""
    proofs = programs_served(policy, work)
    every = set(proofs) == {Identity.NONE, Identity.CLAIMED}
    when = {
        "work": work.id,
        "class": "automation",
        **({} if every else {"proof": [str(one) for one in proofs]}),
    }
    return [{"when": when, "then": "serve"}] if proofs else []


def _rules(work: Work, said: Said, offers: Sequence[str]) -> list[dict[str, Any]]:
    """The rules of one place, in the shape that `consent_grid` knows."""
    spoken = [use for use in Use if use not in said.left]
    if not spoken:
        return []
    where: dict[str, Any] = {"work": said.place.work}
    if said.place.rendition != PAGE:
        form = next(each for each in work.renditions if each.name == said.place.rendition)
        where["path"] = [scope.pattern for scope in form.paths]
    sold = {*said.priced, *said.kept}

    def when(uses: Iterable[Use]) -> dict[str, Any]:
        chosen = set(uses)
        return {**where, "use": [str(use) for use in Use if use in chosen]}

    rules: list[dict[str, Any]] = []
    if said.free:
        rules.append({"when": when(said.free), "then": "serve"})
    if sold:
        rules.append({"when": when(said.free | sold), "then": {"license": list(offers)}})
    if said.refused:
        rules.append({"when": when(said.refused), "then": "refuse"})
    return [*rules, {"when": when(spoken), "then": "refuse"}]


def _named(place: Place) -> str:
    return place.work if place.rendition == PAGE else f"{place.work} ({place.rendition})"


def _marker(work: str) -> str:
    return f'# Consent for the work "{work}", as the consent page writes it.'


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    # The texts here hold no control signs, for which JSON and TOML differ in nothing else.
    return json.dumps(value, ensure_ascii=False)


def _inline(value: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(value)
    return table


def _extent(lines: Sequence[str], head: int) -> Iterable[int]:
    """The lines of the table that begins at *head*, and one empty line behind it."""
    nth = head + 1
    while nth < len(lines) and not _ENDS.fullmatch(lines[nth]):
        nth += 1
    return range(head, nth + 1 if nth < len(lines) and not lines[nth].strip() else nth)


def _above_comments(lines: Sequence[str], spot: int, marker: str) -> int:
    """Where a comment begins that stands directly above line *spot*."""
    while spot and lines[spot - 1].lstrip().startswith("#") and lines[spot - 1] != marker:
        spot -= 1
    return spot


def _offer_of(line: str) -> str:
    """The offer in whose table, or a part of it, *line* begins; "" for any other line."""
    found = _OFFER.fullmatch(line)
    return found[1] if found else ""


def _copied_rules(stance: str) -> str:
    lines = stance_text(stance).split("\n")
    head = next(nth for nth, line in enumerate(lines) if _HEADER.fullmatch(line))
    start = _above_comments(lines, head, "")
    return (
        f'# The rules of the stance "{stance}", copied when the consent page wrote here first.\n\n'
        + "\n".join(lines[start:])
    )


def _joined(text: str, more: str) -> str:
    return f"{text.rstrip(chr(10))}\n\n{more}"
