// SPDX-License-Identifier: Apache-2.0
//
// A debugger's target that writes down what it is told to do: four registers, some memory at 0x1000.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "app/gdb_stub.h"

namespace mynah::app::test {

inline std::string frame(std::string_view body) {
  uint8_t sum = 0;
  for (char c : body) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  return "$" + std::string(body) + fmt::format("#{:02x}", sum);
}

struct FakeGdbTarget final : GdbTarget {
  // The last is none of those that come all at once, and cannot be written.
  std::string registers[4] = {std::string(8, '\0'), std::string(8, '\1'), std::string(4, '\2'), "lone"};
  std::string memory = std::string(256, 'm');
  std::string calls;
  bool note = true;

  void call(const std::string& name) {
    if (note) calls += name + ";";
  }
  unsigned gdb_thread_count() override { return 3; }
  void gdb_select_thread(unsigned thread) override { call(fmt::format("thread{}", thread)); }
  std::string gdb_thread_text(unsigned thread) override { return fmt::format("CPU {}", thread); }
  unsigned gdb_register_count() override { return 3; }
  std::string gdb_read_register(unsigned n) override {
    return n < std::size(registers) ? registers[n] : std::string();
  }
  unsigned gdb_pc_register() override { return 1; }
  size_t gdb_register_size(unsigned n) override { return gdb_read_register(n).size(); }
  bool gdb_write_register(unsigned n, std::string_view bytes) override {
    if (n >= std::size(registers) || n == 3 || bytes.size() != registers[n].size()) return false;
    registers[n] = bytes;
    return true;
  }
  void gdb_use_physical(bool on) override { call(on ? "physical" : "virtual"); }
  size_t gdb_read_memory(uint64_t address, std::span<uint8_t> to) override {
    if (address < 0x1000 || address - 0x1000 >= memory.size()) return 0;
    const size_t n = std::min<size_t>(to.size(), memory.size() - (address - 0x1000));
    std::copy_n(memory.begin() + static_cast<ptrdiff_t>(address - 0x1000), n, to.begin());
    return n;
  }
  bool gdb_write_memory(uint64_t address, std::span<const uint8_t> from) override {
    if (address < 0x1000 || address - 0x1000 > memory.size() ||
        from.size() > memory.size() - (address - 0x1000))
      return false;
    std::copy(from.begin(), from.end(), memory.begin() + static_cast<ptrdiff_t>(address - 0x1000));
    return true;
  }
  bool gdb_set_point(GdbPoint kind, uint64_t address, uint64_t length, bool insert) override {
    call(fmt::format("{}{}@{:x}/{:x}", insert ? '+' : '-', static_cast<unsigned>(kind), address, length));
    return true;
  }
  void gdb_clear_points() override { call("clear"); }
  std::string gdb_target_xml() override { return "<target><architecture>}#$*</architecture></target>"; }
  void gdb_continue() override { call("continue"); }
  void gdb_step(unsigned thread) override { call(fmt::format("step{}", thread)); }
  void gdb_interrupt() override { call("interrupt"); }
  void gdb_kill() override { call("kill"); }
  std::string gdb_command(std::string_view text) override { return "said " + std::string(text); }
};

}  // namespace mynah::app::test
