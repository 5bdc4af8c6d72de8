//! `Comparison`: our runs and the published results of the same benchmark, best first, and what each further run gained and
//! lost against the first.
//!
//! Our accuracy is the task score at two attempts, as ARC Prize counts, with Wilson's 95% interval over tasks. A run
//! alone without a score has no place in the order and is left out by name. Several runs are of one set and have a score each.

use serde::Serialize;

use super::baselines::{Baseline, Kind, baselines};
use super::change::Change;
use super::record::{Record, Run, Status};
use super::{ReportError, plain, table};
use crate::score;
use crate::task;

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// True for a run of ours.
    pub ours: bool,
    /// The system, or the run's name.
    pub system: String,
    /// What it is.
    pub kind: Kind,
    /// `arc-agi-1`, `arc-agi-2`, or the name of another set.
    pub benchmark: String,
    /// Which of the benchmark's sets.
    pub split: String,
    /// `pass@2` or `pass@1`.
    pub metric: String,
    /// In per cent.
    pub accuracy: f64,
    /// The lower end of our 95% interval, in per cent.
    pub low: Option<f64>,
    /// The upper end of our 95% interval, in per cent.
    pub high: Option<f64>,
    /// Tasks of ours whose outputs are all solved.
    pub solved_tasks: Option<usize>,
    /// The tasks we were asked.
    pub tasks: Option<usize>,
    /// Trained parameters without puzzle rows.
    pub parameters: Option<u64>,
    /// US dollars per task.
    pub cost_per_task_usd: Option<f64>,
    /// Our time per task, in seconds.
    pub seconds_per_task: Option<f64>,
    /// Where the figure comes from.
    pub source: String,
    /// `YYYY-MM`, empty when unknown.
    pub date: String,
    /// What the other columns cannot hold.
    pub note: String,
}

/// Runs and published results, benchmark by benchmark, best first.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    rows: Vec<Row>,
    changes: Vec<Change>,
    #[serde(skip)]
    left_out: Option<String>,
}

impl Comparison {
    /// Sets runs beside the published results of their benchmark, and each against the first; without a run, all published results.
    ///
    /// # Errors
    /// [`ReportError::OtherTasks`] and [`ReportError::NoScore`] where there are several runs, [`ReportError::Baselines`].
    pub fn of(runs: &[Run]) -> Result<Self, ReportError> {
        let changes = match runs {
            [first, others @ ..] => others.iter().map(|run| Change::between(first, run)).collect::<Result<_, _>>()?,
            [] => Vec::new(),
        };
        let mut rows: Vec<Row> = runs.iter().filter_map(our_row).collect();
        let wanted = |benchmark: &str| {
            runs.first().is_none_or(|run| published_set(&run.record).is_some_and(|(known, _)| known == benchmark))
        };
        let published = baselines()?.into_iter().filter(|baseline| wanted(&baseline.benchmark));
        rows.extend(published.map(published_row));
        rows.sort_by(|a, b| a.benchmark.cmp(&b.benchmark).then(b.accuracy.total_cmp(&a.accuracy)));
        let unscored = runs.iter().map(|run| &run.record).find(|record| record.score.is_none());
        let left_out = unscored.map(|record| format!("run \"{}\" is left out: {}", record.name, record.why_unscored()));
        Ok(Self { rows, changes, left_out })
    }

    /// The lines, grouped by benchmark, best first; exact ties begin with ours.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Every run after the first, against the first.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Says that the only run is left out, and why.
    pub fn left_out(&self) -> Option<&str> {
        self.left_out.as_deref()
    }

    /// For the terminal: one table per benchmark, at most 120 columns wide, readable without colour, and below it the changes.
    pub fn to_terminal(&self) -> String {
        let tables = self.benchmarks().map(table::terminal);
        let changes = self.changes.iter().map(|change| format!("{}\n{}\n", change.title(), change.lines().join("\n")));
        tables.chain(changes).collect::<Vec<_>>().join("\n")
    }

    /// Markdown: one table per benchmark, then a list per change.
    pub fn to_markdown(&self) -> String {
        let tables = self.benchmarks().map(table::markdown);
        let changes = self.changes.iter().map(|change| {
            let lines: Vec<String> = change.lines().iter().map(|line| plain(line)).collect();
            format!("## {}\n\n- {}\n", plain(&change.title()), lines.join("\n- "))
        });
        tables.chain(changes).collect::<Vec<_>>().join("\n")
    }

    /// JSON: `{"rows": [...], "changes": [...]}`, the second empty unless there are several runs.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("rows are plain data") + "\n"
    }

    /// CSV of the rows, with a header line; unknown values are empty.
    ///
    /// # Errors
    /// [`ReportError::Baselines`], should a row not fit in.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.rows.iter().try_for_each(|row| writer.serialize(row))?;
        let bytes = writer.into_inner().expect("memory takes every byte");
        Ok(String::from_utf8(bytes).expect("every field is text"))
    }

    fn benchmarks(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|a, b| a.benchmark == b.benchmark)
    }
}

/// Benchmark and split of a run whose tasks are those of a set with published results, told by their digest.
fn published_set(run: &Record) -> Option<(&'static str, &'static str)> {
    task::shipped_with(&run.tasks.digest).filter(|name| task::PUBLIC.contains(name))?.split_once('/')
}

/// Benchmark and split of a run. A set of neither benchmark is a benchmark of its own, whatever it is called, without
/// published results.
fn benchmark_of(run: &Record) -> (String, String) {
    match published_set(run) {
        Some((benchmark, split)) => (benchmark.into(), format!("public-{split}")),
        None => (format!("own tasks: {}", run.tasks.name), "own tasks".into()),
    }
}

fn our_row(Run { source, record: run }: &Run) -> Option<Row> {
    let score = run.score.as_ref()?;
    let tasks = score.tasks as f64;
    let (low, high) = score::wilson(score.task_score * tasks, tasks);
    let (benchmark, split) = benchmark_of(run);
    Some(Row {
        ours: true,
        system: run.name.clone(),
        kind: run.kind(),
        benchmark,
        split,
        metric: "pass@2".into(),
        accuracy: 100.0 * score.task_score,
        low: Some(100.0 * low),
        high: Some(100.0 * high),
        solved_tasks: Some(score.solved_tasks.len()),
        tasks: Some(score.tasks),
        parameters: run.checkpoint.as_ref().map(|checkpoint| checkpoint.parameters),
        cost_per_task_usd: None,
        seconds_per_task: run.seconds_per_task(),
        source: source.clone(),
        date: if run.is_of_submission() { String::new() } else { month(run.started_unix) },
        note: note(run),
    })
}

fn published_row(baseline: Baseline) -> Row {
    Row {
        ours: false,
        system: baseline.system,
        kind: baseline.kind,
        benchmark: baseline.benchmark,
        split: baseline.split,
        metric: baseline.metric,
        accuracy: baseline.accuracy,
        low: None,
        high: None,
        solved_tasks: None,
        tasks: None,
        parameters: baseline.parameters,
        cost_per_task_usd: baseline.cost_per_task_usd,
        seconds_per_task: None,
        source: baseline.source,
        date: baseline.date,
        note: baseline.note,
    }
}

/// What a reader must know of a run that its figures do not say.
fn note(run: &Record) -> String {
    let mut parts = Vec::new();
    parts.extend(run.checkpoint.as_ref().map(|c| format!("and {} numbers in puzzle rows", c.puzzle_rows)));
    match run.status {
        Status::Running => parts.push("did not end in order".into()),
        Status::TimeLimit => parts.push(format!("time limit, {} tasks not reached", run.unanswered)),
        Status::Interrupted => parts.push(format!("interrupted, {} tasks not reached", run.unanswered)),
        Status::Complete if run.unanswered > 0 => parts.push(format!("{} tasks missing", run.unanswered)),
        Status::Complete => {}
    }
    if !run.unseen.is_empty() {
        parts.push(format!("{} tasks unknown to the solver", run.unseen.len()));
    }
    parts.join("; ")
}

/// `YYYY-MM` of a moment in UTC (the civil calendar from days, after Howard Hinnant).
fn month(unix_seconds: u64) -> String {
    let days = unix_seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    format!("{:04}-{month:02}", year_of_era + era * 400 + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Score;
    use crate::task::TaskSet;

    fn run(set: &str, task_score: f64) -> Run {
        let set = task::load(set).unwrap_or(TaskSet { name: set.into(), tasks: Vec::new() });
        let mut run = Record::new("my run with a name that goes on and on", "copy", &set, 0, "cpu");
        run.score = Some(Score {
            tasks: 400,
            outputs: 419,
            kaggle_score: task_score,
            task_score,
            solved_outputs: 9,
            solved_tasks: vec!["a".into(); 8],
            pass_at: None,
        });
        Run { source: "runs/a/folder/with/a/name/that/goes/on/and/on".into(), record: run }
    }

    #[test]
    fn rows_go_from_the_best_down_and_ours_stands_in_its_place_with_an_interval() {
        let comparison = Comparison::of(&[run("arc-agi-1/evaluation", 0.02)]).unwrap();
        let rows = comparison.rows();
        assert!(rows.iter().all(|row| row.benchmark == "arc-agi-1"));
        assert!(rows.is_sorted_by(|a, b| a.accuracy >= b.accuracy));
        let ours: Vec<&Row> = rows.iter().filter(|row| row.ours).collect();
        assert_eq!((ours.len(), ours[0].split.as_str()), (1, "public-evaluation"));
        // Wilson for 8 of 400: (0.02 + 0.0048018 -+ 0.0145287) / 1.0096036, by hand.
        assert_eq!(format!("{:.2} {:.2}", ours[0].low.unwrap(), ours[0].high.unwrap()), "1.02 3.90");
    }

    #[test]
    fn without_a_run_both_benchmarks_are_shown() {
        let comparison = Comparison::of(&[]).unwrap();
        assert_eq!(comparison.rows().len(), baselines().unwrap().len());
        assert_eq!(comparison.benchmarks().count(), 2);
    }

    #[test]
    fn a_run_without_a_score_is_left_out_by_name() {
        let mut hidden = run("arc-agi-2/evaluation", 0.0);
        hidden.record.score = None;
        let comparison = Comparison::of(&[hidden]).unwrap();
        assert!(comparison.left_out().unwrap().contains("my run with a name"));
        assert!(comparison.rows().iter().all(|row| !row.ours && row.benchmark == "arc-agi-2"));
    }

    #[test]
    fn only_the_set_itself_is_set_beside_the_published_results() {
        for name in ["arc-agi-1/my_evaluation_challenges.json", "arc-agi-1", "copy/of/arc-agi-2/evaluation"] {
            let comparison = Comparison::of(&[run(name, 0.5)]).unwrap();
            assert!(comparison.rows().iter().all(|row| row.ours && row.split == "own tasks"), "{name}");
        }
        // Shipped, but no published benchmark: its name says no split of one.
        let own = Comparison::of(&[run("held-out/concepts", 0.5)]).unwrap();
        assert_eq!((own.rows().len(), own.rows()[0].benchmark.as_str()), (1, "own tasks: held-out/concepts"));
        assert_eq!(own.rows()[0].split, "own tasks");
        let mut renamed = run("arc-agi-2/evaluation", 0.5);
        renamed.record.tasks.name = "my.json".into();
        assert!(Comparison::of(&[renamed]).unwrap().rows().iter().all(|row| row.benchmark == "arc-agi-2"));
    }

    #[test]
    fn the_terminal_table_fits_120_columns_and_needs_no_colour() {
        let runs = [run("arc-agi-1/evaluation", 0.98765), run("arc-agi-2/evaluation", 0.5), run("my/tasks", 0.5)];
        let text: String = runs.map(|run| Comparison::of(&[run]).unwrap().to_terminal()).concat();
        let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 120, "{} columns: {widest}", widest.chars().count());
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.matches("> my run").count(), 3);
        assert!(text.contains(" 29.25% ") && text.contains(" 44.6% "), "published figures keep their digits");
    }

    #[test]
    fn every_row_shows_its_source_and_its_date() {
        let comparison = Comparison::of(&[]).unwrap();
        for (text, short) in [(comparison.to_terminal(), true), (comparison.to_markdown(), false)] {
            for row in comparison.rows() {
                let date = if row.date.is_empty() { "undated" } else { &row.date };
                let source =
                    if short { row.source.replace("ARC Prize leaderboard", "ARC Prize") } else { row.source.clone() };
                let first = row.system.split_whitespace().next().unwrap();
                let shows = |line: &str| [first, &source, date].iter().all(|part| line.contains(part));
                assert!(text.lines().any(shows), "{row:?} in {text}");
            }
        }
        let ours = Comparison::of(&[run("my/tasks", 0.5)]).unwrap();
        assert!(ours.to_terminal().replace("\n", "").contains("runs/a/folder"), "{}", ours.to_terminal());
    }

    #[test]
    fn every_format_has_every_row() {
        let runs = [0.02, 0.03].map(|score| run("arc-agi-1/evaluation", score));
        let comparison = Comparison::of(&runs).unwrap();
        let rows = comparison.rows().len();
        let csv = comparison.to_csv().unwrap();
        assert_eq!(csv::Reader::from_reader(csv.as_bytes()).records().filter(Result::is_ok).count(), rows);
        let json: serde_json::Value = serde_json::from_str(&comparison.to_json()).unwrap();
        assert_eq!(json["rows"].as_array().unwrap().len(), rows);
        assert_eq!(comparison.to_markdown().lines().filter(|line| line.starts_with("| ")).count(), rows + 1);
        // The title, and two facts that every change has.
        let title = "my run with a name that goes on and on (runs/a/folder/with/a/name/that/goes/on/and/on) against ";
        assert_eq!(json["changes"][0]["p"], 1.0);
        for text in [comparison.to_terminal(), comparison.to_markdown()] {
            assert!(
                text.contains(title) && text.contains("gained 0\n") && text.contains("solved by both: 8"),
                "{text}"
            );
        }
    }

    #[test]
    fn months_follow_the_calendar() {
        let months = [0, 951_782_399, 951_782_400, 951_868_800, 1_767_225_599, 1_767_225_600].map(month);
        assert_eq!(months, ["1970-01", "2000-02", "2000-02", "2000-03", "2025-12", "2026-01"]);
    }
}
