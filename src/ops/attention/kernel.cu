// Ragged self-attention on a GPU: the kernels by name. Formulas, shapes and reasons are in the files included here.
//
//   rope_{bf16,f32}                                         in place on q and k of qkv     rows.cuh
//   attention_forward_{bf16_HEAD,f32}                       qkv -> mixed, log_sum          forward.cuh, reference.cuh
//   attention_delta_{bf16,f32}                              mixed, d_mixed -> delta        rows.cuh
//   attention_backward_keys_{bf16_HEAD,f32}                 -> d_k, d_v within d_qkv       backward.cuh, reference.cuh
//   attention_backward_queries_{bf16_HEAD,f32}              -> d_q within d_qkv
//
// Shapes: qkv and d_qkv [N, 3D], mixed and d_mixed [N, D], packed: heads side by side along D, head h at columns
// h*d..(h+1)*d; log_sum (base 2, of the scaled scores) and delta [H, N]; tokens = N, width = D, size = d, even, at most
// 128. HEAD is the smallest of 16, 32, 64, 128 that holds d. Attention is full inside every segment.
//
// tiles: one for every Plan<HEAD>::TILE rows of every segment (Reference::TILE in float32), best the longest segments
// first: x = first row of the segment, y = its length, z = first row of the tile within the segment. grid = (tiles,
// heads), block = 128 threads, dynamic shared memory as in tiles.h. rope and delta take any grid of 128 threads; a
// block turns 4 tokens a round, or sums 16 heads of rows.
//
// What bites: pointers must be 16-byte aligned; rows that no tile covers are not written.
#include "backward.cuh"
#include "forward.cuh"
#include "reference.cuh"
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(THREADS) rope_bf16(bf16* qkv, const float* cosine, const float* sine,
                                                                const int* positions, long long tokens, int width,
                                                                int heads, int direction) {
    turn(qkv, cosine, sine, positions, tokens, width, heads, direction);
}

extern "C" __global__ void __launch_bounds__(THREADS) rope_f32(float* qkv, const float* cosine, const float* sine,
                                                               const int* positions, long long tokens, int width,
                                                               int heads, int direction) {
    turn(qkv, cosine, sine, positions, tokens, width, heads, direction);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_delta_bf16(const bf16* mixed, const bf16* d_mixed, float* delta, long long tokens, int width, int size) {
    delta_of(mixed, d_mixed, delta, tokens, width, size);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_delta_f32(const float* mixed, const float* d_mixed, float* delta, long long tokens, int width, int size) {
    delta_of(mixed, d_mixed, delta, tokens, width, size);
}

// Two blocks a multiprocessor leave each thread all the registers it can name.
#define ATTENTION(HEAD)                                                                                           \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_forward_bf16_##HEAD(                       \
        const bf16* qkv, bf16* mixed, float* log_sum, const int4* tiles, long long tokens, int width, int size) { \
        attention_forward<HEAD>(qkv, mixed, log_sum, tiles, tokens, width, size);                                 \
    }                                                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_backward_keys_bf16_##HEAD(                 \
        const bf16* qkv, const bf16* d_mixed, const float* log_sum, const float* delta, bf16* d_qkv,              \
        const int4* tiles, long long tokens, int width, int size) {                                               \
        attention_backward<HEAD, Of::Keys>(qkv, d_mixed, log_sum, delta, d_qkv, tiles, tokens, width, size);      \
    }                                                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_backward_queries_bf16_##HEAD(              \
        const bf16* qkv, const bf16* d_mixed, const float* log_sum, const float* delta, bf16* d_qkv,              \
        const int4* tiles, long long tokens, int width, int size) {                                               \
        attention_backward<HEAD, Of::Queries>(qkv, d_mixed, log_sum, delta, d_qkv, tiles, tokens, width, size);   \
    }

ATTENTION(16)
ATTENTION(32)
ATTENTION(64)
ATTENTION(128)

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_forward_f32(const float* qkv, float* mixed, float* log_sum, const int4* tiles, long long tokens,
                          int width, int size) {
    reference::forward(qkv, mixed, log_sum, tiles, tokens, width, size);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_keys_f32(const float* qkv, const float* d_mixed, const float* log_sum, const float* delta,
                                float* d_qkv, const int4* tiles, long long tokens, int width, int size) {
    reference::backward<Of::Keys>(qkv, d_mixed, log_sum, delta, d_qkv, tiles, tokens, width, size);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_queries_f32(const float* qkv, const float* d_mixed, const float* log_sum, const float* delta,
                                   float* d_qkv, const int4* tiles, long long tokens, int width, int size) {
    reference::backward<Of::Queries>(qkv, d_mixed, log_sum, delta, d_qkv, tiles, tokens, width, size);
}
