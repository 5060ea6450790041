/* The Rosenbrock function in n dimensions and its gradient. */

double value_and_gradient(const double *x, long n, double *g)
{
    double value = 0;
    for (long i = 0; i < n - 1; i++) {
        double t = x[i + 1] - x[i] * x[i], u = 1 - x[i];
        value += 100 * t * t + u * u;
        g[i] = -400 * t * x[i] - 2 * u;
    }
    g[n - 1] = 0;
    for (long i = 1; i < n; i++) g[i] += 200 * (x[i] - x[i - 1] * x[i - 1]);
    return value;
}
