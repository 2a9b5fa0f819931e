// SPDX-License-Identifier: Apache-2.0
//
// From the processors' models and the kernels' loaders to a board's answers.
#include "machines/x86_board.h"

#include <utility>

#include "frontend/x86/cpu_model.h"
#include "machines/loader/multiboot.h"
#include "machines/loader/x86_kernel.h"

namespace mynah {

WrongChoice check_x86_cpu(std::string_view specification) {
  x86::WrongCpu wrong = x86::check_cpu(specification);
  return {std::move(wrong.sentence), std::move(wrong.unknown), std::move(wrong.known)};
}

Result<std::string> check_x86_kernel(std::span<const uint8_t> kernel, uint64_t, bool) {
  if (const auto kind = x86_kernel_kind(kernel); !kind) return error("the kernel file {}", kind.message());
  return std::string();
}

std::vector<std::pair<std::string, std::string>> x86_kernel_modules(std::span<const uint8_t> kernel,
                                                                    std::string_view option) {
  std::vector<std::pair<std::string, std::string>> modules;
  if (!starts_behind_bios(kernel)) return modules;
  for (ModuleName& name : parse_module_names(option))
    modules.emplace_back(std::move(name.file), std::move(name.text));
  return modules;
}

bool starts_behind_bios(std::span<const uint8_t> kernel) {
  const auto kind = x86_kernel_kind(kernel);
  return kind && *kind == X86KernelKind::kMultiboot;
}

// APIC ids of eight bits, of which one means all.
unsigned most_x86_processors(const BoardChoice&) { return 254; }
std::string more_x86_processors(const BoardChoice&) { return "; use a smaller number"; }

}  // namespace mynah
