// SPDX-License-Identifier: Apache-2.0
//
// From the processors' models and the kernels' loaders to a board's answers.
#include "machines/x86_board.h"

#include <utility>

#include "frontend/x86/cpu_model.h"
#include "machines/loader/x86_kernel.h"

namespace mynah {

WrongChoice check_x86_cpu(std::string_view specification) {
  x86::WrongCpu wrong = x86::check_cpu(specification);
  return {std::move(wrong.sentence), std::move(wrong.unknown), std::move(wrong.known)};
}

Result<std::string> check_x86_kernel(std::span<const uint8_t> kernel, uint64_t, bool) {
  if (const auto kind = x86_kernel_kind(kernel); !kind) return kind.error();
  return std::string();
}

// APIC ids of eight bits, of which one means all.
unsigned most_x86_processors(const BoardChoice&) { return 254; }
std::string more_x86_processors(const BoardChoice&) { return "; use a smaller number"; }

}  // namespace mynah
