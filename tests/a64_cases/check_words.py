#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the words of the instruction cases against GNU's assembler: check_words.py ASSEMBLER FILE..."""
import subprocess
import sys
import tempfile

ARCHITECTURE = ".arch armv8.5-a+fp16+crc+rdma+aes+sha3\n"


def main(assembler, paths):
    cases = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith("#"):
                    head = line.split("|")[0]
                    cases.append((f"{path}:{number}", head[:8], head[8:].strip()))
    with tempfile.NamedTemporaryFile() as code:
        source = ARCHITECTURE + "".join(text + "\n" for _, _, text in cases)
        listing = subprocess.run([assembler, "-al", "-o", code.name, "-"], input=source, text=True, check=True,
                                 stdout=subprocess.PIPE).stdout
    # A line of the listing: its number, the address, the bytes, the source.
    words = {}
    for line in listing.splitlines():
        parts = line.split(None, 3)
        if len(parts) == 4 and parts[0].isdigit() and len(parts[2]) == 8:
            words[int(parts[0])] = bytes.fromhex(parts[2])[::-1].hex()
    wrong = [f"{where}: {text} is {words.get(n)}, not {word}"
             for n, (where, word, text) in enumerate(cases, 2) if words.get(n) != word]
    print("\n".join(wrong) or f"{len(cases)} words as assembled")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
