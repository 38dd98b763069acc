"""`licet deploy`: every configuration it prints is well formed and names this site's facts; the shipped container files too.

The real servers run what is printed in `tests/interop/test_recipes.py`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gateway import __version__
from gateway.cli import app
from gateway.cli.recipes import SERVERS
from gateway.front.auth import PASSED

ROOT = Path(__file__).resolve().parents[2]
SITE = """
stance = "open"
[site]
id = "{id}"
hosts = [{hosts}]
origin = "{origin}"
mode = "observe"
"""
WEB = [(server, way) for server, ways in SERVERS.items() for way in ways]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "sites").mkdir(parents=True)
    folder.chmod(0o700)
    write(folder)
    return folder


def write(
    folder: Path,
    *,
    hosts: str = '"journal.example", "www.journal.example"',
    origin: str = "http://127.0.0.1:8000",
    settings: str = "",
) -> None:
    text = SITE.format(id="my-journal", hosts=hosts, origin=origin)
    (folder / "sites" / "my-journal.toml").write_text(text)
    (folder / "licet.toml").write_text(settings)


def deploy(data: Path, *arguments: str):
    return CliRunner().invoke(app, ["deploy", *arguments, "--data", str(data)])


def printed(data: Path, *arguments: str) -> str:
    done = deploy(data, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("server", "way"), WEB)
def test_every_recipe_names_the_facts_of_this_site(data, server, way):
    write(
        data, settings='[listen]\nport = 18402\nauth = "127.0.0.1:18404"\n[trust]\nproxies = ["loopback"]\n'
    )
    tls = () if server == "caddy" else ("--certificate", "/etc/x.crt", "--key", "/etc/x.key")
    done = deploy(data, server, "--as", way, *tls)
    assert (done.exit_code, done.stderr) == (0, "")
    text = done.stdout
    assert "{{" not in text
    assert "{%" not in text
    for fact in ("journal.example", "18402" if server != "envoy" else "port_value: 18402", *tls[1::2]):
        assert fact in text, fact
    secret = (data / "keys" / "auth").exists()
    assert secret == (way == "auth")
    if way == "auth":
        assert re.search(r"[Ll]icet-[Cc]aller.{0,40}[A-Za-z0-9_-]{43}", text)
        assert "18404" in text
        assert "8000" in text
        for name in PASSED if server in {"caddy", "traefik"} else PASSED[:-1] if server == "nginx" else ():
            assert name in text
    if server in {"traefik", "envoy"}:
        assert yaml.safe_load(text)
    # The same again, and nothing of it by chance.
    assert printed(data, server, "--as", way, *tls) == text


@pytest.mark.parametrize(("server", "way"), WEB)
def test_what_the_settings_lack_is_said_in_the_file_and_beside_it(data, server, way):
    done = deploy(data, server, "--as", way, "--plain")
    assert done.exit_code == 0
    for said in (done.stdout, done.stderr):
        assert 'proxies = ["loopback"]' in said
        assert ('auth = "127.0.0.1:8404"' in said) == (way == "auth")


@pytest.mark.parametrize(("server", "way"), [each for each in WEB if each[0] != "envoy"])
def test_a_site_of_every_host_is_one_too(data, server, way):
    write(data, hosts='"*"')
    text = printed(data, server, "--as", way, "--plain")
    assert {
        "nginx": "server_name _;",
        "caddy": "http://:80",
        "traefik": "PathPrefix(`/`)",
        "haproxy": "bind :80",
    }[server] in text


def test_haproxy_is_told_of_every_machine(data):
    text = printed(data, "haproxy", "--plain", "--machine", "10.0.0.1:8402", "--machine", "[fd00::2]:8402")
    assert "server licet1 10.0.0.1:8402\n" in text
    assert "server licet2 [fd00::2]:8402\n" in text
    assert "http-request set-header X-Forwarded-For %[src]" in text
    assert "add-header X-Forwarded-For" in printed(data, "haproxy", "--plain", "--behind-proxy")


def test_haproxys_two_files_name_each_other_and_the_secret_stands_in_one(data):
    main, asked = (printed(data, "haproxy", "--as", "auth", "--plain", *more) for more in ((), ("--spoe",)))
    assert "filter spoe engine licet_my_journal config /etc/haproxy/licet-my-journal.spoe" in main
    assert asked.count("[licet_my_journal]") == 1
    [backend] = re.findall(r"use-backend (\S+)", asked)
    assert f"backend {backend}\n" in main
    secret = re.search(r"Licet-Caller ([A-Za-z0-9_-]{43})", main)[1]
    assert secret not in asked
    for name in PASSED[:-1]:
        assert f"set-header {name} %[var(txn.licet_my_journal.{name[6:].lower()})]" in main


def test_what_cannot_be_set_up_so_is_said(data):
    for arguments, why in {
        ("apache",): "SERVER is one of",
        ("nginx", "--as", "sidecar"): "--as is one of",
        ("traefik", "--as", "auth", "--open-when-down"): "cannot serve everybody",
        ("nginx", "--certificate", "/x"): "go together",
        ("nginx", "--machine", "10.0.0.1:8402"): "--machine is for haproxy",
        ("haproxy", "--machine", "10.0.0.1"): "HOST:PORT",
        ("haproxy", "--machine", "10.0.0.1:1\nserver x"): "HOST:PORT",
        ("haproxy", "--as", "sidecar"): "--as is one of proxy, auth",
        ("haproxy", "--as", "auth", "--machine", "10.0.0.1:8402"): "--machine is for haproxy as proxy",
        ("haproxy", "--spoe"): "--spoe is for haproxy --as auth",
        ("caddy", "--as", "auth", "--cache", "/x"): "--cache is for nginx",
        ("envoy",): "--certificate and --key",
        ("nginx", "--site", "other"): "there is no site",
    }.items():
        done = deploy(data, *arguments)
        assert (done.exit_code != 0, done.stdout) == (True, ""), arguments
        assert why in done.stderr + str(done.exception), arguments
    write(data, origin="https://site.example")
    assert "plain http" in str(deploy(data, "envoy", "--as", "auth", "--plain").exception)
    assert "proxy_pass https://site.example;" in printed(data, "nginx", "--as", "auth")


def test_the_own_paths_of_nginx_are_those_and_no_others(data):
    text = printed(data, "nginx", "--as", "auth")
    own = re.search(r"location ~ (\S+) \{", text)[1]
    for path in ("/robots.txt", "/license.xml", "/.licet", "/.licet/token", "/.well-known/tdmrep.json"):
        assert re.search(own, path), path
    for path in ("/", "/robots.txtx", "/.licetx", "/a/robots.txt", "/robotsxtxt", "/licenseXxml"):
        assert not re.search(own, path), path


def test_the_service_is_one_that_systemd_takes(data, tmp_path):
    unit = printed(data, "systemd")
    assert f"--data {data}" in unit
    assert f"ReadWritePaths={data}" in unit
    low = "[listen]\nport = 443\n"
    write(data, settings=low)
    assert "CAP_NET_BIND_SERVICE" in printed(data, "systemd")
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is absent (apt install systemd)")
    file = tmp_path / "licet-under-test.service"
    file.write_text(unit)
    done = subprocess.run([verify, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def hardened(container: dict) -> None:
    """What every container of ours keeps."""
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


def test_the_printed_compose_file_mounts_the_folder_and_drops_what_it_can(data):
    done = deploy(data, "compose")
    assert "inside a container http://127.0.0.1:8000 is the container itself" in done.stderr
    service = yaml.safe_load(done.stdout)["services"]["licet"]
    hardened(service)
    assert service["image"] == f"licet:{__version__}"
    assert service["volumes"] == [f"{data}:/data"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "8402:8402" in service["ports"]
    assert any(each.startswith("127.0.0.1:8403:") for each in service["ports"])
    compile(service["healthcheck"]["test"][3], "healthcheck", "exec")


def test_the_printed_manifests_are_a_set_that_fits_together(data):
    write(data, settings='[listen]\nauth = "127.0.0.1:8404"\n')
    found = {each["kind"]: each for each in yaml.safe_load_all(printed(data, "kubernetes"))}
    assert set(found) == {"ConfigMap", "Service", "StatefulSet"}
    files = found["ConfigMap"]["data"]
    assert files == {
        "licet.toml": (data / "licet.toml").read_text(),
        "my-journal.toml": (data / "sites" / "my-journal.toml").read_text(),
    }
    stateful, pod = found["StatefulSet"]["spec"], found["StatefulSet"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert stateful["replicas"] == 1
    assert stateful["serviceName"] == found["Service"]["metadata"]["name"]
    assert stateful["selector"]["matchLabels"].items() <= labels.items()
    assert found["Service"]["spec"]["selector"].items() <= labels.items()
    [container] = pod["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert (
        {each["targetPort"] for each in found["Service"]["spec"]["ports"]} == set(ports) == {"http", "auth"}
    )
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["volumeClaimTemplates"]}
    mounts = container["volumeMounts"]
    assert {each["name"] for each in mounts} == volumes
    assert {each["subPath"] for each in mounts if "subPath" in each} == set(files)


def test_the_shipped_container_files_hold_what_they_promise():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for service in services.values():
        hardened(service)
    lines = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text()).splitlines()
    told = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    words = {
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "LABEL",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {word for word, _ in told} <= words
    last = max(at for at, (word, _) in enumerate(told) if word == "FROM")
    final = dict(told[last:])
    assert sum(word == "FROM" for word, _ in told) == 2
    assert final["USER"] == "10402:10402"
    assert final["COPY"].startswith("--from=build ")
    assert json.loads(final["ENTRYPOINT"]) == ["licet"]
    # All that the wheel is built from is let into the build, and nothing else.
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for word, rest in told[:last] if word == "COPY" for name in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in let_in)
    check = json.loads(final["HEALTHCHECK"].partition("CMD ")[2])
    compile(check[2], "healthcheck", "exec")
