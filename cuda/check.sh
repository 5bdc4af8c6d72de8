#!/usr/bin/env bash
# Everything that only a GPU can say, in one call of at most nine minutes: tests, throughput beside PyTorch, a short training beside the
# CPU's. A table comes last.
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
libraries=$(python3 - <<'PYTHON'
import glob, os, sys
places = {os.path.dirname(f) for p in sys.path for f in glob.glob(os.path.join(p, "nvidia", "*", "lib", "libcublas.so.1[23]"))}
print(":".join(sorted(places)))
PYTHON
)
export TRM_CUDA_LIBRARIES=${TRM_CUDA_LIBRARIES:-$libraries}
program=$folder/trm-arc
toy="" steps=500 some="--runs 5"
[ -z "${REHEARSAL:-}" ] || { toy="--cells 20 --hidden 32 --heads 2 --l-cycles 1 --prefix 2 --batch 2" steps=20 some="--runs 1"; }
note() { printf '%4d s  %s\n' "$SECONDS" "$*" | tee -a "$results/course.txt"; }

note "$("$program" doctor | grep cuda:0)"
# the tests know the place where they were built
root=$(cat "$folder/root")
[ -e "$root" ] || { mkdir -p "$(dirname "$root")" && ln -s "$PWD" "$root"; }
mkdir -p "$root/target/cuda/release" && ln -sf "$program" "$root/target/cuda/release/trm-arc"

# The CPU's training goes on beside the tests, on cores that the GPU does not need.
work=$(mktemp -d)
sed "s/^steps = .*/steps = $steps/; s/^log_every = .*/log_every = 10/; s/^warmup = .*/warmup = 20/" recipes/small-grids.toml >"$work/short.toml"
(timeout 400 "$program" train "$work/short.toml" --output "$work/cpu" >"$results/train-cpu.txt" 2>&1) &
cpu=$!

for test in "lib ops::" parity cuda; do
  set -- $test
  timeout 150 "$folder/test-$1" ${2:-} >"$results/test-$1.txt" 2>&1
  note "test-$1: exit $?, $(grep '^test result' "$results/test-$1.txt" | tail -1)"
done
grep -h "skipped on CUDA" "$results"/test-*.txt && note "SOME TESTS WERE SKIPPED"

peer=tests/oracle/trm_torch.py
bench() { # name, flags of ours, flags of PyTorch
  timeout 100 python3 $peer bench --device cuda --dtype bfloat16 --compile $some $3 $toy >"$results/$1-torch.json" 2>"$results/$1-torch.err"
  timeout 100 "$program" bench --device cuda --json $some $2 >"$results/$1-ours.json" 2>"$results/$1-ours.err"
  note "$1: ours $(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["ms_per_example"])' "$results/$1-ours.json" 2>&1 | tail -1) ms an example"
}
bench train "--train ${toy:---batch 64}" "--train --batch 64"
bench forward "${toy:---batch 64}" "--batch 64"
bench train144 "--train ${toy:---cells 144 --batch 256}" "--train --cells 144 --batch 256"
timeout 60 "$program" bench --device cuda --json --train $some ${toy:---batch 16} --precision f32 >"$results/train-f32-ours.json" 2>&1
[ -n "$toy" ] || timeout 60 "$program" bench --device cuda --json $some --tasks arc-agi-1/evaluation --examples 1363 --tokens-per-batch 65536 \
  >"$results/canvas-ours.json" 2>&1
note "throughput done"

for precision in f32 bf16; do
  timeout 60 "$program" train "$work/short.toml" --output "$work/$precision" --device cuda --precision $precision >"$results/train-$precision.txt" 2>&1
  cp "$work/$precision/log.csv" "$results/log-$precision.csv"
  note "$steps steps in $precision: $(head -1 "$results/train-$precision.txt")"
done
[ -n "$toy" ] || timeout 45 "$program" train paper-arc-agi-1 --output "$work/paper" --device cuda --time-limit 20s >"$results/train-paper.txt" 2>&1
[ -n "$toy" ] || note "the paper's batch of 768 for 20 s: $(head -1 "$results/train-paper.txt"); memory $(nvidia-smi --query-gpu=memory.total --format=csv,noheader 2>/dev/null)"
wait $cpu
cp "$work/cpu/log.csv" "$results/log-cpu.csv"

python3 - "$results" <<'PYTHON'
import csv, json, os, sys
folder = sys.argv[1]
def read(name):
    try:
        text = open(os.path.join(folder, name)).read().strip().splitlines()[-1]
        return json.loads(text)
    except Exception as fault:
        return {"fault": repr(fault)}
def number(value, form="{:.3f}"):
    return form.format(value) if isinstance(value, (int, float)) else "-"
print(f"\n{'work':<12}{'PyTorch ms':>12}{'ours ms':>12}{'ratio':>8}{'share of product':>18}{'logits':>10}{'gradients':>11}")
for name in ["train", "forward", "train144", "train-f32"]:
    torch, ours = read(f"{name}-torch.json"), read(f"{name}-ours.json")
    a, b = torch.get("ms_per_example"), ours.get("ms_per_example")
    ratio = b / a if a and b else None
    print(f"{name:<12}{number(a):>12}{number(b):>12}{number(ratio, '{:.2f}'):>8}{number(ours.get('ceiling_share'), '{:.1%}'):>18}"
          f"{number(ours.get('logits_differ_by'), '{:.0e}'):>10}{number(ours.get('gradients_differ_by'), '{:.0e}'):>11}")
canvas = read("canvas-ours.json")
print("tight canvases against boards:", {k: v for k, v in canvas.items() if k in ("tight_over_board", "canvases", "ceiling_gflops", "fault")})
def curve(name):
    try:
        return [float(row["cross_entropy"]) for row in csv.DictReader(open(os.path.join(folder, name)))]
    except Exception:
        return []
cpu = curve("log-cpu.csv")
for name in ["f32", "bf16"]:
    cuda = curve(f"log-{name}.csv")
    pairs = list(zip(cpu, cuda))
    if pairs:
        apart = [abs(a - b) / a for a, b in pairs]
        print(f"loss of {len(pairs)} windows of 10 steps, {name} against the CPU: first apart {apart[0]:.1e}, mean {sum(apart)/len(apart):.1e}, "
              f"largest {max(apart):.1e}; last {pairs[-1][1]:.4f} against {pairs[-1][0]:.4f}")
    else:
        print(f"no curve of {name}")
PYTHON
note "end"
cat "$results/course.txt"
