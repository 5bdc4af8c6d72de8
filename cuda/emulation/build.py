#!/usr/bin/env python3
"""Builds the stand-in for CUDA's libraries: libcuda.so.1, libcublas.so.13 and libnvrtc.so.13, which run on the host.

    python3 cuda/emulation/build.py OUTPUT_FOLDER      # needs g++ with binutils, and cargo to find dfdx

Every kernel file of dfdx and every src/**/*.cu of this repository is compiled by g++ inside an anonymous namespace, so that
helpers of the same name in different files stay apart, with a few lines after it that enter its `extern "C"` kernels into the
driver's table. Object files are kept in OUTPUT_FOLDER/objects and made anew when something they include is newer.

What bites: a kernel must be written `extern "C" __global__ void name(..)`; an `extern "C" { .. }` block is refused.
Environment: CXX (default g++), JOBS (default: the number of processors).
"""
import concurrent.futures
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
from sources import package_folder  # noqa: E402

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off"]
INCLUDES = ["-I", str(HERE), "-I", str(REPOSITORY / "cuda" / "include")]
# dfdx's convolutions, poolings and upscalings: a third of the work, and no model here has any.
LEFT_OUT = {"conv2d", "convtrans2d", "pool2d", "upscale2d"}

WRAPPER = """\
// Written by build.py around {source}.
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "registry.h"
{renames}
namespace {{
#include "{source}"
}}
extern "C" __attribute__((visibility("hidden"))) char shared_begin_{unit}[], shared_end_{unit}[];
namespace {{
struct Table {{
    Table() {{
        char *begin = {begin}, *end = {end};
{entries}
    }}
}} const table;
}}
"""


def run(command):
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{answer.stdout[-4000:]}{answer.stderr[-8000:]}")
    return answer.stdout


def is_fresh(target, dependencies):
    """Whether `target` is newer than this script and everything that the compiler's list says it was made from."""
    if not target.exists() or not dependencies.exists():
        return False
    made_from = dependencies.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    made = target.stat().st_mtime
    return all(os.path.exists(f) and os.stat(f).st_mtime < made for f in [*made_from, __file__])


def compile_object(source, target, extra=()):
    dependencies = target.with_suffix(".d")
    if is_fresh(target, dependencies):
        return False
    run([COMPILER, *FLAGS, *INCLUDES, *extra, "-MD", "-MF", str(dependencies), "-c", str(source), "-o", str(target)])
    return True


def list_kernels(source, extra):
    text = run([COMPILER, *FLAGS, *INCLUDES, *extra, "-DEMULATION_LIST", "-E", "-P", "-x", "c++", "-include", "cuda_host.h", str(source)])
    text = text.replace("\n", " ")
    if re.search(r'extern "C" \{[^}]*emulated_kernel', text):
        sys.exit(f'{source}: write extern "C" before each kernel instead of a block, so that its name is found')
    return re.findall(r'extern "C"\s+emulated_kernel\s+void\s+(\w+)\s*\(', text)


def build_unit(unit, source, ours, objects, extra):
    """Compiles one kernel file. Gives the names of its kernels and whether it had to be compiled."""
    wrapper, target, names_file = objects / f"{unit}.cpp", objects / f"{unit}.o", objects / f"{unit}.names"
    if is_fresh(target, target.with_suffix(".d")) and names_file.exists():
        return names_file.read_text().split(), False
    names = list_kernels(source, extra)

    def write(poisoned):
        begin, end = (f"shared_begin_{unit}", f"shared_end_{unit}") if poisoned else ("nullptr", "nullptr")
        finished = "Forbidden" if ours else "Ignored"
        # dfdx defines its fill kernels in a header: one file's are as good as another's
        entries = [f'        {"" if ours else f"if (!emulation::registry().count({chr(34)}{n}{chr(34)})) "}'
                   f'emulation::Entry<in_{unit}_{n}>::add("{n}", emulation::Finished::{finished}, begin, end);' for n in names]
        renames = [f"#define {n} in_{unit}_{n}" for n in names]
        undo = [f"#undef {n}" for n in names]
        text = WRAPPER.format(source=source, unit=unit, begin=begin, end=end, renames="\n".join(renames), entries="\n".join(entries))
        wrapper.write_text(text.replace("\nextern \"C\" __att", "\n" + "\n".join(undo) + "\nextern \"C\" __att", 1))

    write(poisoned=True)
    target.unlink(missing_ok=True)
    compile_object(wrapper, target, ["-w", *extra])
    # Uninitialised static data of the object are its `__shared__` arrays, unless a `__device__` variable is among them,
    # which must keep its value between launches: then shared memory cannot be filled before each block. The guards that
    # g++ adds to arrays of __half (_ZGVZ) may be filled: that only says that the array has been set up.
    kept = [line.split()[-1] for line in run(["nm", str(target)]).splitlines() if " b " in line]
    kept = [name for name in kept if not name.startswith(("_ZZ", "_ZGVZ")) and "5table" not in name and "shared_" not in name]
    if kept:
        print(f"{source.name}: static shared memory is not filled with NaN bytes, because of {', '.join(kept)}", file=sys.stderr)
        write(poisoned=False)
        target.unlink()
        compile_object(wrapper, target, ["-w", *extra])
    names_file.write_text("\n".join(names))
    return names, True


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    started = time.time()
    output = pathlib.Path(sys.argv[1]).resolve()
    objects = output / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    alone = open(output / "lock", "w")
    fcntl.flock(alone, fcntl.LOCK_EX)  # until this program ends

    operations = package_folder("dfdx") / "src" / "tensor_ops"
    theirs = [p for p in sorted(operations.glob("**/*.cu")) if p.parent.name not in LEFT_OUT]
    ours = sorted((REPOSITORY / "src").glob("**/*.cu"))
    utilities = ["-I", str(operations / "utilities")]
    units = [(f"dfdx_{p.stem}", p, False, utilities) for p in theirs]
    units += [("_".join(p.relative_to(REPOSITORY / "src").with_suffix("").parts), p, True, ["-I", str(p.parent)]) for p in ours]

    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        told = [f'-DEMULATION_FOLDER="{HERE}"', f'-DEMULATION_FLAGS="{" ".join(FLAGS)}"']  # for kernels compiled while a program runs
        parts = {n: pool.submit(compile_object, HERE / f"{n}.cpp", objects / f"{n}.o", told) for n in ("driver", "cublas", "nvrtc")}
        kernels = {u: pool.submit(build_unit, u, p, own, objects, extra) for u, p, own, extra in units}
        results = {u: f.result() for u, f in kernels.items()}
        compiled = sum(made for _, made in results.values()) + sum(f.result() for f in parts.values())

    compiled_later = output / "compiled"  # by the stand-in's NVRTC
    if compiled or not compiled_later.exists():
        shutil.rmtree(compiled_later, ignore_errors=True)
        compiled_later.mkdir()

    where = {}
    for unit, _, own, _ in units:
        for name in results[unit][0]:
            if name in where and own:
                sys.exit(f"the kernel {name} is defined in both {where[name]} and {unit}")
            where[name] = unit

    # tells where each file's `__shared__` arrays lie: they are all that is in the .bss of its object
    script = objects / "shared.ld"
    lines = [f"    shared_begin_{u} = .; *objects/{u}.o(.bss) shared_end_{u} = .;" for u in results]
    script.write_text("SECTIONS {\n  .emulated_shared (NOLOAD) : {\n" + "\n".join(lines) + "\n  }\n} INSERT AFTER .bss;\n")
    link = [COMPILER, "-shared", "-Wl,-z,defs"]
    driver = [objects / "driver.o", *(objects / f"{u}.o" for u in results)]
    run([*link, "-Wl,-soname,libcuda.so.1", "-T", script, *driver, "-o", output / "libcuda.so.1.new"])
    run([*link, "-Wl,-soname,libcublas.so.13", objects / "cublas.o", "-o", output / "libcublas.so.13.new"])
    run([*link, "-Wl,-soname,libnvrtc.so.13", objects / "nvrtc.o", "-o", output / "libnvrtc.so.13.new"])
    for name in ("libcuda.so.1", "libcublas.so.13", "libnvrtc.so.13"):
        os.replace(output / f"{name}.new", output / name)  # a program that has the old one open keeps it
    print(f"stand-in for CUDA: {len(where)} kernels of {len(units)} files ({len(ours)} of this repository) in {output}, "
          f"{compiled} objects compiled, {time.time() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
