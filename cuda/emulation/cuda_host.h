// Lets g++ compile a .cu file for the host: CUDA's qualifiers, vector types, built-in variables and intrinsics.
//
//     g++ -std=c++17 -O2 -x c++ -include cuda/emulation/cuda_host.h -I cuda/emulation -I cuda/include kernel.cu
//
// What bites: the compiler contracts nothing (-ffp-contract=off is wanted, so that only __fmaf_rn and fmaf fuse), while
// nvcc contracts a*b+c by itself: the last bit of a sum may differ from a real device's. The fast intrinsics (__expf,
// __fdividef, ..) are as exact as the plain functions here; on a device they are not.
#pragma once

#include <cassert>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <math.h>
#include <stdint.h>
#include <type_traits>

#include "execution.h"

#ifdef EMULATION_LIST  // build.py lists the entry points of a preprocessed file
#define __global__ emulated_kernel
#else
#define __global__
#endif
#define __device__
#define __host__
#define __constant__ static
#define __managed__
#define __shared__ static  // blocks run one after another
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)
#ifndef __restrict__
#define __restrict__ __restrict
#endif
#ifndef __CUDA_ARCH__
#define __CUDA_ARCH__ 800
#endif

#define EMULATION_VECTOR(T, NAME, ALIGN2, ALIGN4)                                            \
    struct NAME##1 { T x; };                                                                 \
    struct alignas(ALIGN2) NAME##2 { T x, y; };                                              \
    struct alignas(ALIGN4) NAME##4 { T x, y, z, w; };                                        \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                               \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATION_VECTOR(float, float, 8, 16)
EMULATION_VECTOR(double, double, 16, 16)
EMULATION_VECTOR(int, int, 8, 16)
EMULATION_VECTOR(unsigned int, uint, 8, 16)
EMULATION_VECTOR(short, short, 4, 8)
EMULATION_VECTOR(unsigned short, ushort, 4, 8)
EMULATION_VECTOR(signed char, char, 2, 4)
EMULATION_VECTOR(unsigned char, uchar, 2, 4)
EMULATION_VECTOR(long long, longlong, 16, 16)
EMULATION_VECTOR(unsigned long long, ulonglong, 16, 16)
#undef EMULATION_VECTOR
struct float3 { float x, y, z; };
struct double3 { double x, y, z; };
struct int3 { int x, y, z; };
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z) { return {x, y, z}; }

// Barriers and warp collectives. The place of the call is kept for the message about a barrier that is not met.
#define EMULATION_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()
inline void __syncthreads(EMULATION_PLACE) { emulation::barrier(0, file, line); }
inline int __syncthreads_or(int vote, EMULATION_PLACE) {
    emulation::barrier(vote, file, line);
    return emulation::machine.voted_or;
}
inline int __syncthreads_count(int vote, EMULATION_PLACE) {
    emulation::barrier(vote, file, line);
    return emulation::machine.voted_count;
}
inline int __syncthreads_and(int vote, EMULATION_PLACE) { return !__syncthreads_or(!vote, file, line); }
inline void __syncwarp(unsigned int mask = emulation::FULL, EMULATION_PLACE) {
    emulation::exchange(mask, '\0', file, line);
}
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace emulation {
inline unsigned int lane() { return machine.current % LANES; }
// `source` and `width` as in CUDA: segments of `width` lanes, a source outside the own segment gives the own value.
template <class T>
T shuffle(unsigned int mask, const T& value, int source, bool inside, EMULATION_PLACE) {
    const T* all = exchange(mask, value, file, line);
    return inside ? all[source] : value;
}
}  // namespace emulation

template <class T>
T __shfl_sync(unsigned int mask, T value, int source, int width = 32, EMULATION_PLACE) {
    int lane = emulation::lane(), base = lane & ~(width - 1);
    return emulation::shuffle(mask, value, base + (source & (width - 1)), true, file, line);
}
template <class T>
T __shfl_xor_sync(unsigned int mask, T value, int bits, int width = 32, EMULATION_PLACE) {
    int lane = emulation::lane(), source = lane ^ bits;
    return emulation::shuffle(mask, value, source, source < (lane & ~(width - 1)) + width, file, line);
}
template <class T>
T __shfl_down_sync(unsigned int mask, T value, unsigned int by, int width = 32, EMULATION_PLACE) {
    unsigned int lane = emulation::lane(), source = lane + by;
    return emulation::shuffle(mask, value, source, (lane & (width - 1)) + by < unsigned(width), file, line);
}
template <class T>
T __shfl_up_sync(unsigned int mask, T value, unsigned int by, int width = 32, EMULATION_PLACE) {
    unsigned int lane = emulation::lane(), source = lane - by;
    return emulation::shuffle(mask, value, source, (lane & (width - 1)) >= by, file, line);
}
inline unsigned int __ballot_sync(unsigned int mask, int vote, EMULATION_PLACE) {
    unsigned char mine = vote != 0;  // absent lanes read as 255
    const unsigned char* all = emulation::exchange(mask, mine, file, line);
    unsigned int bits = 0;
    for (unsigned int i = 0; i < emulation::LANES; i++) bits |= unsigned(all[i] == 1) << i;
    return bits;
}
inline int __any_sync(unsigned int mask, int vote, EMULATION_PLACE) { return __ballot_sync(mask, vote, file, line) != 0; }
inline int __all_sync(unsigned int mask, int vote, EMULATION_PLACE) { return __ballot_sync(mask, !vote, file, line) == 0; }
#define EMULATION_REDUCE(NAME, START, STEP)                                                     \
    template <class T>                                                                          \
    T NAME(unsigned int mask, T value, EMULATION_PLACE) {                                       \
        const T* all = emulation::exchange(mask, value, file, line);                            \
        T r = value;                                                                            \
        bool first = true;                                                                      \
        for (unsigned int i = 0; i < emulation::LANES; i++)                                     \
            if (mask >> i & 1) r = first ? all[i] : STEP, first = false;                        \
        return r;                                                                               \
    }
EMULATION_REDUCE(__reduce_add_sync, 0, r + all[i])
EMULATION_REDUCE(__reduce_max_sync, 0, (r < all[i] ? all[i] : r))
EMULATION_REDUCE(__reduce_min_sync, 0, (all[i] < r ? all[i] : r))
EMULATION_REDUCE(__reduce_or_sync, 0, (r | all[i]))
EMULATION_REDUCE(__reduce_and_sync, 0, (r& all[i]))
#undef EMULATION_REDUCE

// Atomics: threads never run at the same time.
namespace emulation {
template <class T, class F>
T update(T* at, F step) {
    T old = *at;
    *at = step(old);
    return old;
}
}  // namespace emulation
// clang-format off
#define EMULATION_ATOMICS(T)                                                                                       \
    inline T atomicAdd(T* at, T by) { return emulation::update(at, [=](T old) { return static_cast<T>(old + by); }); }
EMULATION_ATOMICS(int) EMULATION_ATOMICS(unsigned int) EMULATION_ATOMICS(unsigned long long)
EMULATION_ATOMICS(float) EMULATION_ATOMICS(double)
#undef EMULATION_ATOMICS
#define EMULATION_ATOMICS(T)                                                                                       \
    inline T atomicMax(T* at, T v) { return emulation::update(at, [=](T old) { return old < v ? v : old; }); }     \
    inline T atomicMin(T* at, T v) { return emulation::update(at, [=](T old) { return v < old ? v : old; }); }     \
    inline T atomicOr(T* at, T v) { return emulation::update(at, [=](T old) { return static_cast<T>(old | v); }); }             \
    inline T atomicAnd(T* at, T v) { return emulation::update(at, [=](T old) { return static_cast<T>(old & v); }); }
EMULATION_ATOMICS(int) EMULATION_ATOMICS(unsigned int) EMULATION_ATOMICS(long long) EMULATION_ATOMICS(unsigned long long)
#undef EMULATION_ATOMICS
#define EMULATION_ATOMICS(T)                                                                                       \
    inline T atomicExch(T* at, T v) { return emulation::update(at, [=](T) { return v; }); }                        \
    inline T atomicCAS(T* at, T want, T v) { return emulation::update(at, [=](T old) { return old == want ? v : old; }); }
EMULATION_ATOMICS(int) EMULATION_ATOMICS(unsigned int) EMULATION_ATOMICS(unsigned short) EMULATION_ATOMICS(unsigned long long)
#undef EMULATION_ATOMICS
// clang-format on
inline float atomicExch(float* at, float v) { return emulation::update(at, [=](float) { return v; }); }

// Loads with a hint, bit casts, arithmetic with a named rounding, fast functions.
template <class T> T __ldg(const T* at) { return *at; }
template <class T> T __ldcs(const T* at) { return *at; }
template <class T> T __ldcg(const T* at) { return *at; }
template <class T> void __stcs(T* at, T value) { *at = value; }
template <class T> void __stcg(T* at, T value) { *at = value; }

namespace emulation {
template <class To, class From>
To bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
    To to;
    std::memcpy(&to, &from, sizeof(to));
    return to;
}
}  // namespace emulation
inline unsigned int __float_as_uint(float x) { return emulation::bits<unsigned int>(x); }
inline int __float_as_int(float x) { return emulation::bits<int>(x); }
inline float __uint_as_float(unsigned int x) { return emulation::bits<float>(x); }
inline float __int_as_float(int x) { return emulation::bits<float>(x); }
inline long long __double_as_longlong(double x) { return emulation::bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emulation::bits<double>(x); }

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float a) { return a < 0 || a != a ? 0.0f : a > 1 ? 1.0f : a; }
inline float __expf(float a) { return expf(a); }
inline float __exp2f(float a) { return exp2f(a); }
inline float __exp10f(float a) { return powf(10.0f, a); }
inline float __logf(float a) { return logf(a); }
inline float __log2f(float a) { return log2f(a); }
inline float __sinf(float a) { return sinf(a); }
inline float __cosf(float a) { return cosf(a); }
inline float __tanhf(float a) { return tanhf(a); }
inline float __powf(float a, float b) { return powf(a, b); }
inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
inline double rsqrt(double a) { return 1.0 / sqrt(a); }
inline float __frsqrt_rn(float a) { return rsqrtf(a); }
inline int __float2int_rn(float a) { return int(nearbyintf(a)); }
inline int __float2int_rz(float a) { return int(a); }
inline float __int2float_rn(int a) { return float(a); }

inline int __popc(unsigned int x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned int __brev(unsigned int x) {
    unsigned int r = 0;
    for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
    return r;
}
inline unsigned int __umulhi(unsigned int a, unsigned int b) { return uint64_t(a) * b >> 32; }
inline int __mul24(int a, int b) { return a * b; }
inline unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector) {
    uint64_t both = uint64_t(b) << 32 | a;
    unsigned int r = 0;
    for (int i = 0; i < 4; i++) r |= unsigned(both >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
    return r;
}
inline unsigned int __funnelshift_l(unsigned int low, unsigned int high, unsigned int by) {
    return (uint64_t(high) << 32 | low) << (by & 31) >> 32;
}
inline unsigned int __funnelshift_r(unsigned int low, unsigned int high, unsigned int by) {
    return (uint64_t(high) << 32 | low) >> (by & 31);
}
inline unsigned int __activemask() {
    unsigned int first = emulation::machine.current / 32 * 32, bits = 0;
    for (unsigned int i = 0; i < 32 && first + i < emulation::machine.threads; i++)
        bits |= unsigned(emulation::machine.thread[first + i].state != emulation::State::Done) << i;
    return bits;
}
[[noreturn]] inline void __trap() { emulation::fail("__trap"); }
inline size_t __cvta_generic_to_shared(const void* p) { return reinterpret_cast<size_t>(p); }

// min and max of mixed integers, of floats (a NaN loses), as CUDA has them in the global namespace.
template <class A, class B, class R = std::common_type_t<A, B>, class = std::enable_if_t<std::is_arithmetic_v<R>>>
inline R max(A a, B b) {
    if constexpr (std::is_floating_point_v<R>) return std::fmax(R(a), R(b));
    else return R(a) < R(b) ? R(b) : R(a);
}
template <class A, class B, class R = std::common_type_t<A, B>, class = std::enable_if_t<std::is_arithmetic_v<R>>>
inline R min(A a, B b) {
    if constexpr (std::is_floating_point_v<R>) return std::fmin(R(a), R(b));
    else return R(b) < R(a) ? R(b) : R(a);
}
using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;
