// Checks the emulation itself: barriers, shuffles, masks, reductions, shared memory, bfloat16 rounding, and that kernels
// which CUDA forbids are stopped with a message. Run through `cuda/emulation/self_test.sh`.
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cuda_fp16.h"
#include "kernel.cuh"

static int failures = 0;
#define CHECK(condition) \
    if (!(condition)) std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), failures++

// Sums `x` in shared memory over a block, then over the grid by an atomic.
extern "C" __global__ void sum_in_shared(const float* x, float* out, int n) {
    DYNAMIC_SHARED(float, part);
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    part[threadIdx.x] = i < n ? x[i] : 0.0f;
    for (int step = blockDim.x / 2; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.x < unsigned(step)) part[threadIdx.x] += part[threadIdx.x + step];
    }
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(out, part[0]);
}

extern "C" __global__ void sum_by_shuffles(const float* x, float* out) {
    __shared__ float warps[32];
    float v = x[threadIdx.y * blockDim.x + threadIdx.x];
    int number = threadIdx.y * blockDim.x + threadIdx.x;
    for (int by = 16; by > 0; by /= 2) v += __shfl_xor_sync(~0u, v, by);
    if (number % 32 == 0) warps[number / 32] = v;
    __syncthreads();
    if (number < 32) {
        v = number < int(blockDim.x * blockDim.y / 32) ? warps[number] : 0.0f;
        for (int by = 16; by > 0; by /= 2) v += __shfl_down_sync(~0u, v, by);
        if (number == 0) *out = v;
    }
}

extern "C" __global__ void collectives(int* out) {
    int lane = threadIdx.x;
    out[lane] = __shfl_sync(~0u, lane, 5);
    out[32 + lane] = __shfl_sync(~0u, lane, 1, 8);
    out[64 + lane] = __shfl_up_sync(~0u, lane, 3, 16);
    out[96 + lane] = __shfl_down_sync(~0u, lane, 3, 16);
    out[128 + lane] = int(__ballot_sync(~0u, lane % 3 == 0));
    out[160 + lane] = __any_sync(~0u, lane == 7) + 2 * __all_sync(~0u, lane < 32) + 4 * __all_sync(~0u, lane < 31);
    // the halves go different ways, a different number of times
    if (lane < 16) {
        int v = lane;
        for (int i = 0; i < 5; i++) v = __shfl_sync(0xffffu, v, (lane + 1) % 16, 16);
        out[192 + lane] = v;
    } else {
        out[192 + lane] = __reduce_add_sync(0xffff0000u, lane);
    }
    struct Pair { int a; double b; } mine = {lane, lane * 0.5};
    const Pair* all = emulation::warp_exchange(mine);
    int total = 0;
    for (int i = 0; i < 32; i++) total += all[i].a + int(2 * all[i].b);
    out[224 + lane] = total;
}

extern "C" __global__ void read_unwritten(float* out) {
    DYNAMIC_SHARED(float, s);
    out[threadIdx.x] = s[threadIdx.x];
}

// Each thread reads what its neighbour wrote, with no barrier between: a race.
extern "C" __global__ void forgotten_barrier(int* out) {
    __shared__ int s[64];
    s[threadIdx.x] = out[threadIdx.x];
    out[threadIdx.x] = threadIdx.x > 0 ? s[threadIdx.x - 1] : 0;
}

extern "C" __global__ void leave_before_barrier(int*) {
    if (threadIdx.x == 3) return;
    __syncthreads();
}
extern "C" __global__ void two_barriers(int*) {
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}
extern "C" __global__ void barrier_against_shuffle(int* out) {
    if (threadIdx.x == 0) __syncthreads();
    out[threadIdx.x] = __shfl_sync(~0u, 1, 0);
}
extern "C" __global__ void past_shared(int*) {
    DYNAMIC_SHARED(int, s);
    s[32] = 1;
}

// Runs a kernel that must die in a child, whose message goes to a pipe.
template <class F>
static bool dies(F body, const char* message) {
    int ends[2];
    if (pipe(ends)) std::abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        body();
        _exit(0);
    }
    close(ends[1]);
    std::string said;
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, n);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || said.find(message) == std::string::npos) {
        std::fprintf(stderr, "wanted a stop with '%s', got status %d and: %s\n", message, status, said.c_str());
        return false;
    }
    return true;
}

// What must hold in any order of turns.
static void check_in_order(bool backwards) {
    using emulation::launch;
    emulation::machine.backwards = backwards;
    std::vector<float> x(1000);
    float expected = 0, out = 0;
    for (size_t i = 0; i < x.size(); i++) expected += x[i] = float(i % 7);
    launch("sum_in_shared", 8, 128, 128 * sizeof(float), [&] { sum_in_shared(x.data(), &out, 1000); });
    CHECK(out == expected);

    expected = 0;
    for (int i = 0; i < 512; i++) expected += x[i];
    launch("sum_by_shuffles", 1, dim3(64, 8), 0, [&] { sum_by_shuffles(x.data(), &out); });
    CHECK(out == expected);

    std::vector<int> y(256, -1);
    launch("collectives", 1, 32, 0, [&] { collectives(y.data()); });
    for (int lane = 0; lane < 32; lane++) {
        CHECK(y[lane] == 5);
        CHECK(y[32 + lane] == lane / 8 * 8 + 1);
        CHECK(y[64 + lane] == (lane % 16 >= 3 ? lane - 3 : lane));
        CHECK(y[96 + lane] == (lane % 16 + 3 < 16 ? lane + 3 : lane));
        CHECK(unsigned(y[128 + lane]) == 0x49249249u);
        CHECK(y[160 + lane] == 3);
        CHECK(y[192 + lane] == (lane < 16 ? (lane + 5) % 16 : 376));
        CHECK(y[224 + lane] == 2 * 496);
    }

    std::vector<float> z(40, 0.0f);
    launch("read_unwritten", 1, 40, 40 * sizeof(float), [&] { read_unwritten(z.data()); });
    for (float v : z) CHECK(v != v);

    launch("leave_before_barrier", 1, 64, 0, [&] { leave_before_barrier(nullptr); }, emulation::Finished::Ignored);
    CHECK(dies([] { launch("leave_before_barrier", 1, 64, 0, [] { leave_before_barrier(nullptr); }); },
               "leave_before_barrier: threads wait at a barrier that others left without"));
    CHECK(dies([] { launch("two_barriers", 1, 64, 0, [] { two_barriers(nullptr); }); }, "different barriers"));
    CHECK(dies([&] { launch("barrier_against_shuffle", 1, 32, 0, [&] { barrier_against_shuffle(y.data()); }); },
               "no thread can go on"));
    CHECK(dies([] { launch("past_shared", 1, 1, 32 * sizeof(int), [] { past_shared(nullptr); }); }, ""));
    CHECK(dies([] { launch("much", 1, 1, 300 << 10, [] {}); }, "more dynamic shared memory"));

}

int main() {
    check_in_order(true);
    check_in_order(false);

    std::vector<int> forwards(64, 1), backwards(64, 1);
    emulation::launch("forgotten_barrier", 1, 64, 0, [&] { forgotten_barrier(forwards.data()); });
    emulation::launch("spoil", 1, 64, 0, [&] { int zero[64] = {}; forgotten_barrier(zero); });
    emulation::machine.backwards = true;
    emulation::launch("forgotten_barrier", 1, 64, 0, [&] { forgotten_barrier(backwards.data()); });
    CHECK(forwards != backwards);
    emulation::machine.backwards = false;

    // to nearest, ties to even; against the next representable numbers
    CHECK(__float2bfloat16(1.00390625f).x == 0x3f80);  // halfway, down to even
    CHECK(__float2bfloat16(1.01171875f).x == 0x3f82);  // halfway, up to even
    CHECK(__float2bfloat16(-3.4e38f).x == 0xff80);
    CHECK(__float2half(65519.0f).x == 0x7bff && __float2half(65520.0f).x == 0x7c00);
    for (int h = 0; h < 0x7c00; h++) CHECK(__float2half(__half2float(__half_raw{(unsigned short)h})).x == h);

    if (failures) return std::fprintf(stderr, "%d checks failed\n", failures), 1;
    std::puts("kernel emulation: all checks hold");
}
