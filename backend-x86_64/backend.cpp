// SPDX-License-Identifier: Apache-2.0
//
// The backend's two faces: compilers (selection, allocation, emission, each with scratch of its own) and code
// memory (thunks, installing, patching).
#include "backend-x86_64/backend.h"

#include <cstring>

#include "backend-x86_64/emitter.h"
#include "backend-x86_64/patch.h"
#include "backend-x86_64/thunks.h"
#include "ir/alloc/checker.h"
#include "ir/alloc/linear_scan.h"
#include "ir/alloc/liveness.h"
#include "ir/verify.h"

namespace mynah::x86_64 {

std::string disassemble(std::span<const uint8_t> code, uint64_t address);  // disassemble.cpp

namespace {

class CompilerX86 final : public ir::Compiler {
 public:
  CompilerX86(const ir::BackendOptions& options, const Features& features)
      : options_(options),
        features_(features),
        selector_(program_, features_),
        scan_(kTarget),
        emitter_(features_, options) {}

  bool compile(const ir::Region& region, ir::CompiledCode& out) override {
    if (region.blocks.size() > 1) return false;
    selector_.run(region);
    ir::alloc::find_next_uses(program_, next_use_);
    scan_.run(program_);
    if (program_.too_complex) return false;
    if (options_.validate) {
      const std::string error = ir::alloc::check_allocation(program_, kTarget);
      if (!error.empty()) ir::broken(region, "register allocation is wrong: " + error);
    }
    emitter_.region(region, out, program_, selector_);
    return true;
  }

 private:
  const ir::BackendOptions options_;
  const Features features_;
  ir::alloc::Program program_;
  std::vector<uint32_t> next_use_;
  Selector selector_;
  ir::alloc::LinearScan scan_;
  Emitter emitter_;
};

class BackendX86 final : public ir::Backend {
 public:
  BackendX86(const ir::BackendOptions& options, const Features& features)
      : options_(options), features_(features) {}

  std::string_view name() const override { return "x86-64"; }

  std::unique_ptr<ir::Compiler> make_compiler() const override {
    return std::make_unique<CompilerX86>(options_, features_);
  }

  void prepare(ir::Runtime& runtime) const override { prepare_frame(runtime); }

  // Translated code has the stack pointer to itself, for its thunks' return addresses too.
  size_t stack_bytes() const override { return ir::kReturnStackBytes; }

  ir::Thunks emit_thunks(ir::CodeSpan at) override {
    Emitter emitter(features_, options_);
    ir::CompiledCode code;
    thunks_ = write_thunks(emitter, code);
    if (code.size > at.size) emitter.broken("there is no room for the thunks");
    for (uint64_t& thunk : thunks_) thunk += reinterpret_cast<uint64_t>(at.execute);
    install(code, at);
    return {reinterpret_cast<const void*>(thunks_[static_cast<size_t>(Thunk::enter)]), code.size};
  }

  void install(const ir::CompiledCode& code, ir::CodeSpan at) const override {
    std::memcpy(at.write, code.buffer.data(), code.size);
    const uint64_t constants = thunks_[static_cast<size_t>(Thunk::constants)];
    const auto base = reinterpret_cast<uint64_t>(at.execute);
    for (const ir::Relocation& r : code.relocations) {
      const uint64_t target =
          r.kind == kToThunk ? thunks_[r.number] : constants + sizeof(Constant) * r.number;
      const auto distance =
          static_cast<uint32_t>(target - (base + r.offset) + static_cast<uint64_t>(int64_t{r.addend}));
      std::memcpy(at.write + r.offset, &distance, 4);
    }
  }

  size_t check_bytes() const override { return kNameCheckSize; }
  size_t portal_bytes() const override { return kPortalBytes; }
  uint64_t patch(ir::CodeSpan code, const ir::Patch& patch) const override {
    return apply_patch(code, patch, thunks_);
  }
  bool needs_safepoint(ir::CodeSpan code, const ir::Patch& patch) const override {
    return patch_needs_safepoint(code, patch);
  }
  void publish(ir::CodeSpan) const override {}  // the host's caches are coherent

  std::string disassemble(std::span<const uint8_t> code, uint64_t address) const override {
    return x86_64::disassemble(code, address);
  }

 private:
  const ir::BackendOptions options_;
  const Features features_;
  ThunkTable thunks_{};  // addresses
};

}  // namespace

std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options) {
  return std::make_unique<BackendX86>(options, host_features());
}

std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options, const Features& features) {
  return std::make_unique<BackendX86>(options, features);
}

}  // namespace mynah::x86_64
