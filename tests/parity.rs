//! The promise: the model computes what the paper's does. The numbers are PyTorch's, see `tests/oracle/README.md`.
//!
//! Held in float32: logits and halting logits after 1, 2 and 3 supervision steps within 1e-4, losses within 1e-5,
//! every gradient within 1e-4 of its tensor's largest. Each file is also run split into other packings, and a ragged batch
//! equals its examples one by one.

use std::collections::HashMap;
use std::path::Path;

use dfdx::prelude::{Cpu, NoneTape};
use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;
use trm_arc::model::{CONTINUE, Config, ConfigError, Example, Inputs, Local, Mixer, Model, Positions};
use trm_arc::ops::Operations;
use trm_arc::train::supervise;

struct Oracle {
    bytes: Vec<u8>,
}

impl Oracle {
    fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name);
        Self { bytes: std::fs::read(path).unwrap() }
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = file.tensor(name).unwrap_or_else(|_| panic!("no {name}"));
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => data.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
            Dtype::F64 => data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I32 => data.chunks(4).map(|b| f64::from(i32::from_le_bytes(b.try_into().unwrap()))).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).unwrap();
        metadata.metadata().clone().unwrap()
    }

    /// A switch of the model; as in the paper where the file does not name it.
    fn switch<S: Default + DeserializeOwned>(&self, name: &str) -> S {
        let value = self.metadata().remove(name);
        value.map_or_else(S::default, |value| serde_json::from_value(value.into()).unwrap())
    }

    fn has(&self, name: &str) -> bool {
        SafeTensors::deserialize(&self.bytes).unwrap().tensor(name).is_ok()
    }

    fn setting(&self, name: &str) -> f64 {
        let text = self.metadata().remove(name).unwrap();
        match text.as_str() {
            "true" => 1.0,
            "false" => 0.0,
            number => number.parse().unwrap(),
        }
    }

    fn model<D: Operations>(&self, device: &D) -> Model<D> {
        let size = |name| self.setting(name) as usize;
        let config = Config {
            vocabulary: size("vocab"),
            hidden: size("hidden"),
            heads: size("heads"),
            layers: size("layers"),
            expansion: self.setting("expansion"),
            h_cycles: size("h_cycles"),
            l_cycles: size("l_cycles"),
            prefix: size("prefix"),
            puzzle_width: size("puzzle_dim"),
            cells: size("cells"),
            mixer: if size("mlp_t") == 1 { Mixer::TokenMlp } else { Mixer::Attention },
            positions: if size("no_rope") == 1 { Positions::None } else { Positions::Rope },
            rope_base: self.setting("theta"),
            local: Local::None,
            nets: self.switch("nets"),
            gradient: self.switch("gradient"),
            latents: self.switch("latents"),
        };
        let values = |name: &str| self.numbers(&format!("weights.{name}")).iter().map(|&x| x as f32).collect();
        Model::build::<ConfigError>(config, device, |spec| Ok(values(&spec.name))).unwrap()
    }

    /// Cells, positions and puzzle rows of each example.
    fn examples(&self) -> Vec<(Vec<u8>, Vec<u16>, Vec<f32>)> {
        let (cells, width) = (self.setting("cells") as usize, self.setting("puzzle_dim") as usize);
        let table = self.numbers("weights.puzzle_emb.weights");
        let inputs = self.numbers("inputs");
        let ids = self.numbers("puzzle_ids");
        let example = |(kinds, id): (&[f64], &f64)| {
            let row = &table[*id as usize * width..(*id as usize + 1) * width];
            let kinds = kinds.iter().map(|&x| x as u8).collect();
            (kinds, (0..cells as u16).collect(), row.iter().map(|&x| x as f32).collect())
        };
        inputs.chunks(cells).zip(&ids).map(example).collect()
    }
}

fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let difference = found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max);
    println!("{what}: {difference:.1e}");
    assert!(difference <= tolerance, "{what}: differs by {difference:e}, allowed {tolerance:e}");
}

/// On the CPU, and in float32 on the first CUDA device where this build and this machine have one.
fn check(name: &str) {
    check_on(name, &Cpu::default());
    #[cfg(feature = "cuda")]
    if let Some(device) = cuda() {
        check_on(name, &*device);
    }
}

/// One test at a time drives the device.
#[cfg(feature = "cuda")]
fn cuda() -> Option<impl std::ops::Deref<Target = dfdx::prelude::Cuda>> {
    struct Alone(dfdx::prelude::Cuda, #[expect(dead_code)] std::sync::MutexGuard<'static, ()>);
    impl std::ops::Deref for Alone {
        type Target = dfdx::prelude::Cuda;
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }
    static DEVICE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let held = DEVICE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match trm_arc::device::cuda::open(0) {
        Ok(device) => Some(Alone(device, held)),
        Err(fault) => {
            assert!(std::env::var_os("TRM_NEED_CUDA").is_none(), "{fault}");
            // past the test runner, which keeps to itself what a passing test prints
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("skipped on CUDA: {fault}\n"));
            None
        }
    }
}

fn check_on<D: Operations>(name: &str, device: &D) {
    let oracle = Oracle::open(name);
    let model = oracle.model(device);
    let examples = oracle.examples();
    let as_example = |(cells, positions, _): &'_ (Vec<u8>, Vec<u16>, Vec<f32>)| (cells.clone(), positions.clone());
    let owned: Vec<_> = examples.iter().map(as_example).collect();
    let batch: Vec<_> = owned.iter().map(|(cells, positions)| Example { cells, positions }).collect();
    let (cells, vocabulary, prefix) = (model.config.cells, model.config.vocabulary, model.config.prefix);

    // The supervision steps, the whole batch at once and every example alone.
    let packings: Vec<Vec<usize>> = vec![(0..batch.len()).collect(), vec![0], vec![1], vec![2]];
    for packing in &packings {
        let chosen: Vec<_> = packing.iter().map(|&i| batch[i]).collect();
        let inputs = Inputs::new(&model, &chosen);
        let rows = || model.rows(packing.iter().flat_map(|&i| examples[i].2.clone()).collect());
        let mut carry = model.start(&inputs);
        for number in 1..=oracle.setting("steps") as usize {
            let step = model.supervise::<NoneTape>(&inputs, rows(), carry);
            let logits = step.logits.as_vec();
            let expected = oracle.numbers(&format!("step{number}.logits"));
            let expected_halt = oracle.numbers(&format!("step{number}.q_halt"));
            let halts = step.halt.as_vec();
            let q_continue = format!("step{number}.q_continue");
            let expected_continue = oracle.has(&q_continue).then(|| oracle.numbers(&q_continue));
            let halting = step.halting.as_vec();
            for (slot, (&i, range)) in packing.iter().zip(inputs.segments.ranges()).enumerate() {
                let found = &logits[(range.start + prefix) * vocabulary..range.end * vocabulary];
                let size = cells * vocabulary;
                close(&format!("{name} step {number} logits"), found, &expected[i * size..(i + 1) * size], 1e-4);
                close(&format!("{name} step {number} halt"), &halts[slot..=slot], &expected_halt[i..=i], 1e-4);
                if let Some(expected) = &expected_continue {
                    let found = halting[2 * slot + CONTINUE];
                    close(&format!("{name} step {number} continue"), &[found], &expected[i..=i], 1e-4);
                }
            }
            carry = step.carry;
        }
    }

    // The loss and every gradient of the first step.
    let labels: Vec<Option<u8>> = oracle.numbers("labels").iter().map(|&x| (x >= 0.0).then_some(x as u8)).collect();
    let labels: Vec<&[Option<u8>]> = labels.chunks(cells).collect();
    let inputs = Inputs::new(&model, &batch);
    let rows = examples.iter().flat_map(|example| example.2.clone()).collect();
    let is_last = |last: f64| last == 1.0;
    let lasts: Option<Vec<bool>> =
        oracle.has("lasts").then(|| oracle.numbers("lasts").into_iter().map(is_last).collect());
    let result = supervise(&model, &inputs, rows, &labels, model.start(&inputs), lasts.as_deref(), batch.len());
    let (halts, goes_on) = (oracle.numbers("step1.q_halt"), lasts.map(|_| oracle.numbers("step1.q_continue")));
    let for_halting = match goes_on {
        None => halts,
        Some(goes_on) => halts.iter().zip(goes_on).map(|(halt, goes_on)| halt - goes_on).collect(),
    };
    close(&format!("{name} what speaks for halting"), &result.halts, &for_halting, 1e-4);
    let relative = |found: f64, expected: f64| (found - expected).abs() / expected.abs();
    assert!(relative(result.losses.cross_entropy, oracle.numbers("loss.lm")[0]) < 1e-5);
    assert!(relative(result.losses.halting, oracle.numbers("loss.halt")[0]) < 1e-5);
    let largest = |values: &[f64]| values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    for (spec, found) in trm_arc::model::specs(&model.config).iter().zip(&result.gradient.trunk_values()) {
        if spec.trained {
            let expected = oracle.numbers(&format!("grad.{}", spec.name));
            close(&format!("{name} gradient of {}", spec.name), found, &expected, 1e-4 * largest(&expected));
        }
    }
    let expected = oracle.numbers("grad.puzzle_rows");
    close(&format!("{name} gradient of the rows"), &result.gradient.rows, &expected, 1e-4 * largest(&expected));
}

#[test]
fn the_attention_kind_equals_pytorch() {
    check("attention.safetensors");
}

#[test]
fn the_token_mlp_kind_equals_pytorch() {
    check("token-mlp.safetensors");
}

#[test]
fn without_positions_it_equals_pytorch() {
    check("no-positions.safetensors");
}

/// The ablations of the paper and the systems that it compares with.
#[test]
fn every_variant_equals_pytorch() {
    for name in ["separate", "one-step", "single", "multi-scale", "direct", "continue", "hrm"] {
        check(&format!("{name}.safetensors"));
    }
}

#[test]
fn a_ragged_batch_equals_its_examples_one_by_one() {
    let oracle = Oracle::open("attention.safetensors");
    let model = oracle.model(&Cpu::default());
    let examples = oracle.examples();
    // Cut to different lengths, with gaps in the positions as a tight canvas has them.
    let lengths = [36, 7, 20];
    let cut = |i: usize| {
        (&examples[i].0[..lengths[i]], (0..lengths[i] as u16).map(|p| p / 5 * 30 + p % 5).collect::<Vec<_>>())
    };
    let cuts: Vec<_> = (0..3).map(cut).collect();
    let batch: Vec<_> = cuts.iter().map(|(cells, positions)| Example { cells, positions }).collect();
    let labels: Vec<Vec<Option<u8>>> =
        cuts.iter().map(|(cells, _)| cells.iter().map(|c| (c % 5 > 0).then_some(*c)).collect()).collect();
    let labels: Vec<&[Option<u8>]> = labels.iter().map(Vec::as_slice).collect();
    let run = |chosen: &[usize]| {
        let batch: Vec<_> = chosen.iter().map(|&i| batch[i]).collect();
        let labels: Vec<_> = chosen.iter().map(|&i| labels[i]).collect();
        let rows = || chosen.iter().flat_map(|&i| examples[i].2.clone()).collect::<Vec<f32>>();
        let inputs = Inputs::new(&model, &batch);
        let first = model.supervise::<NoneTape>(&inputs, model.rows(rows()), model.start(&inputs));
        // the second step's gradient, so that a carry is in it
        supervise(&model, &inputs, rows(), &labels, first.carry, None, 3)
    };
    let whole = run(&[0, 1, 2]);
    let alone: Vec<_> = (0..3).map(|i| run(&[i])).collect();
    let losses: f64 = alone.iter().map(|one| one.losses.cross_entropy).sum();
    assert!((whole.losses.cross_entropy - losses).abs() < 1e-5 * losses);
    for (i, one) in alone.iter().enumerate() {
        assert_eq!(whole.answers[i].cells, one.answers[0].cells);
        assert!((whole.answers[i].halt_logit - one.answers[0].halt_logit).abs() < 1e-4);
    }
    let alone_trunks: Vec<_> = alone.iter().map(|one| one.gradient.trunk_values()).collect();
    for (i, found) in whole.gradient.trunk_values().iter().enumerate().filter(|(_, found)| !found.is_empty()) {
        let sum: Vec<f64> =
            (0..found.len()).map(|j| alone_trunks.iter().map(|one| f64::from(one[i][j])).sum()).collect();
        let largest = sum.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        close(&format!("tensor {i}"), found, &sum, 1e-4 * largest);
    }
}
