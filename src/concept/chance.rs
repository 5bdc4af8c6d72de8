//! What a rule leaves to chance: numbers, colours, pictures. Generators alone draw; a verifier never does.

use std::ops::RangeInclusive;

use super::colour::{BLACK, MAROON};
use super::scene::Scene;
use crate::rng::Stream;

/// A number of the range.
pub(super) fn between(stream: &mut Stream, range: RangeInclusive<usize>) -> usize {
    range.start() + stream.below(range.end() - range.start() + 1)
}

/// Rows and columns, both of the range.
pub(super) fn sides(stream: &mut Stream, range: RangeInclusive<usize>) -> (usize, usize) {
    (between(stream, range.clone()), between(stream, range))
}

/// One of these.
pub(super) fn pick<T: Copy>(stream: &mut Stream, items: &[T]) -> T {
    items[stream.below(items.len())]
}

/// Heads or tails.
pub(super) fn coin(stream: &mut Stream) -> bool {
    stream.below(2) == 0
}

/// `count` of these, each at most once, in random order.
pub(super) fn some<T: Copy>(stream: &mut Stream, items: &[T], count: usize) -> Vec<T> {
    let mut items = items.to_vec();
    stream.shuffle(&mut items);
    items.truncate(count);
    items
}

/// `count` different colours, neither black nor one of `but`.
pub(super) fn colours(stream: &mut Stream, count: usize, but: &[u8]) -> Vec<u8> {
    let free: Vec<u8> = (BLACK + 1..=MAROON).filter(|colour| !but.contains(colour)).collect();
    some(stream, &free, count)
}

/// A picture without order: every cell is one of the palette, which may have a colour more than once.
pub(super) fn picture(stream: &mut Stream, (rows, columns): (usize, usize), palette: &[u8]) -> Scene {
    let mut scene = Scene::black(rows, columns);
    for cell in scene.every_cell() {
        scene.paint([cell], pick(stream, palette));
    }
    scene
}
