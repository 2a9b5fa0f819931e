// SPDX-License-Identifier: Apache-2.0
//
// What machines/boards.h asks of each x86 board in the same way.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "machines/boards.h"

namespace mynah {

constexpr std::string_view kX86CpuProperties = "names of CPUID's features: +NAME, -NAME, NAME=on|off";

WrongChoice check_x86_cpu(std::string_view specification);
Result<std::string> check_x86_kernel(std::span<const uint8_t> kernel, uint64_t ram_bytes, bool with_initrd);
std::vector<std::pair<std::string, std::string>> x86_kernel_modules(std::span<const uint8_t> kernel,
                                                                    std::string_view option);
unsigned most_x86_processors(const BoardChoice& choice);
std::string more_x86_processors(const BoardChoice& choice);

}  // namespace mynah
