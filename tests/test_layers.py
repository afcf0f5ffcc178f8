"""The walls of the house: who may import whom, and how long a file may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("flowfeat", "recognition", "segmentation")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

ROOMS = (
    "ops",
    "networks",
    "weights",
    "formats",
    "datasets",
    "rendering",
    "video",
    "store",
    "estimators",
    "extraction",
    "visualization",
    "gallery",
    "metrics",
    "provenance",
    "benchmarks",
    "training",
    "typed_json",
    "cli",
)

# A module whose dotted name begins with the key may not import a module that begins with one of the values.
FORBIDDEN = {
    "flowfeat": ("recognition", "segmentation"),
    "recognition": ("segmentation",),
    "segmentation": ("recognition",),
    "flowfeat.errors": ("flowfeat.",),
    "flowfeat.wording": ("flowfeat.",),
    "flowfeat.processors": ("flowfeat.",),
    "flowfeat.formats": (
        "torch",
        "flowfeat.store",
        "flowfeat.video",
        "flowfeat.estimators",
        "flowfeat.extraction",
    ),
    "flowfeat.video": ("torch", "flowfeat.store", "flowfeat.estimators", "flowfeat.extraction"),
    "flowfeat.ops": tuple(f"flowfeat.{room}" for room in ROOMS if room != "ops"),
    "flowfeat.networks": tuple(f"flowfeat.{room}" for room in ROOMS if room not in ("ops", "networks")),
    "flowfeat.datasets": (
        "torch",
        *(f"flowfeat.{room}" for room in ROOMS if room not in ("formats", "video", "datasets")),
    ),
    "flowfeat.rendering": tuple(
        f"flowfeat.{room}"
        for room in ROOMS
        if room not in ("ops", "formats", "visualization", "provenance", "rendering")
    ),
    "flowfeat.weights": tuple(f"flowfeat.{room}" for room in ROOMS if room not in ("ops", "networks", "weights")),
    "flowfeat.store": ("flowfeat.estimators", "flowfeat.extraction", "flowfeat.networks", "flowfeat.cli"),
    "flowfeat.estimators": ("flowfeat.store", "flowfeat.extraction", "flowfeat.cli"),
    "flowfeat.extraction": ("flowfeat.cli",),
    "flowfeat.metrics": tuple(f"flowfeat.{room}" for room in ROOMS if room != "metrics"),
    "flowfeat.typed_json": tuple(f"flowfeat.{room}" for room in ROOMS if room != "typed_json"),
    "flowfeat.provenance": tuple(f"flowfeat.{room}" for room in ROOMS if room != "provenance"),
    "flowfeat.training": tuple(
        f"flowfeat.{room}" for room in ("video", "store", "estimators", "extraction", "gallery", "benchmarks", "cli")
    ),
    "flowfeat.benchmarks": ("flowfeat.extraction", "flowfeat.store", "flowfeat.training", "flowfeat.cli"),
    "flowfeat.visualization": (
        "torch",
        "flowfeat.store",
        "flowfeat.estimators",
        "flowfeat.extraction",
        "flowfeat.cli",
    ),
}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _top_level_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    found: set[str] = set()
    for node in tree.body:
        found |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module or ""}
    return found


def _is_of(imported: str, package: str) -> bool:
    return imported == package or imported.startswith(f"{package}.")


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_module_imports_what_its_layer_may_not_know(path: Path):
    name = _name(path)
    for layer, forbidden in FORBIDDEN.items():
        if name == layer or name.startswith(f"{layer}."):
            # torch may be loaded inside a function that needs it; our own layers may not be known at all.
            for imported in _imports(path):
                for wall in forbidden:
                    if wall == "torch" and not any(_is_of(name, wall) for name in _top_level_imports(path)):
                        continue
                    assert not (imported == wall.rstrip(".") or imported.startswith(f"{wall.rstrip('.')}.")) or (
                        wall.endswith(".") and imported == "flowfeat"
                    ), f"{name} imports {imported}"


@pytest.mark.parametrize(
    "path", [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")], ids=str
)
def test_files_are_short_enough_to_hold_in_the_head(path: Path):
    assert len(path.read_text().splitlines()) <= 600


def test_every_room_of_the_house_is_known_to_the_walls():
    rooms = {path.stem for path in (ROOT / "flowfeat").iterdir() if path.is_dir() or path.suffix == ".py"}
    outside = {"__init__", "__main__", "__pycache__", "errors", "atomic", "processors", "wording"}
    assert rooms - outside == set(ROOMS)


def test_this_test_sees_modules_of_each_package():
    assert {name.split(".")[0] for name in map(_name, MODULES)} == set(PACKAGES)
    assert len(MODULES) > 30
