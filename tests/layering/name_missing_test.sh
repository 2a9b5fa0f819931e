#!/usr/bin/env bash
# scripts/name-missing on what the tools print. Usage: name_missing_test.sh
cd "$(dirname "$0")/../.." || exit 1
failures=0

expect() {  # WHAT OUTPUT_LINE
  local said
  said=$(printf -- 'before\n%s\nafter\n' "$2" | scripts/name-missing)
  # The packages behind it depend on the machine.
  [ "${said%% (Debian: *}" = "${1:+Missing: $1}" ] && return
  echo "of '$2' it says '$said', not '${1:+Missing: $1}'"
  failures=$((failures + 1))
}

expect 'the file glib-2.0.pc of pkg-config' "Package 'glib-2.0', required by 'slirp', not found"
expect 'the file slirp.pc of pkg-config' "--   No package 'slirp' found"
expect 'the file asmjitConfig.cmake of CMake' '  Could not find a package configuration file provided by "asmjit" with any'
expect 'the library fdt' '  Could not find FDT_LIBRARY using the following names: fdt'
expect 'the program pkg-config' '  Could NOT find PkgConfig (missing: PKG_CONFIG_EXECUTABLE)'
expect 'the header zlib.h' '  Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)'
expect 'the header gtest/gtest.h' '  Could NOT find GTest (missing: GTEST_LIBRARY GTEST_INCLUDE_DIR)'
expect 'the program ninja' 'CMake Error: CMake was unable to find a build program corresponding to "Ninja".'
expect 'the program g++' 'No CMAKE_CXX_COMPILER could be found.'
expect 'the header llvm-c/Target.h' 'a.cpp:3:10: fatal error: llvm-c/Target.h: No such file or directory'
expect 'the header pty.h' "a.cpp:3:10: fatal error: 'pty.h' file not found"
expect 'the library zstd' '/usr/bin/ld: cannot find -lzstd: No such file or directory'
expect 'the program cmake' 'scripts/demo: line 13: cmake: command not found'
expect 'the program git' 'sh: 1: git: not found'
expect 'the program python3' "/usr/bin/env: 'python3': No such file or directory"
expect 'the program python3' '/usr/bin/env: ‘python3’: No such file or directory'
expect 'the Debian package libfoo-dev among what apt offers' 'E: Unable to locate package libfoo-dev'
expect '' 'a.cpp:3:10: error: something else was not found in this scope'
[ $failures -eq 0 ]
