// The conversions between number types that dfdx's `to_dtype` compiles while the program runs; see nvrtc.cpp.
//
// What bites: the names of the types are cudarc's (its CudaTypeName), so `long` and `intptr_t` are two of them.
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "registry.h"

namespace {
using Types = std::tuple<bool, char, short, int, long, intptr_t, unsigned char, unsigned short, unsigned int, unsigned long,
                         size_t, float, double, __half, __nv_bfloat16>;
constexpr const char* NAMES[] = {"bool", "char", "short", "int", "long", "intptr_t", "unsigned char", "unsigned short",
                                 "unsigned int", "unsigned long", "size_t", "float", "double", "__half", "__nv_bfloat16"};
constexpr size_t COUNT = std::tuple_size_v<Types>;

template <class From, class To>
void convert(const size_t n, const From* in, To* out) {
    for (unsigned int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) {
        if constexpr (std::is_arithmetic_v<From> && std::is_arithmetic_v<To>) out[i] = static_cast<To>(in[i]);
        else out[i] = static_cast<To>(static_cast<float>(in[i]));
    }
}

template <size_t PAIR>
void add() {
    constexpr size_t FROM = PAIR / COUNT, TO = PAIR % COUNT;
    emulation::Entry<convert<std::tuple_element_t<FROM, Types>, std::tuple_element_t<TO, Types>>>::add(
        (std::string(NAMES[FROM]) + " to " + NAMES[TO]).c_str(), emulation::Finished::Ignored, nullptr, nullptr);
}

template <size_t... PAIRS>
bool add_all(std::index_sequence<PAIRS...>) {
    return (add<PAIRS>(), ...), true;
}
const bool added = add_all(std::make_index_sequence<COUNT * COUNT>());
}  // namespace
