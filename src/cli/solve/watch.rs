//! The bar of a run that solves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::threads;
use crate::solve::{Plan, Progress, Views};
use crate::units::{Count, Seconds};

/// Tasks of the round done, solved so far, views of the task at hand, and the time left by the pace or by the limit, whichever is shorter.
/// `behind` of the tasks were done before this start and tell nothing of the pace.
pub(super) fn bar(plan: &Plan<'_>, views: Option<Arc<Views>>, in_rounds: bool, behind: usize) -> ProgressBar {
    let began = Instant::now();
    let bar = ProgressBar::new(plan.set.tasks.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks{msg}{views}, {elapsed} spent, {left} left")
        .expect("the template is right");
    let (started, limit) = (plan.started, plan.time_limit);
    let of_task = move || {
        let views = views.as_ref()?;
        let (answered, all) = (views.answered.load(Ordering::Relaxed), views.all.load(Ordering::Relaxed));
        (all > 0).then_some((answered, all))
    };
    let watched = of_task.clone();
    let views = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        if let Some((answered, all)) = watched() {
            let _ = write!(text, ", {} of {} views of the next", Count(answered as u64), Count(all as u64));
        }
    };
    let left = move |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let until_limit = limit.map(|limit| limit.saturating_sub(started.elapsed()));
        let begun = of_task()
            .filter(|(answered, all)| answered < all)
            .map_or(0.0, |(answered, all)| answered as f64 / all as f64);
        let behind = behind as f64;
        let (done, tasks) = (state.pos() as f64 + begun - behind, state.len().unwrap_or(0) as f64 - behind);
        // of several rounds a later one takes longer, so there the limit alone is told
        let by_pace = (done > 0.0 && !in_rounds).then(|| began.elapsed().mul_f64((tasks / done - 1.0).clamp(0.0, 1e6)));
        let _ = match until_limit.into_iter().chain(by_pace).min() {
            Some(left) => write!(text, "{}", Seconds::from(left)),
            None => write!(text, "unknown time"),
        };
    };
    let elapsed = move |_: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{}", Seconds::from(started.elapsed()));
    };
    bar.set_style(style.with_key("views", views).with_key("left", left).with_key("elapsed", elapsed));
    threads::tick(&bar);
    bar
}

pub(super) fn show(bar: &ProgressBar, progress: Progress) {
    let mut message = String::new();
    if progress.rounds > 1 {
        message = format!(", round {} of {}", progress.round + 1, progress.rounds);
    }
    if let Some(solved) = progress.solved {
        message += &format!(", {solved} solved");
    }
    bar.set_message(message);
    bar.set_position(progress.done as u64);
}
