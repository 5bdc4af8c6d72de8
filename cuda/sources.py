#!/usr/bin/env python3
"""Finds the unpacked source of a dependency, as cargo knows it.

    python3 cuda/sources.py dfdx        # prints the folder

What bites: an optional dependency that no feature of this repository turns on is not in cargo's answer; then the pinned
version below is looked for in cargo's registry folder.
"""
import json
import os
import pathlib
import subprocess
import sys

PINNED = {"cudarc": "0.9.15", "dfdx": "0.13.0"}
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def package_folder(name):
    for offline in (["--offline"], []):  # asks the network only for what is not there yet
        command = ["cargo", "metadata", "--format-version", "1", "--all-features", *offline]
        command += ["--manifest-path", str(REPOSITORY / "Cargo.toml")]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode == 0:
            break
    else:
        sys.exit(f"cargo metadata failed:\n{answer.stderr}")
    for package in json.loads(answer.stdout)["packages"]:
        if package["name"] == name:
            return pathlib.Path(package["manifest_path"]).parent
    registry = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")) / "registry" / "src"
    for folder in registry.glob(f"*/{name}-{PINNED.get(name, '')}"):
        return folder
    sys.exit(f"{name} is neither among this repository's dependencies nor unpacked in {registry}; run `cargo fetch` first")


if __name__ == "__main__":
    print(package_folder(sys.argv[1]))
