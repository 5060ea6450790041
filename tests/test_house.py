"""The house: which folder may import which, the public names, and that the interpreted run is interpreted."""

import ast
import os
import pickle
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import autodiff
from autodiff._implementation import implementation

PACKAGE = Path(autodiff.__file__).parent

# ---- floors ------------------------------------------------------------------------------------------------------------------

# The folders are the floors, from the ground: one imports those below it, and its own modules. The faces, which stand beside
# the folders, import anything; nobody imports them.
FLOORS = [
    {"errors"}, {"_support"}, {"engine"}, {"graph"}, {"explain", "optim", "drawing", "compiler"}, {"nn"}, {"debugger"},
]  # fmt: skip
FACES = {"__init__", "__main__", "_implementation", "demo"}
# Inside a function, when it is called: a keyword that compiles, a notebook that shows a picture.
UPWARD = {("autodiff.engine.differentiate", "compiler"), ("autodiff.engine.value", "drawing"), ("autodiff.nn.run", "debugger")}


def room_of(module):
    """The folder, or face, that ``autodiff.nn.layers`` belongs to."""
    return [*module.split("."), "__init__"][1]


def floor_of(module):
    """On which floor ``autodiff.nn.layers`` stands; None for a face."""
    room = room_of(module)
    return None if room in FACES else next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


def modules():
    """The file of each module of this package."""
    files = {file.relative_to(PACKAGE.parent).with_suffix(""): file for file in sorted(PACKAGE.rglob("*.py"))}
    return {".".join(path.parts).removesuffix(".__init__"): file for path, file in files.items()}


def imports_of(source, everything):
    """The modules of this package that a source imports, with whether it does so inside a function."""
    tree = ast.parse(source)
    inner = {id(node) for outer in ast.walk(tree) if isinstance(outer, ast.FunctionDef) for node in ast.walk(outer)}
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [part if (part := f"{node.module}.{alias.name}") in everything else node.module for alias in node.names]
        found |= {(name, id(node) in inner) for name in names if name.split(".")[0] == "autodiff"}
    return found


def upward(importer, imported):
    """What a module may not import, of ``(module, inside a function)``."""
    own = floor_of(importer)
    found = []
    for module, local in sorted(imported):
        room = room_of(module)
        same = room_of(importer) == room
        allowed = same or (room not in FACES and floor_of(module) < own) or (local and (importer, room) in UPWARD)
        if not allowed:
            found.append(module)
    return found


@pytest.mark.parametrize("module", [module for module in modules() if floor_of(module) is not None])
def test_a_module_imports_from_the_floors_below(module):
    assert upward(module, imports_of(modules()[module].read_text(encoding="utf-8"), modules())) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autodiff.engine.rules", "from autodiff.graph.symbols import Symbol"),
        ("autodiff.engine.rules", "import autodiff.graph.symbols"),
        ("autodiff.engine.value", "from autodiff.drawing import draw"),
        ("autodiff.engine.functions", "def f():\n    from autodiff.drawing import draw"),
        ("autodiff.optim.optimizers", "from autodiff.nn.module import Module"),
        ("autodiff.drawing.dot", "from autodiff import explain"),
        ("autodiff.explain.explanation", "from autodiff import Value"),
        ("autodiff.engine.check", "import autodiff as ad"),
        ("autodiff.errors", "from autodiff._support import files"),
        ("autodiff.debugger.page", "from autodiff.demo import main"),
    ],
)
def test_a_forbidden_import_is_seen(module, source):
    assert upward(module, imports_of(source, modules())) != []


def test_no_modules_import_each_other_in_a_circle():
    everything = modules()
    graph = {
        module: {name for name, local in imports_of(file.read_text(encoding="utf-8"), everything) if not local}
        for module, file in everything.items()
        if module not in ("autodiff", "autodiff._implementation")
    }
    TopologicalSorter({module: imported - {module} for module, imported in graph.items()}).prepare()


def test_each_module_says_in_its_first_line_what_it_is():
    for module, file in modules().items():
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith('"""'), module


# ---- the public names --------------------------------------------------------------------------------------------------------

PUBLIC_NAMES = """
    Value
    AutodiffError DebuggerError DecisionWarning DetachedError DetachedWarning GradientMismatch GraphTooLarge NonFiniteError
    NonFiniteWarning NotInGraphError NotebookNotFound OperationError RendererFailed RendererNotFound SettingError ShapeError
    SingularMatrix
    StaleRecording StateError TargetError TraceError TrainingDiverged UnknownNameError WrongFile
    gradients grad value_and_grad jacobian hessian jvp hvp check_gradients
    blame compile draw explain expression implementation nn optim operation record_source refresh scope strict summary
    release_memory set_renderer why
    steps debug live page pm History
    record_run load_run
    add sub mul div neg pow mod abs
    exp expm1 log log1p log2 log10 xlogy sqrt cbrt hypot
    sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
    array zeros ones solve det
    erf erfc erfinv lgamma digamma exp2 rsqrt sinc logaddexp floor ceil round sign step where clip max min maximum minimum
    sigmoid relu softplus softsign silu gelu mish elu selu celu leaky_relu maxout hard_tanh hard_sigmoid log_sigmoid logit
    take sum prod mean dot norm softmax log_softmax logsumexp
"""


def test_the_public_names_are_these():
    assert sorted(autodiff.__all__) == sorted(PUBLIC_NAMES.split())


def test_every_public_name_is_there_and_documented():
    for name in autodiff.__all__:
        thing = getattr(autodiff, name)
        assert isinstance(thing, str) or thing.__doc__, name


def test_the_version_stands_in_one_place():
    citation = (PACKAGE.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {autodiff.__version__}\n" in citation


def test_dir_shows_the_public_names_alone():
    assert dir(autodiff) == sorted(PUBLIC_NAMES.split())


def test_values_functions_and_pickles_say_that_they_are_of_autodiff():
    x = autodiff.Value(1.0)
    assert repr(type(x)) == "<class 'autodiff.Value'>"
    assert autodiff.exp.__module__ == "autodiff"
    assert b"engine" not in pickle.dumps(x.exp())


def test_a_star_import_gives_the_public_names(run_script):
    script = "from autodiff import *\nprint(*sorted(name for name in globals() if not name.startswith('__')))"
    assert run_script(script).split() == sorted(PUBLIC_NAMES.split())


def test_public_names_are_the_modules_and_functions_of_this_package():
    assert autodiff.nn.__name__ == "autodiff.nn"
    assert autodiff.optim.__name__ == "autodiff.optim"
    assert callable(autodiff.sum)
    assert autodiff.Value is sys.modules["autodiff.engine.value"].Value


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
    assert ("autodiff.engine.value" in compiled) == (implementation == "compiled")


def test_autodiff_pure_takes_the_source_of_every_module(run_script):
    report = run_script(REPORT.format(before=""), AUTODIFF_PURE="1").split()
    assert report[0] == "python"
    assert int(report[1]) > 10
    assert report[2:] == []


@pytest.mark.parametrize("pure", ["1", "0"])
def test_cython_is_not_needed_at_run_time(run_script, pure):
    report = run_script(REPORT.format(before="sys.modules['cython'] = None"), AUTODIFF_PURE=pure).split()
    assert report[0] == ("python" if pure == "1" else report[0])
    compiles = """
import sys
sys.modules["cython"] = None
import autodiff as ad
w = ad.Value(1.0)
ad.optim.SGD([w], lr=0.5).step()
print(ad.grad(lambda x: ad.tanh(x) * x, compile=True)(0.0), *ad.compile(lambda x: x * x).map([2.0, 3.0]), w.data)
print(ad.compile(lambda i: ad.take([1.0, 3.0], i))(1))
"""
    assert run_script(compiles, AUTODIFF_PURE=pure).split() == ["0.0", "4.0", "9.0", "1.0", "3.0"]


HEAVY = "numpy matplotlib tqdm IPython torch mpmath graphviz pdb autodiff.debugger autodiff.drawing autodiff.nn"


def test_importing_loads_nothing_heavy(run_script):
    loaded = run_script("import sys\nbefore = set(sys.modules)\nimport autodiff\nprint(*set(sys.modules) - before)").split()
    assert set(HEAVY.split()).isdisjoint(loaded)


def test_a_python_without_its_lock_is_warned_about_at_import(run_script):
    script = """
import sys, warnings
sys._is_gil_enabled = lambda: False
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import autodiff
print(*[f"{warning.category.__name__}: {warning.message}" for warning in caught])
"""
    assert run_script(script).startswith("RuntimeWarning: autodiff does not support threads without the global")
    assert run_script(script.replace("False", "True")) == "\n"
