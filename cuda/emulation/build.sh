#!/usr/bin/env bash
# Builds the stand-in for CUDA's libraries (libcuda.so.1, libcublas.so.13, libnvrtc.so.13) into OUTPUT_DIR; see build.py.
#
#     cuda/emulation/build.sh OUTPUT_DIR
#     TRM_CUDA_LIBRARIES=OUTPUT_DIR trm-arc ..     # a binary built with `--features cuda` and cuda/toolkit.sh
set -euo pipefail
[ $# = 1 ] || { echo "usage: ${BASH_SOURCE[0]} OUTPUT_DIR" >&2; exit 2; }
for tool in python3 "${CXX:-g++}" nm ld cargo; do
  command -v "$tool" >/dev/null || { echo "${BASH_SOURCE[0]}: $tool is not on PATH" >&2; exit 1; }
done
exec python3 "$(dirname "${BASH_SOURCE[0]}")/build.py" "$1"
