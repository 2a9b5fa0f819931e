#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever a CMake file looks for, required or not, comes from a package that scripts/setup installs.

A bare machine shows when something required is missing. Something optional would go missing without a word, and its
tests with it."""

import pathlib
import re
import sys

# What find_package, pkg_check_modules, find_library, find_path and find_program are called with, and Debian's package.
PACKAGES = {
    "asmjit": "libasmjit-dev",
    "benchmark": "libbenchmark-dev",
    "fmt": "libfmt-dev",
    "GTest": "libgtest-dev",
    "nlohmann_json": "nlohmann-json3-dev",
    "PkgConfig": "pkg-config",
    "Python3": "python3",
    "Threads": "g++",
    "Zydis": "libzydis-dev",
    "ZLIB": "zlib1g-dev",
    "capstone": "libcapstone-dev",
    "slirp": "libslirp-dev",
    "unicorn": "libunicorn-dev",
    "fdt": "libfdt-dev",
    "liblzma": "liblzma-dev",
    "libzstd": "libzstd-dev",
    "ncursesw": "libncurses-dev",
    "zlib": "zlib1g-dev",
    "LLVM-14": "llvm-14-dev",
    "llvm-c/Disassembler.h": "llvm-14-dev",
    "as": "binutils",
    "ld": "binutils",
    "aarch64-linux-gnu-as": "binutils-aarch64-linux-gnu",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "ccache": "ccache",
    "clang-format-14": "clang-format-14",
    "qemu-aarch64": "qemu-user",
}
# What such a package needs of others to be found, but does not depend on.
COMPANIONS = {"slirp": "libglib2.0-dev", "GTest": "libgmock-dev"}

CALL = re.compile(r"\b(find_package|pkg_check_modules|find_library|find_path|find_program)\s*\(([^)]*)\)")
WORDS = {"REQUIRED", "QUIET", "IMPORTED_TARGET", "NAMES"}


def asked(text):
    """The names that the calls in a CMake file ask for."""
    text = re.sub(r"#.*", "", text)
    for call, arguments in CALL.findall(text):
        words = arguments.split()
        if call == "find_package":
            yield words[0]
        elif call == "pkg_check_modules":
            yield from (word for word in words[1:] if word not in WORDS)
        else:
            yield next(word for word in words[1:] if word not in WORDS)


def installed(setup):
    """The packages of the groups that the README's second command installs."""
    groups = dict(re.findall(r"^(\w+)=\(([^)]*)\)", setup, re.MULTILINE))
    return set((groups["build"] + " " + groups["test"]).split())


def problems(root):
    packages = installed((root / "scripts/setup").read_text())
    files = [root / "CMakeLists.txt"]
    files += [file for folder in root.iterdir() if folder.is_dir() and folder.name != "build"
              for file in sorted(folder.rglob("CMakeLists.txt"))]
    seen = set()
    for file in files:
        for name in asked(file.read_text()):
            seen.add(name)
            path = file.relative_to(root)
            if name not in PACKAGES:
                yield f"{path} asks for {name}; add Debian's package for it to the table in {pathlib.Path(__file__).name}"
                continue
            for package in filter(None, (PACKAGES[name], COMPANIONS.get(name))):
                if package not in packages:
                    yield f"{path} asks for {name}: scripts/setup does not install {package}"
    for name in sorted(PACKAGES.keys() - seen):
        yield f"nothing asks for {name} any more; take it out of the table in {pathlib.Path(__file__).name}"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    if found:
        print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
