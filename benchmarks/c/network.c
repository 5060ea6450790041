/* A network with one or two hidden layers: the mean loss over n samples and its gradient.

Compiled with -DIN=2 -DFIRST=16 -DSECOND=16 (0: there is none) -DOUT=1 -DTANH=0 -DCROSS_ENTROPY=0. Of each neuron the
parameters are its weights and then its bias. Samples lie side by side, LANES of them at a time, for the compiler to put
them into vectors. */

#include <math.h>
#include <string.h>

#define LANES 32
#define INLINE static inline __attribute__((always_inline))
#define MIDDLE (SECOND ? SECOND : 1)
#define LAST (SECOND ? SECOND : FIRST)

typedef double Lane[LANES];

INLINE void forward(int n_in, int n_out, const double *w, Lane *x, Lane *out, int hidden)
{
    for (int j = 0; j < n_out; j++, w += n_in + 1) {
        Lane sum;
        for (int l = 0; l < LANES; l++) sum[l] = w[n_in];
        for (int i = 0; i < n_in; i++)
            for (int l = 0; l < LANES; l++) sum[l] += w[i] * x[i][l];
        for (int l = 0; l < LANES; l++) out[j][l] = !hidden ? sum[l] : TANH ? tanh(sum[l]) : sum[l] > 0 ? sum[l] : 0;
    }
}

INLINE void backward(int n_in, int n_out, const double *w, Lane *x, Lane *delta, Lane *below, double *g)
{
    for (int j = 0; j < n_out; j++) {
        for (int i = 0; i < n_in; i++) {
            double sum = 0;
            for (int l = 0; l < LANES; l++) sum += delta[j][l] * x[i][l];
            g[j * (n_in + 1) + i] += sum;
        }
        double sum = 0;
        for (int l = 0; l < LANES; l++) sum += delta[j][l];
        g[j * (n_in + 1) + n_in] += sum;
    }
    for (int i = 0; below && i < n_in; i++) {
        Lane sum = {0};
        for (int j = 0; j < n_out; j++)
            for (int l = 0; l < LANES; l++) sum[l] += w[j * (n_in + 1) + i] * delta[j][l];
        for (int l = 0; l < LANES; l++) below[i][l] = TANH ? sum[l] * (1 - x[i][l] * x[i][l]) : x[i][l] > 0 ? sum[l] : 0;
    }
}

/* Turns the outputs into the loss's derivatives by them; returns the loss. */
INLINE double loss_of(int count, long n, const double *labels, Lane *out)
{
    double loss = 0;
    for (int l = 0; l < LANES; l++) {
        if (l >= count) {
            for (int j = 0; j < OUT; j++) out[j][l] = 0;
        } else if (CROSS_ENTROPY) {
            double largest = out[0][l], total = 0, own = out[(int)labels[l]][l];
            for (int j = 1; j < OUT; j++) largest = out[j][l] > largest ? out[j][l] : largest;
            for (int j = 0; j < OUT; j++) total += out[j][l] = exp(out[j][l] - largest);
            for (int j = 0; j < OUT; j++) out[j][l] = (out[j][l] / total - (j == (int)labels[l])) / n;
            loss += log(total) + largest - own;
        } else {
            double margin = 1 - labels[l] * out[0][l];
            loss += margin > 0 ? margin : 0;
            out[0][l] = margin > 0 ? -labels[l] / n : 0;
        }
    }
    return loss;
}

double value_and_gradient(const double *w, const double *points, const double *labels, long n, double *g)
{
    const double *w2 = w + FIRST * (IN + 1), *w3 = w2 + SECOND * (FIRST + 1);
    double *g2 = g + FIRST * (IN + 1), *g3 = g2 + SECOND * (FIRST + 1), loss = 0;
    static Lane x[IN], first[FIRST], second[MIDDLE], out[OUT], d1[FIRST], d2[MIDDLE];
    memset(g, 0, sizeof(double) * (FIRST * (IN + 1) + SECOND * (FIRST + 1) + OUT * (LAST + 1)));
    for (long start = 0; start < n; start += LANES) {
        int count = n - start < LANES ? n - start : LANES;
        for (int i = 0; i < IN; i++)
            for (int l = 0; l < count; l++) x[i][l] = points[(start + l) * IN + i];
        forward(IN, FIRST, w, x, first, 1);
        if (SECOND) forward(FIRST, SECOND, w2, first, second, 1);
        forward(LAST, OUT, w3, SECOND ? second : first, out, 0);
        loss += loss_of(count, n, labels + start, out);
        backward(LAST, OUT, w3, SECOND ? second : first, out, SECOND ? d2 : d1, g3);
        if (SECOND) backward(FIRST, SECOND, w2, first, d2, d1, g2);
        backward(IN, FIRST, w, x, d1, 0, g);
    }
    return loss / n;
}
