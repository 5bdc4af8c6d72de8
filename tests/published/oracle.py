"""Makes the fixtures in this folder by running the published Tiny Recursive Model code on the CPU.

    python tests/published/oracle.py --code DIR [--tasks tasks/arc-agi-1] [--out tests/published] [--data DIR] [--check]

DIR is a checkout of github.com/SamsungSAILMontreal/TinyRecursiveModels (made with commit
e7b68717f0a6c4cbb4ce6fbef787b14f42083bd9). Needed: torch, safetensors, numpy, numba, pydantic, argdantic,
pyyaml, omegaconf, einops. Modules the published trainer imports but an evaluation never calls (wandb, hydra,
coolname, tqdm, adam_atan2) are replaced by empty stand-ins. Everything that yields a number, an identifier,
a vote or a score is the published code: its dataset builder, dataset reader, model, loss head, evaluate() and
ARC evaluator. Only weights, task choice and the broken files are made here. No published line is copied.

Every random number comes from numpy PCG64 generators seeded by name, so a second run on one machine gives the
same bytes (a minute and a half on two cores). --check also repeats the runs in float64 and reports how far float
noise is from a vote (some five minutes more).

What is written (all paths under --out):
  tiny/arc-agi_{alpha,beta}_{challenges,solutions}.json   3 training and 4 evaluation tasks, "test" before "train",
                                   all from ARC-AGI-1's training tasks (F. Chollet, Apache-2.0; see tasks/)
  identifiers.json                 builder's list; subsets alpha beta, test set beta, num_aug 8, seed 42
  attention/step_123 + all_config.yaml          float32, tensors tagged cuda:0 as a run on a GPU saves them
  attention-float16/, attention-bfloat16/       the same weights, rounded; tagged cpu
  token-mlp/                       MLP-mixer kind at seq_len 36 (the published width of 900 makes 55 MB)
  numbers.safetensors              inputs and what the model answers at each halting step (see `numbers`)
  submission.json, evaluation.json what evaluate() saved and returned over the whole test split
  candidates.json                  the ranked candidates behind the submission
  quick/                           the same three files, and the all_config.yaml, for attention/step_123 run with
                                   halt_max_steps 4: a quarter of the work
  broken/<case>/                   checkpoints a reader must refuse (see `broken`); broken/good is their sound sibling
"""
import argparse
import contextlib
import hashlib
import io
import json
import os
import pickle
import pickletools
import shutil
import sys
import tempfile
import types
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import yaml
from omegaconf import OmegaConf
from safetensors.torch import save_file

ALPHA = ["44f52bb0", "5582e5ca", "8be77c9e"]
BETA = ["239be575", "662c240a", "6f8cd79b", "b1948b0a"]
EXAMPLES = [0, 10, 20, 30, 40]  # rows of the test split whose logits are kept
CELLS = slice(0, None, 7)       # cells whose logits are kept for the attention kind
BATCH = 16                      # 45 test rows: the last batch is padded, as in a real run

ATTENTION = dict(hidden_size=32, num_heads=2, H_cycles=3, L_cycles=2, L_layers=2, expansion=4, puzzle_emb_ndim=32,
                 puzzle_emb_len=2, pos_encodings="rope", mlp_t=False, halt_max_steps=16, no_ACT_continue=True,
                 forward_dtype="float32")
TOKEN_MLP = {**ATTENTION, "H_cycles": 2, "puzzle_emb_len": 1, "pos_encodings": "none", "mlp_t": True}
SMALL = {**ATTENTION, "hidden_size": 8, "puzzle_emb_ndim": 8}

STAND_INS = ["tqdm", "wandb", "coolname", "hydra", "adam_atan2"]

BLOCK_SCALE = 0.6
# HEAD_SEED was sought for varied votes (ties, repeats, an empty board, some right answers) far from float noise.
HEAD_SEED, HEAD_COPY, HEAD_NOISE, Q_SCALE = 3211, 1.0, 0.8, 0.5


# ---- the published code -------------------------------------------------------------------------------------

class OnCpu:
    """Stands in for `torch` inside the published trainer: "cuda" means the CPU there."""

    def __getattr__(self, name):
        return getattr(torch, name)

    def device(self, _name):
        return torch.device("cpu")

    def zeros(self, *size, device=None, **rest):
        return torch.zeros(*size, **rest)


def published(code):
    """Imports the published modules from a checkout; returns them as one namespace."""
    sys.path.insert(0, str(code))
    for name in STAND_INS:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["hydra"].main = lambda **_: lambda function: function
    sys.modules["adam_atan2"].AdamATan2 = None
    import pretrain
    import puzzle_dataset
    from dataset import build_arc_dataset
    from evaluators import arc
    from models import layers, losses
    from models.recursive_reasoning import trm
    for name in STAND_INS:
        del sys.modules[name]
    pretrain.torch = OnCpu()
    torch.Tensor.cuda = lambda tensor, *_, **__: tensor
    return types.SimpleNamespace(pretrain=pretrain, dataset=puzzle_dataset, build=build_arc_dataset, arc=arc,
                                 losses=losses, trm=trm, layers=layers)


def configuration(ours, code, arch, ema=True):
    """The published defaults with this architecture, validated by the published class."""
    config = OmegaConf.load(code / "config/cfg_pretrain.yaml")
    for key in ["defaults", "hydra"]:
        config.pop(key)
    config.arch = OmegaConf.load(code / "config/arch/trm.yaml")
    config = OmegaConf.to_container(config, resolve=True)
    config["arch"].update(arch)
    config.update(data_paths=["data/tiny"], global_batch_size=BATCH, ema=ema, project_name="Tiny",
                  run_name="tiny", checkpoint_path="checkpoints/tiny")
    return ours.pretrain.PretrainConfig(**config)


def wrapped_model(ours, config, seq_len, identifiers, dtype="float32"):
    arch = {**config.arch.__pydantic_extra__, "forward_dtype": dtype}
    model = ours.trm.TinyRecursiveReasoningModel_ACTV1(dict(
        **arch, batch_size=config.global_batch_size, vocab_size=12, seq_len=seq_len,
        num_puzzle_identifiers=identifiers, causal=False))
    return ours.losses.ACTLossHead(model, **config.arch.loss.__pydantic_extra__).eval()


# ---- weights ------------------------------------------------------------------------------------------------

def generator(*names):
    seed = hashlib.sha256("/".join(map(str, names)).encode()).digest()[:8]
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "little")))


def normal(shape, std, *names):
    """Normal numbers cut at two deviations (reflected into the range by clipping), as float32."""
    values = generator(*names).standard_normal(shape).clip(-2, 2) * std
    return torch.from_numpy(values.astype(np.float32))


def weights(kind, shapes, head_seed=HEAD_SEED, copy=HEAD_COPY, noise=HEAD_NOISE):
    made = {}
    for name, shape in shapes.items():
        width = shape[-1]
        short = name.split("inner.")[1]
        if short.startswith("L_level"):
            std = BLOCK_SCALE / width ** 0.5
        elif short in ("H_init", "L_init"):
            std = 1.0
        elif short == "puzzle_emb.weights":
            std = 0.7
        elif short == "q_head.bias":
            std = 0.2
        elif short == "q_head.weight":
            std = Q_SCALE
        else:
            std = 1 / width ** 0.5
        made[name] = normal(shape, std, kind, short)
    embed = made["model.inner.embed_tokens.embedding_weight"]
    made["model.inner.lm_head.weight"] = head(kind, embed, head_seed, copy, noise)
    return made


def head(kind, embed, seed, copy, noise):
    """Answer head: mostly the embedding, so that a model tends to repeat its input, and some noise."""
    return copy * embed + normal(embed.shape, noise / embed.shape[1] ** 0.5, kind, "head", seed)


def fill(model, values):
    state = model.state_dict()
    assert set(state) == set(values), set(state) ^ set(values)
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(values[name])


# ---- writing checkpoints ------------------------------------------------------------------------------------

def state_as_saved(model):
    """What the trainer hands to torch.save: the compiled wrapper's state, names prefixed _orig_mod."""
    return torch.compile(model).state_dict()


@contextlib.contextmanager
def tagged(location):
    """torch.save notes where a tensor lived; published files say cuda:0."""
    original = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: location
    try:
        yield
    finally:
        torch.serialization.location_tag = original


def save(state, path, location="cuda:0", **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tagged(location):
        torch.save(state, path, **how)


def cast(state, dtype):
    out = OrderedDict((name, tensor.to(dtype)) for name, tensor in state.items())
    out._metadata = state._metadata
    return out


def write_config(config, folder, drop=None):
    folder.mkdir(parents=True, exist_ok=True)
    fields = config.model_dump()
    if drop:
        del fields["arch"][drop]
    with open(folder / "all_config.yaml", "wt") as file:
        yaml.dump(fields, file)


def save_legacy(state, path):
    """The format before zip files. It names and orders storages by their addresses; here by their rank instead."""
    save(state, path, _use_new_zipfile_serialization=False)
    stream = io.BytesIO(path.read_bytes())
    for _ in range(4):  # magic, protocol, machine, tensors: each ends with its own STOP
        for _ in pickletools.genops(stream):
            pass
    head = stream.getvalue()[:stream.tell()]
    records = {}
    for key in pickle.load(stream):  # a list of names, written above
        size = stream.read(8)
        records[key.encode()] = size + stream.read(4 * int.from_bytes(size, "little"))
    assert not stream.read()
    ranked = {key: f"{rank:0{len(key)}}" for rank, key in enumerate(sorted(records, key=head.index))}
    for key, name in ranked.items():
        head = head.replace(key, name.encode())
    names = pickle.dumps(list(ranked.values()), protocol=2)
    path.write_bytes(head + names + b"".join(records[key] for key in ranked))


class RunsACommand:
    """Unpickled by a careless reader, this would call os.system; the command only prints a word."""

    def __reduce__(self):
        return os.system, ("echo harmless",)


def broken(ours, code, out, identifiers):
    """Each case is a folder with step_1 and all_config.yaml, sound but for the one named fault."""
    config = configuration(ours, code, SMALL)
    model = wrapped_model(ours, config, 900, identifiers)
    fill(model, weights("small", {name: tuple(t.shape) for name, t in model.state_dict().items()}))
    good = state_as_saved(model)
    inner = "_orig_mod.model.inner."

    def changed(**entries):
        out = OrderedDict(good)
        out._metadata = good._metadata
        for name, tensor in entries.items():
            if tensor is None:
                del out[inner + name]
            else:
                out[inner + name] = tensor
        return out

    def at(name):
        write_config(config, out / name)
        return out / name / "step_1"

    save(good, at("good"))
    whole = (out / "good/step_1").read_bytes()
    at("truncated").write_bytes(whole[:20_000])
    few = OrderedDict((inner + name, good[inner + name]) for name in ["H_init", "L_init", "q_head.bias"])
    save(OrderedDict([*few.items(), (inner + "lm_head.weight", RunsACommand())]), at("foreign-global"))
    save(changed(**{"q_head.weight": good[inner + "q_head.weight"][:, :7].clone()}), at("other-shape"))
    spoilt = good[inner + "L_level.layers.1.mlp.down_proj.weight"].clone()
    spoilt[3, 100] = float("nan")
    save(changed(**{"L_level.layers.1.mlp.down_proj.weight": spoilt}), at("not-a-number"))
    save(changed(**{"puzzle_emb.weights": good[inner + "puzzle_emb.weights"][:identifiers - 1].clone()}),
         at("short-table"))
    save(changed(**{"L_level.layers.0.self_attn.o_proj.weight": None}), at("missing-tensor"))
    save_legacy(good, at("legacy"))
    save(good, at("no-l-cycles"))
    write_config(config, out / "no-l-cycles", drop="L_cycles")


# ---- data ---------------------------------------------------------------------------------------------------

def tiny_tasks(source, out):
    out.mkdir(parents=True, exist_ok=True)
    challenges = json.loads((source / "training_challenges.json").read_text())
    solutions = json.loads((source / "training_solutions.json").read_text())
    for subset, names in [("alpha", ALPHA), ("beta", BETA)]:
        picked = {name: {part: challenges[name][part] for part in ["test", "train"]} for name in names}
        assert all(set(pair) == {"input"} for task in picked.values() for pair in task["test"])
        for what, content in [("challenges", picked), ("solutions", {name: solutions[name] for name in names})]:
            (out / f"arc-agi_{subset}_{what}.json").write_text(json.dumps(content) + "\n")


def build(ours, tiny, data):
    shutil.rmtree(data, ignore_errors=True)
    ours.build.convert_dataset(ours.build.DataProcessConfig(
        input_file_prefix=str(tiny / "arc-agi"), output_dir=str(data), subsets=["alpha", "beta"],
        test_set_name="beta", num_aug=8, seed=42))


def loader(ours, data):
    return ours.dataset.PuzzleDataset(ours.dataset.PuzzleDatasetConfig(
        seed=0, dataset_paths=[str(data)], global_batch_size=BATCH, test_set_mode=True, epochs_per_iter=1,
        rank=0, num_replicas=1), split="test")


# ---- running ------------------------------------------------------------------------------------------------

def run(model, batch, limit=None):
    """Every halting step of one batch, the way evaluate() walks it: [steps, B, S, V] and [steps, B]."""
    logits, halts = [], []
    with torch.inference_mode():
        carry = model.initial_carry(batch)
        while True:
            carry, _, _, seen, done = model(carry=carry, batch=batch, return_keys={"logits", "q_halt_logits"})
            logits.append(seen["logits"])
            halts.append(seen["q_halt_logits"])
            if done or len(logits) == limit:
                return torch.stack(logits), torch.stack(halts)


def double(ours, config, seq_len, identifiers, values):
    """The same model in float64; the published norm always computes in float32, so it is replaced for this."""
    ours.trm.rms_norm = lambda x, variance_epsilon: x * (x.square().mean(-1, keepdim=True) + variance_epsilon).rsqrt()
    model = wrapped_model(ours, config, seq_len, identifiers, "float64").double()
    fill(model, values)
    return model


def evaluate(ours, config, model, data, out, quiet=True):
    """The published evaluate(); the submission, its return value and the votes behind it go to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    reader = loader(ours, data)
    judge = ours.arc.ARC(data_path=str(data), eval_metadata=reader.metadata)
    seen = []  # (variant, input hash, board hash, sigmoid of q) in order of arrival
    state = types.SimpleNamespace(model=model, step=123)
    with tempfile.TemporaryDirectory() as folder:
        config = config.model_copy(update={"checkpoint_path": folder})
        with contextlib.redirect_stdout(io.StringIO() if quiet else sys.stdout):
            scores = ours.pretrain.evaluate(config, state, reader, reader.metadata, [judge], 0, 1, None)
        submission = json.loads((Path(folder) / "evaluator_ARC_step_123/submission.json").read_text())
    ranked = {}
    for name, puzzle in judge.test_puzzles.items():
        ranked[name] = []
        for pair, answer in zip(puzzle["test"], submission[name]):
            votes = {}
            board = ours.build.grid_hash(ours.build.arc_grid_to_np(pair["input"]))
            for found, q in judge._local_preds[name][board]:
                votes.setdefault(found, []).append(q)
            order = sorted(votes, key=lambda found: [len(votes[found]), sum(votes[found]) / len(votes[found])],
                           reverse=True)
            ranked[name].append([dict(votes=len(votes[found]), mean_q=sum(votes[found]) / len(votes[found]),
                                      right=judge._local_hmap[found].tolist() == pair["output"],
                                      grid=judge._local_hmap[found].tolist()) for found in order])
            padded = (order + order[:1])[:2] if len(order) == 1 else order[:2]
            assert [answer["attempt_1"], answer["attempt_2"]] == [judge._local_hmap[h].tolist() for h in padded]
    plain = json.loads(json.dumps(scores, default=float))
    (out / "submission.json").write_text(json.dumps(submission) + "\n")
    (out / "evaluation.json").write_text(json.dumps(plain, indent=1) + "\n")
    lines = [f" {json.dumps(name)}: [\n" + ",\n".join(
        "  [\n" + ",\n".join("   " + json.dumps(one) for one in each) + "\n  ]" for each in tests) + "\n ]"
        for name, tests in ranked.items()]
    (out / "candidates.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return submission, plain, ranked


def split(data):
    """The test split as tensors, unbatched: inputs [N, 900], labels [N, 900], puzzle ids [N]."""
    folder = data / "test"
    inputs, labels = (torch.from_numpy(np.load(folder / f"all__{k}.npy").astype(np.int32))
                      for k in ["inputs", "labels"])
    starts = np.load(folder / "all__puzzle_indices.npy")
    ids = np.repeat(np.load(folder / "all__puzzle_identifiers.npy"), np.diff(starts)).astype(np.int32)
    return dict(inputs=inputs, labels=torch.where(labels == 0, -100, labels), puzzle_identifiers=torch.from_numpy(ids))


def mlp_batch():
    draw = generator("token-mlp", "inputs")
    inputs = torch.from_numpy(draw.integers(0, 12, (5, 36)).astype(np.int32))
    labels = torch.from_numpy(draw.integers(1, 12, (5, 36)).astype(np.int32))
    return dict(inputs=inputs, labels=labels, puzzle_identifiers=torch.tensor([0, 1, 3, 5, 5], dtype=torch.int32))


def numbers(ours, attention, mlp, rounded, data):
    """Tensors of numbers.safetensors; T halting steps, B examples.

    attention.inputs [5,900] i32, .puzzle_ids [5] i32: rows EXAMPLES of the test split
    attention.logits [16,5,129,12]: cells 0, 7, 14 .. 896 only; attention.q_halt [16,5]: logit, not sigmoid
    attention.preds [16,5,900] u8: argmax at every cell (first of equals)
    attention-float16.logits, attention-bfloat16.logits [1,5,129,12], .q_halt [1,5]: first halting step, weights
        rounded to that type, arithmetic in float32
    token-mlp.inputs [5,36] i32, .puzzle_ids [5] i32, .logits [16,5,36,12], .q_halt [16,5]
    """
    batch = {name: tensor[EXAMPLES] for name, tensor in split(data).items()}
    logits, halts = run(attention, batch)
    out = {"attention.inputs": batch["inputs"], "attention.puzzle_ids": batch["puzzle_identifiers"],
           "attention.logits": logits[:, :, CELLS], "attention.q_halt": halts,
           "attention.preds": logits.argmax(-1).to(torch.uint8)}
    for name, model in rounded.items():
        logits, halts = run(model, batch, limit=1)
        out |= {f"{name}.logits": logits[:, :, CELLS], f"{name}.q_halt": halts}
    batch = mlp_batch()
    logits, halts = run(mlp, batch)
    out |= {"token-mlp.inputs": batch["inputs"], "token-mlp.puzzle_ids": batch["puzzle_identifiers"],
            "token-mlp.logits": logits, "token-mlp.q_halt": halts}
    return {name: tensor.contiguous() for name, tensor in out.items()}


def noise(ours, config, model, values, batch, seq_len, identifiers, where):
    """How far float noise is from changing an answer: compares with float64 at every halting step.

    "Cells that matter" (ARC only) are those in the board the evaluator cuts out, and three rows and columns more.
    """
    logits, halts = run(model, batch)
    exact, exact_halts = run(double(ours, config, seq_len, identifiers, values), batch)
    ours.trm.rms_norm = ours.layers.rms_norm
    print(where, "largest |float32 - float64| of logits by step:",
          " ".join(f"{x:.1e}" for x in (logits - exact).abs().amax((1, 2, 3)).tolist()))
    print(where, "of q_halt:", " ".join(f"{x:.1e}" for x in (halts - exact_halts).abs().amax(1).tolist()))
    for step in sorted({3, len(logits) - 1}):
        best = exact[step].topk(2, -1)
        gap = best.values[..., 0] - best.values[..., 1]
        chosen = best.indices[..., 0].contiguous().numpy()
        differ = (logits[step].argmax(-1).numpy() != chosen).sum()
        print(where, f"step {step + 1}: smallest gap between the two best logits {gap.min():.2e},",
              f"cells under 1e-3: {(gap < 1e-3).sum()} of {gap.numel()}, cells that differ: {differ},",
              f"mean |logit| {exact[step].abs().mean():.2f}, q_halt {halts[step].min():.3f}..{halts[step].max():.3f}")
        if seq_len == 900:
            near = min(gap[i].view(30, 30)[:rows + 3, :columns + 3].min().item() for i, (rows, columns) in
                       enumerate(ours.arc._crop(board).shape for board in chosen))
            print(where, f"step {step + 1}: smallest gap over cells that matter {near:.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = Path(__file__).resolve().parent
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--tasks", type=Path, default=here.parent.parent / "tasks/arc-agi-1")
    parser.add_argument("--out", type=Path, default=here)
    parser.add_argument("--data", type=Path, help="where to leave the built dataset (default: nowhere)")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(2)
    code, out = args.code.resolve(), args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryDirectory()
    data = (args.data or Path(scratch.name) / "data").resolve()

    ours = published(code)
    torch.distributed.init_process_group("gloo", init_method=f"file://{scratch.name}/group", rank=0, world_size=1)

    tiny_tasks(args.tasks, out / "tiny")
    build(ours, out / "tiny", data)
    names = json.loads((data / "identifiers.json").read_text())
    (out / "identifiers.json").write_text(json.dumps(names) + "\n")

    config = configuration(ours, code, ATTENTION)
    attention = wrapped_model(ours, config, 900, len(names))
    values = weights("attention", {name: tuple(t.shape) for name, t in attention.state_dict().items()})
    fill(attention, values)
    state = state_as_saved(attention)
    save(state, out / "attention/step_123")
    write_config(config, out / "attention")
    rounded = {}
    for dtype in ["float16", "bfloat16"]:
        name = f"attention-{dtype}"
        save(cast(state, getattr(torch, dtype)), out / name / "step_123", location="cpu")
        write_config(config, out / name)
        rounded[name] = wrapped_model(ours, config, 900, len(names))
        saved = torch.load(out / name / "step_123", map_location="cpu")
        torch.compile(rounded[name]).load_state_dict(saved, assign=True)

    mlp_config = configuration(ours, code, TOKEN_MLP)
    mlp = wrapped_model(ours, mlp_config, 36, 6)
    mlp_values = weights("token-mlp", {name: tuple(t.shape) for name, t in mlp.state_dict().items()})
    fill(mlp, mlp_values)
    save(state_as_saved(mlp), out / "token-mlp/step_123")
    write_config(mlp_config, out / "token-mlp")

    broken(ours, code, out / "broken", len(names))

    tensors = numbers(ours, attention, mlp, rounded, data)
    save_file(tensors, out / "numbers.safetensors")
    (out / "numbers.safetensors").chmod(0o644)
    evaluate(ours, config, attention, data, out)
    quick_config = configuration(ours, code, {**ATTENTION, "halt_max_steps": 4})
    write_config(quick_config, out / "quick")
    quick = wrapped_model(ours, quick_config, 900, len(names))
    fill(quick, values)
    evaluate(ours, quick_config, quick, data, out / "quick")

    if args.check:
        noise(ours, config, attention, values, split(data), 900, len(names), "attention")
        noise(ours, mlp_config, mlp, mlp_values, mlp_batch(), 36, 6, "token-mlp")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
