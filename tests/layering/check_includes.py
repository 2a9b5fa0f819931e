#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include of the source folders against the table of who may use whom (docs/ARCHITECTURE.md).

A row names a folder (or one file), what of the project it may include, and which libraries. The most specific row
rules a file. Every folder may use the C++ standard library. Source folders without a row are an error."""

import pathlib
import re
import sys
import tempfile

import source_check

STANDARD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem format forward_list fstream
functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view strstream
syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
variant vector version""".split())

# A system header is the host's when it is one of POSIX or of the kernel.
HOST = re.compile(r"(sys|netinet|arpa|linux|net)/\w+\.h$|"
                  r"(fcntl|langinfo|netdb|poll|pty|pwd|signal|stdlib|termios|time|unistd|util|x86intrin)\.h$")

BELOW_APP = ["ir/", "frontend/", "backend-x86_64/", "backend-aarch64/", "engine/", "devices/", "machines/"]

# The interfaces of a guest processor.
GUEST = ["ir/", "frontend/guest.h", "frontend/guest_debug.h", "frontend/frontend.h", "frontend/translation.h",
         "frontend/block_walk.h"]

# folder or file: (may include of the project, libraries by a regular expression, host headers)
TABLE = {
    "ir/": (["ir/"], None, False),
    "ir/result.h": ([], r"fmt/", False),
    "frontend/translation.h": ([], None, False),
    "frontend/block_walk.h": (["ir/"], None, False),
    "frontend/frontend.h": (["ir/"], None, False),
    "frontend/guest.h": (["ir/", "frontend/frontend.h", "frontend/translation.h"], None, False),
    "frontend/guest_debug.h": (["ir/", "frontend/guest.h"], None, False),
    "frontend/arm/": (GUEST + ["frontend/arm/"], r"fmt/", False),
    "frontend/arm/a64/disassemble.cpp": (GUEST + ["frontend/arm/"], r"fmt/|capstone/", False),
    "frontend/x86/": (GUEST + ["frontend/x86/"], r"fmt/|Zydis/", False),
    "backend-x86_64/": (["ir/", "backend-x86_64/"], r"asmjit/", False),
    "backend-x86_64/disassemble.cpp": (["ir/", "backend-x86_64/"], r"asmjit/|Zydis/", False),
    "backend-aarch64/": (["ir/", "backend-aarch64/"], r"asmjit/", False),
    "backend-aarch64/disassemble.cpp": (["ir/", "backend-aarch64/"], r"asmjit/|capstone/", False),
    "engine/": (["ir/", "frontend/guest.h", "frontend/frontend.h", "frontend/translation.h", "engine/"], None,
                True),
    "engine/enter.h": (["ir/", "backend-x86_64/enter.h", "backend-aarch64/enter.h"], None, False),
    "devices/": (["ir/result.h", "devices/"], r"fmt/", False),
    "devices/host/": (["ir/result.h", "devices/"], r"fmt/|curses\.h|libslirp\.h|term\.h|SDL2?/|zlib\.h|zstd\.h", True),
    "machines/": (BELOW_APP, r"fmt/|libfdt\.h|zlib\.h|lzma\.h|zstd\.h", False),
    # Through Machine and GuestDebug: no board, no processor, no backend by name.
    "app/": (GUEST + ["engine/", "devices/", "machines/machine.h", "machines/machine_config.h", "machines/boards.h",
                      "machines/guest_clock.h", "machines/device_places.h", "app/"], r"fmt/|nlohmann/|zlib\.h", True),
}
# Device models do not touch the host.
FORBIDDEN = {"devices/": ["devices/host/"]}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cpp", ".c", ".def", ".inc", ".hpp", ".cc"}


def row_of(path):
    rows = [r for r in TABLE if path == r or (r.endswith("/") and path.startswith(r))]
    return max(rows, key=len) if rows else None


def problem(path, row, bracket, name):
    """Why this include is not allowed, or None."""
    project, libraries, host = TABLE[row]
    top = name.split("/")[0] + "/"
    if bracket == '"':
        if not any(top == r.split("/")[0] + "/" for r in list(TABLE) + ["tests/", "bench/"]):
            return "a project header is named from the project's root"
        if top in ("tests/", "bench/"):
            return "nothing uses tests or benchmarks"
        if any(name.startswith(f) for f in FORBIDDEN.get(row, [])):
            return f"{row} does not use {top}host/"
        if any(name == p or (p.endswith("/") and name.startswith(p)) for p in project):
            return None
        return f"{row} uses {', '.join(project)}"
    if name in STANDARD:
        return None
    if libraries and re.match(libraries, name):
        return None
    if HOST.match(name):
        return None if host else f"{row} does not touch the host"
    return f"{row} may not use this library"


def check(root):
    problems, files = [], 0
    for folder in sorted({row.split("/")[0] for row in TABLE}):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in SOURCES or not file.is_file():
                continue
            path = file.relative_to(root).as_posix()
            row = row_of(path)
            if row is None:
                problems.append(f"{path}: no row of the table is about this folder")
                continue
            files += 1
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                why = problem(path, row, *match.groups())
                if why:
                    problems.append(f"{path}:{number}: {line.strip()}: {why}")
    # A folder with sources that the table does not know is no layer at all.
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        if folder.name in ("build", "tests", "bench", "docs", "scripts") or folder.name.startswith("."):
            continue
        if row_of(folder.name + "/x") is None and not any(r.startswith(folder.name + "/") for r in TABLE):
            if any(f.suffix in SOURCES for f in folder.rglob("*")):
                problems.append(f"{folder.name}/: a source folder without a row in the table")
    return problems, files


def self_test():
    bad = {
        "ir/result.h": ['#include "ir/ir.h"', "#include <unistd.h>"],
        "ir/a.cpp": ['#include "engine/tlb.h"', "#include <unistd.h>", "#include <asmjit/x86.h>", "#include <fmt/format.h>"],
        "frontend/arm/a.cpp": ['#include "engine/vcpu.h"', "#include <capstone/capstone.h>"],
        "backend-x86_64/a.cpp": ['#include "frontend/guest.h"', '#include "backend-aarch64/emit.h"'],
        "engine/a.cpp": ['#include "frontend/arm/cpu.h"', '#include "backend-x86_64/backend.h"',
                         '#include "devices/core/bus.h"'],
        "devices/serial/a.cpp": ['#include "devices/host/fd.h"', "#include <sys/mman.h>", '#include "ir/ir.h"'],
        "machines/a.cpp": ['#include "app/log.h"', '#include "tests/engine/bare_machine.h"'],
        "app/a.cpp": ['#include "log.h"', '#include "machines/virt.h"', '#include "machines/arm_boot.h"',
                      '#include "frontend/arm/cpu.h"', '#include "backend-x86_64/backend.h"'],
        "extra/a.cpp": ["int x;"],
    }
    good = {
        "frontend/arm/a64/disassemble.cpp": ["#include <capstone/capstone.h>", '#include "ir/ir.h"', "#include <vector>"],
        "engine/b.cpp": ['#include "frontend/guest.h"', '#include "ir/result.h"', "#include <sys/mman.h>"],
        "app/b.cpp": ['#include "devices/host/fd.h"', '#include "machines/boards.h"',
                      '#include "frontend/guest_debug.h"',  '#include "app/log.h"', "#include <unistd.h>"],
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, lines in {**bad, **good}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("\n".join(lines) + "\n")
        problems, _ = check(root)
        expected = sum(len(lines) for lines in bad.values())
        if len(problems) != expected or any(p.split(":")[0] in good for p in problems):
            print("\n".join(problems))
            print(f"expected {expected} problems, found {len(problems)}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(source_check.main(check, self_test))
