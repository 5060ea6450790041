"""What can be asked: ``explain(loss, w)``, ``expression(loss)``, ``blame(loss)``, ``why(loss, w)``.

What writes the answers is imported when they are called, for most programs never ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autodiff.engine.value import Value

if TYPE_CHECKING:
    from autodiff.explain.explanation import Blame, Explanation
    from autodiff.explain.why import Why


def explain(loss: Value, variable: Value, max_paths: int = 6) -> Explanation:
    """How d loss / d variable comes about: the chain rule in symbols, then in numbers, then the sum over all paths.

    >>> import autodiff as ad
    >>> w, i, y = ad.Value(0.8, "w"), ad.Value(1.5, "i"), ad.Value(0.5, "y")
    >>> a = i * w
    >>> C = (a - y) ** 2
    >>> a.name, C.name = "a", "C"
    >>> ad.explain(C, w)
    dC/dw = dC/da · da/dw = 2(a − y) · i = 1.4 · 1.5 = 2.1
    where C = (a − y)², a = i · w
    w.grad is 0: backward() was not called, or the gradient was set to zero since

    The formulas are those of the table of operations. Values without a name are taken into the formula of those that have
    one. Of more than ``max_paths`` paths those that contribute most are written out and the others counted. The last line
    compares with ``variable.grad``. Needs no ``backward()``, and changes nothing.

    Raises ``TypeError`` for anything but Values, ``ValueError`` for ``max_paths`` below 1.
    """
    for thing in (loss, variable):
        if not isinstance(thing, Value):
            raise TypeError(f"explain() takes two Values, not {type(thing).__name__}")
    if max_paths < 1:
        raise ValueError(f"max_paths={max_paths!r}: at least one path is explained")
    from autodiff.explain.explanation import Explanation

    return Explanation(loss, variable, max_paths)


def expression(loss: Value) -> str:
    """What ``loss`` was computed from, in infix: ``(y − i · w)²``.

    What is used more than once, or would make a line too long, is named and stands on a line of its own before.
    Raises ``TypeError`` for anything but a Value.
    """
    if not isinstance(loss, Value):
        raise TypeError(f"expression() takes a Value, not {type(loss).__name__}")
    from autodiff.explain import formulas
    from autodiff.graph.walk import Walk

    return formulas.expression(Walk(loss))


def blame(loss: Value, gradients: bool = False) -> Blame:
    """The first operation, in forward order, whose result is nan or infinite, with its operands and, if recorded, its line.

    With ``gradients=True`` the first edge, in backward order, that makes a gradient so: the operation whose local derivative
    it is, and the operand. The backward pass is gone through anew for that; nothing changes. Where all is finite the answer
    has no ``node``, is false, and says so. Raises ``TypeError`` for anything but a Value.
    """
    if not isinstance(loss, Value):
        raise TypeError(f"blame() takes a Value, not {type(loss).__name__}")
    from autodiff.explain.explanation import blamed

    return blamed(loss, gradients)


def why(loss: Value, variable: Value, *, parameters: Iterable[Value] = (), page: str | None = None) -> Why:
    """Why d loss / d variable is as small, as large, 0 or nan as it is, and what would change it, measured.

    ``print(ad.why(loss, w))`` says, for one ::

        ∂loss/∂w = 4.1e-06: small, a 2,400th of the median of the 12 other leaves
          91 % of it runs over v41 = tanh(z) in layers.1.neurons.3: tanh is saturated at 6.2, ×1.6e-05
        measured, by computing it again:
          every parameter × 0.5  gradient 0.0021, loss 0.31
        in its page: #step=57

    The share of an edge is that of all paths from the loss to the variable, each by the size of what it contributes. A
    gradient is small or large by itself (below 1e-3, above 1e3) or beside those of the other leaves (a hundredth of their
    median, a hundred times it). The changes are other numbers for the same recording, and are no advice: another initialiser
    (all ``parameters`` halved, doubled, or drawn anew with the same spread), inputs scaled, a step of descent at some rate, a
    leaky relu in the place of one that is dead, an operand moved away from where a derivative is infinite. Parameters are, if
    they are not given, the leaves that a module has named, or else all leaves with a name; inputs are the other leaves, and
    plain numbers that leaves are multiplied by. ``page`` is the file of a page of this loss, to make the link a whole one.

    Needs no ``backward()``, and changes nothing. Raises ``TypeError`` for anything but Values, and ``NotInGraphError`` for one
    that the loss was not computed from.
    """
    for thing in (loss, variable):
        if not isinstance(thing, Value):
            raise TypeError(f"why() takes two Values, a loss and what it was computed from, not {type(thing).__name__}")
    from autodiff.explain.why import Why

    return Why(loss, variable, parameters, page)
