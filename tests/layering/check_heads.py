#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every .cpp and .h says below its SPDX line what it is for: a comment paragraph, before any code."""

import pathlib
import sys
import tempfile

import source_check

SPDX = "// SPDX-License-Identifier: Apache-2.0"


def has_head(text):
    lines = text.splitlines()[:3]
    return len(lines) == 3 and lines[0] == SPDX and lines[1] == "//" and len(lines[2]) > 12 and lines[2][:3] == "// "


def check(root):
    problems, files = [], 0
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        if folder.name == "build" or folder.name.startswith("."):
            continue
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".cpp", ".h") and file.is_file():
                files += 1
                if not has_head(file.read_text(errors="replace")):
                    problems.append(f"{file.relative_to(root)}: no paragraph below the SPDX line says what it is for")
    return problems, files


def self_test():
    head = "// What it is for.\n"
    cases = {
        "a/good.cpp": (f"{SPDX}\n//\n{head}#include <vector>\n", True),
        "a/bare.cpp": (f"{SPDX}\n#include <vector>\nint x;\n", False),
        "a/late.h": (f"{SPDX}\n#pragma once\n{head}", False),
        "a/empty.h": (f"{SPDX}\n//\n//\n", False),
        "a/no_license.h": (f"{head}//\n{head}", False),
        "build/made.cpp": ("int x;\n", True),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, (text, _) in cases.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        found = {problem.split(":")[0] for problem in check(root)[0]}
        expected = {path for path, (_, good) in cases.items() if not good}
        if found != expected:
            print(f"expected problems with {sorted(expected)}, found {sorted(found)}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(source_check.main(check, self_test))
