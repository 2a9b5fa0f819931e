// SPDX-License-Identifier: Apache-2.0
//
// Everything that a program can see of an x86 processor, as words with names, and how two processors differ.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "frontend/x86/cpu.h"

namespace mynah::lockstep {

using Words = std::vector<std::pair<std::string, uint64_t>>;

Words words_of(x86::X86Cpu& cpu);
// A line for each word that differs; empty: none.
std::string difference(const Words& evaluated, const Words& translated);

}  // namespace mynah::lockstep
