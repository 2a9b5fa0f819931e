// SPDX-License-Identifier: Apache-2.0
//
// Unicorn 2 (the processor of QEMU 5) as an oracle.
#include <unicorn/unicorn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

namespace {

void check(uc_err error, const char* what) {
  if (error == UC_ERR_OK) return;
  std::fprintf(stderr, "unicorn: %s: %s\n", what, uc_strerror(error));
  std::abort();
}

class UnicornOracle final : public Oracle {
 public:
  UnicornOracle() {
    check(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc_), "uc_open");
    check(uc_ctl_set_cpu_model(uc_, UC_CPU_ARM64_MAX), "uc_ctl_set_cpu_model");
    check(uc_mem_map(uc_, kCode, kPageSize, UC_PROT_ALL), "uc_mem_map");
    check(uc_mem_map(uc_, kMemory & ~uint64_t{kPageSize - 1}, 2 * kPageSize, UC_PROT_READ | UC_PROT_WRITE),
          "uc_mem_map");
    uint64_t cpacr = 3 << 20;
    check(uc_reg_write(uc_, UC_ARM64_REG_CPACR_EL1, &cpacr), "CPACR_EL1");

    const auto add = [&](int id, void* from) {
      ids_.push_back(id);
      values_.push_back(from);
    };
    // FPSR follows FPCR: writing one keeps the other, but the order costs nothing.
    for (int i = 0; i < 29; ++i) add(UC_ARM64_REG_X0 + i, &state_.x[i]);
    add(UC_ARM64_REG_X29, &state_.x[29]);
    add(UC_ARM64_REG_X30, &state_.x[30]);
    add(UC_ARM64_REG_SP, &state_.sp);
    for (int i = 0; i < 32; ++i) add(UC_ARM64_REG_V0 + i, state_.v[i]);
    add(UC_ARM64_REG_NZCV, &nzcv_);
    add(UC_ARM64_REG_FPCR, &fpcr_);
    add(UC_ARM64_REG_FPSR, &fpsr_);
  }
  ~UnicornOracle() override { uc_close(uc_); }

  std::string_view name() const override { return "unicorn"; }

  void run(std::span<Case> cases) override {
    for (Case& c : cases) run(c);
  }

 private:
  void run(Case& c) {
    state_ = c.state;
    nzcv_ = state_.nzcv;
    fpcr_ = state_.fpcr;
    fpsr_ = state_.fpsr;
    const uint64_t pc = state_.pc;
    uint32_t& slot = code_[(pc - kCode) / 4];
    if (slot != c.word) {
      slot = c.word;
      check(uc_mem_write(uc_, pc, &c.word, 4), "uc_mem_write");
      check(uc_ctl_remove_cache(uc_, pc, pc + 4), "uc_ctl_remove_cache");
    }
    check(uc_mem_write(uc_, kMemory, state_.memory, kMemorySize), "uc_mem_write");
    check(uc_reg_write_batch(uc_, ids_.data(), values_.data(), static_cast<int>(ids_.size())),
          "uc_reg_write_batch");
    const bool branch = (c.word >> 26 & 7) == 5;
    const uc_err error =
        branch ? uc_emu_start(uc_, pc, ~uint64_t{3}, 0, 1) : uc_emu_start(uc_, pc, pc + 4, 0, 0);
    // A branch out of the mapped pages has been done when the next fetch fails.
    const bool left = branch && (error == UC_ERR_FETCH_UNMAPPED || error == UC_ERR_FETCH_PROT);
    if (error != UC_ERR_OK && !left) {
      c.outcome = Outcome::kException;
      return;
    }
    check(uc_reg_read_batch(uc_, ids_.data(), values_.data(), static_cast<int>(ids_.size())),
          "uc_reg_read_batch");
    check(uc_mem_read(uc_, kMemory, state_.memory, kMemorySize), "uc_mem_read");
    check(uc_reg_read(uc_, UC_ARM64_REG_PC, &state_.pc), "PC");
    state_.nzcv = static_cast<uint32_t>(nzcv_) & 0xf0000000;
    state_.fpsr = static_cast<uint32_t>(fpsr_);
    c.state = state_;
    c.outcome = Outcome::kDone;
  }

  uc_engine* uc_ = nullptr;
  std::vector<int> ids_;
  std::vector<void*> values_;
  State state_{};
  uint64_t nzcv_ = 0, fpcr_ = 0, fpsr_ = 0;
  uint32_t code_[kPageSize / 4] = {};
};

}  // namespace

std::unique_ptr<Oracle> make_unicorn_oracle() { return std::make_unique<UnicornOracle>(); }

}  // namespace mynah::a64_oracle
