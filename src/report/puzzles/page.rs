//! The page of a run on puzzles: one file with everything in it and no script, to be opened from the disk and without a network.

use itertools::Itertools;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::{COLUMNS, line};
use super::{Group, PuzzlePrediction, PuzzleReview, PuzzleScore};
use crate::grid::Grid;
use crate::names;
use crate::picture::{PUZZLE_STYLE, PuzzleBoard};
use crate::report::chart::{self, Bar, Curve, Panel, Scale, bars, curves_of_page};
use crate::report::review;
use crate::units::{Count, Percent};

/// The layout of the boards.
const STYLE: &str =
    ".boards { display: flex; flex-wrap: wrap; gap: 12px 18px; align-items: flex-end; margin: 0 0 28px; }
.boards figcaption { overflow-wrap: anywhere; } .score td, .score th { border-bottom: 1px solid var(--line); }";

/// The pixels of the large boards and of those in between.
const SIDES: [usize; 2] = [180, 117];

/// Fewer supervision steps make no curve.
const LEAST_CURVE: usize = 3;

impl PuzzleReview<'_> {
    /// The whole page.
    pub fn to_html(&self) -> String {
        let record = self.record;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (record.name) " on " (record.puzzles.name) }
                    style { (PreEscaped(review::STYLE)) (PreEscaped(chart::STYLE)) (PreEscaped(PUZZLE_STYLE)) (PreEscaped(STYLE)) }
                }
                body {
                    header { (self.top()) }
                    main {
                        (self.summary())
                        @if let Some(score) = &record.score { (results(score)) }
                        (self.gallery())
                    }
                    footer { "Written by trm-arc " (env!("CARGO_PKG_VERSION")) ". The file needs nothing else." }
                }
            }
        };
        page.into_string()
    }

    fn top(&self) -> Markup {
        let record = self.record;
        html! {
            p.over { "trm-arc report" }
            h1 { (record.name) " on " (record.puzzles.name) }
            @match &record.score {
                Some(score) => p.score {
                    @let (low, high) = score.all.interval_95_percent;
                    strong { (Percent::of(score.all.exact_share, 1.0)) } " of " (Count(score.all.puzzles as u64)) " puzzles exact"
                    span.soft { " (95% interval " (format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high)) ")" }
                },
                None if !record.puzzles.has_answers => p.score.soft { "Not scored: the table does not have all answers." },
                None => p.score.soft { "No score: nothing was answered, or the run did not end in order." },
            }
        }
    }

    fn summary(&self) -> Markup {
        html! {
            section aria-labelledby="summary" {
                h2 #summary { "The run" }
                dl.facts {
                    @for (name, value) in self.facts() { div { dt { (name) } dd { (value) } } }
                }
            }
        }
    }

    fn gallery(&self) -> Markup {
        let drawn = self.drawn();
        html! {
            section aria-labelledby="boards" {
                h2 #boards { "Puzzles" }
                @if drawn.is_empty() {
                    p.soft { "No predictions were kept; solve with --predictions keeps them." }
                } @else {
                    p.soft {
                        "Those that are wrong come first. What is given is bold on a tinted ground; a wrong cell has an outline, in a maze a cross."
                    }
                    @for prediction in drawn { (self.puzzle(prediction)) }
                }
            }
        }
    }

    /// The question, the answers after the steps, and the truth.
    fn puzzle(&self, prediction: &PuzzlePrediction) -> Markup {
        let PuzzlePrediction { puzzle, grid, earlier, .. } = prediction;
        let cells = puzzle.answer.cells().len();
        let wrong = cells - prediction.right();
        let verdict = if !prediction.has_answer {
            "answer not known".to_owned()
        } else if wrong == 0 {
            "exact".to_owned()
        } else {
            format!("{wrong} of {cells} cells wrong")
        };
        let grids: Vec<&Grid> = earlier.iter().chain([grid]).collect();
        html! {
            h3 { (verdict) span.soft { ", rating " (puzzle.rating) ", halting " (format!("{:.2}", prediction.halt)) @if !puzzle.source.is_empty() { ", from " (names::one_line(&puzzle.source)) } } }
            div.boards {
                (self.board("question", prediction, &puzzle.question, false, SIDES[0]))
                @for (name, grid) in steps(&grids[..grids.len() - 1]) { (self.board(&name, prediction, grid, true, SIDES[1])) }
                (self.board("answer", prediction, grid, true, SIDES[0]))
                @if prediction.has_answer { (self.board("truth", prediction, &puzzle.answer, false, SIDES[0])) }
            }
        }
    }

    fn board(&self, name: &str, of: &PuzzlePrediction, shown: &Grid, is_judged: bool, side: usize) -> Markup {
        let truth = Some(&of.puzzle.answer).filter(|_| is_judged && of.has_answer);
        let board = PuzzleBoard { kind: self.record.puzzles.kind, question: &of.puzzle.question, shown, truth };
        html! { figure { figcaption { (name) } (PreEscaped(board.to_svg(name, (side / shown.rows()).max(4)))) } }
    }
}

/// Answers after steps that follow each other and are the same are drawn once.
fn steps<'a>(grids: &[&'a Grid]) -> Vec<(String, &'a Grid)> {
    let mut first = 1;
    let mut named = Vec::new();
    for (grid, run) in &grids.iter().chunk_by(|grid| **grid) {
        let last = first + run.count() - 1;
        named.push((if first == last { format!("step {first}") } else { format!("steps {first} to {last}") }, grid));
        first = last + 1;
    }
    named
}

/// The table of groups, the bars by rating and the curves over steps.
fn results(score: &PuzzleScore) -> Markup {
    html! {
        section aria-labelledby="results" {
            h2 #results { "Exact puzzles" }
            div.scroll { table.score {
                thead { tr { @for column in COLUMNS { th.number[!column.is_empty()] { (column) } } } }
                tbody { @for (name, group) in score.groups() { (row(&name, &group)) } }
            } }
            @if score.learned.is_none() { p.soft { "How many questions stand in the training set is not known: it was not at hand." } }
        }
        section aria-labelledby="ratings" {
            h2 #ratings { "By rating" }
            (bars("Share of exact puzzles by rating", &score.by_rating.iter().map(|band| bar(band.to_string(), &band.group)).collect_vec()))
        }
        @if score.by_step.len() >= LEAST_CURVE {
            section aria-labelledby="steps" {
                h2 #steps { "By supervision step" }
                (curves_of_page("Exact puzzles and right cells over supervision steps", "supervision step", &panels(score)))
            }
        }
    }
}

fn row(name: &str, group: &Group) -> Markup {
    let [name, rest @ ..] = line(name, group);
    html! { tr { th scope="row" { (name) } @for cell in rest { td.number { (cell) } } } }
}

fn bar(name: String, group: &Group) -> Bar {
    let label = format!("{} of {}", Count(group.exact as u64), Count(group.puzzles as u64));
    Bar { name, share: group.exact_share, interval: group.interval_95_percent, label }
}

fn panels(score: &PuzzleScore) -> [Panel; 2] {
    let panel = |title: &str, value: fn(&Group) -> f64| {
        let points = score.by_step.iter().zip(1..).map(|(group, step)| (f64::from(step), 100.0 * value(group)));
        let curve = Curve { name: "this run".to_owned(), points: points.collect() };
        Panel { title: title.to_owned(), scale: Scale::Linear, curves: vec![curve] }
    };
    [
        panel("exact puzzles in per cent", |group| group.exact_share),
        panel("right cells in per cent", |group| group.accuracy),
    ]
}
