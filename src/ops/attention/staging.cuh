// Rows of one head between global memory, shared memory and the tensor cores' registers.
//
// In shared memory a row is HEAD bfloat16 in chunks of 8 (16 bytes), and chunk c of row r lies at r * HEAD/8 + (c ^
// key(r)): any 8 rows of one chunk, which is what one matrix load touches, fall on all 32 banks once.
//
// Shapes: global rows are d numbers with a pitch of D or 3D; columns d..HEAD are zeros in shared memory and never
// written back.
//
// What bites: rows are 16-byte aligned only where d is a multiple of 8 (then so is D); for other d, which is even, the
// same copies go in steps of 4 bytes.
#pragma once

#include "kernel.cuh"
#include "tensor_cores.cuh"
#include "tiles.h"

// One block of work, from the list that the host lays out, in rows of the batch.
struct Tile {
    // The segment.
    int first, end;
    // The first row of the tile.
    int begin;
};

__device__ __forceinline__ Tile tile_of(const int4* tiles, int index) {
    const int4 tile = tiles[index];
    return {tile.x, tile.x + tile.y, tile.x + tile.z};
}

// d numbers a row of the batch, every `pitch` of them.
struct Rows {
    const bf16* from;
    long long pitch;
};

template <int HEAD>
__device__ __forceinline__ int place(int row, int chunk) {
    constexpr int CHUNKS = HEAD / 8;
    constexpr int ROWS_PER_LINE = CHUNKS < 8 ? 8 / CHUNKS : 1;
    constexpr int KEYS = CHUNKS < 8 ? CHUNKS : 8;
    return (row * CHUNKS + (chunk ^ (row / ROWS_PER_LINE % KEYS))) * 8;
}

// Starts the copies of ROWS rows from row `at` on to shared memory, zeros for those from row `end` on.
//
// A thread copies one chunk of every STEP rows; both addresses advance by additions, because offsets of all its rows,
// which the compiler would otherwise keep across the products, cost a score of registers.
template <int HEAD, int ROWS>
__device__ __forceinline__ void fetch(bf16* to, Rows rows, int at, int end, int size) {
    constexpr int CHUNKS = HEAD / 8, STEP = THREADS / CHUNKS;
    static_assert(STEP % 8 == 0 && ROWS % STEP == 0, "the chunks that a thread copies lie at one distance");
    int thread = threadIdx.x;
    keep_nothing_of(thread);
    const int row = thread / CHUNKS, column = thread % CHUNKS * 8;
    bf16* target = to + place<HEAD>(row, column / 8);
    const bf16* source = rows.from + (at + row) * rows.pitch + column;
    int left = end - at - row;
    if (size % 8 == 0) {
        left = column < size ? left : 0;
#pragma unroll
        for (int i = 0; i < ROWS; i += STEP, target += STEP * HEAD, source += STEP * rows.pitch) {
            copy_async<16>(target, i < left ? source : rows.from, i < left);
        }
    } else {
#pragma unroll 1
        for (int i = 0; i < ROWS; i += STEP, target += STEP * HEAD, source += STEP * rows.pitch) {
            for (int pair = 0; pair < 8; pair += 2) {
                const bool wanted = i < left && column + pair < size;
                copy_async<4>(target + pair, wanted ? source + pair : rows.from, wanted);
            }
        }
    }
}

// Where this lane's addresses lie for a matrix load of 16 rows and columns 0..16, from the first of these rows. The
// load of columns 16 * step on is at `at_step` of it, and rows 16, 32, .. are further by as many times HEAD: keys
// repeat every 8 rows.
struct Lanes {
    // As a left operand, or transposed as a right one whose k runs over rows.
    int left;
    // As a right operand whose k runs over columns: two blocks of 8 rows.
    int right;
};

template <int HEAD>
__device__ __forceinline__ Lanes lanes() {
    const int lane = threadIdx.x % 32;
    return {place<HEAD>(lane % 16, lane / 16), place<HEAD>(lane / 16 * 8 + lane % 8, lane / 8 % 2)};
}

// (2 * step + c) ^ key = 2 * step ^ (c ^ key): c is 0 or 1.
__device__ __forceinline__ int at_step(int offset, int step) {
    return offset ^ 16 * step;
}

// A warp's rows as left operands for every step over d.
template <int HEAD>
__device__ __forceinline__ void keep(uint32_t (&operand)[Plan<HEAD>::BLOCKS][HEAD / 16][4], const bf16* rows,
                                     Lanes lanes) {
#pragma unroll
    for (int m = 0; m < Plan<HEAD>::BLOCKS; m++) {
#pragma unroll
        for (int step = 0; step < HEAD / 16; step++) {
            load_matrices(operand[m][step], rows + 16 * m * HEAD + at_step(lanes.left, step));
        }
    }
}

// The sums of a warp's rows, times `scale` by row, to global memory by way of the warp's own part of `through`, so that
// whole chunks are written. `row` is the warp's first row within the tile, and `left` rows of the tile exist.
template <int HEAD, typename Scale>
__device__ __forceinline__ void write(bf16* to, long long pitch, bf16* through,
                                      const float (&sums)[Plan<HEAD>::BLOCKS][HEAD / 8][4], int row, int left, int size,
                                      Scale scale) {
    constexpr int CHUNKS = HEAD / 8, ROWS = 16 * Plan<HEAD>::BLOCKS;
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < Plan<HEAD>::BLOCKS; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const float by = scale(m, half);
#pragma unroll
            for (int n = 0; n < CHUNKS; n++) {
                bf16* target = through + place<HEAD>(row + 16 * m + 8 * half + lane / 4, n) + lane % 4 * 2;
                *reinterpret_cast<uint32_t*>(target) = packed(sums[m][n][2 * half] * by, sums[m][n][2 * half + 1] * by);
            }
        }
    }
    __syncwarp();
    const bool aligned = size % 8 == 0;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / 32; i++) {
        const int within = row + (i * 32 + lane) / CHUNKS, column = (i * 32 + lane) % CHUNKS * 8;
        const bf16* source = through + place<HEAD>(within, column / 8);
        bf16* target = to + within * pitch + column;
        if (within >= left) {
            continue;
        }
        if (aligned) {
            if (column < size) {
                *reinterpret_cast<uint4*>(target) = *reinterpret_cast<const uint4*>(source);
            }
        } else {
            for (int pair = 0; pair < 8 && column + pair < size; pair += 2) {
                *reinterpret_cast<uint32_t*>(target + pair) = *reinterpret_cast<const uint32_t*>(source + pair);
            }
        }
    }
    __syncwarp();
}
