// What every kernel file here includes first; nvcc reads it for the device, g++ for the host emulation (cuda/emulation).
//
// What bites: dynamic shared memory has to be named through DYNAMIC_SHARED, because `extern __shared__` has no host
// counterpart. All arrays so named in one kernel begin at the same address, as in CUDA.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>

#define DYNAMIC_SHARED(type, name)                                     \
    extern __shared__ __align__(128) unsigned char dynamic_shared_[]; \
    type* const name = reinterpret_cast<type*>(dynamic_shared_)
#else
#include "cuda_host.h"
#include "cuda_bf16.h"

#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(emulation::dynamic_shared())
#endif
