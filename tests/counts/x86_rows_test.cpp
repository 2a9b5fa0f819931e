// SPDX-License-Identifier: Apache-2.0
//
// The host code of one instruction of every x86 form (tests/x86_oracle/forms.h) in a kernel's 64-bit code,
// and in 32-bit code of those that are there alone: how a change that makes some form worse is seen.
// x86_rows.txt has a line for each: the form, its bytes, the host instructions on the way and the host bytes
// with the cold stubs, less those of an empty block. The instruction is followed by a jump to itself, so
// loads and stores of state are in it; one that ends its block stands alone. MYNAH_UPDATE_GOLDENS=1 writes
// the file anew. The host code is that of a processor with AVX2, BMI2, AES and SHA.
#include <fmt/format.h>

#include <set>

#include "backend-x86_64/backend.h"
#include "backend-x86_64/target.h"
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/frontend.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/mxcsr.h"
#include "frontend/x86/state.h"
#include "ir/backend.h"
#include "ir/passes/passes.h"
#include "tests/counts/host_code.h"
#include "tests/x86_oracle/our_side.h"
#include "tests/x86_oracle/random_case.h"

namespace mynah::test {
namespace {

using x86_oracle::Form;
using x86_oracle::Mode;

// A kernel's, with everything on.
uint64_t mode_of(Mode mode) {
  using namespace x86;
  uint64_t m = kModeIoOpen | kModeMp | kModeOsfxsr | kModeOsxsave | kModeAvx | kModeFsgsbase | kModeNe |
               mxcsr::mode_of(0x1f80, true);
  if (mode == Mode::k64) return m | kModeLong | kModeCode64;
  for (const unsigned s : {kEs, kCs, kSs, kDs}) m |= mode_flat(s) | mode_full(s);
  return m | mode_full(kFs) | mode_full(kGs) | kModeCode32 | kModeStack32;
}

struct Code {
  unsigned guest = 0, instructions = 0, bytes = 0;
};

class Measure {
 public:
  Code of(std::span<const uint8_t> instruction, Mode mode) {
    std::vector<uint8_t> page(4096, 0xcc);
    std::copy(instruction.begin(), instruction.end(), page.begin());
    page[instruction.size()] = 0xeb;  // a jump to itself
    page[instruction.size() + 1] = 0xfe;
    CodeSource source(page);
    frontend_.lift(region_, source, 0, mode_of(mode), {});
    ir::run_passes(region_);
    if (!compiler_->compile(region_, code_)) return {};
    return {region_.guest_insts, instructions_on_the_way(backend_->disassemble(code_.bytes(), 0)),
            code_.size};
  }

 private:
  const x86::CpuModel model_ = *x86::parse_cpu("max");
  const x86::X86Frontend frontend_{model_};
  const std::unique_ptr<ir::Backend> backend_ = x86_64::make_backend();
  const std::unique_ptr<ir::Compiler> compiler_ = backend_->make_compiler();
  ir::Region region_;
  ir::CompiledCode code_;
};

TEST(Counts, HostCodeOfEveryX86Form) {
  const auto& f = x86_64::host_features();
  if (!f.avx2 || !f.bmi2 || !f.bmi1 || !f.lzcnt || !f.aes || !f.sha)
    GTEST_SKIP() << "needs AVX2, BMI2, AES and SHA";
  Measure measure;
  const Code empty = measure.of({}, Mode::k64);
  std::string text = fmt::format(
      "; form, bytes: host instructions on the way, host bytes; more than an empty block's {} and {}\n",
      empty.instructions, empty.bytes);
  std::set<std::string> seen;
  for (const Mode mode : {Mode::k64, Mode::k32}) {
    const Code none = measure.of({}, mode);
    for (const Form& form : x86_oracle::all_forms(mode)) {
      if (!x86_oracle::has_lifter(form.mnemonic) || !seen.insert(form.name).second) continue;
      x86_oracle::Random random(0);
      const auto i = x86_oracle::random_instance(random, form, {.rip = x86_oracle::kCode, .based = true});
      if (!i) continue;
      const Code code = measure.of({i->bytes, i->length}, mode);
      ASSERT_NE(code.guest, 0u) << form.name;
      text += fmt::format("{:<44} {:<24} {:4} {:5}\n", form.name, x86_oracle::hex(i->bytes, i->length),
                          static_cast<int>(code.instructions) - static_cast<int>(none.instructions),
                          static_cast<int>(code.bytes) - static_cast<int>(none.bytes));
    }
  }
  compare_with_golden("x86_rows.txt", text);
}

}  // namespace
}  // namespace mynah::test
