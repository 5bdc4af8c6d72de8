//! `Block`: lines of text with the width that they take on a screen, which colours do not count to.

use itertools::Itertools;

/// A line: its text, and how many columns of it can be seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    text: String,
    width: usize,
}

/// Lines under each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    lines: Vec<Line>,
}

impl Block {
    /// A text without colours, as one line.
    pub(super) fn text(text: &str) -> Self {
        Self::drawn([(text.to_owned(), text.chars().count())])
    }

    /// A text broken between words where it is longer than this, and within a word that alone is longer.
    pub(super) fn wrapped(text: &str, limit: usize) -> Self {
        let mut lines: Vec<String> = Vec::new();
        let letters = text.split_whitespace().map(|word| word.chars().collect::<Vec<_>>());
        let words = letters.flat_map(|letters| letters.chunks(limit.max(1)).map(String::from_iter).collect::<Vec<_>>());
        for word in words {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + word.chars().count() <= limit => *line += &format!(" {word}"),
                _ => lines.push(word),
            }
        }
        lines.iter().fold(Self::default(), |block, line| block.over(Self::text(line)))
    }

    /// Lines with their widths.
    pub(super) fn drawn(lines: impl IntoIterator<Item = (String, usize)>) -> Self {
        Self { lines: lines.into_iter().map(|(text, width)| Line { text, width }).collect() }
    }

    /// This above another.
    pub(super) fn over(mut self, below: Self) -> Self {
        self.lines.extend(below.lines);
        self
    }

    /// Blocks side by side with so many blanks between them, their first lines in line.
    pub(super) fn row(blocks: &[Self], gap: usize) -> Self {
        let height = blocks.iter().map(|block| block.lines.len()).max().unwrap_or(0);
        let line = |place: usize| {
            let part = |block: &Self| {
                let Line { text, width } = block.lines.get(place).cloned().unwrap_or_default();
                text + &" ".repeat(block.width() - width)
            };
            blocks.iter().map(part).join(&" ".repeat(gap))
        };
        let width = blocks.iter().map(Self::width).sum::<usize>() + gap * blocks.len().saturating_sub(1);
        Self::drawn((0..height).map(|place| (line(place), width)))
    }

    /// The columns of its widest line.
    pub(super) fn width(&self) -> usize {
        self.lines.iter().map(|line| line.width).max().unwrap_or(0)
    }

    /// The text, without blanks at the ends of lines.
    pub(super) fn into_text(self) -> String {
        self.lines.iter().map(|line| line.text.trim_end_matches(' ').to_owned() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_is_in_line_however_high_it_is() {
        let (low, high) = (Block::text("abc"), Block::text("d").over(Block::text("e")));
        assert_eq!(Block::row(&[low.clone(), high.clone()], 2).into_text(), "abc  d\n     e\n");
        assert_eq!(Block::row(&[high, low], 1).into_text(), "d abc\ne\n");
    }

    #[test]
    fn colours_take_no_place() {
        let coloured = Block::drawn([("\u{1b}[1ma\u{1b}[0m".to_owned(), 1), ("b".to_owned(), 1)]);
        let text = Block::row(&[coloured, Block::text("c").over(Block::text("d"))], 1).into_text();
        assert_eq!(text, "\u{1b}[1ma\u{1b}[0m c\nb d\n");
    }

    #[test]
    fn a_long_text_breaks_between_words() {
        assert_eq!(Block::wrapped("one two three", 7).into_text(), "one two\nthree\n");
        assert_eq!(Block::wrapped("one two three", 6).into_text(), "one\ntwo\nthree\n");
        assert_eq!(Block::wrapped("one seventeen", 5).into_text(), "one\nseven\nteen\n");
    }
}
