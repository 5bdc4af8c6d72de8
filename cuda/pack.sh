#!/usr/bin/env bash
# Packs what cuda/check.sh needs on a machine with a GPU but without Rust: the program and its tests, built here with the toolkit, into
# FOLDER (target/gpu if not given). Copy the repository's working tree with it, and run cuda/check.sh there.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/gpu}
set -- # the toolkit takes the folder of its own as an argument
source cuda/toolkit.sh
export CARGO_TARGET_DIR=$PWD/target/cuda
mkdir -p "$folder"
cargo build --release --locked --features cuda
cp "$CARGO_TARGET_DIR/release/trm-arc" "$folder/trm-arc"
for test in lib parity cuda; do
  flags=(--test "$test")
  [ "$test" = lib ] && flags=(--lib)
  built=$(cargo test --release --locked --features cuda "${flags[@]}" --no-run --message-format=json |
    python3 -c 'import json, sys; print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("profile", {}).get("test") and m.get("executable")][-1])')
  cp "$built" "$folder/test-$test"
done
strip "$folder"/trm-arc "$folder"/test-*
# the tests look for the program and their files where they were built
echo "$PWD" >"$folder/root"
du -sh "$folder"
