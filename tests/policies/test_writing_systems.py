"""WordPress and Ghost: the policies to begin with gate every copy of the text and nothing that works the site; the plugin names prices."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request

import pytest
from typer.testing import CliRunner

from gateway.bundled import policies
from gateway.cli import app
from loadtests.processes import free_port, running

TEXT = {
    "wordpress": (
        "/", "/2026/11/tides/", "/?p=7", "/feed/", "/?feed=rss2", "/wp-json/wp/v2/posts/7", "/tides/amp/", "/tides/print/",
        "/wp-content/uploads/2026/11/tides.pdf", "/wp-json/oembed/1.0/embed?url=x", "/wp-admin/../tides/",
    ),
    "ghost": ("/", "/tides/", "/rss/", "/ghost/api/content/posts/?key=public", "/content/images/tides.jpg", "/ghost/assets/../api/content/"),
}  # fmt: skip
WORKS = {
    "wordpress": ("/wp-admin/admin-ajax.php", "/wp-login.php", "/wp-cron.php?doing_wp_cron", "/xmlrpc.php", "/wp-includes/js/jquery.js"),
    "ghost": ("/ghost/assets/admin.js", "/members/api/session", "/assets/built/screen.css", "/public/cards.min.js"),
}  # fmt: skip


def said(system: str, path: str) -> str:
    """What the rules say to GPTBot."""
    command = [
        "policy",
        "explain",
        path,
        "--as",
        "GPTBot",
        "--policy",
        str(policies("integrations", f"{system}.toml")),
        "--json",
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["verdict"]


@pytest.mark.parametrize(("system", "path"), [(system, path) for system in TEXT for path in TEXT[system]])
def test_every_copy_of_the_text_is_gated(system, path):
    assert said(system, path) != "serve"


@pytest.mark.parametrize(("system", "path"), [(system, path) for system in WORKS for path in WORKS[system]])
def test_nothing_that_works_the_site_is(system, path):
    assert said(system, path) == "serve"


STUBS = r"""<?php
// As much of WordPress as the plugin meets.
define( 'ABSPATH', '/' );
$GLOBALS['hooks'] = array();
function add_action( $name, $call ) { $GLOBALS['hooks'][ $name ] = $call; }
function add_filter( $name, $call ) { $GLOBALS['hooks'][ $name ] = $call; }
function get_post_meta( $id, $key, $single ) { return array( 7 => 'usd 0.05', 8 => "USD 1\r\nX-Forged: 1", 9 => '', 10 => 'USD 0' )[ $id ] ?? array(); }
function is_singular() { return ! isset( $_GET['list'] ); }
function get_queried_object_id() { return (int) ( $_GET['p'] ?? 0 ); }
require getenv( 'PLUGIN' );
if ( isset( $_GET['route'] ) ) {
	$request = new class { public function get_route() { return $_GET['route']; } };
	$GLOBALS['hooks']['rest_post_dispatch']( null, null, $request );
} else {
	$GLOBALS['hooks']['template_redirect']();
}
echo 'ok';
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """PHP's own server with the plugin in it."""
    php = shutil.which("php")
    if php is None:
        pytest.skip("php is absent (apt install php-cli)")
    plugin, folder, port = (
        policies("integrations", "licet-terms.php"),
        tmp_path_factory.mktemp("php"),
        free_port(),
    )
    checked = subprocess.run([php, "-l", str(plugin)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    (folder / "index.php").write_text(STUBS)
    command = [
        php,
        "-d",
        "display_errors=1",
        "-d",
        "error_reporting=-1",
        "-S",
        f"127.0.0.1:{port}",
        str(folder / "index.php"),
    ]
    with running(command, None, port, folder / "php.log", {"PLUGIN": str(plugin)}):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("query", "price"),
    [
        ("?p=7", "USD 0.05"),
        ("?p=10", "USD 0"),
        ("?p=8", None),
        ("?p=9", None),
        ("?p=6", None),
        ("?p=7&list", None),
        ("?route=/wp/v2/posts/7", "USD 0.05"),
        ("?route=/wp/v2/posts", None),
        ("?route=/wp/v2/posts/7/revisions", None),
    ],
)
def test_the_plugin_names_the_price_of_the_post_that_the_answer_is_and_to_the_gate_alone(site, query, price):
    for asked in (True, False):
        headers = {"Licet-Pay-Per-Crawl": "protocol=cloudflare, pricing=in-band"} if asked else {}
        with urllib.request.urlopen(
            urllib.request.Request(f"{site}/{query}", headers=headers), timeout=10
        ) as answer:
            assert answer.read() == b"ok"
            assert answer.headers["crawler-price"] == (price if asked else None)
            assert answer.headers["X-Forged"] is None
