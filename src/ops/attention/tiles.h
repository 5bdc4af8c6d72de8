// How the work of attention is cut: rows of a tile, threads of a block, bytes of dynamic shared memory. The host that
// starts the kernels keeps the same numbers; all of them stay under the 48 KB that need no permission from the driver.
//
// bfloat16, HEAD the smallest of 16, 32, 64, 128 that holds d; grid = (tiles, heads), block = 128 threads:
//
//   HEAD   rows of a tile   rows streamed at a time   bytes forward   bytes backward (keys and queries)
//     16        128                  64                    8192            9216
//     32        128                  64                   16384           17408
//     64        128                  64                   32768           33792
//    128         64                  32                   32768           33280
//
// float32, every d up to 128, with pitch = d rounded up to 32; grid = (tiles, heads), block = 128 threads:
//
//   all         16                  32          192 * pitch + 2048    256 * pitch + 4096
//
// What bites: one list of tiles serves forward and backward, but bfloat16 and float32 cut their tiles differently.
#pragma once

constexpr int WARPS = 4;
constexpr int THREADS = 32 * WARPS;

template <int HEAD>
struct Plan {
    static_assert(HEAD == 16 || HEAD == 32 || HEAD == 64 || HEAD == 128, "a head is padded to one of four sizes");
    // Blocks of 16 rows that a warp keeps. Two of them use every matrix loaded from shared memory twice: with one,
    // shared memory (128 bytes a cycle) would be as busy as the tensor cores. At 128 the sums of two do not fit in a
    // thread's registers.
    static constexpr int BLOCKS = HEAD == 128 ? 1 : 2;
    // Rows of a tile: the rows that a block of threads keeps in registers.
    static constexpr int TILE = 16 * BLOCKS * WARPS;
    // Rows of the other side that pass through shared memory at a time.
    static constexpr int STREAM = HEAD == 128 ? 32 : 64;
    // Elements of one array of a stage, and of a stage, which holds two arrays (keys and values; queries and
    // gradients).
    static constexpr int ARRAY = STREAM * HEAD;
    static constexpr int STAGE = 2 * ARRAY;
    static_assert(TILE * HEAD == STAGE, "a tile is staged where a stage will be");
    static constexpr int FORWARD_BYTES = 2 * STAGE * 2;
    // And for each stage a log-sum and a delta of every streamed row, in float32.
    static constexpr int BACKWARD_BYTES = FORWARD_BYTES + 2 * 2 * STREAM * 4;
};

// The float32 kernels.
struct Reference {
    static constexpr int ROWS_PER_WARP = 4;
    static constexpr int TILE = ROWS_PER_WARP * WARPS;
    static constexpr int STREAM = 32;
    // Floats from one row to the next.
    __host__ __device__ static constexpr int pitch(int size) {
        return (size + 31) / 32 * 32;
    }
    // Weights of a warp's rows, in floats.
    static constexpr int WEIGHTS = ROWS_PER_WARP * STREAM;
    static constexpr int forward_bytes(int size) {
        return 4 * ((TILE + STREAM) * pitch(size) + WARPS * WEIGHTS);
    }
    static constexpr int backward_bytes(int size) {
        return 4 * ((2 * TILE + STREAM) * pitch(size) + WARPS * 2 * WEIGHTS);
    }
};
