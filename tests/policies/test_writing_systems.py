"""WordPress and Ghost: the policies to begin with gate every copy of the text and nothing that works the site; the plugin names prices."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
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
$GLOBALS['acts'] = array();
function __( $text ) { return $text; }
function esc_html__( $text ) { return htmlspecialchars( $text, ENT_QUOTES ); }
function esc_attr( $text ) { return htmlspecialchars( $text, ENT_QUOTES ); }
function add_meta_box( $id, $title, $call ) { $call( (object) array( 'ID' => (int) $_GET['box'] ) ); }
function wp_nonce_field( $action, $name ) { printf( '<input name="%s" value="nonce of %s">', $name, $action ); }
function wp_verify_nonce( $nonce, $action ) { return "nonceof$action" === $nonce; }
function sanitize_key( $text ) { return preg_replace( '/[^a-z0-9_-]/', '', strtolower( $text ) ); }
function sanitize_text_field( $text ) { return trim( strip_tags( $text ) ); }
function wp_unslash( $text ) { return stripslashes( $text ); }
function wp_is_post_autosave( $id ) { return 70 === $id; }
function wp_is_post_revision( $id ) { return 71 === $id; }
function current_user_can( $what, $id ) { return 'edit_post' === $what && 72 !== $id; }
function update_post_meta( $id, $key, $value ) { $GLOBALS['acts'][] = array( $id, $key, $value ); }
function delete_post_meta( $id, $key ) { $GLOBALS['acts'][] = array( $id, $key, null ); }
require getenv( 'PLUGIN' );
if ( isset( $_GET['save'] ) ) {
	$GLOBALS['hooks']['save_post']( (int) $_GET['save'] );
	die( json_encode( $GLOBALS['acts'] ) );
} elseif ( isset( $_GET['box'] ) ) {
	$GLOBALS['hooks']['add_meta_boxes']();
	die();
}
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


NONCE = "nonce of licet-price"


@pytest.mark.parametrize(
    ("post", "form", "kept"),
    [
        (7, {"licet_price": " usd 0.07 ", "licet_price_nonce": NONCE}, "USD 0.07"),
        (7, {"licet_price": "USD 0", "licet_price_nonce": NONCE}, "USD 0"),
        (7, {"licet_price": "", "licet_price_nonce": NONCE}, None),
        (7, {"licet_price": "a lot", "licet_price_nonce": NONCE}, "nothing"),
        (7, {"licet_price": "USD 0.05\r\nX-Forged: 1", "licet_price_nonce": NONCE}, "nothing"),
        (7, {"licet_price": "USD 1", "licet_price_nonce": "nonce of another form"}, "nothing"),
        (7, {"licet_price": "USD 1"}, "nothing"),
        (7, {"licet_price_nonce": NONCE}, "nothing"),
        (70, {"licet_price": "USD 1", "licet_price_nonce": NONCE}, "nothing"),
        (71, {"licet_price": "USD 1", "licet_price_nonce": NONCE}, "nothing"),
        (72, {"licet_price": "USD 1", "licet_price_nonce": NONCE}, "nothing"),
    ],
)
def test_a_price_is_kept_that_is_one_and_by_whoever_may_edit_the_post(site, post, form, kept):
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{site}/?save={post}", body, timeout=10) as answer:
        acts = json.loads(answer.read())
    assert acts == ([] if kept == "nothing" else [[post, "_licet_price", kept]])


@pytest.mark.parametrize(("post", "value"), [(7, "USD 0.05"), (8, ""), (6, "")])
def test_the_form_shows_the_price_that_is_kept_and_carries_the_nonce(site, post, value):
    with urllib.request.urlopen(f"{site}/?box={post}", timeout=10) as answer:
        shown = answer.read().decode()
    assert f'<input name="licet_price_nonce" value="{NONCE}">' in shown
    assert re.search(r'name="licet_price" type="text" value="([^"]*)"', shown)[1] == value
    assert "Forged" not in shown
