//! `Augmentation`: a colour permutation followed by one of the eight dihedral maps, its inverse and its printed name.
//!
//! The printed name is the published one: `t{id}|||{ten digits}`, digit i being what colour i becomes; a variant
//! of a task is `taskid|||t{id}|||{ten digits}`, and the plain task has its bare id. Colours are
//! permuted first, so undoing goes the other way round: the dihedral map first, then the colours.
//! Grids are augmented on the fly from the name; no augmented grid is ever stored.

mod dihedral;
mod plan;
mod puzzle;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::FileError;
use crate::grid::{COLOURS, Grid};
pub use dihedral::Dihedral;
pub use plan::{Colouring, MOST_VARIANTS, Plan, Turning};
pub use puzzle::{PuzzleView, form_of};

/// What stands between the parts of a name.
pub const SEPARATOR: &str = "|||";

/// What can be wrong with a name or a plan.
#[derive(Debug, Error)]
pub enum AugmentError {
    /// A name that is not of the form above.
    #[error("\"{name}\" is no augmentation: {fault}; it looks like t3|||0213456789")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A plan file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A plan that asks for something that cannot be.
    #[error("augmentation plan {name}: {fault}")]
    Plan {
        /// The plan's file.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// A permutation of the ten colours: `self.0[c]` is what colour `c` becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u8; COLOURS as usize]")]
pub struct ColourMap([u8; COLOURS as usize]);

impl ColourMap {
    /// Every colour stays.
    pub const IDENTITY: Self = Self([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

    /// The permutation, or `None` when a colour is missing.
    pub fn new(map: [u8; COLOURS as usize]) -> Option<Self> {
        (0..COLOURS).all(|colour| map.contains(&colour)).then_some(Self(map))
    }

    /// What `colour` becomes.
    pub fn apply(&self, colour: u8) -> u8 {
        self.0[usize::from(colour)]
    }

    /// True when every colour stays.
    pub fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }

    /// This permutation and then another.
    pub fn then(&self, next: &Self) -> Self {
        Self(self.0.map(|colour| next.apply(colour)))
    }

    /// The permutation that takes every colour back.
    pub fn inverse(&self) -> Self {
        let mut back = [0; COLOURS as usize];
        for (colour, &becomes) in self.0.iter().enumerate() {
            back[usize::from(becomes)] = colour as u8;
        }
        Self(back)
    }
}

impl Default for ColourMap {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl TryFrom<[u8; COLOURS as usize]> for ColourMap {
    type Error = &'static str;

    fn try_from(map: [u8; COLOURS as usize]) -> Result<Self, Self::Error> {
        Self::new(map).ok_or("the colours are not the ten digits, each once")
    }
}

/// One way to look at a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Augmentation {
    /// The symmetry of the square, applied second.
    pub dihedral: Dihedral,
    /// The colour permutation, applied first.
    pub colours: ColourMap,
}

impl Augmentation {
    /// The task as it is.
    pub const IDENTITY: Self = Self { dihedral: Dihedral::Identity, colours: ColourMap::IDENTITY };

    /// This augmentation of what another permutation of the colours has made.
    pub fn after(self, colours: ColourMap) -> Self {
        Self { colours: colours.then(&self.colours), ..self }
    }

    /// The grid as seen through this augmentation: `dihedral(colours[grid])`.
    pub fn apply(&self, grid: &Grid) -> Grid {
        self.dihedral.apply(&grid.map(|colour| self.colours.apply(colour)))
    }

    /// The grid that [`apply`](Self::apply) would have made into this one.
    pub fn undo(&self, grid: &Grid) -> Grid {
        let back = self.colours.inverse();
        self.dihedral.inverse().apply(grid).map(|colour| back.apply(colour))
    }

    /// The name of the task's variant: the bare id for the plain task.
    pub fn variant_name(&self, task: &str) -> String {
        if *self == Self::IDENTITY { task.to_owned() } else { format!("{task}{SEPARATOR}{self}") }
    }

    /// The task's id and the augmentation of a variant's name.
    ///
    /// # Errors
    /// [`AugmentError::Name`].
    pub fn parse_variant(name: &str) -> Result<(&str, Self), AugmentError> {
        match name.split_once(SEPARATOR) {
            None => Ok((name, Self::IDENTITY)),
            Some((task, augmentation)) => Ok((task, augmentation.parse()?)),
        }
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}{SEPARATOR}", self.dihedral.id())?;
        self.colours.0.iter().try_for_each(|colour| write!(f, "{colour}"))
    }
}

impl FromStr for Augmentation {
    type Err = AugmentError;

    fn from_str(name: &str) -> Result<Self, AugmentError> {
        let fault = |fault| AugmentError::Name { name: name.to_owned(), fault };
        let (map, digits) = name.split_once(SEPARATOR).ok_or_else(|| fault("there is no ||| in it"))?;
        let id = map.strip_prefix('t').filter(|id| id.len() == 1).and_then(|id| id.parse().ok());
        let dihedral = id.and_then(Dihedral::from_id).ok_or_else(|| fault("the map is not one of t0 to t7"))?;
        let values: Vec<u8> = digits.bytes().map(|digit| digit.wrapping_sub(b'0')).collect();
        let colours = <[u8; COLOURS as usize]>::try_from(values).ok().and_then(ColourMap::new);
        let colours = colours.ok_or_else(|| fault("the colours are not the ten digits, each once"))?;
        Ok(Self { dihedral, colours })
    }
}
