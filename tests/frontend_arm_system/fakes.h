// SPDX-License-Identifier: Apache-2.0
//
// A guest without devices: sparse physical memory, and an ArmSystem that records what it is told.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "frontend/arm/cpu_models.h"
#include "frontend/arm/system.h"

namespace mynah::arm::test {

class FakeMemory : public PhysicalMemory {
 public:
  bool read64(uint64_t pa, uint64_t& value) override {
    if (aborting.contains(pa & ~uint64_t{0xfff})) return false;
    ++reads;
    value = words[pa];
    return true;
  }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    if (read_only.contains(pa & ~uint64_t{0xfff})) return false;
    if (before_exchange) before_exchange(pa);
    uint64_t& word = words[pa];
    if (word != expected) {
      expected = word;
      return false;
    }
    word = desired;
    return true;
  }
  std::map<uint64_t, uint64_t> words;
  std::set<uint64_t> aborting, read_only;  // pages
  std::function<void(uint64_t)> before_exchange;
  unsigned reads = 0;
};

class FakeSystem : public ArmSystem {
 public:
  PhysicalMemory& memory() override { return physical; }
  void tlb_invalidate(const TlbInvalidation& request) override { invalidations.push_back(request); }
  void translation_changed() override { ++translation_changes; }
  void instruction_cache_invalidate(uint64_t, bool) override { ++instruction_invalidations; }
  bool read_external(uint16_t key, uint64_t& value) override {
    const auto found = external.find(key);
    if (found != external.end()) value = found->second;
    return found != external.end();
  }
  bool write_external(uint16_t key, uint64_t value) override {
    if (!external.contains(key)) return false;
    external[key] = value;
    return true;
  }
  void catch_up() override {}
  std::optional<uint64_t> random() override { return random_number; }
  void send_event() override {}
  bool others_can_run() override { return false; }
  void set_event_stream(const EventStreamControl& control) override { event_stream = control; }
  bool take_stream_event() override { return std::exchange(stream_event, false); }
  void sleeps(bool) override {}
  void wakes() override {}
  uint64_t cycle_count() override { return cycles; }
  uint64_t instruction_count() override { return instructions; }
  void call_after_cycles(uint64_t n) override { call_after = n; }
  void set_pmu_interrupt(bool level) override { pmu_interrupt = level; }

  FakeMemory physical;
  std::vector<TlbInvalidation> invalidations;
  std::map<uint16_t, uint64_t> external;
  EventStreamControl event_stream;
  std::optional<uint64_t> random_number = 0x0123456789abcdef;
  bool stream_event = false, pmu_interrupt = false;
  uint64_t cycles = 0, instructions = 0, call_after = 0;
  unsigned translation_changes = 0, instruction_invalidations = 0;
};

inline CpuModel model_of(std::string_view specification) {
  return make_cpu_model(specification).model.value();
}

}  // namespace mynah::arm::test
