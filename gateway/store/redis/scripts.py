"""The Lua scripts: each is one change, whole or not at all, of keys under one hash tag.

None answers nil, which is how a `line.RedisLine` says that there is no answer. Time
is the server's own, so that gateways whose clocks differ share one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the SHA-1 that servers know it by."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it."""
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


_NOW: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
"""

#: Takes requests of one key, below zero gives them back: taken, microseconds for each, the most ahead of now
#: that is kept. Answers how many microseconds from now the next one is due (the generic cell rate algorithm).
TAKE: Final = Script(
    _NOW
    + """
local due = tonumber(redis.call('GET', KEYS[1]) or '0')
if due < now then due = now end
due = due + ARGV[1] * ARGV[2]
if due > now + ARGV[3] then due = now + ARGV[3] end
if due <= now then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000) + 1000)
return due - now
"""
)

#: Gives a mark to the first request that shows it, for some milliseconds: 0 if it is that request's, else 1.
CLAIM: Final = Script("""
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
return 1
""")

#: Writes news to a stream and rings: channel, most that are kept, then kind and body of each. Answers the last one's id.
TELL: Final = Script("""
local last
for i = 3, #ARGV, 2 do
  last = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'kind', ARGV[i], 'body', ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], 86400000)
redis.call('PUBLISH', ARGV[1], last)
return last
""")

#: Reads news after an id, at most so many: the last id read, and [id, [kind, …, body, …]] of each. A stream that is
#: younger than the id begins anew: it was emptied, or is that of a replica that had not heard of it.
READ: Final = Script("""
local function younger(one, other)
  local a, b = string.match(one, '(%d+)-(%d+)')
  local c, d = string.match(other, '(%d+)-(%d+)')
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  return a < c or (a == c and b < d)
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if #newest == 0 then return {'0-0', {}} end
local after = ARGV[1]
if younger(newest[1][1], after) then after = '0-0' end
local found = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', ARGV[2])
if #found > 0 then after = found[#found][1] end
return {after, found}
""")

#: Says what a gateway has in force: its place, what, milliseconds that it holds. Answers place and what of all that hold.
HOLD: Final = Script(
    _NOW
    + """
local said = string.format('%.0f', now + ARGV[3] * 1000) .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], said)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local all, held = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local until_us, what = string.match(all[i + 1], '^(%d+) (.*)$')
  if until_us and tonumber(until_us) > now then
    held[#held + 1] = all[i]
    held[#held + 1] = what
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return held
"""
)

#: Does once whatever the other scripts do, on a key of its own and a channel that nobody hears; answers 1. A user who
#: may not do one of these may do none: better away, and said once, than there and away by turns.
ABLE: Final = Script("""
local key = KEYS[1]
redis.call('TIME')
redis.call('DEL', key)
redis.call('XADD', key, 'MAXLEN', '~', 1, '*', 'kind', '')
redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
redis.call('XRANGE', key, '-', '+', 'COUNT', 1)
redis.call('DEL', key)
redis.call('HSET', key, 'a', '1')
redis.call('HGETALL', key)
redis.call('HDEL', key, 'a')
redis.call('SET', key, '1', 'NX', 'PX', 1000)
redis.call('GET', key)
redis.call('PEXPIRE', key, 1000)
redis.call('PUBLISH', ARGV[1], '')
return 1
""")

#: Whether a write is taken now; answers 1.
PROBE: Final = Script("redis.call('SET', KEYS[1], '1', 'PX', 1000) return 1")
