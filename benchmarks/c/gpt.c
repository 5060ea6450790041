/* The character GPT of one layer on one name: the mean of −log p(next symbol) and its gradient, position by position. */

#include <math.h>
#include <string.h>

#define WIDTH 16
#define HEADS 4
#define SIZE (WIDTH / HEADS)
#define HIDDEN 64
#define SYMBOLS 27
#define BLOCK 16
#define INLINE static inline __attribute__((always_inline))

/* the parameters, one matrix after the other */
struct weights {
    double symbols[SYMBOLS][WIDTH], positions[BLOCK][WIDTH], query[WIDTH * WIDTH], key[WIDTH * WIDTH], value[WIDTH * WIDTH],
        project[WIDTH * WIDTH], expand[HIDDEN * WIDTH], contract[WIDTH * HIDDEN], head[SYMBOLS * WIDTH];
};

INLINE void linear(int n_out, int n_in, const double *w, const double *x, double *out)
{
    for (int j = 0; j < n_out; j++) {
        double sum = 0;
        for (int i = 0; i < n_in; i++) sum += w[j * n_in + i] * x[i];
        out[j] = sum;
    }
}

/* Adds to the gradients of the weights and of x. */
INLINE void linear_back(int n_out, int n_in, const double *w, const double *x, const double *delta, double *gw, double *gx)
{
    for (int j = 0; j < n_out; j++)
        for (int i = 0; i < n_in; i++) {
            gw[j * n_in + i] += delta[j] * x[i];
            gx[i] += delta[j] * w[j * n_in + i];
        }
}

/* Divides by the root of the mean square. */
INLINE double norm(const double *x, double *out)
{
    double squares = 0;
    for (int i = 0; i < WIDTH; i++) squares += x[i] * x[i];
    double scale = 1 / sqrt(squares / WIDTH + 1e-5);
    for (int i = 0; i < WIDTH; i++) out[i] = x[i] * scale;
    return scale;
}

INLINE void norm_back(const double *x, double scale, const double *delta, double *gx)
{
    double dot = 0;
    for (int i = 0; i < WIDTH; i++) dot += delta[i] * x[i];
    for (int i = 0; i < WIDTH; i++) gx[i] += scale * delta[i] - x[i] * scale * scale * scale / WIDTH * dot;
}

INLINE void softmax(int n, double *x)
{
    double total = 0;
    for (int i = 0; i < n; i++) total += x[i] = exp(x[i]);
    for (int i = 0; i < n; i++) x[i] /= total;
}

double value_and_gradient(const struct weights *w, const int *symbols, long n, struct weights *g)
{
    static double embedded[BLOCK][WIDTH], stream[BLOCK][WIDTH], normed[BLOCK][WIDTH], query[BLOCK][WIDTH], key[BLOCK][WIDTH],
        value[BLOCK][WIDTH], shares[BLOCK][HEADS][BLOCK], found[BLOCK][WIDTH], middle[BLOCK][WIDTH], inner[BLOCK][WIDTH],
        hidden[BLOCK][HIDDEN], last[BLOCK][WIDTH], logits[BLOCK][SYMBOLS], scales[BLOCK][3];
    double loss = 0, d_key[BLOCK][WIDTH] = {0}, d_value[BLOCK][WIDTH] = {0};
    memset(g, 0, sizeof *g);
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < WIDTH; i++) embedded[t][i] = w->symbols[symbols[t]][i] + w->positions[t][i];
        scales[t][0] = norm(embedded[t], stream[t]);
        scales[t][1] = norm(stream[t], normed[t]);
        linear(WIDTH, WIDTH, w->query, normed[t], query[t]);
        linear(WIDTH, WIDTH, w->key, normed[t], key[t]);
        linear(WIDTH, WIDTH, w->value, normed[t], value[t]);
        for (int h = 0; h < HEADS; h++) {
            for (int k = 0; k <= t; k++) {
                double score = 0;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) score += query[t][i] * key[k][i];
                shares[t][h][k] = score / 2; /* √SIZE */
            }
            softmax(t + 1, shares[t][h]);
            for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                found[t][i] = 0;
                for (int k = 0; k <= t; k++) found[t][i] += shares[t][h][k] * value[k][i];
            }
        }
        linear(WIDTH, WIDTH, w->project, found[t], middle[t]);
        for (int i = 0; i < WIDTH; i++) middle[t][i] += stream[t][i];
        scales[t][2] = norm(middle[t], inner[t]);
        linear(HIDDEN, WIDTH, w->expand, inner[t], hidden[t]);
        for (int i = 0; i < HIDDEN; i++) hidden[t][i] = hidden[t][i] > 0 ? hidden[t][i] : 0;
        linear(WIDTH, HIDDEN, w->contract, hidden[t], last[t]);
        for (int i = 0; i < WIDTH; i++) last[t][i] += middle[t][i];
        linear(SYMBOLS, WIDTH, w->head, last[t], logits[t]);
        softmax(SYMBOLS, logits[t]);
        loss -= log(logits[t][symbols[t + 1]]) / n;
    }
    for (int t = n - 1; t >= 0; t--) { /* later positions have given to the keys and values of this one */
        double d_logits[SYMBOLS], d_last[WIDTH] = {0}, d_hidden[HIDDEN] = {0}, d_inner[WIDTH] = {0}, d_found[WIDTH] = {0},
            d_query[WIDTH] = {0}, d_normed[WIDTH] = {0}, d_embedded[WIDTH] = {0};
        for (int i = 0; i < SYMBOLS; i++) d_logits[i] = (logits[t][i] - (i == symbols[t + 1])) / n;
        linear_back(SYMBOLS, WIDTH, w->head, last[t], d_logits, g->head, d_last);
        linear_back(WIDTH, HIDDEN, w->contract, hidden[t], d_last, g->contract, d_hidden);
        for (int i = 0; i < HIDDEN; i++) d_hidden[i] = hidden[t][i] > 0 ? d_hidden[i] : 0;
        linear_back(HIDDEN, WIDTH, w->expand, inner[t], d_hidden, g->expand, d_inner);
        double *d_stream = d_last; /* it goes by the block as it is */
        norm_back(middle[t], scales[t][2], d_inner, d_stream);
        linear_back(WIDTH, WIDTH, w->project, found[t], d_stream, g->project, d_found);
        for (int h = 0; h < HEADS; h++) {
            double d_shares[BLOCK], dot = 0;
            for (int k = 0; k <= t; k++) {
                d_shares[k] = 0;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                    d_shares[k] += d_found[i] * value[k][i];
                    d_value[k][i] += shares[t][h][k] * d_found[i];
                }
                dot += shares[t][h][k] * d_shares[k];
            }
            for (int k = 0; k <= t; k++) {
                double d_score = shares[t][h][k] * (d_shares[k] - dot) / 2;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                    d_query[i] += d_score * key[k][i];
                    d_key[k][i] += d_score * query[t][i];
                }
            }
        }
        linear_back(WIDTH, WIDTH, w->query, normed[t], d_query, g->query, d_normed);
        linear_back(WIDTH, WIDTH, w->key, normed[t], d_key[t], g->key, d_normed);
        linear_back(WIDTH, WIDTH, w->value, normed[t], d_value[t], g->value, d_normed);
        norm_back(stream[t], scales[t][1], d_normed, d_stream);
        norm_back(embedded[t], scales[t][0], d_stream, d_embedded);
        for (int i = 0; i < WIDTH; i++) {
            g->symbols[symbols[t]][i] += d_embedded[i];
            g->positions[t][i] = d_embedded[i];
        }
    }
    return loss;
}
