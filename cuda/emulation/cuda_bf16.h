// bfloat16 for the host emulation: the part of CUDA's cuda_bf16.h that kernels here use.
//
// What bites: arithmetic goes through float and is rounded once after each operation, to nearest even, as on devices of
// compute capability 8.0 for +, - and *; __hfma here rounds once as well.
#pragma once

#include "cuda_host.h"

struct __nv_bfloat16;
struct __nv_bfloat16_raw { unsigned short x; };
inline unsigned short emulation_round_to_bfloat16(float value) {
    unsigned int bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;  // CUDA's one NaN
    return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

struct alignas(2) __nv_bfloat16 {
    unsigned short x;
    __nv_bfloat16() = default;  // trivial, so that shared arrays need no constructor
    constexpr __nv_bfloat16(__nv_bfloat16_raw raw) : x(raw.x) {}
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
    __nv_bfloat16(T value) : x(emulation_round_to_bfloat16(float(value))) {}
    operator float() const { return __uint_as_float(unsigned(x) << 16); }
};
using nv_bfloat16 = __nv_bfloat16;

struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
    __nv_bfloat162() = default;
    __nv_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) : x(x), y(y) {}
};
using nv_bfloat162 = __nv_bfloat162;

inline float __bfloat162float(__nv_bfloat16 a) { return float(a); }
inline __nv_bfloat16 __float2bfloat16(float a) { return __nv_bfloat16(a); }
inline __nv_bfloat16 __float2bfloat16_rn(float a) { return __nv_bfloat16(a); }
inline __nv_bfloat16 __float2bfloat16_rz(float a) { return __nv_bfloat16_raw{(unsigned short)(__float_as_uint(a) >> 16)}; }
inline __nv_bfloat16 __double2bfloat16(double a) { return __nv_bfloat16(a); }
inline __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
inline __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 x) { return {x, x}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {__nv_bfloat16(x), __nv_bfloat16(y)}; }
inline __nv_bfloat162 __float2bfloat162_rn(float x) { return __floats2bfloat162_rn(x, x); }
inline __nv_bfloat162 __float22bfloat162_rn(float2 a) { return __floats2bfloat162_rn(a.x, a.y); }
inline float2 __bfloat1622float2(__nv_bfloat162 a) { return {float(a.x), float(a.y)}; }
inline __nv_bfloat16 __low2bfloat16(__nv_bfloat162 a) { return a.x; }
inline __nv_bfloat16 __high2bfloat16(__nv_bfloat162 a) { return a.y; }
inline float __low2float(__nv_bfloat162 a) { return float(a.x); }
inline float __high2float(__nv_bfloat162 a) { return float(a.y); }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 a) { return a.x; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short a) { return __nv_bfloat16_raw{a}; }

#define EMULATION_BFLOAT16(NAME, OPERATOR)                                                              \
    inline __nv_bfloat16 operator OPERATOR(__nv_bfloat16 a, __nv_bfloat16 b) { return float(a) OPERATOR float(b); } \
    inline __nv_bfloat16 NAME(__nv_bfloat16 a, __nv_bfloat16 b) { return a OPERATOR b; }                \
    inline __nv_bfloat162 NAME##2(__nv_bfloat162 a, __nv_bfloat162 b) { return {a.x OPERATOR b.x, a.y OPERATOR b.y}; }
EMULATION_BFLOAT16(__hadd, +)
EMULATION_BFLOAT16(__hsub, -)
EMULATION_BFLOAT16(__hmul, *)
EMULATION_BFLOAT16(__hdiv, /)
#undef EMULATION_BFLOAT16
inline __nv_bfloat16 __hfma(__nv_bfloat16 a, __nv_bfloat16 b, __nv_bfloat16 c) {
    return fmaf(float(a), float(b), float(c));
}
inline __nv_bfloat162 __hfma2(__nv_bfloat162 a, __nv_bfloat162 b, __nv_bfloat162 c) {
    return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
inline __nv_bfloat16 __hneg(__nv_bfloat16 a) { return __nv_bfloat16_raw{(unsigned short)(a.x ^ 0x8000)}; }
inline __nv_bfloat16 __habs(__nv_bfloat16 a) { return __nv_bfloat16_raw{(unsigned short)(a.x & 0x7fff)}; }
inline __nv_bfloat16 __hmax(__nv_bfloat16 a, __nv_bfloat16 b) { return fmaxf(float(a), float(b)); }
inline __nv_bfloat16 __hmin(__nv_bfloat16 a, __nv_bfloat16 b) { return fminf(float(a), float(b)); }
inline bool __hisnan(__nv_bfloat16 a) { return (a.x & 0x7fff) > 0x7f80; }
inline __nv_bfloat16 __ldg(const __nv_bfloat16* at) { return *at; }
inline __nv_bfloat16 atomicAdd(__nv_bfloat16* at, __nv_bfloat16 by) {
    return emulation::update(at, [=](__nv_bfloat16 old) { return old + by; });
}
inline __nv_bfloat162 atomicAdd(__nv_bfloat162* at, __nv_bfloat162 by) {
    return emulation::update(at, [=](__nv_bfloat162 old) { return __hadd2(old, by); });
}
