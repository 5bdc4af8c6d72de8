// The gradients of attention of bfloat16 heads on tensor cores, in two kernels of one shape, without atomics: the same bits
// every time. With p = 2^(q . k * scale - log_sum), scale = log2(e) / sqrt(d), and delta = d_mixed . mixed of a row,
//
//   d_v = p^T d_mixed,    d_s = p * (d_mixed v^T - delta),    d_q = d_s k / sqrt(d),    d_k = d_s^T q / sqrt(d)
//
// Shapes: qkv [N, 3D], d_mixed [N, D], log_sum [H, N] (base 2), delta [H, N] -> d_qkv [N, 3D]. The keys' kernel writes the last
// two thirds of d_qkv, the queries' kernel the first. The gradients are those of the turned q and k.
//
// A block keeps a tile of rows, of which each warp holds two operands in registers, and streams the rows of the other side:
//
//   of        keeps         streams         x = kept1 streamed1^T    y = kept2 streamed2^T    sums
//   keys      k, v          q, d_mixed      s^T                      (d_mixed v^T)^T          d_k += d_s^T q, d_v += p^T d_mixed
//   queries   q, d_mixed    k, v            s                        d_mixed v^T              d_q += d_s k
//
// p and d_s become left operands in the registers where x and y were summed; shared memory holds streamed rows only, and each
// of their matrices is loaded twice, as it stands and transposed. y begins at -delta, which saves the subtraction.
//
// What it costs at HEAD = 64: 7 products of L x L x d where one kernel with atomics has 5. But a matrix load here feeds four
// products (32 rows a warp), with 16 loads a 64 products; a kernel of 128 x 128 blocks and eight warps that
// passes p and d_s through shared memory gets about two products a load, and stores and reads both besides: shared memory
// bounds it near 1024 multiply-adds a cycle, against the tensor cores' 1300 on an H100, and atomics come on top.
//
// What bites: rows past the end of the segment arrive as zeros, also their log_sum and delta. Streamed queries of
// zeros give p = 1, but d_mixed and d_s are 0 there, so nothing needs a mask; streamed keys of zeros may give p = infinity.
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

// Takes in 16 streamed rows, `offset` into the stages, with their `numbers`. PARTIAL: of these only `left` exist.
template <int HEAD, Of OF, bool PARTIAL>
__device__ __forceinline__ void take_in(Sums<HEAD>& sums, const Kept<HEAD>& kept, const bf16* stages, int offset, Lanes lanes,
                                        const float* numbers, int left, float scale) {
    constexpr int BLOCKS = Plan<HEAD>::BLOCKS, STEPS = HEAD / 16;
    const int pair = threadIdx.x % 4 * 2;
    float x[BLOCKS][2][4] = {};
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        uint32_t right[4];
        load_matrices(right, stages + at_step(offset + lanes.right, step));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(x[m][0], kept.first[m][step], right[0], right[1]);
            multiply_add(x[m][1], kept.first[m][step], right[2], right[3]);
        }
    }
    #pragma unroll
    for (int n = 0; n < 2; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int column = 8 * n + pair + i % 2;
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                const float reference = OF == Of::Keys ? numbers[column] : kept.log_sum[m][i / 2];
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
            load_matrices_transposed(right, stages + Plan<HEAD>::ARRAY + at_step(offset + lanes.left, n));
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                multiply_add(sums.second[m][2 * n], weights[m], right[0], right[1]);
                multiply_add(sums.second[m][2 * n + 1], weights[m], right[2], right[3]);
            }
        }
    }
    float y[BLOCKS][2][4];
#pragma unroll
    for (int n = 0; n < 2; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                y[m][n][i] = OF == Of::Keys ? -numbers[Plan<HEAD>::STREAM + 8 * n + pair + i % 2] : kept.delta[m][i / 2];
            }
        }
    }
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        uint32_t right[4];
        load_matrices(right, stages + Plan<HEAD>::ARRAY + at_step(offset + lanes.right, step));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(y[m][0], kept.second[m][step], right[0], right[1]);
            multiply_add(y[m][1], kept.second[m][step], right[2], right[3]);
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
        load_matrices_transposed(right, stages + at_step(offset + lanes.left, n));
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
            multiply_add(sums.first[m][2 * n], d_scores[m], right[0], right[1]);
            multiply_add(sums.first[m][2 * n + 1], d_scores[m], right[2], right[3]);
        }
    }
}

// What is yet to be streamed.
struct Streamed {
    Rows first, second;
    // The log-sum or the delta of a row that this thread copies.
    const float* number;
};

// Starts the copies of one stage, two arrays of rows and, for streamed queries, their log-sums and deltas; and moves on by as much.
template <int HEAD, Of OF>
__device__ __forceinline__ void fetch_stage(bf16* stage, float* numbers, Streamed& streamed, int left,
                                            int size) {
    using P = Plan<HEAD>;
    fetch<HEAD, P::STREAM>(stage, streamed.first, left, size);
    fetch<HEAD, P::STREAM>(stage + P::ARRAY, streamed.second, left, size);
    if (OF == Of::Keys && threadIdx.x < 2 * P::STREAM) {
        const bool wanted = static_cast<int>(threadIdx.x) % P::STREAM < left;
        copy_async<4>(numbers + threadIdx.x, streamed.number, wanted);
        streamed.number += P::STREAM;
    }
    streamed.first = streamed.first.after(P::STREAM);
    streamed.second = streamed.second.after(P::STREAM);
}

template <int HEAD, Of OF>
__device__ __forceinline__ void attention_backward(const bf16* qkv, const bf16* d_mixed, const float* log_sum,
                                                   const float* delta, bf16* d_qkv, const int4* tiles, long long tokens,
                                                   int width, int size) {
    using P = Plan<HEAD>;
    DYNAMIC_SHARED(bf16, stages);
    float* numbers = reinterpret_cast<float*>(stages + 2 * P::STAGE);
    const Tile tile = tile_of(tiles);
    const long long pitch = 3LL * width, column = static_cast<long long>(blockIdx.y) * size;
    const Rows queries{qkv + tile.first * pitch + column, pitch};
    const Rows keys{queries.from + width, pitch};
    const Rows values{keys.from + width, pitch};
    const Rows d_rows{d_mixed + static_cast<long long>(tile.first) * width + column, width};
    const Rows kept_first = (OF == Of::Keys ? keys : queries).after(tile.begin);
    const Rows kept_second = (OF == Of::Keys ? values : d_rows).after(tile.begin);
    log_sum += blockIdx.y * tokens + tile.first;
    delta += blockIdx.y * tokens + tile.first;
    const int rows = tile.length - tile.begin, row = threadIdx.x / 32 * 16 * P::BLOCKS;
    Streamed streamed{OF == Of::Keys ? queries : keys, OF == Of::Keys ? d_rows : values,
                      (threadIdx.x < P::STREAM ? log_sum : delta) + threadIdx.x % P::STREAM};
    const float scale = 1.44269504f / sqrtf(static_cast<float>(size));

    fetch<HEAD, P::TILE>(stages, kept_first, rows, size);
    fetch<HEAD, P::TILE>(stages + P::STAGE, kept_second, rows, size);
    copies_arrived();
    __syncthreads();
    Kept<HEAD> kept;
    const Lanes lanes = ::lanes<HEAD>();
    keep<HEAD>(kept.first, stages + row * HEAD, lanes);
    keep<HEAD>(kept.second, stages + P::STAGE + row * HEAD, lanes);
    if (OF == Of::Queries) {
#pragma unroll
        for (int m = 0; m < P::BLOCKS; m++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int within = row + 16 * m + 8 * half + threadIdx.x % 32 / 4;
                kept.log_sum[m][half] = within < rows ? log_sum[tile.begin + within] : 0.0f;
                kept.delta[m][half] = within < rows ? -delta[tile.begin + within] : 0.0f;
            }
        }
    }
    __syncthreads();
    fetch_stage<HEAD, OF>(stages, numbers, streamed, tile.length, size);

    Sums<HEAD> sums = {};
    int stage = 0;
    for (int left = tile.length; left > 0; left -= P::STREAM, stage ^= 1) {
        // After the barrier this stage has arrived for all, and nobody reads the other one any more.
        copies_arrived();
        __syncthreads();
        const int here = stage * P::STAGE;
        const float* of_rows = numbers + stage * 2 * P::STREAM;
        if (left > P::STREAM) {
            fetch_stage<HEAD, OF>(stages + (stage ^ 1) * P::STAGE, numbers + (stage ^ 1) * 2 * P::STREAM, streamed,
                                  left - P::STREAM, size);
        }
        if (row >= rows) {
            continue;
        }
        const int end = min(left, P::STREAM);
        if (OF == Of::Keys || left >= P::STREAM) {
#pragma unroll 1
            for (int c = 0; c < end; c += 16) {
                take_in<HEAD, OF, false>(sums, kept, stages, here + c * HEAD, lanes, of_rows + c, 16, scale);
            }
        } else {
#pragma unroll 1
            for (int c = 0; c < end; c += 16) {
                take_in<HEAD, OF, true>(sums, kept, stages, here + c * HEAD, lanes, of_rows + c, left - c, scale);
            }
        }
    }
    if (row >= rows) {
        return;
    }
    // The last stage may still be read by other warps; the one after it is free.
    bf16* through = stages + stage * P::STAGE;
    bf16* to = d_qkv + (tile.first + tile.begin) * pitch + column + (OF == Of::Keys ? width : 0);
    write<HEAD>(to, pitch, through, sums.first, row, rows, size, [&](int, int) { return scale * 0.693147181f; });
    if (OF == Of::Keys) {
        write<HEAD>(to + width, pitch, through, sums.second, row, rows, size, [](int, int) { return 1.0f; });
    }
}
