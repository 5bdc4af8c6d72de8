// What attention does to every row on its own, in bfloat16 or float32, summed in float32 and rounded once.
//
//   turn    rotary positions, in place on q and k: x_i, x_j -> x_i cos - x_j sin, x_j cos + x_i sin   for j = i + d/2
//   delta   delta = sum over a head of d_mixed * mixed
//
// Shapes: qkv [N, 3D], positions [N], cosine and sine [positions, d/2]; mixed and d_mixed [N, D] -> delta [H, N].
//
// Both only move memory. A thread takes 16 bytes at a time where rows allow it, which is d a multiple of 16 for turn
// (half a head is chunks) and of 8 for delta; else one pair, or two numbers.
//
// What bites: a turn by `direction` -1 undoes one by +1, and that is also how gradients with respect to the turned q
// and k become those of the unturned: exact in the mathematics, rounded once more in bfloat16.
#pragma once

#include "numbers.cuh"
#include "staging.cuh"

// COUNT numbers that move together.
template <typename T, int COUNT>
struct alignas(sizeof(T) * COUNT) Chunk {
    T at[COUNT];
};

// Turns COUNT pairs.
template <typename T, int COUNT>
__device__ __forceinline__ void turn_pairs(T* lower, int half, const float* cosine, const float* sine,
                                           float direction) {
    typedef Chunk<T, COUNT> Numbers;
    Numbers* low = reinterpret_cast<Numbers*>(lower);
    Numbers* high = reinterpret_cast<Numbers*>(lower + half);
    const Numbers x = *low, y = *high;
    Numbers turned_x, turned_y;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        const float c = cosine[i], s = sine[i] * direction, a = widened(x.at[i]), b = widened(y.at[i]);
        store(&turned_x.at[i], a * c - b * s);
        store(&turned_y.at[i], b * c + a * s);
    }
    *low = turned_x;
    *high = turned_y;
}

// Any grid; blocks of THREADS. TOKENS rows at a time keep the indices within 32 bits.
template <typename T>
__device__ __forceinline__ void turn(T* qkv, const float* cosine, const float* sine, const int* positions,
                                     long long tokens, int width, int heads, int direction) {
    constexpr int COUNT = 16 / sizeof(T), TOKENS = 4;
    const int half = width / heads / 2, whole = half % COUNT == 0, chunk = whole ? COUNT : 1;
    const int per_head = half / chunk, per_row = 2 * heads * per_head;
    for (long long first = static_cast<long long>(blockIdx.x) * TOKENS; first < tokens;
         first += static_cast<long long>(gridDim.x) * TOKENS) {
        for (int item = threadIdx.x; item < TOKENS * per_row; item += blockDim.x) {
            const long long token = first + item / per_row;
            if (token >= tokens) {
                break;
            }
            // Queries and keys lie side by side: 2H heads in a row.
            const int head = item % per_row / per_head, i = item % per_head * chunk;
            T* lower = qkv + token * 3 * width + head * 2 * half + i;
            const int place = positions[token] * half + i;
            const float *c = cosine + place, *s = sine + place;
            if (whole) {
                turn_pairs<T, COUNT>(lower, half, c, s, static_cast<float>(direction));
            } else {
                turn_pairs<T, 1>(lower, half, c, s, static_cast<float>(direction));
            }
        }
    }
}

template <typename T, int COUNT>
__device__ __forceinline__ float product(const T* left, const T* right) {
    const Chunk<T, COUNT> a = *reinterpret_cast<const Chunk<T, COUNT>*>(left),
                          b = *reinterpret_cast<const Chunk<T, COUNT>*>(right);
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        sum = fmaf(widened(a.at[i]), widened(b.at[i]), sum);
    }
    return sum;
}

// Any grid; blocks of THREADS. Eight lanes share a head of a row.
template <typename T>
__device__ __forceinline__ void delta_of(const T* mixed, const T* d_mixed, float* delta, long long tokens, int width,
                                         int size) {
    constexpr int COUNT = 16 / sizeof(T), LANES = 8;
    const int heads = width / size, lane = threadIdx.x % LANES, groups = blockDim.x / LANES;
    const long long items = tokens * heads, step = static_cast<long long>(gridDim.x) * groups;
    // All lanes of a warp go round equally often, for the sake of the shuffles.
    for (long long base = static_cast<long long>(blockIdx.x) * groups; base < items; base += step) {
        const long long item = base + threadIdx.x / LANES;
        float sum = 0.0f;
        if (item < items) {
            const T* left = mixed + item * size;
            const T* right = d_mixed + item * size;
            if (size % COUNT == 0) {
                for (int i = lane * COUNT; i < size; i += LANES * COUNT) {
                    sum += product<T, COUNT>(left + i, right + i);
                }
            } else {
                for (int i = lane * 2; i < size; i += LANES * 2) {
                    sum += product<T, 2>(left + i, right + i);
                }
            }
        }
        for (int apart = LANES / 2; apart > 0; apart /= 2) {
            sum += __shfl_xor_sync(0xffffffffu, sum, apart);
        }
        if (item < items && lane == 0) {
            delta[item % heads * tokens + item / heads] = sum;
        }
    }
}
