//! The promise: every GPU kernel computes what a plain loop computes. Each file of `tests/kernels` includes the `.cu`
//! it tests, is compiled for the host with `cuda/emulation` in place of a GPU, and ends with status 0 if its numbers
//! hold.
//!
//! It needs a C++ compiler, `g++` or the one in `CXX`; without one it says so and tests nothing.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

/// What cuda/emulation asks for, and kernels: they read numbers by fours and pairs through other types, as nvcc lets
/// them.
const FLAGS: [&str; 6] =
    ["-std=c++17", "-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-Wno-unknown-pragmas", "-xc++"];

#[test]
fn every_kernel_computes_what_a_plain_loop_computes() {
    let compiler = env::var("CXX").unwrap_or_else(|_| "g++".into());
    match Command::new(&compiler).arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // past the test runner, which keeps to itself what a passing test prints
            let _ = writeln!(
                std::io::stderr(),
                "skipped: there is no C++ compiler `{compiler}` here, so no kernel was run"
            );
            return;
        }
        other => drop(other.unwrap()),
    }
    let built = tempfile::tempdir().unwrap();
    let sources = sources();
    assert!(!sources.is_empty(), "there is no test of a kernel");
    let complaints: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = sources.iter().map(|source| scope.spawn(|| run(&compiler, source, built.path()))).collect();
        runs.into_iter().filter_map(|run| run.join().unwrap().err()).collect()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The files of `tests/kernels`.
fn sources() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("tests/kernels")).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<PathBuf> = files.filter(|path| path.extension() == Some(OsStr::new("cpp"))).collect();
    sources.sort();
    sources
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compiles and runs one file; what it said is the error.
fn run(compiler: &str, source: &Path, built: &Path) -> Result<(), String> {
    let program = built.join(source.file_stem().unwrap());
    let mut compile = Command::new(compiler);
    compile.args(FLAGS).arg("-include").arg(root().join("cuda/emulation/cuda_host.h"));
    for folder in ["cuda/emulation", "cuda/include"] {
        compile.arg("-I").arg(root().join(folder));
    }
    told(source, "does not compile", compile.arg(source).arg("-o").arg(&program).output().unwrap())?;
    told(source, "does not hold", Command::new(&program).output().unwrap())
}

fn told(source: &Path, failure: &str, output: Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{} {failure} ({}):\n{}", source.display(), output.status, String::from_utf8_lossy(&said)))
}
