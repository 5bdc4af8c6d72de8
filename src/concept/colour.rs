//! ARC's ten colours by name.

pub(super) const BLACK: u8 = 0;
pub(super) const BLUE: u8 = 1;
pub(super) const RED: u8 = 2;
pub(super) const GREEN: u8 = 3;
pub(super) const YELLOW: u8 = 4;
pub(super) const GREY: u8 = 5;
pub(super) const MAGENTA: u8 = 6;
pub(super) const ORANGE: u8 = 7;
pub(super) const SKY: u8 = 8;
pub(super) const MAROON: u8 = 9;
