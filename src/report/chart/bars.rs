//! Shares as bars, each with its interval, one below the other.

use maud::{Markup, html};

use super::{Axis, Scale, drawing, line, pixel, text};

/// One share.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Of what.
    pub name: String,
    /// In 0..=1.
    pub share: f64,
    /// Its interval.
    pub interval: (f64, f64),
    /// What stands at its end.
    pub label: String,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 150.0;
const ROW: f64 = 28.0;
const TOP: f64 = 10.0;

/// The drawing within a page that has [`STYLE`](super::STYLE).
pub fn bars(title: &str, bars: &[Bar]) -> Markup {
    let axis = Axis { scale: Scale::Linear, low: 0.0, high: 100.0, from: LEFT, to: WIDTH - 130.0 };
    let bottom = TOP + ROW * bars.len() as f64;
    let content = html! {
        @for tick in axis.ticks(5) {
            (line((axis.place(tick), TOP), (axis.place(tick), bottom), "grid"))
            (text(axis.place(tick), bottom + 18.0, "soft middle", &format!("{tick}%")))
        }
        @for (place, bar) in bars.iter().enumerate() {
            @let top = TOP + ROW * place as f64;
            @let place_of = |share: f64| axis.place(100.0 * share.clamp(0.0, 1.0));
            @let (low, high) = (place_of(bar.interval.0), place_of(bar.interval.1));
            @let middle = top + ROW / 2.0;
            (text(LEFT - 10.0, middle + 4.0, "end", &bar.name))
            rect class="share" x=(pixel(LEFT)) y=(pixel(top + 5.0)) width=(pixel(place_of(bar.share) - LEFT))
                height=(pixel(ROW - 10.0)) {}
            (line((low, middle), (high, middle), "error"))
            (text(axis.to + 10.0, middle + 4.0, "soft", &bar.label))
        }
    };
    drawing(WIDTH, bottom + 28.0, title, None, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let bar = Bar { name: "a <b>".into(), share: 0.5, interval: (0.25, 0.75), label: "1 of 2".into() };
        let svg = bars("t", &[bar]).into_string();
        // from 150 to 630 is the whole
        assert!(
            svg.contains(r#"width="240.0""#) && svg.contains(r#"x1="270.0""#) && svg.contains(r#"x2="510.0""#),
            "{svg}"
        );
        assert!(svg.contains("a &lt;b&gt;"), "{svg}");
    }
}
