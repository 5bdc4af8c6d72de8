//! `trm-arc doctor`: what this build can compute on here, and what is missing.

use std::fmt::Write;

use clap::Args;
use dfdx::prelude::Cpu;
use serde_json::{Value, json};

use super::{CliError, Exit, print};
use crate::device::{Compute, Precision};
use crate::kernels::Level;

/// Say what this program can compute on here
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc doctor
  trm-arc doctor --json

It looks, and computes nothing: for the speed of a device see trm-arc bench.")]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Looks, and prints what there is.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let cpu = Cpu::default();
    let precisions = [Precision::F32, Precision::Bf16].map(|precision| Cpu::precision(Some(precision), false).is_ok());
    let cuda = cuda();
    print(&if arguments.json { to_json(&cpu, precisions, &cuda) } else { to_terminal(&cpu, precisions, &cuda) })?;
    Ok(Exit::Done)
}

/// What there is of CUDA.
struct Cuda {
    /// Whether this build has it.
    built: bool,
    /// The driver's version.
    driver: Option<(i32, i32)>,
    /// For each device its number, what it is, and whether the kernels run on it.
    devices: Vec<(usize, String, bool)>,
    /// What is missing.
    fault: Option<String>,
}

#[cfg(feature = "cuda")]
fn cuda() -> Cuda {
    match crate::device::cuda::found() {
        Ok((driver, devices)) => {
            let device = |found: crate::device::cuda::Found| {
                let (major, minor) = found.capability;
                let text = format!(
                    "{}, {} of memory, {} multiprocessors, compute capability {major}.{minor}",
                    found.name, found.memory, found.multiprocessors
                );
                (found.ordinal, text, found.is_enough())
            };
            let devices: Vec<_> = devices.into_iter().map(device).collect();
            let fault = devices.is_empty().then(|| "the driver finds no device".to_owned());
            Cuda { built: true, driver: Some(driver), devices, fault }
        }
        Err(fault) => Cuda { built: true, driver: None, devices: Vec::new(), fault: Some(reason(fault)) },
    }
}

#[cfg(feature = "cuda")]
fn reason(fault: crate::device::DeviceError) -> String {
    match fault {
        crate::device::DeviceError::NoCuda(reason) => reason,
        other => other.to_string(),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Cuda {
    let fault = Some(crate::device::DeviceError::NotBuilt.to_string());
    Cuda { built: false, driver: None, devices: Vec::new(), fault }
}

/// The instruction set in use, which the program has checked.
fn level() -> &'static str {
    Level::in_use().map_or("", Level::name)
}

fn to_terminal(cpu: &Cpu, [f32, bf16]: [bool; 2], cuda: &Cuda) -> String {
    let mut text = String::new();
    let bfloat16 = match bf16 {
        true => "products in f32 and bf16, training in f32",
        false => "products in f32; bf16 needs AVX512-BF16",
    };
    let words = cpu.in_words();
    let threads = words.strip_prefix("cpu, ").unwrap_or(&words);
    let _ = writeln!(text, "cpu       {threads}, {}; {}", level(), if f32 { bfloat16 } else { "no products" });
    for (ordinal, device, enough) in &cuda.devices {
        let types = match enough {
            true => "products and training in bf16 and f32",
            false => "too old: the kernels need compute capability 8.0",
        };
        let _ = writeln!(text, "{:<10}{device}; {types}", format!("cuda:{ordinal}"));
    }
    if let Some((major, minor)) = cuda.driver {
        let _ = writeln!(text, "driver    CUDA {major}.{minor}{}", if major < 13 { OLD_DRIVER } else { "" });
    }
    if let Some(fault) = &cuda.fault {
        let _ = writeln!(text, "no CUDA   {fault}");
        if cuda.built {
            text += MISSING;
        }
    }
    text
}

const OLD_DRIVER: &str = ": the kernels need 13.0, a driver of the 580 series or newer";

const MISSING: &str = "
A CUDA device needs the driver (libcuda.so.1, 580 series or newer) and cuBLAS (libcublas.so.13 or .12). cuBLAS comes with the
CUDA toolkit, with PyTorch, or by `pip install nvidia-cublas`; name its folder in TRM_CUDA_LIBRARIES when the loader
does not find it: export TRM_CUDA_LIBRARIES=$(python3 -c 'import nvidia.cu13 as m; print(m.__path__[0])')/lib
";

fn to_json(cpu: &Cpu, [f32, bf16]: [bool; 2], cuda: &Cuda) -> String {
    let device = |(ordinal, name, enough): &(usize, String, bool)| json!({"device": format!("cuda:{ordinal}"), "name": name, "usable": enough});
    let devices: Vec<Value> = cuda.devices.iter().map(device).collect();
    let object = json!({
        "program": concat!("trm-arc ", env!("CARGO_PKG_VERSION")),
        "cpu": {"name": cpu.in_words(), "level": level(), "f32": f32, "bf16": bf16},
        "cuda": {
            "built": cuda.built,
            "driver": cuda.driver.map(|(major, minor)| format!("{major}.{minor}")),
            "devices": devices,
            "missing": cuda.fault,
        },
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_listed_and_what_is_missing_is_said() {
        let cpu = Cpu::default();
        let (good, old) = ((0, "NVIDIA H200".to_owned(), true), (1, "Tesla T4".to_owned(), false));
        let cuda = Cuda { built: true, driver: Some((13, 0)), devices: vec![good, old], fault: None };
        let text = to_terminal(&cpu, [true, true], &cuda);
        assert!(text.contains("cuda:0    NVIDIA H200; products and training in bf16 and f32"), "{text}");
        assert!(text.contains("cuda:1    Tesla T4; too old") && text.contains("driver    CUDA 13.0\n"), "{text}");
        let none = Cuda { built: true, driver: None, devices: vec![], fault: Some("libcuda.so.1: not found".into()) };
        let text = to_terminal(&cpu, [true, false], &none);
        assert!(text.contains("no CUDA   libcuda.so.1: not found") && text.contains("TRM_CUDA_LIBRARIES"), "{text}");
        let found: Value = serde_json::from_str(&to_json(&cpu, [true, false], &none)).unwrap();
        assert_eq!(
            (&found["cpu"]["bf16"], &found["cuda"]["missing"]),
            (&json!(false), &json!("libcuda.so.1: not found"))
        );
    }
}
