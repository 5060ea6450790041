# The types of kernels.py for type checkers, which do not see what the compiled module has in the place of functions.
from collections.abc import Callable

SELU_SCALE: float
SELU_ALPHA: float
SQRT_HALF: float

class Kernel:
    name: str
    arity: int
    handle: int
    def __init__(self, name: str, arity: int, handle: int) -> None: ...
    def __call__(self, x: float, *others: float) -> float: ...

KERNELS: dict[str, Kernel]

exp: Callable[[float], float]
expm1: Callable[[float], float]
log: Callable[[float], float]
log1p: Callable[[float], float]
sin: Callable[[float], float]
cos: Callable[[float], float]
tanh: Callable[[float], float]
sign: Callable[[float], float]
step: Callable[[float], float]
nonnegative: Callable[[float], float]
sech2: Callable[[float], float]
cosquare: Callable[[float], float]
sigmoid: Callable[[float], float]
relu: Callable[[float], float]
softplus: Callable[[float], float]
softsign: Callable[[float], float]
div: Callable[[float, float], float]
pow: Callable[[float, float], float]
mod: Callable[[float, float], float]
quotient: Callable[[float, float], float]
power_slope: Callable[[float, float], float]
power_log: Callable[[float, float], float]
mul0: Callable[[float, float], float]
div0: Callable[[float, float], float]
compare: Callable[[float, float], float]
at_least: Callable[[float, float], float]
at_most: Callable[[float, float], float]
