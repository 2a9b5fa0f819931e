#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the top level of the tree against the README's table of folders and files, both ways.

In a git checkout, what is tracked counts; elsewhere all that is there, without what .gitignore names."""

import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

HEADER = "| folder or file | holds |"


def named(readme):
    """The names in the first column of the table, folders without their slash."""
    lines = readme.splitlines()
    if HEADER not in lines:
        return set()
    rows = lines[lines.index(HEADER) + 2:]
    names = set()
    for row in rows:
        if not row.startswith("|"):
            break
        names |= {name.split("/")[0] for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    return names


def tracked(root):
    """The top-level names that git tracks, or None where this is no checkout, or git is not there or not willing."""
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return {path.split("/")[0] for path in listed.stdout.split("\0") if path} if listed.returncode == 0 else None


def present(root):
    ignore = root / ".gitignore"
    patterns = [line.strip("/") for line in ignore.read_text().split()] if ignore.exists() else []
    return {entry.name for entry in root.iterdir()
            if entry.name != ".git" and not any(fnmatch.fnmatch(entry.name, pattern) for pattern in patterns)}


def check(root):
    names = named((root / "README.md").read_text())
    there = tracked(root) or present(root)
    return ([f"{name}: at the root, but the README's table '{HEADER}' does not name it: move it to where it belongs, "
             "or add a row" for name in sorted(there - names)] +
            [f"{name}: named in the README's table, but not there" for name in sorted(names - there)])


def self_test():
    table = f"# X\n\n{HEADER}\n|---|---|\n| `ir/`, `.ci/` | `not_a_name` |\n| `README.md`, `.gitignore` | |\n\n`stray`\n"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in ("ir", ".ci", "build"):
            (root / name).mkdir()
            (root / name / "file").touch()
        (root / "README.md").write_text(table)
        (root / ".gitignore").write_text("/build/\n*.swp\n")
        (root / "x.swp").touch()
        assert check(root) == [], check(root)
        for name in (".log", ".stats", "stray"):
            (root / name).touch()
            assert [line.split(":")[0] for line in check(root)] == [name], check(root)
            (root / name).unlink()
        (root / ".ci/file").unlink()
        (root / ".ci").rmdir()
        assert check(root) == [".ci: named in the README's table, but not there"], check(root)
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    problems = check(pathlib.Path(sys.argv[1]))
    if problems:
        print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
