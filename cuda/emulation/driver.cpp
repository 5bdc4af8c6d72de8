// libcuda.so.1 of the stand-in: the driver functions that cudarc 0.9.15 and this project call, over host memory and the
// kernel emulation. Memory is malloc'ed or mapped, streams are done when a call returns, kernels are looked up by name.
//
// What bites:
// - Everything is synchronous, so a host buffer that dies before a copy is done, or a missing wait, is not noticed.
// - Fresh memory is filled with 0xff: floats and doubles read as NaN, indices as absurd. Freed memory is filled again.
// - Each allocation ends (to 16 bytes) where a page that may not be touched begins, so that a kernel which runs over its
//   end is stopped with its name. TRM_STANDIN_GUARD=0 turns that off, for speed or for very many allocations.
// - TRM_STANDIN_ORDER=backwards runs blocks, warps and lanes in the other order: a forgotten barrier shows in one of the two.
// - TRM_STANDIN_REPORT=1 prints on exit what is still allocated and how often and how long each kernel ran.
#include <dlfcn.h>

#include <csignal>
#include <ctime>
#include <mutex>

#include "registry.h"

using Result = int;
using Pointer = unsigned long long;  // as cuda.h has it
enum : Result { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101,
                INVALID_IMAGE = 200, INVALID_HANDLE = 400, NOT_FOUND = 500 };
#define API extern "C" __attribute__((visibility("default"))) Result

namespace {

constexpr size_t PAGE = 4096;
// 2 GB, or in a dry run 80.
size_t total_bytes = size_t(2) << 30;
// Nothing is computed: what is left is the time of the host.
bool dry = false;
constexpr const char* NAME = "stand-in for a CUDA device (host emulation)";
constexpr const char COMPILED[] = "//emulated module ";  // how libnvrtc of the stand-in begins its "PTX"

struct Allocation { size_t bytes; char* mapping; size_t mapped; };
struct Entry { std::vector<size_t> sizes; size_t threads = emulation::MAXIMUM_THREADS; };  // what PTX says of a kernel
struct Module {
    std::map<std::string, Entry> entries;
    const emulation::Kernel* (*compiled)(const char*);  // of a module that the stand-in's NVRTC made, else null
};
struct Function { std::string name; const emulation::Kernel* kernel; size_t threads, shared_limit = 48 << 10; };
struct Event { timespec at; };
struct Usage { size_t launches; double seconds; };

std::mutex lock;  // guards the tables below; launches hold it too, since the emulation's state is global
std::map<Pointer, Allocation> live;
std::map<std::string, Usage> usage;
size_t live_bytes = 0, peak_bytes = 0;
bool initialized = false, guarded = true, reporting = false;
thread_local void* current_context = nullptr;
int the_context, the_pool;

// The allocation that holds `bytes` bytes from `at`.
const Allocation* holds(Pointer at, size_t bytes) {
    auto next = live.upper_bound(at);
    if (next == live.begin()) return nullptr;
    auto found = std::prev(next);
    return at + bytes <= found->first + found->second.bytes ? &found->second : nullptr;
}

Result complain(const char* what, Pointer at, size_t bytes) {
    std::fprintf(stderr, "stand-in driver: %s: %zu bytes at %#llx are not inside a live allocation\n", what, bytes, at);
    return INVALID_VALUE;
}

Result allocate(Pointer* out, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    if (live_bytes + bytes > total_bytes) return OUT_OF_MEMORY;
    Allocation a{bytes, nullptr, 0};
    char* at;
    if (dry) {
        // pages of zeros, which are there only once something is written
        a.mapped = (bytes + PAGE) / PAGE * PAGE;
        void* p = mmap(nullptr, a.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) return OUT_OF_MEMORY;
        a.mapping = at = static_cast<char*>(p);
    } else if (guarded) {
        size_t rounded = (bytes + 15) / 16 * 16, pages = (rounded + PAGE - 1) / PAGE * PAGE;
        a.mapped = pages + PAGE;
        void* p = mmap(nullptr, a.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return OUT_OF_MEMORY;
        a.mapping = static_cast<char*>(p);
        mprotect(a.mapping + pages, PAGE, PROT_NONE);
        at = a.mapping + pages - rounded;
        if (!rounded) at = a.mapping;  // an address of its own, at which nothing may be touched
        if (!rounded) mprotect(a.mapping, a.mapped, PROT_NONE);
        std::memset(at, 0xff, rounded);
    } else {
        at = static_cast<char*>(std::aligned_alloc(256, (bytes + 256) / 256 * 256));
        if (!at) return OUT_OF_MEMORY;
        std::memset(at, 0xff, bytes);
    }
    *out = reinterpret_cast<Pointer>(at);
    live[*out] = a;
    live_bytes += bytes;
    if (live_bytes > peak_bytes) peak_bytes = live_bytes;
    return SUCCESS;
}

Result release(Pointer at) {
    if (at == 0) return SUCCESS;
    std::lock_guard<std::mutex> guard(lock);
    auto found = live.find(at);
    if (found == live.end()) {
        std::fprintf(stderr, "stand-in driver: %#llx is freed, but it is no live allocation (freed twice?)\n", at);
        return INVALID_VALUE;
    }
    Allocation a = found->second;
    live_bytes -= a.bytes;
    live.erase(found);
    if (a.mapped) munmap(a.mapping, a.mapped);
    else std::memset(reinterpret_cast<void*>(at), 0xff, a.bytes), std::free(reinterpret_cast<void*>(at));
    return SUCCESS;
}

Result copy(const char* what, void* to, const void* from, size_t bytes, bool to_device, bool from_device) {
    std::lock_guard<std::mutex> guard(lock);
    if (!bytes) return SUCCESS;
    if (to_device && !holds(Pointer(to), bytes)) return complain(what, Pointer(to), bytes);
    if (from_device && !holds(Pointer(from), bytes)) return complain(what, Pointer(from), bytes);
    if (!(dry && to_device && from_device)) std::memmove(to, from, bytes);
    return SUCCESS;
}

template <class T>
Result fill(Pointer at, T value, size_t count) {
    std::lock_guard<std::mutex> guard(lock);
    if (!count) return SUCCESS;
    if (!holds(at, count * sizeof(T))) return complain("memset", at, count * sizeof(T));
    for (size_t i = 0; i < count && !dry; i++) reinterpret_cast<T*>(at)[i] = value;
    return SUCCESS;
}

// The names of a PTX text's entry points with the sizes of their parameters and what __launch_bounds__ said of a block.
std::map<std::string, Entry> read_entries(const char* text) {
    static const std::map<std::string, size_t> widths = {{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}};
    std::map<std::string, Entry> entries;
    while ((text = std::strstr(text, ".entry "))) {
        text += 7;
        size_t length = std::strcspn(text, " (\n\t");
        Entry& entry = entries[std::string(text, length)];
        std::vector<size_t>& sizes = entry.sizes;
        const char* end = text + std::strcspn(text, ")");
        for (const char* word : {".maxntid ", ".reqntid "}) {
            const char* bound = std::strstr(end, word);
            if (!bound || bound > end + std::strcspn(end, "{")) continue;
            entry.threads = 1;
            for (char* number = const_cast<char*>(bound) + 8;; number++) {
                entry.threads *= std::strtoul(number, &number, 10);
                if (*number != ',') break;
            }
        }
        if (text[length] != '(') continue;
        for (const char* p = text; (p = std::strstr(p, ".param ")) && p < end;) {
            std::string line(p += 7, std::strcspn(p, ",)\n"));
            size_t type = line[0] == '.' && line.compare(0, 6, ".align") == 0 ? line.find('.', 1) : 0;
            size_t width = widths.at(line.substr(type + 2, line.find_first_of(" [", type) - type - 2));
            size_t bracket = line.find('[');
            sizes.push_back(bracket == std::string::npos ? width : width * std::stoul(line.substr(bracket + 1)));
        }
    }
    return entries;
}

struct sigaction previous_action;
const char* running = nullptr;  // the kernel being launched

// Says which kernel and thread touched what it may not, then lets the previous handler end the program.
void report_fault(int signal, siginfo_t* info, void*) {
    const emulation::Machine& m = emulation::machine;
    Pointer at = Pointer(info->si_addr);
    if (m.running)
        std::fprintf(stderr, "kernel emulation: %s: thread (%u,%u,%u) of block (%u,%u,%u) touched %#llx", m.kernel, threadIdx.x,
                     threadIdx.y, threadIdx.z, blockIdx.x, blockIdx.y, blockIdx.z, at);
    else
        std::fprintf(stderr, "stand-in driver: %s touched %#llx", running ? running : "the host or a product", at);
    bool mine = running || lock.try_lock();  // a launch holds the lock
    auto next = mine ? live.upper_bound(at) : live.begin();
    if (next != live.begin()) {
        auto [begin, a] = *std::prev(next);
        if (at >= begin + a.bytes && at - begin - a.bytes < 2 * PAGE)
            std::fprintf(stderr, ", %llu bytes past the end of an allocation of %zu bytes", at - begin - a.bytes, a.bytes);
    }
    Pointer shared_end = Pointer(m.shared_region + (256 << 10) - PAGE);
    if (m.shared_region && at >= shared_end && at < shared_end + PAGE) std::fprintf(stderr, ", past the end of dynamic shared memory");
    std::fprintf(stderr, "\n");
    if (mine && !running) lock.unlock();
    sigaction(signal, &previous_action, nullptr);
}

struct Report {
    ~Report() {
        if (!reporting) return;
        std::fprintf(stderr, "stand-in driver: peak %zu bytes, %zu allocations with %zu bytes still live\n", peak_bytes,
                     live.size(), live_bytes);
        for (auto& [name, u] : usage)
            std::fprintf(stderr, "  %-40s %8zu launches %10.3f ms\n", name.c_str(), u.launches, u.seconds * 1e3);
    }
} at_exit;

double seconds(const timespec& a, const timespec& b) { return double(b.tv_sec - a.tv_sec) + double(b.tv_nsec - a.tv_nsec) * 1e-9; }

}  // namespace

API cuInit(unsigned int) {
    std::lock_guard<std::mutex> guard(lock);
    if (initialized) return SUCCESS;
    initialized = true;
    auto is = [](const char* name, const char* value) {
        const char* v = std::getenv(name);
        return v && !std::strcmp(v, value);
    };
    guarded = !is("TRM_STANDIN_GUARD", "0");
    dry = is("TRM_STANDIN_DRY", "1");
    if (dry) total_bytes = size_t(80) << 30;
    reporting = is("TRM_STANDIN_REPORT", "1");
    emulation::machine.backwards = is("TRM_STANDIN_ORDER", "backwards");
    struct sigaction action {};
    action.sa_sigaction = report_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous_action);
    return SUCCESS;
}
API cuDriverGetVersion(int* version) { return *version = 13000, SUCCESS; }
API cuDeviceGetCount(int* count) { return *count = 1, initialized ? SUCCESS : NOT_INITIALIZED; }
API cuDeviceGet(int* device, int ordinal) { return *device = 0, ordinal == 0 ? SUCCESS : INVALID_DEVICE; }
API cuDeviceGetName(char* name, int length, int) { return std::snprintf(name, length, "%s", NAME), SUCCESS; }
API cuDeviceGetUuid_v2(unsigned char* uuid, int) { return std::memset(uuid, 0, 16), SUCCESS; }
API cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = total_bytes, SUCCESS; }
API cuDeviceGetAttribute(int* value, int attribute, int) {
    static const std::map<int, int> values = {
        {1, 1024}, {2, 1024}, {3, 1024}, {4, 64}, {5, 2147483647}, {6, 65535}, {7, 65535},  // threads and blocks
        {8, 48 << 10}, {81, 228 << 10}, {97, int(emulation::DYNAMIC_SHARED_BYTES)},         // shared memory
        {10, 32}, {12, 65536}, {13, 1000}, {14, 512}, {16, 4}, {39, 2048}, {106, 32},       // warp, registers, 4 processors
        {36, 1000}, {37, 64}, {38, 1 << 20}, {41, 1}, {75, 9}, {76, 0}, {115, 1}};          // memory, capability 9.0, pools
    auto found = values.find(attribute);
    return *value = found == values.end() ? 0 : found->second, SUCCESS;
}
API cuDevicePrimaryCtxRetain(void** context, int) { return *context = &the_context, SUCCESS; }
API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuCtxSetCurrent(void* context) { return current_context = context, SUCCESS; }
API cuCtxGetCurrent(void** context) { return *context = current_context, SUCCESS; }
API cuCtxGetDevice(int* device) { return *device = 0, SUCCESS; }
API cuCtxSynchronize() { return SUCCESS; }

API cuMemAlloc_v2(Pointer* out, size_t bytes) { return bytes ? allocate(out, bytes) : INVALID_VALUE; }
API cuMemAllocAsync(Pointer* out, size_t bytes, void*) { return allocate(out, bytes); }
API cuMemFree_v2(Pointer at) { return release(at); }
API cuMemFreeAsync(Pointer at, void*) { return release(at); }
API cuMemAllocHost_v2(void** out, size_t bytes) { return *out = std::malloc(bytes), *out ? SUCCESS : OUT_OF_MEMORY; }
API cuMemHostAlloc(void** out, size_t bytes, unsigned int) { return cuMemAllocHost_v2(out, bytes); }
API cuMemFreeHost(void* at) { return std::free(at), SUCCESS; }
API cuMemGetInfo_v2(size_t* free, size_t* total) {
    std::lock_guard<std::mutex> guard(lock);
    return *free = total_bytes - live_bytes, *total = total_bytes, SUCCESS;
}
API cuDeviceGetDefaultMemPool(void** pool, int) { return *pool = &the_pool, SUCCESS; }
API cuDeviceGetMemPool(void** pool, int) { return *pool = &the_pool, SUCCESS; }
API cuMemPoolSetAttribute(void*, int, void*) { return SUCCESS; }
API cuMemPoolGetAttribute(void*, int attribute, void* value) {
    std::lock_guard<std::mutex> guard(lock);  // 1 to 3 are switches, 4 the release threshold, 5 and 7 bytes, 6 and 8 their peaks
    if (attribute < 4) return *static_cast<int*>(value) = 1, SUCCESS;
    return *static_cast<uint64_t*>(value) = attribute == 4 ? 0 : attribute % 2 ? live_bytes : peak_bytes, SUCCESS;
}
API cuMemPoolTrimTo(void*, size_t) { return SUCCESS; }

API cuMemcpyHtoD_v2(Pointer to, const void* from, size_t n) { return copy("copy to the device", (void*)to, from, n, true, false); }
API cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t n, void*) { return cuMemcpyHtoD_v2(to, from, n); }
API cuMemcpyDtoH_v2(void* to, Pointer from, size_t n) { return copy("copy from the device", to, (void*)from, n, false, true); }
API cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t n, void*) { return cuMemcpyDtoH_v2(to, from, n); }
API cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t n) { return copy("copy on the device", (void*)to, (void*)from, n, true, true); }
API cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t n, void*) { return cuMemcpyDtoD_v2(to, from, n); }
API cuMemsetD8_v2(Pointer at, unsigned char value, size_t n) { return fill(at, value, n); }
API cuMemsetD8Async(Pointer at, unsigned char value, size_t n, void*) { return fill(at, value, n); }
API cuMemsetD16_v2(Pointer at, unsigned short value, size_t n) { return fill(at, value, n); }
API cuMemsetD16Async(Pointer at, unsigned short value, size_t n, void*) { return fill(at, value, n); }
API cuMemsetD32_v2(Pointer at, unsigned int value, size_t n) { return fill(at, value, n); }
API cuMemsetD32Async(Pointer at, unsigned int value, size_t n, void*) { return fill(at, value, n); }

API cuStreamCreate(void** stream, unsigned int) { return *stream = std::malloc(1), SUCCESS; }
API cuStreamCreateWithPriority(void** stream, unsigned int, int) { return *stream = std::malloc(1), SUCCESS; }
API cuStreamDestroy_v2(void* stream) { return std::free(stream), SUCCESS; }
API cuStreamSynchronize(void*) { return SUCCESS; }
API cuStreamQuery(void*) { return SUCCESS; }
API cuStreamWaitEvent(void*, void*, unsigned int) { return SUCCESS; }
API cuEventCreate(Event** event, unsigned int) { return *event = new Event{}, SUCCESS; }
API cuEventRecord(Event* event, void*) { return event ? clock_gettime(CLOCK_MONOTONIC, &event->at), SUCCESS : INVALID_HANDLE; }
API cuEventSynchronize(Event*) { return SUCCESS; }
API cuEventQuery(Event*) { return SUCCESS; }
API cuEventElapsedTime(float* ms, Event* a, Event* b) { return *ms = float(seconds(a->at, b->at) * 1e3), SUCCESS; }
API cuEventElapsedTime_v2(float* ms, Event* a, Event* b) { return cuEventElapsedTime(ms, a, b); }
API cuEventDestroy_v2(Event* event) { return delete event, SUCCESS; }
API cuProfilerStart() { return SUCCESS; }
API cuProfilerStop() { return SUCCESS; }

API cuModuleLoadData(Module** module, const char* image) {
    auto m = new Module{};
    size_t mark = sizeof COMPILED - 1;
    if (!std::strncmp(image, COMPILED, mark)) {
        std::string path(image + mark, std::strcspn(image + mark, "\n"));
        void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open
        void* kernels = library ? dlsym(library, "emulation_kernel") : nullptr;
        if (!kernels) return std::fprintf(stderr, "stand-in driver: %s\n", dlerror()), delete m, INVALID_IMAGE;
        m->compiled = reinterpret_cast<const emulation::Kernel* (*)(const char*)>(kernels);
    }
    m->entries = read_entries(image);
    if (m->entries.empty()) {
        std::fprintf(stderr, "stand-in driver: a module was loaded that is no PTX text with entry points\n");
        return delete m, INVALID_IMAGE;
    }
    return *module = m, SUCCESS;
}
API cuModuleLoadDataEx(Module** module, const char* image, unsigned int, void*, void*) { return cuModuleLoadData(module, image); }
API cuModuleGetFunction(Function** function, Module* module, const char* name) {
    auto entry = module->entries.find(name);
    if (entry == module->entries.end()) return NOT_FOUND;
    if (module->compiled) return *function = new Function{name, module->compiled(name), emulation::MAXIMUM_THREADS}, SUCCESS;
    auto found = emulation::registry().find(name);
    if (found == emulation::registry().end()) {
        std::fprintf(stderr, "stand-in driver: the kernel %s is not compiled into the stand-in; build it anew\n", name);
        return NOT_FOUND;
    }
    if (entry->second.sizes != found->second.sizes) {
        std::fprintf(stderr, "stand-in driver: the parameters of %s differ between the program's PTX (", name);
        for (size_t s : entry->second.sizes) std::fprintf(stderr, " %zu", s);
        std::fprintf(stderr, " bytes) and the stand-in (");
        for (size_t s : found->second.sizes) std::fprintf(stderr, " %zu", s);
        std::fprintf(stderr, " bytes): they were built from different sources\n");
        return NOT_FOUND;
    }
    return *function = new Function{name, &found->second, entry->second.threads}, SUCCESS;  // as long as the program lives
}
API cuModuleUnload(Module* module) { return delete module, SUCCESS; }

API cuFuncSetAttribute(Function* function, int attribute, int value) {
    if (attribute != 8) return SUCCESS;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    if (value < 0 || size_t(value) > emulation::DYNAMIC_SHARED_BYTES) return INVALID_VALUE;
    return function->shared_limit = value, SUCCESS;
}
API cuFuncGetAttribute(int* value, int attribute, Function* function) {
    return *value = attribute == 0 ? int(function->threads) : attribute == 8 ? int(function->shared_limit) : 0, SUCCESS;
}
API cuFuncSetCacheConfig(Function*, int) { return SUCCESS; }
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function*, int threads, size_t) {
    return *blocks = threads > 0 ? 2048 / threads : 0, SUCCESS;
}
API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, Function* f, int threads, size_t shared, unsigned int) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, f, threads, shared);
}

API cuLaunchKernel(Function* function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                   unsigned int bz, unsigned int shared, void*, void** parameters, void** extra) {
    const char* name = function->name.c_str();
    if (!gx || !gy || !gz || !bx || !by || !bz || gy > 65535 || gz > 65535 || bx > 1024 || by > 1024 || bz > 64 ||
        size_t(bx) * by * bz > function->threads || shared > function->shared_limit || extra) {
        std::fprintf(stderr, "stand-in driver: %s cannot be launched on a grid (%u,%u,%u) of blocks (%u,%u,%u) with %u bytes of "
                     "dynamic shared memory (it may have %zu threads and %zu bytes)\n", name, gx, gy, gz, bx, by, bz, shared,
                     function->threads, function->shared_limit);
        return INVALID_VALUE;
    }
    std::lock_guard<std::mutex> guard(lock);
    for (size_t i = 0; i < function->kernel->sizes.size(); i++) {
        Pointer at = 0;
        if (function->kernel->pointers[i]) std::memcpy(&at, parameters[i], sizeof at);
        if (at && !holds(at, 0)) {
            std::fprintf(stderr, "stand-in driver: parameter %zu of %s, %#llx, points to no live allocation\n", i, name, at);
            return INVALID_VALUE;
        }
    }
    timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (dry) return usage[function->name].launches++, SUCCESS;
    emulation::machine.static_shared = function->kernel->shared;
    running = name;
    function->kernel->run(name, parameters, dim3(gx, gy, gz), dim3(bx, by, bz), shared, function->kernel->finished);
    running = nullptr;
    clock_gettime(CLOCK_MONOTONIC, &after);
    Usage& u = usage[function->name];
    u.launches++, u.seconds += seconds(before, after);
    return SUCCESS;
}

namespace {
const std::map<int, std::pair<const char*, const char*>> errors = {
    {SUCCESS, {"CUDA_SUCCESS", "no error"}},
    {INVALID_VALUE, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {OUT_OF_MEMORY, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {NOT_INITIALIZED, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {INVALID_DEVICE, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {INVALID_IMAGE, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
    {INVALID_HANDLE, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {NOT_FOUND, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}}};
}
API cuGetErrorName(Result error, const char** text) {
    auto found = errors.find(error);
    return found == errors.end() ? (*text = nullptr, INVALID_VALUE) : (*text = found->second.first, SUCCESS);
}
API cuGetErrorString(Result error, const char** text) {
    auto found = errors.find(error);
    return found == errors.end() ? (*text = nullptr, INVALID_VALUE) : (*text = found->second.second, SUCCESS);
}
