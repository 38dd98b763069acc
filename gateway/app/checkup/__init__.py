"""Is everything in order? What `licet doctor` prints and the page of that name shows: one list for both.

Each module looks at one part and gives `gateway.finding.Finding`s; `examined`
is all of them. Looking changes nothing and sends nothing to strangers: it asks
the sites' own servers, and the public address of a site. The one fetch that
pays is made when it is asked for, by a gateway of its own in a folder that is
thrown away (`paid_fetch`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.finding import Finding


async def examined(data: Path, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Everything found about the data folder *data* and the machine that it lies on.

    *environ* are the settings of the environment. Raises nothing for what is
    wrong: that is what it finds.
    """
    from gateway.app.checkup import (
        data_folder,
        database_server,
        listening,
        machine,
        machines,
        people,
        shared_redis,
        sites,
        visitors,
    )

    return (
        *machine.looked_at(),
        *await data_folder.looked_at(data),
        *await database_server.looked_at(data, environ),
        *await shared_redis.looked_at(data, environ),
        *await machines.looked_at(data, environ),
        *await listening.looked_at(data, environ),
        *await sites.looked_at(data, environ),
        *await visitors.looked_at(data, environ),
        *await people.looked_at(data),
    )
