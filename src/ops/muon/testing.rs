//! The step against plain float64, and Newton-Schulz against a factor that is known, on every device.

use super::composed::polar;
use super::{Muon, MuonRule, Stacked, composed};
use crate::device::{Compute, Matrix};
use crate::kernels::Kind;
use crate::ops::testing::{on, on_every_device, random};
use crate::ops::{Ema, Moments, Moved, Operations};
use crate::rng::Stream;

/// Rows of numbers, by hand.
type Rows = Vec<Vec<f64>>;

fn rows_of(values: &[f32], columns: usize) -> Rows {
    values.chunks(columns).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()
}

fn turned(x: &Rows) -> Rows {
    (0..x[0].len()).map(|j| x.iter().map(|row| row[j]).collect()).collect()
}

fn times(x: &Rows, y: &Rows) -> Rows {
    let columns = turned(y);
    let dot = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum();
    x.iter().map(|row| columns.iter().map(|column| dot(row, column)).collect()).collect()
}

fn sum(terms: &[(f64, &Rows)]) -> Rows {
    let (rows, columns) = (terms[0].1.len(), terms[0].1[0].len());
    let at = |i: usize, j: usize| terms.iter().map(|(factor, x)| factor * x[i][j]).sum();
    (0..rows).map(|i| (0..columns).map(|j| at(i, j)).collect()).collect()
}

fn size(x: &Rows) -> f64 {
    x.iter().flatten().map(|x| x * x).sum::<f64>().sqrt()
}

/// The iteration as it is written, on the transposed matrix where there are more rows than columns.
fn newton_schulz(x: &Rows) -> Rows {
    if x.len() > x[0].len() {
        return turned(&newton_schulz(&turned(x)));
    }
    let mut x = sum(&[(1.0 / size(x), x)]);
    for _ in 0..5 {
        let square = times(&x, &turned(&x));
        let (third, fifth) = (times(&square, &x), times(&times(&square, &square), &x));
        x = sum(&[(3.4445, &x), (-4.775, &third), (2.0315, &fifth)]);
    }
    x
}

/// One product by hand.
struct ByHand {
    p: Rows,
    average: Rows,
    m: Rows,
    v: Vec<f64>,
}

const RATE: f64 = 0.02;
const EMA: f64 = 0.75;

impl ByHand {
    fn step(&mut self, g: &Rows, row_beta: Option<f64>) {
        self.m = sum(&[(0.9, &self.m), (1.0, g)]);
        let mut o = newton_schulz(&sum(&[(1.0, g), (0.9, &self.m)]));
        if let Some(beta) = row_beta {
            let before = size(&o);
            for (row, v) in o.iter_mut().zip(&mut self.v) {
                *v = beta * *v + (1.0 - beta) * row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
                row.iter_mut().for_each(|x| *x /= v.sqrt() + 1e-8);
            }
            o = sum(&[(before / size(&o), &o)]);
        }
        let longer = (g.len() as f64 / g[0].len() as f64).max(1.0).sqrt();
        self.p = sum(&[(1.0 - RATE * 0.1, &self.p), (-RATE * longer, &o)]);
        self.average = sum(&[(EMA, &self.average), (1.0 - EMA, &self.p)]);
    }
}

/// Steps of a tensor of products, by hand and by a form of the step, from the same numbers and gradients.
fn compare<D: Operations>(
    device: &D,
    (products, rows, columns): (usize, usize, usize),
    (steps, row_beta): (usize, Option<f64>),
    form: impl Fn(Vec<Stacked<'_, D>>, MuonRule),
) {
    let mut stream = Stream::new(7, "muon");
    let mut drawn = || random(&mut stream, products * rows, columns);
    let muon = Muon { momentum: 0.9, weight_decay: 0.1, row_beta };
    let first = drawn();
    let (mut parameters, mut average) = (on(device, &first), on(device, &first));
    let mut moments = Moments::by_row(&parameters);
    let cut = |x: &[f32]| x.chunks(rows * columns).map(|x| rows_of(x, columns)).collect::<Vec<Rows>>();
    let begin = |p: Rows| ByHand { m: sum(&[(0.0, &p)]), v: vec![0.0; rows], average: p.clone(), p };
    let mut by_hand: Vec<ByHand> = cut(&first.as_vec()).into_iter().map(begin).collect();
    for _ in 0..steps {
        // rows of very different sizes, as NorMuon is for
        let mut values = drawn().as_vec();
        values.chunks_mut(columns).enumerate().for_each(|(i, row)| {
            row.iter_mut().for_each(|x| *x *= 1e-3 * (1 + i % 7) as f32);
        });
        let gradient: Matrix<D> = device.tensor_from_vec(values.clone(), (products * rows, columns));
        let (parameters, average) = (&mut parameters, &mut average);
        let moved = Moved { parameters, gradient: &gradient, moments: &mut moments, average };
        form(vec![Stacked { moved, products }], muon.rule(Ema::new(EMA), RATE));
        by_hand.iter_mut().zip(cut(&values)).for_each(|(by_hand, g)| by_hand.step(&g, row_beta));
    }
    let near = |what: &str, found: Vec<f32>, expected: Vec<f64>, tolerance: f64| {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (i, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            let error = (f64::from(found) - expected).abs();
            assert!(
                error <= tolerance,
                "{products} of {rows} x {columns}, {row_beta:?}: {what} {i}: {found} {expected}"
            );
        }
    };
    let all = |part: fn(&ByHand) -> &Rows| by_hand.iter().flat_map(|x| part(x).concat()).collect::<Vec<f64>>();
    // a number of O is about 1 / sqrt(C) and is found to some 1e-4 of it
    let tolerance = 1e-3 * RATE / (columns as f64).sqrt();
    near("p", parameters.as_vec(), all(|x| &x.p), tolerance + 1e-6);
    near("average", average.as_vec(), all(|x| &x.average), tolerance + 1e-6);
    near("m", moments.first.as_vec(), all(|x| &x.m), 1e-7);
    let v: Vec<f64> = by_hand.iter().flat_map(|x| x.v.clone()).collect();
    near("v", moments.second.as_vec(), v, 1e-3 / columns as f64);
}

const SHAPES: [(usize, usize, usize); 4] = [(1, 6, 6), (3, 20, 12), (2, 9, 40), (2, 64, 48)];

fn steps_by_hand<D: Operations>(device: &D) {
    for shape in SHAPES {
        for steps in [(1, None), (3, None), (3, Some(0.8))] {
            compare(device, shape, steps, D::muon);
            compare(device, shape, steps, composed);
        }
    }
}

#[test]
fn steps_are_those_by_hand() {
    on_every_device!(steps_by_hand);
}

/// Two orthogonal matrices: a Hadamard matrix, and two turns by angles of Pythagorean triples.
fn orthogonal() -> (Rows, Rows) {
    let h = 0.5;
    let u = vec![vec![h, h, h, h], vec![h, -h, h, -h], vec![h, h, -h, -h], vec![h, -h, -h, h]];
    let turn = |i: usize, j: usize, cosine: f64, sine: f64| {
        let mut turn: Rows = (0..4).map(|row| (0..4).map(|column| f64::from(row == column)).collect()).collect();
        (turn[i][i], turn[i][j], turn[j][i], turn[j][j]) = (cosine, -sine, sine, cosine);
        turn
    };
    let v = times(&times(&turn(0, 2, 0.6, 0.8), &turn(1, 3, 5.0 / 13.0, 12.0 / 13.0)), &turn(0, 1, 0.8, -0.6));
    (u, v)
}

/// A form of `NewtonSchulz(x / |x|)` on plain numbers.
type Polar<'a> = &'a dyn Fn(&[f32], usize) -> Vec<f32>;

fn directions_stay_and_sizes_become_one(polar: Polar) {
    let (u, v) = orthogonal();
    let sizes = [8.0, 3.0, 1.0, 0.25];
    let norm = sizes.iter().map(|x| x * x).sum::<f64>().sqrt();
    let between: Rows = (0..4).map(|i| (0..4).map(|j| if i == j { sizes[i] } else { 0.0 }).collect()).collect();
    let x: Vec<f32> = times(&times(&u, &between), &turned(&v)).concat().into_iter().map(|x| x as f32).collect();
    let found = times(&times(&turned(&u), &rows_of(&polar(&x, 4), 4)), &v);
    for (i, j) in (0..4).flat_map(|i| (0..4).map(move |j| (i, j))) {
        let step = |s: f64| 3.4445 * s - 4.775 * s.powi(3) + 2.0315 * s.powi(5);
        let expected = if i == j { (0..5).fold(sizes[i] / norm, |s, _| step(s)) } else { 0.0 };
        assert!((found[i][j] - expected).abs() < 1e-4, "{i}, {j}: {} and not {expected}", found[i][j]);
        assert!(i != j || (found[i][j] - 1.0).abs() < 0.35, "a singular value of {}", found[i][j]);
    }
}

fn lines_become_orthogonal(polar: Polar) {
    for (rows, columns) in [(16, 64), (64, 16), (40, 128)] {
        let x = random(&mut Stream::new(1, "polar"), rows, columns).as_vec();
        let o = rows_of(&polar(&x, columns), columns);
        let square = if rows > columns { times(&turned(&o), &o) } else { times(&o, &turned(&o)) };
        for (i, j) in (0..square.len()).flat_map(|i| (0..square.len()).map(move |j| (i, j))) {
            let off = square[i][j] - f64::from(i == j);
            // the iteration leaves singular values of 0.68 to 1.2, whose squares are within 0.54 of 1
            assert!(off.abs() < 0.55, "{rows} x {columns} at {i}, {j}: {off} from the identity");
        }
    }
}

fn the_composed_polar_factor<D: Compute>(device: &D) {
    let polar =
        |x: &[f32], columns: usize| polar(device.tensor_from_vec(x.to_vec(), (x.len() / columns, columns))).as_vec();
    directions_stay_and_sizes_become_one(&polar);
    lines_become_orthogonal(&polar);
    assert!(polar(&[0.0; 6], 3).iter().all(|x| *x == 0.0), "no gradient, no direction");
}

#[test]
fn the_composed_iteration_makes_singular_values_one() {
    on_every_device!(the_composed_polar_factor);
}

#[test]
fn the_iteration_of_every_engine_makes_singular_values_one() {
    for engine in Kind::testable() {
        let polar = |x: &[f32], columns: usize| {
            let norm = x.iter().map(|x| x * x).sum::<f32>().sqrt();
            let mut x: Vec<f32> = x.iter().map(|x| x / norm).collect();
            engine.newton_schulz(&mut x, columns);
            x
        };
        directions_stay_and_sizes_become_one(&polar);
        lines_become_orthogonal(&polar);
    }
}

fn without_a_gradient_there_is_decay_alone<D: Operations>(device: &D) {
    for row_beta in [None, Some(0.9)] {
        let ones = |value: f32| -> Matrix<D> { device.tensor_from_vec(vec![value; 12], (3, 4)) };
        let (mut parameters, mut average, gradient) = (ones(1.0), ones(0.0), ones(0.0));
        let mut moments = Moments::by_row(&parameters);
        let (parameters_here, average) = (&mut parameters, &mut average);
        let moved = Moved { parameters: parameters_here, gradient: &gradient, moments: &mut moments, average };
        let rule = Muon { momentum: 0.9, weight_decay: 0.5, row_beta }.rule(Ema::new(0.0), 0.5);
        D::muon(vec![Stacked { moved, products: 1 }], rule);
        assert_eq!(parameters.as_vec(), [0.75; 12]);
        assert_eq!(average.as_vec(), [0.75; 12], "an average without a memory is the value");
    }
}

#[test]
fn nothing_moves_without_a_gradient() {
    on_every_device!(without_a_gradient_there_is_decay_alone);
}
