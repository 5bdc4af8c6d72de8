// Float32 to bfloat16, to nearest even: what goes into a product. A thread takes four numbers, the last one what is left.
#include "numbers.cuh"

extern "C" __global__ void narrow(const float* from, bf16* to, long long count) {
    const long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= count) {
        Group<4> four;
        load(four, from + i);
        store(to + i, four);
    } else {
        for (long long j = i; j < count; j++) store(to + j, from[j]);
    }
}
