// SPDX-License-Identifier: Apache-2.0
//
// Vcpu: runs one guest processor. It owns the frame that translated code runs on, finds or makes blocks,
// serves soft TLB misses and device accesses, and counts instructions. It knows nothing of devices or time
// but two interfaces.
//
// Safepoints: translation and code invalidations asked for inside a helper take effect there (helpers that
// change translation end their block); interrupts, deadlines and kicks at the next region entry, when the
// down-counter has run out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/code_cache.h"
#include "engine/guest_memory.h"
#include "engine/stop_points.h"
#include "engine/tlb.h"
#include "engine/translator.h"
#include "frontend/guest.h"
#include "ir/backend.h"
#include "ir/eval.h"

namespace mynah {

// Device accesses; width 1, 2, 4 or 8 bytes, within one naturally aligned 8 bytes. False: no device there.
class DeviceBus {
 public:
  virtual ~DeviceBus() = default;
  virtual bool read(uint64_t pa, unsigned width, uint64_t& value) = 0;
  virtual bool write(uint64_t pa, unsigned width, uint64_t value) = 0;
};

enum class Accelerator : uint8_t { kJit, kInterp };

struct VcpuStats {
  uint64_t leaves[8] = {};  // by ir::Leave
  uint64_t guard_misses = 0, device_accesses = 0, narrow_entries = 0, slow_entries = 0, code_page_stores = 0;
};

class Vcpu final : public ir::EvalHost {
 public:
  Vcpu(GuestCpu& guest, GuestMemory& memory, DeviceBus& devices, ir::Backend* backend,
       Accelerator accelerator, size_t code_bytes, const Techniques& techniques = {});
  ~Vcpu() override;

  std::string init();  // empty, or why it cannot run

  // Runs about `budget` instructions; exact in deterministic mode: never more, and fewer only when the guest
  // halts, stops, or request_stop() was called. Interrupts are taken as they become deliverable. A guest that
  // sleeps is woken where what it waits for is there, else nothing is run.
  AfterExit run(uint64_t budget);
  void set_exact(bool exact) { exact_ = exact; }  // instruction counts end exactly at the budget

  // Instructions executed so far, exact also inside device accesses and helpers.
  uint64_t instructions() const;
  // run() returns at the next region entry. From inside device accesses and helpers (same thread).
  void request_stop();

  // Translation or code facts changed.
  void translation_changed() { context_stale_ = true; }
  Tlb& tlb() { return tlb_; }
  CodeCache* cache() { return cache_.get(); }
  Translator* translator() { return translator_.get(); }
  ir::Runtime& runtime() { return *runtime_; }
  void host_mapping_changed() { tlb_.clear_contexts(); }

  // --- debugger. Virtual memory as the guest's current regime maps it; false where nothing is mapped.
  bool debug_read(uint64_t va, std::span<uint8_t> to);
  bool debug_write(uint64_t va, std::span<const uint8_t> from);
  AfterExit step();  // one instruction
  // run() returns kDebug in front of a breakpoint, but for the first instruction it executes, and behind an
  // instruction whose access hit a watchpoint; step() behind each.
  const StopPoints& stop_points() const { return stop_points_; }
  void set_breakpoint(uint64_t address, bool on);
  void set_watchpoint(const StopPoints::Watchpoint& watchpoint, bool on);
  void clear_stop_points();
  // The watchpoint that was hit since this was last called.
  std::optional<StopPoints::Watchpoint> take_watch_hit() { return std::exchange(watch_hit_, std::nullopt); }

  std::function<void(const TranslatedBlock&)> exec_log;  // -d exec: every region entered (links are off then)
  bool single_regions = false;                           // no links: every region comes back
  VcpuStats stats;

 private:
  friend struct Entries;
  // ir::EvalHost
  bool guard(const ir::Region&, const ir::Inst&, uint64_t base, uint8_t*& pointer) override;
  bool commit(const ir::Region&, const ir::Inst&, uint8_t* pointer) override;
  bool call(const ir::Region&, const ir::Inst&, const uint64_t args[4], uint64_t& result) override;
  bool checks_helpers() const override { return translator_->verify; }

  void select_contexts();
  // Counts as an instruction, so that no guest can stand still.
  void raise(const Fault& fault, Access access, uint8_t note = 0);
  TranslatedBlock* find_block(uint64_t pc, uint64_t flavour = 0);
  void note_code(uint64_t pc);
  void remember(uint64_t pc, ir::BranchKind branch, const TranslatedBlock& block);  // in both jump caches
  const void* recall(uint64_t pc);  // code known to them for a direct exit to pc, or nullptr
  const Tlb::Entry* code_entry(uint64_t pc, Fault& fault);
  bool fetch(uint64_t pc, uint64_t& pa, uint64_t& mode);
  std::span<const uint8_t> code_page(uint64_t pa);
  [[gnu::always_inline]] inline AfterExit run_translated();       // see ir::Thunks::enter
  AfterExit run_evaluated(uint64_t max_insts, bool stop = true);  // stop: at stop points
  AfterExit execute_one();                                        // whatever stops there
  AfterExit stopped();                                            // pc() is in a stop set
  void flush_code();
  AfterExit after_engine_exit(uint8_t reason, uint64_t imm, uint64_t argument);
  void link(TranslatedBlock& from, const ir::Site& site, uint64_t target, const TranslatedBlock& to);
  struct PageLink {
    TranslatedBlock* from;
    uint32_t site_offset;
  };
  std::unordered_map<uint32_t, std::vector<PageLink>> page_links_;  // by epoch
  uint32_t stops_at(uint64_t pc);                                   // number of its page's stop set

  // A guard's answer.
  // kWatched: the instruction would hit a watchpoint; it is to be executed by itself.
  enum class GuardResult : uint8_t { kPointer, kFault, kSlow, kWatched };
  bool watches_page(uint64_t va) const;
  GuardResult fast_guard(uint64_t va, uint64_t length, uint8_t aux, uint8_t*& pointer, Fault& fault);
  GuardResult slow_guard(uint64_t va, const ir::GuardRange& range, uint8_t aux, uint8_t*& pointer,
                         Fault& fault);
  GuardResult resolve(uint64_t va, Access access, uint32_t permission_class, Tlb::Entry& entry, Fault& fault);
  bool write_bounce(Fault& fault);
  bool device_read(uint64_t pa, unsigned element, uint8_t* to, unsigned n);
  bool device_write(uint64_t pa, unsigned element, const uint8_t* from, unsigned n);
  ir::Site rebuild_slots(uint64_t site_address, const ir::HostRegisters& registers);
  void rebuild(uint64_t site_address, const ir::HostRegisters& registers);  // with the pc

  GuestCpu& guest_;
  GuestMemory& memory_;
  DeviceBus& devices_;
  ir::Backend* backend_;
  Accelerator accelerator_;
  const Techniques techniques_;
  ir::Runtime* runtime_;
  Tlb tlb_;
  std::unique_ptr<CodeCache> cache_;
  std::unique_ptr<Translator> translator_;
  TranslationContext* context_ = nullptr;
  TranslationContext* user_context_ = nullptr;
  bool context_stale_ = true;
  bool exact_ = false;
  bool stop_requested_ = false;
  uint64_t enter_flavour_ = 0;  // of the next block
  uint64_t stop_flushes_ = 0;   // StopPoints::flushes() that the cache's keys are of
  StopPoints stop_points_;
  std::optional<StopPoints::Watchpoint> watch_hit_;
  bool watched_ = false;  // an access would hit a watchpoint: its instruction is executed next
  bool executing_one_ = false;
  bool guest_store_ = false;  // memory_ is being written by an instruction, not a device

  // Instruction accounting: executed before this slice; given to it; what the running region has counted
  // ahead.
  uint64_t executed_ = 0;
  int64_t slice_ = 0;
  int64_t ahead_ = 0;

  // Bounce buffer of the slow flavour: device accesses and accesses across two pages.
  struct Bounce {
    bool active = false, device = false, write = false;
    uint8_t element = 0;
    uint64_t va = 0;
    unsigned length = 0, first_length = 0;
    uint64_t pa[2] = {};
    uint32_t permission_class = 0;
    alignas(16) uint8_t bytes[256];
  } bounce_;
  // Sites that were decoded lately, by return address. Saved slots are decoded again where they are needed.
  struct CachedSite {
    uint64_t address = 0;
    TranslatedBlock* block = nullptr;
    ir::Site site;
  };
  const CachedSite& site_at(uint64_t address);
  static constexpr unsigned kSiteCacheSize = 4096;
  std::vector<CachedSite> site_cache_;
  uint64_t site_cache_flushes_ = 0;
  std::vector<ir::SavedSlot> saved_;
};

}  // namespace mynah
