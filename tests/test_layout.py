from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path.relative_to(ROOT / "gateway") for path in (ROOT / "gateway").rglob("*.py"))
BANNED = {
    "utils", "util", "helpers", "helper", "common", "core", "base", "manager", "service", "services",
    "handler", "handlers", "processor", "data", "info", "misc", "models", "types",
}  # fmt: skip
#: Modules whose test stands under another name, and where: entry points that journeys drive, and ports that a
#: conformance suite holds. A module that gains a test of its own must leave this list.
ELSEWHERE = {
    "__main__.py": "journeys",
    "app/__main__.py": "journeys",
    "app/boot.py": "journeys/test_processes.py",
    "app/lost.py": "journeys/test_backup.py",
    "app/setting_up.py": "journeys/test_first_run.py",
    "app/told_terms.py": "journeys/test_terms_command.py",
    "app/visiting.py": "journeys/test_first_run.py",
    "settings.py": "test_config.py",
    "app/dashboard_door.py": "journeys/test_serve.py",
    "app/dashboard_rooms.py": "journeys/test_serve.py",
    "dashboard/frame.py": "dashboard/test_table_forms.py",
    "app/front.py": "journeys",
    "app/licet.py": "journeys",
    "app/office.py": "journeys",
    "app/office_line.py": "journeys/test_processes.py",
    "app/office_room.py": "journeys/test_processes.py",
    "app/process.py": "journeys/test_processes.py",
    "app/worker.py": "journeys/test_processes.py",
    "faults.py": "test_problems.py",
    "billing/bundle_papers.py": "desk/test_bundling.py",
    "provenance/evidence_bundle.py": "desk/test_bundling.py",
    "dashboard/rooms.py": "dashboard/test_routes.py",
    "dashboard/queries.py": "store/sqlite/test_access_log.py",
    "store/sqlite/totals.py": "store/sqlite/test_access_log.py",
    "admission/spending.py": "conformance",
    "app/administering.py": "journeys/test_administration.py",
    "dashboard/admin_log.py": "dashboard/test_gatekeeping.py",
    "dashboard/admin_api.py": "interop/test_admin_api.py",
    "dashboard/api.py": "interop/test_admin_api.py",
    "app/identity_provider.py": "dashboard/test_oidc.py",
    "dashboard/oidc_pages.py": "dashboard/test_oidc.py",
    "dashboard/passkey_pages.py": "dashboard/test_passkeys.py",
    "dashboard/key_pages.py": "dashboard/test_access_in_a_browser.py",
    "dashboard/cookies.py": "dashboard/test_sign_in_pages.py",
    "dashboard/forms.py": "dashboard/test_sign_in_pages.py",
    "dashboard/states.py": "dashboard/test_gatekeeping.py",
    "app/bookkeeping.py": "loadtests/test_quarter.py",
    "app/cashier.py": "journeys",
    "app/milestone_round.py": "journeys/test_milestones.py",
    "desk/claims.py": "journeys/test_claims.py",
    "desk/milestones.py": "journeys/test_milestones.py",
    "billing/owing.py": "conformance",
    "terms/compensation.py": "terms/test_milestones.py",
    "app/consenting.py": "journeys/test_withdrawal.py",
    "rails/settlements.py": "conformance",
    "rails/topups.py": "conformance",
    "licenses/accounts.py": "conformance",
    "app/account_room.py": "journeys",
    "app/persons.py": "journeys",
    "provenance/receipt_steps.py": "desk/test_receipt_page.py",
    "visitors/person_reports.py": "conformance/test_person_reports.py",
    "desk/account_page.py": "desk/test_account_desk.py",
    "desk/account_schemas.py": "desk/test_openapi.py",
    "desk/account_view.py": "desk/test_account_desk.py",
    "desk/charge_list.py": "desk/test_account_desk.py",
    "desk/developer_page.py": "desk/test_developers.py",
    "billing/charges.py": "conformance/test_charges.py",
    "licenses/client_list.py": "conformance/test_client_list.py",
    "licenses/spend_limits.py": "conformance/test_spend_limits.py",
    "app/auditing.py": "journeys/test_auditors.py",
    "desk/auditing.py": "journeys/test_auditors.py",
    "licenses/duties.py": "conformance",
    "licenses/negotiations.py": "conformance",
    "licenses/lives.py": "conformance",
    "licenses/ingestion.py": "conformance",
    "licenses/unfinished.py": "conformance",
    "licenses/private_links.py": "conformance",
    "licenses/register.py": "conformance",
    "licenses/traffic.py": "conformance",
    "outbox/events.py": "conformance",
    "licenses/consents.py": "conformance",
    "licenses/objections.py": "conformance",
    "licenses/originals.py": "conformance",
    "licenses/withdrawals.py": "conformance",
    "desk/agreeing.py": "desk/test_negotiations.py",
    "desk/bargains.py": "desk/test_negotiations.py",
    "desk/buyer_forms.py": "desk/test_buying.py",
    "desk/buyer_page.py": "desk/test_buying.py",
    "desk/buyer_view.py": "desk/test_buying.py",
    "desk/call.py": "desk/test_routes.py",
    "desk/contract_page.py": "desk/test_contracts.py",
    "desk/license_papers.py": "desk/test_account_desk.py",
    "desk/contract_pdf.py": "desk/test_contracts.py",
    "desk/fees.py": "desk/test_selling.py",
    "desk/in_person.py": "desk/test_mailbox.py",
    "desk/negotiation_documents.py": "desk/test_negotiations.py",
    "desk/negotiation_schemas.py": "desk/test_openapi.py",
    "desk/duty_documents.py": "desk/test_duties.py",
    "desk/duty_schemas.py": "desk/test_openapi.py",
    "desk/webhook_schemas.py": "desk/test_webhooks.py",
    "desk/described.py": "desk/test_openapi.py",
    "desk/review_page.py": "desk/test_buying.py",
    "desk/public_documents.py": "desk/test_routes.py",
    "desk/signed_agents.py": "journeys/test_discovery.py",
    "desk/token_endpoints.py": "desk/test_selling.py",
    "licenses/license.py": "licenses/test_offers.py",
    "origin/delivery.py": "front",
    "origin/pieces.py": "origin/test_forwarding.py",
    "provenance/frames.py": "provenance/test_segments.py",
    "front/answer.py": "front",
    "front/bodies.py": "front/test_listener.py",
    "app/billing_room.py": "journeys/test_billing.py",
    "app/valkey_launcher.py": "app/test_valkey.py",
    "billing/account_book.py": "conformance/test_account_book.py",
    "billing/dispute_book.py": "conformance/test_dispute_book.py",
    "billing/document_book.py": "conformance/test_document_book.py",
    "billing/invoice_events.py": "billing/test_issuing.py",
    "billing/invoice_paper.py": "desk/test_invoices.py",
    "billing/invoices.py": "billing/test_issuing.py",
    "billing/payout_book.py": "conformance/test_payout_book.py",
    "billing/sheets.py": "billing/test_paper_pdf.py",
    "front/exchange.py": "journeys",
    "front/gate.py": "front",
    "front/keeping.py": "journeys",
    "front/request.py": "front/test_connection.py",
    "outbox/export_settings.py": "outbox/test_billing_payloads.py",
    "outbox/usage.py": "conformance/test_usage.py",
    "policy/guide_table.py": "policy/test_guides.py",
    "policy/paying_table.py": "policy/test_milestones.py",
    "policy/positions.py": "policy/test_reading.py",
    "store/dispute_json.py": "conformance/test_dispute_book.py",
    "store/payout_json.py": "conformance/test_payout_book.py",
    "policy/publish_table.py": "terms/test_publishing.py",
    "policy/rules.py": "policy/test_ruling.py",
    "policy/tables.py": "policy/test_reading.py",
    "terms/license_terms.py": "terms",
    "terms/rsl_words.py": "terms/test_rsl_legal.py",
}
ELSEWHERE_FOLDERS = {
    "app/checkup": "journeys",
    "cli": "journeys",
    "client": "journeys",
    "store/memory": "conformance",
    "store/redis": "conformance",
    "store/sqlite": "conformance",
}


def _folder(module: Path) -> str:
    return module.parent.as_posix()


@pytest.mark.parametrize("module", [m for m in MODULES if m.name != "__init__.py"], ids=str)
def test_every_module_has_its_test(module: Path) -> None:
    own = ROOT / "tests" / module.parent / f"test_{module.name}"
    where = ELSEWHERE.get(module.as_posix()) or ELSEWHERE_FOLDERS.get(_folder(module))
    if where is None:
        assert own.is_file(), f"tests/{module.parent}/test_{module.name} is missing"
    else:
        assert (ROOT / "tests" / where).exists()
        assert module.as_posix() not in ELSEWHERE or not own.is_file(), (
            f"{own} exists: take {module} off the list"
        )


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_sizes_and_names(module: Path) -> None:
    text = (ROOT / "gateway" / module).read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    assert not BANNED & set(module.with_suffix("").parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= 70, f"{node.name} is too long"


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] != "cli"], ids=str)
def test_public_names_promise_something(module: Path) -> None:
    tree = ast.parse((ROOT / "gateway" / module).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is"
    missing = []
    for node in tree.body:
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                missing.append(node.name)
            if isinstance(node, ast.ClassDef):
                missing += [
                    f"{node.name}.{inner.name}"
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not inner.name.startswith("_")
                    and not ast.get_docstring(inner)
                    and not any("overload" in ast.unparse(each) for each in inner.decorator_list)
                ]
    assert not missing


def test_imports_go_down_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


def _imported_at_once(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """The modules of *known* that a module loads while it is loaded itself; what types alone need is not loaded."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inside = {f"{node.module}.{each.name}" for each in node.names}
            # A package is loaded before what is in it, whoever asks; only what it says itself makes it wait.
            yield from inside & known
            if inside - known:
                yield node.module
        elif isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            waiting += [*node.body, *node.orelse]
        elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
            waiting += node.body


def test_every_module_imports_alone() -> None:
    """No circle among the imports, so the order does not matter; and each of them does import."""
    names = {".".join(("gateway", *m.with_suffix("").parts)).removesuffix(".__init__"): m for m in MODULES}
    graph = {
        name: {
            found
            for found in _imported_at_once(ast.parse((ROOT / "gateway" / module).read_text()), set(names))
            if found != name
        }
        for name, module in names.items()
    }
    order = [
        name for name in graphlib.TopologicalSorter(graph).static_order() if not name.endswith("__main__")
    ]
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *reversed(order)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_nothing_compiled_lies_among_the_sources(root: Path) -> None:
    # It would be imported instead of the module beside it, however that has changed since.
    assert [str(each.relative_to(root)) for each in (root / "gateway").rglob("*.so")] == []


def _suspended(tree: ast.AST) -> Iterator[ast.AST]:
    """What a compiled coroutine must not hold: an `async for`, or a wait while an exception may be under way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFor):
            yield node
        if isinstance(node, ast.Try):
            handlers = [*node.finalbody, *(each for handler in node.handlers for each in handler.body)]
            waits = (ast.Await, ast.AsyncWith, ast.Yield, ast.YieldFrom)
            yield from (each for part in handlers for each in ast.walk(part) if isinstance(each, waits))


def _compiled(root: Path) -> dict[str, ast.Module]:
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]["include"]
    assert included
    return {name[1:]: ast.parse((root / name[1:]).read_text("utf-8")) for name in included}


def test_nothing_compiled_waits_while_it_handles_an_exception(root: Path) -> None:
    # mypyc leaves the exception with the thread: whatever runs meanwhile meets it, and bodies broke off (mypy 2.4.1).
    found = [f"{name}:{each.lineno}" for name, tree in _compiled(root).items() for each in _suspended(tree)]
    assert found == []


def _renamed_errors(tree: ast.AST) -> Iterator[str]:
    """Names that one function gives to errors of two kinds: compiled, the name has the type of the first."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            kinds: dict[str, set[str]] = {}
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and node.name and node.type:
                    kinds.setdefault(node.name, set()).add(ast.unparse(node.type))
            yield from (f"{function.name}: {name}" for name, of in kinds.items() if len(of) > 1)


def test_no_compiled_function_names_errors_of_two_kinds_alike(root: Path) -> None:
    assert [
        f"{file}: {each}" for file, tree in _compiled(root).items() for each in _renamed_errors(tree)
    ] == []
    assert list(_renamed_errors(ast.parse("def f():\n try: x\n except A as e: y\n except B as e: z")))


def test_only_what_is_compiled_inherits_from_what_is(root: Path) -> None:
    compiled = _compiled(root)
    roots = {
        each.name for tree in compiled.values() for each in ast.walk(tree) if isinstance(each, ast.ClassDef)
    }
    found = []
    for path in [*(root / "gateway").rglob("*.py"), *(root / "loadtests").rglob("*.py")]:
        if str(path.relative_to(root)) not in compiled:
            classes = (
                each
                for each in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(each, ast.ClassDef)
            )
            found += [each.name for each in classes if roots.intersection(map(ast.unparse, each.bases))]
    assert found == []


def test_a_wait_while_an_exception_is_handled_is_found() -> None:
    for part in ("except E:\n  await x", "finally:\n  await x", "finally:\n  async with x: pass"):
        assert list(_suspended(ast.parse(f"async def f():\n try: await y\n {part}")))
    assert list(_suspended(ast.parse("async def f():\n async for x in y: pass")))
    assert not list(_suspended(ast.parse("async def f():\n try: await x\n except E: pass")))
