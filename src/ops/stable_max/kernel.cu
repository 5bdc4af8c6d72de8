// Stable-max cross entropy with its gradient and the most likely kinds, a thread a token, in float64:
//
//   s(x) = x + 1 if x >= 0 else 1 / (1 - x),  p = s(x_label) / sum s,  loss = -weight * log p
//   d loss / d x_j = weight * s'(x_j) * (1 / sum s - [j = label] / s(x_label)),  s' = 1 if x >= 0 else s^2
//
//   logits [N, V], labels [N] (255: none), weights [N] -> gradient [N, V], kinds [N], losses [blocks]
//
// The sum of a block goes through shared memory in a fixed order; the host adds up the blocks. The kind is the first largest; a NaN
// wins over every number, and makes the loss one.
#include "numbers.cuh"

constexpr int THREADS = 128;
constexpr unsigned char NO_LABEL = 255;

__device__ __forceinline__ double size_of_logit(double x) { return x >= 0.0 ? x + 1.0 : 1.0 / (1.0 - x); }

extern "C" __global__ void __launch_bounds__(THREADS)
    stable_max(const float* logits, const unsigned char* labels, const double* weights, float* gradient, unsigned char* kinds,
               double* losses, long long tokens, int vocabulary) {
    __shared__ double sums[THREADS];
    const long long token = (long long)blockIdx.x * THREADS + threadIdx.x;
    double loss = 0.0;
    if (token < tokens) {
        const float* row = logits + token * vocabulary;
        float* slopes = gradient + token * vocabulary;
        int best = 0;
        double sum = 0.0;
        for (int j = 0; j < vocabulary; j++) {
            if (row[j] > row[best] || (isnan(row[j]) && !isnan(row[best]))) best = j;
            sum += size_of_logit(row[j]);
        }
        kinds[token] = (unsigned char)best;
        const int label = labels[token];
        if (label == NO_LABEL) {
            for (int j = 0; j < vocabulary; j++) slopes[j] = 0.0f;
        } else {
            const double weight = weights[token], of_label = size_of_logit(row[label]);
            loss = -weight * log(of_label / sum);
            for (int j = 0; j < vocabulary; j++) {
                const double x = row[j], s = size_of_logit(x), slope = x >= 0.0 ? 1.0 : s * s;
                slopes[j] = (float)(weight * slope * (1.0 / sum - (j == label ? 1.0 / of_label : 0.0)));
            }
        }
        if (isnan(row[best])) loss = nan("");
    }
    sums[threadIdx.x] = loss;
    for (int distance = THREADS / 2; distance > 0; distance /= 2) {
        __syncthreads();
        if (threadIdx.x < distance) sums[threadIdx.x] += sums[threadIdx.x + distance];
    }
    if (threadIdx.x == 0) losses[blockIdx.x] = sums[0];
}
