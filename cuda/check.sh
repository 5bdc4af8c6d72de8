#!/usr/bin/env bash
# Everything that only a GPU can say, in one call of at most nine minutes: tests, throughput beside PyTorch, a short training beside the
# CPU's. A table comes last, however the call ends.
#
#   cuda/pack.sh                                 where Rust and the toolkit are
#   cuda/check.sh [FOLDER] [RESULTS]             on the GPU; FOLDER is target/gpu, RESULTS ./gpu-results if not given
#
# REHEARSAL=1 takes toy sizes, for a rehearsal on the stand-in (TRM_CUDA_LIBRARIES=target/standin): what it prints is no measurement.
# It fetches nothing. Needs a driver of the 580 series, and python3 with PyTorch, whose cuBLAS it uses and which is what is compared with.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath "${1:-target/gpu}") results=${2:-gpu-results}
mkdir -p "$results"
results=$(realpath "$results")
program=$folder/trm-arc work=$(mktemp -d)
toy="" steps=500 some="--runs 5"
[ -z "${REHEARSAL:-}" ] || { toy="--cells 20 --hidden 32 --heads 2 --l-cycles 1 --prefix 2 --batch 2" steps=30 some="--runs 1"; }
if [ -z "${TRM_CUDA_LIBRARIES:-}" ]; then
  TRM_CUDA_LIBRARIES=$(python3 - <<'PYTHON'
import glob, os, sys
places = {os.path.dirname(f) for p in sys.path for f in glob.glob(os.path.join(p, "nvidia", "*", "lib", "libcublas.so.1[23]"))}
print(":".join(sorted(places)))
PYTHON
)
fi
# what the driver compiles for the card once serves every process
export TRM_CUDA_LIBRARIES CUDA_CACHE_PATH=$work/compiled
note() { printf '%4d s  %s\n' "$SECONDS" "$*" | tee -a "$results/course.txt"; }
# Runs a command for at most so many seconds, and none when the nine minutes are over.
within() {
  local most=$1 left=$((520 - SECONDS))
  shift
  [ "$left" -gt 5 ] || return 124
  timeout "$((most < left ? most : left))" "$@"
}

table() {
  python3 - "$results" <<'PYTHON'
import csv, json, os, statistics, sys
folder = sys.argv[1]
def read(name):
    try:
        return json.loads(open(os.path.join(folder, name)).read().strip().splitlines()[-1])
    except Exception as fault:
        return {"fault": repr(fault)}
def number(value, form="{:.3f}"):
    return form.format(value) if isinstance(value, (int, float)) else "-"
def rows(name):
    try:
        return list(csv.DictReader(open(os.path.join(folder, name))))
    except Exception:
        return []
print(f"\n{'work':<12}{'PyTorch ms':>12}{'compiled':>9}{'ours ms':>12}{'ratio':>8}{'share of product':>18}{'logits':>10}{'gradients':>11}")
for name in ["train", "forward", "train144", "train-f32"]:
    eager, compiled, ours = read(f"{name}-torch.json"), read(f"{name}-compiled.json"), read(f"{name}-ours.json")
    torch = compiled if "ms_per_example" in compiled else eager
    a, b = torch.get("ms_per_example"), ours.get("ms_per_example")
    print(f"{name:<12}{number(a):>12}{str(torch.get('compile', '-')):>9}{number(b):>12}{number(b / a if a and b else None, '{:.2f}'):>8}"
          f"{number(ours.get('ceiling_share'), '{:.1%}'):>18}{number(ours.get('logits_differ_by'), '{:.0e}'):>10}"
          f"{number(ours.get('gradients_differ_by'), '{:.0e}'):>11}")
canvas = read("canvas-ours.json")
print("tight canvases against boards:", canvas.get("tight_over_board", canvas.get("fault")),
      "examples/s:", {name: found["examples_per_second"] for name, found in canvas.get("canvases", {}).items()})
cpu = rows("log-cpu.csv")
for name in ["f32", "bf16"]:
    pairs = [(float(a["cross_entropy"]), float(b["cross_entropy"])) for a, b in zip(cpu, rows(f"log-{name}.csv"))]
    if pairs:
        apart = [abs(b - a) / a for a, b in pairs]
        print(f"loss of {len(pairs)} windows of 10 steps, {name} against the CPU: first apart {apart[0]:.1e}, mean {statistics.mean(apart):.1e}, "
              f"largest {max(apart):.1e}; last {pairs[-1][1]:.4f} against {pairs[-1][0]:.4f}")
    else:
        print(f"no curve of {name}")
speeds = [float(row["example_steps_per_second"]) for row in rows("log-paper.csv")][2:]
print("the paper's batch of 768 boards:", f"{statistics.median(speeds):.0f} supervision steps of examples a second" if speeds else "not measured")
print(open(os.path.join(folder, "course.txt")).read())
PYTHON
}
rm -f "$results"/course.txt
note "begin"
trap 'note end; table; rm -rf "$work"' EXIT

device=$("$program" doctor | grep cuda:0) || { "$program" doctor; note "NO CUDA DEVICE: nothing is checked"; exit 1; }
note "$device"
nvidia-smi >"$results/nvidia-smi.txt" 2>&1
# the tests know the place where they were built
root=$(cat "$folder/root")
[ -e "$root" ] || { mkdir -p "$(dirname "$root")" && ln -s "$PWD" "$root"; }
[ -e "$root/target/cuda/release/trm-arc" ] || { mkdir -p "$root/target/cuda/release" && ln -s "$program" "$root/target/cuda/release/trm-arc"; }

# A fault of the device ends its process, so every test has one of its own; one that fails is run again with launches that wait.
export TRM_NEED_CUDA=1
passed=0 failed=0
for suite in lib parity cuda; do
  filter=""
  [ "$suite" = lib ] && filter="ops::"
  for test in $("$folder/test-$suite" --list $filter 2>/dev/null | sed -n 's/: test$//p'); do
    if within 60 "$folder/test-$suite" --exact "$test" --show-output >"$work/test.txt" 2>&1; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      note "FAILED: $suite $test"
      { cat "$work/test.txt"; CUDA_LAUNCH_BLOCKING=1 within 60 "$folder/test-$suite" --exact "$test" --show-output; } >>"$results/failed.txt" 2>&1
    fi
  done
done
note "tests: $passed passed, $failed failed"

ours() { within 60 "$program" bench --device cuda --json $some "${@:2}" >"$results/$1-ours.json" 2>"$results/$1-ours.err" || note "$1: $(tail -1 "$results/$1-ours.err")"; }
ours train --train ${toy:---batch 64}
ours forward ${toy:---batch 64}
ours train144 --train ${toy:---cells 144 --batch 256}
ours train-f32 --train ${toy:---batch 16} --precision f32
[ -n "$toy" ] || ours canvas --tasks arc-agi-1/evaluation --examples 1363 --tokens-per-batch 65536
note "our throughput"

if [ -z "$toy" ]; then
  # the paper's batch, with fewer rows so that a checkpoint is written in a second
  sed 's/^plan = .*/plan = "dihedral"/; s/^log_every = .*/log_every = 1/; s/^checkpoint_every = .*/checkpoint_every = 100000/' \
    recipes/paper-arc-agi-1.toml >"$work/paper.toml"
  (for _ in $(seq 60); do nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits; sleep 1; done >"$results/memory.txt" 2>/dev/null) &
  within 120 "$program" train "$work/paper.toml" --output "$work/paper" --device cuda --time-limit 20s >"$results/train-paper.txt" 2>&1
  cp "$work/paper/log.csv" "$results/log-paper.csv" 2>/dev/null
  note "the paper's batch for 20 s: $(grep -m1 'steps on' "$results/train-paper.txt"), $(sort -n "$results/memory.txt" | tail -1) MiB at most"
fi

sed "s/^steps = .*/steps = $steps/; s/^log_every = .*/log_every = 10/; s/^warmup = .*/warmup = 20/" recipes/small-grids.toml >"$work/short.toml"
for precision in bf16 f32; do
  within 90 "$program" train "$work/short.toml" --output "$work/$precision" --device cuda --precision $precision >"$results/train-$precision.txt" 2>&1
  cp "$work/$precision/log.csv" "$results/log-$precision.csv" 2>/dev/null
  note "$steps steps in $precision: $(grep -m1 'steps on' "$results/train-$precision.txt")"
done

peer=tests/oracle/trm_torch.py
torch() { # name, flags: as it is, then compiled, which takes a minute the first time
  within 60 python3 $peer bench --device cuda --dtype bfloat16 $some "${@:2}" >"$results/$1-torch.json" 2>"$results/$1-torch.err"
  within 150 python3 $peer bench --device cuda --dtype bfloat16 --compile $some "${@:2}" >"$results/$1-compiled.json" 2>"$results/$1-compiled.err"
  note "$1: PyTorch"
}
torch train --train ${toy:---batch 64}
# ours once more beside it: a card is not equally fast all the time
[ -n "$toy" ] || cp "$results/train-ours.json" "$results/train-ours-first.json"
ours train --train ${toy:---batch 64}
torch forward ${toy:---batch 64}
torch train144 --train ${toy:---cells 144 --batch 256}

within 120 "$program" train "$work/short.toml" --output "$work/cpu" >"$results/train-cpu.txt" 2>&1
cp "$work/cpu/log.csv" "$results/log-cpu.csv" 2>/dev/null
note "$steps steps on the CPU: $(grep -m1 'steps on' "$results/train-cpu.txt")"
