"""What every test may lean on: the shared data, a clock that stands still, a repository root."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import importlib.util
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import settings

from gateway.clock import HandClock

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("licet", deadline=None)
settings.load_profile("licet")

ROOT = Path(__file__).resolve().parent.parent
_RECURSION = sys.getrecursionlimit()


def pytest_configure() -> None:
    """Let nothing be looked at for cycles while twenty thousand tests are collected: that was half of their time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on collect cycles as ever, but leave out what was collected, which stays until the end."""
    gc.freeze()
    gc.enable()


def pytest_runtest_setup() -> None:
    """Undo what some client libraries do on import: with their limit deep recursion ends the process, not the call."""
    sys.setrecursionlimit(_RECURSION)


#: What takes long to begin, first, so that nothing long is left at the end for one process alone.
_FIRST = ("journeys", "interop", "dashboard", "hostile", "desk", "faults", "loadtests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests (``-n``), begin with the folders that take longest."""
    if not hasattr(config, "workerinput"):
        return
    ranks = {ROOT / "tests" / name: rank for rank, name in enumerate(_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent, len(ranks)))


def pytest_report_header() -> str:
    """Say which of the two builds is tested; end where it is not the one that was asked for."""
    import gateway.stepping

    compiled = not (gateway.stepping.__file__ or "").endswith(".py")
    wanted = os.environ.get("LICET_TEST_COMPILED") == "1"
    if compiled is not wanted:
        pytest.exit(f"gateway comes from {gateway.stepping.__file__}; compiled was {wanted=}", returncode=3)
    return f"gateway: {'octets moved by compiled modules' if compiled else 'as checked out'}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled real data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("LICET_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no labelled data at {folder}; set LICET_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def signing() -> ModuleType:
    """The module that signs requests and directories by hand (`tests/signing.py`)."""
    return _beside("signing")


@pytest.fixture(scope="session")
def proving() -> ModuleType:
    """The module that signs logins and DPoP proofs by hand (`tests/proving.py`)."""
    return _beside("proving")


def _beside(module: str) -> ModuleType:
    name = f"licet_tests_{module}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{module}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def policies_generated() -> ModuleType:
    """The module that draws whole policies for every format to be tried on (`tests/terms/policies_generated.py`)."""
    name = "licet_tests_terms_policies_generated"
    if name not in sys.modules:
        place = ROOT / "tests" / "terms" / "policies_generated.py"
        spec = importlib.util.spec_from_file_location(name, place)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def clock() -> HandClock:
    """A clock that moves only when told."""
    return HandClock()


@pytest.fixture
def certify(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """`certify("a.example", …)`: writes a certificate that signs itself, and its key; returns both paths.

    *days* from now it ends; *passphrase* locks the key. Each call makes a new key, at *stem* in *folder*.
    """

    def make(*names: str, days: float = 90, stem: str = "", folder: Path = tmp_path, passphrase: bytes = b""):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        kinds = [
            x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in names
        ]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - dt.timedelta(days=365))
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(kinds), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        stem = stem or names[0].replace("*", "any")
        paths = folder / f"{stem}.crt", folder / f"{stem}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        lock = (
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        )
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        paths[1].write_bytes(pem)
        paths[1].chmod(0o600)
        return paths

    return make


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Any]:
    """A PostgreSQL of these tests alone (`tests/postgres_cluster.py`), or a skip that says what is missing."""
    clusters = _beside("postgres_cluster")
    try:
        serving = clusters.serving()
        cluster = serving.__enter__()
    except clusters.Missing as error:
        pytest.skip(str(error))
    cluster.apart, cluster.another, cluster.pair = clusters.apart, clusters.serving, clusters.pair
    yield cluster
    serving.__exit__(None, None, None)


@pytest.fixture(scope="session")
def redis_serving() -> Callable[..., Any]:
    """`with redis_serving("redis") as server:` a server of these tests alone (`tests/redis_servers.py`), or a skip."""
    servers = _beside("redis_servers")

    @contextlib.contextmanager
    def serving(engine: str, *settings: str) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            try:
                server = stack.enter_context(servers.serving(engine, *settings))
            except servers.Missing as error:
                pytest.skip(str(error))
            yield server

    return serving


@pytest.fixture(scope="session")
def _one_postgres(postgres_cluster: Any) -> Iterator[Any]:
    from gateway.store.postgres.database import Postgres

    database = postgres_cluster.apart(Postgres.open(postgres_cluster.make("one"), lines=8))
    postgres_cluster.apart(database.write(lambda db: db.execute(_EMPTY)))
    yield database
    postgres_cluster.apart(database.close())


@pytest.fixture
def emptied(_one_postgres: Any, postgres_cluster: Any) -> Any:
    """A `Postgres` whose schema is up to date and holds no row. Making one anew for each test would take minutes."""
    postgres_cluster.apart(_one_postgres.write(lambda db: db.execute("SELECT empty()")))
    return _one_postgres


#: Deletes every row, past foreign keys and triggers, for tests alone.
_EMPTY = """CREATE OR REPLACE FUNCTION empty() RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
  one  TEXT;
  holds BOOLEAN;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'licet' AND tablename <> 'schema_steps' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM licet.%I)', one) INTO holds;
    IF holds THEN
      EXECUTE format('DELETE FROM licet.%I', one);
    END IF;
  END LOOP;
  INSERT INTO words (id, word) VALUES (0, '');
  RETURN 0;
END $$"""


_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a test's set-up, call and tear-down to its folder."""
    parts = report.nodeid.split("::")[0].split("/")
    folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    _seconds[folder] = _seconds.get(folder, 0.0) + report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print where the time went, folder by folder."""
    if len(_seconds) < 2:
        return
    terminalreporter.section("seconds by folder")
    for folder, seconds in sorted(_seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:8.1f}  {folder}")


@pytest.fixture(scope="session")
def written() -> Callable[..., Path]:
    """`written(path, kind, [(prefix, record), …])`: an MMDB file of that kind, built in September 2026 unless *built* says else."""

    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    def write(path: Path, kind: str, records, *, version: int = 6, built: int = 1_790_000_000) -> Path:
        writer = MMDBWriter(
            version,
            kind,
            languages=["en"],
            ipv4_compatible=version == 6,
            int_type="u32",
            description="for tests",
        )
        for prefix, record in records:
            writer.insert_network(IPSet([prefix]), record)
        writer.to_db_file(str(path))
        # The writer dates a file by its clock.
        whole = path.read_bytes()
        at = whole.rindex(b"build_epoch") + len(b"build_epoch")
        now = int(time.time())
        for guess in range(now - 60, now + 2):
            found = whole.find(guess.to_bytes(4, "big"), at, at + 12)
            if found >= 0:
                path.write_bytes(whole[:found] + built.to_bytes(4, "big") + whole[found + 4 :])
                return path
        raise AssertionError("no build time in the file")

    return write


@pytest.fixture
async def dns_server() -> AsyncIterator[Any]:
    """A DNS server on loopback (`tests/visitors/dns_server.py`) that says what it is told to."""
    name = "licet_tests_visitors_dns_server"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "visitors" / "dns_server.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    async with sys.modules[name].serving() as server:
        yield server
