//! The nearest known name to a misspelt one: every "no such ..." error ends with a way out. And names as they may be shown: they come from files.

use std::borrow::Cow;

/// The letters of a name that is looked for; a longer one is no slip of the keyboard.
const MOST_LETTERS: usize = 200;

/// The known name that looks most like `given`, when one is close enough to be meant (Jaro-Winkler of at least 0.75).
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MOST_LETTERS {
        return None;
    }
    let lower = given.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.len() <= MOST_LETTERS)
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean "X"?` for the nearest known name, or nothing.
pub fn hint<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(given, known) {
        Some(name) => format!("; did you mean \"{name}\"?"),
        None => String::new(),
    }
}

/// A text that comes from a file, as it may be shown: what would steer the terminal, or turn the line round, stands there as an escape. Lines and
/// tabs are kept.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let letter = |letter: char| if steers(letter) { letter.escape_unicode().to_string() } else { letter.to_string() };
    Cow::Owned(text.chars().map(letter).collect())
}

fn steers(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        // marks that change the direction of a text
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => letter.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_noise_finds_none() {
        let sets = ["arc-agi-1/training", "arc-agi-1/evaluation"];
        assert_eq!(nearest("arc-agi-1/evalution", sets), Some("arc-agi-1/evaluation"));
        assert_eq!(hint("qqq", sets), "");
    }

    #[test]
    fn what_would_steer_the_terminal_is_shown_as_an_escape() {
        assert_eq!(shown("a\tb\n\u{e9}"), "a\tb\n\u{e9}");
        assert_eq!(shown("\u{1b}[2J\r\u{9b}a\u{202e}"), "\\u{1b}[2J\\u{d}\\u{9b}a\\u{202e}");
    }
}
