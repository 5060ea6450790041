"""Writes what the site takes from the code: the reference into docs/reference/, plots of every function, the tables of timings.

A new public name, row, command or exception is on the site by itself: names are sorted by the folder that they come from.
"""

from __future__ import annotations

import importlib
import inspect
import math
import os
import re
import sys
from pathlib import Path

import autodiff as ad
from autodiff import errors, nn, optim
from autodiff.debugger import terminal
from autodiff.engine import rules
from autodiff.graph.symbols import partials_text

# ---- which name is on which page --------------------------------------------------------------------------------------------

# Page: its title, and what stands above its names. Functions are all of the table's, and those made of them.
PAGES = {
    "value": ("Value", "A number that remembers how it was computed. Everything else works on these."),
    "functions": (
        "Functions",
        "Each takes numbers or Values, and those with a fixed number of operands NumPy arrays too. On numbers they give floats, with "
        "the same results at the edges as on Values. [The table of rules](rules.md) has their derivatives and plots.",
    ),
    "derivatives": ("Derivatives", "Functions in, functions out; and the same for Values that are there already."),
    "recording": ("Recording", "What is kept while an expression is computed, and how strictly."),
    "seeing": ("Seeing", "A recording as a picture, as a formula, as the chain rule in words."),
    "stepping": ("Stepping", "A recording event by event, forwards and backwards: in a browser, a terminal, an editor."),
    "compiling": ("Compiling", "A function recorded once and replayed over batches."),
    "nn": ("Networks: nn", "`from autodiff import nn`. Modules, losses, and a loop that trains them."),
    "optim": ("Optimisers: optim", "`from autodiff import optim`. PyTorch's names, defaults and formulas."),
    "more": ("Other names", "What the package also has."),
}
FOLDERS = {"compiler": "compiling", "debugger": "stepping", "drawing": "seeing", "explain": "seeing", "graph": "seeing"}
FOLDERS |= {"differentiate": "derivatives", "check": "derivatives", "operations": "derivatives", "recording": "recording"}
FOLDERS |= {"decisions": "recording", "nn": "nn", "optim": "optim"}


def page_of(name: str) -> str | None:
    """The page that a public name of ``autodiff`` belongs to; None for modules, and for errors, which have a page of their own."""
    thing = getattr(ad, name)
    if inspect.ismodule(thing) or (isinstance(thing, type) and issubclass(thing, (ad.AutodiffError, Warning))):
        return None
    if thing is ad.Value:
        return "value"
    if name in ad._functions.__all__:
        return "functions"
    parts = (getattr(thing, "__module__", None) or "").split(".")
    return next((FOLDERS[part] for part in reversed(parts) if part in FOLDERS), "more")


def names_by_page() -> dict[str, list[tuple[str, str]]]:
    """For each page the names on it, each with the module that a user has it from."""
    found: dict[str, list[tuple[str, str]]] = {page: [] for page in PAGES}
    for name in ad.__all__:
        page = page_of(name)
        if page is not None and not isinstance(getattr(ad, name), str):
            found[page].append(("autodiff", name))
    for module in (nn, optim):
        there = {name for _, name in found[module.__name__.split(".")[1]]}
        found[module.__name__.split(".")[1]] += [(module.__name__, name) for name in module.__all__ if name not in there]
    return {page: names for page, names in found.items() if names}


def reference_page(page: str, names: list[tuple[str, str]]) -> str:
    """Title, introduction, and the documentation of each name from its docstring."""
    title, introduction = PAGES[page]
    lines = [f"# {title}", "", introduction, "", "```{eval-rst}"]
    for module, name in names:
        thing = getattr(importlib.import_module(module), name)
        kind = "autoclass" if isinstance(thing, type) else "autofunction" if callable(thing) else "autodata"
        lines += [f".. {kind}:: {module}.{name}", ""]
    return "\n".join([*lines, "```", ""])


# ---- the table of rules -----------------------------------------------------------------------------------------------------

SPAN = [-4 + x / 50 for x in range(401)]
BLUE, ORANGE, GREY = "#3b7dc4", "#c2691a", "#7d838d"  # on light pages and on dark ones


def public_rules() -> list[rules.Rule]:
    """The rows that have a meaning of their own; the others help them."""
    return [rule for rule in rules.TABLE.values() if rule.doc]


def operands_of(rule: rules.Rule) -> tuple[list[str], list[float]]:
    """The names of the operands, and a number for each but the first: its default, else 2."""
    if rule.arity is None:
        return (["x", "y", "u", "v"], [2.0, 0.5, 1.0]) if rule.paired else (["x", "y"], [2.0])
    names = list(rule.parameters)
    free = rule.arity - len(rule.defaults)
    return names, [*[2.0] * (free - 1), *rule.defaults][: rule.arity - 1]


def rules_table() -> str:
    """Every public row: how it is written, its derivatives as the engine computes them, its meaning, its plot."""
    lines = ["| function | is written | derivatives | meaning | over its first operand |", "|---|---|---|---|---|"]
    for rule in public_rules():
        names, others = operands_of(rule)
        partials = "<br>".join(
            f"∂/∂{name} = {escaped(text)}" for name, text in zip(names, partials_text(rule, *names), strict=True)
        )
        fixed = ", ".join(f"{name} = {number:g}" for name, number in zip(names[1:], others, strict=False))
        plot = f"![{rule.name} and its derivative{', ' + fixed if fixed else ''}](plots/{rule.name}.svg)"
        lines.append(
            f"| `{rule.name}` | {escaped(rule.written(names))} | {partials} | {escaped(rule.doc)} | {plot}"
            + (f"<br>{fixed}" if fixed else "") + " |"
        )  # fmt: skip
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text for a cell of a table in Markdown."""
    return re.sub(r"([|*_<>\[\]`~^\\])", r"\\\1", text)


def plot(rule: rules.Rule) -> str:
    """An SVG: the function as a line, blue; its derivative by its first operand dashed, orange; both where they are finite."""
    _, others = operands_of(rule)
    points = []
    for x in SPAN:
        out = rule.value(x, *others)
        points.append((x, out, rule.partials(x, *others, out=out)[0] if math.isfinite(out) else math.nan))
    sizes = sorted(abs(y) for _, *ys in points for y in ys if math.isfinite(y))
    high = min(max(sizes[-1], 0.5), 4.0)
    low = -high if any(y < 0 for _, *ys in points for y in ys) else 0.0

    def place(x: float, y: float) -> str:
        return f"{110 + 25 * x:.1f},{115 - 105 * (y - low) / (high - low):.1f}"

    def line(which: int) -> str:
        pieces, piece = [], []
        for point in [*points, (0.0, math.nan, math.nan)]:
            if low - 0.05 * high <= point[which] <= 1.05 * high:
                piece.append(place(point[0], point[which]))
            elif piece:
                pieces.append("M" + " ".join(piece))
                piece = []
        return "".join(pieces)

    def label(x: float, y: float, number: float, look: str) -> str:
        left, top = place(x, y).split(",")
        return f'<text x="{left}" y="{top}" {look}>{f"{number:.3g}".replace("-", "−")}</text>'

    texts = "".join(label(x, 0, x, 'dy="11" text-anchor="middle"') for x in (-4, -2, 2, 4))
    texts += "".join(label(0, y, y, 'dx="4" dy="5"') for y in sorted({low, high} - {0.0}))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 220 132" width="220" height="132"><title>{rule.name}</title>'
        f'<g fill="none"><path stroke="{GREY}" stroke-width=".6" d="M{place(-4, 0)} {place(4, 0)}M{place(0, low)} {place(0, high)}"/>'
        f'<path stroke="{BLUE}" stroke-width="2.2" d="{line(1)}"/>'
        f'<path stroke="{ORANGE}" stroke-width="1.6" stroke-dasharray="6 3" d="{line(2)}"/></g>'
        f'<g fill="{GREY}" font-family="sans-serif" font-size="9">{texts}</g></svg>\n'
    )


RULES = """\
# The table of rules

One row each in `autodiff/engine/rules.py`: the engine, higher derivatives, pictures, the page's JavaScript and the compiler all
read it. The derivatives below are not typed in a second time; each is what the row's own formula writes down when it is given
symbols for numbers. The plots have the function as a line, blue, and its derivative by the first operand dashed, orange.

Where a function has no derivative, a convex one takes its smallest subgradient, one that can be continued its limit (which may be
infinite), and anything else is nan. `relu′(0)` and `|x|′(0)` are 0, `√x′(0)` is inf.

{table}
"""

# ---- the debugger's commands, and errors ------------------------------------------------------------------------------------

COMMANDS = """\
# The debugger's commands

`ad.debug(loss)`, `python -m autodiff debug script.py`, or `PYTHONBREAKPOINT=autodiff.debug`. Names may be shortened as long as they
are unambiguous; an empty line repeats the last command; `help COMMAND` says at the prompt what stands here. For the same
habits in pdb, and for editors, see [Beside pdb](../debugger.md).

"""


def commands_page() -> str:
    """Every command with its short names and its help."""
    lines = [COMMANDS]
    for group, names in terminal.GROUPS.items():
        lines += [f"## {group[0].upper()}{group[1:]}", "", "| command | short | what it does |", "|---|---|---|"]
        for name in names.split():
            text = inspect.getdoc(getattr(terminal.Terminal, "do_" + name.replace("-", "_"))) or ""
            usage, _, meaning = text.partition(": ")
            meaning = "<br>".join(escaped(line.strip()) for line in meaning.splitlines())
            short = ", ".join(f"`{alias}`" for alias, full in terminal.ALIASES.items() if full == name)
            usage = usage.replace("|", "\\|")
            lines.append(f"| `{usage}` | {short} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


# What to do, where the docstring of the exception does not say it.
MENDS = {
    "DebuggerError": "`help` lists the commands, `help COMMAND` its forms.",
    "DecisionWarning": "Run the Python again for the new numbers, or write the branch as `ad.where`, which is recorded.",
    "DetachedError": "Use `ad.exp(x)` in place of `math.exp(x)`, a list or an object array in place of an array of floats. Where the "
    "number alone is meant, read `x.data`.",
    "DetachedWarning": "As for `DetachedError`; `float(x)` written out is reading on purpose, and silent.",
    "GradientMismatch": "Look at the row named by `entry`: a wrong formula, or a kink within the step.",
    "GraphTooLarge": "Draw a part (`only=`, `top=`, `depth=`), let it fold (`fold=\"auto\"`), or take the loss of fewer samples.",
    "NonFiniteError": "`ad.blame(loss)` without `strict()` shows the way it came. Keep arguments inside of the domain "
    "(`ad.clip`, `ad.maximum`), or use the stable function: `log_softmax`, `logsumexp`, `softplus`, `log1p`.",
    "NonFiniteWarning": "As for `NonFiniteError`; `optim.clip_grad_norm` bounds gradients that explode.",
    "NotInGraphError": "Look at `ad.draw(loss)`: the Value was replaced, or its number was read with `.data`.",
    "OperationError": "The message has what would do. Partials are arithmetic and functions of `ad`, without `if`.",
    "RendererFailed": "The message has what the renderer said. For PDF install Graphviz itself.",
    "RendererNotFound": '`pip install "autodiff-scalar[render]"`, or `ad.set_renderer` for a Graphviz of your own.',
    "SettingError": "The message has the range.",
    "ShapeError": "The message has both numbers: what came, and what was expected.",
    "StaleRecording": "Compute the expression again after changing a leaf, or `ad.refresh(loss)`.",
    "StateError": "Build the same model as the one that was saved; `missing` and `unexpected` are the keys that differ.",
    "TargetError": "The message has the targets that the loss knows: 0 and 1, −1 and 1, or a class's index.",
    "TraceError": "`ad.where`, `ad.maximum`, `ad.take` in place of `if`, `max`, `[ ]`; `static=` for what is the same on each call.",
    "TrainingDiverged": "A smaller learning rate, `clip=`, or what the message names; `record=True` lets you go back to the step.",
    "UnknownNameError": "The message lists the names there are.",
    "WrongFile": "The file is not one that this package wrote, or is cut: save it again.",
}  # fmt: skip
ERRORS = """\
# Errors, and what mends them

Each is an `AutodiffError` and the built-in exception beside its name, so code that catches that one goes on working. The messages say
what happened, to which thing, and what to do.

| exception | is also | what happened | what mends it |
|---|---|---|---|
"""


def errors_page() -> str:
    """Every exception and warning: its built-in, its docstring's first paragraph, the remedy."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, (ad.AutodiffError, Warning))]
    rows = []
    for kind in sorted(kinds, key=lambda kind: (issubclass(kind, Warning), kind.__name__)):
        if kind is ad.AutodiffError:
            continue
        built_in = next(base.__name__ for base in kind.__mro__ if base.__module__ == "builtins")
        paragraph = " ".join(inspect.getdoc(kind).split("\n\n")[0].replace("``", "`").split())
        rows.append(
            f"| `{kind.__name__}` | `{built_in}` | {cell(paragraph)} | {cell(MENDS.get(kind.__name__, 'What its message says.'))} |"
        )
    return ERRORS + "\n".join(rows) + "\n"


def cell(text: str) -> str:
    """Markdown for a cell of a table."""
    return text.replace("|", "\\|")


# ---- timings ----------------------------------------------------------------------------------------------------------------


def tables(printed: str) -> str:
    """What ``make bench`` printed, as Markdown: a table wherever a rule of dashes stands under headings."""
    made, lines = [], printed.splitlines()
    number = 0
    while number < len(lines):
        rule = lines[number + 1] if number + 1 < len(lines) else ""
        if re.fullmatch(r"-{2,}(  -+)+", rule):
            columns = [match.span() for match in re.finditer("-+", rule)]
            rows = [lines[number]]
            number += 2
            while number < len(lines) and lines[number].strip():
                rows.append(lines[number])
                number += 1
            cells = [[cell(row[start:end].strip()) for start, end in columns] for row in rows]
            made += ["", *("| " + " | ".join(row) + " |" for row in cells[:1])]
            made += ["|" + "|".join([":--", *["--:"] * (len(columns) - 1)]) + "|"]
            made += ["| " + " | ".join(row) + " |" for row in cells[1:]] + [""]
            continue
        line = lines[number]
        before, after = lines[number - 1] if number else "", rule
        alone = bool(line.strip()) and not before.strip() and not after.strip()
        table_below = number + 3 < len(lines) and re.fullmatch(r"-{2,}(  -+)+", lines[number + 3] or "")
        made.append(f"## {line}" if alone and table_below else line)
        number += 1
    return "\n".join(made) + "\n"


# ---- all of it --------------------------------------------------------------------------------------------------------------

INDEX = """\
# Reference

Everything public, from its own docstring. `import autodiff as ad`; a leading underscore means that a name may change.

```{{toctree}}
:maxdepth: 1

{pages}
```
"""


def everything(docs: Path) -> None:
    """Write docs/reference/ and the page of timings."""
    names = names_by_page()
    pages = {page: reference_page(page, there) for page, there in names.items()}
    pages |= {"rules": RULES.format(table=rules_table()), "commands": commands_page(), "errors": errors_page()}
    order = ["value", "functions", "rules", *(page for page in pages if page not in ("value", "functions", "rules"))]
    for page, text in {**pages, "index": INDEX.format(pages="\n".join(order))}.items():
        replace(docs / "reference" / f"{page}.md", text)
    printed = (docs / "benchmarks.txt").read_text(encoding="utf-8")
    replace(docs / "_made" / "benchmarks.md", tables(printed))
    for rule in public_rules():
        replace(docs / "reference" / "plots" / f"{rule.name}.svg", plot(rule))


def replace(file: Path, text: str) -> None:
    """Write a file if it says something else, so that Sphinx reads again only what has changed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    everything(Path(os.path.dirname(os.path.abspath(sys.argv[0]))))
