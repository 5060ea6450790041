"""Operations, numbers and scopes as a box spells them: ``σ(z)``, ``(y − a)²``, ``… · 1.5``, ``6.022e23``, ``layers.0``."""

from __future__ import annotations

import math

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.graph.names import Names
from autodiff.graph.symbols import number_text as number_text

ANYTHING = "…"  # an operand without a name that would fit
MOST_SPELLED = 4  # operands of one operation that are spelled one by one
LONGEST_WORD = 12  # characters of an operand's name or spelling that is repeated where it is used
DEEPEST = 4  # operations inside one another that are spelled
ATOM = 9  # the precedence of what needs no brackets

SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def spelled(node: Value, names: Names, depth: int = DEEPEST) -> str:
    """An operation as its row of the table spells it; empty for a leaf.

    Operands are written by name, or spelled if that is short; ``…`` stands for the others.
    """
    if not node.op:
        return ""
    rule, arguments = rules.TABLE[node.op], node.arguments
    if rule.arity is None:
        words = [_word_for(argument, names, depth)[0] for argument in arguments[: MOST_SPELLED + 1]]
        if len(words) > MOST_SPELLED or set(words) == {ANYTHING}:
            words = [ANYTHING] * (2 if "{<}" in rule.spelling else 1)
        return rule.written(words)
    words = []
    for place, argument in enumerate(arguments):
        word, precedence = _word_for(argument, names, depth)
        # as strong as its surroundings is strong enough on the left, but for powers
        strong = precedence >= rule.precedence + (place > 0 or rule.name == "pow")
        words.append(word if strong or rule.precedence == ATOM else f"({word})")
    if rule.spelling == "{0}":  # passes its operand on, so that the spelling alone says nothing
        return f"{rule.name}({words[0]})"
    exponent = arguments[-1]
    if rule.name == "pow" and isinstance(exponent, float) and exponent.is_integer():
        return words[0] + number_text(exponent).translate(SUPERSCRIPTS)
    return rule.written(words)


def _word_for(argument: Value | float, names: Names, depth: int) -> tuple[str, int]:
    """What to write for an operand, and its precedence: a number, a short name, a short spelling, or ``…``."""
    if not isinstance(argument, Value):
        return number_text(argument), 0 if math.copysign(1.0, argument) < 0 else ATOM
    name = names.of(argument)
    if name:
        return (name if len(name) <= LONGEST_WORD and not any(map(str.isspace, name)) else ANYTHING), ATOM
    spelling = spelled(argument, names, depth - 1) if depth and argument.op else ANYTHING
    if ANYTHING in spelling or len(spelling) > LONGEST_WORD:
        return ANYTHING, ATOM
    return spelling, rules.TABLE[argument.op].precedence


def anyhow(op: str) -> str:
    """An operation whatever its operands: ``relu(…)``, ``… + …``."""
    rule = rules.TABLE[op]
    if rule.spelling == "{0}":
        return f"{op}({ANYTHING})"
    return rule.written([ANYTHING] * (rule.arity or (2 if "{<}" in rule.spelling else 1)))


def counted(number: int, thing: str) -> str:
    """``1 Value``, ``1,600 Values``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
