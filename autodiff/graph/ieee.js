// The functions of Python's ieee.py for the page: the same names, the same results at the edges, and where JavaScript has a
// function of its own, the same number to within 2 units in the last place.
//
// A page has the functions that its rows ask for and those that these ask for: a definition begins at the start of a line, has
// one name, and stands after what it needs while it is made.

const abs = Math.abs;
const acos = Math.acos;
const acosh = Math.acosh;
const asin = Math.asin;
const asinh = Math.asinh;
const atan = Math.atan;
const atan2 = Math.atan2;
const atanh = Math.atanh;
const ceil = Math.ceil;
const cos = Math.cos;
const cosh = Math.cosh;
const expm1 = Math.expm1;
const fabs = Math.abs;
const floor = Math.floor;
const log10 = Math.log10;
const log1p = Math.log1p;
const log2 = Math.log2;
const sin = Math.sin;
const sinh = Math.sinh;
const sqrt = Math.sqrt;
const tan = Math.tan;
const tanh = Math.tanh;

const negative = x => x < 0 || Object.is(x, -0);
const copysign = (x, y) => negative(x) === negative(y) ? x : -x;
const div = (x, y) => x / y;
const divide = (x, y) => x / y;
const exp2 = x => Math.pow(2, x);

function pow(x, y) {  // JavaScript has nan for 1^nan and (±1)^±inf, where C99 has 1
  if (y === 2) return x * x;
  if (x === 1 || (x === -1 && abs(y) === Infinity)) return 1;
  return Math.pow(x, y);
}

function mod(x, y) {  // with the sign of y
  const rest = x % y;
  return rest === 0 ? copysign(0, y) : (rest < 0) === (y < 0) ? rest : rest + y;
}

const quotient = (x, y) => floor((x - mod(x, y)) / y + 0.5);
const mul0 = (x, y) => { const product = x * y; return Number.isNaN(product) && (x === 0 || y === 0) && x === x && y === y ? 0 : product; };
const div0 = (x, y) => x === 0 && y === 0 ? 0 : x / y;
const nonnegative = x => x >= 0 ? x + 0 : NaN;
const compare = (x, y) => x === x && y === y ? (x > y) - (x < y) : NaN;
const sign = x => compare(x, 0);
const step = x => x === x ? +(x > 0) : NaN;
const at_least = (x, y) => x !== x || y !== y ? NaN : y > x ? y : x;
const at_most = (x, y) => x !== x || y !== y ? NaN : y < x ? y : x;
const relu = x => x <= 0 ? 0 : x;
const cosquare = x => (1 - x) * (1 + x);
const extreme = better => (...xs) => xs.some(Number.isNaN) ? NaN : xs.reduce((best, x) => better(x, best) ? x : best);
const greatest = extreme((x, best) => x > best);
const least = extreme((x, best) => x < best);
const take = (index, ...xs) => 0 <= index && index < xs.length && index === Math.floor(index) ? xs[index] : NaN;
const refusing = (out, ...xs) => Number.isFinite(out) || !xs.every(Number.isFinite) ? out : NaN;  // Python's math: no result

function split(x, y) {  // x · y as the sum of two numbers, exactly (Dekker)
  const halves = x => { const scaled = 134217729 * x, high = scaled - (scaled - x); return [high, x - high]; };
  const product = x * y, [a, b] = halves(x), [c, d] = halves(y);
  return [product, b * d - (product - a * c - b * c - a * d)];
}

function cbrt(x) {  // mended by what its cube misses
  const root = Math.cbrt(x);
  if (!(abs(root) > 1e-90 && abs(root) < 1e90)) return root;
  const [square, lost] = split(root, root), [cube, missed] = split(square, root);
  return root - (cube - x + missed + lost * root) / (3 * square);
}

// exp and log rounded once more or less, as C has them: a browser's own are off by up to one unit, which is many in what is left
// where terms cancel. Each is the sum of two numbers, the second with what the first has lost.

const FACTORIALS = [1];
for (let n = 1; n < 15; n++) FACTORIALS.push(n * FACTORIALS[n - 1]);
const LN2 = [0.6931471803691238, 1.9082149292705877e-10];  // the first ends in zeros, so that its multiples are exact
const scaled = (x, k) => { const half = Math.trunc(k / 2); return x * 2 ** half * 2 ** (k - half); };

function exp(x) {  // 2ᵏ·eʳ, and eʳ by what the sum 1 + r + r²/2 loses
  if (!(abs(x) < 746)) return Math.exp(x);
  const k = Math.round(x * Math.LOG2E), rough = x - k * LN2[0], fine = k * LN2[1];
  const r = rough - fine, rest = rough - r - fine, [square, lost] = split(r, r);
  let series = 0;
  for (let n = 14; n > 2; n--) series = series * r + 1 / FACTORIALS[n];
  const sum = 1 + r, whole = sum + square / 2, missing = (1 - sum + r) + (sum - whole + square / 2);
  return scaled(whole + (missing + lost / 2 + rest * (1 + r) + r * square * series), k);
}

function log(x) {  // log(2ᵏ(1 + f)) by 2·atanh(s), s = f / (2 + f), and what the quotient and the first sum lose
  if (!(x > 0 && x < Infinity)) return Math.log(x);
  const tiny = x < 1e-300 ? 64 : 0, k = Math.round(log2(x)), f = scaled(scaled(x, tiny), -k - tiny) - 1;
  const sum = 2 + f, s = f / sum, [product, missed] = split(s, sum), lost = (f - product - missed - s * (2 - sum + f)) / sum;
  let series = 0;
  for (let n = 27; n > 1; n -= 2) series = series * s * s + 2 / n;
  const high = k * LN2[0], whole = high + 2 * s, missing = k ? high - whole + 2 * s : 0;
  return whole + (missing + k * LN2[1] + 2 * lost + s * s * s * series);
}

const power_slope = (x, y) => y === 0 ? 0 : mul0(y, pow(x, y - 1));
const power_log = (x, y) => mul0(pow(x, y), log(x));
const power_poly = (x, y, ...cs) => mul0(pow(x, y), cs.reduceRight((sum, c) => mul0(sum, log(x)) + c));

function share(e) {  // 1 / (1 + e), and what its rounding loses
  const sum = 1 + e, q = 1 / sum, [product, missed] = split(q, sum);
  return [q, (1 - product - missed - q * (e - (sum - 1))) / sum];
}

function sigmoid(x) {
  const e = exp(-abs(x)), [q, rest] = share(e), [product, missed] = split(e, q);
  return x >= 0 ? q + rest : product + (missed + e * rest);
}

function sech2(x) {  // 4e / (1 + e)² with e = exp(−2|x|), which is e alone where it is tiny
  if (abs(x) > 300) return exp(-abs(x)) * (4 * exp(-abs(x)));
  const e = exp(-2 * abs(x)), [q, rest] = share(e), [square, missed] = split(q, q), [product, lost] = split(e, square);
  return 4 * (product + (lost + e * (missed + 2 * q * rest)));
}

const softplus = x => greatest(x, 0) + log1p(exp(-abs(x)));
const softsign = x => abs(x) === Infinity ? Math.sign(x) : x / (1 + abs(x));

function total(xs) {  // with what each addition loses (Neumaier)
  let sum = 0, lost = 0;
  for (const x of xs) {
    const next = sum + x;
    lost += abs(sum) >= abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return [sum + lost, sum - (sum + lost) + lost];
}

function logsumexp(...xs) {
  const largest = greatest(...xs);
  return abs(largest) === Infinity ? largest : largest + log(total(xs.map(x => exp(x - largest)))[0]);
}

function hypot(...xs) {  // scaled by a power of two, which rounds nothing, and the root mended by what its square misses
  const sizes = xs.map(abs);
  if (sizes.includes(Infinity)) return Infinity;
  const largest = greatest(0, ...sizes);
  if (!(largest > 0)) return largest;
  const half = 2 ** Math.round(log2(largest) / 2), scaled = sizes.map(x => x / half / half);
  const [sum, lost] = total(scaled.flatMap(x => split(x, x))), root = sqrt(sum), [square, missed] = split(root, root);
  return (root + (sum - square - missed + lost) / (2 * root)) * half * half;
}

const nearest = x => { const low = Math.floor(x), over = x - low; return copysign(over < 0.5 || (over === 0.5 && low % 2 === 0) ? low : over >= 0.5 ? low + 1 : x, x); };
const logit = x => 0.25 <= x && x <= 0.75 ? 2 * atanh(2 * x - 1) : log(x / (1 - x));

function logaddexp(x, y) {  // where it has subtracted, from the exponentials in whole numbers
  const [larger, smaller] = x >= y ? [x, y] : [y, x];
  if (x !== x || y !== y || abs(larger) === Infinity) return x !== x || y !== y ? NaN : larger;
  const found = larger + log1p(exp(smaller - larger));
  if (!(larger < 0 && smaller > -100 && abs(found) < 0.5)) return found;
  return log1p(Number(fixed_exp(x) + fixed_exp(y) - (1n << BITS)) * 2 ** -160);
}

const BITS = 160n;
const PI = 0x3243F6A8885A308D313198A2E03707344A4093822n;  // π · 2¹⁶⁰

function fixed(x) {  // in whole numbers of 2⁻¹⁶⁰
  const whole = Math.trunc(x * 2 ** 82);
  return (BigInt(whole) << 78n) + (BigInt(Math.trunc((x * 2 ** 82 - whole) * 2 ** 70)) << 8n);
}

function fixed_exp(x) {  // the Taylor series of x / 256, and eight squares
  const part = fixed(x) >> 8n;
  let found = 1n << BITS;
  for (let term = found, n = 1n; term !== 0n && term !== -1n; n++) {
    term = (term * part >> BITS) / n;
    found += term;
  }
  for (let i = 0; i < 8; i++) found = found * found >> BITS;
  return found;
}

function sinc_series(x, order) {  // in whole numbers of 2⁻¹⁶⁰, so that all that cancels is there to cancel
  if (abs(x) < 1e-9) return (order % 4 > 0 && order % 4 < 3 ? -1 : 1) * Math.pow(Math.PI, order + order % 2) / (order + 1 + order % 2) * (order % 2 ? x : 1);
  const u = fixed(x) * PI >> BITS;
  let power = order % 2 ? u : 1n << BITS, found = 0n;
  for (let degree = order % 2; power; degree += 2) {
    const k = (order + degree) / 2;
    found += (k % 2 ? -power : power) / BigInt(2 * k + 1);
    power = (power * u >> BITS) * u / BigInt((degree + 1) * (degree + 2)) >> BITS;
    if (power < 0) power++;
  }
  return Number(found * PI ** BigInt(order) >> BITS * BigInt(order)) * 2 ** -160;
}

function sinc_order(x, n) {  // the n-th derivative of sin(πx) / (πx)
  if (x !== x || !(0 <= n && n <= 60)) return NaN;
  const order = Math.trunc(n), u = Math.PI * x;
  if (abs(u) === Infinity) return 0;
  if (abs(x) <= 0.5 || (order && abs(u) < order + 10)) return sinc_series(x, order);
  const turns = nearest(x), sign = turns % 2 ? -1 : 1, rest = x - turns;
  const waves = [sign * sin(Math.PI * rest), sign * cos(Math.PI * rest)];
  let found = sign * sinc_series(rest, 0) * (rest / x);
  for (let k = 1; k <= order; k++) found = ((k % 4 > 1 ? -1 : 1) * waves[k % 2] - k * found) / u;
  return found * Math.pow(Math.PI, order);
}

// erf and erfc: polynomials fitted to x² for small x, to x − 1 near 1, and above to 1/x² around a centre, there of
// log(x · exp(x²) · erfc(x)) + 9/16. exp(−x²) is taken of a rounded x whose square is exact, and of what that leaves.
const SMALL = [0.1283791670955126, -0.37612638903183754, 0.11283791670955118, -0.02686617064512888, 0.0052239776254045765, -0.0008548327019900606, 0.00012055332766501479, -1.4925641599796734e-05, 1.6461870018745888e-06, -1.636115005978804e-07, 1.4745948090565165e-08, -1.1769026546511048e-09, 6.759519257603756e-11];
const NEAR = 0.8427009582519531;
const NEAR_ONE = [-1.6530223825565879e-07, 0.4151074974205947, -0.4151074974205947, 0.1383691658068649, 0.06918458290343245, -0.06918458290343245, 0.004612305526895518, 0.015154718159799428, -0.004777030724287863, -0.001885188370105618, 0.0012262875808161727, 8.552398981014876e-05, -0.00020005515680867358, 1.8716726352401902e-05, 2.3707192724057177e-05, -5.480614349936198e-06, -2.077126238786985e-06, 8.712390479360288e-07, 3.2606474533472494e-08];
const TAILS = [
  [2, 0.4453125, [-0.16675813805229886, -0.26618624725955153, 0.12222596891121124, -0.08920963235103876, 0.08053904618737515, -0.08251413044074346, 0.09209068446856884, -0.10941960474735533, 0.1364406619452614, -0.17684241011458177, 0.2366348588100272, -0.3252526238547415, 0.4570812865526639, -0.6557597949212075, 0.9718169307711305, -1.4448535988492919, 1.8588614717953182, -2.789686804087372, 8.197304393659078, -13.020517611929197]],
  [4, 0.15625, [-0.07663435574090335, -0.37175538618708026, 0.278492365028497, -0.3570609226682877, 0.5934069097851352, -1.1576732771945908, 2.525930663258024, -5.994759012614465, 15.203135699177835, -40.70377970098862, 114.05079151784577, -332.22392525798534, 999.4349186073865, -3101.4090703433244, 10135.311563071666, -33177.68140238034, 86496.39127381158, -288370.32105071476, 2289150.8984804116, -8203564.672668166]],
  [28, 0.0322265625, [-0.025375531752468487, -0.4638951271765602, 0.5035839512503555, -1.0252847714229005, 2.895515518231266, -10.140145664772488, 41.60711894555125, -193.3825264921549, 995.6186660096693, -5591.768464633276, 33842.07384685672, -214341.1713887631, 1447397.2831345892, -13402752.069254031, 107598547.05949046]],
];
const polynomial = (coefficients, x) => coefficients.reduceRight((sum, c) => sum * x + c, 0);

function tail(x) {  // erfc(x), x ≥ 1.25
  const [, centre, coefficients] = TAILS.find(([end]) => x < end) ?? [0, 0, []];
  if (!coefficients.length) return 0;
  const rounded = Math.fround(x), rest = (rounded - x) * (rounded + x);
  return exp(-rounded * rounded - 0.5625) * exp(rest + polynomial(coefficients, 1 / (x * x) - centre)) / x;
}

function erf(x) {
  const size = abs(x);
  if (size < 0.85) return x + x * polynomial(SMALL, x * x);
  if (!(size >= 1.25)) return copysign(NEAR + polynomial(NEAR_ONE, size - 1), x);
  return copysign(1 - tail(size), x);
}

function erfc(x) {
  if (x < 0.25) return 1 - erf(x);
  if (x < 0.85) return 0.5 - (x - 0.5 + x * polynomial(SMALL, x * x));
  if (!(x >= 1.25)) return 1 - NEAR - polynomial(NEAR_ONE, x - 1);
  return tail(x);
}

function erfinv(x) {  // Newton's steps, as in Python
  const size = abs(x), half = sqrt(Math.PI) / 2, l = log1p(-size) + log1p(size), c = 2 / (Math.PI * 0.147) + l / 2;
  if (!(size < 1)) return size === 1 ? copysign(Infinity, x) : NaN;
  if (size < 1e-8) return x * half;
  let y = sqrt(-l / 0.147 / (c + sqrt(c * c - l / 0.147)));
  for (let i = 0; i < 4; i++) y -= (size < 0.5 ? erf(y) - size : 1 - size - erfc(y)) * half * exp(y * y);
  return copysign(y, x);
}

// log Γ, its derivative ψ, and the derivatives of that, as in Python's gamma.py
const LOG_GAMMA = [
  [0.75, 0.625, [0.36082949548894017, -1.4527087645765664, 1.700591586520204, -1.4780968970271864, 1.682120211811205, -2.116891710738192, 2.8058632338872704, -3.8397550361990813, 5.371340731197471, -7.636880025069023, 10.995835880530656, -15.998571682353885, 23.46441502689599, -34.28736177690164, 50.9316728690353, -89.4986811942985, 134.3988253714759]],
  [1.25, 1.0, [-0.5772156649015329, 0.8224670334241133, -0.4006856343865315, 0.27058080842771787, -0.20738555102861042, 0.16955717701613895, -0.14404989678670604, 0.12550966713649744, -0.11133426359238932, 0.10009962210510019, -0.09095417407951806, 0.08334719848486703, -0.07692618365330123, 0.07159408341567752, -0.06682232999260808, 0.06020201298139458, -0.05663245272474891, 0.07302784334409541, -0.06928380249485716]],
  [1.75, 1.5, [-0.12078223763524522, 0.03648997397857652, 0.46740110027234116, -0.1381327740390543, 0.05871212641625463, -0.02895208188857112, 0.015435484235662433, -0.008622603970362077, 0.0049657246984027605, -0.0029209678778614225, 0.001745175160365432, -0.0010550033177893206, 0.0006410880201159736, -0.00039413010206369275, 0.00027012807002572525, -0.00016816792623728724]],
  [2.5, 2.0, [0.42278433509846713, 0.3224670334241132, -0.0673523010531987, 0.02058080842779627, -0.0073855510285893424, 0.002890510329445428, -0.0011927539149789584, 0.0005096695876662018, -0.0002231547656984365, 9.945606714996184e-05, -4.492347461303773e-05, 2.0520758823443544e-05, -9.491527319561812e-06, 4.377377341150306e-06, -1.7763458203801567e-06, 4.289232349812461e-07]],
];
const DIGAMMA = [
  [1.0, 0.8, [-0.9650085667061384, 2.2994741375017003, -2.2150578542108175, 2.5618153450805297, -3.1124527599747323, 3.8466333162856206, -4.785558225093121, 5.969831291185591, -7.455723471289785, 9.316060724120248, -11.643099028597371, 14.552890764004111, -18.190509194635062, 22.732225480190166, -28.415096074607774, 35.699326748445316, -44.624101186393524, 52.195452312092186, -65.24429776599396, 121.3847221776636, -151.73089690713445]],
  [2.0, 2.0, [0.7853075386041053, -0.26073895468300173, 0.1089999170175646, -0.04955103292252032, 0.023447309402419823, -0.011338437372949631, 0.00555217448238183, -0.0027405074536203163, 0.001350050791799612, -0.0007285488336441985, 6.458577191329951e-05, -0.0012619295139308189, -0.003424726147306635, -0.00906914078160015, -0.018682850803628984, -0.03122231561378952, -0.0417996302753884, -0.044595557215870954, -0.037375785139400375, -0.024093724758575432, -0.011537876379612868, -0.0038731389906985396, -0.0008153977513765156, -8.153978973309418e-05]],
  [4.0, 3.0, [0.9227843350984671, 0.39493406684822646, -0.07705690315959196, 0.01982323371113742, -0.005677755143462585, 0.001718061984480018, -0.0005367773804836216, 0.0001711061974647261, -5.526783751834233e-05, 1.8012631629157268e-05, -5.907301275059439e-06, 1.945910697751486e-06, -6.431866335731795e-07, 2.1302931406576795e-07, -7.038092499545685e-08, 2.3377951144341214e-08, -8.125220984784075e-09, 2.703342542257008e-09, -6.369076640559055e-10, 2.1201252937148398e-10, -1.8131452366327733e-10, 6.041087097465203e-11]],
  [8.0, 6.0, [1.7061176684318005, 0.18132295573711532, -0.01639486612255695, 0.0019713046987924632, -0.00026596630592433255, 3.8179246966779006e-05, -5.694854833691976e-06, 8.716186040542841e-07, -1.3586541417870233e-07, 2.1465697048213563e-08, -3.426244453273507e-09, 5.51235724646611e-10, -8.926186279184105e-11, 1.4523424937948878e-11, -2.363399890415504e-12, 3.8734319228543913e-13, -6.641232422504439e-14, 1.094210019414429e-14, -1.292366219994618e-15, 2.1324762344574838e-16, -8.931540054033627e-17, 1.481095380126816e-17]],
];
const ZERO = 1.4616321449683622;
const ZERO_REST = 9.549995429965697e-17;
const FAR = 16;
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330];
const factorial = n => { let product = 1; for (let i = 2; i <= n; i++) product *= i; return product; };
const is_pole = x => x <= 0 && x === Math.floor(x);
const turn = x => Math.PI * (x - nearest(x));

function lgamma(x) {
  if (x !== x) return x;
  if (abs(x) === Infinity || is_pole(x)) return Infinity;
  if (x <= -FAR) return log(Math.PI / abs(x * sin(turn(x)))) - lgamma(-x);
  if (x >= FAR) return (x - 0.5) * (log(x) - 1) + (0.4189385332046727 + polynomial(BERNOULLI.map((b, k) => b / ((2 * k + 2) * (2 * k + 1))), 1 / x / x) / x);
  let above = 1, below = 1;
  for (; x < 0.5; x++) below *= x;
  for (; x >= 2.5; above *= x) x--;
  const [, centre, numbers] = LOG_GAMMA.find(([end]) => x < end);
  const found = polynomial(numbers, x - centre) * (centre === 1 || centre === 2 ? x - centre : 1);
  return above > 1 ? log(above) + found : below !== 1 ? found - log(abs(below)) : found;
}

function digamma(x) {
  if (x !== x || x === Infinity) return x;
  if (x === 0) return copysign(Infinity, -x);
  if (is_pole(x)) return NaN;
  if (x <= -FAR) return digamma(-x) - 1 / x - Math.PI * cos(turn(x)) / sin(turn(x));
  if (x < 0.6) {
    const terms = [-1 / x];
    for (let k = 1; k < 1 - Math.floor(Math.min(x, 0)); k++) terms.push(-1 / (x + k));
    return added([digamma(x + terms.length), ...terms]);
  }
  if (x >= 8) return log(x) - (0.5 / x + polynomial(BERNOULLI.map((b, k) => b / (2 * k + 2)), 1 / x / x) / x / x);
  const [, centre, [first, ...others]] = DIGAMMA.find(([end]) => x < end), slope = (x - centre) * polynomial(others, x - centre);
  return centre === 2 ? first * (x - ZERO) + (slope * (x - ZERO) - (first + slope) * ZERO_REST) : first + slope;
}

function polygamma(x, n) {
  if (x !== x || !(0 <= n && n <= 30)) return NaN;
  const order = Math.trunc(n), odd = order % 2, terms = [], power = (x, n) => Math.pow(x, -n);
  if (order === 0) return digamma(x);
  if (abs(x) === Infinity) return x > 0 ? 0 : NaN;
  if (is_pole(x)) return odd ? Infinity : x ? NaN : copysign(Infinity, -x);
  if (x <= -FAR) return reflected(x, order);
  let steps = 0, y = x, lost = 0;
  while (y < 12 + order) {
    terms.push(factorial(order) * power(y, order + 1) * (1 - (order + 1) * lost / y));
    steps++;
    y = x + steps;
    lost = x - (y - (y - x)) + (steps - (y - x));
  }
  terms.push(factorial(order - 1) * power(y, order) * (1 - order * lost / y), factorial(order) / 2 * power(y, order + 1));
  BERNOULLI.forEach((b, k) => terms.push(b * factorial(2 * k + 1 + order) / factorial(2 * k + 2) * power(y, 2 * k + 2 + order)));
  return odd ? added(terms) : -added(terms);
}

function added(terms) {
  const largest = terms.reduce((best, x) => abs(x) > abs(best) ? x : best);
  return abs(largest) === Infinity ? largest : total(terms)[0];
}

function reflected(x, order) {
  let coefficients = [0, 1];
  for (let i = 0; i < order; i++) {
    const slopes = coefficients.map((c, k) => k * c).slice(1);
    coefficients = [...slopes, 0, 0].map((a, k) => -(a + (k > 1 ? slopes[k - 2] : 0)));
  }
  const found = polynomial(coefficients, cos(turn(x)) / sin(turn(x))) * Math.pow(Math.PI, order + 1), other = polygamma(1 - x, order);
  return (order % 2 ? -other : other) - found;
}
