// SPDX-License-Identifier: Apache-2.0
//
// Each figure is named once, with its key and its label, so that table and JSON cannot disagree.
#include "app/stats.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "app/resident.h"
#include "engine/cycles.h"

namespace mynah::app {

CycleClock::CycleClock() : start_(std::chrono::steady_clock::now()), start_cycles_(cycles()) {}

double CycleClock::elapsed_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double CycleClock::nanoseconds(uint64_t count) const {
  const uint64_t passed = cycles() - start_cycles_;
  return passed ? static_cast<double>(count) * elapsed_seconds() * 1e9 / static_cast<double>(passed) : 0;
}

Figures collect_figures(Machine& machine, const CycleClock& clock) {
  // Of all processors, but what they share.
  const auto sum = [&](auto figure) {
    uint64_t total = 0;
    for (const Processor& p : machine.processors()) total += figure(*p.vcpu);
    return total;
  };
  const double seconds = clock.elapsed_seconds();
  const auto instructions = static_cast<double>(machine.instructions());
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto cpu_seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };

  Figures f;
  const auto count = [&](std::string_view group, std::string_view name, std::string_view label,
                         uint64_t value) {
    f.push_back({group, name, label, static_cast<double>(value), true});
  };
  const auto real = [&](std::string_view group, std::string_view name, std::string_view label, double value) {
    f.push_back({group, name, label, value, false});
  };
  count("run", "guest_instructions", "guest instructions", machine.instructions());
  real("run", "wall_seconds", "wall time, s", seconds);
  real("run", "user_seconds", "processor time in user mode, s", cpu_seconds(usage.ru_utime));
  real("run", "system_seconds", "processor time in the kernel, s", cpu_seconds(usage.ru_stime));
  real("run", "mips", "million guest instructions a second", seconds > 0 ? instructions / seconds / 1e6 : 0);
  real("run", "guest_seconds", "guest time, s", static_cast<double>(machine.clock().now()) / 1e9);
  count("run", "peak_rss_bytes", "peak resident memory, bytes",
        static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  const Resident resident = resident_memory(machine.memory());
  count("memory", "resident_bytes", "resident memory, bytes", resident.all);
  count("memory", "guest_resident_bytes", "  of it the guest's own RAM", resident.guest);

  if (CodeCache* cache = machine.vcpu_group().cache()) {
    const CodeCacheStats& c = cache->stats;
    count("translation", "blocks_made", "blocks translated", c.blocks_made);
    count("translation", "blocks_remade", "  of them again, after a store to their code", c.remade);
    count("translation", "guest_instructions", "guest instructions in them",
          sum([](Vcpu& v) { return v.translator()->stats.guest_insts; }));
    count("translation", "guest_bytes", "guest bytes", c.guest_bytes);
    count("translation", "host_bytes", "host bytes", c.host_bytes);
    count("translation", "metadata_bytes", "metadata bytes", c.metadata_bytes);
    real("translation", "host_bytes_per_guest_byte", "host bytes a guest byte",
         c.guest_bytes ? static_cast<double>(c.host_bytes) / static_cast<double>(c.guest_bytes) : 0);
    count("translation", "cache_flushes", "cache flushes", c.flushes);
    static constexpr std::string_view kStages[][2] = {{"lift", "  time lifting, ms"},
                                                      {"passes", "  time optimizing, ms"},
                                                      {"emit", "  time emitting, ms"},
                                                      {"commit", "  time entering into the cache, ms"}};
    static_assert(std::size(kStages) == static_cast<size_t>(Stage::kCount));
    for (size_t i = 0; i < std::size(kStages); ++i)
      real("stage_milliseconds", kStages[i][0], kStages[i][1],
           clock.nanoseconds(sum([i](Vcpu& v) { return v.translator()->stats.cycles[i]; })) / 1e6);
    count("invalidations", "blocks_by_store", "blocks dropped by guest stores", c.killed_by_store);
    count("invalidations", "blocks_by_device", "blocks dropped by devices", c.killed_by_device);
    count("invalidations", "blocks_revived", "blocks found again unchanged", c.revived);
  }
  const auto tlb = [&](auto TlbStats::*figure) {
    return sum([=](Vcpu& v) { return v.tlb().stats.*figure; });
  };
  count("invalidations", "tlb", "TLB invalidations", tlb(&TlbStats::invalidations));
  count("tlb", "refills", "TLB refills", tlb(&TlbStats::refills));
  count("tlb", "walks", "table walks", tlb(&TlbStats::walks));
  count("tlb", "epochs", "names of code mappings", machine.vcpu_group().names().given);
  count("tlb", "context_switches", "context switches",
        sum([](Vcpu& v) { return v.tlb().contexts().switches; }));
  count("tlb", "context_misses", "contexts recycled", sum([](Vcpu& v) { return v.tlb().contexts().misses; }));
  const auto off_path = [&](auto DispatcherStats::*figure) {
    return sum([=](Vcpu& v) { return v.dispatcher_stats().*figure; });
  };
  count("accesses", "guard_misses", "memory accesses off the fast path",
        off_path(&DispatcherStats::guard_misses));
  count("accesses", "devices", "device accesses",
        sum([](Vcpu& v) { return v.memory_stats().device_accesses; }));
  count("accesses", "narrow_blocks", "blocks run with a guard an access",
        off_path(&DispatcherStats::narrow_entries));
  count("accesses", "slow_blocks", "blocks run access by access", off_path(&DispatcherStats::slow_entries));
  count("accesses", "code_page_stores", "stores to pages with code",
        sum([](Vcpu& v) { return v.memory_stats().code_page_stores; }));
  count("run", "changes", "changes of context in translated code", off_path(&DispatcherStats::changes));
  count("run", "turns", "turns of processors", machine.turns());
  static constexpr std::string_view kLeaves[][2] = {
      {"link", "left code: exit not linked yet"},      {"indirect", "left code: unknown target"},
      {"deadline", "left code: time or interrupt"},    {"engine", "left code: exception or system event"},
      {"guard", "left code: fault or special access"}, {"call", "left code: helper"},
      {"dead", "left code: block was dropped"}};
  for (size_t i = 0; i < std::size(kLeaves); ++i)
    count("leaves", kLeaves[i][0], kLeaves[i][1],
          sum([i](Vcpu& v) { return v.dispatcher_stats().leaves[i]; }));
  return f;
}

std::string figures_table(const Figures& figures) {
  std::string text;
  for (const Figure& f : figures)
    text += fmt::format("{:<40} {:16.{}f}\n", f.label, f.value, f.whole ? 0 : 3);
  return text;
}

std::string figures_json(const Figures& figures) {
  nlohmann::ordered_json json;
  for (const Figure& f : figures) {
    auto& at = json[std::string(f.group)][std::string(f.name)];
    if (f.whole)
      at = static_cast<uint64_t>(f.value);
    else
      at = f.value;
  }
  return json.dump(2) + "\n";
}

}  // namespace mynah::app
