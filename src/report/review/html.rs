//! The page: one file with everything in it, to be opened from the disk and without a network.
//!
//! Summary, chart and table are plain HTML, there without a script; the tasks are drawn by `page.js` from the data beside it, when they
//! come into view.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::page::data;
use super::{Review, Verdict};
use crate::picture::PALETTE;
use crate::report::chart::{self, Mark, Point, Scatter, scatter};
use crate::report::{Comparison, ReportError, Row, Run, ended};
use crate::units::{Count, Percent, Seconds};

pub(in crate::report) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the reader is told besides what is in the files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Price {
    /// What an hour of the machine costs, in US dollars.
    pub dollars_per_hour: Option<f64>,
}

impl Price {
    /// US dollars per task of a run.
    pub fn of(self, seconds_per_task: f64) -> Option<f64> {
        self.dollars_per_hour.map(|dollars| dollars * seconds_per_task / 3600.0)
    }
}

impl Review<'_> {
    /// The whole page.
    ///
    /// # Errors
    /// [`ReportError::Baselines`].
    pub fn to_html(&self, price: Price) -> Result<String, ReportError> {
        let rows = self.rows(price)?;
        let palette: String = PALETTE.iter().map(|colour| format!("\"{}\",", colour.hex())).collect();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.record.name) " on " (self.record.tasks.name) }
                    style { (PreEscaped(STYLE)) (PreEscaped(chart::STYLE)) }
                }
                body {
                    header { (self.headline()) }
                    main {
                        (self.summary(price))
                        @if rows.iter().any(|row| !row.ours) { (comparison(&rows)) }
                        (self.gallery())
                    }
                    footer { "Written by trm-arc " (env!("CARGO_PKG_VERSION")) ". The file needs nothing else." }
                    script type="application/json" id="data" { (PreEscaped(data(self))) }
                    script { (PreEscaped(format!("const PALETTE = [{palette}];\n"))) (PreEscaped(SCRIPT)) }
                }
            }
        };
        Ok(page.into_string())
    }

    /// The comparison's rows, ours with what the machine's price makes of its time.
    pub fn rows(&self, price: Price) -> Result<Vec<Row>, ReportError> {
        let mut rows = self.comparison()?.rows().to_vec();
        for row in rows.iter_mut().filter(|row| row.ours) {
            row.cost_per_task_usd = row.seconds_per_task.and_then(|seconds| price.of(seconds));
        }
        Ok(rows)
    }

    /// This run beside the published results.
    pub(super) fn comparison(&self) -> Result<Comparison, ReportError> {
        Comparison::of(&[Run { source: "this run".into(), record: self.record.clone() }])
    }

    fn headline(&self) -> Markup {
        let record = self.record;
        html! {
            p.over { "trm-arc report" }
            h1 { (record.name) " on " (record.tasks.name) }
            @match (&record.score, self.interval()) {
                (Some(score), Some((low, high))) => p.score {
                    strong { (Percent::of(score.task_score, 1.0)) } " of " (score.tasks) " tasks at two attempts"
                    span.soft { " (95% interval " (format!("{low:.1} to {high:.1}")) ")" }
                },
                _ => p.score.soft { "No score: the solutions are not known, or the run did not end in order." },
            }
        }
    }

    /// What the run was, in pairs of name and value.
    pub(super) fn facts(&self, price: Price) -> Vec<(&'static str, String)> {
        let record = self.record;
        let mut facts = Vec::new();
        let mut fact = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
        if let Some(score) = &record.score {
            let solved =
                format!("{} whole, {} of {} outputs", score.solved_tasks.len(), score.solved_outputs, score.outputs);
            fact("Solved tasks", Some(solved));
            fact("Kaggle's score", Some(Percent::of(score.kaggle_score, 1.0).to_string()));
            let pass = |(k, share): (&usize, &f64)| format!("{k}: {}", Percent::of(*share, 1.0));
            fact("Pass@K", score.pass_at.as_ref().map(|all| all.iter().map(pass).collect::<Vec<_>>().join(", ")));
        }
        let counts = [Verdict::NeverSeen, Verdict::NotReached].map(|verdict| (verdict, self.count(verdict)));
        let left = counts.iter().filter(|(_, count)| *count > 0).map(|(verdict, n)| format!("{n} {}", verdict.name()));
        let left: Vec<String> = left.collect();
        let is_ours = !record.is_of_submission();
        let stands = if is_ours { ": the input stands for the answer" } else { ": missing in the submission" };
        fact("Without an answer", (!left.is_empty()).then(|| left.join(", ") + stands));
        fact("Time", is_ours.then(|| self.time()));
        let cost = record.seconds_per_task().and_then(|seconds| price.of(seconds));
        fact(
            "Cost",
            cost.map(|cost| {
                format!(
                    "${} a task at ${} an hour; training is not in it",
                    chart::short(cost),
                    price.dollars_per_hour.unwrap_or(0.0)
                )
            }),
        );
        fact("Device", is_ours.then(|| record.device.clone()));
        fact("Views", record.views.map(|views| format!("{views} of each test input")));
        fact("Supervision steps", record.steps.map(|steps| steps.to_string()));
        if let Some(checkpoint) = &record.checkpoint {
            let recipe = checkpoint.recipe.as_ref().map(|recipe| format!("{recipe}, ")).unwrap_or_default();
            fact("Checkpoint", Some(format!("{recipe}step {}, {}", Count(checkpoint.step), checkpoint.path.display())));
            fact("Checkpoint digest", Some(checkpoint.digest.clone()));
            let sizes = (Count(checkpoint.parameters), Count(checkpoint.puzzle_rows));
            fact("Parameters", Some(format!("{} and {} in puzzle rows", sizes.0, sizes.1)));
        }
        let tasks = &record.tasks;
        fact("Tasks", Some(format!("{}: {} tasks, {} outputs", tasks.name, tasks.tasks, tasks.outputs)));
        fact("Task digest", Some(tasks.digest.clone()));
        fact("Seed", is_ours.then(|| record.seed.to_string()));
        let commit = record.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        fact("Program", is_ours.then(|| format!("trm-arc {}{commit}", record.version)));
        fact("Origin", (!is_ours).then(|| "a submission without the record of a run".into()));
        facts
    }

    fn time(&self) -> String {
        let record = self.record;
        let each = record.seconds_per_task().map(|seconds| format!(", {:.3} s a task", seconds)).unwrap_or_default();
        format!("{}{each}, {}", Seconds(record.seconds), ended(record.status))
    }

    fn summary(&self, price: Price) -> Markup {
        html! {
            section aria-labelledby="summary" {
                h2 #summary { "The run" }
                dl.facts {
                    @for (name, value) in self.facts(price) {
                        div { dt { (name) } dd { (value) } }
                    }
                }
            }
        }
    }

    fn gallery(&self) -> Markup {
        html! {
            section aria-labelledby="tasks" {
                h2 #tasks { "The tasks" }
                noscript { p { "The tasks are drawn by a script; report.csv has them as a table." } }
                div.tools {
                    div.filters role="group" aria-label="Show" {
                        button type="button" data-filter="" aria-pressed="true" { "all " span.soft { (self.tasks.len()) } }
                        @for verdict in Verdict::ALL {
                            @let count = self.count(verdict);
                            @if count > 0 {
                                button type="button" data-filter=(verdict.name()) aria-pressed="false" { (verdict.name()) " " span.soft { (count) } }
                            }
                        }
                    }
                    label { "Sort by "
                        select #sort {
                            option value="order" { "the set's order" }
                            option value="id" { "id" }
                            option value="side" { "largest side" }
                            @if self.has_predictions { option value="share" { "share of votes" } option value="halt" { "halting" } }
                            option value="seconds" { "time" }
                        }
                    }
                    label { "Find " input #search type="search" placeholder="id" autocomplete="off" spellcheck="false"; }
                    p #shown.soft role="status" {}
                }
                p.keys.soft { kbd { "/" } " find, " kbd { "Enter" } " open, " kbd { "←" } " " kbd { "→" } " next task, " kbd { "Esc" } " close" }
                div #cards {}
                dialog #detail aria-labelledby="detail-title" {}
            }
        }
    }
}

/// The published results beside ours: a chart in two sizes, of which the page shows the one that fits, and the table.
fn comparison(rows: &[Row]) -> Markup {
    let points: Vec<Point> = rows.iter().map(point).collect();
    let title = "Accuracy in per cent against US dollars per task";
    let sized = |size| scatter(&Scatter { title, points: &points, size });
    html! {
        section aria-labelledby="comparison" {
            h2 #comparison { "Beside published results" }
            p.soft.legend {
                span.diamond { "◆" } " this run, "
                span.public { "●" } " public evaluation set, "
                span.public { "○" } " ARC Prize's semi-private set, which is other tasks. Systems whose cost was not published are in the table alone."
            }
            div.wide { (sized((980.0, 470.0))) }
            div.narrow { (sized((372.0, 440.0))) }
            details {
                summary { "All " (rows.len()) " rows with their sources" }
                div.scroll { (table(rows)) }
            }
        }
    }
}

fn point(row: &Row) -> Point {
    let mark = match (row.ours, row.split.as_str()) {
        (true, _) => Mark::Ours,
        (false, "semi-private") => Mark::SemiPrivate,
        (false, _) => Mark::Public,
    };
    let interval = row.low.zip(row.high);
    Point { name: row.system.clone(), cost: row.cost_per_task_usd, accuracy: row.accuracy, interval, mark }
}

fn table(rows: &[Row]) -> Markup {
    html! {
        table {
            thead { tr { th { "system" } th { "set" } th.number { "accuracy" } th.number { "$ per task" } th { "source" } th { "date" } } }
            tbody {
                @for row in rows {
                    tr.ours[row.ours] {
                        th scope="row" { (row.system) @if row.ours { " (this run)" } }
                        td { (row.split) @if row.metric != "pass@2" { " " (row.metric) } }
                        td.number { (Percent(row.accuracy)) }
                        td.number { @if let Some(cost) = row.cost_per_task_usd { @if row.ours { (chart::short(cost)) } @else { (cost) } } }
                        td { (row.source) }
                        td { (row.date) }
                    }
                }
            }
        }
    }
}
