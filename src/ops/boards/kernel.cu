// Boards turned over: x [B, R, C] -> out [B, C, R], through a tile of shared memory, so that both sides are read and written along
// their rows. With `add` not 0 the result is added: the gradient of turning is turning back.
//
// A block of 32 x 8 threads moves 32 x 32 numbers; the tile is a column wider than that, so that no two lanes meet in a bank.
#include "numbers.cuh"

constexpr int TILE = 32;

extern "C" __global__ void turn_boards(const float* x, float* out, int rows, int columns, int add) {
    __shared__ float tile[TILE][TILE + 1];
    const long long board = (long long)blockIdx.z * rows * columns;
    const int column = blockIdx.x * TILE + threadIdx.x;
    for (int i = threadIdx.y; i < TILE; i += blockDim.y) {
        const int row = blockIdx.y * TILE + i;
        if (row < rows && column < columns) tile[i][threadIdx.x] = x[board + (long long)row * columns + column];
    }
    __syncthreads();
    const int row = blockIdx.y * TILE + threadIdx.x;
    for (int i = threadIdx.y; i < TILE; i += blockDim.y) {
        const int column = blockIdx.x * TILE + i;
        if (row < rows && column < columns) {
            float* to = out + board + (long long)column * rows + row;
            *to = add ? *to + tile[threadIdx.x][i] : tile[threadIdx.x][i];
        }
    }
}
