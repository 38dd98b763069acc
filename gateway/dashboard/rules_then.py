"""By which rule was it decided? The rules of a site as they were when a record was made, in words, with their line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.policy.rule_words import numbered, rule_words
from gateway.policy.rules import Policy

#: Versions of a file among which the one of a record is looked for.
MOST_VERSIONS: Final = 100


@dataclass(frozen=True, slots=True)
class ToldRule:
    """A rule in *words*, and the page of its line, "" where there is none; only who sees floors may be led there."""

    words: str
    line: str = ""


class RulesThen:
    """Looks rules up among the versions that are kept."""

    def __init__(self, files: PolicyFiles | None) -> None:
        """Read *files*; without any, a rule has a number and no more."""
        self._files = files
        self._digests: dict[str, str] = {}

    def told(self, site: str, digest: str, key: str) -> ToldRule:
        """The rule at *key* of the policy of *site* that has *digest*: what it said then."""
        policy = self._files.of_site(site) if self._files is not None else None
        if policy is None or not key:
            return ToldRule(numbered(key))
        if policy.digest == digest:
            return ToldRule(rule_words(policy, key), line_page(site, key))
        then = self.earlier(policy, digest)
        if then is None:
            return ToldRule(f"{numbered(key)} of rules that are not kept here")
        version, earlier = then
        return ToldRule(f"{rule_words(earlier, key)}, as it was then", line_page(site, key, version))

    def earlier(self, policy: Policy, digest: str) -> tuple[str, Policy] | None:
        """The version of the file of *policy* whose rules have *digest*, by its SHA-256; None where none is kept."""
        if self._files is None:
            return None
        for each in self._files.versions(policy)[:MOST_VERSIONS]:
            if self._digests.get(each.sha256, digest) != digest:
                continue
            text = self._files.version(policy.site.id, each.sha256)
            found = self._files.tried(policy, text).policy if text is not None else None
            # What cannot be read any more is no version of anything.
            self._digests[each.sha256] = found.digest if found is not None else ""
            if found is not None and found.digest == digest:
                return each.sha256, found
        return None


def line_page(site: str, key: str, version: str = "") -> str:
    """The address of the line of a rule in the file of *site*, or in an earlier *version* of it."""
    query = {"rule": key, **({"version": version} if version else {})}
    return f"/policies/{quote(site, safe='')}/lines?{urlencode(query, safe='[]')}#line"
