"""Layers keep to themselves: what each module of the product may import."""

import ast
import functools
import graphlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from restream.config.places import ROOT

PACKAGE = ROOT / "src" / "restream"
LAYERS = ("domain", "ports", "adapters", "supervisor", "interfaces")
# Each layer, and the layers it may know. What is not listed here (service, cli, commands, demo) may know everything.
MAY_KNOW = {
    "domain": {"domain"},
    "ports": {"domain"},
    "adapters": {"domain", "ports", "adapters"},
    "supervisor": {"domain", "ports", "supervisor"},
    "interfaces": {"domain", "ports", "interfaces"},
    "config": {"domain", "config"},
    "logs": {"domain"},
    "version": {"config"},
    "__init__": set(),
}
ASSEMBLY = {"service", "preflight", "reference", "cli", "commands", "demo", "__main__"}
# Clocks, chance and the world: a pure layer gets them as arguments.
IMPURE = {"asyncio", "datetime", "os", "pathlib", "random", "socket", "subprocess", "threading", "time"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@functools.cache
def imports_of(path: Path) -> set[str]:
    """Full names of everything imported anywhere in a module, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "restream" else {module}
    return found


def own_layers(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports_of(path) if name.startswith("restream.")}
    return {name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()}


def identify(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_a_module_knows_only_the_layers_it_may(path: Path) -> None:
    layer = layer_of(path)
    if layer in ASSEMBLY:
        return
    assert layer in MAY_KNOW, f"say in MAY_KNOW what {layer} may import"
    assert own_layers(path) <= MAY_KNOW[layer]


@pytest.mark.parametrize("path", [path for path in modules() if layer_of(path) in ("domain", "ports")], ids=identify)
def test_the_inner_layers_import_only_the_standard_library(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports_of(path)} - {"restream"}
    assert outside <= sys.stdlib_module_names
    assert not outside & IMPURE


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def import_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> modules of the product it imports anywhere: in functions and under TYPE_CHECKING too."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= inner | {node.module} if inner - sources.keys() else inner
        graph[module] = names & sources.keys() - {module}
    return graph


def circle_of(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle, its first module again at the end; empty when there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = import_graph({name_of(path): path.read_text(encoding="utf-8") for path in modules()})
    assert sum(map(len, graph.values())) > len(graph)
    assert circle_of(graph) == []


@pytest.mark.parametrize(
    "back",
    [
        "from restream.a import x",
        "from restream import a",
        "import restream.a",
        "def late():\n    from restream.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from restream.a import x",
    ],
)
def test_a_circle_is_found_however_it_is_imported(back: str) -> None:
    sources = {"restream.a": "from restream.b import y", "restream.b": "import restream.c", "restream.c": back}
    circle = circle_of(import_graph(sources))
    assert set(circle) == sources.keys() and circle[0] == circle[-1]


def test_the_scan_sees_what_it_is_about() -> None:
    assert {layer_of(path) for path in modules()} >= {*LAYERS, "config", "service", "cli"}
    known = own_layers(PACKAGE / "service/service.py") | own_layers(PACKAGE / "service/from_settings.py")
    assert known >= {"adapters", "supervisor", "interfaces", "domain", "config"}


def undocumented(source: str) -> dict[str, bool]:
    """Public functions, methods and classes of a module, by qualified name: whether each lacks a docstring."""
    found: dict[str, bool] = {}

    def walk(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if not any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in node.decorator_list):
                found[prefix + node.name] = ast.get_docstring(node) is None
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{prefix}{node.name}.")

    walk(ast.parse(source).body, "")
    return found


def test_what_counts_as_undocumented() -> None:
    source = 'class A:\n    "What."\n    def b(self): ...\n    def _c(self): ...\nclass _D:\n    def e(self): ...'
    assert undocumented(source) == {"A": False, "A.b": True}


def test_public_names_say_what_they_are() -> None:
    found = {
        f"{identify(path)}:{name}": lacks
        for path in modules()
        for name, lacks in undocumented(path.read_text(encoding="utf-8")).items()
    }
    without = sorted(name for name, lacks in found.items() if lacks)
    assert len(without) < 0.1 * len(found), without
