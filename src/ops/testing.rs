//! What the tests of the operations share: seeded tensors, and gradients checked against finite differences.

use dfdx::prelude::*;

use super::*;
use crate::device::Matrix;
use crate::rng::Stream;

type Taped = Matrix<Cpu, OwnedTape<f32, Cpu>>;

fn random(stream: &mut Stream, rows: usize, columns: usize) -> Matrix<Cpu> {
    let values = (0..rows * columns).map(|_| stream.normal() as f32).collect();
    Cpu::default().tensor_from_vec(values, (rows, columns))
}

/// Compares the tape's gradient of `<f(x), c>` with central differences, at every coordinate of x.
fn check_gradient(rows: usize, columns: usize, f: impl Fn(Taped) -> Taped) {
    let mut stream = Stream::new(5, "gradient");
    let x = random(&mut stream, rows, columns);
    let shape = *f(x.leaky_trace()).shape();
    let c = random(&mut stream, shape.0, shape.1);
    let value = |x: &Matrix<Cpu>| {
        let (y, _) = f(x.leaky_trace()).split_tape();
        y.as_vec().iter().zip(c.as_vec()).map(|(&y, c)| f64::from(y) * f64::from(c)).sum::<f64>()
    };
    let gradient = (f(x.leaky_trace()) * c.clone()).sum::<Rank0, _>().backward().get(&x).as_vec();
    let values = x.as_vec();
    let step = 1e-2;
    for (i, &expected) in gradient.iter().enumerate() {
        let moved = |by: f32| {
            let mut values = values.clone();
            values[i] += by;
            value(&Cpu::default().tensor_from_vec(values, (rows, columns)))
        };
        let found = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        let error = (found - f64::from(expected)).abs();
        assert!(error < 4e-3 * (1.0 + found.abs()), "coordinate {i}: tape {expected}, differences {found}");
    }
}

#[test]
fn norm_and_its_gradient() {
    let x = Cpu::default().tensor_from_vec(vec![3.0, 4.0, 0.0, 0.0], (2, 2));
    let y = rms_norm::<_, NoneTape>(x).as_vec();
    let factor = 1.0 / (12.5f32 + 1e-5).sqrt();
    assert!((y[0] - 3.0 * factor).abs() < 1e-6 && (y[1] - 4.0 * factor).abs() < 1e-6);
    assert_eq!(y[2..], [0.0, 0.0]);
    check_gradient(3, 5, rms_norm);
    check_gradient(1, 1, rms_norm);
}

#[test]
fn swiglu_and_its_gradient() {
    let mut stream = Stream::new(6, "weights");
    let (gate, value, down) = (random(&mut stream, 7, 4), random(&mut stream, 7, 4), random(&mut stream, 4, 7));
    check_gradient(3, 4, |x| swiglu(x, &gate, &value, &down));
}

#[test]
fn rotation_keeps_lengths_and_depends_on_distance_alone() {
    let device = Cpu::default();
    let mut stream = Stream::new(7, "rope");
    let x = random(&mut stream, 1, 8);
    let at = |position| Rotation::new(&device, &[position], 2, 4, 10_000.0).apply(x.clone()).as_vec();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    assert_eq!(at(0), x.as_vec());
    assert!((dot(&at(17), &at(17)) - dot(&at(0), &at(0))).abs() < 1e-4);
    assert!((dot(&at(10), &at(13)) - dot(&at(500), &at(503))).abs() < 1e-3);
    let rotation = Rotation::new(&device, &[3, 40, 899], 2, 4, 10_000.0);
    check_gradient(3, 8, |x| rotation.apply(x));
}

#[test]
fn attention_stays_inside_its_segment() {
    let mut stream = Stream::new(8, "attention");
    let (q, k, v) = (random(&mut stream, 9, 4), random(&mut stream, 9, 4), random(&mut stream, 9, 4));
    let run = |lengths: Vec<usize>, q: &Matrix<Cpu>, k: &Matrix<Cpu>, v: &Matrix<Cpu>| {
        attention(q.clone(), k.clone(), v.clone(), NoneTape, &Segments::new(lengths), 2).as_vec()
    };
    let rows = |x: &Matrix<Cpu>, from: usize, to: usize| x.clone().slice((from..to, 0..4));
    let whole = run(vec![3, 3, 1, 2], &q, &k, &v);
    for (from, to) in [(0, 3), (3, 6), (6, 7), (7, 9)] {
        let alone = run(vec![to - from], &rows(&q, from, to), &rows(&k, from, to), &rows(&v, from, to));
        for (a, b) in alone.iter().zip(&whole[from * 4..to * 4]) {
            assert!((a - b).abs() < 1e-6);
        }
    }
    assert_eq!(whole[24..28], v.as_vec()[24..28], "a lone token attends to itself");
}

#[test]
fn attention_gradients_over_ragged_segments() {
    let mut stream = Stream::new(9, "attention");
    let (a, b) = (random(&mut stream, 8, 4), random(&mut stream, 8, 4));
    let segments = Segments::new(vec![2, 2, 1, 3]);
    type Place = fn([Matrix<Cpu>; 3]) -> [Matrix<Cpu>; 3];
    let places: [Place; 3] = [|[x, a, b]| [x, a, b], |[x, a, b]| [a, x, b], |[x, a, b]| [a, b, x]];
    for place in places {
        check_gradient(8, 4, |x| {
            let (x, tape) = x.split_tape();
            let [q, k, v] = place([x, a.clone(), b.clone()]);
            attention(q, k, v, tape, &segments, 2)
        });
    }
}

#[test]
fn embedding_pads_rows_and_scales() {
    let device = Cpu::default();
    let rows = device.tensor_from_vec(vec![1.0, 2.0, 3.0], (1, 3));
    let embedding = device.tensor_from_vec(vec![10.0, 11.0, 12.0, 13.0], (2, 2));
    let prefix = prefix_tokens::<_, NoneTape>(rows, 2, 2);
    assert_eq!(prefix.as_vec(), [1.0, 2.0, 3.0, 0.0]);
    let index = device.tensor_from_vec(vec![2, 3, 1, 0, 1], (5,));
    let tokens = embed::<_, NoneTape>(prefix, &embedding, index).as_vec();
    let expected = [1.0, 2.0, 3.0, 0.0, 12.0, 13.0, 10.0, 11.0, 12.0, 13.0].map(|x: f32| x * 2f32.sqrt());
    assert_eq!(tokens, expected);
    let index = move || Cpu::default().tensor_from_vec(vec![2, 3, 1, 0, 1], (5,));
    check_gradient(1, 3, move |x| embed(prefix_tokens(x, 2, 2), &embedding, index()));
}

#[test]
fn a_cut_weight_gets_the_gradient_of_all_its_parts() {
    let mut stream = Stream::new(10, "cut");
    let x = random(&mut stream, 3, 2);
    check_gradient(6, 2, |weight| {
        let (weight, tape) = weight.split_tape();
        let (parts, tape) = rows_of(&weight, 3, tape);
        let (a, tape) = linear(x.clone().put_tape(tape), &parts[0]).split_tape();
        let (b, tape) = linear(x.clone().put_tape(tape), &parts[2]).split_tape();
        linear(x.clone().put_tape(tape), &parts[1]) * a + b
    });
}

#[test]
fn stable_max_equals_its_formula_and_its_differences() {
    let logits = [0.5f32, -2.0, 0.0, 3.0, -0.25, 1.5];
    let weights = [0.0, 0.25, 0.0, 0.5, 0.0, 0.0];
    let value = |logits: &[f32]| -> f64 {
        let s = |x: f64| if x >= 0.0 { x + 1.0 } else { 1.0 / (1.0 - x) };
        let row = |row: &[f32]| row.iter().map(|&x| s(f64::from(x))).sum::<f64>();
        let log_p = |i: usize| (s(f64::from(logits[i])) / row(&logits[i / 3 * 3..i / 3 * 3 + 3])).ln();
        (0..6).map(|i| -weights[i] * log_p(i)).sum()
    };
    let tensor = Cpu::default().tensor_from_vec(logits.to_vec(), (2, 3));
    let (loss, gradient) = stable_max::cross_entropy(&tensor, weights.to_vec());
    assert!((loss - value(&logits)).abs() < 1e-12, "{loss} {}", value(&logits));
    for (i, &found) in gradient.as_vec().iter().enumerate() {
        let moved = |by: f32| {
            let mut logits = logits;
            logits[i] += by;
            value(&logits)
        };
        let expected = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        assert!((f64::from(found) - expected).abs() < 1e-4, "{i}: {found} {expected}");
    }
}
