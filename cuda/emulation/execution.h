// Runs a CUDA kernel on the host: one block after another, every thread of a block a fiber on a stack of its own.
//
// What bites:
// - Threads of a block take turns only at barriers and warp collectives. A kernel that waits for another block, or that
//   spins on a value another thread writes, never ends. A race between barriers shows only if the order of turns matters:
//   running once forwards and once backwards (`machine.backwards`) finds the usual forgotten barrier, and not every race.
// - All state is global: one launch at a time, whoever calls `launch` from several host threads must hold a lock.
// - `__shared__` is `static`. Dynamic shared memory is filled with NaN bytes before each block; static shared memory only
//   in the stand-in driver, whose linker script knows where it lies, elsewhere blocks see what earlier ones left there.
//
// A thread that meets no barrier costs no stack and no switch: the fiber that ends takes the next thread of the block.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

struct uint3 { unsigned int x, y, z; };
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return {x, y, z}; }
};

inline uint3 threadIdx{}, blockIdx{};
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace emulation {

constexpr unsigned int MAXIMUM_THREADS = 1024, LANES = 32, WARPS = MAXIMUM_THREADS / LANES;
constexpr size_t STACK_BYTES = 256 << 10, PAGE_BYTES = 4096;
constexpr size_t DYNAMIC_SHARED_BYTES = 227 << 10;  // what compute capability 9.0 offers a block
constexpr size_t DEPOSIT_BYTES = 256;               // largest value that lanes exchange
constexpr unsigned int FULL = 0xffffffffu;

// What a block barrier thinks of threads that have already returned. CUDA's guide forbids it and our kernels must not do
// it; dfdx's sums do it, and compute capability 7.0 and later count only the threads that are left.
enum class Finished { Forbidden, Ignored };

enum class State : unsigned char { Fresh, Ready, AtBarrier, AtCollective, Done };

struct Thread {
    State state;
    uint3 index;
    int stack;            // number of its stack; -1 before it runs
    const char* file;     // where it waits
    int line;
    unsigned int mask;    // of the collective it waits in
    const void* deposit;  // lies on its own stack while it waits
    size_t deposit_bytes;
    int held;             // the buffer of deposits it may still read, -1 for none
    int vote;             // of __syncthreads_or and its kin
};

#if defined(__x86_64__)
using Context = void*;
// Saves the registers that a call must keep on the current stack, leaves its top in *from, and goes on where `to` was left.
__attribute__((naked, noinline)) inline void switch_registers(Context*, Context*) {
    asm volatile(
        "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, (%rdi)\n movq (%rsi), %rsp\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}
inline Context prepare(Context&, char* stack, size_t bytes, void (*entry)()) {
    auto top = reinterpret_cast<void**>(stack + bytes - 64);  // a multiple of 16, as the entry's caller would have it
    *--top = nullptr;                                         // the address that the entry would return to
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; i++) *--top = nullptr;
    return top;
}
#else
using Context = ucontext_t;
inline void switch_registers(Context* from, Context* to) { swapcontext(from, to); }
inline Context prepare(Context& context, char* stack, size_t bytes, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = bytes;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
    return context;
}
#endif
// Called through a pointer that the compiler cannot see through: it must not keep shared memory in registers over a switch.
inline void (*volatile switch_to)(Context*, Context*) = switch_registers;

struct Warp {
    // The deposits of a finished collective stay until every lane that took part has come to its next one or ended.
    // A lane holds at most one buffer, so 33 are enough for any pattern of masks; a full warp only ever uses the first.
    alignas(16) unsigned char deposits[LANES + 1][LANES * DEPOSIT_BYTES];
    unsigned int holders[LANES + 1];
};

struct Machine {
    const char* kernel = nullptr;
    void (*body)(void*) = nullptr;
    void* argument = nullptr;
    Finished finished = Finished::Forbidden;
    bool backwards = false;  // blocks, warps and lanes in the other order; `launch` leaves it as it is
    unsigned int threads = 0, next_fresh = 0, current = 0, at_barrier = 0, done = 0;
    int voted_or = 0, voted_count = 0, votes_or = 0, votes_count = 0;  // the last barrier's result; the one being gathered
    Thread thread[MAXIMUM_THREADS];
    Warp* warp = nullptr;
    Context scheduler{}, context[MAXIMUM_THREADS];
    char* stacks = nullptr;
    int free_stack[MAXIMUM_THREADS], free_stacks = 0;
    char* shared_region = nullptr;
    char* shared = nullptr;
    std::pair<char*, char*> static_shared{};  // a kernel file's `__shared__` arrays, where the caller of launch knows them
    bool running = false;
};
inline Machine machine;

// The number of the thread or block that has the `turn`-th turn among `count`.
inline unsigned int in_turn(unsigned int turn, unsigned int count) { return machine.backwards ? count - 1 - turn : turn; }

inline Thread& self() { return machine.thread[machine.current]; }

inline void describe(const char* what, const Thread& t) {
    std::fprintf(stderr, "  thread (%u,%u,%u) of block (%u,%u,%u) %s", t.index.x, t.index.y, t.index.z, blockIdx.x,
                 blockIdx.y, blockIdx.z, what);
    if (t.state == State::AtBarrier) std::fprintf(stderr, " the block barrier at %s:%d", t.file, t.line);
    if (t.state == State::AtCollective)
        std::fprintf(stderr, " the warp collective at %s:%d with mask %08x", t.file, t.line, t.mask);
    std::fprintf(stderr, "\n");
}

[[noreturn]] inline void fail(const char* why) {
    Machine& m = machine;
    std::fprintf(stderr, "kernel emulation: %s: %s\n", m.kernel, why);
    unsigned int counts[5] = {};
    bool shown[5] = {};
    for (unsigned int i = 0; i < m.threads; i++) {
        Thread& t = m.thread[i];
        int s = static_cast<int>(t.state);
        counts[s]++;
        if (!shown[s]) {
            shown[s] = true;
            describe(t.state == State::Done ? "has returned" : s >= 2 ? "waits at" : "runs", t);
        }
    }
    std::fprintf(stderr, "  of %u threads %u have returned, %u wait at a block barrier, %u at a warp collective\n", m.threads,
                 counts[static_cast<int>(State::Done)], counts[static_cast<int>(State::AtBarrier)],
                 counts[static_cast<int>(State::AtCollective)]);
    std::abort();
}

// Gives the scheduler the word; comes back when the thread may go on.
inline void yield() {
    Machine& m = machine;
    Thread& t = self();
    unsigned int me = m.current;
    switch_to(&m.context[t.stack], &m.scheduler);
    m.current = me;
    threadIdx = t.index;
}

inline void drop_held(Thread& t, unsigned int number) {
    if (t.held < 0) return;
    machine.warp[number / LANES].holders[t.held] &= ~(1u << number % LANES);
    t.held = -1;
}

// Lets the lanes of a collective go on if all that the mask names have come. `number` is any of the block's threads
// that waits in it.
inline bool try_release(unsigned int number) {
    Machine& m = machine;
    unsigned int first = number / LANES * LANES, mask = m.thread[number].mask, members = 0;
    for (unsigned int lane = 0; lane < LANES; lane++) {
        if (!(mask >> lane & 1) || first + lane >= m.threads) continue;  // lanes that a short block never had are no members
        Thread& t = m.thread[first + lane];
        if (t.state == State::Done && m.finished == Finished::Ignored) continue;
        if (t.state != State::AtCollective || t.mask != mask) return false;
        members |= 1u << lane;
    }
    Warp& w = m.warp[first / LANES];
    int buffer = 0;
    while (w.holders[buffer]) buffer++;
    w.holders[buffer] = members;
    size_t bytes = m.thread[number].deposit_bytes;
    if (members != FULL) std::memset(w.deposits[buffer], 0xff, LANES * bytes);  // what nobody deposited reads as NaN
    for (unsigned int lane = 0; lane < LANES; lane++) {
        if (!(members >> lane & 1)) continue;
        Thread& t = m.thread[first + lane];
        if (t.deposit_bytes != bytes) fail("lanes of a warp met in different collectives");
        std::memcpy(w.deposits[buffer] + lane * bytes, t.deposit, bytes);
        t.held = buffer;
        t.state = State::Ready;
    }
    return true;
}

// Every lane that `mask` names deposits its value, waits for the others, and gets the 32 deposits; lanes outside the mask
// read as NaN bytes. The array is good until the lane's next collective.
template <class T>
const T* exchange(unsigned int mask, const T& mine, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    static_assert(std::is_trivially_copyable<T>::value, "lanes exchange bytes");
    static_assert(sizeof(T) <= DEPOSIT_BYTES, "raise DEPOSIT_BYTES");
    Machine& m = machine;
    unsigned int me = m.current;
    Thread& t = m.thread[me];
    if (!(mask >> me % LANES & 1)) fail("a lane called a collective with a mask that does not name it");
    drop_held(t, me);
    T copy = mine;
    t.file = file, t.line = line, t.mask = mask, t.deposit = &copy, t.deposit_bytes = sizeof(T);
    t.state = State::AtCollective;
    if (!try_release(me)) yield();
    return reinterpret_cast<const T*>(m.warp[me / LANES].deposits[t.held]);
}

// The same for the whole warp: what the emulation of warp-wide instructions builds on.
template <class T>
const T* warp_exchange(const T& mine, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return exchange(FULL, mine, file, line);
}

inline void barrier(int vote, const char* file, int line) {
    Machine& m = machine;
    Thread& t = self();
    t.file = file, t.line = line, t.state = State::AtBarrier;
    m.votes_or |= vote != 0, m.votes_count += vote != 0;
    m.at_barrier++;
    yield();
}

inline void finish() {
    Machine& m = machine;
    Thread& t = self();
    t.state = State::Done;
    m.done++;
    drop_held(t, m.current);
    if (m.finished == Finished::Ignored) {  // those that wait for this one in a collective need not any more
        unsigned int first = m.current / LANES * LANES;
        for (unsigned int i = first; i < first + LANES && i < m.threads; i++)
            if (m.thread[i].state == State::AtCollective) try_release(i);
    }
}

inline void fiber() {
    Machine& m = machine;
    for (;;) {
        threadIdx = self().index;
        m.body(m.argument);
        finish();
        int stack = self().stack;
        if (m.next_fresh < m.threads) {
            m.current = in_turn(m.next_fresh++, m.threads);
            self().stack = stack;
        } else {
            m.free_stack[m.free_stacks++] = stack;
            switch_to(&m.context[stack], &m.scheduler);
        }
    }
}

inline void start() {
    Machine& m = machine;
    int stack = m.free_stack[--m.free_stacks];
    m.current = in_turn(m.next_fresh++, m.threads);
    self().stack = stack;
    char* low = m.stacks + stack * STACK_BYTES;
    m.context[stack] = prepare(m.context[stack], low + PAGE_BYTES, STACK_BYTES - PAGE_BYTES, fiber);
    switch_to(&m.scheduler, &m.context[stack]);
}

inline void release_barrier() {
    Machine& m = machine;
    const Thread* first = nullptr;
    if (m.done && m.finished == Finished::Forbidden) fail("threads wait at a barrier that others left without");
    for (unsigned int i = 0; i < m.threads; i++) {
        Thread& t = m.thread[i];
        if (t.state != State::AtBarrier) continue;
        if (!first) first = &t;
        if (t.line != first->line || std::strcmp(t.file, first->file)) {
            describe("waits at", *first), describe("waits at", t);
            fail("threads of a block wait at different barriers");
        }
    }
    for (unsigned int i = 0; i < m.threads; i++)
        if (m.thread[i].state == State::AtBarrier) m.thread[i].state = State::Ready;
    m.voted_or = m.votes_or, m.voted_count = m.votes_count;
    m.votes_or = m.votes_count = 0;
    m.at_barrier = 0;
}

inline void run_block() {
    Machine& m = machine;
    m.next_fresh = m.done = m.at_barrier = 0;
    m.votes_or = m.votes_count = 0;
    m.free_stacks = 0;
    for (int i = MAXIMUM_THREADS; i-- > 0;) m.free_stack[m.free_stacks++] = i;
    unsigned int number = 0;
    for (unsigned int z = 0; z < blockDim.z; z++)
        for (unsigned int y = 0; y < blockDim.y; y++)
            for (unsigned int x = 0; x < blockDim.x; x++) {
                m.thread[number] = Thread{State::Fresh, {x, y, z}, -1, "", 0, 0, nullptr, 0, -1, 0};
                if (number++ % LANES == 0) std::memset(m.warp[(number - 1) / LANES].holders, 0, sizeof(Warp::holders));
            }
    while (m.next_fresh < m.threads) start();
    while (m.done < m.threads) {
        bool ran = false;
        unsigned int warps = (m.threads + LANES - 1) / LANES;
        for (unsigned int turn = 0; turn < warps; turn++) {  // a warp goes as far as it can before the next
            unsigned int first = in_turn(turn, warps) * LANES, lanes = m.threads - first < LANES ? m.threads - first : LANES;
            for (bool again = true; again;) {
                again = false;
                for (unsigned int lane = 0; lane < lanes; lane++) {
                    unsigned int i = first + in_turn(lane, lanes);
                    if (m.thread[i].state != State::Ready) continue;
                    again = ran = true;
                    m.current = i;
                    switch_to(&m.scheduler, &m.context[m.thread[i].stack]);
                }
            }
        }
        if (m.done == m.threads) break;
        if (m.at_barrier && m.at_barrier + m.done == m.threads) release_barrier();
        else if (!ran) fail("no thread can go on");
    }
}

inline void* dynamic_shared() { return machine.shared; }

inline void set_up() {
    Machine& m = machine;
    auto map = [](size_t bytes) {
        void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) std::perror("kernel emulation: mmap"), std::abort();
        return static_cast<char*>(p);
    };
    m.stacks = map(MAXIMUM_THREADS * STACK_BYTES);
    for (unsigned int i = 0; i < MAXIMUM_THREADS; i++) mprotect(m.stacks + i * STACK_BYTES, PAGE_BYTES, PROT_NONE);
    m.warp = reinterpret_cast<Warp*>(map(WARPS * sizeof(Warp)));
    // Dynamic shared memory ends where a page that may not be touched begins, so that running over its end faults.
    m.shared_region = map(256 << 10);
    mprotect(m.shared_region + (256 << 10) - PAGE_BYTES, PAGE_BYTES, PROT_NONE);
}

// Runs `body`, which calls the kernel, in every thread of the grid.
template <class F>
void launch(const char* name, dim3 grid, dim3 block, size_t dynamic_shared_bytes, F body,
            Finished finished = Finished::Forbidden) {
    Machine& m = machine;
    if (!m.stacks) set_up();
    m.kernel = name;
    m.threads = 0;
    if (dynamic_shared_bytes > DYNAMIC_SHARED_BYTES) fail("more dynamic shared memory than a block may have");
    if (!block.x || !block.y || !block.z || size_t(block.x) * block.y * block.z > MAXIMUM_THREADS)
        fail("a block has 1 to 1024 threads");
    m.threads = block.x * block.y * block.z;
    m.body = [](void* f) { (*static_cast<F*>(f))(); };
    m.argument = &body;
    m.finished = finished;
    size_t rounded = (dynamic_shared_bytes + 127) / 128 * 128;
    m.shared = m.shared_region + (256 << 10) - PAGE_BYTES - rounded;
    blockDim = block, gridDim = grid;
    m.running = true;
    for (unsigned int z = 0; z < grid.z; z++)
        for (unsigned int y = 0; y < grid.y; y++)
            for (unsigned int x = 0; x < grid.x; x++) {
                blockIdx = {in_turn(x, grid.x), in_turn(y, grid.y), in_turn(z, grid.z)};
                std::memset(m.shared, 0xff, rounded);
                if (m.static_shared.first)
                    std::memset(m.static_shared.first, 0xff, m.static_shared.second - m.static_shared.first);
                run_block();
            }
    m.running = false;
    m.static_shared = {nullptr, nullptr};
}

}  // namespace emulation
