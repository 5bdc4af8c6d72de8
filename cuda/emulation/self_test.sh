#!/usr/bin/env bash
# Compiles and runs the check of the host emulation. Needs g++ alone; takes a few seconds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(mktemp)
trap 'rm -f "$program"' EXIT
${CXX:-g++} -std=c++17 -O2 -Wall -Wextra -Wno-unused-parameter -ffp-contract=off -I "$here" -I "$here/../include" \
  "$here/self_test.cpp" -o "$program"
"$program"
