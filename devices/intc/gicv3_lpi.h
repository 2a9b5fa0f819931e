// SPDX-License-Identifier: Apache-2.0
//
// The locality-specific peripheral interrupts (LPIs) of one GICv3 redistributor: GICR_PROPBASER,
// GICR_PENDBASER, GICR_CTLR.EnableLPIs, and what the tables that those name say. Arm IHI 0069
// sections 5.1, 5.2 and 12.11.
//
// LPIs have 16-bit IDs from 8192 on, are in Group 1, edge-triggered, and never active. While they are enabled
// the pending ones are kept here; the pending table in guest memory is read when they become enabled and
// written when they no longer are. Configuration is kept here too: it is read again when an LPI becomes
// pending, and at the invalidation commands.
//
// Tables are a guest's: what is not in RAM is as if it were zero. A change costs O(1), finding a new best
// O(LPIs pending).
#pragma once

#include <cstdint>
#include <vector>

#include "devices/core/device.h"
#include "devices/intc/gic_irq_state.h"

namespace mynah::dev {

constexpr unsigned kGicFirstLpi = 8192;
constexpr unsigned kGicIdBits = 16;  // GICD_TYPER.IDbits + 1
constexpr unsigned kGicIdsEnd = 1u << kGicIdBits;
constexpr bool is_lpi(uint64_t intid) { return intid >= kGicFirstLpi && intid < kGicIdsEnd; }

class Gicv3Lpis {
 public:
  // memory: where the tables are; null: there are no LPIs. priority_mask: the implemented priority bits.
  Gicv3Lpis(DmaMemory* memory, Log& log, uint8_t priority_mask)
      : memory_(memory), log_(&log), priority_mask_(priority_mask) {}

  void reset();
  void serialize(StateStream&);

  bool implemented() const { return memory_ != nullptr; }
  bool enabled() const { return enabled_; }
  void set_enabled(bool enabled);
  // GICR_PROPBASER and GICR_PENDBASER: words at offsets 0x70 to 0x7c of RD_base.
  uint32_t read_base(unsigned offset) const;
  void write_base(unsigned offset, uint32_t value, uint32_t mask);

  // All take any number: what is no LPI here, or comes while LPIs are disabled, does nothing.
  void set_pending(unsigned intid, bool pending);
  bool pending(unsigned intid) const { return usable(intid) && (pending_[intid / 64] >> (intid % 64) & 1); }
  void move_to(Gicv3Lpis& other, unsigned intid);
  void move_all_to(Gicv3Lpis& other);
  // The configuration of one, of all, may have changed.
  void invalidate(unsigned intid);
  void invalidate_all() { stale_config_ = stale_best_ = true; }

  // The pending and enabled one of the highest priority; among equals the lowest ID.
  const GicCandidate& best();

 private:
  bool usable(unsigned intid) const { return enabled_ && intid >= kGicFirstLpi && intid < end_; }
  uint64_t* base(unsigned offset) { return offset < 0x78 ? &propbaser_ : &pendbaser_; }
  void derive_end();
  void read_pending_table();
  void write_pending_table();
  void load_config();
  void rescan();
  void consider(unsigned intid);

  DmaMemory* memory_;
  Log* log_;
  uint8_t priority_mask_;
  uint64_t propbaser_ = 0, pendbaser_ = 0;
  bool enabled_ = false;
  unsigned end_ = 0;               // LPIs are below it; of GICR_PROPBASER.IDbits
  std::vector<uint64_t> pending_;  // a bit an ID; empty while LPIs are disabled
  std::vector<uint8_t> config_;    // by ID, from the table; not saved
  GicCandidate best_;
  bool stale_config_ = false, stale_best_ = false;
};

}  // namespace mynah::dev
