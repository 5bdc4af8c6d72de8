// The gate of a swiglu, h = silu(gate) * value with silu(a) = a / (1 + exp(-a)), and its gradient.
//
//   forward   both [N, 2I], gate beside value -> h [N, I]
//   backward  both, d_h [N, I] -> d_both in the place of both, and h again in the place of d_h: the gradient of the product that
//             follows needs it, and to compute it anew is cheaper than to keep it
//
// One block a row. Wherever exp(-a) overflows, 1 / (1 + inf) is 0 and so is silu, as it should be.
#include "numbers.cuh"

template <class T, int GROUP>
__device__ __forceinline__ void gate(const T* both, T* h, int inner) {
    both += (long long)blockIdx.x * 2 * inner, h += (long long)blockIdx.x * inner;
    for (int i = threadIdx.x * GROUP; i < inner; i += blockDim.x * GROUP) {
        Group<GROUP> gate, value;
        load(gate, both + i), load(value, both + inner + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) value.at[j] *= gate.at[j] / (1.0f + expf(-gate.at[j]));
        store(h + i, value);
    }
}

template <class T, int GROUP>
__device__ __forceinline__ void gate_backward(T* both, T* d_h, int inner) {
    both += (long long)blockIdx.x * 2 * inner, d_h += (long long)blockIdx.x * inner;
    for (int i = threadIdx.x * GROUP; i < inner; i += blockDim.x * GROUP) {
        Group<GROUP> gate, value, slope, h;
        load(gate, both + i), load(value, both + inner + i), load(slope, d_h + i);
#pragma unroll
        for (int j = 0; j < GROUP; j++) {
            const float a = gate.at[j], sigmoid = 1.0f / (1.0f + expf(-a)), silu = a * sigmoid;
            h.at[j] = silu * value.at[j];
            gate.at[j] = slope.at[j] * value.at[j] * (sigmoid + silu * (1.0f - sigmoid));
            value.at[j] = slope.at[j] * silu;
        }
        store(both + i, gate), store(both + inner + i, value), store(d_h + i, h);
    }
}

#define GATE(T, name)                                                                  \
    extern "C" __global__ void gate_##name(const T* both, T* h, int inner) {           \
        if (inner % 4 == 0)                                                            \
            gate<T, 4>(both, h, inner);                                                \
        else                                                                           \
            gate<T, 1>(both, h, inner);                                                \
    }                                                                                  \
    extern "C" __global__ void gate_backward_##name(T* both, T* d_h, int inner) {      \
        if (inner % 4 == 0)                                                            \
            gate_backward<T, 4>(both, d_h, inner);                                     \
        else                                                                           \
            gate_backward<T, 1>(both, d_h, inner);                                     \
    }
GATE(float, f32)
GATE(bf16, bf16)
