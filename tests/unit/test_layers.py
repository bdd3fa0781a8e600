"""Layers keep to themselves: what each module of the product may import."""

import ast
import functools
import sys
from pathlib import Path

import pytest

from restream.config.settings import ROOT

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


def test_the_scan_sees_what_it_is_about() -> None:
    assert {layer_of(path) for path in modules()} >= {*LAYERS, "config", "service", "cli"}
    known = own_layers(PACKAGE / "service/service.py") | own_layers(PACKAGE / "service/from_settings.py")
    assert known >= {"adapters", "supervisor", "interfaces", "domain", "config"}
