//! Charts as SVG: accuracy against cost ([`scatter`]), curves ([`curves`]) and shares as bars ([`bars`]).
//!
//! Colours are CSS variables with a value for light and one for dark ground ([`STYLE`]), so one drawing serves both, in a page and alone.
//! Text goes through [`maud`], which escapes it.

mod bars;
mod curves;
mod scatter;

use maud::{Markup, PreEscaped, html};

use crate::names;

pub use bars::{Bar, bars};
pub use curves::{Curve, Panel, curves, curves_of_page};
pub use scatter::{Mark, Point, Scatter, scatter};

/// The style of every chart.
pub const STYLE: &str = include_str!("chart.css");

/// How values go along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; values must be above 0.
    Logarithmic,
}

/// An axis: values from `low` to `high` lie from pixel `from` to pixel `to`.
/// The most decades of an axis that each have a line.
const MOST_DECADES: usize = 14;

impl Scale {
    /// True of a value that can be drawn. What is beyond these powers would leave the numbers on the way to its place.
    fn holds(self, value: f64) -> bool {
        let size = value.abs();
        (1e-300..=1e300).contains(&size) && (self == Self::Linear || value > 0.0) || self == Self::Linear && size == 0.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// The axis that holds all values, its ends at round numbers. Without a value it goes from 0 to 1.
    fn holding(scale: Scale, values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let range =
            values.into_iter().filter(|value| scale.holds(*value)).fold(None, |range: Option<(f64, f64)>, value| {
                Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            });
        let (low, high) = match (scale, range) {
            (Scale::Linear, None) => (0.0, 1.0),
            (Scale::Logarithmic, None) => (0.1, 1.0),
            (Scale::Linear, Some((low, high))) => {
                let span = high - low.min(0.0);
                let step = round_step(if span > 0.0 { span } else { 1.0 }, 5);
                let high = if high > low { high } else { high + step };
                (step * (low / step).floor(), step * (high / step).ceil())
            }
            (Scale::Logarithmic, Some((low, high))) => {
                let (low, high) = (low.log10().floor(), high.log10().ceil());
                (10f64.powf(low), 10f64.powf(if high > low { high } else { low + 1.0 }))
            }
        };
        Self { scale, low, high, from, to }
    }

    /// The pixel of a value.
    fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        self.from + share * (self.to - self.from)
    }

    /// The round values that are written beside the axis: about so many, or the powers of ten.
    fn ticks(&self, about: usize) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = round_step(self.high - self.low, about);
                let first = (self.low / step).ceil() as i64;
                let last = (self.high / step + 1e-9).floor() as i64;
                (first..=last).map(|i| i as f64 * step).collect()
            }
            Scale::Logarithmic => {
                let (first, last) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
                let every = 1 + (last - first).max(0) as usize / MOST_DECADES;
                (first..=last).step_by(every).map(|exponent| 10f64.powi(exponent)).collect()
            }
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten that goes about `count` times into `span`.
fn round_step(span: f64, count: usize) -> f64 {
    let rough = span / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// A number as short as it can be read: `0.05`, `20`, `45k`, `1.5M`.
pub(super) fn short(value: f64) -> String {
    if value != 0.0 && !(1e-9..1e15).contains(&value.abs()) {
        return format!("{value:.1e}");
    }
    let (scaled, unit) = match value.abs() {
        1e9.. => (value / 1e9, "G"),
        1e6..1e9 => (value / 1e6, "M"),
        1e4..1e6 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match scaled.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size => (2 - size.log10().floor() as i32).clamp(0, 9) as usize,
    };
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// A pixel with one digit after the point.
fn pixel(value: f64) -> String {
    format!("{value:.1}")
}

/// A whole drawing. `title` is what a screen reader says; `style` is [`STYLE`] in a file of its own and nothing in a page that has it.
fn drawing(width: f64, height: f64, title: &str, style: Option<&str>, content: &Markup) -> Markup {
    html! {
        svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width:.0} {height:.0}"))
            width=(format!("{width:.0}")) height=(format!("{height:.0}")) role="img" aria-label=(title) {
            title { (title) }
            @if let Some(style) = style { style { (PreEscaped(style)) } }
            @if style.is_some() { rect class="ground" width="100%" height="100%" {} }
            (content)
        }
    }
}

/// A text.
fn text(x: f64, y: f64, class: &str, content: &str) -> Markup {
    html! { text x=(pixel(x)) y=(pixel(y)) class=(class) { (names::one_line(content)) } }
}

/// A line.
fn line(from: (f64, f64), to: (f64, f64), class: &str) -> Markup {
    html! { line x1=(pixel(from.0)) y1=(pixel(from.1)) x2=(pixel(to.0)) y2=(pixel(to.1)) class=(class) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_round_numbers_and_its_ticks_lie_on_it() {
        let axis = Axis::holding(Scale::Linear, [3.0, 98.0], 0.0, 100.0);
        assert_eq!((axis.low, axis.high, axis.ticks(5)), (0.0, 100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]));
        assert_eq!((axis.place(25.0), axis.place(100.0)), (25.0, 100.0));
        let axis = Axis::holding(Scale::Logarithmic, [0.02, 77.0], 10.0, 50.0);
        assert_eq!((axis.low, axis.high, axis.ticks(5).len()), (0.01, 100.0, 5));
        assert!((axis.place(1.0) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_without_values_or_with_one_is_still_one() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            for values in [vec![], vec![0.5], vec![f64::NAN, 0.0], vec![7.0, 7.0]] {
                let axis = Axis::holding(scale, values.clone(), 0.0, 10.0);
                let has_length = axis.high > axis.low && axis.place(axis.high).is_finite();
                assert!(has_length && axis.ticks(4).len() >= 2, "{values:?}: {axis:?}");
            }
        }
    }

    #[test]
    fn nothing_but_zeros_has_ticks_that_can_be_read() {
        let axis = Axis::holding(Scale::Linear, [0.0, 0.0], 0.0, 10.0);
        assert_eq!(axis.ticks(4).iter().map(|tick| short(*tick)).collect::<Vec<_>>().first(), Some(&"0".to_owned()));
        assert!(axis.ticks(4).iter().skip(1).all(|tick| short(*tick) != "0"), "{axis:?}");
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (0.05, "0.05"),
            (20.0, "20"),
            (45_000.0, "45k"),
            (1_500_000.0, "1.5M"),
            (1e-4, "0.0001"),
            (5000.0, "5000"),
            (0.3 - 0.1, "0.2"),
        ];
        for (value, expected) in cases {
            assert_eq!(short(value), expected);
        }
    }
}
