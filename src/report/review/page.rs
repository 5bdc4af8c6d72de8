//! What the page draws, as JSON: grids are texts of digits with a `/` between rows.
//!
//! It stands inside a `<script>` element, which a `</script>` in a task's id would end: every `<` is written as `\u003c`.

use serde::Serialize;

use super::{Output, Review, Reviewed};
use crate::grid::Grid;
use crate::vote::Candidate;

/// Candidates of a test input that are shown; the right one is shown wherever it stands.
const MOST_CANDIDATES: usize = 10;

#[derive(Serialize)]
struct Page<'a> {
    tasks: Vec<PageTask<'a>>,
}

#[derive(Serialize)]
struct PageTask<'a> {
    id: &'a str,
    verdict: &'static str,
    seconds: f64,
    views: usize,
    side: usize,
    train: Vec<[String; 2]>,
    tests: Vec<PageTest>,
}

#[derive(Serialize)]
struct PageTest {
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<String>,
    attempts: Vec<String>,
    candidates: Vec<PageCandidate>,
    /// Candidates and votes that are not shown.
    others: [usize; 2],
    steps: Vec<String>,
}

#[derive(Serialize)]
struct PageCandidate {
    grid: String,
    votes: usize,
    halt: f64,
    place: usize,
}

/// The JSON of a review, ready to stand inside a `<script>` element.
pub(super) fn data(review: &Review<'_>) -> String {
    let page = Page { tasks: review.tasks.iter().map(task).collect() };
    serde_json::to_string(&page).expect("a page is plain data").replace('<', "\\u003c")
}

fn task<'a>(reviewed: &Reviewed<'a>) -> PageTask<'a> {
    let task = reviewed.task;
    let outputs = task.test.iter().zip(&reviewed.outputs);
    PageTask {
        id: &task.id,
        verdict: reviewed.verdict.name(),
        seconds: reviewed.entry.map_or(0.0, |entry| rounded(entry.seconds)),
        views: reviewed.entry.map_or(0, |entry| entry.predictions),
        side: task.shown_side(),
        train: task.train.iter().map(|pair| [digits(&pair.input), digits(&pair.output)]).collect(),
        tests: outputs.map(|(test, output)| page_test(&test.input, test.output.as_ref(), output)).collect(),
    }
}

fn page_test(input: &Grid, truth: Option<&Grid>, output: &Output) -> PageTest {
    let is_shown = |place: usize| place < MOST_CANDIDATES || Some(place) == output.place;
    let hidden = || output.candidates.iter().enumerate().filter(|(place, _)| !is_shown(*place));
    let candidate = |(place, candidate): (usize, &Candidate)| PageCandidate {
        grid: drawn(candidate.grid.as_ref()),
        votes: candidate.votes,
        halt: rounded(candidate.halt),
        place,
    };
    PageTest {
        input: digits(input),
        truth: truth.map(digits),
        attempts: output.attempts.iter().map(digits).collect(),
        candidates: output.candidates.iter().enumerate().filter(|(place, _)| is_shown(*place)).map(candidate).collect(),
        others: [hidden().count(), hidden().map(|(_, candidate)| candidate.votes).sum()],
        steps: output.by_step.iter().map(|grid| drawn(grid.as_ref())).collect(),
    }
}

/// An empty board is an empty text.
fn drawn(grid: Option<&Grid>) -> String {
    grid.map(digits).unwrap_or_default()
}

fn digits(grid: &Grid) -> String {
    let row = |row: &[u8]| row.iter().map(|cell| char::from(b'0' + cell)).collect::<String>();
    grid.iter_rows().map(row).collect::<Vec<_>>().join("/")
}

/// Three digits after the point are enough to look at.
fn rounded(value: f64) -> f64 {
    (1000.0 * value).round() / 1000.0
}
