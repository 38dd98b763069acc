"""Every real file under the shared data, through every reader: how many are clean, odd or say nothing."""

from __future__ import annotations

import re
from collections import Counter

from gateway.terms import content_signal, content_usage, llms_txt, tdmrep, trust_txt
from gateway.terms.preferences import at
from gateway.terms.robots_txt import merge_robots, parse_robots
from gateway.uses import Use

CHANNELS = {content_usage.FIELD: content_usage, content_signal.FIELD: content_signal}
#: Labels that are ours to read, with any word behind them.
PAIR = re.compile(r"([a-z-]+)\s*=\s*([^,;\s]*)", re.IGNORECASE)


def lines(robots):
    """Every preference line, wherever it stands."""
    for name, value in (*robots.fields, *(field for group in robots.groups for field in group.fields)):
        if name.lower() in CHANNELS:
            yield name.lower(), value


def sort(channel, value):
    """Whether all, some or nothing of a line is understood."""
    rule = CHANNELS[channel].read_rule(value)
    if rule is None:
        return "says nothing"
    pairs = [label for label, _ in PAIR.findall(value) if label.lower() != "use"]
    said = [label for label, _ in rule.said if label in CHANNELS[channel].LABELS]
    return "clean" if len(pairs) == len(said) else "odd"


def test_preference_lines(make, shared_data, capsys):
    seen = Counter()
    terms = make.published(make.scope("/open/", free=set(Use)), make.scope("/"))
    for file in sorted([*shared_data.glob("terms/*robots.txt"), *shared_data.glob("rsl/*robots.txt")]):
        theirs = parse_robots(file.read_bytes())
        for channel, value in lines(theirs):
            seen[channel, sort(channel, value)] += 1
        told = parse_robots(merge_robots(file.read_bytes(), terms))
        for group in told.groups:
            for channel, module in CHANNELS.items():
                rules = [module.read_rule(value) for name, value in group.fields if name.lower() == channel]
                said = dict(at([rule for rule in rules if rule], "/essays/x"))
                assert said and not any(said[label] for label in module.LABELS), (file.name, group.tokens)
                assert None not in rules, (file.name, group.tokens)
    with capsys.disabled():
        print()
        for (channel, what), count in sorted(seen.items()):
            print(f"  {channel}: {count} lines {what}")
    assert seen[content_signal.FIELD, "clean"] and seen[content_usage.FIELD, "clean"]
    assert seen[content_usage.FIELD, "says nothing"] or seen[content_usage.FIELD, "odd"]


def test_other_files(make, shared_data, capsys):
    terms = make.published(make.scope("/", free=set(Use)))
    seen = Counter()
    for file in sorted((shared_data / "terms").glob("*tdmrep.json")):
        rules = tdmrep.read(file.read_bytes())
        seen["tdmrep.json", "no protocol" if rules is None else "clean" if rules else "odd"] += 1
        told = tdmrep.read(tdmrep.merged_file(file.read_bytes(), terms))
        for rule in rules or ():
            path = rule.location.replace("*", "x").rstrip("$")
            theirs = tdmrep.at(rules, path)
            assert tdmrep.at(told, path).reserved is bool(theirs and theirs.reserved), (file.name, path)
    for file in sorted((shared_data / "terms").glob("*llms.txt")):
        text = file.read_text("utf-8").replace("\r\n", "\n").rstrip()
        assert llms_txt.merged(file.read_bytes(), terms).decode().startswith(text), file.name
        seen["llms.txt", "clean"] += 1
    # No trust.txt is among them; whatever another file holds must not be taken for a yes.
    for file in sorted((shared_data / "terms").iterdir()):
        assert trust_txt.read(file.read_bytes()) is not True, file.name
        seen["any file as trust.txt", "says nothing"] += 1
    with capsys.disabled():
        print()
        for (kind, what), count in sorted(seen.items()):
            print(f"  {kind}: {count} {what}")
    assert seen["tdmrep.json", "clean"] and seen["llms.txt", "clean"]
