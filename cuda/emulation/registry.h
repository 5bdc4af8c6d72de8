// The table of kernels that the stand-in driver can launch, by name; each compiled kernel file adds its own.
//
// What bites: arguments are unpacked by the C++ signature that g++ saw, so the stand-in has to be built from the sources
// that the program's PTX was made from. The driver compares the sizes of the parameters and refuses what does not fit.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "execution.h"

namespace emulation {

struct Kernel {
    std::vector<size_t> sizes;   // of the parameters
    std::vector<bool> pointers;  // which of them are
    void (*run)(const char* name, void** parameters, dim3 grid, dim3 block, size_t shared, Finished finished);
    Finished finished;
    std::pair<char*, char*> shared;  // this file's `__shared__` arrays, filled with NaN bytes before each block
};

inline std::map<std::string, Kernel>& registry() {
    static std::map<std::string, Kernel> kernels;
    return kernels;
}

template <auto FUNCTION>
struct Entry;
template <class... A, void (*FUNCTION)(A...)>
struct Entry<FUNCTION> {
    template <size_t... I>
    static void call(void** parameters, std::index_sequence<I...>, const char* name, dim3 grid, dim3 block, size_t shared,
                     Finished finished) {
        std::tuple<std::remove_const_t<A>...> arguments;
        (std::memcpy(&std::get<I>(arguments), parameters[I], sizeof(A)), ...);
        launch(name, grid, block, shared, [&] { FUNCTION(std::get<I>(arguments)...); }, finished);
    }
    static void run(const char* name, void** parameters, dim3 grid, dim3 block, size_t shared, Finished finished) {
        call(parameters, std::index_sequence_for<A...>(), name, grid, block, shared, finished);
    }
    static void add(const char* name, Finished finished, char* begin, char* end) {
        if (!registry().emplace(name, Kernel{{sizeof(A)...}, {std::is_pointer_v<A>...}, run, finished, {begin, end}}).second)
            std::fprintf(stderr, "kernel emulation: two kernels are called %s\n", name), std::abort();
    }
};

}  // namespace emulation
