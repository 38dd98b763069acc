"""``python -m gateway.app ROLE DESCRIPTOR``: one process of a gateway. Only its supervisor starts it."""

import sys

from gateway.app.boot import live

live(sys.argv[1], int(sys.argv[2]))
