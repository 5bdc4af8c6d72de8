// Rows made longer by zeros, and the gradient of that: the columns that were there.
//
//   pad_rows        x [N, K] -> out [N, W], W > K
//   add_first       d_x [N, K] += d_out [N, W], its first K columns
//
// One block a row.
#include "numbers.cuh"

extern "C" __global__ void pad_rows(const float* x, float* out, int width, int padded) {
    const float* from = x + (long long)blockIdx.x * width;
    float* to = out + (long long)blockIdx.x * padded;
    for (int i = threadIdx.x; i < padded; i += blockDim.x) to[i] = i < width ? from[i] : 0.0f;
}

extern "C" __global__ void add_first(float* d_x, const float* d_out, int width, int padded) {
    const float* from = d_out + (long long)blockIdx.x * padded;
    float* to = d_x + (long long)blockIdx.x * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) to[i] += from[i];
}
