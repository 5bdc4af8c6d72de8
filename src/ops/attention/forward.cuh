// Attention of bfloat16 heads on tensor cores, without the L x L weights:
//
//   mixed = softmax(q k^T / sqrt(d)) v,    log_sum = log2(sum over keys of e^(q . k / sqrt(d)))
//
// Shapes: qkv [N, 3D] -> mixed [N, D], log_sum [H, N] (base 2, float32; null where no gradient will be asked for).
//
// A block keeps a tile of queries, a warp 32 of them (16 at HEAD = 128) as operands in registers, and the keys and
// values of the segment pass through shared memory in two stages: while one is worked on the next is on its way, with
// one barrier each.
//
//   s = q k^T                                     tensor cores
//   p = 2^(s * scale - peak * scale)              scale = log2(e) / sqrt(d): one multiply-add and one ex2 a weight
//   sum += p, mixed += p v                        tensor cores, p straight from the registers of s
//
// The peak need not be a row's maximum: any number near it gives the same quotient. So it moves, and the sums are
// rescaled, only when some row of the warp has outgrown it by 2^8, mostly on the first keys alone; bfloat16 weights of
// up to 256 are as exact as weights of up to 1.
//
// What it costs at HEAD = 64, counted in the machine code for sm_90, for a warp and 64 keys (64 weights a lane), not
// measured:
//
//   128 products             830 cycles of a scheduler's tensor core, if an H100 ends one every 6.5 cycles
//   64 ex2                   512 cycles at 4 lanes a cycle
//   about 600 instructions   600 cycles of issue: 4.5 for each weight, the products, loads, addresses and copies
//   32 matrix loads          512 cycles of shared memory, which moves 128 bytes a cycle for all four schedulers
//
// So the tensor cores are the bound once the two warps that a scheduler holds overlap. FlashAttention-2 has the same
// balance: blocks of 128 queries, four warps of 32. Less is spent here on rescaling, on the last keys (64 at a time and
// 16 in the last stage, where it takes 128), and on warps without rows, which only help with the copies: at L = 916
// that is 928 queries and keys instead of 1024.
//
// What bites: a warp without rows must still reach every barrier.
#pragma once

#include "staging.cuh"

// What a warp carries from one stage to the next.
template <int HEAD>
struct Mixing {
    float mixed[Plan<HEAD>::BLOCKS][HEAD / 8][4];
    // Of rows g and g + 8 of every block; `sum` is this lane's share.
    float peak[Plan<HEAD>::BLOCKS][2], sum[Plan<HEAD>::BLOCKS][2];
};

// The peaks catch up with the scores, where some row of the warp needs it.
template <int HEAD>
__device__ __forceinline__ void follow(Mixing<HEAD>& state,
                                       const float (&scores)[Plan<HEAD>::BLOCKS][Plan<HEAD>::STREAM / 8][4],
                                       float scale) {
    constexpr int BLOCKS = Plan<HEAD>::BLOCKS, COLUMNS = Plan<HEAD>::STREAM / 8;
    constexpr float SLACK = 8.0f;
    float highest[BLOCKS][2];
    bool outgrown = false;
#pragma unroll
    for (int m = 0; m < BLOCKS; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float top = scores[m][0][2 * half];
#pragma unroll
            for (int n = 0; n < COLUMNS; n++) {
                top = fmaxf(top, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
            }
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
            highest[m][half] = fmaxf(top, state.peak[m][half]);
            outgrown = outgrown || (highest[m][half] - state.peak[m][half]) * scale > SLACK;
        }
    }
    if (!__any_sync(0xffffffffu, outgrown)) {
        return;
    }
#pragma unroll
    for (int m = 0; m < BLOCKS; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const float by = power_of_two((state.peak[m][half] - highest[m][half]) * scale);
            state.peak[m][half] = highest[m][half];
            state.sum[m][half] *= by;
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
                state.mixed[m][n][2 * half] *= by;
                state.mixed[m][n][2 * half + 1] *= by;
            }
        }
    }
}

// Takes in one stage of keys and values, `offset` into the stages. PARTIAL: only `left` of them exist.
template <int HEAD, bool PARTIAL>
__device__ __forceinline__ void take_in(Mixing<HEAD>& state,
                                        const uint32_t (&queries)[Plan<HEAD>::BLOCKS][HEAD / 16][4], const bf16* stages,
                                        int offset, Lanes lanes, int left, float scale) {
    constexpr int BLOCKS = Plan<HEAD>::BLOCKS, STREAM = Plan<HEAD>::STREAM;
    float scores[BLOCKS][STREAM / 8][4] = {};
#pragma unroll
    for (int n = 0; n < STREAM / 16; n++) {
        if (PARTIAL && 16 * n >= left) {
            continue;
        }
#pragma unroll
        for (int step = 0; step < HEAD / 16; step++) {
            uint32_t key[4];
            load_matrices(key, stages + at_step(offset + 16 * n * HEAD + lanes.right, step));
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                multiply_add(scores[m][2 * n], queries[m][step], key[0], key[1]);
                multiply_add(scores[m][2 * n + 1], queries[m][step], key[2], key[3]);
            }
        }
    }
    if (PARTIAL) {
        const int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int n = 0; n < STREAM / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const bool beyond = 8 * n + pair + i % 2 >= left;
#pragma unroll
                for (int m = 0; m < BLOCKS; m++) {
                    scores[m][n][i] = beyond ? -INFINITY : scores[m][n][i];
                }
            }
        }
    }
    follow<HEAD>(state, scores, scale);
    float reference[BLOCKS][2];
#pragma unroll
    for (int m = 0; m < BLOCKS; m++) {
        reference[m][0] = -state.peak[m][0] * scale;
        reference[m][1] = -state.peak[m][1] * scale;
    }
#pragma unroll
    for (int k = 0; k < STREAM / 16; k++) {
        if (PARTIAL && 16 * k >= left) {
            continue;
        }
        uint32_t weights[BLOCKS][4];
#pragma unroll
        for (int m = 0; m < BLOCKS; m++) {
#pragma unroll
            for (int pair = 0; pair < 4; pair++) {
                // Pairs in the order of a left operand: rows g and g + 8 of 8 keys, then of the next 8.
                const int half = pair % 2;
                const float(&score)[4] = scores[m][2 * k + pair / 2];
                const float low = power_of_two(fmaf(score[2 * half], scale, reference[m][half]));
                const float high = power_of_two(fmaf(score[2 * half + 1], scale, reference[m][half]));
                state.sum[m][half] += low + high;
                weights[m][pair] = packed(low, high);
            }
        }
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
            uint32_t value[4];
            load_matrices_transposed(value,
                                     stages + Plan<HEAD>::ARRAY + at_step(offset + 16 * k * HEAD + lanes.left, n));
#pragma unroll
            for (int m = 0; m < BLOCKS; m++) {
                multiply_add(state.mixed[m][2 * n], weights[m], value[0], value[1]);
                multiply_add(state.mixed[m][2 * n + 1], weights[m], value[2], value[3]);
            }
        }
    }
}

template <int HEAD>
__device__ __forceinline__ void attention_forward(const bf16* qkv, bf16* mixed, float* log_sum, const int4* tiles,
                                                  long long tokens, int width, int size) {
    using P = Plan<HEAD>;
    DYNAMIC_SHARED(bf16, stages);
    const Tile tile = tile_of(tiles, blockIdx.x);
    const long long pitch = 3LL * width, column = static_cast<long long>(blockIdx.y) * size;
    const Rows queries{qkv + column, pitch}, keys{queries.from + width, pitch}, values{keys.from + width, pitch};
    const int rows = tile.end - tile.begin, row = threadIdx.x / 32 * 16 * P::BLOCKS;
    const float scale = 1.44269504f / sqrtf(static_cast<float>(size));

    fetch<HEAD, P::TILE>(stages + P::STAGE, queries, tile.begin, tile.end, size);
    fetch<HEAD, P::STREAM>(stages, keys, tile.first, tile.end, size);
    fetch<HEAD, P::STREAM>(stages + P::ARRAY, values, tile.first, tile.end, size);
    copies_arrived();
    __syncthreads();
    uint32_t query[P::BLOCKS][HEAD / 16][4];
    const Lanes lanes = ::lanes<HEAD>();
    keep<HEAD>(query, stages + P::STAGE + row * HEAD, lanes);

    Mixing<HEAD> state = {};
#pragma unroll
    for (int m = 0; m < P::BLOCKS; m++) {
        state.peak[m][0] = state.peak[m][1] = -INFINITY;
    }
    int stage = 0;
    for (int at = tile.first; at < tile.end; at += P::STREAM, stage ^= 1) {
        // After the barrier this stage has arrived for all, and nobody reads the other one any more.
        copies_arrived();
        __syncthreads();
        const int next = at + P::STREAM, left = tile.end - at;
        if (next < tile.end) {
            bf16* there = stages + (stage ^ 1) * P::STAGE;
            fetch<HEAD, P::STREAM>(there, keys, next, tile.end, size);
            fetch<HEAD, P::STREAM>(there + P::ARRAY, values, next, tile.end, size);
        }
        if (row < rows) {
            if (left >= P::STREAM) {
                take_in<HEAD, false>(state, query, stages, stage * P::STAGE, lanes, left, scale);
            } else {
                take_in<HEAD, true>(state, query, stages, stage * P::STAGE, lanes, left, scale);
            }
        }
    }
    if (row >= rows) {
        return;
    }
#pragma unroll
    for (int m = 0; m < P::BLOCKS; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float& sum = state.sum[m][half];
            sum += __shfl_xor_sync(0xffffffffu, sum, 1);
            sum += __shfl_xor_sync(0xffffffffu, sum, 2);
            const int within = row + 16 * m + 8 * half + threadIdx.x % 32 / 4;
            if (log_sum != nullptr && threadIdx.x % 4 == 0 && within < rows) {
                log_sum[blockIdx.y * tokens + tile.begin + within] = state.peak[m][half] * scale + log2f(sum);
            }
        }
    }
    // The last stage may still be read by other warps; the one after it is free.
    bf16* to = mixed + static_cast<long long>(tile.begin) * width + column;
    write<HEAD>(to, width, stages + stage * P::STAGE, state.mixed, row, rows, size,
                [&](int m, int half) { return 1.0f / state.sum[m][half]; });
}
