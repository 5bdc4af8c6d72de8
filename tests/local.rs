//! The promise: a model whose blocks mix neighbouring cells is trained by the derivatives of its loss, is read back as it was stored, and is
//! never taken for one that the published code could load.

mod program;

use dfdx::prelude::Cpu;
use program::{Program, assert_refused, small_grids};
use serde_json::Value;
use trm_arc::model::{Config, Example, Inputs, Local, Model, Positions, specs};
use trm_arc::rng::Stream;
use trm_arc::train::{Supervision, supervise};

/// One cycle, so that the loss depends on the weights through nothing but what is differentiated.
fn config() -> Config {
    let sizes = Config { hidden: 16, heads: 2, layers: 2, prefix: 2, puzzle_width: 24, ..Config::arc() };
    Config { h_cycles: 1, l_cycles: 2, local: Local::Depthwise3x3, ..sizes }
}

/// A canvas of 3 x 4 cells and one of 1 x 2.
fn examples() -> [(Vec<u8>, Vec<u16>); 2] {
    let places = |rows: u16, columns: u16| (0..rows).flat_map(move |row| (0..columns).map(move |c| 30 * row + c));
    let cells = |count: u8| (0..count).map(|number| 2 + number * 7 % 10).collect();
    [(cells(12), places(3, 4).collect()), (cells(2), places(1, 2).collect())]
}

fn step(values: &[Vec<f32>]) -> Supervision<Cpu> {
    let mut values = values.iter().cloned();
    let model =
        Model::build(config(), &Cpu::default(), |_| Ok::<_, trm_arc::model::ConfigError>(values.next().unwrap()));
    let model = model.unwrap();
    let examples = examples();
    let batch: Vec<_> = examples.iter().map(|(cells, positions)| Example { cells, positions }).collect();
    let inputs = Inputs::new(&model, &batch);
    let labels: Vec<Vec<Option<u8>>> =
        examples.iter().map(|(cells, _)| cells.iter().map(|cell| Some(11 - cell / 2)).collect()).collect();
    let labels: Vec<&[Option<u8>]> = labels.iter().map(Vec::as_slice).collect();
    let rows = (0..48).map(|i| (i as f32).sin()).collect();
    supervise(&model, &inputs, rows, &labels, model.start(&inputs), None, 2)
}

fn loss(values: &[Vec<f32>]) -> f64 {
    let losses = step(values).losses;
    (losses.cross_entropy + 0.5 * losses.halting) / 2.0
}

#[test]
fn every_derivative_of_the_loss_is_that_of_differences() {
    let specs = specs(&config());
    let mut stream = Stream::new(4, "local");
    // wide enough that the halting head and the neighbours have a say
    let values: Vec<Vec<f32>> =
        specs.iter().map(|spec| (0..spec.len()).map(|_| (0.3 * stream.normal()) as f32).collect()).collect();
    let gradient = step(&values).gradient.trunk_values();
    let mut checked = 0;
    for (number, spec) in specs.iter().enumerate().filter(|(_, spec)| spec.trained) {
        let length = gradient[number].iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        assert!(length > 1e-3, "{}: nothing depends on it", spec.name);
        for _ in 0..3 {
            let signs: Vec<f32> = (0..spec.len()).map(|_| if stream.unit() < 0.5 { -1.0 } else { 1.0 }).collect();
            let slope: f64 = gradient[number].iter().zip(&signs).map(|(a, b)| f64::from(a * b)).sum();
            // a step of one length, whatever the number of coordinates
            let by = 5e-3 / (spec.len() as f32).sqrt();
            let moved = |by: f32| {
                let mut values = values.clone();
                values[number].iter_mut().zip(&signs).for_each(|(value, sign)| *value += by * sign);
                loss(&values)
            };
            let found = (moved(by) - moved(-by)) / (2.0 * f64::from(by));
            // of a direction by chance a slope is about as long as the gradient
            let apart = (found - slope).abs() / length;
            assert!(apart < 1e-2, "{}: {slope}, by differences {found}, {apart} of its length", spec.name);
            checked += usize::from(spec.name.ends_with("local.weight"));
        }
    }
    assert_eq!(checked, 6, "two blocks, three directions");
}

#[test]
fn a_cell_answers_to_its_neighbours_and_an_example_to_no_other() {
    let mut stream = Stream::new(5, "local");
    // without positions nothing but neighbours tells where a cell lies
    let config = Config { positions: Positions::None, ..config() };
    let model = Model::new(config, &Cpu::default(), &mut stream).unwrap();
    let logits = |examples: &[(Vec<u8>, Vec<u16>)]| {
        let batch: Vec<_> = examples.iter().map(|(cells, positions)| Example { cells, positions }).collect();
        let inputs = Inputs::new(&model, &batch);
        let rows = model.rows(vec![0.25; 24 * batch.len()]);
        model.supervise::<dfdx::prelude::NoneTape>(&inputs, rows, model.start(&inputs)).logits.as_vec()
    };
    let [first, second] = examples();
    let both = logits(&[first.clone(), second.clone()]);
    let alone = logits(std::slice::from_ref(&second));
    let last = &both[both.len() - alone.len()..];
    assert!(alone.iter().zip(last).all(|(a, b)| (a - b).abs() < 1e-4));
    // two cells that do not touch are another example
    let apart = logits(&[(second.0, vec![0, 2])]);
    assert!(alone.iter().zip(&apart).any(|(a, b)| (a - b).abs() > 1e-3), "nobody looks at neighbours");
}

#[test]
fn such_a_model_is_trained_described_solved_with_and_not_exported() {
    let on = "rope_base = 10000.0\nlocal = \"depthwise-3x3\"";
    let changes = [
        ("hidden = 128", "hidden = 32"),
        ("puzzle_width = 128", "puzzle_width = 32"),
        ("heads = 4", "heads = 2"),
        ("largest_side = 10", "largest_side = 4"),
        ("largest_side = 7", "largest_side = 3"),
        ("batch = 16", "batch = 4"),
        ("warmup = 100", "warmup = 0"),
        ("rope_base = 10000.0", on),
    ];
    let folder = Program::new();
    folder.write("tiny.toml", &small_grids(&changes, 2));
    let trained = folder.run(&["train", "tiny.toml", "--output", "run"]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let words = folder.run(&["inspect", "run"]).stdout;
    assert!(words.contains("neighbours mixed by 3 x 3 weights a channel"), "{words}");
    let described: Value = serde_json::from_str(&folder.run(&["inspect", "run", "--json"]).stdout).unwrap();
    assert_eq!(described["model"]["local"], "depthwise-3x3");
    let solved = folder.run(&["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "1", "--views", "1"]);
    assert_eq!(solved.code, 0, "{}", solved.stderr);

    let export = folder.run(&["export", "run", "out.safetensors"]);
    assert_refused(&export, &["run", "mix neighbouring cells", "the published code", "cannot be exported"]);
    assert!(!folder.has("out.safetensors"));
    let mlp = [("rope_base = 10000.0", on), ("\"attention\"", "\"token-mlp\""), ("warmup = 100", "warmup = 0")];
    folder.write("mlp.toml", &small_grids(&mlp, 2));
    let mixed = folder.run(&["train", "mlp.toml", "--output", "other"]);
    assert_refused(&mixed, &["local = \"depthwise-3x3\" goes with mixer = \"attention\" alone"]);
    assert!(!folder.has("other"));
}
