//! The variants of a task, as the published build draws them.
//!
//! One of the eight maps, then a permutation of the colours 1 to 9, up to five times as often as variants are wanted; a draw whose content
//! was there before is dropped. What bites: the content is all pairs of the task in any order, test pairs with their outputs too, and a
//! dropped draw still moves the generator.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::numpy::Numpy;
use crate::augment::{Augmentation, ColourMap, Dihedral};
use crate::grid::{COLOURS, Grid};
use crate::task::Pair;

/// Draws for each variant that is wanted.
const DRAWS_PER_VARIANT: usize = 5;

/// Kinds of bytes in a [`View`]: a colour is itself, a number of rows or columns stands above the colours.
const KINDS: usize = 64;

/// A pair through one of the eight maps: shape and cells of the input, then of the output.
type View = Vec<u8>;

/// The task as it is, then at most `wanted` variants of it, in the order in which they were drawn; `None` once `stop` is raised.
pub(super) fn draw(numpy: &mut Numpy, pairs: &[Pair], wanted: usize, stop: &AtomicBool) -> Option<Vec<Augmentation>> {
    let mut variants = vec![Augmentation::IDENTITY];
    let views = Dihedral::ALL.map(|dihedral| pairs.iter().map(|pair| view(pair, dihedral)).collect::<Vec<View>>());
    let used = |&colour: &u8| pairs.iter().any(|pair| [&pair.input, &pair.output].iter().any(|grid| has(grid, colour)));
    let used: Vec<u8> = (0..COLOURS).filter(used).collect();
    let mut coloured = Vec::new();
    let mut contents = HashSet::from([content(&views[0], ColourMap::IDENTITY, &mut coloured)]);
    let mut looks = HashSet::new();
    for _ in 0..wanted.saturating_mul(DRAWS_PER_VARIANT) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let variant = draw_one(numpy);
        // A repetition that differs in colours only that the task does not have is known without its content: a third of the time.
        let mut look = [0; COLOURS as usize];
        used.iter().for_each(|&colour| look[usize::from(colour)] = variant.colours.apply(colour));
        let is_new = looks.insert((variant.dihedral, look))
            && contents.insert(content(&views[variant.dihedral.id()], variant.colours, &mut coloured));
        if is_new {
            variants.push(variant);
        }
        if variants.len() > wanted {
            break;
        }
    }
    Some(variants)
}

fn draw_one(numpy: &mut Numpy) -> Augmentation {
    let dihedral = Dihedral::ALL[numpy.below(Dihedral::ALL.len())];
    let mut map: [u8; COLOURS as usize] = std::array::from_fn(|colour| colour as u8);
    numpy.shuffle(&mut map[1..]);
    Augmentation { dihedral, colours: ColourMap::new(map).expect("a shuffled permutation is one") }
}

fn has(grid: &Grid, colour: u8) -> bool {
    grid.cells().contains(&colour)
}

fn view(pair: &Pair, dihedral: Dihedral) -> View {
    let mut view = View::new();
    for grid in [&pair.input, &pair.output] {
        let grid = dihedral.apply(grid);
        view.extend([grid.rows(), grid.columns()].map(|side| COLOURS + side as u8));
        view.extend(grid.cells());
    }
    view
}

/// A digest of the pairs in these colours, whatever their order.
fn content(views: &[View], colours: ColourMap, coloured: &mut Vec<u8>) -> [u8; 32] {
    let becomes: [u8; KINDS] = std::array::from_fn(|kind| match kind as u8 {
        colour @ 0..COLOURS => colours.apply(colour),
        side => side,
    });
    let digest = |view: &View| {
        coloured.clear();
        coloured.extend(view.iter().map(|&kind| becomes[usize::from(kind) % KINDS]));
        <[u8; 32]>::from(Sha256::digest(&coloured))
    };
    let mut digests: Vec<[u8; 32]> = views.iter().map(digest).collect();
    digests.sort_unstable();
    Sha256::digest(digests.concat()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize, cells: &[u8]) -> Grid {
        Grid::new(rows, columns, cells.to_vec()).unwrap()
    }

    #[test]
    fn a_task_without_colours_has_one_look() {
        let pair = Pair { input: Grid::placeholder(), output: Grid::placeholder() };
        let mut numpy = Numpy::new(42);
        let stop = AtomicBool::new(false);
        assert_eq!(draw(&mut numpy, &[pair], 3, &stop), Some(vec![Augmentation::IDENTITY]));
        // Fifteen draws were made all the same.
        let mut other = Numpy::new(42);
        for _ in 0..15 {
            draw_one(&mut other);
        }
        assert_eq!(numpy.below(1 << 31), other.below(1 << 31));
    }

    #[test]
    fn the_order_of_pairs_is_no_content_but_which_is_input_is() {
        let (a, b) = (grid(1, 2, &[1, 2]), grid(2, 1, &[1, 2]));
        let pair = |input: &Grid, output: &Grid| Pair { input: input.clone(), output: output.clone() };
        let of = |pairs: &[Pair]| {
            let views: Vec<View> = pairs.iter().map(|pair| view(pair, Dihedral::Identity)).collect();
            content(&views, ColourMap::IDENTITY, &mut Vec::new())
        };
        let (there, back) = (pair(&a, &b), pair(&b, &a));
        assert_eq!(of(&[there.clone(), back.clone()]), of(&[back.clone(), there.clone()]));
        assert_ne!(of(&[there.clone(), there.clone()]), of(std::slice::from_ref(&there)));
        assert_ne!(of(&[there]), of(&[back]));
        assert_ne!(of(&[pair(&a, &a)]), of(&[pair(&b, &b)]));
    }

    #[test]
    fn nothing_wanted_draws_nothing() {
        let mut numpy = Numpy::new(42);
        let pair = Pair { input: Grid::placeholder(), output: Grid::placeholder() };
        draw(&mut numpy, &[pair], 0, &AtomicBool::new(true)).unwrap();
        assert_eq!(numpy.below(1 << 31), Numpy::new(42).below(1 << 31));
    }
}
