"""Who waits together, and for how long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.desk
from gateway.admission.pace import Pace
from gateway.desk.pacing import DeskPace, network


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.254", True),
        ("203.0.113.1", "203.0.114.1", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.1", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("::1", "::2", True),
        ("", "not an address", True),
        ("", "203.0.113.1", False),
    ],
)
def test_networks_are_24_bits_of_ipv4_and_64_of_ipv6(one, other, same):
    pace = DeskPace(register=Pace(1, 1))
    assert pace.registering(one, 0) == 0
    assert (pace.registering(other, 0) > 0) is same


def test_each_limit_counts_by_itself():
    pace = DeskPace(register=Pace(1, 1), failures=Pace(1, 1), client=Pace(1, 1))
    assert [pace.registering("203.0.113.1", 0), pace.failing("203.0.113.1", 0), pace.client("cl_1", 0)] == [
        0,
        0,
        0,
    ]
    assert pace.registering("203.0.113.2", 0) == pace.failing("203.0.113.2", 0) == pace.client("cl_1", 0) == 1
    assert pace.client("cl_2", 0) == 0


def test_a_mapped_address_is_in_the_network_of_its_ipv4_address():
    assert network("::ffff:203.0.113.1") == network("203.0.113.1") == "203.0.113.0/24"
    assert network("::1") == "::/64"


def test_every_limit_of_the_desk_is_one_that_machines_may_share():
    """A part of the desk that makes a `Pace` by itself would be asked once a machine; two of one name would be one limit."""
    here = Path(gateway.desk.__file__).parent
    sources = {
        path: path.read_text()
        for path in [*here.rglob("*.py"), here.parent / "outbox" / "mailbox_letters.py"]
    }
    made = {path.name for path, text in sources.items() if re.search(r"(?<!Desk)Pace\(", text)}
    assert made == {"pacing.py", "mailbox_letters.py"}, "the default of each, for one process"
    names = [name for text in sources.values() for name in re.findall(r'limits\(\s*"([^"]+)"', text)]
    assert len(names) == len(set(names)) == 15, names
