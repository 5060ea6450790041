"""Runs in the playground's worker: a reader's code, and what there is to see of it."""

import ast
import linecache
import sys
import traceback
from time import perf_counter

import autodiff as ad
from autodiff.debugger.page import Page
from autodiff.drawing.dot import Drawing
from autodiff.engine.recording import watching

FILE = "playground.py"
MOST = 6  # Values that are drawn; the rest is named
LONGEST = 20_000  # characters of a repr


def run(code, report):
    """Run it. ``report(kind, ...)`` is told the last expression, the error, and each Value that called ``backward()``."""
    last_of_line = {}  # by line: how often, and the last Value

    def seen(value, file, line):
        if file == FILE:
            last_of_line[line] = last_of_line.get(line, (0,))[0] + 1, value

    started = perf_counter()
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    sys.modules["__main__"].__dict__.clear()
    names = sys.modules["__main__"].__dict__
    names |= {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        tree = ast.parse(code, FILE)
        last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with ad.record_source(), watching(seen):
            exec(compile(tree, FILE, "exec"), names)
            result = None if last is None else eval(compile(last, FILE, "eval"), names)
        sys.stdout.flush()
        if result is not None:
            show_result(result, report)
    except BaseException as error:
        if not (isinstance(error, SystemExit) and not error.code):
            sys.stdout.flush()
            report("error", text_of(error))
    sys.stdout.flush()
    for number, (line, (count, value)) in enumerate(last_of_line.items()):
        show(value, line, count, number < MOST, report)
    report("done", perf_counter() - started)


def text_of(error):
    """The traceback, from the reader's code on."""
    told = traceback.TracebackException.from_exception(error)
    while told.stack and told.stack[0].filename != FILE:
        del told.stack[0]
    return "".join(told.format())


def show_result(result, report):
    """A picture or a page as itself, anything else as its repr."""
    if isinstance(result, Page):
        report("page", result.title, result.html)
    elif isinstance(result, Drawing):
        report("picture", "The last expression", result.pipe(encoding="utf-8"))
    else:
        text = repr(result)
        report("result", text if len(text) <= LONGEST else f"{text[:LONGEST]} …")


def show(value, line, count, draws, report):
    """The graph and the live page of a Value, or why it has none."""
    name = value.name or "a Value"
    told = f" = {value.data:.6g}: backward() in line {line}" + (f", called {count:,} times, here the last" if count > 1 else "")
    if not draws:
        report("value", f"{name}{told}; not drawn, as there are {MOST} before it", None, None)
        return
    picture = page = None
    try:
        made = ad.page(value)
        name, page = made.title.removeprefix("Steps of "), made.html
        picture = ad.draw(value).pipe(encoding="utf-8")
    except ad.GraphTooLarge as error:
        told += f". No page: {error}"
        picture = ad.draw(value).pipe(encoding="utf-8")
    report("value", name + told, picture, page)
