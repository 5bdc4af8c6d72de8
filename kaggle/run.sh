#!/usr/bin/env bash
# Solves a task set in shards side by side, one for each device, and merges their submissions while they run and at the end.
#
#   kaggle/run.sh CHALLENGES CHECKPOINT SUBMISSION
#
# ADAPT (5h)            how long each shard adapts the checkpoint first; empty: not at all
# LIMIT (11h)           when each shard ends, adapting included
# DEVICES               one device for each shard ("cuda:0 cuda:1 cuda:2 cuda:3"); "cpu cpu cpu cpu" tries it on a machine without a GPU
# PROGRAM               the program (trm-arc beside this script)
# EVERY (60)            seconds between merges
# FLAGS                 more flags for `trm-arc solve`, as "--views 256 --steps 8"
#
# What the checkpoint knows is solved first, then it adapts to all tasks and solves them again; a task that there is no time to adapt to keeps its
# first answers. SUBMISSION is whole from the first second and at every moment after. Shards, logs and adapted checkpoints lie in SUBMISSION's folder under
# shards/. Exit code 1 says that a shard failed; the submission then has copies of the inputs for its tasks, or what it had reached.
set -uo pipefail

[ $# -eq 3 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
challenges=$1 checkpoint=$2 submission=$3
adapt=${ADAPT-5h} limit=${LIMIT:-11h} every=${EVERY:-60}
read -ra devices <<<"${DEVICES:-cuda:0 cuda:1 cuda:2 cuda:3}"
read -ra flags <<<"${FLAGS:-}"
program=${PROGRAM:-$(cd "$(dirname "$0")" && pwd)/trm-arc}
shards=$(dirname "$submission")/shards
count=${#devices[@]}

[ -e "$shards" ] && { echo "error: $shards is there already; remove it, or name another place for the submission" >&2; exit 2; }
# copies of the inputs, until there is something better; this also finds tasks that cannot be read
"$program" solve "$challenges" --solver copy --submission "$submission" --record "$shards/copy.json" >/dev/null || exit 2

parts=() running=()
# all of these first: the shards measure the pace of adapting when they begin, and should then have the machine as it will be, all of them running
for ((i = 1; i <= count; i++)); do
  mkdir -p "$shards/$i"
  parts+=("$shards/$i/submission.json")
  # a shard that never begins leaves this; both attempts of its tasks are then copies of the inputs
  "$program" solve "$challenges" --solver copy --shard "$i/$count" --submission "$shards/$i/submission.json" \
    --record "$shards/$i/copy.json" >/dev/null || exit 2
done
for ((i = 1; i <= count; i++)); do
  "$program" solve "$challenges" --checkpoint "$checkpoint" --device "${devices[i - 1]}" --shard "$i/$count" \
    ${adapt:+--adapt "$adapt"} --time-limit "$limit" --submission "$shards/$i/submission.json" ${flags[@]+"${flags[@]}"} \
    >"$shards/$i/solve.out" 2>"$shards/$i/solve.err" &
  running+=($!)
done

merge() { "$program" merge "${parts[@]}" --tasks "$challenges" --output "$submission"; }
trap 'kill -INT "${running[@]}" 2>/dev/null' INT TERM

is_running() { for process in "${running[@]}"; do kill -0 "$process" 2>/dev/null && return 0; done; return 1; }
next=$((SECONDS + every))
while is_running; do
  sleep 1
  if ((SECONDS >= next)); then
    merge >/dev/null
    next=$((SECONDS + every))
  fi
done

failed=0
for ((i = 1; i <= count; i++)); do
  wait "${running[i - 1]}"
  code=$?
  head -1 "$shards/$i/solve.out"
  if ((code != 0)); then
    echo "shard $i of $count ended with exit code $code: $(tail -1 "$shards/$i/solve.err")" >&2
    failed=1
  fi
done
merge || failed=1
exit "$failed"
