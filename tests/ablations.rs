//! The promise: the switches for the paper's ablations change what they name and nothing else. That every variant computes what PyTorch
//! does, `tests/parity.rs` holds; that it resumes and is cut and shared among ranks as the paper's model is, `tests/training.rs` and
//! `tests/ranks.rs`.

mod smallest;

use dfdx::prelude::Cpu;
use smallest::{advance, recipe, recipe_of_scales};
use trm_arc::model::{Backward, Config, ConfigError, Example, Inputs, Latents, Model, Nets, Spec, specs};
use trm_arc::optim::Optimizer;
use trm_arc::rng::Stream;
use trm_arc::train::{Supervision, Trainer, supervise};

fn config(l_cycles: usize, nets: Nets, gradient: Backward) -> Config {
    let sizes = Config { hidden: 16, heads: 2, layers: 1, prefix: 2, puzzle_width: 24, ..Config::arc() };
    Config { h_cycles: 2, l_cycles, nets, gradient, ..sizes }
}

/// A step of random weights on two small canvases.
fn step(config: &Config) -> Supervision<Cpu> {
    let mut stream = Stream::new(7, "ablations");
    let values = |spec: &Spec| Ok::<_, ConfigError>((0..spec.len()).map(|_| (0.3 * stream.normal()) as f32).collect());
    let model = Model::build(config.clone(), &Cpu::default(), values).unwrap();
    let cells = [vec![2, 9, 4, 7, 3], vec![5, 6]];
    let positions: [Vec<u16>; 2] = [vec![0, 1, 2, 30, 31], vec![0, 30]];
    let batch = cells.iter().zip(&positions).map(|(cells, positions)| Example { cells, positions });
    let inputs = Inputs::new(&model, &batch.collect::<Vec<_>>());
    let labels: Vec<Vec<Option<u8>>> =
        cells.iter().map(|cells| cells.iter().map(|cell| Some(11 - cell)).collect()).collect();
    let labels: Vec<&[Option<u8>]> = labels.iter().map(Vec::as_slice).collect();
    let rows = (0..48).map(|i| (i as f32).sin()).collect();
    supervise(&model, &inputs, rows, &labels, model.start(&inputs), None, 2)
}

/// The tensors whose gradients are not the same, bit for bit; the puzzle rows are one.
fn apart(a: &Config, b: &Config) -> Vec<String> {
    let (first, second) = (step(a), step(b));
    assert_eq!(first.losses, second.losses, "the step forward is the same");
    let (first_trunk, second_trunk) = (first.gradient.trunk_values(), second.gradient.trunk_values());
    let trunk = specs(a).into_iter().zip(first_trunk.iter().zip(&second_trunk));
    let differ = trunk.filter(|(_, (first, second))| first != second).map(|(spec, _)| spec.name);
    differ.chain((first.gradient.rows != second.gradient.rows).then(|| "rows".to_owned())).collect()
}

#[test]
fn a_gradient_of_one_step_reaches_the_last_update_of_each_state_and_nothing_before() {
    // With n = 1 the last cycle is the last two updates.
    let both = |l_cycles, nets| [Backward::OneStep, Backward::FullRecursion].map(|way| config(l_cycles, nets, way));
    for nets in [Nets::Shared, Nets::Separate] {
        let [one_step, full] = both(1, nets);
        assert_eq!(apart(&one_step, &full), Vec::<String>::new(), "{nets:?}");
    }
    // With n = 2 one update of z_L is left out: what it is computed from has less of a gradient, the net of z_H and the heads all of it.
    let [one_step, full] = both(2, Nets::Separate);
    let block = ["self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"];
    let mut less = vec!["embed_tokens.embedding_weight".to_owned()];
    less.extend(block.map(|name| format!("L_level.layers.0.{name}.weight")));
    less.push("rows".to_owned());
    assert_eq!(apart(&one_step, &full), less);
}

#[test]
fn a_decay_of_0_leaves_no_average_but_the_live_weights() {
    let (learning_rate, momentum) = (0.02, 0.95);
    let muon = Optimizer::Muon { learning_rate, momentum, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
    let paper = Optimizer::AdamAtan2 { beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
    for optimizer in [paper, muon] {
        let mut recipe = recipe(4);
        (recipe.training.ema, recipe.trunk.optimizer) = (0.0, optimizer);
        let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
        let first = trainer.trunk();
        for _ in 0..3 {
            advance(&mut trainer, 1);
            assert!(trainer.average() == trainer.trunk(), "{optimizer:?}");
        }
        assert!(trainer.trunk() != first, "{optimizer:?}: nothing has moved");
    }
}

#[test]
fn every_variant_trains_and_its_rows_of_the_halting_head_learn_what_they_should() {
    type Change = fn(&mut Config);
    let changes: [Change; 5] = [
        |model| model.nets = Nets::Separate,
        |model| model.gradient = Backward::OneStep,
        |model| (model.l_cycles, model.latents) = (2, Latents::Single),
        |model| (model.l_cycles, model.latents) = (2, Latents::MultiScale),
        |model| (model.h_cycles, model.l_cycles, model.latents) = (1, 1, Latents::None),
    ];
    let moved = |trainer: &mut Trainer<Cpu>| {
        let halt = specs(&trainer.recipe.model).iter().position(|spec| spec.name == "q_head.bias").unwrap();
        let before = trainer.trunk()[halt].clone();
        // a last step is where the logit of going on first learns anything but itself
        advance(trainer, 8);
        let after = &trainer.trunk()[halt];
        // what has no gradient decays alone, and AdamW moves all else by its rate
        [0, 1].map(|row| (after[row] - before[row]).abs() > 1e-4)
    };
    for change in changes {
        let mut recipe = recipe(8);
        change(&mut recipe.model);
        recipe.check().unwrap();
        assert_eq!(moved(&mut Trainer::new(recipe, &Cpu::default()).unwrap()), [true, false]);
    }
    assert_eq!(moved(&mut Trainer::new(recipe_of_scales(8), &Cpu::default()).unwrap()), [true, true]);
}
