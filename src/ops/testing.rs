//! What the tests of the operations share: seeded tensors, gradients checked against finite differences, and fused forms held against
//! their composed ones.

use dfdx::prelude::*;

use super::*;
use crate::device::Matrix;
use crate::rng::Stream;

/// Runs the body of a test on the CPU, and on the first CUDA device where this build and this machine have one.
macro_rules! on_every_device {
    ($body:ident) => {
        $body(&dfdx::prelude::Cpu::default());
        #[cfg(feature = "cuda")]
        match crate::device::cuda::open(0) {
            Ok(device) => $crate::ops::testing::alone(|| $body(&device)),
            Err(fault) => eprintln!("skipped on CUDA: {fault}"),
        }
    };
}

/// Runs one test at a time: a device that is driven from several threads at once runs in no order.
#[cfg(feature = "cuda")]
pub(super) fn alone(test: impl FnOnce()) {
    static DEVICE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = DEVICE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    test();
}
pub(super) use on_every_device;

pub(super) type Taped = Matrix<Cpu, OwnedTape<f32, Cpu>>;

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
pub(super) type Form<'a> = &'a dyn Fn(Taped, &[Matrix<Cpu>]) -> Taped;

/// Holds a fused form against the composed one: result, and the gradients of `<y, c>` with respect to the input and every weight, within
/// `tolerance` of the largest number of each.
pub(super) fn check_forms(
    name: &str,
    x: &Matrix<Cpu>,
    weights: &[Matrix<Cpu>],
    fused: Form,
    composed: Form,
    tolerance: f32,
) {
    let run = |form: Form| {
        let (first, tape) = form(x.leaky_trace(), weights).split_tape();
        let c = random(&mut Stream::new(11, "slopes"), first.shape().0, first.shape().1);
        let gradients = (first.clone().put_tape(tape) * c).sum::<Rank0, _>().backward();
        let mut numbers = vec![first.as_vec(), gradients.get(x).as_vec()];
        numbers.extend(weights.iter().map(|weight| gradients.get(weight).as_vec()));
        numbers
    };
    for (which, (found, expected)) in run(fused).into_iter().zip(run(composed)).enumerate() {
        let largest = expected.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
        let pairs = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let worst = pairs.fold(0.0f32, |most, x| if x > most || x.is_nan() { x } else { most }) / largest;
        assert!(worst < tolerance, "{name}: number {which} (0 result, 1 input, 2.. weights) is off by {worst}");
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

#[test]
fn sums_gathers_and_turned_boards_equal_their_composed_forms() {
    let mut stream = Stream::new(12, "rows");
    for (rows, columns) in [(1, 1), (6, 5), (36, 33)] {
        let (x, a, b) = (
            random(&mut stream, rows, columns),
            random(&mut stream, rows, columns),
            random(&mut stream, rows, columns),
        );
        let others = [a.clone(), b];
        check_forms(
            "sum",
            &x,
            &others,
            &|x, w| Cpu::sum(x, &[&w[0], &w[1]]),
            &|x, w| sum::composed(x, &[&w[0], &w[1]]),
            1e-6,
        );
        let twice = [a];
        check_forms("sum", &x, &twice, &|x, w| Cpu::sum(x, &[&w[0]]), &|x, w| sum::composed(x, &[&w[0]]), 1e-6);
        let index = Cpu::default().tensor_from_vec((0..rows + 2).map(|i| i * 5 % rows).collect(), (rows + 2,));
        check_forms("gather", &x, &[], &|x, _| Cpu::gather(x, &index), &|x, _| gather::composed(x, &index), 1e-6);
        for boards in [1, rows / 2, rows].into_iter().filter(|&boards| boards > 0) {
            let turned: Form = &|x, _| Cpu::turn_boards(x, boards);
            check_forms("boards", &x, &[], turned, &|x, _| boards::composed(x, boards), 1e-6);
        }
    }
}
