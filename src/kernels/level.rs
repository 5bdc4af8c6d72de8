//! Instruction-set level of the CPU kernels: found once a process, lowered by `TRM_ARC_CPU`.
//!
//! Every choice by the processor is made here or asks here, so that a lower level runs what a lesser processor would run. A level
//! includes those below it. Float32 results have the same bits on every level but `amx`, whose products round in another way.

use std::fmt;
use std::sync::OnceLock;

use pulp::{Arch, WithSimd};
use thiserror::Error;

/// The environment variable that lowers the level.
pub const VARIABLE: &str = "TRM_ARC_CPU";

/// Instruction sets of a processor, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Instructions that every processor of the architecture has.
    Baseline,
    /// AVX2 and fused multiply-adds, x86-64-v3.
    Avx2,
    /// AVX-512, x86-64-v4.
    Avx512,
    /// AVX-512 with products of bfloat16 pairs.
    Avx512Bf16,
    /// Tile registers for bytes and bfloat16.
    Amx,
}

/// A level that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LevelError {
    /// A value of `TRM_ARC_CPU` that names none.
    #[error("{VARIABLE} is \"{0}\", which names no level; hint: set it to {names}, or unset it", names = names(&Level::ALL))]
    Unknown(String),
    /// A level above the processor's.
    #[error("{VARIABLE} is {asked}, which this processor lacks; hint: set it to {names}, or unset it", names = names(&upto(*.highest)))]
    Absent {
        /// The level that the variable names.
        asked: Level,
        /// The highest one that the processor has.
        highest: Level,
    },
}

/// The level in use, and what dispatches to it.
struct Found {
    level: Level,
    arch: Arch,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 5] = [Self::Baseline, Self::Avx2, Self::Avx512, Self::Avx512Bf16, Self::Amx];

    /// The value of `TRM_ARC_CPU` that names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512-bf16",
            Self::Amx => "amx",
        }
    }

    /// Returns the highest level of this processor, whatever `TRM_ARC_CPU` says.
    pub fn of_processor() -> Self {
        let has_all_below = |level: &Self| Self::ALL.iter().all(|lower| lower > level || lower.is_present());
        Self::ALL.into_iter().rev().find(has_all_below).unwrap_or(Self::Baseline)
    }

    /// Returns the level that the kernels use.
    ///
    /// # Errors
    /// [`LevelError`] when `TRM_ARC_CPU` names no level of this processor.
    pub fn in_use() -> Result<Self, LevelError> {
        found().as_ref().map(|found| found.level).map_err(Clone::clone)
    }

    /// True when the kernels may use this level.
    ///
    /// # Panics
    /// When [`Level::in_use`] is an error.
    pub(super) fn is_in_use(self) -> bool {
        self <= checked().level
    }

    /// True when tiles of bytes are emulated: in the crate's own tests, on a level that has all else that the engine of bytes needs.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_emulating_tiles() -> bool {
        cfg!(test) && !Self::Amx.is_in_use() && Self::Avx512.is_in_use()
    }

    #[cfg(target_arch = "x86_64")]
    fn is_present(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Avx2 => pulp::x86::V3::try_new().is_some(),
            Self::Avx512 => pulp::x86::V4::try_new().is_some(),
            Self::Avx512Bf16 => std::arch::is_x86_feature_detected!("avx512bf16"),
            Self::Amx => super::amx::is_present(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_present(self) -> bool {
        self == Self::Baseline
    }

    #[cfg(target_arch = "x86_64")]
    fn arch(self) -> Arch {
        let avx512 = (self >= Self::Avx512).then(pulp::x86::V4::try_new).flatten().map(Arch::V4);
        let avx2 = || (self >= Self::Avx2).then(pulp::x86::V3::try_new).flatten().map(Arch::V3);
        avx512.or_else(avx2).unwrap_or(Arch::Scalar)
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn arch(self) -> Arch {
        Arch::new()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Runs an operation, or a closure that is inlined, compiled for the level in use.
#[inline]
pub fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    checked().arch.dispatch(op)
}

/// Defines functions that are compiled for the baseline, for AVX2 and for AVX-512, and run as the level in use has it.
///
/// The compiled functions take the slices themselves, so that the compiler knows that none overlaps another; of slices inside a closure
/// for [`dispatch`] it does not know that, and some loops do not become vectors.
macro_rules! by_level {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        $visibility fn $name($($argument: $kind),*) {
            #[inline(always)]
            fn body($($argument: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($argument: $kind),*) {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $kind),*) {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            if $crate::kernels::Level::Avx512.is_in_use() {
                // SAFETY: the level in use has these instructions.
                return unsafe { avx512($($argument),*) };
            } else if $crate::kernels::Level::Avx2.is_in_use() {
                // SAFETY: the level in use has these instructions.
                return unsafe { avx2($($argument),*) };
            }
            body($($argument),*)
        }
    )*};
}
pub(super) use by_level;

fn checked() -> &'static Found {
    found().as_ref().unwrap_or_else(|error| panic!("{error}"))
}

fn found() -> &'static Result<Found, LevelError> {
    static FOUND: OnceLock<Result<Found, LevelError>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let value = std::env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned());
        let level = lowered(Level::of_processor(), value.as_deref())?;
        Ok(Found { level, arch: level.arch() })
    })
}

/// Returns the level that a value of `TRM_ARC_CPU` leaves of a processor's highest.
fn lowered(highest: Level, value: Option<&str>) -> Result<Level, LevelError> {
    let Some(name) = value.filter(|value| !value.is_empty()) else { return Ok(highest) };
    match Level::ALL.into_iter().find(|level| level.name() == name) {
        None => Err(LevelError::Unknown(name.to_owned())),
        Some(asked) if asked > highest => Err(LevelError::Absent { asked, highest }),
        Some(asked) => Ok(asked),
    }
}

fn upto(highest: Level) -> Vec<Level> {
    Level::ALL.into_iter().filter(|level| *level <= highest).collect()
}

/// Lists levels: `baseline, avx2 or avx512`.
fn names(levels: &[Level]) -> String {
    let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_lowers_the_level_and_never_raises_it() {
        assert_eq!(lowered(Level::Avx2, None), Ok(Level::Avx2));
        assert_eq!(lowered(Level::Avx2, Some("")), Ok(Level::Avx2));
        for level in Level::ALL {
            assert_eq!(lowered(Level::Amx, Some(level.name())), Ok(level));
        }
        let absent = lowered(Level::Avx512, Some("avx512-bf16")).unwrap_err().to_string();
        assert!(
            absent.contains("lacks") && absent.ends_with("set it to baseline, avx2 or avx512, or unset it"),
            "{absent}"
        );
        let unknown = lowered(Level::Amx, Some("AVX2")).unwrap_err().to_string();
        assert!(unknown.contains("\"AVX2\"") && unknown.contains("avx512-bf16 or amx"), "{unknown}");
        assert!(
            lowered(Level::Baseline, Some("avx2")).unwrap_err().to_string().contains("set it to baseline, or unset it")
        );
    }

    #[test]
    fn a_closure_is_run_on_the_level_in_use() {
        assert!(Level::in_use().unwrap() <= Level::of_processor() && Level::Baseline.is_in_use());
        assert_eq!(dispatch(|| 2 + 2), 4);
    }
}
