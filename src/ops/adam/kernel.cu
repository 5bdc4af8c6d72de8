// One step of Adam and of the moving average, a thread a number; see mod.rs for the formula. All arrays are [n], float32; five are read
// and four written. `kind` is 0 for Adam-atan2 and 1 for AdamW.
#include "numbers.cuh"

constexpr float EPSILON = 1e-8f;

extern "C" __global__ void adam(float* p, const float* g, float* m, float* v, float* average, long long count, int kind, float keep,
                                float rest_1, float rest_2, float size, float correction, float average_keep, float average_take) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const float slope = g[i];
    const float mean = fmaf(rest_1, slope - m[i], m[i]);
    const float square = fmaf(rest_2, fmaf(slope, slope, -v[i]), v[i]);
    const float scale = sqrtf(square) / correction;
    const float direction = kind == 0 ? atan2f(mean, scale) : mean / (scale + EPSILON);
    const float moved = fmaf(-size, direction, p[i] * keep);
    m[i] = mean, v[i] = square, p[i] = moved;
    average[i] = fmaf(average_keep, average[i], average_take * moved);
}
