// SPDX-License-Identifier: Apache-2.0
//
// The GICv3 CPU interface of one CPU: the ICC_*_EL1 system registers, priority masking and preemption. Arm
// IHI 0069 chapter 4.8 and section 12.2. One Security state (GICD_CTLR.DS is 1), no EL2, no EL3, no legacy
// operation (ICC_SRE_EL1 reads 7). 5 priority bits, all of them preemption bits, so one AP0R and one AP1R.
// Group 0 is signalled on fiq, Group 1 on irq.
//
// The interface knows the distributor side only through Fabric. It does not drive its lines by itself: the
// owner calls update_outputs() when an operation is complete.
#pragma once

#include <cstdint>
#include <optional>

#include "devices/core/device.h"
#include "devices/intc/gic_irq_state.h"

namespace mynah::dev {

enum class IccReg : uint8_t {
  kPmr,
  kIar0,
  kIar1,
  kEoir0,
  kEoir1,
  kHppir0,
  kHppir1,
  kBpr0,
  kBpr1,
  kDir,
  kAp0r0,
  kAp0r1,
  kAp0r2,
  kAp0r3,
  kAp1r0,
  kAp1r1,
  kAp1r2,
  kAp1r3,
  kRpr,
  kCtlr,
  kSre,
  kIgrpen0,
  kIgrpen1,
  kSgi0r,
  kSgi1r,
  kAsgi1r,
};

// The register that MRS/MSR with this encoding names, or nothing. IHI 0069 section 12.2, table 12-3.
std::optional<IccReg> icc_reg_from_encoding(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                            unsigned op2);

constexpr unsigned kGicv3PriorityBits = 5;
constexpr uint8_t kGicv3PriorityMask = 0xff & ~(0xffu >> kGicv3PriorityBits);

class Gicv3CpuInterface {
 public:
  class Fabric {
   public:
    virtual GicCandidate highest_pending(unsigned cpu) = 0;
    virtual bool is_group1(unsigned cpu, unsigned intid) = 0;
    virtual bool is_implemented(unsigned intid) = 0;
    virtual void acknowledge(unsigned cpu, unsigned intid) = 0;
    virtual void deactivate(unsigned cpu, unsigned intid) = 0;
    // ICC_SGI1R layout; goes to the interrupts that are configured for this group.
    virtual void send_sgi(unsigned cpu, uint64_t value, bool group1) = 0;
    virtual void group_enables_changed(unsigned cpu) = 0;

   protected:
    ~Fabric() = default;
  };

  Gicv3CpuInterface(Fabric& fabric, Log& log, unsigned cpu) : fabric_(fabric), log_(log), cpu_(cpu) {
    reset();
  }

  void reset();
  void serialize(StateStream&);
  void connect(IrqLine irq, IrqLine fiq);

  // False: the access is undefined (wrong direction, or the register does not exist with 5 priority bits).
  bool read(IccReg, uint64_t& value);
  bool write(IccReg, uint64_t value);

  void update_outputs();
  void drive_outputs();  // whatever they carry now
  bool group0_enabled() const { return igrpen0_; }
  bool group1_enabled() const { return igrpen1_; }
  bool irq() const { return irq_level_; }
  bool fiq() const { return fiq_level_; }

 private:
  uint8_t group_priority_mask(bool group1) const;
  unsigned running_priority() const;
  GicCandidate signalled();
  uint64_t acknowledge(bool group1);
  uint64_t pending(bool group1);
  void end_of_interrupt(bool group1, uint64_t value);
  void deactivate(uint64_t value);

  Fabric& fabric_;
  Log& log_;
  const unsigned cpu_;
  uint8_t pmr_, bpr0_, bpr1_, ctlr_;  // set by reset()
  bool igrpen0_, igrpen1_;
  uint32_t ap0r_, ap1r_;  // bit n: group priority n * 8 is active
  IrqLine irq_line_, fiq_line_;
  bool irq_level_ = false, fiq_level_ = false;
};

}  // namespace mynah::dev
