// libcublas.so.13 of the stand-in: the matrix products that dfdx and this project ask for, as plain loops on the host.
//
// Matrices are column-major as in cuBLAS. Inputs float32, float64, bfloat16 or float16; sums in float32 (float64 for
// float64), rounded once when stored.
//
// What bites: the order of a sum differs from a real device's, and TF32 is not imitated: float32 products are exact ones.
#include <cstdlib>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"

enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum Type { FLOAT32 = 0, FLOAT64 = 1, FLOAT16 = 2, BFLOAT16 = 14 };
struct Handle { void* stream; int math_mode; };
#define API extern "C" __attribute__((visibility("default"))) int

namespace {

// op(X) as a dense matrix of `rows` x `columns`, column-major, in the type that sums are made in.
template <class Sum, class T>
void pack_as(std::vector<Sum>& to, const void* from, bool transposed, int rows, int columns, int leading) {
    auto x = static_cast<const T*>(from);
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++)
            to[size_t(j) * rows + i] = Sum(x[transposed ? size_t(i) * leading + j : size_t(j) * leading + i]);
}
template <class Sum>
std::vector<Sum> pack(const void* from, int type, bool transposed, int rows, int columns, int leading) {
    std::vector<Sum> to(size_t(rows) * columns);
    if (type == FLOAT32) pack_as<Sum, float>(to, from, transposed, rows, columns, leading);
    if (type == FLOAT64) pack_as<Sum, double>(to, from, transposed, rows, columns, leading);
    if (type == FLOAT16) pack_as<Sum, __half>(to, from, transposed, rows, columns, leading);
    if (type == BFLOAT16) pack_as<Sum, __nv_bfloat16>(to, from, transposed, rows, columns, leading);
    return to;
}

// A tile of the product: ROWS x COLUMNS sums stay in registers while k runs. Cloned, so that a processor with AVX2 uses it.
constexpr int ROWS = 16, COLUMNS = 4;
template <class Sum>
inline __attribute__((always_inline)) void tile(const Sum* a, const Sum* b, Sum* c, int m, int k, int rows, int columns) {
    Sum sums[COLUMNS][ROWS] = {};
    if (rows == ROWS && columns == COLUMNS) {
        for (int p = 0; p < k; p++)
            for (int j = 0; j < COLUMNS; j++)
                for (int i = 0; i < ROWS; i++) sums[j][i] += a[size_t(p) * m + i] * b[size_t(j) * k + p];
    } else {
        for (int p = 0; p < k; p++)
            for (int j = 0; j < columns; j++)
                for (int i = 0; i < rows; i++) sums[j][i] += a[size_t(p) * m + i] * b[size_t(j) * k + p];
    }
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++) c[size_t(j) * m + i] = sums[j][i];
}
#define EMULATION_PRODUCT(Sum)                                                                                        \
    __attribute__((target_clones("avx2", "default"), optimize("O3"))) void product(const Sum* a, const Sum* b, Sum* c, \
                                                                                   int m, int n, int k) {             \
        for (int j = 0; j < n; j += COLUMNS)                                                                          \
            for (int i = 0; i < m; i += ROWS)                                                                         \
                tile(a + i, b + size_t(j) * k, c + size_t(j) * m + i, m, k, min(ROWS, m - i),                    \
                     min(COLUMNS, n - j));                                                                       \
    }
EMULATION_PRODUCT(float)
EMULATION_PRODUCT(double)
#undef EMULATION_PRODUCT

template <class Sum, class T>
void store_as(void* to, const std::vector<Sum>& product, int m, int n, int leading, Sum alpha, Sum beta) {
    auto c = static_cast<T*>(to);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            T& at = c[size_t(j) * leading + i];
            Sum value = alpha * product[size_t(j) * m + i];
            at = T(beta == 0 ? value : value + beta * Sum(at));  // with beta 0 cuBLAS does not read C
        }
}

template <class Sum>
int gemm(Handle* handle, int ta, int tb, int m, int n, int k, const Sum* alpha, const void* a, int a_type, int lda,
         const void* b, int b_type, int ldb, const Sum* beta, void* c, int c_type, int ldc) {
    if (!handle) return NOT_INITIALIZED;
    if (m < 0 || n < 0 || k < 0 || lda < max(1, ta ? k : m) || ldb < max(1, tb ? n : k) || ldc < max(1, m)) {
        std::fprintf(stderr, "stand-in cuBLAS: a product of %dx%dx%d (%c, %c) with leading dimensions %d, %d, %d\n", m, n, k,
                     ta ? 'T' : 'N', tb ? 'T' : 'N', lda, ldb, ldc);
        return INVALID_VALUE;
    }
    static const bool dry = std::getenv("TRM_STANDIN_DRY") != nullptr;
    if (dry) return SUCCESS;
    std::vector<Sum> sums(size_t(m) * n);
    auto left = pack<Sum>(a, a_type, ta, m, k, lda), right = pack<Sum>(b, b_type, tb, k, n, ldb);
    product(left.data(), right.data(), sums.data(), m, n, k);
    if (c_type == FLOAT32) store_as<Sum, float>(c, sums, m, n, ldc, *alpha, *beta);
    if (c_type == FLOAT64) store_as<Sum, double>(c, sums, m, n, ldc, *alpha, *beta);
    if (c_type == FLOAT16) store_as<Sum, __half>(c, sums, m, n, ldc, *alpha, *beta);
    if (c_type == BFLOAT16) store_as<Sum, __nv_bfloat16>(c, sums, m, n, ldc, *alpha, *beta);
    return SUCCESS;
}

int bytes(int type) { return type == FLOAT64 ? 8 : type == FLOAT32 ? 4 : 2; }
const void* advance(const void* at, int type, long long by) { return static_cast<const char*>(at) + by * bytes(type); }
bool known(int type) { return type == FLOAT32 || type == FLOAT64 || type == FLOAT16 || type == BFLOAT16; }
}  // namespace

API cublasCreate_v2(Handle** handle) { return *handle = new Handle{}, SUCCESS; }
API cublasDestroy_v2(Handle* handle) { return delete handle, SUCCESS; }
API cublasGetVersion_v2(Handle*, int* version) { return *version = 130000, SUCCESS; }
API cublasSetStream_v2(Handle* handle, void* stream) { return handle->stream = stream, SUCCESS; }
API cublasGetStream_v2(Handle* handle, void** stream) { return *stream = handle->stream, SUCCESS; }
API cublasSetMathMode(Handle* handle, int mode) { return handle->math_mode = mode, SUCCESS; }
API cublasGetMathMode(Handle* handle, int* mode) { return *mode = handle->math_mode, SUCCESS; }
API cublasSetWorkspace_v2(Handle*, void*, size_t) { return SUCCESS; }
API cublasSetPointerMode_v2(Handle*, int) { return SUCCESS; }  // host and device memory are the same here
API cublasGetPointerMode_v2(Handle*, int* mode) { return *mode = 0, SUCCESS; }
API cublasSetAtomicsMode(Handle*, int) { return SUCCESS; }

API cublasGemmStridedBatchedEx(Handle* handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* a,
                               int a_type, int lda, long long a_step, const void* b, int b_type, int ldb, long long b_step,
                               const void* beta, void* c, int c_type, int ldc, long long c_step, int batches,
                               int compute_type, int) {
    bool doubles = compute_type == 70 || compute_type == 71, floats = compute_type >= 68 && compute_type <= 77 && !doubles;
    if (!known(a_type) || a_type != b_type || !known(c_type) || (!doubles && !floats) || (a_type == FLOAT64) != doubles ||
        (c_type == FLOAT64) != doubles || (c_type != a_type && c_type != FLOAT32)) {
        std::fprintf(stderr, "stand-in cuBLAS: a product of types %d, %d into %d summed in %d is not offered\n", a_type, b_type,
                     c_type, compute_type);
        return NOT_SUPPORTED;
    }
    int status = batches < 0 ? INVALID_VALUE : SUCCESS;
    for (int i = 0; i < batches && status == SUCCESS; i++) {
        auto x = advance(a, a_type, i * a_step), y = advance(b, b_type, i * b_step);
        auto z = const_cast<void*>(advance(c, c_type, i * c_step));
        status = doubles ? gemm(handle, ta, tb, m, n, k, static_cast<const double*>(alpha), x, a_type, lda, y, b_type, ldb,
                                static_cast<const double*>(beta), z, c_type, ldc)
                         : gemm(handle, ta, tb, m, n, k, static_cast<const float*>(alpha), x, a_type, lda, y, b_type, ldb,
                                static_cast<const float*>(beta), z, c_type, ldc);
    }
    return status;
}
API cublasGemmEx(Handle* handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int a_type, int lda,
                 const void* b, int b_type, int ldb, const void* beta, void* c, int c_type, int ldc, int compute_type,
                 int algorithm) {
    return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c, c_type,
                                      ldc, 0, 1, compute_type, algorithm);
}
API cublasSgemm_v2(Handle* handle, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda,
                   const float* b, int ldb, const float* beta, float* c, int ldc) {
    return gemm(handle, ta, tb, m, n, k, alpha, a, FLOAT32, lda, b, FLOAT32, ldb, beta, c, FLOAT32, ldc);
}
API cublasDgemm_v2(Handle* handle, int ta, int tb, int m, int n, int k, const double* alpha, const double* a, int lda,
                   const double* b, int ldb, const double* beta, double* c, int ldc) {
    return gemm(handle, ta, tb, m, n, k, alpha, a, FLOAT64, lda, b, FLOAT64, ldb, beta, c, FLOAT64, ldc);
}
API cublasSgemmStridedBatched(Handle* handle, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda,
                              long long a_step, const float* b, int ldb, long long b_step, const float* beta, float* c, int ldc,
                              long long c_step, int batches) {
    return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, FLOAT32, lda, a_step, b, FLOAT32, ldb, b_step, beta, c,
                                      FLOAT32, ldc, c_step, batches, 68, -1);
}
API cublasDgemmStridedBatched(Handle* handle, int ta, int tb, int m, int n, int k, const double* alpha, const double* a,
                              int lda, long long a_step, const double* b, int ldb, long long b_step, const double* beta,
                              double* c, int ldc, long long c_step, int batches) {
    return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, FLOAT64, lda, a_step, b, FLOAT64, ldb, b_step, beta, c,
                                      FLOAT64, ldc, c_step, batches, 70, -1);
}
