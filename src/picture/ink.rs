//! `Ink`: how a cell looks in a terminal, and which way it is to look.

use super::palette::{Colour, NEAREST_OF_256, colour_of, place_of};

/// The grey of the grid lines among the 256 colours.
const GREY_OF_256: u8 = 240;

/// How cells are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// On a background of 24-bit colour.
    TrueColour,
    /// On a background of the nearest of 256 colours.
    Colours256,
    /// As a digit, black as a point.
    Digits,
}

impl Ink {
    /// What can be shown where the output goes, by the variables of the environment: digits where it is no terminal, where
    /// `NO_COLOR` is not empty, or where the terminal says nothing of at least 256 colours.
    pub fn choose(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = variable("TERM").is_some_and(|value| value == "dumb");
        if is_terminal && !is_plain && !is_dumb { Self::best(variable).unwrap_or(Self::Digits) } else { Self::Digits }
    }

    /// The colours that the terminal says it has; `None` where it says nothing of at least 256.
    pub fn best(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_true = |value: String| ["truecolor", "24bit"].contains(&value.as_str());
        match (variable("COLORTERM").is_some_and(is_true), variable("TERM")) {
            (true, _) => Some(Self::TrueColour),
            (_, Some(name)) if name.contains("256color") => Some(Self::Colours256),
            _ => None,
        }
    }

    /// The sequence that begins a cell of this value.
    pub(super) fn background(self, cell: u8) -> String {
        let colour = colour_of(cell);
        match self {
            Self::TrueColour => format!("\u{1b}[48;2;{};{};{}m", colour.0, colour.1, colour.2),
            Self::Colours256 => format!("\u{1b}[48;5;{}m", NEAREST_OF_256[place_of(cell)]),
            Self::Digits => String::new(),
        }
    }

    /// The sequence that begins what is written into cells: a mark in black or white, or the point of a black cell in grey.
    pub(super) fn foreground(self, colour: Colour) -> String {
        match (self, colour) {
            (Self::TrueColour, Colour(red, green, blue)) => format!("\u{1b}[38;2;{red};{green};{blue}m"),
            (Self::Colours256, Colour(0, 0, 0)) => "\u{1b}[38;5;16m".to_owned(),
            (Self::Colours256, Colour(255, 255, 255)) => "\u{1b}[38;5;231m".to_owned(),
            (Self::Colours256, _) => format!("\u{1b}[38;5;{GREY_OF_256}m"),
            (Self::Digits, _) => String::new(),
        }
    }

    /// What stands in a cell of a value, of this many columns. Coloured cells are blank but for points and marks.
    pub(super) fn letters(self, cell: u8, is_wrong: bool, columns: usize) -> String {
        let digit = if cell == 0 { ".".to_owned() } else { cell.to_string() };
        match (self, is_wrong, columns) {
            (Self::Digits, true, 1) => self.mark(1).to_owned(),
            (Self::Digits, true, _) => digit + self.mark(1),
            (Self::Digits, false, columns) => format!("{digit:columns$}"),
            (_, true, columns) => self.mark(columns).to_owned(),
            (_, false, columns) => format!("{:>columns$}", if cell == 0 { "." } else { "" }),
        }
    }

    /// The mark of a cell that differs.
    pub(super) fn mark(self, columns: usize) -> &'static str {
        match (self, columns) {
            (Self::Digits, _) => "*",
            (_, 1) => "x",
            _ => "><",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ink_is_what_the_terminal_says_that_it_has() {
        let choose = |is_terminal: bool, set: &[(&str, &str)]| {
            Ink::choose(is_terminal, |name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let (term, true_colour) = (("TERM", "xterm-256color"), ("COLORTERM", "truecolor"));
        assert_eq!(choose(true, &[term, true_colour]), Ink::TrueColour);
        assert_eq!(choose(true, &[("COLORTERM", "24bit")]), Ink::TrueColour);
        assert_eq!(choose(true, &[term]), Ink::Colours256);
        assert_eq!(choose(true, &[term, ("COLORTERM", "1")]), Ink::Colours256);
        assert_eq!(choose(true, &[("TERM", "xterm")]), Ink::Digits);
        assert_eq!(choose(true, &[]), Ink::Digits);
        assert_eq!(choose(false, &[term, true_colour]), Ink::Digits);
        assert_eq!(choose(true, &[term, true_colour, ("NO_COLOR", "1")]), Ink::Digits);
        assert_eq!(choose(true, &[term, true_colour, ("NO_COLOR", "")]), Ink::TrueColour);
        assert_eq!(choose(true, &[("TERM", "dumb"), true_colour]), Ink::Digits);
    }
}
