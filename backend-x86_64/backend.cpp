// SPDX-License-Identifier: Apache-2.0
#include "backend-x86_64/backend.h"

#include <cstring>
#include <tuple>

#include "backend-x86_64/emitter.h"
#include "backend-x86_64/thunks.h"
#include "ir/alloc/checker.h"
#include "ir/alloc/linear_scan.h"
#include "ir/alloc/liveness.h"
#include "ir/verify.h"

namespace mynah::x86_64 {

std::string disassemble(std::span<const uint8_t> code, uint64_t address);  // disassemble.cpp

namespace {

constexpr uint32_t kEntryPatch = 5;  // a call or jump, over `sub r13d, n; js`

class BackendX86 final : public ir::Backend {
 public:
  BackendX86(const ir::BackendOptions& options, const Features& features)
      : options_(options),
        features_(features),
        selector_(program_, features_),
        scan_(kTarget),
        emitter_(features_, options) {}

  std::string_view name() const override { return "x86-64"; }

  ir::Thunks emit_thunks(ir::CodeSpan at) override { return x86_64::emit_thunks(emitter_, at, thunks_); }

  void compile(const ir::Region& region, ir::CodeSpan at, ir::CompiledCode& out) override {
    out.fits = false;
    out.too_complex = region.blocks.size() > 1;
    if (out.too_complex) return;
    selector_.run(region);
    ir::alloc::find_next_uses(program_, next_use_);
    scan_.run(program_);
    if (program_.too_complex) {
      out.too_complex = true;
      return;
    }
    if (options_.validate) {
      const std::string error = ir::alloc::check_allocation(program_, kTarget);
      if (!error.empty()) ir::broken(region, "register allocation is wrong: " + error);
    }
    emitter_.region(region, thunks_, at, out, program_, selector_);
  }

  void link(ir::CodeSpan code, uint32_t site_offset, const uint8_t* target) override {
    const uint64_t next = reinterpret_cast<uint64_t>(code.execute) + site_offset;
    const uint64_t to = target ? reinterpret_cast<uint64_t>(target) : thunks_.link;
    patch(code.write + site_offset - 5, target ? 0xe9 : 0xe8, next, to);
  }

  void link_jump(ir::CodeSpan code, uint32_t jump_end, const uint8_t* target) override {
    const auto distance = static_cast<uint32_t>(target - (code.execute + jump_end));
    std::memcpy(code.write + jump_end - 4, &distance, 4);
  }

  void link_page(ir::CodeSpan code, uint32_t site_offset, ir::NameKind kind, uint32_t name, uint64_t page,
                 const uint8_t* target) override {
    uint8_t* at = code.write + site_offset - 5;
    const uint64_t next = reinterpret_cast<uint64_t>(code.execute) + site_offset - 5 + kPageLinkSize;
    const auto field = static_cast<uint32_t>(MYNAH_RUNTIME(code_names) + 4 * static_cast<int32_t>(kind));
    at[0] = 0x81;  // cmp dword [rbp + field], name
    at[1] = 0xbd;
    std::memcpy(at + 2, &field, 4);
    std::memcpy(at + 6, &name, 4);
    at[10] = 0x75;  // jne behind it all
    at[11] = kPageLinkSize - 12;
    at[12] = 0x48;  // mov rax, page
    at[13] = 0xb8;
    std::memcpy(at + 14, &page, 8);
    at[22] = 0x48;  // cmp [rbp - bias], rax: pc_page is the state's first slot
    at[23] = 0x39;
    at[24] = 0x45;
    at[25] = 0x80;
    at[26] = 0x75;
    at[27] = 5;
    patch(at + 28, 0xe9, next, reinterpret_cast<uint64_t>(target));
  }

  void unlink_page(ir::CodeSpan code, uint32_t site_offset) override { link(code, site_offset, nullptr); }

  // What stands behind these bytes may be linked and unlinked while the region is dead.
  void kill(ir::CodeSpan code, ir::EntryBytes& saved) override {
    static_assert(kEntryPatch <= std::tuple_size_v<ir::EntryBytes>);
    std::memcpy(saved.data(), code.write, kEntryPatch);
    patch(code.write, 0xe8, reinterpret_cast<uint64_t>(code.execute) + kEntryPatch, thunks_.dead);
  }
  void revive(ir::CodeSpan code, const ir::EntryBytes& saved) override {
    std::memcpy(code.write, saved.data(), kEntryPatch);
  }
  void forward(ir::CodeSpan killed, const uint8_t* target) override {
    patch(killed.write, 0xe9, reinterpret_cast<uint64_t>(killed.execute) + kEntryPatch,
          reinterpret_cast<uint64_t>(target));
  }

  std::string disassemble(std::span<const uint8_t> code, uint64_t address) const override {
    return x86_64::disassemble(code, address);
  }

 private:
  static void patch(uint8_t* at, uint8_t opcode, uint64_t next, uint64_t target) {
    const auto distance = static_cast<uint32_t>(target - next);
    at[0] = opcode;
    std::memcpy(at + 1, &distance, 4);
  }

  const ir::BackendOptions options_;
  const Features features_;
  ir::alloc::Program program_;
  std::vector<uint32_t> next_use_;
  Selector selector_;
  ir::alloc::LinearScan scan_;
  Emitter emitter_;
  ThunkTable thunks_;
};

}  // namespace

std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options) {
  return std::make_unique<BackendX86>(options, host_features());
}

std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options, const Features& features) {
  return std::make_unique<BackendX86>(options, features);
}

}  // namespace mynah::x86_64
