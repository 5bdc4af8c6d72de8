//! Accuracy against cost per task, the cost on a logarithmic axis: what the leaderboard looks like, with ours marked.

use std::ops::Range;

use maud::{Markup, html};

use super::{Axis, Scale, drawing, line, pixel, short, text};

/// What a point stands for, told by its shape as well as its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A run of ours: a diamond.
    Ours,
    /// A published figure on the public set: a full circle.
    Public,
    /// A published figure on the semi-private set, other tasks of the same kind: a ring.
    SemiPrivate,
}

/// A system.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// US dollars per task; where it is not known the accuracy is drawn as a level across the chart.
    pub cost: Option<f64>,
    /// In per cent.
    pub accuracy: f64,
    /// The ends of the 95% interval, in per cent.
    pub interval: Option<(f64, f64)>,
    /// What it is.
    pub mark: Mark,
}

/// What to draw, and how large.
#[derive(Clone, Debug)]
pub struct Scatter<'a> {
    /// What a screen reader says.
    pub title: &'a str,
    /// The systems.
    pub points: &'a [Point],
    /// Width and height in pixels.
    pub size: (f64, f64),
}

/// The width of a letter, nearly.
const LETTER: f64 = 6.3;

/// A box on the drawing that no other label may touch.
#[derive(Clone, Debug)]
struct Taken {
    x: Range<f64>,
    y: Range<f64>,
}

impl Taken {
    fn around(x: f64, y: f64, reach: f64) -> Self {
        Self { x: x - reach..x + reach, y: y - reach..y + reach }
    }

    fn meets(&self, other: &Self) -> bool {
        self.x.start < other.x.end
            && other.x.start < self.x.end
            && self.y.start < other.y.end
            && other.y.start < self.y.end
    }
}

/// The chart. A label that finds no free place beside its point is left to the point's tooltip; ours come first.
pub fn scatter(chart: &Scatter<'_>) -> Markup {
    let (width, height) = chart.size;
    let (left, right, top, bottom) = (44.0, width - 14.0, 14.0, height - 44.0);
    let costs = chart.points.iter().filter_map(|point| point.cost);
    let x = Axis::holding(Scale::Logarithmic, costs, left, right);
    let y = Axis { scale: Scale::Linear, low: 0.0, high: 100.0, from: bottom, to: top };
    let content = html! {
        @for tick in y.ticks(5) {
            (line((left, y.place(tick)), (right, y.place(tick)), "grid"))
            (text(left - 8.0, y.place(tick) + 4.0, "soft end", &format!("{tick:.0}%")))
        }
        @for tick in x.ticks(5) {
            (line((x.place(tick), top), (x.place(tick), bottom), "grid"))
            (text(x.place(tick), bottom + 18.0, "soft middle", &format!("${}", short(tick))))
        }
        (text((left + right) / 2.0, height - 8.0, "soft middle", "US dollars per task (logarithmic)"))
        (levels(chart.points, &y, left, right))
        (points(chart.points, &x, &y, &(left..right), &(top..bottom)))
    };
    drawing(width, height, chart.title, None, &content)
}

/// Runs of ours whose cost is not known.
fn levels(points: &[Point], y: &Axis, left: f64, right: f64) -> Markup {
    html! {
        @for point in points.iter().filter(|point| point.cost.is_none() && point.mark == Mark::Ours) {
            g {
                title { (tooltip(point)) }
                (line((left, y.place(point.accuracy)), (right, y.place(point.accuracy)), "level"))
                (text(left + 6.0, y.place(point.accuracy) - 6.0, "strong", &format!("{} {:.1}%", point.name, point.accuracy)))
            }
        }
    }
}

fn points(points: &[Point], x: &Axis, y: &Axis, across: &Range<f64>, down: &Range<f64>) -> Markup {
    let mut placed: Vec<(&Point, f64, f64)> =
        points.iter().filter_map(|point| Some((point, x.place(point.cost?), y.place(point.accuracy)))).collect();
    placed.sort_by_key(|(point, ..)| point.mark != Mark::Ours);
    let mut taken: Vec<Taken> = placed.iter().map(|&(_, x, y)| Taken::around(x, y, 5.0)).collect();
    let levels = points.iter().filter(|point| point.cost.is_none() && point.mark == Mark::Ours);
    taken.extend(levels.map(|point| {
        let line = y.place(point.accuracy);
        Taken { x: across.start..across.start + LETTER * (point.name.len() as f64 + 8.0), y: line - 18.0..line + 2.0 }
    }));
    let labels: Vec<Option<(f64, f64, &str)>> = placed
        .iter()
        .map(|&(point, x, y)| {
            let length = LETTER * point.name.chars().count() as f64;
            let sides = [
                (x + 9.0, y + 4.0, "", x + 9.0..x + 9.0 + length),
                (x - 9.0, y + 4.0, "end", x - 9.0 - length..x - 9.0),
                (x, y - 9.0, "middle", x - length / 2.0..x + length / 2.0),
                (x, y + 18.0, "middle", x - length / 2.0..x + length / 2.0),
            ];
            sides.into_iter().find_map(|(at, baseline, class, reach)| {
                let place = Taken { x: reach, y: baseline - 10.0..baseline + 3.0 };
                let fits = place.x.start >= across.start && place.x.end <= across.end;
                let fits = fits && place.y.start >= down.start - 10.0 && place.y.end <= down.end;
                let is_free = fits && taken.iter().all(|other| !other.meets(&place));
                is_free.then(|| {
                    taken.push(place);
                    (at, baseline, class)
                })
            })
        })
        .collect();
    html! {
        @for ((point, x, height), label) in placed.iter().zip(labels) {
            g {
                title { (tooltip(point)) }
                @if let (Some((low, high)), Mark::Ours) = (point.interval, point.mark) {
                    (line((*x, y.place(low)), (*x, y.place(high)), "error"))
                }
                (shape(point.mark, *x, *height))
                @if let Some((at, baseline, class)) = label {
                    (text(at, baseline, &format!("{class}{}", if point.mark == Mark::Ours { " strong" } else { "" }), &point.name))
                }
            }
        }
    }
}

fn shape(mark: Mark, x: f64, y: f64) -> Markup {
    let circle = |class: &str| html! { circle cx=(pixel(x)) cy=(pixel(y)) r="4" class=(class) {} };
    match mark {
        Mark::Ours => {
            let corners = [(0.0, -7.0), (7.0, 0.0), (0.0, 7.0), (-7.0, 0.0)];
            let corners: Vec<String> =
                corners.iter().map(|(dx, dy)| format!("{},{}", pixel(x + dx), pixel(y + dy))).collect();
            html! { polygon points=(corners.join(" ")) class="ours" {} }
        }
        Mark::Public => circle("public"),
        Mark::SemiPrivate => circle("semi"),
    }
}

fn tooltip(point: &Point) -> String {
    let cost = point.cost.map_or_else(|| "cost not known".into(), |cost| format!("${} per task", short(cost)));
    let interval = point.interval.map(|(low, high)| format!(" (95% interval {low:.1} to {high:.1})"));
    format!("{}: {:.1}%{}, {cost}", point.name, point.accuracy, interval.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, cost: Option<f64>, accuracy: f64, mark: Mark) -> Point {
        Point { name: name.into(), cost, accuracy, interval: Some((accuracy - 1.0, accuracy + 1.0)), mark }
    }

    fn drawn(points: &[Point]) -> String {
        scatter(&Scatter { title: "accuracy against cost", points, size: (600.0, 400.0) }).into_string()
    }

    #[test]
    fn every_point_is_drawn_where_its_cost_and_accuracy_say() {
        let text = drawn(&[
            point("cheap", Some(0.1), 0.0, Mark::Public),
            point("dear", Some(10.0), 100.0, Mark::SemiPrivate),
            point("us", Some(1.0), 50.0, Mark::Ours),
        ]);
        // the axes go from 44 to 586 and from 356 up to 14
        assert!(text.contains(r#"cx="44.0" cy="356.0" r="4" class="public""#), "{text}");
        assert!(text.contains(r#"cx="586.0" cy="14.0" r="4" class="semi""#), "{text}");
        assert!(text.contains(r#"points="315.0,178.0"#), "{text}");
        assert_eq!(text.matches("class=\"error\"").count(), 1, "the interval is ours");
    }

    #[test]
    fn a_run_without_a_cost_is_a_level_and_a_published_one_is_not_drawn() {
        let text = drawn(&[point("us", None, 5.6, Mark::Ours), point("them", None, 40.0, Mark::Public)]);
        assert!(text.contains("class=\"level\"") && text.contains("us 5.6%") && !text.contains("them"), "{text}");
    }

    #[test]
    fn labels_never_lie_on_each_other() {
        let crowd: Vec<Point> = (0..40)
            .map(|i| point(&format!("system {i}"), Some(1.0 + f64::from(i) / 100.0), 50.0, Mark::Public))
            .collect();
        let text = drawn(&crowd);
        let labels = text.matches(">system ").count() - text.matches("<title>system ").count();
        assert!((2..40).contains(&labels), "{labels} labels");
        assert_eq!(text.matches("<circle").count(), 40);
    }

    #[test]
    fn names_are_escaped() {
        let text = drawn(&[point("<script>", Some(1.0), 50.0, Mark::Ours)]);
        assert!(!text.contains("<script>") && text.contains("&lt;script&gt;"));
    }
}
