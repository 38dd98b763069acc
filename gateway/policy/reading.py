"""TOML -> `Policy`: whole and checked, or every mistake at once.

A file names a stance and says what differs. The stance's tables are the
defaults: ``[site]`` and each ``[offers.NAME]`` are taken key by key, any other
key as a whole, and ``[[rules]]`` in the file replace the stance's. An offer that
only the stance defines and no rule mentions is left out.

Nothing here raises anything but `ConfigurationError`, whatever the file holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway import bundled
from gateway.licenses.position import Position
from gateway.licenses.pricing_guide import Guide
from gateway.policy.bundles import bundles_of, contents_beside
from gateway.policy.compiling import compiled
from gateway.policy.guides import guide_of
from gateway.policy.positions import position_of
from gateway.policy.publish_table import PublishTable
from gateway.policy.rules import Mode, Policy
from gateway.policy.schema import (
    LooseKeys,
    OfferTable,
    RuleTable,
    SiteTable,
    WorkTable,
    read_table,
    shown,
    sound_part,
)
from gateway.policy.tables import Tables
from gateway.policy.words import NAME, SITE_ID, quoted
from gateway.problems import ConfigurationError, Mistake

#: Larger than any policy a person writes; a log or a page given by mistake stops here.
LARGEST_FILE_BYTES = 1_000_000
_TABLES = {"site", "works", "offers", "rules", "publish"}
_PLACE = re.compile(r" ?\(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")


def read_policy(path: Path, *, overrides: Mapping[str, object] | None = None) -> Policy:
    """Read the policy file at *path*.

    Args:
        path: the TOML file; its stem is the site's id unless the file names one.
        overrides: values that win over the file, by key path, such as
            ``{"site.mode": "enforce"}``; the command line and the environment.

    Raises:
        ConfigurationError: with every mistake found; the file is not used.
    """
    return _written(read_policy_text(_text_of(path), str(path), overrides=overrides), path)


def read_policy_text(text: str, file: str, *, overrides: Mapping[str, object] | None = None) -> Policy:
    """Read a policy from *text*; *file* names it in mistakes and gives the site's default id.

    Raises:
        ConfigurationError: with every mistake found.
    """
    return _read(_parsed(text, file), file, overrides or {})


def read_positions(path: Path) -> dict[str, Position]:
    """The secret bargaining positions of the policy file at *path*, by offer.

    They are kept apart from `Policy` so that nothing that publishes, digests or
    exports a policy can carry them.

    Raises:
        ConfigurationError: the file is not a valid policy.
    """
    return read_secretly(path)[1]


def read_guide(path: Path) -> Guide:
    """The ranges from which prices are worked out, of the policy file at *path*; secret as positions are.

    Raises:
        ConfigurationError: the file is not a valid policy.
    """
    file = str(path)
    raw = _parsed(_text_of(path), file)
    _read(raw, file, {})
    return guide_of(_tables(raw, file))


def read_secretly(
    path: Path, *, overrides: Mapping[str, object] | None = None
) -> tuple[Policy, dict[str, Position]]:
    """The policy of *path*, and beside it what `read_positions` gives, both of one reading of the file."""
    file = str(path)
    raw = _parsed(_text_of(path), file)
    policy = _read(raw, file, overrides or {})
    tables = _tables(_overridden(raw, overrides or {}), file)
    return _written(policy, path), {offer.id: position_of(tables, offer.id) for offer in policy.offers}


def _written(policy: Policy, path: Path) -> Policy:
    try:
        return replace(policy, written_at=int(path.stat().st_mtime))
    except OSError:
        return policy


def default_policy(
    upstream: str,
    *,
    mode: Mode = Mode.OBSERVE,
    stance: str = "search-free-training-paid",
    hosts: tuple[str, ...] = ("*",),
) -> Policy:
    """The policy of ``licet serve --upstream URL`` with no file at all.

    One work, ``site``, covers everything, with rights ``own`` and people
    ``none``: whoever starts a gateway before a server names the whole of it as
    theirs, and in the default mode nothing is offered or refused on that word
    before they have read what the gateway prints. Every offer of the stance
    covers that work.

    Raises:
        ConfigurationError: *upstream*, *stance* or *hosts* is not usable.
    """
    raw: dict[str, object] = {
        "stance": stance,
        "site": {"id": "site", "hosts": list(hosts), "origin": upstream, "mode": mode.value},
        "works": [{"id": "site", "paths": ["/"], "rights": "own", "people": "none"}],
    }
    return _read(raw, "(no policy file)", {})


def stances() -> tuple[str, ...]:
    """The names of the shipped stances, sorted."""
    return tuple(sorted(path.stem for path in bundled.policies("stances").glob("*.toml")))


def stance_text(name: str) -> str:
    """The file of the shipped stance *name*, as it is written; "" where there is none of that name."""
    return bundled.policies("stances", f"{name}.toml").read_text("utf-8") if name in stances() else ""


def _text_of(path: Path) -> str:
    file = str(path)
    try:
        with path.open("rb") as opened:
            octets = opened.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError([Mistake(file, "", f"cannot be read: {error.strerror or error}")]) from None
    if len(octets) > LARGEST_FILE_BYTES:
        raise ConfigurationError([Mistake(file, "", "is larger than a megabyte; that is no policy file")])
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([Mistake(file, "", "is not a text file; save it as UTF-8")]) from None


def _parsed(text: str, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError([Mistake(file, "", "has brackets inside brackets without end")]) from None
    except ValueError as error:
        sentence = str(error)
        place = _PLACE.search(sentence)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        what = _PLACE.sub("", sentence).strip()
        what = what.replace("Illegal character '\\n'", "the line ends before the text is closed with a quote")
        hint = f"this line cannot be read as TOML ({what[:1].lower() + what[1:]}); check quotes, brackets and the equals sign"
        raise ConfigurationError([Mistake(file, f"line {line}", hint)]) from None


def _read(raw: dict[str, object], file: str, overrides: Mapping[str, object]) -> Policy:
    tables = _tables(_overridden(raw, overrides), file)
    fallback = _fallback_id(tables, file)
    policy = None if tables.mistakes and _stance_unknown(tables) else compiled(tables, fallback)
    if policy is None:
        raise ConfigurationError(tables.mistakes)
    return replace(policy, bundles=contents_beside(Path(file), policy.site.id))


def _stance_unknown(tables: Tables) -> bool:
    # What an unknown stance would have supplied would be reported missing, line after line.
    return any(mistake.key == "stance" for mistake in tables.mistakes)


def _overridden(raw: dict[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    result = dict(raw)
    for key, value in overrides.items():
        table = result
        *above, last = key.split(".")
        for step in above:
            inner = table.get(step, {})
            inner = dict(inner) if isinstance(inner, dict) else {}
            table[step] = inner
            table = inner
        table[last] = value
    return result


def _tables(raw: dict[str, object], file: str) -> Tables:
    mistakes: list[Mistake] = []
    stance = _stance(raw, file, mistakes)
    merged = _merged(stance, raw)
    loose_keys = {key: value for key, value in merged.items() if key not in _TABLES}
    loose = read_table(LooseKeys, loose_keys, file, "", mistakes)
    if "site" in merged:
        site = read_table(SiteTable, merged["site"], file, "site", mistakes)
    else:
        site = None
        mistakes.append(Mistake(file, "site", "is missing: write a [site] table with hosts and origin"))
    works_raw = _listed(merged, "works", file, mistakes)
    rules_raw = _listed(merged, "rules", file, mistakes)
    offers_raw = merged.get("offers", {})
    if not isinstance(offers_raw, dict):
        mistakes.append(Mistake(file, "offers", "write each offer as a table, such as [offers.training]"))
        offers_raw = {}
    if (
        isinstance(merged.get("rules", []), list)
        and not rules_raw
        and "stance" not in {m.key for m in mistakes}
    ):
        mistakes.append(
            Mistake(file, "rules", f"is missing: name a stance ({quoted(stances())}), or write [[rules]]")
        )
    if isinstance(merged.get("works", []), list) and not works_raw and offers_raw:
        mistakes.append(
            Mistake(
                file, "works", "is missing: list at least one [[works]] with id, paths, rights and people"
            )
        )
    works = [read_table(WorkTable, item, file, f"works[{at}]", mistakes) for at, item in enumerate(works_raw)]
    offers = {name: _offer(item, name, file, mistakes) for name, item in offers_raw.items()}
    return Tables(
        file=file,
        loose=loose or LooseKeys(),
        site=site,
        works=works or ([None] if offers_raw else []),
        offers=offers,
        bundles=bundles_of(offers, Path(file), mistakes),
        rules=[
            read_table(RuleTable, item, file, f"rules[{at}]", mistakes) for at, item in enumerate(rules_raw)
        ],
        publish=read_table(PublishTable, merged.get("publish", {}), file, "publish", mistakes),
        named_works=frozenset(
            str(item["id"])
            for item in works_raw
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        ),
        mistakes=mistakes,
    )


def _offer(raw: object, name: str, file: str, mistakes: list[Mistake]) -> OfferTable | None:
    """The offer, without the keys that are wrong, so that the others can still be checked."""
    key = f"offers.{name}"
    if not NAME.fullmatch(name):
        mistakes.append(Mistake(file, key, 'name the offer in small letters, such as "training"'))
        return None
    offer = read_table(OfferTable, raw, file, key, mistakes)
    return offer or read_table(OfferTable, sound_part(raw, key, mistakes), file, key, mistakes)


def _listed(merged: Mapping[str, object], key: str, file: str, mistakes: list[Mistake]) -> list[object]:
    found = merged.get(key, [])
    if isinstance(found, list):
        return found
    mistakes.append(
        Mistake(file, key, f"write each entry under its own [[{key}]], with two brackets", shown(found))
    )
    return []


def _stance(raw: Mapping[str, object], file: str, mistakes: list[Mistake]) -> dict[str, object]:
    name = raw.get("stance")
    if name is None:
        return {}
    if name not in stances():
        mistakes.append(Mistake(file, "stance", f"choose one of {quoted(stances())}", shown(name)))
        return {}
    return tomllib.loads(stance_text(name))


def _merged(stance: Mapping[str, object], raw: Mapping[str, object]) -> dict[str, object]:
    merged = {**stance, **raw}
    own, shipped = raw.get("offers", {}), stance.get("offers", {})
    if isinstance(own, dict) and isinstance(shipped, dict):
        mentioned = _mentioned(merged.get("rules"))
        offers: dict[str, object] = {}
        for name, table in shipped.items():
            if name in own and isinstance(own[name], dict):
                offers[name] = {**table, **own[name]}
            elif name in own or name in mentioned or merged.get("unverifiable") == "license":
                offers[name] = own.get(name, table)
        merged["offers"] = {**offers, **{name: table for name, table in own.items() if name not in offers}}
    if "stance" in raw and raw["stance"] not in stances():
        del merged["stance"]
    return merged


def _mentioned(rules: object) -> frozenset[str]:
    """The offers that some rule names, as far as the rules can be read at all."""
    found: set[str] = set()
    for rule in rules if isinstance(rules, list) else ():
        then = rule.get("then") if isinstance(rule, dict) else None
        names = then.get("license") if isinstance(then, dict) else None
        listed = names if isinstance(names, list) else [names]
        found.update(item for item in listed if isinstance(item, str))
    return frozenset(found)


def _fallback_id(tables: Tables, file: str) -> str:
    stem = Path(file).stem.lower()
    if tables.site is not None and tables.site.id is None and not SITE_ID.fullmatch(stem):
        tables.wrong(
            "site.id", 'is missing: the file\'s name is no short name, so write one, such as "journal"'
        )
    return stem
