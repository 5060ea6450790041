"""The house: which module may import which, the public names, and that the interpreted run is interpreted."""

import ast
import os
import sys
from pathlib import Path

import pytest

import autodiff
from autodiff._implementation import implementation

PACKAGE = Path(autodiff.__file__).parent

# ---- floors ------------------------------------------------------------------------------------------------------------------

# A module or subpackage imports those on lower floors and its own parts. Faces import anything; nobody imports them.
FLOORS = {
    "ieee": 0, "rules": 0, "errors": 0, "_cython": 0, "symbols": 0, "files": 0, "trees": 0, "sources": 0,
    "value": 1, "settings": 1, "states": 1,
    "functions": 2, "recording": 2, "differentiate": 2, "schedules": 2, "parameters": 2,
    "walk": 2, "paths": 2, "formulas": 2, "names": 2, "running": 2,
    "nn": 3, "optim": 3, "drawing": 3, "debugger": 3, "compiler": 3, "explain": 3, "summary": 3, "check": 3,
    "__init__": 4, "__main__": 4, "_implementation": 4, "demo": 4,
}  # fmt: skip
FACES = 4
BESIDE = {
    ("rules", "ieee"),
    ("symbols", "rules"),
    ("paths", "walk"),
    ("formulas", "walk"),
    ("formulas", "names"),
    ("trees", "errors"),
    ("differentiate", "functions"),
    ("debugger", "drawing"),
    ("debugger", "explain"),
}


def unit_of(module):
    """The part of the house that a module belongs to: ``autodiff.nn.layers`` to ``nn``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def all_modules():
    return {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in sorted(PACKAGE.rglob("*.py"))
    }


def imports_of(source, module, is_package, modules):
    """The modules of this package that a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "autodiff"}
        elif isinstance(node, ast.ImportFrom):
            above = (
                module.split(".")[: None if is_package and node.level == 1 else -(node.level - is_package)]
                if node.level
                else []
            )
            origin = ".".join([*above, *([node.module] if node.module else [])])
            if origin.split(".")[0] == "autodiff":
                parts = {f"{origin}.{alias.name}" for alias in node.names}
                found |= {part if part in modules else origin for part in parts}
    return found


def violations(importer, imported_modules):
    """What a module may not import, in words."""
    unit = unit_of(importer)
    if unit not in FLOORS:
        return [f"{importer} has no floor: give {unit} one in FLOORS"]
    found = []
    for imported in map(unit_of, sorted(imported_modules)):
        if imported not in FLOORS:
            found.append(f"{importer} imports {imported}, which has no floor")
        elif FLOORS[unit] != FACES and imported != unit and (unit, imported) not in BESIDE and FLOORS[imported] >= FLOORS[unit]:
            found.append(f"{importer} on floor {FLOORS[unit]} imports {imported} on floor {FLOORS[imported]}")
    return found


@pytest.mark.parametrize("module", all_modules())
def test_a_module_imports_nothing_from_its_own_floor_or_above(module):
    modules = all_modules()
    file = modules[module]
    imported = imports_of(file.read_text(encoding="utf-8"), module, file.name == "__init__.py", modules)
    assert violations(module, imported) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autodiff.rules", "from autodiff.value import Value"),
        ("autodiff.ieee", "from autodiff import rules"),
        ("autodiff.value", "def f():\n    from autodiff import functions"),
        ("autodiff.value", "import autodiff.recording"),
        ("autodiff.functions", "from autodiff import recording"),
        ("autodiff.nn.layers", "from autodiff import optim"),
        ("autodiff.nn.layers", "from autodiff.drawing.dot import digraph"),
        ("autodiff.nn.layers", "from .. import drawing"),
        ("autodiff.nn.layers", "from ..drawing import draw"),
        ("autodiff.optim", "from .nn import Module"),
        ("autodiff.drawing.dot", "import autodiff.debugger"),
        ("autodiff.explain", "from autodiff import Value"),
        ("autodiff.check", "import autodiff as ad"),
        ("autodiff.check", "from autodiff._implementation import implementation"),
        ("autodiff.somewhere_new", ""),
        ("autodiff.check", "from autodiff import somewhere_new"),
    ],
)
def test_a_forbidden_import_is_seen(module, source):
    modules = {*all_modules(), *[f"autodiff.{unit}" for unit in FLOORS], "autodiff.somewhere_new"}
    assert violations(module, imports_of(source, module, False, modules)) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autodiff.rules", "from autodiff import ieee"),
        ("autodiff.symbols", "from autodiff import rules"),
        ("autodiff.nn.layers", "from autodiff.nn.module import Module\nfrom . import losses\nfrom autodiff import functions"),
        ("autodiff.debugger.page", "from autodiff import drawing, explain"),
        ("autodiff.demo", "import autodiff as ad\nfrom autodiff import nn, optim"),
        ("autodiff.optim", "import math\nfrom autodiff.value import Value"),
    ],
)
def test_a_permitted_import_is_permitted(module, source):
    modules = {*all_modules(), *[f"autodiff.{unit}" for unit in FLOORS]}
    assert violations(module, imports_of(source, module, False, modules)) == []


# ---- the public names --------------------------------------------------------------------------------------------------------

PUBLIC_NAMES = """
    Value
    AutodiffError DebuggerError GradientMismatch GraphTooLarge NonFiniteError NotInGraphError RendererFailed RendererNotFound
    SettingError ShapeError StaleRecording StateError TargetError TraceError TrainingDiverged UnknownNameError WrongFile
    gradients grad value_and_grad jacobian hessian jvp hvp check_gradients
    blame compile draw explain expression implementation nn optim record_source scope strict summary
    steps debug page History
    add sub mul div neg pow mod abs
    exp expm1 log log1p log2 log10 xlogy sqrt cbrt hypot
    sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
    erf erfc sign step where clip max min maximum minimum
    sigmoid relu softplus softsign silu gelu mish elu selu leaky_relu maxout
    take sum prod mean dot norm softmax log_softmax logsumexp
"""


def test_the_public_names_are_these():
    assert sorted(autodiff.__all__) == sorted(PUBLIC_NAMES.split())


def test_every_public_name_is_there_and_documented():
    for name in autodiff.__all__:
        thing = getattr(autodiff, name)
        assert isinstance(thing, str) or thing.__doc__, name


def test_a_star_import_gives_the_public_names(run_script):
    script = "from autodiff import *\nprint(*sorted(name for name in globals() if not name.startswith('__')))"
    assert run_script(script).split() == sorted(PUBLIC_NAMES.split())


def test_public_names_are_the_modules_and_functions_of_this_package():
    assert autodiff.nn.__name__ == "autodiff.nn"
    assert autodiff.optim.__name__ == "autodiff.optim"
    assert callable(autodiff.sum)
    assert autodiff.Value is sys.modules["autodiff.value"].Value


# ---- which implementation ----------------------------------------------------------------------------------------------------

REPORT = """
import sys
{before}
import autodiff
files = {{name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "autodiff"}}
compiled = sorted(name for name, file in files.items() if not file.endswith(".py"))
x = autodiff.Value(2.0)
(x * x).backward()
assert x.grad == 4.0
print(autodiff.implementation, len(files), *compiled)
"""


def loaded():
    return {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "autodiff"}


def test_this_run_has_loaded_what_it_says():
    """Under AUTODIFF_PURE=1 every module of this package comes from its source."""
    compiled = sorted(name for name, file in loaded().items() if not file.endswith(".py"))
    if os.environ.get("AUTODIFF_PURE") == "1":
        assert implementation == autodiff.implementation == "python"
        assert compiled == []
    else:
        assert implementation == autodiff.implementation == ("compiled" if compiled else "python")
    assert ("autodiff.value" in compiled) == (implementation == "compiled")


def test_autodiff_pure_takes_the_source_of_every_module(run_script):
    report = run_script(REPORT.format(before=""), AUTODIFF_PURE="1").split()
    assert report[0] == "python"
    assert int(report[1]) > 10
    assert report[2:] == []


@pytest.mark.parametrize("pure", ["1", "0"])
def test_cython_is_not_needed_at_run_time(run_script, pure):
    report = run_script(REPORT.format(before="sys.modules['cython'] = None"), AUTODIFF_PURE=pure).split()
    assert report[0] == ("python" if pure == "1" else report[0])


def test_importing_loads_nothing_heavy(run_script):
    script = "import sys, autodiff\nprint(*{'numpy', 'matplotlib', 'tqdm', 'IPython', 'torch', 'mpmath'} & set(sys.modules))"
    assert run_script(script).strip() == ""
