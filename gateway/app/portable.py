"""The whole configuration as one file: written the same each time, checked whole before any of it is put in place.

The file is TOML: the texts of ``licet.toml``, ``people.toml`` and every policy as
they are written, comments and all, and the people of the dashboard::

    version = 1
    [[files]]
    path = "licet.toml"
    text = '''…'''
    [[people]]
    name = "ada"
    role = "viewer"

Not in it are secrets (`SECRETS`, which stay where they are), hashes of
passwords unless they are asked for, and the positions of a policy unless they
are: floors never leave the machine by accident. Putting a file in place keeps
the secrets and positions that stand and of which it says nothing; so what was
taken from a folder changes nothing when it is put back, once or twice.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gateway.config import read_config
from gateway.dashboard.people import FIRST, Person, Unfit, invited
from gateway.dashboard.people_file import Access, PeopleFile
from gateway.dashboard.permissions import Role
from gateway.dashboard.sessions import fresh_id
from gateway.policy.reload import PolicyShelf, policy_files
from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.exemptions import read_exemptions

#: What of ``licet.toml`` is a secret itself, not the name of a file that holds one.
SECRETS: Final = (("clients", "initial_access_token"),)
_SETTINGS: Final = "licet.toml"
_PEOPLE: Final = "operator.json"
#: People and networks that are never taken for machines (`visitors.exemptions`).
_EXEMPT: Final = "people.toml"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: *file* and *key*, what is there and what would be; "" for nothing."""

    file: str
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Portable:
    """A configuration apart from its folder: texts by path, and (name, role, disabled, hash) of people."""

    files: Mapping[str, str]
    people: tuple[tuple[str, str, bool, str], ...] = ()


def taken(folder: Path, *, positions: bool = False, hashes: bool = False) -> Portable:
    """The configuration of the data folder *folder*. Raises `ConfigurationError` where a file cannot be read."""
    files = {}
    for name, text in _texts(folder).items():
        files[name] = _stripped(name, text, positions=positions)
    people = tuple(
        (each.name, str(each.role), bool(each.disabled_us), each.password if hashes else "")
        for each in PeopleFile(folder / _PEOPLE).read().people.all
    )
    return Portable(dict(sorted(files.items())), tuple(sorted(people)))


def written(portable: Portable) -> str:
    """*portable* as the text of its file."""
    lines = [
        "# The configuration of a gateway; `licet config import` checks it and puts it in place.",
        "version = 1",
    ]
    for name, text in portable.files.items():
        lines += ["", "[[files]]", f"path = {_quoted(name)}", f"text = {_block(text)}"]
    for name, role, disabled, password in portable.people:
        lines += ["", "[[people]]", f"name = {_quoted(name)}", f"role = {_quoted(role)}"]
        lines += ["disabled = true"] if disabled else []
        lines += [f"password = {_quoted(password)}"] if password else []
    return "\n".join(lines) + "\n"


def read(text: str, file: str) -> Portable:
    """The configuration that *text* holds; raises `ConfigurationError` with every mistake in its form."""
    try:
        members = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([Mistake(file, "", f"is not TOML: {error}")]) from None
    wrong = [
        Mistake(file, key, "is nothing that a configuration has")
        for key in members.keys() - {"version", "files", "people"}
    ]
    if members.get("version") != 1:
        wrong.append(Mistake(file, "version", "must be 1", repr(members.get("version"))))
    files: dict[str, str] = {}
    for nth, each in _tables(members, "files", file, wrong):
        path, content = each.get("path"), each.get("text")
        if not isinstance(path, str) or not _ours(path):
            wrong.append(
                Mistake(file, f"files.{nth}.path", "must be licet.toml or sites/NAME.toml", repr(path))
            )
        elif path in files:
            wrong.append(Mistake(file, f"files.{nth}.path", "stands twice", path))
        elif not isinstance(content, str):
            wrong.append(Mistake(file, f"files.{nth}.text", "must be text"))
        else:
            files[path] = content
    people: dict[str, tuple[str, str, bool, str]] = {}
    for nth, each in _tables(members, "people", file, wrong):
        name, role = each.get("name"), each.get("role")
        disabled, password = each.get("disabled", False), each.get("password", "")
        if role not in set(Role):
            wrong.append(Mistake(file, f"people.{nth}.role", f"must be one of {', '.join(Role)}", repr(role)))
        if not isinstance(name, str) or name in people:
            wrong.append(Mistake(file, f"people.{nth}.name", "must be a name that stands once", repr(name)))
        elif not isinstance(disabled, bool) or not isinstance(password, str):
            wrong.append(Mistake(file, f"people.{nth}", "has a member of another type"))
        else:
            people[name] = name, str(role), disabled, password
    if wrong:
        raise ConfigurationError(wrong)
    return Portable(dict(sorted(files.items())), tuple(sorted(people.values())))


def proposed(folder: Path, wanted: Portable) -> tuple[Change, ...]:
    """What putting *wanted* in place of *folder* would change. Raises `ConfigurationError` for what is no TOML."""
    files, wrong = _restored_files(_texts(folder), wanted)
    if wrong:
        raise ConfigurationError(wrong)
    hashes = any(person[3] for person in wanted.people)
    return differences(
        Portable(_texts(folder), taken(folder, hashes=hashes).people), Portable(files, wanted.people)
    )


def differences(before: Portable, after: Portable) -> tuple[Change, ...]:
    """What would change from *before* to *after*, by file and key; a file that *after* lacks stays as it is.

    Of a floor and of a secret it is told that they change, not what they are.
    """
    found = []
    for name, text in after.files.items():
        old = before.files.get(name)
        if old == text:
            continue
        had, has = dict(_keys(_parsed(old or ""))), dict(_keys(_parsed(text)))
        keys = [key for key in {**had, **has} if had.get(key) != has.get(key)]
        found += [Change(name, key, _shown(key, had), _shown(key, has)) for key in sorted(keys)]
        if not keys:
            found.append(Change(name, "", "" if old is None else "comments, order or spaces", "others"))
    known = {person[0]: person for person in before.people}
    for person in after.people:
        old_person = known.get(person[0])
        was, now = _standing(old_person), _standing(person)
        if was != now:
            found.append(Change("people", person[0], was, now))
        if person[3] and (old_person is None or old_person[3] != person[3]):
            found.append(Change("people", f"{person[0]}.password", "", "set by its hash"))
    return tuple(found)


def checked(folder: Path, wanted: Portable) -> dict[str, str]:
    """The files as they would be written for *wanted*: with the secrets and positions that stand.

    Everything is read as a gateway would; raises `ConfigurationError` with every
    mistake at once, and touches nothing.
    """
    standing = _texts(folder)
    files, wrong = _restored_files(standing, wanted)
    with tempfile.TemporaryDirectory(prefix="licet-config-") as place:
        tried = Path(place)
        for name, text in {**standing, **files}.items():
            (tried / name).parent.mkdir(parents=True, exist_ok=True)
            (tried / name).write_text(text, encoding="utf-8")
        for look in (read_config, lambda at: PolicyShelf(at / "sites"), _read_exempt):
            try:
                look(tried)
            except ConfigurationError as error:
                wrong += [_named(each, tried) for each in error.mistakes]
    wrong += [Mistake("people", name, why) for name, why in _unfit(folder, wanted)]
    if wrong:
        raise ConfigurationError(list(dict.fromkeys(wrong)))
    return files


def put(folder: Path, wanted: Portable, now_us: int) -> None:
    """Put *wanted* in place, each file whole; what is as it should be is not written. Checks first, as `checked`."""
    files = checked(folder, wanted)
    standing = _texts(folder)
    for name, text in files.items():
        if standing.get(name) != text:
            _replaced(folder / name, text)
    PeopleFile(folder / _PEOPLE).change(lambda access: (_with(access, wanted, now_us), None))


def _read_exempt(folder: Path) -> object:
    path = folder / _EXEMPT
    return read_exemptions(path.read_text(encoding="utf-8"), _EXEMPT) if path.exists() else None


def _with(access: Access, wanted: Portable, now_us: int) -> Access:
    people = access.people
    for name, role, disabled, password in wanted.people:
        person = people.called(name)
        if person is None:
            made = invited(people, fresh_id("pe_", now_us), name, Role(role), now_us)
            if isinstance(made, Unfit):
                raise ConfigurationError([Mistake("people", name, made.sentence)])
            person = made
        ended = (person.disabled_us or now_us) if disabled else 0
        person = replace(person, role=Role(role), disabled_us=ended, password=password or person.password)
        people = people.with_one(person)
    return access.with_people(people)


def _unfit(folder: Path, wanted: Portable) -> Iterator[tuple[str, str]]:
    """(name, why) of people who cannot be, and of a house that would be left without an owner."""
    before = PeopleFile(folder / _PEOPLE).read()
    try:
        after = _with(before, wanted, 1)
    except ConfigurationError as error:
        yield from ((each.key, each.expected) for each in error.mistakes)
        return
    if any(map(_owns, before.people.all)) and not any(map(_owns, after.people.all)):
        yield FIRST, "no owner who can sign in would be left"


def _owns(person: Person) -> bool:
    return person.role is Role.OWNER and person.can_sign_in


def _texts(folder: Path) -> dict[str, str]:
    sites = folder / "sites"
    places = [folder / _SETTINGS, folder / _EXEMPT, *(policy_files(sites) if sites.is_dir() else ())]
    found, wrong = {}, []
    for path in places:
        try:
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            wrong.append(Mistake(str(path), "", f"cannot be read: {error}"))
    if wrong:
        raise ConfigurationError(wrong)
    return found


def _ours(path: str) -> bool:
    parts = path.split("/")
    plain = all(part.isprintable() and part not in {"", ".", ".."} and "\\" not in part for part in parts)
    policy = len(parts) == 2 and parts[0] == "sites" and path.endswith(".toml")
    bundle = len(parts) == 3 and parts[:2] == ["sites", "bundles"] and path.endswith(".json")
    return plain and (path in {_SETTINGS, _EXEMPT} or policy or bundle)


def _stripped(name: str, text: str, *, positions: bool) -> str:
    """*text* without what does not leave the machine; the rest stays as it is written."""
    if not name.endswith(".toml"):
        return text
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigurationError([Mistake(name, "", f"is not TOML: {error}")]) from None
    gone = [
        table.remove(key) for table, key in _kept_back(name, document) if not positions or name == _SETTINGS
    ]
    return tomlkit.dumps(document) if gone else text


def _restored_files(standing: Mapping[str, str], wanted: Portable) -> tuple[dict[str, str], list[Mistake]]:
    files, wrong = {}, []
    for name, text in wanted.files.items():
        try:
            files[name] = _restored(name, text, standing.get(name, ""))
        except TOMLKitError as error:
            wrong.append(Mistake(name, "", f"is not TOML: {error}"))
    return files, wrong


def _shown(key: str, values: Mapping[str, str]) -> str:
    hidden = ".position" in key or any(key == ".".join(path) for path in SECRETS)
    return "(hidden)" if hidden and key in values else values.get(key, "")


def _restored(name: str, text: str, standing: str) -> str:
    """*text* with the secrets and positions of *standing* of which it says nothing."""
    if not name.endswith(".toml"):
        return text
    document = tomlkit.parse(text)
    if not standing or text == standing:
        return text
    # What stands needs no other hand, where it says the same but for what was kept back.
    if text == _stripped(name, standing, positions=False):
        return standing
    added = False
    for path, value in _values(name, tomlkit.parse(standing)):
        table: Any = document
        for part in path[:-1]:
            table = table.get(part) if isinstance(table, dict) else None
        if isinstance(table, dict) and path[-1] not in table:
            table[path[-1]] = value
            added = True
    return tomlkit.dumps(document) if added else text


def _kept_back(name: str, document: Any) -> list[tuple[Any, str]]:
    """(table, key) of everything that stays on the machine."""
    found = []
    for path, _ in _values(name, document):
        table = document
        for part in path[:-1]:
            table = table[part]
        found.append((table, path[-1]))
    return found


def _values(name: str, document: Any) -> list[tuple[tuple[str, ...], Any]]:
    if name == _SETTINGS:
        paths = [
            path
            for path in SECRETS
            if isinstance(document.get(path[0]), dict) and path[1] in document[path[0]]
        ]
        return [(path, document[path[0]][path[1]]) for path in paths]
    offers = document.get("offers")
    named = offers.items() if isinstance(offers, dict) else ()
    return [
        (("offers", str(offer), "position"), table["position"])
        for offer, table in named
        if isinstance(table, dict) and "position" in table
    ]


def _tables(
    members: Mapping[str, Any], name: str, file: str, wrong: list[Mistake]
) -> list[tuple[int, Mapping[str, Any]]]:
    found = members.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        wrong.append(Mistake(file, name, "must be tables"))
        return []
    return list(enumerate(found))


def _block(text: str) -> str:
    """*text* as TOML: to be read as it is where it can be, in a literal of several lines (TOML 1.0, String)."""
    plain = all(sign in "\n\t" or (ord(sign) >= 32 and ord(sign) != 127) for sign in text)
    literal = plain and "'''" not in text and not text.endswith("'")
    return f"'''\n{text}'''" if literal else _quoted(text)


def _quoted(text: str) -> str:
    return tomlkit.string(text).as_string()


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"text": text}


def _keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _keys(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for nth, each in enumerate(value):
            yield from _keys(each, f"{path}[{nth}]")
    else:
        yield path, str(value)


def _standing(person: tuple[str, str, bool, str] | None) -> str:
    return "" if person is None else f"{person[1]}{', disabled' if person[2] else ''}"


def _named(mistake: Mistake, tried: Path) -> Mistake:
    """*mistake* by the name of the file in the configuration, not by where it was tried."""
    return replace(
        mistake,
        file=mistake.file.replace(f"{tried}/", ""),
        expected=mistake.expected.replace(f"{tried}/", ""),
    )


def _replaced(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    if path.exists():
        beside.chmod(path.stat().st_mode & 0o777)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
