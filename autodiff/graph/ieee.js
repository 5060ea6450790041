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

function sigmoid(x) {
  const e = exp(-abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

const sech2 = x => 4 * sigmoid(2 * x) * sigmoid(-2 * x);
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

function logaddexp(x, y) {
  const [larger, smaller] = x >= y ? [x, y] : [y, x];
  return x !== x || y !== y ? NaN : abs(larger) === Infinity ? larger : larger + log1p(exp(smaller - larger));
}

function sinc_order(x, n) {  // the n-th derivative of sin(πx) / (πx)
  if (x !== x || !(0 <= n && n <= 60)) return NaN;
  const order = Math.trunc(n), u = Math.PI * x, scale = Math.pow(Math.PI, order);
  if (abs(u) === Infinity) return 0;
  if (x === 0 || abs(u) < order) {
    let found = 0, k = Math.floor((order + 1) / 2), factorial = 1;
    for (let i = 2; i <= 2 * k - order; i++) factorial *= i;
    let term = (k % 2 ? -1 : 1) * Math.pow(u, 2 * k - order) / (factorial * (2 * k + 1));
    while (k < 40 + order && (term || !k) && found + term !== found) {
      found += term;
      k++;
      term *= -u * u * (2 * k - 1) / ((2 * k - order) * (2 * k - 1 - order) * (2 * k + 1));
    }
    return found * scale;
  }
  const turns = nearest(x), sign = turns % 2 ? -1 : 1, rest = Math.PI * (x - turns);
  const waves = [sign * sin(rest), sign * cos(rest), -sign * sin(rest), -sign * cos(rest)];
  let found = waves[0] / u;
  for (let k = 1; k <= order; k++) found = (waves[k % 4] - k * found) / u;
  return found * scale;
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
