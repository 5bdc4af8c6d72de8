// The local layer: y = n(x + local(x)), where local sums each channel over the cells around a cell by nine weights of its own, and its
// gradient. Everything is float32; narrow is y in bfloat16 for the product that follows.
//
//   near [N, 9]: the row of the neighbour at each place, N where there is none; weight [9, K]
//   local_norm     x [N, K] -> y [N, K], narrow [N, K], scale [N] (or null)
//   local_slopes   d_h [N, K], the gradient of the sum under the norm -> d_x += its neighbours' share, by the weights in backward order:
//                  whoever has a neighbour at place k is at place 8 - k of that neighbour
//   local_products d_h, x -> part [C, 9, K]: of each chunk of rows the sums of d_h * neighbour
//   local_totals   d_weight += the sum of part over the chunks, in their order: no atomics, so the same numbers at every run
//
// One warp a row in the first two, up to 512 numbers of it in registers in the first; a block a chunk in the third, whose threads keep nine
// sums for each of their columns. A row is read ten times, nine of them from a cache.
#include "numbers.cuh"

constexpr float EPSILON = 1e-5f;
constexpr int PLACES = 9;
constexpr int KEPT = 4;   // groups of a row that a lane keeps
constexpr int WARPS = 8;  // of a block

// sum += the neighbours' numbers at column i, each by its weight; `flip` takes the weights in backward order
template <int GROUP>
__device__ __forceinline__ void add_near(Group<GROUP>& sum, const float* from, const float* weight, const unsigned* near, int i, bool flip,
                                         long long rows, int width) {
#pragma unroll 3
    for (int place = 0; place < PLACES; place++) {
        const long long other = near[place];
        if (other >= rows) continue;
        Group<GROUP> x, factor;
        load(x, from + other * width + i), load(factor, weight + (flip ? PLACES - 1 - place : place) * width + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) sum.at[j] += factor.at[j] * x.at[j];
    }
}

template <int GROUP>
__device__ __forceinline__ void norm_rows(const float* x, const float* weight, const unsigned* near, float* y, bf16* narrow, float* scale,
                                          long long rows, int width) {
    const int lane = threadIdx.x % 32;
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    near += row * PLACES;
    Group<GROUP> kept[KEPT];
    float squares = 0.0f;
    auto hidden = [&](int i) {
        Group<GROUP> sum;
        load(sum, x + row * width + i);
        add_near(sum, x, weight, near, i, false, rows, width);
#pragma unroll
        for (int j = 0; j < GROUP; j++) squares += sum.at[j] * sum.at[j];
        return sum;
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
        store(y + row * width + i, h), store(narrow + row * width + i, h);
    };
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = (k * 32 + lane) * GROUP;
        if (i < width) finish(i, kept[k]);
    }
    for (int i = (KEPT * 32 + lane) * GROUP; i < width; i += 32 * GROUP) finish(i, hidden(i));
    if (scale != nullptr && lane == 0) scale[row] = factor;
}

template <int GROUP>
__device__ __forceinline__ void slope_rows(const float* d_h, const float* weight, const unsigned* near, float* d_x, long long rows,
                                           int width) {
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    for (int i = threadIdx.x % 32 * GROUP; i < width; i += 32 * GROUP) {
        Group<GROUP> sum;
        load(sum, d_x + row * width + i);
        add_near(sum, d_h, weight, near + row * PLACES, i, true, rows, width);
        store(d_x + row * width + i, sum);
    }
}

template <int GROUP>
__device__ __forceinline__ void product_rows(const float* d_h, const float* x, const unsigned* near, float* part, long long rows,
                                             int rows_of_chunk, int width) {
    const long long first = (long long)blockIdx.x * rows_of_chunk;
    const long long end = first + rows_of_chunk < rows ? first + rows_of_chunk : rows;
    part += (long long)blockIdx.x * PLACES * width;
    for (int i = threadIdx.x * GROUP; i < width; i += blockDim.x * GROUP) {
        Group<GROUP> sums[PLACES];
#pragma unroll
        for (int place = 0; place < PLACES; place++) {
#pragma unroll
            for (int j = 0; j < GROUP; j++) sums[place].at[j] = 0.0f;
        }
        for (long long row = first; row < end; row++) {
            Group<GROUP> slope, other;
            load(slope, d_h + row * width + i);
#pragma unroll
            for (int place = 0; place < PLACES; place++) {
                const long long neighbour = near[row * PLACES + place];
                if (neighbour < rows) {
                    load(other, x + neighbour * width + i);
#pragma unroll
                    for (int j = 0; j < GROUP; j++) sums[place].at[j] += slope.at[j] * other.at[j];
                }
            }
        }
#pragma unroll
        for (int place = 0; place < PLACES; place++) store(part + place * width + i, sums[place]);
    }
}

// Groups of four where rows are a multiple of four wide. local_norm and local_slopes have WARPS warps to a block, and a warp for every row;
// local_products has a block for every chunk.
extern "C" __global__ void local_norm(const float* x, const float* weight, const unsigned* near, float* y, bf16* narrow, float* scale,
                                      long long rows, int width) {
    if (width % 4 == 0)
        norm_rows<4>(x, weight, near, y, narrow, scale, rows, width);
    else
        norm_rows<1>(x, weight, near, y, narrow, scale, rows, width);
}

extern "C" __global__ void local_slopes(const float* d_h, const float* weight, const unsigned* near, float* d_x, long long rows, int width) {
    if (width % 4 == 0)
        slope_rows<4>(d_h, weight, near, d_x, rows, width);
    else
        slope_rows<1>(d_h, weight, near, d_x, rows, width);
}

extern "C" __global__ void local_products(const float* d_h, const float* x, const unsigned* near, float* part, long long rows,
                                          int rows_of_chunk, int width) {
    if (width % 4 == 0)
        product_rows<4>(d_h, x, near, part, rows, rows_of_chunk, width);
    else
        product_rows<1>(d_h, x, near, part, rows, rows_of_chunk, width);
}

// a thread a number of the weights
extern "C" __global__ void local_totals(const float* part, float* d_weight, int chunks, long long count) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float sum = 0.0f;
    for (int chunk = 0; chunk < chunks; chunk++) sum += part[chunk * count + i];
    d_weight[i] += sum;
}
