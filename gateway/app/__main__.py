"""``python -m gateway.app ROLE DESCRIPTOR``: one process of a gateway. Only its supervisor starts it."""

import gc
import sys

# What a start makes stays: looking at all of it again and again was a sixth of the time of one. Until `rarely_collected`.
gc.disable()

if sys.argv[1] == "zygote":
    from gateway.app.zygote import be_zygote as live_as
else:
    from functools import partial

    from gateway.app.boot import live

    live_as = partial(live, sys.argv[1])

live_as(int(sys.argv[2]))
