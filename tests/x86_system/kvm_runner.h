// SPDX-License-Identifier: Apache-2.0
//
// The host's own processor as what runs a test's program: a virtual machine of the host's kernel, with the
// same memory, from the registers of an X86State to them. There is no more of a machine to it: no interrupt
// controller, no device. Where /dev/kvm does not open there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "frontend/x86/state.h"

struct kvm_run;

namespace mynah::test {

class KvmRunner {
 public:
  // `memory` from physical 0 on. Null: the host has none to offer.
  static std::unique_ptr<KvmRunner> open(uint8_t* memory, size_t bytes);
  ~KvmRunner();
  KvmRunner(const KvmRunner&) = delete;

  // kStuck: nothing halted within a second, or the kernel gave up.
  enum class End : uint8_t { kHalt, kShutdown, kStuck };
  // Runs until something halts and no interrupt is there; `interrupt`, if not negative, is asserted and
  // becomes -1 where it was accepted. The state's pending NMI is injected.
  End run(x86::X86State& state, int& interrupt);

  std::function<uint32_t(uint16_t port, unsigned bytes)> port_read;
  std::function<void(uint16_t port, unsigned bytes, uint32_t value)> port_write;

 private:
  KvmRunner() = default;
  bool create(uint8_t* memory, size_t bytes);
  bool set_cpuid();
  bool load(const x86::X86State& state);
  void store(x86::X86State& state);
  bool inject(int& interrupt);
  void ports();

  int kvm_ = -1, vm_ = -1, cpu_ = -1;
  kvm_run* run_ = nullptr;
  size_t run_bytes_ = 0;
};

}  // namespace mynah::test
