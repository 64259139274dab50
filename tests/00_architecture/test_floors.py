"""The house of the project: which floor may stand on which, and what no file may hold."""

import ast
import io
import subprocess
import sys
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "bradyseism"
FLOORS = {
    "physics": 1,
    "maps": 2,
    "scenes": 3,
    "samples": 4,
    "models": 5,
    "training": 6,
    "detection": 7,
    "evaluation": 8,
    "workflows": 9,
    "fleet": 9,
    "review": 10,
    "config": 11,
    "cli": 12,
    "__main__": 13,
}
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "lib", "stuff"}
LONGEST_FILE = 250
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (*FUNCTIONS, ast.ClassDef, ast.Module)


def module_name(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
MODULES = [name for name in FILES if name != "bradyseism"]


@cache
def tree(module):
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def own_targets(module, node):
    """Modules of the package that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            is_package = FILES[module].name == "__init__.py"
            parents = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*parents, base] if base else parents)
        names = [
            f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base
            for alias in node.names
        ]
    return [name for name in names if name.split(".")[0] == "bradyseism"]


def own_imports(module):
    """Yield (imported module, statement) for each import of the package in a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in own_targets(module, node):
                yield target, node


def inside_functions(module):
    functions = (node for node in ast.walk(tree(module)) if isinstance(node, FUNCTIONS))
    return {id(inner) for function in functions for inner in ast.walk(function)}


def folder(module):
    return module.split(".")[1]


def code_lines(module):
    """Count lines that are neither blank, comment nor docstring."""
    documented = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            documented.update(range(text.lineno, text.end_lineno + 1))
    silent = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER,
    }  # fmt: skip
    source = io.StringIO(FILES[module].read_text(encoding="utf-8"))
    code = set()
    for token in tokenize.generate_tokens(source.readline):
        if token.type not in silent:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documented)


def test_files_are_found():
    assert {"bradyseism.cli", "bradyseism.physics.sources"} <= set(FILES)


@pytest.mark.parametrize("module", MODULES)
def test_module_stands_on_a_known_floor(module):
    assert folder(module) in FLOORS, f"{module}: give its folder a floor"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    here = folder(module)
    wrong = [
        f"line {node.lineno}: {target}"
        for target, node in own_imports(module)
        if target == "bradyseism"
        or (folder(target) != here and FLOORS[folder(target)] >= FLOORS[here])
    ]
    assert not wrong, f"{module} imports its own floor's neighbours or a higher floor: {wrong}"


def test_no_import_cycle():
    graph = {
        module: {target for target, _ in own_imports(module)} - {module, "bradyseism"}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", [name for name in MODULES if folder(name) != "cli"])
def test_no_own_import_inside_a_function(module):
    inside = inside_functions(module)
    hidden = [node.lineno for _, node in own_imports(module) if id(node) in inside]
    assert not hidden, f"{module} imports its own package inside a function, lines {hidden}"


# The tables of results are loaded by commands alone.
COMMANDS = [name for name in MODULES if folder(name) == "cli" and name != "bradyseism.cli.summary"]


@pytest.mark.parametrize("module", COMMANDS)
def test_cli_loads_floors_only_in_its_commands(module):
    inside = inside_functions(module)
    early = [
        target
        for target, node in own_imports(module)
        if id(node) not in inside
        and (FLOORS[folder(target)] < FLOORS["config"] or target == "bradyseism.cli.summary")
        and not is_for_types_only(module, node)
    ]
    assert not early, f"the command line loads {early} before a command is chosen: slow --help"


def is_for_types_only(module, statement):
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and any(inner is statement for inner in ast.walk(node))
        for node in ast.walk(tree(module))
    )


@pytest.mark.parametrize("module", list(FILES))
def test_no_drawer(module):
    drawers = DRAWERS & {part.strip("_") for part in module.split(".")}
    assert not drawers, f"{module}: a name that says nothing"


@pytest.mark.parametrize("module", list(FILES))
def test_nothing_prints(module):
    prints = [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert not prints, f"{module} prints, lines {prints}: log it, return it, or echo it in cli"


@pytest.mark.parametrize("module", list(FILES))
def test_file_is_short(module):
    assert code_lines(module) <= LONGEST_FILE


def test_package_import_is_light():
    code = (
        "import sys, bradyseism;"
        "print([name for name in ('numpy', 'torch', 'rasterio', 'numba') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.strip() == "[]"
