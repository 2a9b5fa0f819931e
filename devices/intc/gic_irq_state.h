// SPDX-License-Identifier: Apache-2.0
//
// GicIrqState: what GICv2 and GICv3 share below their register maps: the state of every interrupt (enabled,
// pending latch, active, input level, trigger, group, priority, target CPUs), the registers that have the
// same layout in both (IGROUPR to IPRIORITYR, ICFGR), and for each CPU the highest-priority pending
// interrupt. Arm IHI 0048B section 3.2 and 4.3, IHI 0069 section 4.1 and 12.9.
//
// Interrupt IDs come in words of 32. Word 0 (SGIs and PPIs) is banked per CPU, the others (SPIs) are shared.
//
// Invariants, between public calls: candidates_[cpu] holds exactly the interrupts that are pending, enabled,
// not active, in a group that is enabled for the CPU, and private to it or targeted at it; its cached best is
// stale or right. A CPU whose candidates, their priorities or groups changed is marked dirty until
// drain_dirty(). One change of one interrupt costs O(CPUs); finding a new best costs O(interrupts pending at
// that CPU).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "devices/core/device.h"

namespace mynah::dev {

constexpr unsigned kGicSgis = 16;
constexpr unsigned kGicPrivateIds = 32;  // SGIs and PPIs; SPI n is ID 32 + n
constexpr unsigned kGicMaxWords = 32;
constexpr unsigned kGicFirstSpecialId = 1020;
constexpr unsigned kGicGroup1Pending = 1022;  // GICC_IAR: the interrupt must be acknowledged as Group 1
constexpr unsigned kGicSpurious = 1023;

struct GicCandidate {
  uint16_t intid = kGicSpurious;
  uint8_t priority = 0xff;
  bool exists() const { return intid != kGicSpurious; }
};

class GicIrqState {
 public:
  // One word of 32 interrupts; a bit each.
  struct Word {
    uint32_t enabled = 0, latched = 0, active = 0, level = 0, edge = 0, group1 = 0;
    // An edge-triggered interrupt is pending by its latch alone; a level-sensitive one also while its line is
    // up.
    uint32_t pending() const { return latched | (level & ~edge); }
  };
  struct Options {
    bool sgi_always_enabled = false;  // ISENABLER0[15:0] reads as ones, writes are ignored
    bool sgi_pending_ro = false;      // ISPENDR0/ICPENDR0[15:0] ignore writes (GICv2 has SPENDSGIR instead)
    uint8_t priority_mask = 0xff;     // implemented priority bits
  };

  // spis is a multiple of 32, at most 992 (of which 988 are usable: IDs 1020 to 1023 are special).
  GicIrqState(unsigned cpus, unsigned spis, Options options);

  // Input levels stay as they are. Targets and enabled groups become empty.
  void reset();
  // Targets and enabled groups are not saved: the owner derives them from its registers, after a load too.
  void serialize(StateStream&);

  unsigned cpus() const { return cpus_; }
  unsigned words() const { return words_; }
  bool implemented(unsigned intid) const { return intid < words_ * 32 && intid < kGicFirstSpecialId; }
  const Word& word(unsigned cpu, unsigned w) const { return w == 0 ? private_[cpu] : shared_[w]; }
  bool group1(unsigned cpu, unsigned intid) const { return word(cpu, intid / 32).group1 >> (intid % 32) & 1; }
  bool active(unsigned cpu, unsigned intid) const { return word(cpu, intid / 32).active >> (intid % 32) & 1; }
  uint8_t priority(unsigned cpu, unsigned intid) const {
    return intid < kGicPrivateIds ? private_priority_[cpu][intid] : shared_priority_[intid];
  }

  // All take implemented IDs; `cpu` matters for private ones only.
  void set_level(unsigned cpu, unsigned intid, bool level);
  void set_latched(unsigned cpu, unsigned intid, bool latched);
  void set_active(unsigned cpu, unsigned intid, bool active);
  // Pending to active (or active and pending, when its line is still up). keep_latched: more of the same SGI
  // waits.
  void acknowledge(unsigned cpu, unsigned intid, bool keep_latched);
  void set_target(unsigned cpu, unsigned spi_intid, bool targeted);
  void set_groups_enabled(unsigned cpu, bool group0, bool group1);

  const GicCandidate& best(unsigned cpu) {
    if (candidates_[cpu].stale) rescan(cpu);
    return candidates_[cpu].best;
  }

  // The registers at offsets 0x080 to 0x7ff and 0xc00 to 0xcff, word `offset & ~3`. `mask` has the written
  // bits set, for byte accesses. False: the offset is not one of them.
  bool read_register(unsigned cpu, unsigned offset, uint32_t& value) const;
  bool write_register(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask);
  // The first interrupt ID of such a register's word; offset must be one.
  static unsigned first_intid(unsigned offset);

  template <typename F>
  void drain_dirty(F&& changed) {
    if (!any_dirty_) return;
    any_dirty_ = false;
    for (size_t i = 0; i < dirty_.size(); i++) {
      uint64_t bits = dirty_[i];
      dirty_[i] = 0;
      for (; bits; bits &= bits - 1) changed(static_cast<unsigned>(i * 64 + std::countr_zero(bits)));
    }
  }
  void mark_dirty(unsigned cpu) {
    dirty_[cpu / 64] |= uint64_t{1} << (cpu % 64);
    any_dirty_ = true;
  }

 private:
  struct Candidates {
    std::array<uint32_t, kGicMaxWords> words{};
    uint32_t nonempty = 0;  // bit w: words[w] != 0
    GicCandidate best;
    bool stale = false;
  };
  Word& word(unsigned cpu, unsigned w) { return w == 0 ? private_[cpu] : shared_[w]; }
  uint32_t& target(unsigned cpu, unsigned w) { return targets_[w * cpus_ + cpu]; }
  uint32_t implemented_mask(unsigned w) const {
    return w >= words_ ? 0 : w == kGicMaxWords - 1 ? 0x0fffffff : 0xffffffff;
  }
  void set_priority(unsigned cpu, unsigned intid, uint8_t priority);
  void refresh(unsigned cpu, unsigned w);      // after word(cpu, w) changed
  void refresh_one(unsigned cpu, unsigned w);  // for one CPU
  void refresh_all();
  void rescan(unsigned cpu);

  const unsigned cpus_, words_;
  const Options options_;
  std::vector<Word> private_;  // by CPU
  std::vector<Word> shared_;   // by word; [0] is not used
  std::vector<std::array<uint8_t, kGicPrivateIds>> private_priority_;
  std::vector<uint8_t> shared_priority_;  // by interrupt ID
  std::vector<uint32_t> targets_;         // by word, then CPU; derived by the owner, not saved
  struct Groups {
    uint32_t group0 = 0, group1 = 0;  // all ones when enabled
  };
  std::vector<Groups> groups_;  // derived by the owner, not saved
  std::vector<Candidates> candidates_;
  std::vector<uint64_t> dirty_;
  bool any_dirty_ = false;
};

}  // namespace mynah::dev
