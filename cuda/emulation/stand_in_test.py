#!/usr/bin/env python3
"""Checks the stand-in libraries through the calls that a program makes: memory, modules, launches, products.

    cuda/emulation/build.sh FOLDER && python3 cuda/emulation/stand_in_test.py FOLDER

Python's own modules are enough. What bites: misuse that ends the process (a kernel that runs over the end of an
allocation) is tried in a child.
"""
import ctypes
import itertools
import math
import os
import random
import struct
import subprocess
import sys
import unittest

FOLDER = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else sys.exit(__doc__)
POINTER = ctypes.c_ulonglong
FILL = b".visible .entry fill_with_f32(\n.param .u64 fill_with_f32_param_0,\n.param .%s fill_with_f32_param_1,\n.param .u64 fill_with_f32_param_2\n)\n.maxntid 32, 4, 1\n{"


class Device:
    def __init__(self):
        self.driver = ctypes.CDLL(os.path.join(FOLDER, "libcuda.so.1"))
        assert self.driver.cuInit(0) == 0

    def allocate(self, bytes_):
        at = POINTER()
        assert self.driver.cuMemAllocAsync(ctypes.byref(at), ctypes.c_size_t(bytes_), None) == 0
        return at

    def put(self, data):
        at = self.allocate(len(data))
        assert self.driver.cuMemcpyHtoD_v2(at, data, ctypes.c_size_t(len(data))) == 0
        return at

    def get(self, at, bytes_):
        data = ctypes.create_string_buffer(bytes_)
        assert self.driver.cuMemcpyDtoH_v2(data, at, ctypes.c_size_t(bytes_)) == 0
        return data.raw

    def function(self, ptx, name):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        status = self.driver.cuModuleLoadData(ctypes.byref(module), ptx)
        status = status or self.driver.cuModuleGetFunction(ctypes.byref(function), module, name)
        return status, function

    def fill(self, at, value, count, block=32, shared=0):
        status, function = self.function(FILL % b"f32", b"fill_with_f32")
        assert status == 0, status
        values = [at, ctypes.c_float(value), ctypes.c_size_t(count)]
        parameters = (ctypes.c_void_p * 3)(*(ctypes.cast(ctypes.byref(v), ctypes.c_void_p) for v in values))
        return self.driver.cuLaunchKernel(function, 2, 1, 1, block, 1, 1, shared, None, parameters, None)


def bfloat16(x):
    """The nearest bfloat16's bits, ties to even."""
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return bits + 0x7FFF + (bits >> 16 & 1) >> 16


def floats(bits):
    return [struct.unpack("<f", struct.pack("<I", b << 16))[0] for b in bits]


class StandIn(unittest.TestCase):
    device = Device()

    def test_fresh_memory_is_nan(self):
        at = self.device.allocate(40)
        self.assertTrue(all(math.isnan(x) for x in struct.unpack("<10f", self.device.get(at, 40))))

    def test_a_kernel_writes_what_it_should(self):
        at = self.device.allocate(400)
        self.assertEqual(self.device.fill(at, 2.5, 100), 0)
        self.assertEqual(struct.unpack("<100f", self.device.get(at, 400)), (2.5,) * 100)

    def test_freeing_twice_is_an_error(self):
        at = self.device.allocate(16)
        self.assertEqual(self.device.driver.cuMemFree_v2(at), 0)
        self.assertEqual(self.device.driver.cuMemFree_v2(at), 1)

    def test_copies_stay_inside_an_allocation(self):
        at = self.device.allocate(16)
        self.assertEqual(self.device.driver.cuMemcpyHtoD_v2(at, b"x" * 17, ctypes.c_size_t(17)), 1)
        self.assertEqual(self.device.driver.cuMemsetD8_v2(at, 0, ctypes.c_size_t(17)), 1)

    def test_more_memory_than_there_is(self):
        at = POINTER()
        self.assertEqual(self.device.driver.cuMemAlloc_v2(ctypes.byref(at), ctypes.c_size_t(3 << 30)), 2)

    def test_unknown_kernels_and_other_signatures_are_refused(self):
        self.assertEqual(self.device.function(b".visible .entry nobody(\n)\n", b"nobody")[0], 500)
        self.assertEqual(self.device.function(FILL % b"f32", b"fill_with_f64")[0], 500)
        self.assertEqual(self.device.function(FILL % b"f64", b"fill_with_f32")[0], 500)
        self.assertEqual(self.device.function(b"no PTX", b"fill_with_f32")[0], 200)

    def test_launches_beyond_the_limits_are_refused(self):
        at = self.device.allocate(400)
        self.assertEqual(self.device.fill(at, 0, 100, block=2048), 1)
        self.assertEqual(self.device.fill(at, 0, 100, block=256), 1)  # beyond __launch_bounds__
        self.assertEqual(self.device.fill(at, 0, 100, shared=64 << 10), 1)

    def test_a_host_pointer_is_no_parameter(self):
        host = ctypes.create_string_buffer(400)
        self.assertEqual(self.device.fill(POINTER(ctypes.addressof(host)), 0, 100), 1)

    def test_a_kernel_that_runs_over_the_end_is_stopped_by_name(self):
        child = subprocess.run([sys.executable, __file__, FOLDER, "overrun"], capture_output=True, text=True)
        self.assertLess(child.returncode, 0)
        self.assertIn("fill_with_f32: thread (4,0,0) of block (0,0,0) touched", child.stderr)
        self.assertIn("past the end of an allocation of 16 bytes", child.stderr)

    def test_products_in_every_transposition_and_type(self):
        blas, handle = ctypes.CDLL(os.path.join(FOLDER, "libcublas.so.13")), ctypes.c_void_p()
        self.assertEqual(blas.cublasCreate_v2(ctypes.byref(handle)), 0)
        m, n, k, batches = 19, 6, 7, 2
        chance = random.Random(1)
        for ta, tb, half_in, half_out in itertools.product((0, 1), (0, 1), (False, True), (False, True)):
            if half_out and not half_in:
                continue
            lda, ldb, ldc = (k if ta else m) + 1, (n if tb else k) + 2, m + 3
            a_step, b_step, c_step = lda * (m if ta else k), ldb * (k if tb else n), ldc * n
            made = [[bfloat16(chance.uniform(-1, 1)) for _ in range(batches * step)] for step in (a_step, b_step)]
            a, b = map(floats, made)
            data = [struct.pack(f"<{len(x)}H", *x) if half_in else struct.pack(f"<{len(x)}f", *floats(x)) for x in made]
            size = 2 if half_out else 4
            c = self.device.allocate(batches * c_step * size)  # NaN: beta = 0 must not read it
            for beta in (0.0, 0.5):
                before = self.device.get(c, batches * c_step * size)
                status = blas.cublasGemmStridedBatchedEx(
                    handle, ta, tb, m, n, k, ctypes.byref(ctypes.c_float(2)), self.device.put(data[0]), 14 if half_in else 0, lda,
                    ctypes.c_longlong(a_step), self.device.put(data[1]), 14 if half_in else 0, ldb, ctypes.c_longlong(b_step),
                    ctypes.byref(ctypes.c_float(beta)), c, 14 if half_out else 0, ldc, ctypes.c_longlong(c_step), batches, 68, -1)
                self.assertEqual(status, 0)

                def numbers(raw):
                    if half_out:
                        return floats(struct.unpack(f"<{batches * c_step}H", raw))
                    return struct.unpack(f"<{batches * c_step}f", raw)

                old, new = numbers(before), numbers(self.device.get(c, batches * c_step * size))
                for s, i, j in itertools.product(range(batches), range(m), range(n)):
                    want = 2 * sum(a[s * a_step + (i * lda + p if ta else p * lda + i)] *
                                   b[s * b_step + (p * ldb + j if tb else j * ldb + p)] for p in range(k))
                    at = s * c_step + j * ldc + i
                    want += beta * old[at] if beta else 0
                    self.assertLess(abs(new[at] - want), 0.02 if half_out else 1e-5)

    def test_a_leading_dimension_that_is_too_small_is_refused(self):
        blas, handle = ctypes.CDLL(os.path.join(FOLDER, "libcublas.so.13")), ctypes.c_void_p()
        blas.cublasCreate_v2(ctypes.byref(handle))
        one, x = ctypes.byref(ctypes.c_float(1)), self.device.allocate(64)
        self.assertEqual(blas.cublasSgemm_v2(handle, 0, 0, 4, 4, 4, one, x, 3, x, 4, one, x, 4), 7)


if __name__ == "__main__":
    if sys.argv[1:] == ["overrun"]:
        StandIn.device.fill(StandIn.device.allocate(16), 1.0, 5)
        sys.exit("the kernel was not stopped")
    unittest.main()
