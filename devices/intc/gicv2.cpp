// SPDX-License-Identifier: Apache-2.0
//
// See gicv2.h. This file has the distributor; gicv2_cpu.cpp has the CPU interface.
#include "devices/intc/gicv2.h"

#include <fmt/core.h>

#include <cassert>
#include <string>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {

// IHI 0048B table 4-1.
enum Gicd : unsigned {
  GICD_CTLR = 0x000,
  GICD_TYPER = 0x004,
  GICD_IIDR = 0x008,
  GICD_ITARGETSR = 0x800,
  GICD_ITARGETSR_END = 0xc00,
  GICD_NSACR = 0xe00,
  GICD_NSACR_END = 0xf00,
  GICD_SGIR = 0xf00,
  GICD_CPENDSGIR = 0xf10,
  GICD_SPENDSGIR = 0xf20,
  GICD_SPENDSGIR_END = 0xf30,
  GICD_PIDR4 = 0xfd0,
  GICD_END = 0x1000,
};

constexpr uint32_t kCtlrGroup0 = 1, kCtlrGroup1 = 2;
constexpr uint32_t kIidr = 0x0000043b;  // implementer Arm
// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3: an Arm GICv2 (GIC-400's part number).
constexpr uint8_t kIds[12] = {0x04, 0x00, 0x00, 0x00, 0x90, 0xb4, 0x2b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace

Gicv2::Gicv2(Log& log, Gicv2Config config)
    : log_(log),
      current_cpu_(std::move(config.current_cpu)),
      irqs_(config.cpus, config.spis,
            {.sgi_always_enabled = true, .sgi_pending_ro = true, .priority_mask = 0xff}),
      itargets_(irqs_.words() * 32),
      cpus_(config.cpus) {
  assert(config.cpus >= 1 && config.cpus <= kGicv2MaxCpus);
  reset();
}

unsigned Gicv2::current_cpu() const {
  const unsigned cpu = current_cpu_ ? current_cpu_() : 0;
  assert(cpu < cpus_.size());
  return cpu < cpus_.size() ? cpu : 0;
}

void Gicv2::guest_error(std::string_view what, Offset offset, Width width) {
  log_.guest_error(name(), fmt::format("{}-byte {} at offset {:#x}", bytes(width), what, offset));
}

void Gicv2::reset() {
  irqs_.reset();
  ctlr_ = 0;
  for (Cpu& cpu : cpus_) {
    Cpu fresh;
    fresh.irq_line = cpu.irq_line;
    fresh.fiq_line = cpu.fiq_line;
    fresh.irq_level = cpu.irq_level;  // what the wires carry until flush() below
    fresh.fiq_level = cpu.fiq_level;
    cpu = fresh;
  }
  for (unsigned intid = kGicPrivateIds; intid < itargets_.size(); intid++) set_itargetsr(intid, 0);
  update_groups();
  flush();
}

void Gicv2::serialize_state(StateStream& stream) {
  auto ncpus = static_cast<uint32_t>(cpus_.size()), nwords = static_cast<uint32_t>(irqs_.words());
  stream.io(ncpus);
  stream.io(nwords);
  if (ncpus != cpus_.size() || nwords != irqs_.words()) stream.fail();
  stream.io(ctlr_);
  for (unsigned intid = kGicPrivateIds; intid < itargets_.size(); intid++) stream.io(itargets_[intid]);
  for (Cpu& cpu : cpus_) {
    stream.io(cpu.ctlr);
    stream.io(cpu.pmr);
    stream.io(cpu.bpr);
    stream.io(cpu.abpr);
    stream.io(cpu.apr);
    stream.io(cpu.nsapr);
    stream.io(cpu.sgi_sources);
  }
  irqs_.serialize(stream);
  if (!stream.loading()) return;

  ctlr_ &= kCtlrGroup0 | kCtlrGroup1;
  for (unsigned c = 0; c < cpus_.size(); c++) {
    Cpu& cpu = cpus_[c];
    cpu.bpr &= 7;
    cpu.abpr = (cpu.abpr & 7) ? cpu.abpr & 7 : 1;
    for (unsigned sgi = 0; sgi < kGicSgis; sgi++) {
      set_sgi_sources(c, sgi, cpu.sgi_sources[sgi] & ((1u << cpus_.size()) - 1));
    }
  }
  for (unsigned intid = kGicPrivateIds; intid < itargets_.size(); intid++) {
    set_itargetsr(intid, itargets_[intid]);
  }
  update_groups();
  // The wires carry what the machine had before the load: drive them whatever the level.
  flush();
  for (Cpu& cpu : cpus_) {
    cpu.irq_line.set(cpu.irq_level);
    cpu.fiq_line.set(cpu.fiq_level);
  }
}

void Gicv2::set_irq(unsigned line, bool level) {
  const unsigned intid = kGicPrivateIds + line;
  assert(irqs_.implemented(intid));
  if (!irqs_.implemented(intid)) return;
  irqs_.set_level(0, intid, level);
  flush();
}

void Gicv2::set_ppi(unsigned cpu, unsigned intid, bool level) {
  assert(cpu < cpus_.size() && intid >= kGicSgis && intid < kGicPrivateIds);
  if (cpu >= cpus_.size() || intid < kGicSgis || intid >= kGicPrivateIds) return;
  irqs_.set_level(cpu, intid, level);
  flush();
}

void Gicv2::connect_cpu(unsigned cpu, IrqLine irq, IrqLine fiq) {
  cpus_[cpu].irq_line = irq;
  cpus_[cpu].fiq_line = fiq;
  irq.set(cpus_[cpu].irq_level);
  fiq.set(cpus_[cpu].fiq_level);
}

void Gicv2::update_groups() {
  for (unsigned cpu = 0; cpu < cpus_.size(); cpu++) {
    irqs_.set_groups_enabled(cpu, ctlr_ & kCtlrGroup0, ctlr_ & kCtlrGroup1);
  }
}

void Gicv2::set_itargetsr(unsigned intid, uint8_t targets) {
  if (!irqs_.implemented(intid)) return;
  // With one CPU the registers are RAZ/WI and everything goes to it.
  const unsigned all = (1u << cpus_.size()) - 1;
  itargets_[intid] = cpus_.size() == 1 ? 1 : targets & all;
  for (unsigned cpu = 0; cpu < cpus_.size(); cpu++) irqs_.set_target(cpu, intid, itargets_[intid] >> cpu & 1);
}

void Gicv2::set_sgi_sources(unsigned cpu, unsigned sgi, uint8_t sources) {
  cpus_[cpu].sgi_sources[sgi] = sources;
  irqs_.set_latched(cpu, sgi, sources != 0);
}

void Gicv2::send_sgi(unsigned from, uint32_t sgir) {
  const unsigned all = (1u << cpus_.size()) - 1, self = 1u << from, sgi = sgir & 0xf;
  unsigned targets = 0;
  switch (sgir >> 24 & 3) {  // TargetListFilter
    case 0:
      targets = (sgir >> 16 & 0xff) & all;
      break;
    case 1:
      targets = all & ~self;
      break;
    case 2:
      targets = self;
      break;
    default:
      log_.guest_error(name(), "reserved TargetListFilter in GICD_SGIR");
      return;
  }
  for (unsigned cpu = 0; cpu < cpus_.size(); cpu++) {
    if (targets >> cpu & 1)
      set_sgi_sources(cpu, sgi, cpus_[cpu].sgi_sources[sgi] | static_cast<uint8_t>(self));
  }
}

bool Gicv2::read_distributor_word(unsigned cpu, unsigned offset, uint32_t& value) {
  value = 0;
  if (offset >= GICD_END) return false;
  if (irqs_.read_register(cpu, offset, value)) return true;
  if (offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR_END) {
    if (cpus_.size() == 1) return true;
    const unsigned intid = offset - GICD_ITARGETSR;
    if (intid < kGicPrivateIds) {  // banked: tells a CPU its own number
      value = 0x01010101u << cpu;
    } else {
      for (unsigned i = 0; i < 4; i++) {
        if (irqs_.implemented(intid + i)) value |= uint32_t{itargets_[intid + i]} << (8 * i);
      }
    }
    return true;
  }
  if (offset >= GICD_CPENDSGIR && offset < GICD_SPENDSGIR_END) {
    for (unsigned i = 0; i < 4; i++) {
      value |= uint32_t{cpus_[cpu].sgi_sources[(offset & 0xf) + i]} << (8 * i);
    }
    return true;
  }
  if (offset >= GICD_NSACR && offset < GICD_NSACR_END) return true;  // RAZ/WI without Security Extensions
  if (offset >= GICD_PIDR4) {
    value = kIds[(offset - GICD_PIDR4) / 4];
    return true;
  }
  switch (offset) {
    case GICD_CTLR:
      value = ctlr_;
      return true;
    case GICD_TYPER:
      value = (irqs_.words() - 1) | static_cast<uint32_t>(cpus_.size() - 1) << 5;
      return true;
    case GICD_IIDR:
      value = kIidr;
      return true;
    default:
      return false;
  }
}

bool Gicv2::write_distributor_word(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask) {
  if (offset >= GICD_END) return false;
  if (irqs_.write_register(cpu, offset, value, mask)) return true;
  if (offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR_END) {
    const unsigned intid = offset - GICD_ITARGETSR;
    for (unsigned i = 0; i < 4 && intid >= kGicPrivateIds; i++) {
      if (mask >> (8 * i) & 0xff) set_itargetsr(intid + i, static_cast<uint8_t>(value >> (8 * i)));
    }
    return true;
  }
  if (offset >= GICD_CPENDSGIR && offset < GICD_SPENDSGIR_END) {
    const unsigned all = (1u << cpus_.size()) - 1;
    for (unsigned i = 0; i < 4; i++) {
      const unsigned sgi = (offset & 0xf) + i;
      const auto bits = static_cast<uint8_t>((value & mask) >> (8 * i) & all);
      if (bits == 0) continue;
      const uint8_t now = cpus_[cpu].sgi_sources[sgi];
      set_sgi_sources(cpu, sgi, offset < GICD_SPENDSGIR ? now & ~bits : now | bits);
    }
    return true;
  }
  if (offset >= GICD_NSACR && offset < GICD_NSACR_END) return true;
  switch (offset) {
    case GICD_CTLR:
      ctlr_ = ((ctlr_ & ~mask) | (value & mask)) & (kCtlrGroup0 | kCtlrGroup1);
      update_groups();
      return true;
    case GICD_SGIR:
      if (mask != 0xffffffff) return false;
      send_sgi(cpu, value);
      return true;
    default:
      return false;
  }
}

uint64_t Gicv2::read_distributor(unsigned cpu, Offset offset, Width width) {
  const unsigned n = bytes(width);
  uint32_t value = 0;
  if (n > 4 || offset % n != 0 || offset >= kWindowSize ||
      !read_distributor_word(cpu, static_cast<unsigned>(offset & ~Offset{3}), value)) {
    guest_error("distributor read", offset, width);
    return 0;
  }
  value >>= 8 * (offset & 3);
  return n == 4 ? value : value & ((1u << (8 * n)) - 1);
}

void Gicv2::write_distributor(unsigned cpu, Offset offset, Width width, uint64_t value) {
  const unsigned n = bytes(width), shift = 8 * (offset & 3);
  const uint32_t mask = n >= 4 ? 0xffffffff : ((1u << (8 * n)) - 1) << shift;
  if (n > 4 || offset % n != 0 || offset >= kWindowSize ||
      !write_distributor_word(cpu, static_cast<unsigned>(offset & ~Offset{3}),
                              (static_cast<uint32_t>(value) << shift) & mask, mask)) {
    guest_error("distributor write", offset, width);
    return;
  }
  flush();
}

uint64_t Gicv2::read(Offset offset, Width width) { return read_distributor(current_cpu(), offset, width); }

void Gicv2::write(Offset offset, Width width, uint64_t value) {
  write_distributor(current_cpu(), offset, width, value);
}

}  // namespace mynah::dev
