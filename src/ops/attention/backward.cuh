// The gradients of attention of bfloat16 heads on tensor cores, in two kernels of one shape, without atomics: the same
// bits every time. With p = 2^(q . k * scale - log_sum), scale = log2(e) / sqrt(d), and delta = d_mixed . mixed of a
// row,
//
//   d_v = p^T d_mixed,    d_s = p * (d_mixed v^T - delta),    d_q = d_s k / sqrt(d),    d_k = d_s^T q / sqrt(d)
//
// Shapes: qkv [N, 3D], d_mixed [N, D], log_sum [H, N] (base 2), delta [H, N] -> d_qkv [N, 3D]. The keys' kernel writes
// the last two thirds of d_qkv, the queries' kernel the first. The gradients are those of the turned q and k.
//
// A block keeps a tile of rows, of which each warp holds two operands in registers, and streams the rows of the other
// side:
//
//   of       keeps       streams      x = kept1 streamed1^T  y = kept2 streamed2^T  sums
//   keys     k, v        q, d_mixed   s^T                    (d_mixed v^T)^T        d_k += d_s^T q, d_v += p^T d_mixed
//   queries  q, d_mixed  k, v         s                      d_mixed v^T            d_q += d_s k
//
// p and d_s become left operands in the registers where x and y were summed; shared memory holds streamed rows only,
// and each of their matrices is loaded twice, as it stands and transposed. y begins at -delta, which saves the
// subtraction.
//
// What it costs at HEAD = 64, counted in the machine code for sm_90, for a warp's 32 rows and 16 streamed ones, not
// measured; in cycles of a scheduler as in forward.cuh:
//
//   of        products   tensor core   matrix loads   shared memory   instructions issued, without copies
//   keys         64          416            16             256           182
//   queries      48          312            12             192           137
//
// These are 7 products of L x L x d, and a kernel that adds d_q with atomics needs 5. But a matrix load feeds four
// products here and about two there, where p and d_s also pass through shared memory and back: for 128 x 128 weights
// 5824 cycles of tensor cores here stand against 4160 of tensor cores, at least 4650 of shared memory and the atomics
// there.
//
// What bites: rows past the end of the segment arrive as zeros, also their log_sum and delta. Streamed queries of zeros
// give p = 1, but d_mixed and d_s are 0 there, so nothing needs a mask; streamed keys of zeros may give p = infinity.
#pragma once

#include "staging.cuh"

enum class Of { Keys, Queries };

template <int HEAD>
struct Kept {
    uint32_t first[Plan<HEAD>::BLOCKS][HEAD / 16][4], second[Plan<HEAD>::BLOCKS][HEAD / 16][4];
    // Of the queries' kernel: log_sum and -delta of rows g and g + 8 of every block.
    float log_sum[Plan<HEAD>::BLOCKS][2], delta[Plan<HEAD>::BLOCKS][2];
};

template <int HEAD>
struct Sums {
    float first[Plan<HEAD>::BLOCKS][HEAD / 8][4], second[Plan<HEAD>::BLOCKS][HEAD / 8][4];
};

// Takes in 16 streamed rows, from `row` of the ring on. PARTIAL: of these only `left` exist.
template <int HEAD, Of OF, bool PARTIAL>
__device__ __forceinline__ void take_in(Sums<HEAD>& sums, const Kept<HEAD>& kept, const bf16* first, int row,
                                        Lanes lanes, int left, float scale) {
    using P = Plan<HEAD>;
    constexpr int BLOCKS = P::BLOCKS, STEPS = HEAD / 16;
    const bf16* second = first + P::STAGE;
    const float* log_sum = reinterpret_cast<const float*>(second + P::STAGE);
    const float* delta = log_sum + 2 * P::STREAM;
    const int pair = threadIdx.x % 4 * 2;
    float x[BLOCKS][2][4] = {};
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        uint32_t right[4];
        load_matrices(right, first + at_step(row * HEAD + lanes.right, step));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(x[m][0], kept.first[m][step], right[0], right[1]);
            multiply_add(x[m][1], kept.first[m][step], right[2], right[3]);
        }
    }
    float y[BLOCKS][2][4];
#pragma unroll
    for (int n = 0; n < 2; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                y[m][n][i] = OF == Of::Keys ? -delta[row + 8 * n + pair + i % 2] : kept.delta[m][i / 2];
            }
        }
    }
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        uint32_t right[4];
        load_matrices(right, second + at_step(row * HEAD + lanes.right, step));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(y[m][0], kept.second[m][step], right[0], right[1]);
            multiply_add(y[m][1], kept.second[m][step], right[2], right[3]);
        }
    }
#pragma unroll
    for (int n = 0; n < 2; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int column = 8 * n + pair + i % 2;
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                const float reference = OF == Of::Keys ? log_sum[row + column] : kept.log_sum[m][i / 2];
                x[m][n][i] = power_of_two(fmaf(x[m][n][i], scale, -reference));
                if (OF == Of::Queries && PARTIAL) {
                    x[m][n][i] = column < left ? x[m][n][i] : 0.0f;
                }
            }
        }
    }
    if (OF == Of::Keys) {
        uint32_t weights[BLOCKS][4];
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                weights[m][i] = packed(x[m][i / 2][i % 2 * 2], x[m][i / 2][i % 2 * 2 + 1]);
            }
        }
#pragma unroll
        for (int n = 0; n < STEPS; n++) {
            uint32_t right[4];
            load_matrices_transposed(right, second + at_step(row * HEAD + lanes.left, n));
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                multiply_add(sums.second[m][2 * n], weights[m], right[0], right[1]);
                multiply_add(sums.second[m][2 * n + 1], weights[m], right[2], right[3]);
            }
        }
    }
    uint32_t d_scores[BLOCKS][4];
#pragma unroll
    for (int m = 0; m < BLOCKS; m++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float(&p)[4] = x[m][i / 2];
            const float(&d_p)[4] = y[m][i / 2];
            const int half = i % 2 * 2;
            d_scores[m][i] = packed(p[half] * d_p[half], p[half + 1] * d_p[half + 1]);
        }
    }
#pragma unroll
    for (int n = 0; n < STEPS; n++) {
        uint32_t right[4];
        load_matrices_transposed(right, first + at_step(row * HEAD + lanes.left, n));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(sums.first[m][2 * n], d_scores[m], right[0], right[1]);
            multiply_add(sums.first[m][2 * n + 1], d_scores[m], right[2], right[3]);
        }
    }
}

// What is streamed.
struct Streamed {
    Rows first, second;
    // Of this head, by row of the batch.
    const float *log_sum, *delta;
};

// Starts the copies of STREAM rows, from row `at` of the batch on, to rows `row` and on of the ring: of the two arrays
// and, for streamed queries, of their log-sums and deltas.
template <int HEAD, Of OF>
__device__ __forceinline__ void fetch_stage(bf16* ring, int row, const Streamed& streamed, int at, int end, int size) {
    using P = Plan<HEAD>;
    // Nothing computed from `at` is worth a register across the products.
    keep_nothing_of(at);
    fetch<HEAD, P::STREAM>(ring + row * HEAD, streamed.first, at, end, size);
    fetch<HEAD, P::STREAM>(ring + P::STAGE + row * HEAD, streamed.second, at, end, size);
    if (OF == Of::Keys && threadIdx.x < 2 * P::STREAM) {
        const int of_delta = threadIdx.x / P::STREAM, i = threadIdx.x % P::STREAM;
        float* target = reinterpret_cast<float*>(ring + 2 * P::STAGE) + of_delta * 2 * P::STREAM + row + i;
        const float* source = of_delta ? streamed.delta : streamed.log_sum;
        copy_async<4>(target, at + i < end ? source + at + i : source, at + i < end);
    }
}

template <int HEAD, Of OF>
__device__ __forceinline__ void attention_backward(const bf16* qkv, const bf16* d_mixed, const float* log_sum,
                                                   const float* delta, bf16* d_qkv, const int4* tiles, long long tokens,
                                                   int width, int size) {
    using P = Plan<HEAD>;
    DYNAMIC_SHARED(bf16, ring);
    const Tile tile = tile_of(tiles, blockIdx.x);
    const long long pitch = 3LL * width, column = static_cast<long long>(blockIdx.y) * size;
    const Rows queries{qkv + column, pitch}, keys{queries.from + width, pitch}, values{keys.from + width, pitch};
    const Rows d_rows{d_mixed + column, width};
    const Streamed streamed{OF == Of::Keys ? queries : keys, OF == Of::Keys ? d_rows : values,
                            log_sum + blockIdx.y * tokens, delta + blockIdx.y * tokens};
    const int mine = threadIdx.x / 32 * 16 * P::BLOCKS;
    const bool busy = tile.begin + mine < tile.end;
    const float scale = 1.44269504f / sqrtf(static_cast<float>(size));

    fetch<HEAD, P::TILE>(ring, OF == Of::Keys ? keys : queries, tile.begin, tile.end, size);
    fetch<HEAD, P::TILE>(ring + P::STAGE, OF == Of::Keys ? values : d_rows, tile.begin, tile.end, size);
    copies_arrived();
    __syncthreads();
    Kept<HEAD> kept;
    const Lanes lanes = ::lanes<HEAD>();
    keep<HEAD>(kept.first, ring + mine * HEAD, lanes);
    keep<HEAD>(kept.second, ring + P::STAGE + mine * HEAD, lanes);
    if (OF == Of::Queries) {
#pragma unroll
        for (int m = 0; m < P::BLOCKS; m++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int at = tile.begin + mine + 16 * m + 8 * half + threadIdx.x % 32 / 4;
                kept.log_sum[m][half] = at < tile.end ? streamed.log_sum[at] : 0.0f;
                kept.delta[m][half] = at < tile.end ? -streamed.delta[at] : 0.0f;
            }
        }
    }
    __syncthreads();
    fetch_stage<HEAD, OF>(ring, 0, streamed, tile.first, tile.end, size);

    Sums<HEAD> sums = {};
    for (int at = tile.first; at < tile.end; at += 16) {
        const int row = (at - tile.first) % (2 * P::STREAM);
        if (row % P::STREAM == 0) {
            // After the barrier this half of the ring has arrived for all, and nobody reads the other one any more.
            copies_arrived();
            __syncthreads();
            if (at + P::STREAM < tile.end) {
                fetch_stage<HEAD, OF>(ring, row ^ P::STREAM, streamed, at + P::STREAM, tile.end, size);
            }
        }
        if (!busy) {
            continue;
        }
        if (OF == Of::Keys || at + 16 <= tile.end) {
            take_in<HEAD, OF, false>(sums, kept, ring, row, lanes, 16, scale);
        } else {
            take_in<HEAD, OF, true>(sums, kept, ring, row, lanes, tile.end - at, scale);
        }
    }
    // Nobody reads the ring any more.
    __syncthreads();
    if (!busy) {
        return;
    }
    // Read once more: nothing but the sums outlives the products.
    int again = blockIdx.x;
    keep_nothing_of(again);
    const Tile done = tile_of(tiles, again);
    const int rows = done.end - done.begin;
    bf16* to = d_qkv + done.begin * pitch + column + (OF == Of::Keys ? width : 0);
    // 1 / sqrt(d) = scale * ln 2
    write<HEAD>(to, pitch, ring, sums.first, mine, rows, size, [&](int, int) { return scale * 0.693147181f; });
    if (OF == Of::Keys) {
        write<HEAD>(to + width, pitch, ring, sums.second, mine, rows, size, [](int, int) { return 1.0f; });
    }
}
