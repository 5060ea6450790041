"""The logarithm of the gamma function and its derivatives, of floats: ``lgamma``, ``digamma``, ``polygamma``.

``math.lgamma`` loses digits near its zeros 1 and 2; here a polynomial is multiplied by the distance to a zero. Elsewhere
Stirling's series, recurrences and reflections as in Abramowitz and Stegun 6.1.41, 6.3.5, 6.3.7, 6.3.18, 6.4.6, 6.4.7, 6.4.11.
"""

from __future__ import annotations

import math
from math import copysign, inf, isinf, nan

from autodiff.engine import ieee
from autodiff.engine.ieee import cos, fabs, log, nearest, polynomial, sin

# Polynomials in x − c, the lowest power first, fitted with mpmath at Chebyshev's points; relative error below 1e-17. For each
# piece: the x where it ends, c, and the coefficients.
LOG_GAMMA = (
    (
        0.75,
        0.625,
        (
            0.36082949548894017,
            -1.4527087645765664,
            1.700591586520204,
            -1.4780968970271864,
            1.682120211811205,
            -2.116891710738192,
            2.8058632338872704,
            -3.8397550361990813,
            5.371340731197471,
            -7.636880025069023,
            10.995835880530656,
            -15.998571682353885,
            23.46441502689599,
            -34.28736177690164,
            50.9316728690353,
            -89.4986811942985,
            134.3988253714759,
        ),
    ),
    (
        1.25,
        1.0,
        (
            -0.5772156649015329,
            0.8224670334241133,
            -0.4006856343865315,
            0.27058080842771787,
            -0.20738555102861042,
            0.16955717701613895,
            -0.14404989678670604,
            0.12550966713649744,
            -0.11133426359238932,
            0.10009962210510019,
            -0.09095417407951806,
            0.08334719848486703,
            -0.07692618365330123,
            0.07159408341567752,
            -0.06682232999260808,
            0.06020201298139458,
            -0.05663245272474891,
            0.07302784334409541,
            -0.06928380249485716,
        ),
    ),
    (
        1.75,
        1.5,
        (
            -0.12078223763524522,
            0.03648997397857652,
            0.46740110027234116,
            -0.1381327740390543,
            0.05871212641625463,
            -0.02895208188857112,
            0.015435484235662433,
            -0.008622603970362077,
            0.0049657246984027605,
            -0.0029209678778614225,
            0.001745175160365432,
            -0.0010550033177893206,
            0.0006410880201159736,
            -0.00039413010206369275,
            0.00027012807002572525,
            -0.00016816792623728724,
        ),
    ),
    (
        2.5,
        2.0,
        (
            0.42278433509846713,
            0.3224670334241132,
            -0.0673523010531987,
            0.02058080842779627,
            -0.0073855510285893424,
            0.002890510329445428,
            -0.0011927539149789584,
            0.0005096695876662018,
            -0.0002231547656984365,
            9.945606714996184e-05,
            -4.492347461303773e-05,
            2.0520758823443544e-05,
            -9.491527319561812e-06,
            4.377377341150306e-06,
            -1.7763458203801567e-06,
            4.289232349812461e-07,
        ),
    ),
)
DIGAMMA = (
    (
        1.0,
        0.8,
        (
            -0.9650085667061384,
            2.2994741375017003,
            -2.2150578542108175,
            2.5618153450805297,
            -3.1124527599747323,
            3.8466333162856206,
            -4.785558225093121,
            5.969831291185591,
            -7.455723471289785,
            9.316060724120248,
            -11.643099028597371,
            14.552890764004111,
            -18.190509194635062,
            22.732225480190166,
            -28.415096074607774,
            35.699326748445316,
            -44.624101186393524,
            52.195452312092186,
            -65.24429776599396,
            121.3847221776636,
            -151.73089690713445,
        ),
    ),
    (
        2.0,
        2.0,
        (
            0.7853075386041053,
            -0.26073895468300173,
            0.1089999170175646,
            -0.04955103292252032,
            0.023447309402419823,
            -0.011338437372949631,
            0.00555217448238183,
            -0.0027405074536203163,
            0.001350050791799612,
            -0.0007285488336441985,
            6.458577191329951e-05,
            -0.0012619295139308189,
            -0.003424726147306635,
            -0.00906914078160015,
            -0.018682850803628984,
            -0.03122231561378952,
            -0.0417996302753884,
            -0.044595557215870954,
            -0.037375785139400375,
            -0.024093724758575432,
            -0.011537876379612868,
            -0.0038731389906985396,
            -0.0008153977513765156,
            -8.153978973309418e-05,
        ),
    ),
    (
        4.0,
        3.0,
        (
            0.9227843350984671,
            0.39493406684822646,
            -0.07705690315959196,
            0.01982323371113742,
            -0.005677755143462585,
            0.001718061984480018,
            -0.0005367773804836216,
            0.0001711061974647261,
            -5.526783751834233e-05,
            1.8012631629157268e-05,
            -5.907301275059439e-06,
            1.945910697751486e-06,
            -6.431866335731795e-07,
            2.1302931406576795e-07,
            -7.038092499545685e-08,
            2.3377951144341214e-08,
            -8.125220984784075e-09,
            2.703342542257008e-09,
            -6.369076640559055e-10,
            2.1201252937148398e-10,
            -1.8131452366327733e-10,
            6.041087097465203e-11,
        ),
    ),
    (
        8.0,
        6.0,
        (
            1.7061176684318005,
            0.18132295573711532,
            -0.01639486612255695,
            0.0019713046987924632,
            -0.00026596630592433255,
            3.8179246966779006e-05,
            -5.694854833691976e-06,
            8.716186040542841e-07,
            -1.3586541417870233e-07,
            2.1465697048213563e-08,
            -3.426244453273507e-09,
            5.51235724646611e-10,
            -8.926186279184105e-11,
            1.4523424937948878e-11,
            -2.363399890415504e-12,
            3.8734319228543913e-13,
            -6.641232422504439e-14,
            1.094210019414429e-14,
            -1.292366219994618e-15,
            2.1324762344574838e-16,
            -8.931540054033627e-17,
            1.481095380126816e-17,
        ),
    ),
)

ZERO, ZERO_REST = 1.4616321449683622, 9.549995429965697e-17  # where digamma is 0: their sum
HALF_LOG_2PI_LESS_HALF = 0.4189385332046727  # (log(2π) − 1) / 2
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
FAR, LARGEST_ORDER = 16, 30


def lgamma(x: float) -> float:
    """log |Γ(x)|; inf at 0, −1, −2, … and at ±inf. Near its zeros 1 and 2 as accurate as anywhere, below 0 not."""
    if x != x:
        return x
    if isinf(x) or (x <= 0 and x == nearest(x)):
        return inf
    if x <= -FAR:
        return log(math.pi / fabs(x * sin(math.pi * (x - nearest(x))))) - lgamma(-x)
    if x >= FAR:
        return (x - 0.5) * (log(x) - 1) + (HALF_LOG_2PI_LESS_HALF + stirling(x))
    above = below = 1.0
    while x < 0.5:
        below *= x
        x += 1
    while x >= 2.5:
        x -= 1
        above *= x
    centre, coefficients = next((centre, numbers) for end, centre, numbers in LOG_GAMMA if x < end)
    found = polynomial(coefficients, x - centre)
    if centre in (1.0, 2.0):
        found *= x - centre
    return log(above) + found if above > 1 else found - log(fabs(below)) if below != 1 else found


def stirling(x: float) -> float:
    """What is left of log Γ(x) after its main part, x ≥ 10."""
    return polynomial(tuple([b / ((2 * k + 2) * (2 * k + 1)) for k, b in enumerate(BERNOULLI)]), 1 / x / x) / x


def digamma(x: float) -> float:
    """ψ(x) = Γ′(x) / Γ(x); −inf at 0, inf at −0, nan at −1, −2, … and at −inf. Accurate at the zero above 0 only."""
    if x != x or x == inf:
        return x
    if x == 0:
        return copysign(inf, -x)
    if x < 0 and x == nearest(x):
        return nan
    if x <= -FAR:
        turn = math.pi * (x - nearest(x))
        return digamma(-x) - 1 / x - math.pi * cos(turn) / sin(turn)
    if x < 0.6:
        steps = 1 - math.floor(min(x, 0.0))
        return added([digamma(x + steps), *[-1 / (x + k) for k in range(steps)]])
    if x >= 8:
        square = 1 / x / x
        return log(x) - (0.5 / x + square * polynomial(tuple([b / (2 * k + 2) for k, b in enumerate(BERNOULLI)]), square))
    centre, (first, *others) = next((centre, numbers) for end, centre, numbers in DIGAMMA if x < end)
    slope = (x - centre) * polynomial(tuple(others), x - centre)
    if centre != 2.0:
        return first + slope
    distance = x - ZERO
    return first * distance + (slope * distance - (first + slope) * ZERO_REST)


def polygamma(x: float, n: float) -> float:
    """The n-th derivative of digamma, for n from 0 to 30, of which the whole part counts; else nan."""
    if x != x or not 0 <= n <= LARGEST_ORDER:
        return nan
    order = int(n)
    odd = order % 2
    if order == 0:
        return digamma(x)
    if isinf(x):
        return 0.0 if x > 0 else nan
    if x <= 0 and x == nearest(x):
        return inf if odd else nan if x else copysign(inf, -x)
    if x <= -FAR:
        return reflected(x, order)
    terms, steps, y, lost = [], 0, x, 0.0
    while y < 12 + order:
        terms.append(math.factorial(order) * power(y, order + 1) * (1 - (order + 1) * lost / y))
        steps += 1
        y = x + steps
        lost = (x - (y - (y - x))) + (steps - (y - x))  # what the addition has lost, exactly
    shift = 1 - order * lost / y
    terms += [math.factorial(order - 1) * power(y, order) * shift, math.factorial(order) / 2 * power(y, order + 1)]
    for k, b in enumerate(BERNOULLI):
        terms.append(b * math.factorial(2 * k + 1 + order) / math.factorial(2 * k + 2) * power(y, 2 * k + 2 + order))
    total = added(terms)
    return total if odd else -total


def added(terms: list[float]) -> float:
    """Their sum, rounded once; the largest is infinite if one is."""
    largest = max(terms, key=fabs)
    return largest if isinf(largest) else math.fsum(terms)


def power(x: float, n: int) -> float:
    """x⁻ⁿ; ±inf where it is too large."""
    return ieee.pow(x, -float(n))


def reflected(x: float, order: int) -> float:
    """``polygamma`` at x < 0 from that at 1 − x, and from the derivatives of the cotangent, polynomials in it."""
    turn = math.pi * (x - nearest(x))
    cotangent = cos(turn) / sin(turn)
    coefficients = [0, 1]
    for _ in range(order):
        slopes = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [-(a + b) for a, b in zip([*slopes, 0, 0], [0, 0, *slopes], strict=True)]
    found = polynomial(tuple(map(float, coefficients)), cotangent) * math.pi ** (order + 1)
    other = polygamma(1 - x, order)
    return (other if order % 2 == 0 else -other) - found
