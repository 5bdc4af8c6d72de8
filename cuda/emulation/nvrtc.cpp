// libnvrtc.so.13 of the stand-in: dfdx compiles one kind of kernel while the program runs, the conversion between two number
// types of `to_dtype`; this recognises it and names the conversion that is compiled into the stand-in driver (convert.cpp).
//
// What bites: no other source is compiled; it is refused with a message.
#include <cstdio>
#include <cstring>
#include <string>

struct Program { std::string source, text; };
#define API extern "C" __attribute__((visibility("default")))

API const char* nvrtcGetErrorString(int error) { return error == 0 ? "NVRTC_SUCCESS" : error == 6 ? "NVRTC_ERROR_COMPILATION" : "an NVRTC error"; }
API int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, 0; }
API int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char* const*, const char* const*) {
    return *program = new Program{source, ""}, 0;
}
API int nvrtcDestroyProgram(Program** program) { return delete *program, *program = nullptr, 0; }
API int nvrtcCompileProgram(Program* program, int, const char* const*) {
    const char* from = std::strstr(program->source.c_str(), "kernel(const size_t n, const ");
    const char* to = from ? std::strstr(from, " *inp, ") : nullptr;
    const char* end = to ? std::strstr(to, " *out) {") : nullptr;
    if (!end) {
        std::fprintf(stderr, "stand-in NVRTC: only dfdx's conversions between number types are known, not:\n%s\n", program->source.c_str());
        return 6;
    }
    from += std::strlen("kernel(const size_t n, const "), to += std::strlen(" *inp, ");
    program->text = "//emulated conversion " + std::string(from, to - std::strlen(" *inp, ") - from) + " to " + std::string(to, end - to) +
                    "\n.visible .entry kernel(\n)\n";
    return 0;
}
API int nvrtcGetPTXSize(Program* program, size_t* bytes) { return *bytes = program->text.size() + 1, 0; }
API int nvrtcGetPTX(Program* program, char* to) { return std::memcpy(to, program->text.c_str(), program->text.size() + 1), 0; }
API int nvrtcGetProgramLogSize(Program*, size_t* bytes) { return *bytes = 1, 0; }
API int nvrtcGetProgramLog(Program*, char* to) { return *to = 0, 0; }
