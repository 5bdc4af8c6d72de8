//! Numbers that know their unit, so that no bare number is printed.

use std::fmt;
use std::iter::Sum;
use std::time::Duration;

/// A share of a whole, printed as `12.3%`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// `part` of `whole`; zero of nothing is zero.
    pub fn of(part: f64, whole: f64) -> Self {
        Self(if whole == 0.0 { 0.0 } else { 100.0 * part / whole })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(1);
        write!(f, "{:.digits$}%", self.0)
    }
}

/// A length of time, printed as `4.2 s`, `3 min 05 s` or `2 h 07 min`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.round() as u64;
        match whole {
            0..60 => write!(f, "{:.1} s", self.0),
            60..3600 => write!(f, "{} min {:02} s", whole / 60, whole % 60),
            _ => write!(f, "{} h {:02} min", whole / 3600, whole % 3600 / 60),
        }
    }
}

/// Longest time that a flag takes: no run goes on for longer.
pub const MAX_DURATION: Duration = Duration::from_secs(1000 * 24 * 3600);

/// Reads `90s`, `20m`, `2h` or a bare number of seconds, of at most [`MAX_DURATION`].
///
/// # Errors
/// Says what a time limit looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, scale) = match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some((number, "h")) => (number, 3600.0),
        _ => (text.trim(), 1.0),
    };
    let seconds: f64 =
        number.parse().map_err(|_| format!("\"{text}\" is not a length of time; write it as 90s, 20m or 2h"))?;
    let duration = Duration::try_from_secs_f64(seconds * scale)
        .map_err(|_| format!("\"{text}\" is not a length of time that can pass; write it as 90s, 20m or 2h"))?;
    if duration > MAX_DURATION {
        return Err(format!("\"{text}\" is too long; hint: give at most {}h", MAX_DURATION.as_secs() / 3600));
    }
    Ok(duration)
}

/// Reads a length of time for work that needs some.
///
/// # Errors
/// As [`parse_duration`], and for no time at all.
pub fn parse_positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err(format!("\"{text}\" leaves no time for the work; hint: write it as 90s, 20m or 2h")),
        duration => Ok(duration),
    }
}

/// A length of time that is estimated, printed as `40 s`, `4 min` or `2.5 h`, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About(pub Duration);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        match seconds.ceil() as u64 {
            whole @ 0..=60 => write!(f, "{whole} s"),
            whole @ 61..=3600 => write!(f, "{} min", whole.div_ceil(60)),
            _ => write!(f, "{:.1} h", (seconds / 360.0).ceil() / 10.0),
        }
    }
}

/// A size in memory or on disk, printed as `512 B`, `18.2 KB` or `1.8 GB` (powers of 1000).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.1} KB", size / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", size / 1e6),
            _ => write!(f, "{:.1} GB", size / 1e9),
        }
    }
}

/// A count of things with thousands set apart, printed as `6,830,082`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A short length of time, printed as `1404.21 ms`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Milliseconds(pub f64);

impl From<Seconds> for Milliseconds {
    fn from(seconds: Seconds) -> Self {
        Self(1e3 * seconds.0)
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} ms", self.0)
    }
}

/// Floating-point operations, a multiply-add being two, printed as `238.86 GFLOP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operations(pub u64);

impl Operations {
    /// How fast they were done.
    pub fn in_time(self, time: Seconds) -> OperationRate {
        OperationRate(self.0 as f64 / time.0)
    }
}

impl Sum for Operations {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|operations| operations.0).sum())
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000_000_000 => write!(f, "{:.2} MFLOP", self.0 as f64 / 1e6),
            _ => write!(f, "{:.2} GFLOP", self.0 as f64 / 1e9),
        }
    }
}

/// Floating-point operations per second, printed as `170.1 GFLOP/s`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct OperationRate(pub f64);

impl fmt::Display for OperationRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} GFLOP/s", self.0 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_print_themselves() {
        assert_eq!(Percent::of(1.0, 8.0).to_string(), "12.5%");
        assert_eq!(Percent::of(0.0, 0.0).to_string(), "0.0%");
        assert_eq!(Seconds(4.21).to_string(), "4.2 s");
        assert_eq!(Seconds(185.0).to_string(), "3 min 05 s");
        assert_eq!(Seconds(7620.0).to_string(), "2 h 07 min");
        assert_eq!(Bytes(1_822_205_258).to_string(), "1.8 GB");
        assert_eq!(Count(6_830_082).to_string(), "6,830,082");
        assert_eq!(Count(12).to_string(), "12");
        assert_eq!(Milliseconds::from(Seconds(1.404_214)).to_string(), "1404.21 ms");
        assert_eq!(Operations(238_859_305_984).to_string(), "238.86 GFLOP");
        assert_eq!(Operations(1_500_000).to_string(), "1.50 MFLOP");
        assert_eq!(Operations(340_000_000_000).in_time(Seconds(2.0)).to_string(), "170.0 GFLOP/s");
    }

    #[test]
    fn time_limits_read_as_people_write_them() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("20m"), Ok(Duration::from_secs(1200)));
        assert_eq!(parse_duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("30"), Ok(Duration::from_secs(30)));
        assert!(parse_duration("soon").unwrap_err().contains("20m"));
        assert!(parse_duration("-3m").is_err());
        assert!(parse_duration("").is_err());
    }

    #[test]
    fn a_time_that_never_ends_is_refused_and_none_at_all_where_work_needs_some() {
        assert!(parse_duration("1e18").unwrap_err().contains("hint: give at most 24000h"));
        assert!(parse_duration("NaN").is_err());
        assert_eq!(parse_duration("24000h"), Ok(MAX_DURATION));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert!(parse_positive_duration("0s").unwrap_err().contains("leaves no time"));
        assert_eq!(parse_positive_duration("1"), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn an_estimate_is_rounded_up() {
        let about = |seconds| About(Duration::from_secs_f64(seconds)).to_string();
        assert_eq!([about(39.2), about(60.0), about(61.0), about(230.0)], ["40 s", "60 s", "2 min", "4 min"]);
        assert_eq!([about(3600.0), about(3601.0), about(9000.0)], ["60 min", "1.1 h", "2.5 h"]);
    }
}
