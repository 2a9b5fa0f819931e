# SPDX-License-Identifier: Apache-2.0
"""What the checks of the source tree have in common: how they are called, and what they say."""

import pathlib
import sys


def main(check, self_test):
    """check(root): problems and how many files were read; self_test(): an exit code."""
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    problems, files = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    if problems:
        print("\n".join(problems))
    if files < 100:
        print(f"only {files} files: this is not the source tree")
        return 1
    print(f"{files} files, {len(problems)} problems")
    return 1 if problems else 0
