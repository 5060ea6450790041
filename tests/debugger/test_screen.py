"""What the terminal prints on: nothing that a source line or a name holds reaches the terminal as a command to it."""

import io
import linecache

import pytest

from autodiff.debugger.screen import Screen
from autodiff.engine.recording import record_source
from autodiff.engine.value import Value

ESCAPE = "\x1b[2J"


def shown(line, expression):
    """The two lines that are printed for an expression of a source line."""
    file = f"<a line of {len(line)} characters: {line!r}>"
    linecache.cache[file] = (len(line), None, [f"{line}\n"], file)
    names = {"x": Value(2.0)}
    with record_source():
        exec(compile(line, file, "exec"), names)
    stream = io.StringIO()
    screen = Screen(stream)
    source = names["y"].source
    assert source.text == expression
    screen.source_line(source)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("before", "expression", "after"),
    [
        ("", "x * 3.0", ""),
        (f"t = '{ESCAPE}'; ", "x * 3.0", ""),
        ("", f"x * len('{ESCAPE}')", ""),
        ("", "x * 3.0", f"  # {ESCAPE}"),
        (f"t = '{ESCAPE}\u202e\u200b'; ", f"x * len('{ESCAPE}')", f"  # \x07{ESCAPE}"),
    ],
)
def test_a_source_line_is_printed_without_commands_to_the_terminal(before, expression, after):
    def escaped(text):
        return text.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e").replace("\u200b", r"\u200b").replace("\x07", r"\x07")

    text, marks = shown(f"{before}y = {expression}{after}", expression)
    assert text == f"         {escaped(f'{before}y = {expression}{after}')}"[:80]
    start = 9 + len(escaped(before)) + len("y = ")
    assert marks == " " * start + "^" * len(escaped(expression))


def test_of_a_long_line_the_expression_is_in_view():
    expression = "x * 123456.0"
    text, marks = shown(f"t = {'1 + ' * 60}1; y = {expression}; z = {'2 + ' * 60}2", expression)
    assert len(text) <= 80
    assert text.lstrip().startswith("…")
    assert text[marks.index("^") : marks.rindex("^") + 1] == expression


def test_a_stream_that_knows_few_characters_gets_escapes_and_a_closed_one_nothing():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Screen(stream).say("∂loss/∂w")
    assert stream.buffer.getvalue() == b"\\u2202loss/\\u2202w\n"
    stream.close()
    Screen(stream).say("more")
