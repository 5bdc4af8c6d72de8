#!/usr/bin/env bash
# Lays out a CUDA 13.0 compiler on a machine that has neither a GPU nor CUDA, so that `cargo build --features cuda` compiles
# and links there, and sets CUDA_PATH, CUDA_COMPUTE_CAP and PATH for it:
#
#     source cuda/toolkit.sh [FOLDER]     # FOLDER is ${XDG_CACHE_HOME:-~/.cache}/trm-arc/cuda-13 if not given
#
# It needs bash, python3 with pip, gcc and ar, flock and cargo. The compiler comes from NVIDIA's wheels, once: 270 MB unpacked.
#
# What bites:
# - The kernels are compiled for compute capability 8.0 as PTX: A100, L4, H100, H200 and newer take them. PTX of CUDA 13.0
#   wants a driver of the 580 series or newer.
# - The binary links no CUDA library: cuda/driver_shim.py says where and when it looks for them.
# - An `nvidia-smi` that only knows to answer "8.0" comes first on PATH, because dfdx's build script asks it.
trm_cuda_toolkit() {
  local here folder site root tool missing="" shim
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || return 1
  folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/trm-arc/cuda-13}
  site=$folder/site root=$folder/site/nvidia/cu13
  for tool in python3 gcc ar flock cargo; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  [ -z "$missing" ] || { echo "cuda/toolkit.sh: not found on PATH:$missing" >&2; return 1; }
  [ "$(uname -sm)" = "Linux x86_64" ] || { echo "cuda/toolkit.sh: made for Linux on x86-64, this is $(uname -sm)" >&2; return 1; }
  mkdir -p "$folder/bin" || return 1
  if [ ! -x "$root/bin/nvcc" ]; then
    echo "cuda/toolkit.sh: fetching the CUDA 13.0 compiler into $folder" >&2
    python3 -m pip --version >/dev/null 2>&1 || { echo "cuda/toolkit.sh: python3 has no pip" >&2; return 1; }
    python3 -m pip install -q --no-deps --target "$site" \
      nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
      nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 ||
      { echo "cuda/toolkit.sh: pip could not fetch the compiler; see above" >&2; return 1; }
    chmod +x "$root"/bin/* "$root"/nvvm/bin/* 2>/dev/null
  fi
  # dfdx's build script asks nvidia-smi for the target before it reads CUDA_COMPUTE_CAP
  printf '#!/bin/sh\n# Stands for nvidia-smi in the build of dfdx only.\necho compute_cap\necho 8.0\n' >"$folder/bin/nvidia-smi"
  # it starts one nvcc for each of its 51 kernel files at once; this lets them go one by one and holds their output back
  cat >"$folder/bin/nvcc" <<SCRIPT || return 1
#!/bin/sh
# Written by cuda/toolkit.sh: one nvcc at a time.
said=\$(mktemp -d) || exit 1
flock "$folder/nvcc.lock" "$root/bin/nvcc" "\$@" >"\$said/out" 2>"\$said/err"; status=\$?
cat "\$said/out"; cat "\$said/err" >&2; rm -rf "\$said"; exit \$status
SCRIPT
  chmod +x "$folder"/bin/* || return 1
  mkdir -p "$root/lib64" || return 1 # must be there before cudarc's build script runs
  # Written to a fresh name and moved, so that a build beside this one never links half an archive.
  if [ ! -f "$root/lib64/libnccl.a" ] || [ "$here/driver_shim.py" -nt "$root/lib64/libcuda.a" ]; then
    shim=$(mktemp -d) || return 1
    if python3 "$here/driver_shim.py" "$shim/shim.c" &&
      gcc -O2 -fPIC -Wall -c "$shim/shim.c" -o "$shim/shim.o" && ar rcs "$shim/libcuda.a" "$shim/shim.o" &&
      for tool in nvrtc cublas cublasLt nccl; do ar rcs "$shim/lib$tool.a" || return 1; done; then
      mv -f "$shim"/lib*.a "$root/lib64/" && rm -rf "$shim"
    else
      rm -rf "$shim"
      echo "cuda/toolkit.sh: could not build the shim of the driver; see above" >&2
      return 1
    fi
  fi
  case ":$PATH:" in *":$folder/bin:"*) ;; *) export PATH=$folder/bin:$root/bin:$PATH ;; esac
  export CUDA_PATH=$root CUDA_COMPUTE_CAP=80
}
if [ -z "${BASH_VERSION:-}" ]; then
  echo "cuda/toolkit.sh: to be sourced from bash" >&2
  return 1 2>/dev/null || exit 1
elif [ "${BASH_SOURCE[0]}" = "$0" ]; then
  echo "cuda/toolkit.sh: it sets variables, so it has to be sourced: source cuda/toolkit.sh" >&2
  exit 1
else
  trm_cuda_toolkit "$@"
fi
