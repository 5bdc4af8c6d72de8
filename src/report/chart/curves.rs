//! Curves, of trainings above all: one panel a quantity, one below the other over the same steps; one line a training.

use maud::{Markup, html};

use super::{Axis, STYLE, Scale, drawing, line, pixel, short, text};

/// The course of one quantity of one training.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The training's name.
    pub name: String,
    /// Step and value, in the order of steps.
    pub points: Vec<(f64, f64)>,
}

/// One quantity of all trainings.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it is, with its unit.
    pub title: String,
    /// Along which scale.
    pub scale: Scale,
    /// One curve a training.
    pub curves: Vec<Curve>,
}

const WIDTH: f64 = 760.0;
const PANEL: f64 = 180.0;
const LEGEND: f64 = 30.0;

/// Colours there are; more curves begin again with the first.
const COLOURS: usize = 6;

/// The points that a curve is drawn with at most: more than a screen has columns shows nothing more.
const MOST_POINTS: usize = 1500;

/// The drawing as a file of its own.
pub fn curves(title: &str, axis: &str, panels: &[Panel]) -> String {
    drawn_with(Some(STYLE), title, axis, panels).into_string() + "\n"
}

/// The drawing within a page that has [`STYLE`].
pub fn curves_of_page(title: &str, axis: &str, panels: &[Panel]) -> Markup {
    drawn_with(None, title, axis, panels)
}

fn drawn_with(style: Option<&str>, title: &str, axis: &str, panels: &[Panel]) -> Markup {
    let (left, right) = (64.0, WIDTH - 16.0);
    let height = LEGEND + PANEL * panels.len() as f64 + 26.0;
    let steps = panels.iter().flat_map(|panel| &panel.curves).flat_map(|curve| &curve.points).map(|point| point.0);
    let x = Axis::holding(Scale::Linear, steps, left, right);
    let content = html! {
        (legend(panels, left))
        @for (place, panel) in panels.iter().enumerate() {
            (drawn(panel, &x, LEGEND + PANEL * place as f64))
        }
        @for tick in whole(x.ticks(7)) {
            (text(x.place(tick), height - 24.0, "soft middle", &short(tick)))
        }
        (text((left + right) / 2.0, height - 6.0, "soft middle", axis))
    };
    drawing(WIDTH, height, title, style, &content)
}

/// The ticks that are whole numbers where there are enough of them: between two steps there is none.
fn whole(ticks: Vec<f64>) -> Vec<f64> {
    let whole: Vec<f64> = ticks.iter().copied().filter(|tick| tick.fract() == 0.0).collect();
    if whole.len() < 3 { ticks } else { whole }
}

/// The trainings' names in the colours of their curves.
fn legend(panels: &[Panel], left: f64) -> Markup {
    let names: Vec<&str> = panels.iter().flat_map(|panel| &panel.curves).map(|curve| curve.name.as_str()).fold(
        Vec::new(),
        |mut names, name| {
            if !names.contains(&name) {
                names.push(name);
            }
            names
        },
    );
    let starts = names.iter().scan(left, |start, name| {
        let here = *start;
        *start += 30.0 + 6.6 * name.chars().count() as f64;
        Some(here)
    });
    html! {
        @for ((place, name), start) in names.iter().enumerate().zip(starts) {
            line x1=(pixel(start)) y1="16" x2=(pixel(start + 14.0)) y2="16" class="curve" style=(stroke(place)) {}
            (text(start + 19.0, 20.0, "", name))
        }
    }
}

fn drawn(panel: &Panel, x: &Axis, top: f64) -> Markup {
    let (from, to) = (top + PANEL - 14.0, top + 28.0);
    let values = panel.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let y = Axis::holding(panel.scale, values, from, to);
    html! {
        (text(x.from, top + 18.0, "strong", &panel.title))
        @for tick in y.ticks(4) {
            (line((x.from, y.place(tick)), (x.to, y.place(tick)), "grid"))
            (text(x.from - 8.0, y.place(tick) + 4.0, "soft end", &short(tick)))
        }
        @for (place, curve) in panel.curves.iter().enumerate() {
            @let every = curve.points.len().div_ceil(MOST_POINTS).max(1);
            @let last = curve.points.last().filter(|_| !(curve.points.len().max(1) - 1).is_multiple_of(every));
            @let shown = curve.points.iter().step_by(every).chain(last).filter(|point| Scale::Linear.holds(point.0) && panel.scale.holds(point.1));
            @let path: Vec<String> = shown.map(|&(step, value)| format!("{},{}", pixel(x.place(step)), pixel(y.place(value)))).collect();
            polyline points=(path.join(" ")) class="curve" style=(stroke(place)) {}
        }
    }
}

fn stroke(place: usize) -> String {
    format!("stroke:var(--s{})", place % COLOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(title: &str, scale: Scale, curves: &[(&str, &[(f64, f64)])]) -> Panel {
        let curve = |&(name, points): &(&str, &[(f64, f64)])| Curve { name: name.into(), points: points.to_vec() };
        Panel { title: title.into(), scale, curves: curves.iter().map(curve).collect() }
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let svg = curves("t", "steps", &[panel("loss", Scale::Linear, &[("a", &[(0.0, 0.0), (100.0, 1.0)])])]);
        // the panel's axes: 64 to 744 across, 196 up to 58
        assert!(svg.contains(r#"points="64.0,196.0 744.0,58.0""#), "{svg}");
        assert!(svg.contains("<style>") && svg.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn few_steps_are_written_as_whole_numbers() {
        assert_eq!(whole(vec![1.0, 1.5, 2.0, 2.5, 3.0]), [1.0, 2.0, 3.0]);
        assert_eq!(whole(vec![0.0, 0.2, 0.4]), [0.0, 0.2, 0.4]);
    }

    #[test]
    fn a_long_log_is_thinned_and_keeps_its_end() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0)).collect();
        let svg = curves("t", "steps", &[panel("loss", Scale::Linear, &[("a", &points)])]);
        let path = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!((1000..=MOST_POINTS + 1).contains(&path.split(' ').count()));
        assert!(path.split(' ').next_back().unwrap().starts_with("743.9"), "{path}");
    }

    #[test]
    fn two_trainings_share_the_panels_and_a_name_stands_once() {
        let both: &[(&str, &[(f64, f64)])] = &[("a", &[(1.0, 1.0), (2.0, 0.1)]), ("b <x>", &[(1.0, 0.0), (2.0, 0.2)])];
        let panels = [panel("loss", Scale::Logarithmic, both), panel("exact", Scale::Linear, both)];
        let svg = curves("t", "steps", &panels);
        assert_eq!((svg.matches("<polyline").count(), svg.matches("b &lt;x&gt;").count()), (4, 1));
    }
}
