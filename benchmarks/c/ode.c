/* Lotka-Volterra by RK4: x² + y² at the end, and its gradient by x, y and the four rates. The adjoint goes back step by step
over the states that were kept, and works out the stages of a step again. */

double value_and_gradient(const double *p, double h, double (*states)[2], long steps, double *g)
{
    const double a = p[2], b = p[3], c = p[4], d = p[5];
    double x = p[0], y = p[1], sa = 0, sb = 0, sc = 0, sd = 0;

#define SLOPE(k, l, x, y) double k = a * (x) - b * (x) * (y), l = d * (x) * (y) - c * (y)
#define STAGES                                                                   \
    SLOPE(k1, l1, x, y);                                                         \
    double x2 = x + h / 2 * k1, y2 = y + h / 2 * l1; SLOPE(k2, l2, x2, y2);      \
    double x3 = x + h / 2 * k2, y3 = y + h / 2 * l2; SLOPE(k3, l3, x3, y3);      \
    double x4 = x + h * k3, y4 = y + h * l3;
/* what the adjoints of a stage's slopes add to those of the rates, and the adjoints of its point */
#define BACK(gx, gy, gk, gl, x, y)                                               \
    double gx = (gk) * (a - b * (y)) + (gl) * d * (y), gy = (gl) * (d * (x) - c) - (gk) * b * (x); \
    sa += (gk) * (x), sb -= (gk) * (x) * (y), sc -= (gl) * (y), sd += (gl) * (x) * (y)

    for (long i = 0; i < steps; i++) {
        states[i][0] = x, states[i][1] = y;
        STAGES
        SLOPE(k4, l4, x4, y4);
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        y += h / 6 * (l1 + 2 * l2 + 2 * l3 + l4);
    }
    double value = x * x + y * y, gx = 2 * x, gy = 2 * y;
    for (long i = steps - 1; i >= 0; i--) {
        x = states[i][0], y = states[i][1];
        STAGES
        (void)k3, (void)l3;
        double gk = h / 6 * gx, gl = h / 6 * gy;
        BACK(gx4, gy4, gk, gl, x4, y4);
        BACK(gx3, gy3, 2 * gk + h * gx4, 2 * gl + h * gy4, x3, y3);
        BACK(gx2, gy2, 2 * gk + h / 2 * gx3, 2 * gl + h / 2 * gy3, x2, y2);
        BACK(gx1, gy1, gk + h / 2 * gx2, gl + h / 2 * gy2, x, y);
        gx += gx1 + gx2 + gx3 + gx4;
        gy += gy1 + gy2 + gy3 + gy4;
    }
    g[0] = gx, g[1] = gy, g[2] = sa, g[3] = sb, g[4] = sc, g[5] = sd;
    return value;
}
