// The two number types of activations, float32 and bfloat16, behind one set of names, and loads and stores of several
// numbers at once. All arithmetic is float32; bfloat16 is rounded to nearest even when it is stored.
//
// What bites: a group of GROUP numbers must begin at a multiple of GROUP, which holds where rows are a multiple of
// GROUP wide and begin where an allocation does.
#pragma once

#include "kernel.cuh"

typedef __nv_bfloat16 bf16;

__device__ __forceinline__ float widened(float x) { return x; }
__device__ __forceinline__ float widened(bf16 x) { return __bfloat162float(x); }

__device__ __forceinline__ void store(float* to, float x) { *to = x; }
__device__ __forceinline__ void store(bf16* to, float x) { *to = __float2bfloat16_rn(x); }

// GROUP numbers that lie side by side; GROUP is 4 or 1.
template <int GROUP>
struct Group {
    float at[GROUP];
};

__device__ __forceinline__ void load(Group<1>& group, const float* from) { group.at[0] = *from; }
__device__ __forceinline__ void load(Group<1>& group, const bf16* from) { group.at[0] = widened(*from); }
__device__ __forceinline__ void load(Group<4>& group, const float* from) {
    const float4 four = *reinterpret_cast<const float4*>(from);
    group.at[0] = four.x, group.at[1] = four.y, group.at[2] = four.z, group.at[3] = four.w;
}
__device__ __forceinline__ void load(Group<4>& group, const bf16* from) {
    const uint2 four = *reinterpret_cast<const uint2*>(from);
    group.at[0] = __uint_as_float(four.x << 16), group.at[1] = __uint_as_float(four.x & 0xffff0000u);
    group.at[2] = __uint_as_float(four.y << 16), group.at[3] = __uint_as_float(four.y & 0xffff0000u);
}

__device__ __forceinline__ void store(float* to, const Group<1>& group) { *to = group.at[0]; }
__device__ __forceinline__ void store(bf16* to, const Group<1>& group) { store(to, group.at[0]); }
__device__ __forceinline__ void store(float* to, const Group<4>& group) {
    *reinterpret_cast<float4*>(to) = make_float4(group.at[0], group.at[1], group.at[2], group.at[3]);
}
__device__ __forceinline__ void store(bf16* to, const Group<4>& group) {
    union {
        bf16 four[4];
        uint2 bits;
    } packed;
    for (int i = 0; i < 4; i++) packed.four[i] = __float2bfloat16_rn(group.at[i]);
    *reinterpret_cast<uint2*>(to) = packed.bits;
}

// The sum over the 32 lanes of a warp, the same in all of them.
template <class T>
__device__ __forceinline__ T warp_sum(T x) {
    for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
    return x;
}
