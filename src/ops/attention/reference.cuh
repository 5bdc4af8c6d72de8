// Attention of float32 heads without tensor cores: the same three kernels, to about 1e-6 of the exact numbers, for
// every d up to 128. The formulas are those of forward.cuh and backward.cuh.
//
// Shapes: as there, in float32.
//
// A warp keeps 4 rows and streams 32 of the other side. A lane first stands for a streamed row: it dots it with each of
// the 4, whose numbers all lanes read at once. The weights then pass through the warp's own corner of shared memory,
// and a lane stands for columns lane + 32 j of the sums.
//
// In shared memory chunk c (4 numbers) of row r lies at r * pitch/4 + (c ^ r % 8): 8 lanes that read one chunk of 8
// rows touch all 32 banks. One buffer holds keys and values in turn (queries and gradients), so 128 columns fit in 48
// KB.
//
// What bites: columns d..pitch are zeros in shared memory; the sums there are zeros and not written.
#pragma once

#include "staging.cuh"

namespace reference {

constexpr int ROWS = Reference::ROWS_PER_WARP, TILE = Reference::TILE, STREAM = Reference::STREAM;
// Columns of the sums that a lane stands for.
constexpr int COLUMNS = 128 / 32;

// Where a block's arrays lie.
struct Arrays {
    float *first, *second, *stream, *weights;
    int pitch;
};

__device__ __forceinline__ int place(int row, int column, int pitch) {
    return row * pitch + ((column / 4 ^ row % 8) * 4 | column % 4);
}

// Copies `count` rows from row `at` on between barriers, zeros for those from row `end` on.
__device__ __forceinline__ void fetch(float* to, const float* from, long long pitch, int count, int at, int end,
                                      int size, const Arrays& arrays) {
    __syncthreads();
    for (int i = threadIdx.x; i < count * arrays.pitch; i += THREADS) {
        const int row = i / arrays.pitch, column = i % arrays.pitch;
        to[place(row, column, arrays.pitch)] =
            at + row < end && column < size ? from[(at + row) * pitch + column] : 0.0f;
    }
    __syncthreads();
}

// kept [4 rows] . streamed [this lane's row].
__device__ __forceinline__ void dots(float (&sum)[ROWS], const float* kept, int row, const Arrays& arrays, int size) {
    const int lane = threadIdx.x % 32;
    for (int r = 0; r < ROWS; r++) {
        sum[r] = 0.0f;
    }
    for (int column = 0; column < size; column += 4) {
        const float4 b = *reinterpret_cast<const float4*>(arrays.stream + place(lane, column, arrays.pitch));
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const float4 a = *reinterpret_cast<const float4*>(kept + place(row + r, column, arrays.pitch));
            sum[r] = fmaf(a.x, b.x, fmaf(a.y, b.y, fmaf(a.z, b.z, fmaf(a.w, b.w, sum[r]))));
        }
    }
}

// sum [4 rows] += weights [4 rows, of each lane's streamed row] streamed [`left` rows].
__device__ __forceinline__ void gather(float (&sum)[ROWS][COLUMNS], const float (&mine)[ROWS], const Arrays& arrays,
                                       int left) {
    const int lane = threadIdx.x % 32;
    float4* weights = reinterpret_cast<float4*>(arrays.weights);
    weights[lane] = make_float4(mine[0], mine[1], mine[2], mine[3]);
    __syncwarp();
    for (int row = 0; row < min(left, STREAM); row++) {
        const float4 weight = weights[row];
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            if (32 * j < arrays.pitch) {
                const float x = arrays.stream[place(row, lane + 32 * j, arrays.pitch)];
                sum[0][j] = fmaf(weight.x, x, sum[0][j]);
                sum[1][j] = fmaf(weight.y, x, sum[1][j]);
                sum[2][j] = fmaf(weight.z, x, sum[2][j]);
                sum[3][j] = fmaf(weight.w, x, sum[3][j]);
            }
        }
    }
    __syncwarp();
}

__device__ __forceinline__ void write(float* to, long long pitch, const float (&sum)[ROWS][COLUMNS],
                                      const float (&by)[ROWS], int row, int left, int size) {
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const int column = threadIdx.x % 32 + 32 * j;
            if (row + r < left && column < size) {
                to[(row + r) * pitch + column] = sum[r][j] * by[r];
            }
        }
    }
}

__device__ __forceinline__ void forward(const float* qkv, float* mixed, float* log_sum, const int4* tiles,
                                        long long tokens, int width, int size) {
    DYNAMIC_SHARED(float, memory);
    const int pitch = Reference::pitch(size), lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = warp * ROWS;
    float* stream = memory + TILE * pitch;
    const Arrays arrays{memory, nullptr, stream, stream + STREAM * pitch + warp * Reference::WEIGHTS, pitch};
    const Tile tile = tile_of(tiles, blockIdx.x);
    const long long between = 3LL * width;
    const float* queries = qkv + static_cast<long long>(blockIdx.y) * size;
    const int rows = tile.end - tile.begin;
    const float scale = 1.44269504f / sqrtf(static_cast<float>(size));

    fetch(arrays.first, queries, between, TILE, tile.begin, tile.end, size, arrays);
    float peak[ROWS], sum[ROWS] = {}, totals[ROWS][COLUMNS] = {}, scores[ROWS];
    for (int r = 0; r < ROWS; r++) {
        peak[r] = -INFINITY;
    }
    for (int at = tile.first; at < tile.end; at += STREAM) {
        const int left = tile.end - at;
        fetch(arrays.stream, queries + width, between, STREAM, at, tile.end, size, arrays);
        if (row < rows) {
            dots(scores, arrays.first, row, arrays, size);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const float score = lane < left ? scores[r] * scale : -INFINITY;
                float top = fmaxf(peak[r], score);
                for (int apart = 16; apart > 0; apart /= 2) {
                    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, apart));
                }
                const float by = exp2f(peak[r] - top);
                peak[r] = top;
                scores[r] = exp2f(score - top);
                sum[r] = fmaf(sum[r], by, scores[r]);
                for (int j = 0; j < COLUMNS; j++) {
                    totals[r][j] *= by;
                }
            }
        }
        fetch(arrays.stream, queries + 2 * width, between, STREAM, at, tile.end, size, arrays);
        if (row < rows) {
            gather(totals, scores, arrays, left);
        }
    }
    if (row >= rows) {
        return;
    }
    float by[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        for (int apart = 16; apart > 0; apart /= 2) {
            sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], apart);
        }
        by[r] = 1.0f / sum[r];
        if (log_sum != nullptr && lane == 0 && row + r < rows) {
            log_sum[blockIdx.y * tokens + tile.begin + row + r] = peak[r] + log2f(sum[r]);
        }
    }
    write(mixed + static_cast<long long>(tile.begin) * width + static_cast<long long>(blockIdx.y) * size, width, totals,
          by, row, rows, size);
}

// What is kept and streamed: the table of backward.cuh.
template <Of OF>
__device__ __forceinline__ void backward(const float* qkv, const float* d_mixed, const float* log_sum,
                                         const float* delta, float* d_qkv, const int4* tiles, long long tokens,
                                         int width, int size) {
    DYNAMIC_SHARED(float, memory);
    const int pitch = Reference::pitch(size), lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = warp * ROWS;
    float* stream = memory + 2 * TILE * pitch;
    const Arrays arrays{memory, memory + TILE * pitch, stream, stream + STREAM * pitch + warp * Reference::WEIGHTS,
                        pitch};
    const Tile tile = tile_of(tiles, blockIdx.x);
    const long long between = 3LL * width, column = static_cast<long long>(blockIdx.y) * size;
    const float *queries = qkv + column, *keys = queries + width, *values = keys + width, *d_rows = d_mixed + column;
    const float* first = OF == Of::Keys ? queries : keys;
    const float* second = OF == Of::Keys ? d_rows : values;
    const long long second_pitch = OF == Of::Keys ? width : between, kept_pitch = OF == Of::Keys ? between : width;
    log_sum += blockIdx.y * tokens;
    delta += blockIdx.y * tokens;
    const int rows = tile.end - tile.begin;
    const float root = sqrtf(static_cast<float>(size)), scale = 1.44269504f / root;

    fetch(arrays.first, OF == Of::Keys ? keys : queries, between, TILE, tile.begin, tile.end, size, arrays);
    fetch(arrays.second, OF == Of::Keys ? values : d_rows, kept_pitch, TILE, tile.begin, tile.end, size, arrays);
    float d_first[ROWS][COLUMNS] = {}, d_second[ROWS][COLUMNS] = {}, p[ROWS], d_scores[ROWS];
    for (int at = tile.first; at < tile.end; at += STREAM) {
        const int left = tile.end - at;
        fetch(arrays.stream, second, second_pitch, STREAM, at, tile.end, size, arrays);
        if (row < rows) {
            dots(d_scores, arrays.second, row, arrays, size);
        }
        fetch(arrays.stream, first, between, STREAM, at, tile.end, size, arrays);
        if (row < rows) {
            dots(p, arrays.first, row, arrays, size);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const int query = OF == Of::Keys ? at + lane : tile.begin + row + r;
                const bool exists = lane < left && query < tile.end;
                p[r] = exists ? exp2f(fmaf(p[r], scale, -log_sum[query])) : 0.0f;
                d_scores[r] = exists ? p[r] * (d_scores[r] - delta[query]) : 0.0f;
            }
            gather(d_first, d_scores, arrays, left);
        }
        if (OF == Of::Keys) {
            fetch(arrays.stream, second, second_pitch, STREAM, at, tile.end, size, arrays);
            if (row < rows) {
                gather(d_second, p, arrays, left);
            }
        }
    }
    const float by[ROWS] = {1.0f / root, 1.0f / root, 1.0f / root, 1.0f / root}, one[ROWS] = {1.0f, 1.0f, 1.0f, 1.0f};
    float* to = d_qkv + tile.begin * between + column + (OF == Of::Keys ? width : 0);
    write(to, between, d_first, by, row, rows, size);
    if (OF == Of::Keys) {
        write(to + width, between, d_second, one, row, rows, size);
    }
}

}  // namespace reference
