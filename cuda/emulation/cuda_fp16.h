// float16 for the host emulation: enough of CUDA's cuda_fp16.h for dfdx's kernels.
//
// What bites: arithmetic goes through float and is rounded after each operation. The project itself trains in float32 and
// bfloat16; nothing here is tuned.
#pragma once

#include "cuda_host.h"

struct __half_raw { unsigned short x; };
inline float emulation_float16_to_float(unsigned short h) {
    unsigned int sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * float(fraction) * 0x1p-24f;
    return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}
inline unsigned short emulation_round_to_float16(float value) {
    unsigned int bits = __float_as_uint(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return 0x7fff;
    if (magnitude >= 0x477ff000) return sign | 0x7c00;                              // 65520 and above round to infinity
    if (magnitude < 0x38800000)                                                     // a subnormal of float16, or zero:
        return sign | (unsigned short)(nearbyintf(__uint_as_float(magnitude) * 0x1p24f));  // steps of 2^-24, ties to even
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return sign | (magnitude - 0x38000000) >> 13;
}

struct alignas(2) __half {
    unsigned short x;
    __half() = default;
    constexpr __half(__half_raw raw) : x(raw.x) {}
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
    __half(T value) : x(emulation_round_to_float16(float(value))) {}
    operator float() const { return emulation_float16_to_float(x); }
    __half& operator+=(__half b) { return *this = __half(float(*this) + float(b)); }
    __half& operator-=(__half b) { return *this = __half(float(*this) - float(b)); }
    __half& operator*=(__half b) { return *this = __half(float(*this) * float(b)); }
    __half& operator/=(__half b) { return *this = __half(float(*this) / float(b)); }
};
using half = __half;

inline float __half2float(__half a) { return float(a); }
inline __half __float2half(float a) { return __half(a); }
inline __half __float2half_rn(float a) { return __half(a); }
inline unsigned short __half_as_ushort(__half a) { return a.x; }
inline __half __ushort_as_half(unsigned short a) { return __half_raw{a}; }

#define EMULATION_HALF(NAME, OPERATOR)                                                                    \
    inline __half operator OPERATOR(__half a, __half b) { return __half(float(a) OPERATOR float(b)); }    \
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>                                 \
    inline __half operator OPERATOR(__half a, T b) { return a OPERATOR __half(b); }                       \
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>                                 \
    inline __half operator OPERATOR(T a, __half b) { return __half(a) OPERATOR b; }                       \
    inline __half NAME(__half a, __half b) { return a OPERATOR b; }
EMULATION_HALF(__hadd, +)
EMULATION_HALF(__hsub, -)
EMULATION_HALF(__hmul, *)
EMULATION_HALF(__hdiv, /)
#undef EMULATION_HALF
inline __half operator-(__half a) { return __half_raw{(unsigned short)(a.x ^ 0x8000)}; }
#define EMULATION_HALF(OPERATOR)                                                                       \
    inline bool operator OPERATOR(__half a, __half b) { return float(a) OPERATOR float(b); }           \
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>                              \
    inline bool operator OPERATOR(__half a, T b) { return float(a) OPERATOR float(b); }
EMULATION_HALF(<) EMULATION_HALF(>) EMULATION_HALF(<=) EMULATION_HALF(>=) EMULATION_HALF(==) EMULATION_HALF(!=)
#undef EMULATION_HALF

inline bool __hisnan(__half a) { return (a.x & 0x7fff) > 0x7c00; }
inline __half __habs(__half a) { return __half_raw{(unsigned short)(a.x & 0x7fff)}; }
inline __half __hmax(__half a, __half b) { return __half(fmaxf(float(a), float(b))); }
inline __half __hmin(__half a, __half b) { return __half(fminf(float(a), float(b))); }
inline __half __hmax_nan(__half a, __half b) { return __hisnan(a) ? a : __hisnan(b) ? b : __hmax(a, b); }
inline __half __hmin_nan(__half a, __half b) { return __hisnan(a) ? a : __hisnan(b) ? b : __hmin(a, b); }
#define EMULATION_HALF(NAME, FUNCTION) inline __half NAME(__half a) { return __half(FUNCTION(float(a))); }
EMULATION_HALF(hcos, cosf) EMULATION_HALF(hsin, sinf) EMULATION_HALF(hsqrt, sqrtf) EMULATION_HALF(hlog, logf)
EMULATION_HALF(hexp, expf) EMULATION_HALF(hrsqrt, rsqrtf)
#undef EMULATION_HALF
inline __half atomicAdd(__half* at, __half by) {
    return emulation::update(at, [=](__half old) { return old + by; });
}
