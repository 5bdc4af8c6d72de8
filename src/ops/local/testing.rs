//! The local layer: by hand, its composed form against differences, every device's form against the composed one, and the CPU's on any
//! number of threads.

use dfdx::prelude::*;

use super::{Neighbours, composed, cpu};
use crate::device::Matrix;
use crate::kernels::local::{Gradients as Into, Local, PLACES};
use crate::ops::testing::{check_forms, check_gradient, on_every_device, random};
use crate::ops::{Operations, bridge};
use crate::rng::Stream;

/// The side of the board that canvases lie on.
const SIDE: usize = 30;

/// The rows and columns of each example.
type Canvases = [(u16, u16)];

/// The places of a canvas.
fn canvas(rows: u16, columns: u16) -> Vec<u16> {
    (0..rows).flat_map(|row| (0..columns).map(move |column| row * SIDE as u16 + column)).collect()
}

fn neighbours(canvases: &Canvases, prefix: usize) -> Neighbours {
    let places: Vec<_> = canvases.iter().map(|&(rows, columns)| canvas(rows, columns)).collect();
    Neighbours::new(places.iter().map(Vec::as_slice), prefix, SIDE)
}

/// A layer and a batch for it.
struct Case {
    neighbours: Neighbours,
    x: Matrix<Cpu>,
    weight: Matrix<Cpu>,
}

impl Case {
    fn draw(canvases: &Canvases, prefix: usize, width: usize) -> Self {
        let mut stream = Stream::new(13, "local");
        let neighbours = neighbours(canvases, prefix);
        let x = random(&mut stream, neighbours.tokens(), width);
        Self { neighbours, x, weight: random(&mut stream, PLACES, width) * (1.0 / 3.0) }
    }
}

/// Two rows and two columns behind one prefix token. The first channel has the weights 1 to 9, the second that of the cell to the right.
fn by_hand<D: Operations>(device: &D) {
    let x = [[7.0f32, 8.0], [1.0, 1.0], [10.0, 2.0], [100.0, 3.0], [1000.0, 4.0]];
    let x = device.tensor_from_vec(x.concat(), (5, 2));
    let weight = (0..PLACES).flat_map(|place| [place as f32 + 1.0, if place == 5 { 1.0 } else { 0.0 }]).collect();
    let weight = device.tensor_from_vec(weight, (PLACES, 2));
    let sums = [
        [7.0f32, 8.0],
        [1.0 + 5.0 + 60.0 + 800.0 + 9000.0, 1.0 + 2.0],
        [10.0 + 4.0 + 50.0 + 700.0 + 8000.0, 2.0],
        [100.0 + 2.0 + 30.0 + 500.0 + 6000.0, 3.0 + 4.0],
        [1000.0 + 1.0 + 20.0 + 400.0 + 5000.0, 4.0],
    ];
    let norm = |[a, b]: [f32; 2]| [a, b].map(|sum| sum / ((a * a + b * b) / 2.0 + 1e-5).sqrt());
    let expected = sums.map(norm).concat();
    let neighbours = neighbours(&[(2, 2)], 1);
    let found = D::local::<NoneTape>(x, &weight, &neighbours).as_vec();
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, not {expected:?}");
}

#[test]
fn a_canvas_of_four_cells_comes_out_as_by_hand() {
    on_every_device!(by_hand);
}

#[test]
fn the_composed_form_and_its_gradient() {
    let Case { neighbours, x, weight } = Case::draw(&[(2, 3), (1, 1)], 1, 3);
    check_gradient(9, 3, |x| composed(x, &weight, &neighbours));
    check_gradient(PLACES, 3, |weight| {
        let (weight, tape) = weight.split_tape();
        composed(x.clone().put_tape(tape), &weight, &neighbours)
    });
}

/// Canvases of one cell, of one row and of one column, and more tokens than a task or a block of sums takes; widths that fill registers and
/// that do not.
fn fused<D: Operations>(device: &D) {
    let cases: [(&Canvases, usize, usize); 7] = [
        (&[(1, 1)], 1, 3),
        (&[(1, 7), (5, 1)], 1, 5),
        (&[(3, 4)], 16, 97),
        (&[(3, 4), (1, 1), (2, 2), (1, 30)], 1, 128),
        (&[(2, 3), (30, 2)], 16, 64),
        (&[(20, 30), (1, 2), (10, 10)], 1, 36),
        (&[(3, 3), (4, 3)], 0, 520),
    ];
    for (canvases, prefix, width) in cases {
        let Case { neighbours, x, weight } = Case::draw(canvases, prefix, width);
        check_forms(
            device,
            &format!("{}, {canvases:?}, prefix {prefix}, width {width}", device.in_words()),
            &x,
            &[weight],
            &|x, w| D::local(x, &w[0], &neighbours),
            &|x, w| composed(x, &w[0], &neighbours),
            2e-5,
        );
    }
}

#[test]
fn the_fused_form_of_every_device_equals_the_composed_one() {
    on_every_device!(fused);
}

#[test]
fn in_place_and_on_the_tape_are_one_and_examples_do_not_see_each_other() {
    let canvases = [(3, 4), (1, 1), (12, 11)];
    for width in [7, 64, 200] {
        let Case { neighbours: all, x, weight } = Case::draw(&canvases, 2, width);
        let (taped, _) = cpu(x.leaky_trace(), &weight, &all).split_tape();
        let whole = taped.as_vec();
        assert_eq!(cpu::<NoneTape>(x.clone(), &weight, &all).as_vec(), whole, "width {width}");
        let mut first = 0;
        for canvas in canvases {
            let alone = neighbours(&[canvas], 2);
            let rows = first..first + alone.tokens() * width;
            first = rows.end;
            let x = Cpu::default().tensor_from_vec(bridge::values(&x)[rows.clone()].to_vec(), (alone.tokens(), width));
            assert_eq!(cpu::<NoneTape>(x, &weight, &alone).as_vec(), whole[rows], "{canvas:?}, width {width}");
        }
    }
}

/// Forward, in place, and all gradients, added to what is there: their bits.
fn on_threads(threads: usize, case: &Case) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (x, weight) = (bridge::values(&case.x), bridge::values(&case.weight));
    let table = case.neighbours.table();
    pool.install(|| {
        let layer = Local::new(weight, table);
        let (mut y, mut in_place) = (x.to_vec(), x.to_vec());
        let factors = layer.forward(x, &mut y);
        layer.apply(&mut in_place);
        let mut gradient: Vec<f32> = x.iter().map(|x| (3.0 * x).sin()).collect();
        let (mut d_x, mut d_weight) = (vec![0.25; x.len()], vec![0.5; weight.len()]);
        layer.backward(x, &y, &mut gradient, &factors, Into { x: &mut d_x, weight: &mut d_weight });
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
        [y, in_place, factors.to_vec(), d_x, d_weight].map(bits).to_vec()
    })
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = Case::draw(&[(30, 30), (7, 9), (20, 20)], 16, 160);
    let one = on_threads(1, &case);
    for threads in [2, 5] {
        assert!(on_threads(threads, &case) == one, "{threads} threads");
    }
}
