//! The nearest known name to a misspelt one: every "no such ..." error ends with a way out. And names as they may be shown: they come from files.

use std::borrow::Cow;

/// The letters of a name that is looked for; a longer one is no slip of the keyboard.
const MOST_LETTERS: usize = 200;

/// The most bytes of a name: it names files, and is drawn above a task.
const MAX_NAME: usize = 200;

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
    escaped(text, |letter| !matches!(letter, '\n' | '\t') && steers(letter))
}

/// Returns a name that comes from a file as it may stand in a line, a cell or a title: [`shown`], with line ends and tabs escaped too.
pub fn one_line(name: &str) -> Cow<'_, str> {
    escaped(name, steers)
}

/// Returns why `name` is refused as the name of a task or of anything else that a file lists; `None` for a sound name.
///
/// Such names become lines, cells, titles and files, where these letters mean something else.
pub fn fault(name: &str) -> Option<&'static str> {
    unprintable(name).or((name.len() > MAX_NAME).then_some("has more than 200 bytes"))
}

/// Returns why `name` cannot stand on a line of its own and be shown; `None` where it can.
pub fn unprintable(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        _ if name.contains(['\n', '\r']) => Some("contains a line feed"),
        _ if name.contains(char::is_control) => Some("contains a control character"),
        _ if name.contains(is_line_separator) => Some("contains a line separator"),
        _ if name.contains(is_direction_mark) => Some("contains a mark that changes the direction of text"),
        _ => None,
    }
}

/// Returns a word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let letter =
        |letter: char| if is_escaped(letter) { letter.escape_unicode().to_string() } else { letter.to_string() };
    Cow::Owned(text.chars().map(letter).collect())
}

fn steers(letter: char) -> bool {
    letter.is_control() || is_line_separator(letter) || is_direction_mark(letter)
}

fn is_line_separator(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}')
}

fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    #[test]
    fn a_word_is_what_a_shell_reads_back() {
        assert_eq!(quoted("runs/mine"), "runs/mine");
        assert_eq!(quoted("my tasks"), "'my tasks'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_name_on_one_line_has_its_line_ends_and_tabs_escaped_too() {
        assert_eq!(one_line("a\u{e9} b"), "a\u{e9} b");
        assert_eq!(one_line("a\nb\tc\u{2028}d\u{2066}"), "a\\u{a}b\\u{9}c\\u{2028}d\\u{2066}");
    }

    #[test]
    fn names_that_would_break_a_line_or_turn_it_round_are_refused() {
        for name in ["", "a\nb", "a\tb", "a\u{7f}", "a\u{2029}b", "a\u{202e}b", "\u{200f}", &"x".repeat(201)] {
            assert!(fault(name).is_some(), "{name:?}");
        }
        for name in ["007bbfb7", "a b", "\u{5d0}\u{e9}\u{4e2d}", "t|||t4|||0614732958", "<blank>", &"x".repeat(200)] {
            assert_eq!(fault(name), None, "{name:?}");
        }
    }
}
