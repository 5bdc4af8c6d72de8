// The instructions of the tensor cores (sm_80 and later) and what feeds them, as functions that also run on a host.
//
//   multiply_add              sum[16 x 8] += left[16 x 16] * right[16 x 8], summed in float32         mma.sync.m16n8k16
//   load_matrices             four 8 x 8 matrices from shared memory, one row address a lane          ldmatrix.x4
//   load_matrices_transposed  the same, every matrix transposed on the way                            ldmatrix.x4.trans
//   copy_async                16 or 4 bytes from global to shared memory, or as many zeros            cp.async
//
// Shapes, for lane = 4 * g + t: an 8 x 8 matrix is one register a lane, and lane holds its row g, columns 2t and 2t +
// 1. left is four of them (rows 0-7 | 8-15 of columns 0-7, then of columns 8-15); right is two, of the transpose
// (column g of the product, k = 2t, 2t + 1, then 8 more); sum is rows g and g + 8, columns 2t and 2t + 1.
//
// What bites: the sums of a product, packed in pairs, are the left operand of the next one, so weights never pass
// through shared memory; and the low half of a register is the lower column. All of a warp's 32 lanes must call these
// together.
#pragma once

#include <cstdint>
#include <cstring>

#include "numbers.cuh"


// Two numbers, rounded to nearest even, in one register; `low` is the lower column.
__device__ __forceinline__ uint32_t packed(float low, float high) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

#ifdef __CUDACC__

__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ void multiply_add(float (&sum)[4], const uint32_t (&left)[4], uint32_t right0,
                                             uint32_t right1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], const bf16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(uint32_t (&to)[4], const bf16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

// Starts a copy of BYTES to shared memory; where it is not `wanted` nothing is read and zeros arrive. Both addresses
// must be multiples of BYTES.
template <int BYTES>
__device__ __forceinline__ void copy_async(void* to, const void* from, bool wanted) {
    static_assert(BYTES == 16 || BYTES == 4, "cp.async moves 4, 8 or 16 bytes");
    const int read = wanted ? BYTES : 0;
    if (BYTES == 16) {
        // .cg keeps the rows out of the first-level cache: they are read from shared memory from now on.
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(read)
                     : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from), "r"(read)
                     : "memory");
    }
}

// Waits for this thread's copies; the other threads' have arrived after the barrier that follows.
__device__ __forceinline__ void copies_arrived() {
    asm volatile("cp.async.wait_all;" ::: "memory");
}

// 2^x with one instruction: relative error 2^-22, results under 2^-126 become 0. exp2f spends three more on those.
__device__ __forceinline__ float power_of_two(float x) {
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
    return power;
}

// Makes the compiler forget what it knows of a number, so that it computes anew instead of keeping results in
// registers.
__device__ __forceinline__ void keep_nothing_of(int& number) {
    asm volatile("" : "+r"(number));
}

#else  // On a host: what the instructions are documented to do, on what the 32 lanes deposit.

#include <cmath>
#include <cstdio>
#include <cstdlib>

inline float bfloat16_half(uint32_t pair, int high) {
    const uint32_t bits = high ? pair & 0xffff0000u : pair << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

struct Operands {
    uint32_t left[4], right[2];
};

inline void multiply_add(float (&sum)[4], const uint32_t (&left)[4], uint32_t right0, uint32_t right1) {
    const auto lanes = emulation::warp_exchange(Operands{{left[0], left[1], left[2], left[3]}, {right0, right1}});
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) {
        const int below = i / 2, column = 2 * t + i % 2;
        for (int k = 0; k < 16; k++) {
            const int quad = k % 8 / 2, beyond = k / 8;
            sum[i] += bfloat16_half(lanes[4 * g + quad].left[2 * beyond + below], k % 2) *
                      bfloat16_half(lanes[4 * column + quad].right[beyond], k % 2);
        }
    }
}

inline uint32_t two(const bf16& low, const bf16& high) {
    uint16_t halves[2];
    std::memcpy(&halves[0], &low, 2);
    std::memcpy(&halves[1], &high, 2);
    return halves[0] | static_cast<uint32_t>(halves[1]) << 16;
}

inline void load_matrices(uint32_t (&to)[4], const bf16* row) {
    const auto rows = emulation::warp_exchange(row);
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (int matrix = 0; matrix < 4; matrix++) {
        const bf16* of = rows[8 * matrix + g];
        to[matrix] = two(of[2 * t], of[2 * t + 1]);
    }
}

inline void load_matrices_transposed(uint32_t (&to)[4], const bf16* row) {
    const auto rows = emulation::warp_exchange(row);
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (int matrix = 0; matrix < 4; matrix++) {
        to[matrix] = two(rows[8 * matrix + 2 * t][g], rows[8 * matrix + 2 * t + 1][g]);
    }
}

template <int BYTES>
inline void copy_async(void* to, const void* from, bool wanted) {
    static_assert(BYTES == 16 || BYTES == 4, "cp.async moves 4, 8 or 16 bytes");
    if (reinterpret_cast<uintptr_t>(to) % BYTES != 0 || reinterpret_cast<uintptr_t>(from) % BYTES != 0) {
        std::fprintf(stderr, "copy_async of %d bytes between addresses that are no multiple of it\n", BYTES);
        std::abort();
    }
    if (wanted) {
        std::memcpy(to, from, BYTES);
    } else {
        std::memset(to, 0, BYTES);
    }
}

inline void copies_arrived() {}

inline void keep_nothing_of(int&) {}

inline float power_of_two(float x) {
    return std::exp2(x);
}

#endif
