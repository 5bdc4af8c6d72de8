// Stands for CUDA's cuda_runtime.h in the host emulation, where everything is in cuda_host.h.
#pragma once
#include "cuda_host.h"
