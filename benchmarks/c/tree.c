/* Trees over inputs drawn many times: leaf i is input drawn[i]. The gradient by the inputs is added up in g. */

#include <string.h>

/* Products of two leaves each, added up. */
double products(const double *x, const int *drawn, double *unused, long n, long inputs, double *g)
{
    double value = 0;
    (void)unused;
    memset(g, 0, sizeof(double) * inputs);
    for (long i = 0; i + 1 < n; i += 2) {
        int a = drawn[i], b = drawn[i + 1];
        value += x[a] * x[b];
        g[a] += x[b];
        g[b] += x[a];
    }
    return value;
}

/* Levels that multiply and add in turns; n is a power of two. levels has room for 2 n numbers. */
double alternating(const double *x, const int *drawn, double *levels, long n, long inputs, double *g)
{
    double *below = levels, *end = levels + 2 * n - 2;
    int multiply = 1;
    for (long i = 0; i < n; i++) levels[i] = x[drawn[i]];
    for (long width = n; width > 1; width /= 2, multiply = !multiply) {
        double *above = below + width;
        for (long i = 0; i < width / 2; i++) {
            double a = below[2 * i], b = below[2 * i + 1];
            above[i] = multiply ? a * b : a + b;
        }
        below = above;
    }
    double value = *end;
    *end = 1; /* each level's numbers give way to their adjoints */
    for (long width = 2; width <= n; width *= 2) {
        double *above = below;
        below -= width;
        multiply = !multiply;
        for (long i = 0; i < width / 2; i++) {
            double a = below[2 * i], b = below[2 * i + 1];
            below[2 * i] = multiply ? above[i] * b : above[i];
            below[2 * i + 1] = multiply ? above[i] * a : above[i];
        }
    }
    memset(g, 0, sizeof(double) * inputs);
    for (long i = 0; i < n; i++) g[drawn[i]] += levels[i];
    return value;
}
