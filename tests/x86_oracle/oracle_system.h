// SPDX-License-Identifier: Apache-2.0
//
// The rest of a machine, for helpers of user-mode instructions: linear memory as the oracle has it, and
// nothing else.
#pragma once

#include <functional>

#include "frontend/x86/system.h"

namespace mynah::x86_oracle {

class OracleSystem final : public x86::X86System {
 public:
  // Host address of the byte, and how many follow it; null: `fault`.
  std::function<uint8_t*(uint64_t linear, bool write, uint64_t& room, Fault& fault)> find;

  bool read64(uint64_t, uint64_t&) override { return false; }
  bool compare_exchange64(uint64_t, uint64_t&, uint64_t) override { return false; }
  uint8_t* linear(uint64_t address, unsigned n, bool write, uint32_t, LinearFault& fault) override {
    uint64_t room = 0;
    uint8_t* const at = find(address, write, room, fault.fault);
    if (!at || room >= n) return at;
    find(address + room, write, room, fault.fault);
    return nullptr;
  }
  bool commit(const uint8_t*, Fault&) override { return true; }
  uint8_t* ram(uint64_t address, unsigned n, bool write, uint32_t permission_class) override {
    LinearFault fault;
    return linear(address, n, write, permission_class, fault);
  }
  void tlb_flush_all() override {}
  void tlb_flush_id(uint32_t) override {}
  void tlb_flush_page(uint64_t) override {}
  void tlb_flush_page_of(uint64_t, uint32_t) override {}
  void translation_changed() override {}
  uint32_t port_read(uint16_t, unsigned) override { return ~uint32_t{0}; }
  void port_write(uint16_t, unsigned, uint32_t) override {}
  int pending_vector() override { return -1; }
  int accept_interrupt() override { return -1; }
  uint64_t cr8() override { return 0; }
  void set_cr8(uint64_t) override {}
  bool read_apic_msr(uint32_t, uint64_t&) override { return false; }
  bool write_apic_msr(uint32_t, uint64_t) override { return false; }
  bool apic_enabled() override { return true; }
  uint32_t apic_id() override { return 0; }
  unsigned processors() override { return 1; }
  uint64_t tsc() override { return 0; }
  uint64_t tsc_hz() override { return 1'000'000'000; }
  void tsc_offset_changed(uint64_t) override {}
  void reset_apic() override {}
  void shut_down() override {}
  std::optional<uint64_t> random() override { return 4; }
  void sleeps() override {}
  void wakes() override {}
  void look_soon() override {}
  bool others_can_run() override { return false; }
};

}  // namespace mynah::x86_oracle
