"""`licet backup` and `licet restore`: beside a running gateway, into a new folder, over a newer one."""

from __future__ import annotations

import asyncio
import io
import re
import stat
import tarfile
from datetime import UTC, datetime

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
MONTH = datetime.now(UTC).strftime("%Y-%m")


async def log_of(http, front):
    """What the public log at *front* is called, once it has begun."""
    async with asyncio.timeout(20):
        while True:
            async with http.get(f"{front}/.licet/log/checkpoint") as answer:
                if answer.status == 200:
                    return (await answer.text()).split("\n")[0]
            await asyncio.sleep(0.1)


async def test_a_backup_beside_a_running_gateway_restores_into_a_new_folder(
    licet, http, origin, sell
) -> None:
    data = licet.write_site(origin.url)
    (data / "people.toml").write_text('[[exempt]]\nnetwork = "203.0.113.0/24"\n')
    one = await licet.serve()
    sold = await sell(one)
    log = await log_of(http, one.front)
    ask = ("statement", sold.licensee, "--period", MONTH, "--json")
    before = (await licet(*ask)).out
    taken = (await licet("backup", "licet.tar", "--json")).json
    archive = licet.folder / "licet.tar"
    assert (taken["entries"], taken["bytes"]) == (5, archive.stat().st_size)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [path.name for path in licet.folder.iterdir() if path.name.startswith(".")] == []
    assert "never overwritten" in (await licet("backup", "licet.tar", code=2)).err
    assert "a gateway runs on" in (await licet("restore", "licet.tar", "--yes", code=2)).err

    done = await licet("restore", "licet.tar", "--data", "new")
    assert done.out.startswith("restored 5 entries of 20")
    assert "ROLLBACK" not in done.err
    new = licet.folder / "new"
    for path in [new, *new.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (await licet("journal", "audit", "--data", "new", "--json")).json["good"] is True
    assert (await licet(*ask, "--data", "new")).out == before
    assert (await licet("licensee", "list", "--data", "new")).out == (await licet("licensee", "list")).out
    assert (await licet("keys", "list", "--data", "new")).out == (await licet("keys", "list")).out
    for name in ("sites/journal.toml", "people.toml"):
        assert (new / name).read_text() == (data / name).read_text(), name
    await one.stop()

    # The restored gateway says where it comes from, and has the keys of what was sold before.
    other = await licet.serve("--data", "new")
    await other.says("RESTORED   on 20")
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}
    async with http.get(other.front + "/essays/knots", headers=headers) as answer:
        # Another port is another site to a token; the key is known, so it is not taken for a forged one.
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "token-other-site")
    # What the log signed after the backup stays true: the restored one is another.
    restarted = await log_of(http, other.front)
    assert re.fullmatch(re.escape(log) + "-[0-9]{10}", restarted)
    found = (await licet("doctor", "--data", "new", "--json")).json
    assert [each["state"] for each in found if each["what"] == "restored"] == ["warn"]


async def test_an_older_backup_over_a_newer_folder_is_a_rollback_and_said(licet, origin, sell) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    await licet("backup", "old.tar")
    await licet("licensee", "credit", sold.licensee, "1 USD")
    await licet("licensee", "add", "Late Labs")
    await licet("licensee", "suspend", sold.licensee)
    await licet("keys", "rotate")
    await one.stop()

    lost = "5 journal entries, 1 licensee, 2 revocations and 1 rotation or revocation of a key"
    refused = await licet("restore", "old.tar", code=1)
    assert f"and lose {lost}; --yes does it all the same" in refused.err
    assert len((await licet("licensee", "list", "--json")).json) == 2

    done = await licet("restore", "old.tar", "--yes", "--json")
    assert done.json["lost"] == {
        "entries": 5, "licensees": 1, "licenses": 0, "revocations": 2, "keys": 1, "unreadable": 0,
    }  # fmt: skip
    rows = (await licet("licensee", "list", "--json")).json
    assert [(row["standing"], row["credit"]) for row in rows] == [("active", "9.99 USD")]
    # What stood there is kept whole, and can be looked at.
    kept = (await licet("licensee", "list", "--json", "--data", done.json["kept"])).json
    assert [(row["name"], row["standing"]) for row in kept] == [
        ("Example AI Labs", "suspended"), ("Late Labs", "active"),
    ]  # fmt: skip
    assert (await licet("journal", "audit", "--json")).json["good"] is True

    again = await licet.serve()
    told = await again.says("RESTORED")
    assert f"rolled back: {lost}" in told
    await again.stop()
    found = await licet("doctor")
    assert "warn  restored" in found.out
    assert lost in found.out


async def test_the_same_state_again_is_no_rollback_and_a_damaged_folder_may_be_one(
    licet, origin, sell
) -> None:
    data = licet.write_site(origin.url)
    one = await licet.serve()
    await sell(one)
    await one.stop()
    await licet("backup", "licet.tar")
    await licet("restore", "licet.tar")
    segment = max((data / "journal").glob("w1-*.seg"), key=lambda path: path.stat().st_size)
    octets = bytearray(segment.read_bytes())
    octets[200] ^= 1
    segment.write_bytes(octets)
    refused = await licet("restore", "licet.tar", code=1)
    assert "lose what cannot be read there" in refused.err
    (data / "licet.db").write_bytes(b"no database at all" * 100)
    done = await licet("restore", "licet.tar", "--yes")
    assert "what stood there is in" in done.err
    assert (await licet("journal", "audit", "--json")).json["good"] is True


async def test_what_is_no_backup_is_refused_and_nothing_is_touched(licet, origin) -> None:
    await (await licet.serve("--upstream", origin.url)).stop()
    data = licet.folder / "licet-data"
    before = sorted(path.name for path in data.rglob("*"))
    (licet.folder / "text.tar").write_text("no archive")
    with tarfile.open(licet.folder / "other.tar", "w") as archive:
        archive.add(data / "licet.db", "licet.db")
    await licet("backup", "good.tar")
    whole = (licet.folder / "good.tar").read_bytes()
    (licet.folder / "cut.tar").write_bytes(whole[: len(whole) // 2])
    for name in ("text.tar", "other.tar", "cut.tar"):
        done = await licet("restore", name, "--yes", code=2)
        assert "is no backup of licet" in done.err, done
    with tarfile.open(licet.folder / "good.tar") as archive:
        manifest = archive.extractfile("backup.json").read()
    with tarfile.open(licet.folder / "escape.tar", "w") as archive:
        for name in ("backup.json", "../escaped"):
            member = tarfile.TarInfo(name)
            member.size = len(manifest)
            archive.addfile(member, io.BytesIO(manifest))
    assert "cannot be unpacked" in (await licet("restore", "escape.tar", "--yes", code=2)).err
    assert not (licet.folder.parent / "escaped").exists()
    assert not list(licet.folder.rglob("escaped"))
    assert sorted(path.name for path in data.rglob("*")) == before
    assert [path.name for path in licet.folder.iterdir() if path.name.startswith((".", "licet-data."))] == []
