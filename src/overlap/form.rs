//! `Form`: what makes two pairs, or two inputs, the same.
//!
//! Up to symmetry it is the least, over the eight dihedral maps, of the cells with their colours renamed in the order in which they first
//! come. The grids of a pair are turned and renamed together, so two pairs have one form exactly when one augmentation makes one into the other.

use super::Likeness;
use crate::augment::Dihedral;
use crate::grid::{COLOURS, Grid};

/// Sides and cells of one grid or two, in a form that is equal for what counts as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Form(Vec<u8>);

impl Form {
    /// The form of these grids together.
    pub(super) fn of(grids: &[&Grid], likeness: Likeness) -> Self {
        match likeness {
            Likeness::Equal => Self(bytes(grids.iter().copied(), |colour| colour)),
            Likeness::UpToSymmetry => {
                let seen = |map: Dihedral| Self::renamed(&grids.iter().map(|grid| map.apply(grid)).collect::<Vec<_>>());
                Dihedral::ALL.into_iter().map(seen).min().expect("there are eight maps")
            }
        }
    }

    /// The first colour that comes is 0, the next one 1.
    fn renamed(grids: &[Grid]) -> Self {
        let mut names = [None; COLOURS as usize];
        let mut next = 0;
        let rename = |colour: u8| {
            *names[usize::from(colour)].get_or_insert_with(|| {
                next += 1;
                next - 1
            })
        };
        Self(bytes(grids, rename))
    }
}

fn bytes<'a>(grids: impl IntoIterator<Item = &'a Grid>, mut cell: impl FnMut(u8) -> u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for grid in grids {
        bytes.extend([grid.rows() as u8, grid.columns() as u8]);
        bytes.extend(grid.cells().iter().map(|&colour| cell(colour)));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Augmentation, ColourMap};
    use crate::task;

    fn form(grids: &[&Grid]) -> Form {
        Form::of(grids, Likeness::UpToSymmetry)
    }

    #[test]
    fn every_augmentation_of_a_pair_has_its_form() {
        let colours = ColourMap::new([3, 9, 0, 1, 8, 2, 4, 5, 7, 6]).unwrap();
        for task in task::load("arc-agi-2/evaluation").unwrap().tasks.iter().take(20) {
            let pair = &task.train[0];
            let forms = Dihedral::ALL.map(|dihedral| {
                let augmentation = Augmentation { dihedral, colours };
                form(&[&augmentation.apply(&pair.input), &augmentation.apply(&pair.output)])
            });
            assert!(forms.iter().all(|other| *other == form(&[&pair.input, &pair.output])), "{}", task.id);
        }
    }

    #[test]
    fn the_grids_of_a_pair_are_turned_and_renamed_together() {
        let grid = |cells: [u8; 4]| Grid::new(2, 2, cells.to_vec()).unwrap();
        let (input, output) = (grid([1, 0, 0, 0]), grid([0, 2, 0, 0]));
        assert_eq!(form(&[&input]), form(&[&grid([3, 3, 3, 5])]), "one grid, turned and renamed");
        assert_ne!(form(&[&input, &output]), form(&[&input, &grid([2, 0, 0, 0])]), "the output alone was turned");
        assert_ne!(form(&[&input, &output]), form(&[&input, &grid([0, 1, 0, 0])]), "the output alone was renamed");
        let full = grid([4; 4]);
        assert_ne!(form(&[&input, &full]), form(&[&full, &input]), "what is given and what it becomes were swapped");
    }

    #[test]
    fn sides_count() {
        let (row, column) = (Grid::new(1, 2, vec![0, 1]).unwrap(), Grid::new(2, 1, vec![0, 1]).unwrap());
        assert_ne!(Form::of(&[&row], Likeness::Equal), Form::of(&[&column], Likeness::Equal));
        assert_eq!(form(&[&row]), form(&[&column]));
    }
}
