// libnvrtc.so.13 of the stand-in. dfdx compiles some of its kernels while the program runs (to_dtype, concat, concat_along,
// stack, and reshape_to of a tensor that is not contiguous); here g++ compiles them into a shared library beside this one,
// and the "PTX" that comes back names that library to the stand-in driver.
//
// What bites: g++ has to be there while the program runs, and takes about a second for each new pair of kernel and type;
// libraries are kept in the folder `compiled` until the stand-in is built anew. Kernels compiled so have an emulation of
// their own, so a fault in one is reported without its thread.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

struct Program { std::string source, text, log; };
enum Result { SUCCESS = 0, COMPILATION = 6 };
#define API extern "C" __attribute__((visibility("default")))

namespace {

// What g++ is given: the source in an anonymous namespace, and a function that gives its kernels by name.
std::string wrap(const std::string& source, const std::vector<std::string>& names) {
    std::string text =
        "#include \"cuda_bf16.h\"\n#include \"cuda_fp16.h\"\n#include \"registry.h\"\nnamespace {\n" + source +
        "\n}\nextern \"C\" __attribute__((visibility(\"default\"))) const emulation::Kernel* emulation_kernel(const char* name) {\n"
        "    using emulation::Finished;\n    static const bool added = [] {\n";
    for (auto& name : names)
        text += "        emulation::Entry<" + name + ">::add(\"" + name + "\", Finished::Ignored, nullptr, nullptr);\n";
    text += "        const char* order = std::getenv(\"TRM_STANDIN_ORDER\");\n"
            "        emulation::machine.backwards = order && !std::strcmp(order, \"backwards\");\n";
    return text + "        return true;\n    }();\n    auto found = emulation::registry().find(name);\n"
                  "    return added && found != emulation::registry().end() ? &found->second : nullptr;\n}\n";
}

// Compiles into `library`; `log` becomes what the compiler said. The emulation's headers come before CUDA's of the same name.
bool compile(const std::string& text, const std::string& includes, const std::string& library, std::string& log) {
    std::string fresh = library + "." + std::to_string(getpid());
    std::ofstream(fresh + ".cpp") << text;
    const char* compiler = std::getenv("CXX");
    std::string command = std::string(compiler ? compiler : "g++") + " -w " EMULATION_FLAGS " -shared -I '" EMULATION_FOLDER "'" +
                          includes + " '" + fresh + ".cpp' -o '" + fresh + "' 2>&1";
    FILE* said = popen(command.c_str(), "r");
    char buffer[1024];
    while (said && std::fgets(buffer, sizeof buffer, said)) log += buffer;
    bool done = said && pclose(said) == 0 && std::rename(fresh.c_str(), library.c_str()) == 0;
    std::remove((fresh + ".cpp").c_str());
    return done;
}

std::string own_folder() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void*>(&own_folder), &info)) return ".";
    std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/'));
}

}  // namespace

API const char* nvrtcGetErrorString(int error) { return error == SUCCESS ? "NVRTC_SUCCESS" : "NVRTC_ERROR_COMPILATION"; }
API int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, SUCCESS; }
API int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char* const*, const char* const*) {
    return *program = new Program{source, "", ""}, SUCCESS;
}
API int nvrtcDestroyProgram(Program** program) { return delete *program, *program = nullptr, SUCCESS; }
API int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
    std::string includes;
    for (int i = 0; i < count; i++)
        if (!std::strncmp(options[i], "--include-path=", 15)) includes += std::string(" -I '") + (options[i] + 15) + "'";
    const std::string& source = program->source;
    const std::string before = "extern \"C\" __global__ void ";
    std::vector<std::string> names;
    for (size_t at = 0; (at = source.find(before, at)) != std::string::npos;) {
        at += before.size();
        names.push_back(source.substr(at, source.find_first_of(" (", at) - at));
    }
    static std::mutex lock;  // two threads may want the same kernel; two processes write to names of their own
    std::lock_guard<std::mutex> guard(lock);
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016zx", std::hash<std::string>()(source));
    std::string library = own_folder() + "/compiled/" + hash + ".so";
    if (access(library.c_str(), R_OK) && !compile(wrap(source, names), includes, library, program->log)) {
        std::fprintf(stderr, "stand-in NVRTC: a kernel could not be compiled by g++ into %s:\n%s", library.c_str(), program->log.c_str());
        return COMPILATION;
    }
    program->text = "//emulated module " + library + "\n";
    for (auto& name : names) program->text += ".visible .entry " + name + "(\n)\n";
    return SUCCESS;
}
API int nvrtcGetPTXSize(Program* program, size_t* bytes) { return *bytes = program->text.size() + 1, SUCCESS; }
API int nvrtcGetPTX(Program* program, char* to) { return std::memcpy(to, program->text.c_str(), program->text.size() + 1), SUCCESS; }
API int nvrtcGetProgramLogSize(Program* program, size_t* bytes) { return *bytes = program->log.size() + 1, SUCCESS; }
API int nvrtcGetProgramLog(Program* program, char* to) { return std::memcpy(to, program->log.c_str(), program->log.size() + 1), SUCCESS; }
