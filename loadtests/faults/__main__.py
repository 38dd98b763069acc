"""The fault table.

python -m loadtests.faults           what `make test` does, in a few minutes
python -m loadtests.faults --night   with ten thousand kills and every offset, in hours

The faults are the tests of `tests/faults`, and those of the rails' callbacks;
the table stands at the end of what they print. Then the partition table
(`loadtests.faults.partitions`), where network namespaces can be made.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from loadtests.faults.partitions import MISSING

_ROOT = Path(__file__).resolve().parents[2]
_TESTS = ("tests/faults", "tests/desk/test_topping_up.py", "tests/rails/test_settling.py")


def main() -> None:
    """Run the faults; exit as pytest does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--night", action="store_true", help="the long counts instead")
    night = ("-m", "night", "--timeout", "7200") if parser.parse_args().night else ()
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *night, *_TESTS], cwd=_ROOT, check=False)
    partitions = subprocess.run([sys.executable, "-m", "loadtests.faults.partitions"], cwd=_ROOT, check=False)
    sys.exit(done.returncode or (partitions.returncode if partitions.returncode != MISSING else 0))


if __name__ == "__main__":
    main()
