// SPDX-License-Identifier: Apache-2.0
//
// What machines/boards.h asks of each x86 board in the same way.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "frontend/x86/cpu_model.h"
#include "machines/boards.h"
#include "machines/loader/zboot.h"

namespace mynah {

constexpr std::string_view kX86CpuProperties = "names of CPUID's features: +NAME, -NAME, NAME=on|off";

WrongChoice check_x86_cpu(std::string_view specification);
Result<std::string> check_x86_kernel(std::span<const uint8_t> kernel, uint64_t ram_bytes, bool with_initrd);
std::vector<std::pair<std::string, std::string>> x86_kernel_modules(std::span<const uint8_t> kernel,
                                                                    std::string_view option);
// Of PCs: multiboot kernels, which may call the BIOS.
bool starts_behind_bios(std::span<const uint8_t> kernel);
unsigned most_x86_processors(const BoardChoice& choice);
std::string more_x86_processors(const BoardChoice& choice);

// What such a board begins with.
constexpr Board kX86Board = {
    .guest = "x86",
    .default_cpu = "max",
    .serial_lines = 2,
    .console = "ttyS0",
    .cpu_properties = kX86CpuProperties,
    .cpu_names = x86::cpu_model_names,
    .cpu_left_out = x86::cpu_left_out,
    .check_cpu = check_x86_cpu,
    .most_processors = most_x86_processors,
    .more_processors = more_x86_processors,
    .unpack_kernel = unpack_kernel,
    .check_kernel = check_x86_kernel,
    .kernel_modules = x86_kernel_modules,
};

}  // namespace mynah
