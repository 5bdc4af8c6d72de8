//! The ten colours of ARC, as its own viewer shows them, and what of them a terminal of 256 colours has.

use crate::grid::COLOURS;

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Colour(pub u8, pub u8, pub u8);

/// The colours of the cells 0..=9: black, blue, red, green, yellow, grey, magenta, orange, sky, maroon.
pub const PALETTE: [Colour; COLOURS as usize] = [
    Colour(0, 0, 0),
    Colour(0, 116, 217),
    Colour(255, 65, 54),
    Colour(46, 204, 64),
    Colour(255, 220, 0),
    Colour(170, 170, 170),
    Colour(240, 18, 190),
    Colour(255, 133, 27),
    Colour(127, 219, 255),
    Colour(135, 12, 37),
];

/// The nearest of the 256 colours of a terminal, in the order of [`PALETTE`]. The first sixteen are passed over: there
/// each terminal has its own.
pub(super) const NEAREST_OF_256: [u8; COLOURS as usize] = [16, 32, 203, 41, 220, 248, 199, 208, 117, 88];

/// The lines between cells.
pub(super) const GRID_LINE: Colour = Colour(85, 85, 85);

/// What pictures stand on: a colour of their own, so that they can be read on a page of any colour.
pub(super) const GROUND: Colour = Colour(255, 255, 255);

/// Titles.
pub(super) const TEXT: Colour = Colour(0, 0, 0);

/// Arrows and the smaller captions.
pub(super) const PALE_TEXT: Colour = Colour(85, 85, 85);

impl Colour {
    /// `#0074d9`.
    pub fn hex(self) -> String {
        let Self(red, green, blue) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Black or white, whichever can be read better on this colour.
    pub fn contrasting(self) -> Self {
        // The contrast of the web guidelines, (lighter + 0.05) / (darker + 0.05), is the same on both sides at this luminance.
        if self.luminance() > (1.05f64 * 0.05).sqrt() - 0.05 { Self(0, 0, 0) } else { Self(255, 255, 255) }
    }

    /// How bright it looks, in 0..=1 (sRGB).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| match f64::from(channel) / 255.0 {
            share if share <= 0.04045 => share / 12.92,
            share => ((share + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

/// The colour of a cell. A value above 9 is none of ARC's and looks like grey.
pub(super) fn colour_of(cell: u8) -> Colour {
    PALETTE[place_of(cell)]
}

/// Where a cell's colour stands in [`PALETTE`].
pub(super) fn place_of(cell: u8) -> usize {
    if cell < COLOURS { usize::from(cell) } else { 5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours 16..=255 of a terminal: a cube of six steps a side, then greys.
    fn of_256(index: u8) -> Colour {
        let step = |place: u8| if place == 0 { 0 } else { 55 + 40 * place };
        match index {
            16..232 => Colour(step((index - 16) / 36), step((index - 16) / 6 % 6), step((index - 16) % 6)),
            _ => Colour(8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)),
        }
    }

    #[test]
    fn no_other_of_the_256_colours_is_nearer() {
        let distance = |a: Colour, b: Colour| {
            let difference = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
            difference(a.0, b.0) + difference(a.1, b.1) + difference(a.2, b.2)
        };
        for (colour, nearest) in PALETTE.into_iter().zip(NEAREST_OF_256) {
            let best = (16..=255).min_by_key(|&index| distance(of_256(index), colour)).unwrap();
            assert_eq!(nearest, best, "{}", colour.hex());
        }
    }

    #[test]
    fn marks_can_be_read_on_every_colour() {
        for colour in PALETTE {
            let (one, other) = (colour.luminance() + 0.05, colour.contrasting().luminance() + 0.05);
            assert!(one.max(other) / one.min(other) > 4.5, "{}", colour.hex());
        }
        assert_eq!(PALETTE[4].contrasting(), Colour(0, 0, 0));
        assert_eq!(PALETTE[9].contrasting(), Colour(255, 255, 255));
        assert_eq!(PALETTE[1].hex(), "#0074d9");
    }
}
