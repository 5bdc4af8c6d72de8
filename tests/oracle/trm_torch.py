#!/usr/bin/env python3
"""A PyTorch yardstick for the Tiny Recursive Model (arXiv 2510.04871).

Two uses, both on the CPU or on a CUDA device:

  bench    time one supervision step (forward, or forward + backward) of the model
  oracle   write a safetensors file with random weights, inputs and every output
           (logits, halt logits, loss, gradients) that another implementation must match

The numerics follow the published reference: post-norm blocks without norm weights,
fused qkv and gate/up projections, rotate-half RoPE, stable-max cross entropy, one
halting logit trained with BCE, gradients only through the last of the H cycles. The
switches --nets, --gradient, --latents and --halting turn it into the systems that the
paper compares it with: HRM is separate, one-step, halt-and-continue.

  python3 trm_torch.py bench  --batch 4 --cells 900 --dtype float32 --train
  python3 trm_torch.py oracle --out oracle.safetensors --hidden 64 --heads 2 --cells 36

Needs: torch >= 2.5, safetensors (and torch's SDPA). Shape letters: B batch, P puzzle
tokens, S cells, L = P + S, D hidden, V vocabulary.
"""
import argparse
import json
import math
import os
import time

import torch
import torch.nn.functional as F

IGNORE = -100


def spec(args):
    inter = -(-round(args.expansion * args.hidden * 2 / 3) // 256) * 256
    tokens = args.prefix + args.cells
    inter_t = -(-round(args.expansion * tokens * 2 / 3) // 256) * 256
    return inter, tokens, inter_t


def inits(args):
    """The first states, that of the answer first."""
    names = {
        "two": ["H_init", "L_init"],
        "single": ["L_init"],
        "multi-scale": ["H_init"] + [f"L{i + 1}_init" for i in range(args.l_cycles)],
        "none": ["H_init"],
    }
    return names[args.latents]


def nets(args):
    """The nets, that of the answer last."""
    if args.latents == "none":
        return ["H_level"]
    return ["L_level", "H_level"] if args.nets == "separate" else ["L_level"]


def shapes(args):
    """Tensor name -> shape, with the names published checkpoints use (after their prefix)."""
    inter, tokens, inter_t = spec(args)
    d, v = args.hidden, args.vocab
    out = {name: (d,) for name in inits(args)} | {
        "embed_tokens.embedding_weight": (v, d),
        "lm_head.weight": (v, d),
        "q_head.weight": (2, d),
        "q_head.bias": (2,),
        "puzzle_emb.weights": (args.puzzles, args.puzzle_dim or d),
    }
    for p in [f"{net}.layers.{i}." for net in nets(args) for i in range(args.layers)]:
        if args.mlp_t:
            out[p + "mlp_t.gate_up_proj.weight"] = (2 * inter_t, tokens)
            out[p + "mlp_t.down_proj.weight"] = (tokens, inter_t)
        else:
            out[p + "self_attn.qkv_proj.weight"] = (3 * d, d)
            out[p + "self_attn.o_proj.weight"] = (d, d)
        out[p + "mlp.gate_up_proj.weight"] = (2 * inter, d)
        out[p + "mlp.down_proj.weight"] = (d, inter)
    return out


def random_weights(args, device):
    g = torch.Generator().manual_seed(args.seed)
    w = {}
    for name, shape in shapes(args).items():
        std = 1.0 if name.endswith("_init") else 0.5 if "puzzle" in name else 1 / math.sqrt(shape[-1])
        if name == "q_head.bias":
            std = 0.3
        if ".layers." in name:
            std *= args.block_scale
        w[name] = (torch.randn(shape, generator=g) * std).to(device)
    return w


def norm(x):
    y = x.float()
    return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


def swiglu(x, up, down):
    gate, value = F.linear(x, up.to(x.dtype)).chunk(2, -1)
    return F.linear(F.silu(gate) * value, down.to(x.dtype))


class Trm:
    def __init__(self, args, weights, device, dtype):
        self.a, self.w, self.dtype = args, weights, dtype
        head = args.hidden // args.heads
        freq = args.theta ** (-torch.arange(0, head, 2, dtype=torch.float32) / head)
        angle = torch.outer(torch.arange(spec(args)[1], dtype=torch.float32), freq)
        angle = torch.cat([angle, angle], -1).to(device)
        self.cos, self.sin = angle.cos(), angle.sin()

    def rotate(self, x):  # x [B, heads, L, head]
        half = x.shape[-1] // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return (x.float() * self.cos + turned.float() * self.sin).to(x.dtype)

    def attention(self, x, p):
        b, l, d = x.shape
        qkv = F.linear(x, self.w[p + "qkv_proj.weight"].to(x.dtype))
        q, k, v = qkv.view(b, l, 3, self.a.heads, -1).permute(2, 0, 3, 1, 4)
        if not self.a.no_rope:
            q, k = self.rotate(q), self.rotate(k)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, l, d)
        return F.linear(y, self.w[p + "o_proj.weight"].to(x.dtype))

    def net(self, x, injected=0.0, answer=False):
        x = x + injected
        for i in range(self.a.layers):
            p = f"{nets(self.a)[-1 if answer else 0]}.layers.{i}."
            if self.a.mlp_t:
                t = x.transpose(1, 2)
                up, down = self.w[p + "mlp_t.gate_up_proj.weight"], self.w[p + "mlp_t.down_proj.weight"]
                x = norm(t + swiglu(t, up, down)).transpose(1, 2)
            else:
                x = norm(x + self.attention(x, p + "self_attn."))
            x = norm(x + swiglu(x, self.w[p + "mlp.gate_up_proj.weight"], self.w[p + "mlp.down_proj.weight"]))
        return x

    def embed(self, inputs, rows):
        d, n = self.a.hidden, self.a.prefix
        tokens = F.embedding(inputs.long(), self.w["embed_tokens.embedding_weight"].to(self.dtype))
        prefix = F.pad(rows.to(self.dtype), (0, n * d - rows.shape[-1])).view(-1, n, d)
        return math.sqrt(d) * torch.cat([prefix, tokens], 1)

    def start(self, batch):
        shape = (batch, spec(self.a)[1], self.a.hidden)
        return tuple(self.w[k].to(self.dtype).expand(shape).contiguous() for k in inits(self.a))

    def supervision_step(self, carry, inputs, rows):
        """-> (carry, logits [B,S,V], q [B,2]); carry = (z_H, z_L, ...), each [B,L,D]."""
        x = self.embed(inputs, rows)
        zh, zl = self.recursion(x, carry[0], list(carry[1:]))
        logits = F.linear(zh, self.w["lm_head.weight"].to(zh.dtype))[:, self.a.prefix:]
        q = F.linear(zh[:, 0], self.w["q_head.weight"].to(zh.dtype), self.w["q_head.bias"].to(zh.dtype)).float()
        return (zh.detach(), *(z.detach() for z in zl)), logits, q

    def recursion(self, x, zh, zl):
        n, learns = self.a.l_cycles, torch.is_grad_enabled()
        if self.a.latents == "none":
            return self.net(zh, x), zl
        for cycle in range(self.a.h_cycles):
            last = learns and cycle == self.a.h_cycles - 1
            for i in range(n):
                with torch.set_grad_enabled(last and (self.a.gradient == "full-recursion" or i == n - 1)):
                    if self.a.latents == "single":
                        zh = self.net(zh, x)
                    elif self.a.latents == "multi-scale":
                        zl[i] = self.net(sum(zl), zh + x)
                    else:
                        zl[0] = self.net(zl[0], zh + x)
            with torch.set_grad_enabled(last):
                zh = self.net(zh) if self.a.latents == "single" else self.net(zh, sum(zl), answer=True)
        return zh, zl

    def continue_target(self, carry, inputs, rows, last):
        """What the second logit of the halting head learns, [B]; last [B] marks the last steps."""
        with torch.no_grad():
            q = self.supervision_step(carry, inputs, rows)[2]
            return torch.sigmoid(torch.where(last, q[:, 0], torch.maximum(q[:, 0], q[:, 1])))


def loss_parts(logits, q, labels):
    """Sums over the batch: stable-max cross entropy (mean per example) and halting BCE."""
    known = labels != IGNORE
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x), x + 1)
    logp = (s / s.sum(-1, keepdim=True)).log()
    picked = logp.gather(-1, labels.clamp_min(0).long().unsqueeze(-1)).squeeze(-1)
    count = known.sum(-1).clamp_min(1)
    lm = (-(picked * known).sum(-1) / count).sum()
    solved = ((logits.argmax(-1) == labels) & known).sum(-1) == known.sum(-1)
    halt = F.binary_cross_entropy_with_logits(q, solved.float(), reduction="sum")
    return lm, halt


def make(args):
    device = torch.device(args.device)
    dtype = getattr(torch, args.dtype)
    w = random_weights(args, device)
    g = torch.Generator().manual_seed(args.seed + 1)
    inputs = torch.randint(0, args.vocab, (args.batch, args.cells), generator=g, dtype=torch.int32).to(device)
    labels = torch.randint(0, args.vocab, (args.batch, args.cells), generator=g).to(device)
    labels[torch.rand(labels.shape, generator=g).to(device) < 0.3] = IGNORE
    ids = torch.randint(0, args.puzzles, (args.batch,), generator=g, dtype=torch.int32).to(device)
    return Trm(args, w, device, dtype), w, inputs, labels, ids


def bench(args):
    if args.threads:
        torch.set_num_threads(args.threads)
    model, w, inputs, labels, ids = make(args)
    leaves = [t.requires_grad_(args.train) for k, t in w.items() if "puzzle" not in k]
    rows = w["puzzle_emb.weights"][ids.long()].detach().requires_grad_(args.train)
    step = torch.compile(model.supervision_step) if args.compile else model.supervision_step
    times, carry = [], model.start(args.batch)
    sync = torch.cuda.synchronize if args.device.startswith("cuda") else (lambda: None)
    for _ in range(args.runs + 1):
        sync()
        t = time.perf_counter()
        with torch.set_grad_enabled(args.train):
            carry, logits, q = step(carry, inputs, rows)
            if args.train:
                sum(loss_parts(logits, q[:, 0], labels)).backward()
                for p in [*leaves, rows]:
                    p.grad = None
        sync()
        times.append(time.perf_counter() - t)
    best = min(times[1:])
    print(json.dumps({
        "peer": f"torch {torch.__version__}", "threads": torch.get_num_threads(), "device": args.device,
        "dtype": args.dtype, "compile": args.compile, "train": args.train, "batch": args.batch,
        "cells": args.cells, "hidden": args.hidden, "mlp_t": args.mlp_t, "h_cycles": args.h_cycles,
        "l_cycles": args.l_cycles, "ms_per_example": round(best / args.batch * 1e3, 2),
    }))


def variant(args):
    """The switches that do not stand as in the paper."""
    paper = dict(nets="shared", gradient="full-recursion", latents="two", halting="halt")
    return {k: getattr(args, k) for k in paper if getattr(args, k) != paper[k]}


def oracle(args):
    from safetensors.torch import save_file
    model, w, inputs, labels, ids = make(args)
    out = {f"weights.{k}": t.detach().clone() for k, t in w.items()}
    out |= {"inputs": inputs, "labels": labels.to(torch.int32), "puzzle_ids": ids}
    carry = model.start(args.batch)
    with torch.no_grad():
        rows = w["puzzle_emb.weights"][ids.long()]
        for i in range(args.steps):
            carry, logits, q = model.supervision_step(carry, inputs, rows)
            out |= {f"step{i + 1}.logits": logits.contiguous(), f"step{i + 1}.q_halt": q[:, 0].contiguous()}
            if variant(args):
                out[f"step{i + 1}.q_continue"] = q[:, 1].contiguous()
    leaves = {k: t.requires_grad_() for k, t in w.items() if "puzzle" not in k and not k.endswith("_init")}
    rows = w["puzzle_emb.weights"][ids.long()].detach().requires_grad_()
    carry, logits, q = model.supervision_step(model.start(args.batch), inputs, rows)
    lm, halt = loss_parts(logits, q[:, 0], labels)
    if args.halting == "halt-and-continue":
        last = torch.arange(args.batch) % 2 == 1
        target = model.continue_target(carry, inputs, rows, last)
        halt = halt + F.binary_cross_entropy_with_logits(q[:, 1], target, reduction="sum")
        out["lasts"] = last.to(torch.int32)
    ((lm + 0.5 * halt) / args.batch).backward()
    out |= {"loss.lm": lm.detach().reshape(1), "loss.halt": halt.detach().reshape(1).double()}
    out |= {f"grad.{k}": (torch.zeros_like(t) if t.grad is None else t.grad) for k, t in leaves.items()}
    out["grad.puzzle_rows"] = rows.grad
    keep = ("vocab hidden heads expansion layers h_cycles l_cycles theta prefix cells puzzle_dim "
            "puzzles mlp_t no_rope batch steps seed").split()
    meta = {k: json.dumps(getattr(args, k)) for k in keep} | variant(args)
    save_file({k: t.contiguous() for k, t in out.items()}, args.out, metadata=meta)
    print(f"{args.out}: {len(out)} tensors")
    if args.checkpoint:
        checkpoint(args, {k.removeprefix("weights."): t for k, t in out.items() if k.startswith("weights.")})


def checkpoint(args, weights):
    """The same weights as the published code of HRM saves them, after its step 7."""
    os.makedirs(args.checkpoint, exist_ok=True)
    state = {"_orig_mod.model.inner." + k: t for k, t in weights.items()}
    torch.save(state, os.path.join(args.checkpoint, "step_7"))
    arch = dict(name="hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1", H_cycles=args.h_cycles, L_cycles=args.l_cycles,
                H_layers=args.layers, L_layers=args.layers, hidden_size=args.hidden, num_heads=args.heads,
                expansion=args.expansion, puzzle_emb_ndim=args.puzzle_dim, pos_encodings="rope",
                halt_max_steps=args.steps, halt_exploration_prob=0.1)
    with open(os.path.join(args.checkpoint, "all_config.yaml"), "w") as file:
        file.write("arch:\n" + "".join(f"  {k}: {v}\n" for k, v in arch.items()) + "global_batch_size: 3\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["bench", "oracle"])
    for name, value in dict(batch=4, cells=900, vocab=12, hidden=512, heads=8, layers=2, h_cycles=3, l_cycles=4,
                            prefix=16, puzzle_dim=0, puzzles=100, runs=3, steps=3, seed=0, threads=0).items():
        p.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    p.add_argument("--expansion", type=float, default=4.0)
    p.add_argument("--theta", type=float, default=10000.0)
    p.add_argument("--block-scale", type=float, default=1.0, help="random token-MLP weights are chaotic at 1.0; 0.6 tames them")
    p.add_argument("--nets", default="shared", choices=["shared", "separate"])
    p.add_argument("--gradient", default="full-recursion", choices=["full-recursion", "one-step"])
    p.add_argument("--latents", default="two", choices=["two", "single", "multi-scale", "none"])
    p.add_argument("--halting", default="halt", choices=["halt", "halt-and-continue"])
    p.add_argument("--dtype", default="float32", help="float32 or bfloat16")
    p.add_argument("--device", default="cpu")
    p.add_argument("--checkpoint", help="of an HRM: also write it here as the published code saves it")
    p.add_argument("--out", default="oracle.safetensors")
    for flag in ("train", "compile", "mlp-t", "no-rope"):
        p.add_argument("--" + flag, action="store_true")
    args = p.parse_args()
    (bench if args.what == "bench" else oracle)(args)


if __name__ == "__main__":
    main()
