// SPDX-License-Identifier: Apache-2.0
//
// The CPU interface of Gicv2: priority masking and preemption, acknowledge, end of interrupt. IHI 0048B
// sections 3.2, 3.3 and 4.4. Without Security Extensions every access counts as Secure.
#include <algorithm>
#include <bit>

#include "devices/intc/gicv2.h"

namespace mynah::dev {

namespace {

// IHI 0048B table 4-2.
enum Gicc : unsigned {
  GICC_CTLR = 0x000,
  GICC_PMR = 0x004,
  GICC_BPR = 0x008,
  GICC_IAR = 0x00c,
  GICC_EOIR = 0x010,
  GICC_RPR = 0x014,
  GICC_HPPIR = 0x018,
  GICC_ABPR = 0x01c,
  GICC_AIAR = 0x020,
  GICC_AEOIR = 0x024,
  GICC_AHPPIR = 0x028,
  GICC_APR0 = 0x0d0,
  GICC_NSAPR0 = 0x0e0,
  GICC_NSAPR_END = 0x0f0,
  GICC_IIDR = 0x0fc,
  GICC_DIR = 0x1000,
};

enum CtlrBits : uint32_t {
  kEnableGroup0 = 1 << 0,
  kEnableGroup1 = 1 << 1,
  kAckCtl = 1 << 2,
  kFiqEn = 1 << 3,
  kCbpr = 1 << 4,
  kEoiMode = 1 << 9,
};
// The bypass bits [8:5] are RAZ/WI: there is no legacy interrupt input to bypass to.
constexpr uint32_t kCtlrMask = kEnableGroup0 | kEnableGroup1 | kAckCtl | kFiqEn | kCbpr | kEoiMode;
constexpr uint32_t kIidr = 0x0002043b;  // architecture version 2, implementer Arm
constexpr unsigned kIdlePriority = 0xff;
constexpr unsigned kIntidMask = 0x3ff;

unsigned highest_active(const std::array<uint32_t, 4>& bits) {
  for (unsigned i = 0; i < 4; i++) {
    if (bits[i]) return (i * 32 + static_cast<unsigned>(std::countr_zero(bits[i]))) << 1;
  }
  return kIdlePriority;
}

}  // namespace

// The bits of a priority that decide preemption, by the group's binary point.
unsigned Gicv2::priority_mask(const Cpu& cpu, bool group1) const {
  const unsigned point = group1 && !(cpu.ctlr & kCbpr) ? cpu.abpr - 1u : cpu.bpr;
  return (0xff00u >> (7 - point)) & 0xff;
}

unsigned Gicv2::running_priority(const Cpu& cpu) const {
  return std::min(highest_active(cpu.apr), highest_active(cpu.nsapr));
}

// The interrupt that the interface presents to its CPU now, if any.
GicCandidate Gicv2::signalled(unsigned c) {
  const Cpu& cpu = cpus_[c];
  const GicCandidate& best = irqs_.best(c);
  if (!best.exists() || best.priority >= cpu.pmr) return {};
  const bool group1 = irqs_.group1(c, best.intid);
  if (!(cpu.ctlr & (group1 ? kEnableGroup1 : kEnableGroup0))) return {};
  if ((best.priority & priority_mask(cpu, group1)) >= running_priority(cpu)) return {};
  return best;
}

void Gicv2::update_outputs(unsigned c) {
  Cpu& cpu = cpus_[c];
  const GicCandidate next = signalled(c);
  const bool to_fiq = next.exists() && (cpu.ctlr & kFiqEn) && !irqs_.group1(c, next.intid);
  const bool to_irq = next.exists() && !to_fiq;
  // Falling first, so that the CPU never sees both for one interrupt.
  auto drive = [](const IrqLine& line, bool& level, bool want) {
    if (level == want) return;
    level = want;
    line.set(want);
  };
  if (!to_irq) drive(cpu.irq_line, cpu.irq_level, false);
  drive(cpu.fiq_line, cpu.fiq_level, to_fiq);
  drive(cpu.irq_line, cpu.irq_level, to_irq);
}

uint32_t Gicv2::pending_value(unsigned c, bool alias) {
  const GicCandidate& best = irqs_.best(c);
  if (!best.exists()) return kGicSpurious;
  const bool group1 = irqs_.group1(c, best.intid);
  if (alias && !group1) return kGicSpurious;
  if (!alias && group1 && !(cpus_[c].ctlr & kAckCtl)) return kGicGroup1Pending;
  uint32_t source = 0;
  if (best.intid < kGicSgis)
    source = static_cast<uint32_t>(std::countr_zero(cpus_[c].sgi_sources[best.intid]));
  return best.intid | source << 10;
}

uint32_t Gicv2::acknowledge(unsigned c, bool alias) {
  Cpu& cpu = cpus_[c];
  const GicCandidate next = signalled(c);
  if (!next.exists()) return kGicSpurious;
  const bool group1 = irqs_.group1(c, next.intid);
  if (alias && !group1) return kGicSpurious;
  if (!alias && group1 && !(cpu.ctlr & kAckCtl)) return kGicGroup1Pending;

  uint32_t source = 0;
  bool more = false;
  if (next.intid < kGicSgis) {
    uint8_t& sources = cpu.sgi_sources[next.intid];
    source = static_cast<uint32_t>(std::countr_zero(sources));
    sources &= static_cast<uint8_t>(sources - 1);
    more = sources != 0;
  }
  const unsigned level = (next.priority & priority_mask(cpu, group1)) >> 1;
  (group1 ? cpu.nsapr : cpu.apr)[level / 32] |= 1u << (level % 32);
  irqs_.acknowledge(c, next.intid, more);
  return next.intid | source << 10;
}

void Gicv2::end_of_interrupt(unsigned c, uint32_t value, bool alias) {
  Cpu& cpu = cpus_[c];
  const unsigned intid = value & kIntidMask;
  if (intid >= kGicFirstSpecialId) return;  // allowed, and does nothing
  if (!irqs_.implemented(intid)) return log_.guest_error(name(), "end of an interrupt that does not exist");
  const bool group1 = irqs_.group1(c, intid);
  if (alias && !group1) return log_.guest_error(name(), "GICC_AEOIR write for a Group 0 interrupt");
  auto& bits = group1 ? cpu.nsapr : cpu.apr;
  unsigned i = 0;
  while (i < 4 && bits[i] == 0) i++;
  if (i == 4) return log_.guest_error(name(), "end of interrupt with no active priority in its group");
  bits[i] &= bits[i] - 1;
  irqs_.mark_dirty(c);
  if (!(cpu.ctlr & kEoiMode)) irqs_.set_active(c, intid, false);
}

void Gicv2::deactivate(unsigned c, uint32_t value) {
  const unsigned intid = value & kIntidMask;
  if (intid >= kGicFirstSpecialId) return;
  if (!irqs_.implemented(intid))
    return log_.guest_error(name(), "GICC_DIR write for an interrupt that does not exist");
  if (!(cpus_[c].ctlr & kEoiMode)) return log_.guest_error(name(), "GICC_DIR write while EOImode is 0");
  irqs_.set_active(c, intid, false);
}

bool Gicv2::read_cpu_word(unsigned c, unsigned offset, uint32_t& value) {
  Cpu& cpu = cpus_[c];
  switch (offset) {
    case GICC_CTLR:
      value = cpu.ctlr;
      return true;
    case GICC_PMR:
      value = cpu.pmr;
      return true;
    case GICC_BPR:
      value = cpu.bpr;
      return true;
    case GICC_IAR:
      value = acknowledge(c, false);
      return true;
    case GICC_RPR:
      value = running_priority(cpu);
      return true;
    case GICC_HPPIR:
      value = pending_value(c, false);
      return true;
    case GICC_ABPR:
      value = cpu.abpr;
      return true;
    case GICC_AIAR:
      value = acknowledge(c, true);
      return true;
    case GICC_AHPPIR:
      value = pending_value(c, true);
      return true;
    case GICC_IIDR:
      value = kIidr;
      return true;
    default:
      break;
  }
  if (offset >= GICC_APR0 && offset < GICC_NSAPR_END) {
    value = (offset < GICC_NSAPR0 ? cpu.apr : cpu.nsapr)[(offset & 0xf) / 4];
    return true;
  }
  return false;
}

bool Gicv2::write_cpu_word(unsigned c, unsigned offset, uint32_t value) {
  Cpu& cpu = cpus_[c];
  irqs_.mark_dirty(c);
  switch (offset) {
    case GICC_CTLR:
      cpu.ctlr = value & kCtlrMask;
      return true;
    case GICC_PMR:
      cpu.pmr = static_cast<uint8_t>(value);
      return true;
    case GICC_BPR:
      cpu.bpr = value & 7;
      return true;
    case GICC_EOIR:
      end_of_interrupt(c, value, false);
      return true;
    case GICC_ABPR:
      cpu.abpr = (value & 7) ? value & 7 : 1;
      return true;
    case GICC_AEOIR:
      end_of_interrupt(c, value, true);
      return true;
    case GICC_DIR:
      deactivate(c, value);
      return true;
    default:
      break;
  }
  if (offset >= GICC_APR0 && offset < GICC_NSAPR_END) {
    (offset < GICC_NSAPR0 ? cpu.apr : cpu.nsapr)[(offset & 0xf) / 4] = value;
    return true;
  }
  return false;
}

uint64_t Gicv2::read_cpu_interface(unsigned c, Offset offset, Width width) {
  uint32_t value = 0;
  if (width != Width::k4 || offset % 4 != 0 || offset >= kWindowSize ||
      !read_cpu_word(c, static_cast<unsigned>(offset), value)) {
    guest_error("CPU interface read", offset, width);
    return 0;
  }
  flush();
  return value;
}

void Gicv2::write_cpu_interface(unsigned c, Offset offset, Width width, uint64_t value) {
  if (width != Width::k4 || offset % 4 != 0 || offset >= kWindowSize ||
      !write_cpu_word(c, static_cast<unsigned>(offset), static_cast<uint32_t>(value))) {
    guest_error("CPU interface write", offset, width);
    return;
  }
  flush();
}

}  // namespace mynah::dev
