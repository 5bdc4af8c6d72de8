// Rows of a table, and the gradient of taking them, in a fixed order: no atomics, so the same numbers at every run.
//
//   gather_rows   out[i] = table[index[i]]
//   sum_rows      part[c] = sum of gradient[order[j]] for start[c] <= j < start[c + 1]: a chunk holds takers of one table row
//   sum_parts     d_table[r] += sum of part[c] for first[r] <= c < first[r + 1]
//
// The host sorts the takers by table row (`order`), and cuts the list into chunks: 58,000 cells of one colour in a batch would else be
// one block's work. One block a row; threads go along the width.
#include "numbers.cuh"

extern "C" __global__ void gather_rows(const float* table, const unsigned long long* index, float* out, int width) {
    const float* from = table + (long long)index[blockIdx.x] * width;
    float* to = out + (long long)blockIdx.x * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) to[i] = from[i];
}

extern "C" __global__ void sum_rows(const float* gradient, const unsigned* order, const unsigned* start, float* part, int width) {
    const unsigned begin = start[blockIdx.x], end = start[blockIdx.x + 1];
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        float sum = 0.0f;
        for (unsigned j = begin; j < end; j++) sum += gradient[(long long)order[j] * width + i];
        part[(long long)blockIdx.x * width + i] = sum;
    }
}

extern "C" __global__ void sum_parts(const float* part, const unsigned* first, float* d_table, int width) {
    const unsigned begin = first[blockIdx.x], end = first[blockIdx.x + 1];
    if (begin == end) return;
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        float sum = 0.0f;
        for (unsigned c = begin; c < end; c++) sum += part[(long long)c * width + i];
        d_table[(long long)blockIdx.x * width + i] += sum;
    }
}
