// A layer's end: y = n(x + o), n(h) = h / sqrt(mean(h^2) + 1e-5) over each row, and its gradient.
//
//   forward   o [N, K] (float32 or bfloat16), x [N, K] -> y [N, K], narrow [N, K] (y in bfloat16, or null), scale [N] (or null)
//   backward  g = dy, y, scale -> d_h = (g - y * mean(g * y)) * scale, into d_o [N, K] and added to d_x [N, K]
//
// One warp a row; up to 512 numbers of it stay in registers. These kernels wait for memory: forward 2 or 4 bytes of o, 4 of x, 4 of
// y, 2 of narrow for each number.
#include "numbers.cuh"

constexpr float EPSILON = 1e-5f;
constexpr int KEPT = 4;  // groups of a row that a lane keeps
constexpr int WARPS = 8;  // of a block

template <class T, int GROUP>
__device__ __forceinline__ void residual_norm(const T* o, const float* x, float* y, bf16* narrow, float* scale,
                                              long long rows, int width) {
    const int lane = threadIdx.x % 32;
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    o += row * width, x += row * width, y += row * width;
    Group<GROUP> kept[KEPT];
    float squares = 0.0f;
    auto hidden = [&](int i) {
        Group<GROUP> left, right;
        load(left, x + i), load(right, o + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) left.at[j] += right.at[j], squares += left.at[j] * left.at[j];
        return left;
    };
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = (k * 32 + lane) * GROUP;
        if (i < width) kept[k] = hidden(i);
    }
    for (int i = (KEPT * 32 + lane) * GROUP; i < width; i += 32 * GROUP) hidden(i);
    const float factor = 1.0f / sqrtf(warp_sum(squares) / width + EPSILON);
    auto finish = [&](int i, Group<GROUP> h) {
#pragma unroll
        for (int j = 0; j < GROUP; j++) h.at[j] *= factor;
        store(y + i, h);
        if (narrow != nullptr) store(narrow + row * width + i, h);
    };
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = (k * 32 + lane) * GROUP;
        if (i < width) finish(i, kept[k]);
    }
    for (int i = (KEPT * 32 + lane) * GROUP; i < width; i += 32 * GROUP) finish(i, hidden(i));
    if (scale != nullptr && lane == 0) scale[row] = factor;
}

template <class T, int GROUP>
__device__ __forceinline__ void residual_norm_backward(const float* dy, const float* y, const float* scale, T* d_o, float* d_x,
                                                       long long rows, int width) {
    const int lane = threadIdx.x % 32;
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    dy += row * width, y += row * width, d_o += row * width, d_x += row * width;
    Group<GROUP> slopes[KEPT], values[KEPT];
    float inner = 0.0f;
    auto gather = [&](int i, Group<GROUP>& slope, Group<GROUP>& value) {
        load(slope, dy + i), load(value, y + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) inner += slope.at[j] * value.at[j];
    };
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = (k * 32 + lane) * GROUP;
        if (i < width) gather(i, slopes[k], values[k]);
    }
    Group<GROUP> slope, value;
    for (int i = (KEPT * 32 + lane) * GROUP; i < width; i += 32 * GROUP) gather(i, slope, value);
    const float mean = warp_sum(inner) / width, factor = scale[row];
    auto finish = [&](int i, const Group<GROUP>& slope, const Group<GROUP>& value) {
        Group<GROUP> to, sum;
        load(sum, d_x + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) {
            to.at[j] = (slope.at[j] - value.at[j] * mean) * factor;
            sum.at[j] += to.at[j];
        }
        store(d_o + i, to), store(d_x + i, sum);
    };
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = (k * 32 + lane) * GROUP;
        if (i < width) finish(i, slopes[k], values[k]);
    }
    for (int i = (KEPT * 32 + lane) * GROUP; i < width; i += 32 * GROUP) {
        load(slope, dy + i), load(value, y + i);
        finish(i, slope, value);
    }
}

// A block has WARPS warps; the grid has a warp for every row.
#define NORM(T, name)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(32 * WARPS) residual_norm_##name(                                          \
        const T* o, const float* x, float* y, bf16* narrow, float* scale, long long rows, int width) {                     \
        if (width % 4 == 0)                                                                                                 \
            residual_norm<T, 4>(o, x, y, narrow, scale, rows, width);                                                       \
        else                                                                                                                \
            residual_norm<T, 1>(o, x, y, narrow, scale, rows, width);                                                       \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(32 * WARPS) residual_norm_backward_##name(                                 \
        const float* dy, const float* y, const float* scale, T* d_o, float* d_x, long long rows, int width) {               \
        if (width % 4 == 0)                                                                                                 \
            residual_norm_backward<T, 4>(dy, y, scale, d_o, d_x, rows, width);                                              \
        else                                                                                                                \
            residual_norm_backward<T, 1>(dy, y, scale, d_o, d_x, rows, width);                                              \
    }
NORM(float, f32)
NORM(bf16, bf16)
