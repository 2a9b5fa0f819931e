# SPDX-License-Identifier: Apache-2.0
"""Writes a small C program of forty files with a Makefile into the folder of its argument, the same every time.

Each file has functions of integers, doubles and text; the program prints a sum over all of them, which says that
every file was compiled and linked right.
"""
import os
import random
import sys

folder, files, functions = sys.argv[1], 40, 12
draw = random.Random(404)
os.makedirs(folder, exist_ok=True)


def expression(depth):
    if depth == 0:
        return draw.choice(["a", "b", str(draw.randrange(1, 1 << 20)) + "u"])
    left, right = expression(depth - 1), expression(depth - 1)
    kind = draw.randrange(4)
    if kind == 0:
        return f"({left} {draw.choice(['+', '-', '*', '^', '&', '|'])} {right})"
    if kind == 1:
        return f"rotate({left}, {draw.randrange(1, 31)})"
    if kind == 2:
        return f"({left} / ({right} % 1000 + 1))"
    return f"({left} < {right} ? {expression(depth - 1)} : {draw.randrange(1 << 16)}u)"


for n in range(files):
    with open(f"{folder}/part{n}.c", "w") as out:
        out.write('#include "tree.h"\n#include <math.h>\n#include <stdio.h>\n#include <string.h>\n')
        for i in range(functions):
            out.write(f"static unsigned integer{i}(unsigned a, unsigned b) {{\n"
                      f"  for (unsigned i = 0; i < {draw.randrange(5, 40)}; ++i) a = {expression(4)} + i;\n"
                      f"  return a;\n}}\n")
        out.write(f"static double real(double x) {{ return sqrt(x * {draw.uniform(1, 9):.6f} + 1) / "
                  f"(1 + fabs(sin(x))); }}\n")
        out.write(f"unsigned part{n}(unsigned seed) {{\n  unsigned sum = seed;\n  char text[64];\n")
        for i in range(functions):
            out.write(f"  sum = sum * 31 + integer{i}(sum, {draw.randrange(1 << 16)}u);\n")
        out.write('  snprintf(text, sizeof text, "%.9g", real(sum % 1000));\n'
                  "  for (size_t i = 0; i < strlen(text); ++i) sum = sum * 131 + (unsigned char)text[i];\n"
                  "  return sum;\n}\n")

with open(f"{folder}/tree.h", "w") as out:
    out.write("static inline unsigned rotate(unsigned v, unsigned n) { return v << n | v >> (32 - n); }\n")
    out.writelines(f"unsigned part{n}(unsigned);\n" for n in range(files))
with open(f"{folder}/main.c", "w") as out:
    out.write('#include "tree.h"\n#include <stdio.h>\nint main(void) {\n  unsigned sum = 1;\n')
    out.writelines(f"  sum = part{n}(sum);\n" for n in range(files))
    out.write('  printf("=sum %08x\\n", sum);\n}\n')
with open(f"{folder}/Makefile", "w") as out:
    objects = " ".join(f"part{n}.o" for n in range(files)) + " main.o"
    out.write(f"CFLAGS = -O2 -ffp-contract=off\ntree: {objects}\n\t$(CC) -o $@ $^ -lm\n{objects}: tree.h\n")
