#!/bin/sh
# Fails when a source file is not as clang-format would have it; says which. Usage: check_format.sh CLANG_FORMAT
cd "$(dirname "$0")/../.." || exit 1
find app backend-x86_64 backend-aarch64 base bench devices engine frontend ir machines tests \
     \( -name '*.cpp' -o -name '*.h' \) -print0 | xargs -0 "$1" --dry-run --Werror
