#!/usr/bin/env python3
"""Writes the C file behind libcuda.a: one binary that starts with or without CUDA.

    python3 cuda/driver_shim.py OUTPUT.c

For every function of the driver, cuBLAS, cuBLASLt, NVRTC and NCCL that cudarc declares it writes a trampoline of the same
name, which opens the real library when it is first called. `cuInit` answers 100 (CUDA_ERROR_NO_DEVICE) where there is no
libcuda or no libcublas. Libraries are looked for in the folders of TRM_CUDA_LIBRARIES (colon-separated), then where the
dynamic loader looks. Three functions are offered besides:

    const char *cuda_shim_fault(void)   why libraries could not be opened, one line each; empty if there was no trouble
    int cuda_shim_open_nccl(void)       0 = libnccl.so.2 is open; to be asked before any ncclXxx is called
    int cuda_shim_open_nvrtc(void)      0 = NVRTC is open; dfdx's to_dtype compiles with it while the program runs

What bites: calling a function whose library is not there prints the reason and aborts, since there is no other answer a
function of any signature could give. The trampolines are x86-64.
"""
import re
import sys

from sources import package_folder

# cudarc's module, the library's short name, the sonames in the order they are tried
LIBRARIES = [
    ("driver", "CUDA_DRIVER", ["libcuda.so.1"]),
    ("cublas", "CUBLAS", ["libcublas.so.13", "libcublas.so.12"]),
    ("cublaslt", "CUBLASLT", ["libcublasLt.so.13", "libcublasLt.so.12"]),
    ("nvrtc", "NVRTC", ["libnvrtc.so.13", "libnvrtc.so.12"]),
    ("nccl", "NCCL", ["libnccl.so.2"]),
]

HEAD = r"""
// Written by cuda/driver_shim.py; see there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A call to `name` jumps through its slot. At first the slot leads to code that saves the arguments, asks cuda_shim_resolve
// for the real function, writes it into the slot and goes on there with the arguments as they were.
#define TRAMPOLINE(name, number)                                                                     \
    __attribute__((visibility("hidden"))) extern void *cuda_shim_slot_##name;                        \
    __asm__(".text\n.globl " #name "\n.type " #name ",@function\n" #name ":\n"                       \
            "jmp *cuda_shim_slot_" #name "(%rip)\n"                                                  \
            "cuda_shim_first_" #name ":\npushq $" #number "\njmp cuda_shim_first\n"                  \
            ".size " #name ",.-" #name "\n"                                                          \
            ".section .data.rel.local,\"aw\"\n.balign 8\n.globl cuda_shim_slot_" #name "\n"          \
            ".hidden cuda_shim_slot_" #name "\n"                                                     \
            "cuda_shim_slot_" #name ": .quad cuda_shim_first_" #name "\n.text\n")

__asm__(".text\ncuda_shim_first:\n"
        "pushq %rdi\npushq %rsi\npushq %rdx\npushq %rcx\npushq %r8\npushq %r9\npushq %rax\n"
        "subq $136, %rsp\n"
        "movups %xmm0, (%rsp)\nmovups %xmm1, 16(%rsp)\nmovups %xmm2, 32(%rsp)\nmovups %xmm3, 48(%rsp)\n"
        "movups %xmm4, 64(%rsp)\nmovups %xmm5, 80(%rsp)\nmovups %xmm6, 96(%rsp)\nmovups %xmm7, 112(%rsp)\n"
        "movq 192(%rsp), %rdi\n"
        "call cuda_shim_resolve\n"
        "movq %rax, %r11\n"
        "movups (%rsp), %xmm0\nmovups 16(%rsp), %xmm1\nmovups 32(%rsp), %xmm2\nmovups 48(%rsp), %xmm3\n"
        "movups 64(%rsp), %xmm4\nmovups 80(%rsp), %xmm5\nmovups 96(%rsp), %xmm6\nmovups 112(%rsp), %xmm7\n"
        "addq $136, %rsp\n"
        "popq %rax\npopq %r9\npopq %r8\npopq %rcx\npopq %rdx\npopq %rsi\npopq %rdi\n"
        "addq $8, %rsp\njmp *%r11\n");

struct function { const char *name; void **slot; int library; };
struct library { const char *sonames[3]; void *handle; int tried; };
"""

TAIL = r"""
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *fault;  // grows by a line for each library that could not be opened

// Appends; a failed allocation loses the text, not the program.
static void append(char **text, const char *more) {
    size_t old = *text ? strlen(*text) : 0;
    char *grown = realloc(*text, old + strlen(more) + 3);
    if (!grown) return;
    if (old) strcpy(grown + old, "; "), old += 2;
    strcpy(grown + old, more);
    *text = grown;
}

static void *open_in(const char *folder, size_t length, const char *soname, char **reasons) {
    char path[4096];
    if (length + strlen(soname) + 2 > sizeof path) return NULL;
    sprintf(path, "%.*s/%s", (int)length, folder, soname);
    if (!strncmp(soname, "libcublas.", 10)) {  // it wants its sibling, which the loader may not find in this folder
        char sibling[4200];
        sprintf(sibling, "%.*s/libcublasLt%s", (int)length, folder, soname + 9);
        dlopen(sibling, RTLD_NOW | RTLD_LOCAL);
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) append(reasons, dlerror());
    return handle;
}

static int open_library(int number) {
    struct library *l = &libraries[number];
    if (l->tried) return l->handle != NULL;
    l->tried = 1;
    char *reasons = NULL;
    const char *folder = getenv("TRM_CUDA_LIBRARIES");
    while (folder && *folder && !l->handle) {
        size_t length = strcspn(folder, ":");
        for (int i = 0; length && l->sonames[i] && !l->handle; i++)
            l->handle = open_in(folder, length, l->sonames[i], &reasons);
        folder += length + (folder[length] == ':');
    }
    for (int i = 0; l->sonames[i] && !l->handle; i++) {
        l->handle = dlopen(l->sonames[i], RTLD_NOW | RTLD_LOCAL);
        if (!l->handle) append(&reasons, dlerror());
    }
    if (!l->handle) {
        size_t old = fault ? strlen(fault) : 0;
        char *grown = realloc(fault, old + strlen(l->sonames[0]) + strlen(reasons ? reasons : "") + 32);
        if (grown) sprintf(grown + old, "%s%s: %s", old ? "\n" : "", l->sonames[0], reasons ? reasons : ""), fault = grown;
    }
    free(reasons);
    return l->handle != NULL;
}

static int open_locked(int number) {
    pthread_mutex_lock(&lock);
    int opened = open_library(number);
    pthread_mutex_unlock(&lock);
    return opened;
}

__attribute__((visibility("hidden"))) void *cuda_shim_resolve(size_t number) {
    struct function *f = &functions[number];
    pthread_mutex_lock(&lock);
    void *found = open_library(f->library) ? dlsym(libraries[f->library].handle, f->name) : NULL;
    if (!found) {
        fprintf(stderr, "cuda: %s was called, but %s\n", f->name,
                libraries[f->library].handle ? "the library that was opened has no such function" : fault);
        abort();
    }
    *f->slot = found;
    pthread_mutex_unlock(&lock);
    return found;
}

int cuInit(unsigned int flags) {
    int driver = open_locked(CUDA_DRIVER), cublas = open_locked(CUBLAS);  // both are asked, so that both faults are told
    int (*real)(unsigned int) = driver && cublas ? (int (*)(unsigned int))dlsym(libraries[CUDA_DRIVER].handle, "cuInit") : NULL;
    return real ? real(flags) : 100;
}

const char *cuda_shim_fault(void) { return fault ? fault : ""; }
int cuda_shim_open_nccl(void) { return !open_locked(NCCL); }
int cuda_shim_open_nvrtc(void) { return !open_locked(NVRTC); }
"""


def main():
    folder = package_folder("cudarc")
    out = [HEAD, "enum { " + ", ".join(tag for _, tag, _ in LIBRARIES) + " };"]
    rows = []
    for module, tag, _ in LIBRARIES:
        text = (folder / "src" / module / "sys.rs").read_text()
        for name in sorted(set(re.findall(r"pub fn (\w+)", text)) - {"cuInit"}):
            out.append(f"TRAMPOLINE({name}, {len(rows)});")
            rows.append(f'    {{"{name}", &cuda_shim_slot_{name}, {tag}}},')
    out += ["static struct function functions[] = {", *rows, "};", "static struct library libraries[] = {"]
    out += ["    {{" + ", ".join(f'"{s}"' for s in sonames) + "}, NULL, 0}," for _, _, sonames in LIBRARIES]
    out += ["};", TAIL]
    with open(sys.argv[1], "w") as f:
        f.write("\n".join(out))


if __name__ == "__main__":
    main()
