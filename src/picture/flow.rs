//! Things side by side, as many as fit: the one layout rule of terminal and page, in columns of text or in pixels.

use std::iter::once;
use std::ops::Range;

/// Rows of things with these widths and this gap between them, each row filled before the next begins. A thing wider than
/// the limit stands alone.
pub(super) fn flow(widths: &[usize], gap: usize, limit: usize) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    let mut taken = 0;
    for (place, width) in widths.iter().enumerate() {
        match rows.last_mut() {
            Some(row) if taken + gap + width <= limit => {
                row.end += 1;
                taken += gap + width;
            }
            _ => {
                rows.push(place..place + 1);
                taken = *width;
            }
        }
    }
    rows
}

/// The rows of a figure's panels: all in one where that fits, with room for the arrow after the input; else the input above
/// and the others below it, so that the truth stays beside the attempts.
pub(super) fn panels(widths: &[usize], arrow: usize, gap: usize, limit: usize) -> Vec<Range<usize>> {
    let gaps = if widths.len() > 1 { arrow + gap * (widths.len() - 2) } else { 0 };
    if widths.iter().sum::<usize>() + gaps <= limit {
        return once(0..widths.len()).collect();
    }
    let below = flow(&widths[1..], gap, limit);
    once(0..1).chain(below.into_iter().map(|row| row.start + 1..row.end + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of each row and the one behind its last.
    fn ends(rows: Vec<Range<usize>>) -> Vec<(usize, usize)> {
        rows.into_iter().map(|row| (row.start, row.end)).collect()
    }

    #[test]
    fn a_row_is_filled_to_the_last_column_before_the_next_begins() {
        assert_eq!(ends(flow(&[3, 3, 3], 1, 11)), [(0, 3)]);
        assert_eq!(ends(flow(&[3, 3, 3], 1, 10)), [(0, 2), (2, 3)]);
        assert_eq!(ends(flow(&[20, 3, 3], 1, 10)), [(0, 1), (1, 3)]);
        assert_eq!(ends(flow(&[], 1, 10)), []);
    }

    #[test]
    fn a_pair_that_does_not_fit_stands_one_above_the_other() {
        assert_eq!(ends(panels(&[3, 3], 4, 2, 10)), [(0, 2)]);
        assert_eq!(ends(panels(&[3, 3], 4, 2, 9)), [(0, 1), (1, 2)]);
        assert_eq!(ends(panels(&[3, 3, 3, 3], 4, 2, 20)), [(0, 4)]);
        assert_eq!(ends(panels(&[3, 3, 3, 3], 4, 2, 19)), [(0, 1), (1, 4)]);
        assert_eq!(ends(panels(&[3, 3, 3, 3], 4, 2, 8)), [(0, 1), (1, 3), (3, 4)]);
    }
}
