// Sums of states, out = z + a (+ b), with a bfloat16 copy for the product that follows; and sums in place, for gradients.
// A thread takes four numbers, the last one what is left. `b` and `narrow` may be null, and
// `out` may be z.
#include "numbers.cuh"

extern "C" __global__ void sum_states(const float* z, const float* a, const float* b, float* out, bf16* narrow, long long count) {
    const long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= count) {
        Group<4> sum, other;
        load(sum, z + i), load(other, a + i);
#pragma unroll
        for (int j = 0; j < 4; j++) sum.at[j] += other.at[j];
        if (b != nullptr) {
            load(other, b + i);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += other.at[j];
        }
        store(out + i, sum);
        if (narrow != nullptr) store(narrow + i, sum);
        return;
    }
    for (long long j = i; j < count; j++) {
        const float sum = z[j] + a[j] + (b == nullptr ? 0.0f : b[j]);
        out[j] = sum;
        if (narrow != nullptr) store(narrow + j, sum);
    }
}

// to += from; one of them may begin in the midst of an allocation, where four numbers cannot be loaded at once
extern "C" __global__ void add_to(float* to, const float* from, long long count) {
    const long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    const bool aligned = (reinterpret_cast<size_t>(to) | reinterpret_cast<size_t>(from)) % 16 == 0;
    if (aligned && i + 4 <= count) {
        Group<4> sum, other;
        load(sum, to + i), load(other, from + i);
#pragma unroll
        for (int j = 0; j < 4; j++) sum.at[j] += other.at[j];
        store(to + i, sum);
        return;
    }
    for (long long j = i; j < count && j < i + 4; j++) to[j] += from[j];
}

// The bits of the largest |x|, in *largest, which begins at 0: those of NaN are above those of infinity, and those above all numbers'.
extern "C" __global__ void largest_size(const float* x, long long count, unsigned* largest) {
    unsigned mine = 0;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
        mine = max(mine, __float_as_uint(x[i]) & 0x7fffffffu);
    for (int distance = 16; distance > 0; distance /= 2) mine = max(mine, __shfl_xor_sync(0xffffffffu, mine, distance));
    if (threadIdx.x % 32 == 0) atomicMax(largest, mine);
}
