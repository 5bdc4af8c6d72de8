//! Tells the program its commit. With the feature `cuda`: compiles every `kernel.cu` of the operations to PTX for compute capability 8.0, which A100, L4, H100, H200 and
//! newer take, and finds out whether the driver is linked through the shim of `cuda/toolkit.sh`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(cuda_shim)");
    commit();
    if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        cuda();
    }
}

/// `TRM_ARC_COMMIT`: the commit, and whether the sources differed from it. Without git, or outside a checkout, there is none.
fn commit() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    for watched in ["src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    // a commit, a checkout and a reset add a line to this log
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    // a packaged copy inside another project's checkout is not that project's commit
    let is_ours = git(&["ls-files", "--error-unmatch", "build.rs"]).is_some();
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]).filter(|_| is_ours) {
        let is_changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|files| !files.is_empty());
        println!("cargo:rustc-env=TRM_ARC_COMMIT={commit}{}", if is_changed { " changed" } else { "" });
    }
}

fn cuda() {
    for watched in ["cuda/include", "src/ops"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rerun-if-env-changed=CUDA_PATH");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names the output folder"));
    let root = env::var_os("CUDA_PATH").map(PathBuf::from);
    // an `nvcc` that comes first on PATH may be one that lets only one run at a time
    let compiler = PathBuf::from("nvcc");
    for operation in fs::read_dir("src/ops").expect("the operations lie in src/ops").flatten() {
        let source = operation.path().join("kernel.cu");
        if source.exists() {
            let name = operation.file_name().into_string().expect("names of operations are ASCII");
            compile(&compiler, &source, &out.join(name).with_extension("ptx"));
        }
    }
    if root.is_some_and(|root| root.join("lib64/libcuda.a").exists()) {
        println!("cargo:rustc-cfg=cuda_shim");
    }
}

fn compile(compiler: &Path, source: &Path, to: &Path) {
    let arguments = ["-ptx", "-O3", "-std=c++17", "-arch=compute_80", "-I", "cuda/include", "-o"];
    let mut command = Command::new(compiler);
    command.args(arguments).arg(to).arg(source);
    let made = command.output().unwrap_or_else(|fault| {
        panic!("{command:?}: {fault}; the feature cuda needs a CUDA compiler: `source cuda/toolkit.sh` lays one out")
    });
    assert!(made.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&made.stderr));
}
