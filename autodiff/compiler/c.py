"""C: a program as one C99 file and its header, without dependencies and with static memory, for one sample.

It is written from the slots of the machine, which reuse memory: instruction by instruction, a loop each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from autodiff._support import files
from autodiff.compiler.export import Recording, recording
from autodiff.compiler.groups import Index, vector_of
from autodiff.compiler.slots import Instruction, placed
from autodiff.engine import gamma
from autodiff.engine.trees import shape_of
from autodiff.errors import UnknownNameError


def write(f: Any, file: Any, example: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The file and the header beside it."""
    path = Path(file)
    source, header = texts(f, path.stem, example, kwargs)
    files.replace(path.with_suffix(".h"), header.encode())
    files.replace(path, source.encode())


def texts(f: Any, stem: str, example: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str]:
    """The texts of the file and of the header. What they define begins with the stem."""
    from autodiff.compiler.function import VALUE, Goal

    recorded = recording(f, example, kwargs, "to_c()")
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    name = name if not name[:1].isdigit() else f"_{name}"
    used: set[str] = set()
    functions = []
    signatures = []
    if shape_of(recorded.entry.structure) == ():
        signatures.append((VALUE, f"double {name}_loss(const double *params, const double *sample)", "loss"))
        signatures.append((
            Goal("backward", stored=f.reduce is None),
            f"double {name}_loss_and_gradients(const double *params, const double *sample, double *gradients)",
            "gradients",
        ))  # fmt: skip
    else:
        signatures.append((VALUE, f"void {name}_values(const double *params, const double *sample, double *values)", "values"))
    for goal, signature, kind in signatures:
        functions.append(_Function(recorded, goal, signature, kind, used).text())
    helpers = [HELPERS[helper] for helper in HELPERS if helper in _with_callees(used)]
    head = f'#include "{stem}.h"\n\n#include <math.h>\n'
    source = "\n".join([_comment(recorded, name), head, *helpers, *functions])
    return source, _header(recorded, name, [signature for _, signature, _ in signatures])


def _comment(recorded: Recording, name: str) -> str:
    start = 0
    lines = []
    for array in recorded.arrays:
        key = re.sub(r"[^\x20-\x7e]|\*/|/\*|\?\?|\\", "_", array.key)
        lines.append(f"   {start}: {key} {' x '.join(map(str, array.shape)) or 'one number'}")
        start += len(array.values)
    return "\n".join([
        f"/* {name}: written by autodiff, independent of it. Functions of one sample, in static memory: two threads must not",
        "   call one of them at a time. To round as Python does, compile with -ffp-contract=off and without -ffast-math.",
        f"   params, and gradients likewise, are {start} numbers:" if lines else "   There are no parameters.",
        *lines,
        "*/",
    ])  # fmt: skip


def _header(recorded: Recording, name: str, signatures: Sequence[str]) -> str:
    guard = f"{name.upper()}_H"
    n_params = sum(len(array.values) for array in recorded.arrays)
    n_sample = len(recorded.entry.batched)
    sizes = [f"#define {name.upper()}_PARAMS {n_params}", f"#define {name.upper()}_SAMPLE {n_sample}"]
    if len(signatures) == 1:
        sizes.append(f"#define {name.upper()}_VALUES {recorded.entry.structure.size}")
    body = [f"{signature};" for signature in signatures]
    opening, closing = ["#ifdef __cplusplus", 'extern "C" {', "#endif"], ["#ifdef __cplusplus", "}", "#endif"]
    lines = [f"#ifndef {guard}", f"#define {guard}", "", *sizes, "", *opening, "", *body, "", *closing, "", "#endif", ""]
    return "\n".join(lines)


class _Function:
    """One function and its tables."""

    def __init__(self, recorded: Recording, goal: Any, signature: str, kind: str, used: set[str]):
        self.replay = recorded.entry.replay(goal)
        self.program = placed(self.replay.program)
        self.places = {p: i for i, p in enumerate(p for array in recorded.places(self.replay) for p in array.places)}
        self.n_params = sum(len(array.values) for array in recorded.arrays)
        self.stored_loss = bool(goal.stored)
        self.signature = signature
        self.kind = kind
        self.short = re.sub(r"\W", "_", signature.partition("(")[0].split()[-1])
        self.used = used
        self.tables: dict[tuple[int, ...], str] = {}
        self.lines: list[str] = []

    def text(self) -> str:
        program = self.program
        n = len(program.constants)
        params = [self.places[j] for j in range(self.replay.program.n_parameters)]
        self.copied(range(n, n + len(params)), params, "v", "params")
        self.copied(program.inputs, range(len(program.inputs)), "v", "sample")
        for instruction in [*program.once, *program.each]:
            self.write(instruction)
        if self.kind == "values":
            self.copied(range(len(program.stored)), program.stored, "values", "v")
        elif self.kind == "loss":
            self.lines.append(f"return v[{program.stored[0]}];")
        else:
            sums = program.summed if self.stored_loss else program.summed[1:]
            loss = program.stored[0] if self.stored_loss else program.summed[0]
            targets = [self.places[j] for j in range(len(sums))]
            if len(targets) < self.n_params:
                self.lines.append(f"for (int i = 0; i < {self.n_params}; i++) gradients[i] = 0.0;")
            self.copied(targets, sums, "gradients", "v")
            self.lines.append(f"return v[{loss}];")
        size = max(program.uniform + program.varying, 1)
        constants = f" = {{{', '.join(map(_number, program.constants))}}}" if program.constants else ""
        tables = [
            f"static const unsigned {'short' if max(table) < 65536 else 'int'} {name}[{len(table)}] = "
            f"{{{', '.join(map(str, table))}}};"
            for table, name in self.tables.items()
        ]
        unused = [f"(void){name};" for name, n in (("params", len(params)), ("sample", len(program.inputs))) if not n]
        if self.kind == "gradients" and not self.n_params:
            unused.append("(void)gradients;")
        body = "\n".join(f"    {line}" for line in [f"static double v[{size}]{constants};", *unused, *self.lines])
        return "\n".join([*tables, f"{self.signature} {{", body, "}", ""])

    def copied(self, targets: Sequence[int], sources: Sequence[int], to: str, of: str) -> None:
        if not len(targets):
            return
        target, source = vector_of(targets), vector_of(sources)
        self.loop(len(targets), lambda i: f"{to}[{self.at(target, i)}] = {of}[{self.at(source, i)}];")

    def loop(self, n: int, statement: Callable[[str], str]) -> None:
        if n == 1:
            self.lines.append(statement("0"))
        elif n:
            self.lines.append(f"for (int i = 0; i < {n}; i++) {statement('i')}")

    def at(self, index: Index, row: str, column: str = "0", columns: int = 1) -> str:
        """The number of a slot: in this row and column."""
        if index.table is not None:
            if row == column == "0":
                return str(index.table[0])
            place = row if columns == 1 else column if row == "0" else f"{row} * {columns} + {column}"
            return f"{self.table(index.table)}[{place}]"
        words = [str(index.start)]
        for number, step in ((row, index.rows), (column, index.columns)):
            if number != "0" and step:
                words.append(f"{'+' if step > 0 else '-'} {number}" + (f" * {abs(step)}" if abs(step) > 1 else ""))
        return " ".join(words)

    def table(self, slots: Sequence[int]) -> str:
        table = tuple(slots)
        if table not in self.tables:
            self.tables[table] = f"{self.short}_t{len(self.tables)}"
        return self.tables[table]

    # ---- instructions -------------------------------------------------------------------------------------------------------

    def write(self, instruction: Instruction, turn: str = "t") -> None:
        """The lines of an instruction. ``turn`` counts the times of the loop around it."""
        kind, op, (rows, columns, depth), target, operands, body = instruction
        to = Index(target, 1)
        if kind == "loop":
            self.lines.append(f"for (int {turn}t = 0; {turn}t < {rows}; {turn}t++) {{")
            for inner in body:
                self.write(inner, turn + "t")
            self.lines.append("}")
        elif kind == "take":
            self.lines += [f"v[{target + r}] = v[{self.at(operand, turn)}];" for r, operand in enumerate(operands)]
        elif kind == "keep":
            self.loop(rows, lambda i: f"v[{target} + {turn} * {rows} + {i}] = v[{self.at(operands[0], i)}];")
        elif kind == "map":
            self.map(op, rows, to, operands)
        elif kind == "fill":
            self.loop(rows, lambda i: f"v[{self.at(to, i)}] = {'0.0' if op == '+0' else '-0.0'};")
        elif kind == "start":
            zero = " + 0.0" if op == "+0" else ""
            self.loop(rows, lambda i: f"v[{self.at(to, i)}] = v[{self.at(operands[0], i)}]{zero};")
        elif kind == "gain":
            self.loop(rows, lambda i: f"v[{self.at(to, i)}] {op}= v[{self.at(operands[0], i)}];")
        elif kind == "sums":
            self.sums(op, rows, depth, to, operands[0])
        elif kind in ("rows", "summed terms"):
            self.nested(rows, depth, op, lambda i, k: f"v[{self.at(operands[0], i, k, depth)}]", to)
        elif kind in ("dots", "summed dots"):
            self.nested(rows, depth, op, lambda i, k: " * ".join(f"v[{self.at(index, i, k, depth)}]" for index in operands), to)
        elif kind in ("product", "summed product"):
            left, right = operands
            i, j, k = [name if n > 1 else "0" for name, n in (("i", rows), ("j", columns), ("k", depth))]
            place = self.at(Index(target, columns, 1), i, j)
            term = f"v[{self.at(left, i, k, depth)}] * v[{self.at(right, j, k, depth)}]"
            loops = [f"for (int {name} = 0; {name} < {n}; {name}++)" for name, n in ((i, rows), (j, columns)) if n > 1]
            self.lines.append(" ".join([*loops, self.summed(place, depth, op, term)]))
        else:
            raise AssertionError(f"an instruction of the machine that C does not know: {kind}")

    def sums(self, op: str, rows: int, wide: int, to: Index, table: Index) -> None:
        """Whole sums: where they begin, and the signs of their terms, with a dot for a product; a row of slots for each."""
        slots = self.table(table.entries(rows, wide))

        def statement(i: str) -> str:
            words = [f"double s = {'0.0' if op[:2] == '+0' else '-0.0'};"]
            start = 0
            for (sign, dot), terms in groupby(re.findall(r"([+-])(·?)", op[2:])):
                count, step = len(list(terms)), 2 if dot else 1
                place = f"{i} * {wide} + {start} + k" + (" * 2" if dot else "")
                term = f"v[{slots}[{place}]]" + (f" * v[{slots}[{place} + 1]]" if dot else "")
                words.append(f"for (int k = 0; k < {count}; k++) s {sign}= {term};")
                start += count * step
            return f"{{ {' '.join(words)} v[{self.at(to, i)}] = s; }}"

        self.loop(rows, statement)

    def nested(self, rows: int, depth: int, sign: str, term: Callable[[str, str], str], to: Index) -> None:
        k = "k" if depth > 1 else "0"
        self.loop(rows, lambda i: self.summed(self.at(to, i), depth, sign, term(i, k)))

    @staticmethod
    def summed(place: str, depth: int, sign: str, term: str) -> str:
        if depth == 1:
            return f"v[{place}] {sign}= {term};"
        return f"{{ double s = v[{place}]; for (int k = 0; k < {depth}; k++) s {sign}= {term}; v[{place}] = s; }}"

    def map(self, op: str, rows: int, to: Index, operands: Sequence[Index]) -> None:
        if op not in SPELLINGS:
            raise UnknownNameError(f"the operation {op!r} has no spelling in C: write it with the operations of the table")
        form = SPELLINGS[op]
        self.used |= {name for name in HELPERS if f"{name}(" in form}

        def statement(i: str) -> str:
            words = [f"v[{self.at(index, i)}]" for index in operands]
            if "{*}" not in form:
                return f"v[{self.at(to, i)}] = {form.format(*words)};"
            filled = " ".join(f"a[{k}] = {word};" for k, word in enumerate(words))
            call = form.replace("{*}", f"a, {len(words)}")
            return f"{{ double a[{max(len(words), 1)}]; {filled} v[{self.at(to, i)}] = {call}; }}"

        self.loop(rows, statement)


def _number(x: float) -> str:
    if x != x:
        return "NAN"
    return repr(x) if abs(x) != float("inf") else "INFINITY" if x > 0 else "-INFINITY"


def _with_callees(names: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in HELPERS if other != name and f"{other}(" in HELPERS[name]]
    return found


SPELLINGS: dict[str, str] = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}", "abs": "fabs({0})",
    "where": "{0}", "held": "{0}",
    **{name: f"{name}({{0}})" for name in (
        "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
        "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "floor",
    )},
    "hypot": "hypot({0}, {1})", "atan2": "atan2({0}, {1})",
    "exp2": "exp2({0})", "lgamma": "lgamma({0})", "polygamma": "op_polygamma({0}, {1})", "sinc": "op_sinc_order({0}, 0.0)",
    "sinc_order": "op_sinc_order({0}, {1})", "rsqrt": "1.0 / sqrt({0})", "ceil": "ceil({0})", "round": "rint({0})",
    "log_sigmoid": "-op_softplus(-({0}))", "hard_tanh": "op_greater(op_less({0}, 1.0), -1.0)",
    "hard_sigmoid": "op_greater(op_less(({0} + 3.0) / 6.0, 1.0), 0.0)", "logaddexp": "op_logsumexp({*})",
    "greater": "{0} > {1} ? 1.0 : 0.0", "greater_equal": "{0} >= {1} ? 1.0 : 0.0", "equal": "{0} == {1} ? 1.0 : 0.0",
    "select": "{0} != 0.0 ? {1} : {2}", "sign": "op_compare({0}, 0.0)",
    "pow": "op_pow({0}, {1})", "mod": "op_mod({0}, {1})", "at_least": "op_greater({0}, {1})", "at_most": "op_less({0}, {1})",
    **{name: f"op_{name}({{0}})" for name in (
        "step", "nonnegative", "sigmoid", "relu", "softplus", "softsign", "silu", "gelu", "mish", "selu", "sech2", "cosquare",
        "logit", "erfinv", "digamma",
    )},
    **{name: f"op_{name}({{0}}, {{1}})" for name in (
        "compare", "mul0", "div0", "xlogy", "xlog1py", "elu", "celu", "leaky_relu", "quotient", "power_slope", "power_log",
    )},
    **{name: f"op_{name}({{*}})" for name in ("max", "min", "sum", "prod", "dot", "norm", "logsumexp", "taken", "power_poly")},
}  # fmt: skip


def _helper(head: str, body: str) -> str:
    return f"static double op_{head} {{ {body} }}\n"


def _array(name: str, numbers: Sequence[float]) -> str:
    return f"static const double {name}[{len(numbers)}] = {{{', '.join(map(repr, numbers))}}};"


def _series(sum_: str, name: str, n: int, x: str) -> str:
    """Horner's rule."""
    return f"{sum_} = 0.0; for (int k = {n} - 1; k >= 0; k--) {sum_} = {sum_} * ({x}) + {name}[k];"


GAMMA_PIECES = gamma.DIGAMMA[1:]
PI = repr(math.pi)
HELPERS: dict[str, str] = {
    "op_sinc_order": _helper("sinc_order(double x, double n)",
                             "if (isnan(x)) return x; if (!(n >= 0.0 && n <= 60.0)) return NAN; if (isinf(x)) return 0.0; "
                             f"int m = (int)n; double u = {PI} * x, t = rint(x), g = fmod(t, 2.0) == 0.0 ? 1.0 : -1.0; "
                             f"double s = g * sin({PI} * (x - t)), c = g * cos({PI} * (x - t)), w[4] = {{s, c, -s, -c}}; "
                             "double f = 0.0; if (u != 0.0 && fabs(u) >= m) { f = s / u; "
                             "for (int k = 1; k <= m; k++) f = (w[k % 4] - k * f) / u; } "
                             "else for (int k = 20 + 12 * m / 5; k > m; k--) f = (w[k % 4] - u * f) / k; "
                             f"return m ? f * pow({PI}, m) : u == 0.0 ? 1.0 : s / u;"),
    "op_digamma": _helper("digamma(double x)",
                          " ".join(_array(f"c{i}", numbers) for i, (_, _, numbers) in enumerate(GAMMA_PIECES))
                          + _array("b", [b / (2 * k + 2) for k, b in enumerate(gamma.BERNOULLI)])
                          + " if (isnan(x) || (isinf(x) && x > 0.0)) return x; if (x == 0.0) return -1.0 / x; "
                          "if (x < 0.0 && x == rint(x)) return NAN; "
                          f"if (x < 0.0) {{ double a = {PI} * (x - rint(x)); "
                          f"return op_digamma(1.0 - x) - {PI} * cos(a) / sin(a); }} "
                          "if (x < 1.0) return op_digamma(x + 1.0) - 1.0 / x; double s, d, q; "
                          f"if (x >= 8.0) {{ q = 1.0 / x / x; {_series('s', 'b', len(gamma.BERNOULLI), 'q')} "
                          "return log(x) - (0.5 / x + q * s); } "
                          + " ".join(
                              f"if (x < {end!r}) {{ q = x - {centre!r}; s = 0.0; "
                              f"for (int k = {len(numbers) - 1}; k > 0; k--) s = s * q + c{i}[k]; s *= q; "
                              + (f"d = x - {gamma.ZERO!r}; "
                                 f"return c{i}[0] * d + (s * d - (c{i}[0] + s) * {gamma.ZERO_REST!r}); }}"
                                 if centre == 2.0 else f"return c{i}[0] + s; }}")
                              for i, (end, centre, numbers) in enumerate(GAMMA_PIECES)
                          ) + " return x;"),
    "op_zeta": _helper("zeta(int n, double x)",
                       _array("b", [b / math.factorial(2 * k + 2) for k, b in enumerate(gamma.BERNOULLI)])
                       + " double s = 0.0, y = x + 12.0, f = n * pow(y, -n - 1.0); "
                       "for (int k = 0; k < 12; k++) s += pow(x + k, -n); "
                       "s += pow(y, 1.0 - n) / (n - 1.0) + 0.5 * pow(y, -n); "
                       f"for (int k = 0; k < {len(gamma.BERNOULLI)}; k++) {{ s += b[k] * f; "
                       "f = f * (n + (2 * k + 1)) * (n + (2 * k + 2)) / (y * y); } return s;"),
    "op_polygamma": _helper("polygamma(double x, double n)",
                            f"if (isnan(x) || !(n >= 0.0 && n <= {gamma.LARGEST_ORDER}.0)) return NAN; "
                            "int s = (int)n + 1; double g = s % 2 ? -1.0 : 1.0, f; if (s == 1) return op_digamma(x); "
                            "if (isinf(x)) return x > 0.0 ? 0.0 : NAN; "
                            "if (x <= 0.0 && x == rint(x)) return g > 0.0 ? INFINITY : x == 0.0 ? -1.0 / x : NAN; "
                            "if (x > 0.0) f = op_zeta(s, x); else { double r = x - rint(x), p = op_zeta(s, fabs(r)), "
                            "q = op_zeta(s, 1.0 - fabs(r)); f = (r > 0.0 ? p + g * q : q + g * p) - g * op_zeta(s, 1.0 - x); } "
                            "for (int k = 2; k < s; k++) f *= k; return g * f;"),
    "op_mul0": _helper("mul0(double x, double y)",
                       "return (x == 0.0 && isinf(y)) || (y == 0.0 && isinf(x)) ? 0.0 : x * y;"),
    "op_div0": _helper("div0(double x, double y)", "return x == 0.0 && y == 0.0 ? 0.0 : x / y;"),
    "op_nonnegative": _helper("nonnegative(double x)", "return x >= 0.0 ? x + 0.0 : NAN;"),
    "op_compare": _helper("compare(double x, double y)",
                          "return isnan(x) || isnan(y) ? NAN : (double)((x > y) - (x < y));"),
    "op_step": _helper("step(double x)", "return isnan(x) ? x : x > 0.0 ? 1.0 : 0.0;"),
    "op_greater": _helper("greater(double x, double y)", "return isnan(x) ? x : isnan(y) ? y : x < y ? y : x;"),
    "op_less": _helper("less(double x, double y)", "return isnan(x) ? x : isnan(y) ? y : y < x ? y : x;"),
    "op_relu": _helper("relu(double x)", "return x <= 0.0 ? 0.0 : x;"),
    "op_pow": _helper("pow(double x, double y)", "return y == 2.0 ? x * x : pow(x, y);"),
    "op_mod": _helper("mod(double x, double y)",
                      "double r = fmod(x, y); return r == 0.0 ? copysign(0.0, y) : (r < 0.0) != (y < 0.0) ? r + y : r;"),
    "op_xlogy": _helper("xlogy(double x, double y)", "return op_mul0(x, log(y));"),
    "op_xlog1py": _helper("xlog1py(double x, double y)", "return op_mul0(x, log1p(y));"),
    "op_sigmoid": _helper("sigmoid(double x)",
                          "double e = exp(-fabs(x)); return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);"),
    "op_softplus": _helper("softplus(double x)", "return op_relu(x) + log1p(exp(-fabs(x)));"),
    "op_softsign": _helper("softsign(double x)", "return isinf(x) ? copysign(1.0, x) : x / (1.0 + fabs(x));"),
    "op_silu": _helper("silu(double x)", "return op_mul0(op_sigmoid(x), x);"),
    "op_gelu": _helper("gelu(double x)", f"return op_mul0(0.5 * erfc(-{0.5**0.5!r} * x), x);"),
    "op_mish": _helper("mish(double x)", "return op_mul0(tanh(op_softplus(x)), x);"),
    "op_elu": _helper("elu(double x, double a)", "return op_relu(x) + a * expm1(op_less(0.0, x));"),
    "op_celu": _helper("celu(double x, double a)", "return op_relu(x) + a * expm1(op_less(0.0, x) / a);"),
    "op_logit": _helper("logit(double x)",
                        "return x >= 0.25 && x <= 0.75 ? 2.0 * atanh(2.0 * x - 1.0) : log(x / (1.0 - x));"),
    "op_erfinv": _helper("erfinv(double x)",
                         "double m = fabs(x), l, h, y; if (!(m < 1.0)) return m == 1.0 ? x * INFINITY : NAN; "
                         f"if (m < 1e-8) return x * {math.sqrt(math.pi) / 2!r}; l = log1p(-m) + log1p(m); "
                         f"h = {2 / (math.pi * 0.147)!r} + l / 2.0; y = sqrt(-l / 0.147 / (h + sqrt(h * h - l / 0.147))); "
                         "for (int i = 0; i < 4; i++) y -= (m < 0.5 ? erf(y) - m : 1.0 - m - erfc(y)) * "
                         f"{math.sqrt(math.pi) / 2!r} * exp(y * y); return copysign(y, x);"),
    "op_selu": _helper("selu(double x)", "return 1.0507009873554805 * op_elu(x, 1.6732632423543772);"),
    "op_leaky_relu": _helper("leaky_relu(double x, double a)", "return op_relu(x) + a * op_less(0.0, x);"),
    "op_quotient": _helper("quotient(double x, double y)", "return floor((x - op_mod(x, y)) / y + 0.5);"),
    "op_power_slope": _helper("power_slope(double x, double y)",
                              "return y == 0.0 ? 0.0 : op_mul0(y, op_pow(x, y - 1.0));"),
    "op_power_log": _helper("power_log(double x, double y)", "return op_mul0(op_pow(x, y), log(x));"),
    "op_power_poly": _helper("power_poly(const double *x, int n)",
                             "double s = x[n - 1]; for (int k = n - 2; k > 1; k--) s = op_mul0(s, log(x[0])) + x[k]; "
                             "return op_mul0(op_pow(x[0], x[1]), s);"),
    "op_sech2": _helper("sech2(double x)", "return 4.0 * op_sigmoid(2.0 * x) * op_sigmoid(-2.0 * x);"),
    "op_cosquare": _helper("cosquare(double x)", "return (1.0 - x) * (1.0 + x);"),
    "op_max": _helper("max(const double *x, int n)",
                      "double m = x[0]; for (int i = 1; i < n; i++) m = op_greater(m, x[i]); return m;"),
    "op_min": _helper("min(const double *x, int n)",
                      "double m = x[0]; for (int i = 1; i < n; i++) m = op_less(m, x[i]); return m;"),
    "op_sum": _helper("sum(const double *x, int n)", "double s = 0.0; for (int i = 0; i < n; i++) s += x[i]; return s;"),
    "op_prod": _helper("prod(const double *x, int n)", "double p = 1.0; for (int i = 0; i < n; i++) p *= x[i]; return p;"),
    "op_dot": _helper("dot(const double *x, int n)",
                      "double s = 0.0; for (int i = 0; i < n / 2; i++) s += x[i] * x[n / 2 + i]; return s;"),
    "op_norm": _helper("norm(const double *x, int n)",
                       "double m = 0.0, s = 0.0; for (int i = 0; i < n; i++) { if (isinf(x[i])) return INFINITY; "
                       "m = op_greater(m, fabs(x[i])); } if (!(m > 0.0)) return m; "
                       "for (int i = 0; i < n; i++) s += (x[i] / m) * (x[i] / m); return m * sqrt(s);"),
    "op_logsumexp": _helper("logsumexp(const double *x, int n)",
                            "double m = op_max(x, n), s = 0.0; if (isinf(m)) return m; "
                            "for (int i = 0; i < n; i++) s += exp(x[i] - m); return m + log(s);"),
    "op_taken": _helper("taken(const double *x, int n)",
                        "return x[0] >= 0.0 && x[0] < n - 1 && x[0] == floor(x[0]) ? x[1 + (int)x[0]] : NAN;"),
}  # fmt: skip
# each before those that call it
HELPERS = {
    name: HELPERS[name]
    for name in sorted(HELPERS, key=lambda name: (len(_with_callees({name})), name))
}  # fmt: skip
