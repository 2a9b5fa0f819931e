// SPDX-License-Identifier: Apache-2.0
//
// See gicv3_cpu.h.
#include "devices/intc/gicv3_cpu.h"

#include <algorithm>
#include <bit>

namespace mynah::dev {

namespace {

constexpr std::string_view kName = "gicv3-cpu";

constexpr uint8_t kCtlrCbpr = 1, kCtlrEoiMode = 2;
// PRIbits [10:8], IDbits [13:11] = 0 (16 bits), A3V [15].
constexpr uint64_t kCtlrReadOnly = (kGicv3PriorityBits - 1) << 8 | 1 << 15;
constexpr uint8_t kMinBpr0 = 7 - kGicv3PriorityBits, kMinBpr1 = kMinBpr0 + 1;
constexpr unsigned kPriorityShift = 8 - kGicv3PriorityBits;
constexpr unsigned kIdlePriority = 0xff;
constexpr uint64_t kIntidMask = 0xffffff;

unsigned highest_active(uint32_t bits) {
  return bits ? static_cast<unsigned>(std::countr_zero(bits)) << kPriorityShift : kIdlePriority;
}

constexpr unsigned key(unsigned crn, unsigned crm, unsigned op2) { return crn << 8 | crm << 4 | op2; }

}  // namespace

std::optional<IccReg> icc_reg_from_encoding(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                            unsigned op2) {
  if (op0 != 3 || op1 != 0 || crn > 15 || crm > 15 || op2 > 7) return std::nullopt;
  switch (key(crn, crm, op2)) {
    case key(4, 6, 0):
      return IccReg::kPmr;
    case key(12, 8, 0):
      return IccReg::kIar0;
    case key(12, 8, 1):
      return IccReg::kEoir0;
    case key(12, 8, 2):
      return IccReg::kHppir0;
    case key(12, 8, 3):
      return IccReg::kBpr0;
    case key(12, 8, 4):
      return IccReg::kAp0r0;
    case key(12, 8, 5):
      return IccReg::kAp0r1;
    case key(12, 8, 6):
      return IccReg::kAp0r2;
    case key(12, 8, 7):
      return IccReg::kAp0r3;
    case key(12, 9, 0):
      return IccReg::kAp1r0;
    case key(12, 9, 1):
      return IccReg::kAp1r1;
    case key(12, 9, 2):
      return IccReg::kAp1r2;
    case key(12, 9, 3):
      return IccReg::kAp1r3;
    case key(12, 11, 1):
      return IccReg::kDir;
    case key(12, 11, 3):
      return IccReg::kRpr;
    case key(12, 11, 5):
      return IccReg::kSgi1r;
    case key(12, 11, 6):
      return IccReg::kAsgi1r;
    case key(12, 11, 7):
      return IccReg::kSgi0r;
    case key(12, 12, 0):
      return IccReg::kIar1;
    case key(12, 12, 1):
      return IccReg::kEoir1;
    case key(12, 12, 2):
      return IccReg::kHppir1;
    case key(12, 12, 3):
      return IccReg::kBpr1;
    case key(12, 12, 4):
      return IccReg::kCtlr;
    case key(12, 12, 5):
      return IccReg::kSre;
    case key(12, 12, 6):
      return IccReg::kIgrpen0;
    case key(12, 12, 7):
      return IccReg::kIgrpen1;
    default:
      return std::nullopt;
  }
}

void Gicv3CpuInterface::reset() {
  pmr_ = 0;
  bpr0_ = kMinBpr0;
  bpr1_ = kMinBpr1;
  ctlr_ = 0;
  igrpen0_ = igrpen1_ = false;
  ap0r_ = ap1r_ = 0;
}

void Gicv3CpuInterface::serialize(StateStream& stream) {
  stream.io(pmr_);
  stream.io(bpr0_);
  stream.io(bpr1_);
  stream.io(ctlr_);
  // Through a byte: a bool read from a damaged stream must be 0 or 1.
  uint8_t enables = static_cast<uint8_t>(igrpen0_ | igrpen1_ << 1);
  stream.io(enables);
  stream.io(ap0r_);
  stream.io(ap1r_);
  if (!stream.loading()) return;
  igrpen0_ = enables & 1;
  igrpen1_ = enables >> 1 & 1;
  pmr_ &= kGicv3PriorityMask;
  bpr0_ = std::clamp<uint8_t>(bpr0_, kMinBpr0, 7);
  bpr1_ = std::clamp<uint8_t>(bpr1_, kMinBpr1, 7);
  ctlr_ &= kCtlrCbpr | kCtlrEoiMode;
}

void Gicv3CpuInterface::connect(IrqLine irq, IrqLine fiq) {
  irq_line_ = irq;
  fiq_line_ = fiq;
  drive_outputs();
}

void Gicv3CpuInterface::drive_outputs() {
  irq_line_.set(irq_level_);
  fiq_line_.set(fiq_level_);
}

// ICC_BPR1 counts one higher than ICC_BPR0 for the same split (IHI 0069 table 4-8).
uint8_t Gicv3CpuInterface::group_priority_mask(bool group1) const {
  const unsigned point = group1 && !(ctlr_ & kCtlrCbpr) ? bpr1_ - 1u : bpr0_;
  return static_cast<uint8_t>(0xff00u >> (7 - point));
}

unsigned Gicv3CpuInterface::running_priority() const { return highest_active(ap0r_ | ap1r_); }

// The interrupt presented to the CPU now, if any. Groups disabled here never get this far: the fabric's
// candidates leave them out, so that they do not hide an interrupt of the other group.
GicCandidate Gicv3CpuInterface::signalled() {
  const GicCandidate best = fabric_.highest_pending(cpu_);
  if (!best.exists() || best.priority >= pmr_) return {};
  const bool group1 = fabric_.is_group1(cpu_, best.intid);
  if ((best.priority & group_priority_mask(group1)) >= static_cast<int>(running_priority())) return {};
  return best;
}

void Gicv3CpuInterface::update_outputs() {
  const GicCandidate next = signalled();
  const bool to_irq = next.exists() && fabric_.is_group1(cpu_, next.intid), to_fiq = next.exists() && !to_irq;
  auto drive = [](const IrqLine& line, bool& level, bool want) {
    if (level == want) return;
    level = want;
    line.set(want);
  };
  if (!to_irq) drive(irq_line_, irq_level_, false);
  drive(fiq_line_, fiq_level_, to_fiq);
  drive(irq_line_, irq_level_, to_irq);
}

uint64_t Gicv3CpuInterface::acknowledge(bool group1) {
  const GicCandidate next = signalled();
  if (!next.exists() || fabric_.is_group1(cpu_, next.intid) != group1) return kGicSpurious;
  const unsigned level = (next.priority & group_priority_mask(group1)) >> kPriorityShift;
  (group1 ? ap1r_ : ap0r_) |= 1u << level;
  fabric_.acknowledge(cpu_, next.intid);
  return next.intid;
}

uint64_t Gicv3CpuInterface::pending(bool group1) {
  const GicCandidate best = fabric_.highest_pending(cpu_);
  return best.exists() && fabric_.is_group1(cpu_, best.intid) == group1 ? best.intid : kGicSpurious;
}

void Gicv3CpuInterface::end_of_interrupt(bool group1, uint64_t value) {
  const uint64_t intid = value & kIntidMask;
  if (intid >= kGicFirstSpecialId && intid <= kGicSpurious) return;  // allowed, and does nothing
  if (!fabric_.is_implemented(static_cast<unsigned>(intid))) {
    return log_.guest_error(kName, "end of an interrupt that does not exist");
  }
  // The drop is of the highest active priority, which must belong to the register's group.
  uint32_t& bits = group1 ? ap1r_ : ap0r_;
  if (bits == 0 || highest_active(bits) != running_priority()) {
    return log_.guest_error(kName, "end of interrupt while the register's group is not the running one");
  }
  bits &= bits - 1;
  if (!(ctlr_ & kCtlrEoiMode)) fabric_.deactivate(cpu_, static_cast<unsigned>(intid));
}

void Gicv3CpuInterface::deactivate(uint64_t value) {
  const uint64_t intid = value & kIntidMask;
  if (intid >= kGicFirstSpecialId && intid <= kGicSpurious) return;
  if (!fabric_.is_implemented(static_cast<unsigned>(intid))) {
    return log_.guest_error(kName, "ICC_DIR_EL1 write for an interrupt that does not exist");
  }
  if (!(ctlr_ & kCtlrEoiMode)) return log_.guest_error(kName, "ICC_DIR_EL1 write while EOImode is 0");
  fabric_.deactivate(cpu_, static_cast<unsigned>(intid));
}

bool Gicv3CpuInterface::read(IccReg reg, uint64_t& value) {
  switch (reg) {
    case IccReg::kPmr:
      value = pmr_;
      return true;
    case IccReg::kIar0:
      value = acknowledge(false);
      return true;
    case IccReg::kIar1:
      value = acknowledge(true);
      return true;
    case IccReg::kHppir0:
      value = pending(false);
      return true;
    case IccReg::kHppir1:
      value = pending(true);
      return true;
    case IccReg::kBpr0:
      value = bpr0_;
      return true;
    case IccReg::kBpr1:
      value = (ctlr_ & kCtlrCbpr) ? std::min<uint64_t>(bpr0_ + 1u, 7) : bpr1_;
      return true;
    case IccReg::kAp0r0:
      value = ap0r_;
      return true;
    case IccReg::kAp1r0:
      value = ap1r_;
      return true;
    case IccReg::kRpr:
      value = running_priority();
      return true;
    case IccReg::kCtlr:
      value = kCtlrReadOnly | ctlr_;
      return true;
    case IccReg::kSre:
      value = 7;
      return true;  // SRE, DFB and DIB are RAO/WI: no legacy operation
    case IccReg::kIgrpen0:
      value = igrpen0_;
      return true;
    case IccReg::kIgrpen1:
      value = igrpen1_;
      return true;
    default:
      return false;
  }
}

bool Gicv3CpuInterface::write(IccReg reg, uint64_t value) {
  switch (reg) {
    case IccReg::kPmr:
      pmr_ = value & kGicv3PriorityMask;
      return true;
    case IccReg::kEoir0:
      end_of_interrupt(false, value);
      return true;
    case IccReg::kEoir1:
      end_of_interrupt(true, value);
      return true;
    case IccReg::kBpr0:
      bpr0_ = std::max<uint8_t>(value & 7, kMinBpr0);
      return true;
    case IccReg::kBpr1:
      if (!(ctlr_ & kCtlrCbpr)) bpr1_ = std::max<uint8_t>(value & 7, kMinBpr1);
      return true;
    case IccReg::kDir:
      deactivate(value);
      return true;
    case IccReg::kAp0r0:
      ap0r_ = static_cast<uint32_t>(value);
      return true;
    case IccReg::kAp1r0:
      ap1r_ = static_cast<uint32_t>(value);
      return true;
    case IccReg::kCtlr:
      ctlr_ = value & (kCtlrCbpr | kCtlrEoiMode);
      return true;
    case IccReg::kSre:
      return true;
    case IccReg::kIgrpen0:
      igrpen0_ = value & 1;
      fabric_.group_enables_changed(cpu_);
      return true;
    case IccReg::kIgrpen1:
      igrpen1_ = value & 1;
      fabric_.group_enables_changed(cpu_);
      return true;
    case IccReg::kSgi0r:
      fabric_.send_sgi(cpu_, value, false);
      return true;
    case IccReg::kSgi1r:
      fabric_.send_sgi(cpu_, value, true);
      return true;
    // The other Security state's Group 1; with one Security state that is Group 0.
    case IccReg::kAsgi1r:
      fabric_.send_sgi(cpu_, value, false);
      return true;
    default:
      return false;
  }
}

}  // namespace mynah::dev
