//! What the tests of the operations share: seeded tensors, gradients checked against finite differences, and fused forms held against
//! their composed ones.

use dfdx::prelude::*;

use super::*;
use crate::device::{Compute, Matrix, Precision};
use crate::rng::Stream;

/// Runs the body of a test on the CPU, and on the first CUDA device where this build and this machine have one.
macro_rules! on_every_device {
    ($body:ident) => {
        $body(&dfdx::prelude::Cpu::default());
        #[cfg(feature = "cuda")]
        match crate::device::cuda::open(0) {
            Ok(device) => $crate::ops::testing::alone(|| $body(&device)),
            // where a device is what is tested, a skip is a failure
            Err(fault) if std::env::var_os("TRM_NEED_CUDA").is_some() => panic!("{fault}"),
            Err(fault) => crate::ops::testing::skipped(&fault.to_string()),
        }
    };
}

/// Says so past the test runner, which keeps to itself what a passing test prints.
#[cfg(feature = "cuda")]
pub(super) fn skipped(why: &str) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("skipped on CUDA: {why}\n"));
}

/// Runs one test at a time: a device that is driven from several threads at once runs in no order.
#[cfg(feature = "cuda")]
pub(super) fn alone(test: impl FnOnce()) {
    static DEVICE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = DEVICE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    test();
}
pub(super) use on_every_device;

pub(super) type Taped<D = Cpu> = Matrix<D, OwnedTape<f32, D>>;

pub(super) fn random(stream: &mut Stream, rows: usize, columns: usize) -> Matrix<Cpu> {
    let values = (0..rows * columns).map(|_| stream.normal() as f32).collect();
    Cpu::default().tensor_from_vec(values, (rows, columns))
}

/// Compares the tape's gradient of `<f(x), c>` with central differences, at every coordinate of x.
pub(super) fn check_gradient(rows: usize, columns: usize, f: impl Fn(Taped) -> Taped) {
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

/// A form of an operation: from its input and its weights to its result.
pub(super) type Form<'a, D = Cpu> = &'a dyn Fn(Taped<D>, &[Matrix<D>]) -> Taped<D>;

/// A matrix on a device.
pub(super) fn on<D: Compute>(device: &D, matrix: &Matrix<Cpu>) -> Matrix<D> {
    device.tensor_from_vec(matrix.as_vec(), *matrix.shape())
}

/// The number types that a device trains in, with what a fused form may be off by: float32, and the eight bits of bfloat16.
pub(super) fn precisions<D: Compute>() -> Vec<(Precision, f32)> {
    let all = [(Precision::F32, 1e-4), (Precision::Bf16, 2e-2)];
    all.into_iter().filter(|(precision, _)| D::precision(Some(*precision), true).is_ok()).collect()
}

/// Runs a form on a device: its result, and the gradients of `<y, c>` with respect to the input and every weight.
fn run_form<D: Operations>(device: &D, x: &Matrix<Cpu>, weights: &[Matrix<Cpu>], form: Form<D>) -> Vec<Vec<f32>> {
    let (x, weights) = (on(device, x), weights.iter().map(|weight| on(device, weight)).collect::<Vec<_>>());
    let (first, tape) = form(x.leaky_trace(), &weights).split_tape();
    let c = on(device, &random(&mut Stream::new(11, "slopes"), first.shape().0, first.shape().1));
    let mut gradients = (first.clone().put_tape(tape) * c).sum::<Rank0, _>().backward();
    let mut numbers = vec![first.as_vec(), D::gradient(&mut gradients, &x).as_vec()];
    numbers.extend(weights.iter().map(|weight| D::gradient(&mut gradients, weight).as_vec()));
    numbers
}

/// Holds a fused form on a device against the composed one on the CPU: result, and the gradients of `<y, c>` with respect to the input and
/// every weight. `tolerance` is what each may be off by, `|found - expected| / |expected|`; and no number of it by more than twice that share of
/// the largest.
pub(super) fn check_forms<D: Operations>(
    device: &D,
    name: &str,
    x: &Matrix<Cpu>,
    weights: &[Matrix<Cpu>],
    fused: Form<D>,
    composed: Form,
    tolerance: f32,
) {
    let (found, expected) = (run_form(device, x, weights, fused), run_form(&Cpu::default(), x, weights, composed));
    for (which, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
        let apart: Vec<f32> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        let worst = apart.iter().fold(0.0f32, |most, x| if x.abs() > most || x.is_nan() { x.abs() } else { most });
        let length = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>().sqrt();
        let (whole, one) = (length(&apart) / length(&expected).max(largest), worst / largest);
        let fits = whole < tolerance && one < 2.0 * tolerance;
        assert!(fits, "{name}: number {which} (0 result, 1 input, 2.. weights) is off by {whole}, in one place {one}");
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
fn embedding_pads_rows_and_scales() {
    let device = Cpu::default();
    let rows = device.tensor_from_vec(vec![1.0, 2.0, 3.0], (1, 3));
    let embedding = device.tensor_from_vec(vec![10.0, 11.0, 12.0, 13.0], (2, 2));
    let prefix = prefix_tokens::<_, NoneTape>(rows, 2, 2);
    assert_eq!(prefix.as_vec(), [1.0, 2.0, 3.0, 0.0]);
    let index = device.tensor_from_vec(vec![2, 3, 1, 0, 1], (5,));
    let tokens = embed::<_, NoneTape>(prefix, &embedding, &index).as_vec();
    let expected = [1.0, 2.0, 3.0, 0.0, 12.0, 13.0, 10.0, 11.0, 12.0, 13.0].map(|x: f32| x * 2f32.sqrt());
    assert_eq!(tokens, expected);
    check_gradient(1, 3, |x| embed(prefix_tokens(x, 2, 2), &embedding, &index));
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

/// The forms that only move or add rows are exact but for the order of sums.
fn rows<D: Operations>(device: &D) {
    let mut stream = Stream::new(12, "rows");
    let forms = |name: &str, x: &Matrix<Cpu>, weights: &[Matrix<Cpu>], fused: Form<D>, composed: Form| {
        check_forms(device, name, x, weights, fused, composed, 1e-6);
    };
    for (rows, columns) in [(1, 1), (6, 5), (36, 33), (12, 64)] {
        let (x, a, b) = (
            random(&mut stream, rows, columns),
            random(&mut stream, rows, columns),
            random(&mut stream, rows, columns),
        );
        let others = [a.clone(), b];
        let both: Form<D> = &|x, w| D::sum(x, true, &[Addend::Learned(&w[0]), Addend::Learned(&w[1])]);
        let composed: Form = &|x, w| sum::composed(x, &[Addend::Learned(&w[0]), Addend::Learned(&w[1])]);
        forms("sum", &x, &others, both, composed);
        let one: Form<D> = &|x, w| D::sum(x, true, &[Addend::Learned(&w[0])]);
        forms("sum", &x, &others[..1], one, &|x, w| sum::composed(x, &[Addend::Learned(&w[0])]));
        let detached: Form<D> = &|x, w| D::sum(x, false, &[Addend::Detached(&w[0]), Addend::Learned(&w[1])]);
        let found = run_form(device, &x, &others, detached);
        let zeros = |values: &[f32]| values.iter().all(|value| *value == 0.0);
        assert!(zeros(&found[1]) && zeros(&found[2]) && !zeros(&found[3]), "what is detached gets no gradient");
        forms("join", &x, &others[..1], &|x, w| D::join(x, &w[0]), &|x, w| embed::join(x, &w[0]));
        forms("pad", &x, &[], &|x, _| D::pad(x, columns + 3), &|x, _| embed::pad(x, columns + 3));
        // the last rows are taken often, and one row never
        let taken: Vec<usize> = (0..rows + 300).map(|i| if i < rows { i * 5 % rows } else { rows / 2 }).collect();
        let index = |taken: &[usize]| Cpu::default().tensor_from_vec(taken.to_vec(), (taken.len(),));
        let there: Tensor<(usize,), usize, D> = device.tensor_from_vec(taken.clone(), (taken.len(),));
        let here = index(&taken);
        check_forms(device, "gather", &x, &[], &|x, _| D::gather(x, &there), &|x, _| gather::composed(x, &here), 1e-5);
        for boards in [1, rows / 2, rows].into_iter().filter(|&boards| boards > 0) {
            forms("boards", &x, &[], &|x, _| D::turn_boards(x, boards), &|x, _| boards::composed(x, boards));
        }
    }
}

#[test]
fn sums_gathers_and_turned_boards_equal_their_composed_forms() {
    on_every_device!(rows);
}

fn added<D: Operations>(device: &D) {
    let tensor = |values: &[f32]| Some(device.tensor_from_vec(values.to_vec(), (1, values.len())));
    let mut sums: Vec<Option<Matrix<D>>> = vec![tensor(&[1.0, 2.0, 3.0, 4.0, 5.0]), None, tensor(&[-1.0])];
    let parts = [vec![tensor(&[0.5; 5]), None, tensor(&[1.0])], vec![tensor(&[0.25; 5]), None, tensor(&[7.0])]];
    assert!(D::add_in_order(&mut sums, &parts));
    let values = |sum: &Option<Matrix<D>>| sum.as_ref().map(|sum| sum.as_vec());
    assert_eq!(
        sums.iter().map(values).collect::<Vec<_>>(),
        [Some(vec![1.75, 2.75, 3.75, 4.75, 5.75]), None, Some(vec![7.0])]
    );
    for fault in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut sums = vec![tensor(&[1.0]), tensor(&[2.0, 3.0, 4.0])];
        assert!(!D::add_in_order(&mut sums, &[vec![tensor(&[0.0]), tensor(&[0.0, 0.0, fault])]]), "{fault}");
        assert!(!D::add_in_order(&mut sums, &[]), "{fault}");
    }
}

#[test]
fn gradients_of_parts_are_added_and_what_is_no_number_is_found() {
    on_every_device!(added);
}
