"""``python -m gateway.app ROLE DESCRIPTOR``: one process of a gateway. Only its supervisor starts it."""

import gc
import sys

# What a start makes stays: looking at all of it again and again was a sixth of the time of one. Until `rarely_collected`.
gc.disable()

from gateway.app.boot import live  # noqa: E402 - its imports are what takes long

live(sys.argv[1], int(sys.argv[2]))
