// SPDX-License-Identifier: Apache-2.0
//
// See gicv3.h. Register maps: IHI 0069 sections 12.8 (GICD) and 12.10 (GICR).
#include "devices/intc/gicv3.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <string>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {

enum Gicd : unsigned {
  GICD_CTLR = 0x0000,
  GICD_TYPER = 0x0004,
  GICD_IIDR = 0x0008,
  GICD_TYPER2 = 0x000c,
  GICD_STATUSR = 0x0010,
  GICD_ITARGETSR = 0x0800,
  GICD_ITARGETSR_END = 0x0c00,
  GICD_IGRPMODR = 0x0d00,
  GICD_NSACR_END = 0x0f00,
  GICD_SGIR = 0x0f00,
  GICD_SPENDSGIR_END = 0x0f30,
  GICD_IROUTER = 0x6000,  // entry 32 is the first in use
  GICD_IROUTER_END = 0x7fe0,
  GICD_PIDR4 = 0xffd0,
};

enum Gicr : unsigned {
  GICR_CTLR = 0x0000,
  GICR_IIDR = 0x0004,
  GICR_TYPER = 0x0008,
  GICR_TYPER_HIGH = 0x000c,
  GICR_STATUSR = 0x0010,
  GICR_WAKER = 0x0014,
  GICR_PROPBASER = 0x0070,
  GICR_BASERS_END = 0x0080,  // behind GICR_PENDBASER
  GICR_SYNCR = 0x00c0,
  GICR_PIDR4 = 0xffd0,
  GICR_SGI_BASE = 0x10000,
  GICR_IGRPMODR0 = 0x0d00,
  GICR_NSACR = 0x0e00,
};

constexpr uint32_t kCtlrGroups = 3;                   // EnableGrp0, EnableGrp1
constexpr uint32_t kCtlrReadAsOne = 1 << 4 | 1 << 6;  // ARE, DS
// IDbits, A3V, No1N; ITLinesNumber and LPIS are added.
constexpr uint32_t kTyper = (kGicIdBits - 1) << 19 | 1u << 24 | 1u << 25;
constexpr uint32_t kTyperLpis = 1u << 17;
constexpr uint32_t kEnableLpis = 1, kCes = 2;  // GICR_CTLR: LPIs can be disabled again
constexpr uint32_t kIidr = 0x0000043b;         // implementer Arm
constexpr uint64_t kAffinityMask = 0xff00ffffff;
constexpr uint32_t kProcessorSleep = 1 << 1, kChildrenAsleep = 1 << 2;
// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3; PIDR2 says GICv3.
constexpr uint8_t kIds[12] = {0x44, 0x00, 0x00, 0x00, 0x92, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

uint32_t id_register(unsigned index, bool redistributor) {
  return kIds[index] + (index == 4 && redistributor ? 1u : 0u);
}

std::vector<uint64_t> affinity_fields(std::vector<uint64_t> mpidrs) {
  for (uint64_t& mpidr : mpidrs) mpidr &= kAffinityMask;
  return mpidrs;
}

}  // namespace

Gicv3::Gicv3(Log& log, Gicv3Config config)
    : log_(log),
      affinities_(affinity_fields(std::move(config.affinities))),
      irqs_(static_cast<unsigned>(affinities_.size()), config.spis,
            {.sgi_always_enabled = false, .sgi_pending_ro = false, .priority_mask = kGicv3PriorityMask}),
      irouter_(irqs_.words() * 32),
      routed_to_(irqs_.words() * 32, kNoCpu),
      waker_(affinities_.size()),
      lpis_(affinities_.size(), Gicv3Lpis(config.lpi_tables, log, kGicv3PriorityMask)) {
  assert(!affinities_.empty() && affinities_.size() <= kGicv3MaxCpus);
  interfaces_.reserve(affinities_.size());
  Fabric& fabric = *this;  // a private base: the conversion has to happen here
  for (unsigned cpu = 0; cpu < affinities_.size(); cpu++) interfaces_.emplace_back(fabric, log_, cpu);
  if (config.regions.empty()) config.regions = {irqs_.cpus()};
  windows_.reserve(config.regions.size());
  for (unsigned first = 0; const unsigned count : config.regions) {
    windows_.emplace_back(*this, first, count);
    first += count;
  }
  assert(windows_.back().first + windows_.back().count == irqs_.cpus());
  reset();
}

void Gicv3::guest_error(std::string_view what, Offset offset, Width width) {
  log_.guest_error(name(), fmt::format("{}-byte {} at offset {:#x}", bytes(width), what, offset));
}

void Gicv3::reset() {
  irqs_.reset();
  ctlr_ = 0;
  for (uint32_t& waker : waker_) waker = kProcessorSleep;
  for (Gicv3Lpis& lpis : lpis_) lpis.reset();
  for (Gicv3CpuInterface& interface : interfaces_) interface.reset();
  for (unsigned cpu = 0; cpu < interfaces_.size(); cpu++) group_enables_changed(cpu);
  for (unsigned intid = kGicPrivateIds; intid < irouter_.size(); intid++) {
    routed_to_[intid] = kNoCpu;
    set_irouter(intid, 0);
  }
  flush();
}

void Gicv3::serialize_state(StateStream& stream) {
  auto ncpus = static_cast<uint32_t>(interfaces_.size()), nwords = static_cast<uint32_t>(irqs_.words());
  stream.io(ncpus);
  stream.io(nwords);
  if (ncpus != interfaces_.size() || nwords != irqs_.words()) stream.fail();
  stream.io(ctlr_);
  for (unsigned intid = kGicPrivateIds; intid < irouter_.size(); intid++) stream.io(irouter_[intid]);
  for (uint32_t& waker : waker_) stream.io(waker);
  for (Gicv3Lpis& lpis : lpis_) lpis.serialize(stream);
  for (Gicv3CpuInterface& interface : interfaces_) interface.serialize(stream);
  irqs_.serialize(stream);
  if (!stream.loading()) return;

  ctlr_ &= kCtlrGroups;
  for (uint32_t& waker : waker_) waker &= kProcessorSleep;
  for (unsigned intid = kGicPrivateIds; intid < irouter_.size(); intid++) set_irouter(intid, irouter_[intid]);
  for (unsigned cpu = 0; cpu < interfaces_.size(); cpu++) group_enables_changed(cpu);
  flush();
  // The wires carry what the machine had before the load: drive them whatever the level.
  for (Gicv3CpuInterface& interface : interfaces_) interface.drive_outputs();
}

void Gicv3::set_irq(unsigned line, bool level) {
  const unsigned intid = kGicPrivateIds + line;
  assert(irqs_.implemented(intid));
  if (!irqs_.implemented(intid)) return;
  irqs_.set_level(0, intid, level);
  flush();
}

void Gicv3::set_ppi(unsigned cpu, unsigned intid, bool level) {
  assert(cpu < interfaces_.size() && intid >= kGicSgis && intid < kGicPrivateIds);
  if (cpu >= interfaces_.size() || intid < kGicSgis || intid >= kGicPrivateIds) return;
  irqs_.set_level(cpu, intid, level);
  flush();
}

bool Gicv3::read_icc(unsigned cpu, IccReg reg, uint64_t& value) {
  const bool defined = interfaces_[cpu].read(reg, value);
  flush();  // the acknowledge registers change state
  return defined;
}

bool Gicv3::write_icc(unsigned cpu, IccReg reg, uint64_t value) {
  const bool defined = interfaces_[cpu].write(reg, value);
  irqs_.mark_dirty(cpu);
  flush();
  return defined;
}

void Gicv3::send_sgi(unsigned from, uint64_t value, bool group1) {
  const unsigned sgi = value >> 24 & 0xf;
  const bool all_others = value >> 40 & 1;  // IRM
  const uint64_t targets = value & 0xffff;
  const uint64_t cluster =
      (value >> 16 & 0xff) << 8 | (value >> 32 & 0xff) << 16 | (value >> 48 & 0xff) << 32;
  for (unsigned cpu = 0; cpu < affinities_.size(); cpu++) {
    const uint64_t aff0 = affinities_[cpu] & 0xff;
    // The range selector does not exist (RSS is 0): only Aff0 0 to 15 can be named.
    const bool named = (affinities_[cpu] & ~uint64_t{0xff}) == cluster && aff0 < 16 && (targets >> aff0 & 1);
    if (all_others ? cpu == from : !named) continue;
    if (irqs_.group1(cpu, sgi) == group1) irqs_.set_latched(cpu, sgi, true);
  }
}

void Gicv3::group_enables_changed(unsigned cpu) {
  irqs_.set_groups_enabled(cpu, (ctlr_ & 1) && interfaces_[cpu].group0_enabled(),
                           (ctlr_ & 2) && interfaces_[cpu].group1_enabled());
  irqs_.mark_dirty(cpu);  // for its LPIs
}

GicCandidate Gicv3::highest_pending(unsigned cpu) {
  const GicCandidate& best = irqs_.best(cpu);
  if (!lpis_[cpu].enabled() || !(ctlr_ & 2) || !interfaces_[cpu].group1_enabled()) return best;
  const GicCandidate& lpi = lpis_[cpu].best();
  return lpi.exists() && (!best.exists() || lpi.priority < best.priority) ? lpi : best;
}

void Gicv3::acknowledge(unsigned cpu, unsigned intid) {
  if (!is_lpi(intid)) return irqs_.acknowledge(cpu, intid, false);
  lpis_[cpu].set_pending(intid, false);
  irqs_.mark_dirty(cpu);
}

void Gicv3::set_lpi(unsigned cpu, unsigned intid, bool pending) {
  lpis_[cpu].set_pending(intid, pending);
  irqs_.mark_dirty(cpu);
}

void Gicv3::move_lpi(unsigned from, unsigned to, unsigned intid) {
  lpis_[from].move_to(lpis_[to], intid);
  irqs_.mark_dirty(from);
  irqs_.mark_dirty(to);
}

void Gicv3::move_all_lpis(unsigned from, unsigned to) {
  lpis_[from].move_all_to(lpis_[to]);
  irqs_.mark_dirty(from);
  irqs_.mark_dirty(to);
}

void Gicv3::invalidate_lpi(unsigned cpu, unsigned intid) {
  lpis_[cpu].invalidate(intid);
  irqs_.mark_dirty(cpu);
}

void Gicv3::invalidate_all_lpis(unsigned cpu) {
  lpis_[cpu].invalidate_all();
  irqs_.mark_dirty(cpu);
}

unsigned Gicv3::cpu_with_affinity(uint64_t affinity) const {
  for (unsigned cpu = 0; cpu < affinities_.size(); cpu++) {
    if (affinities_[cpu] == affinity) return cpu;
  }
  return kNoCpu;
}

void Gicv3::set_irouter(unsigned intid, uint64_t value) {
  if (!irqs_.implemented(intid)) return;
  irouter_[intid] = value & kAffinityMask;  // without 1-of-N, Interrupt_Routing_Mode is reserved
  const unsigned cpu = cpu_with_affinity(irouter_[intid]);
  if (cpu == routed_to_[intid]) return;
  if (routed_to_[intid] != kNoCpu) irqs_.set_target(routed_to_[intid], intid, false);
  if (cpu != kNoCpu) irqs_.set_target(cpu, intid, true);
  routed_to_[intid] = cpu;
}

// GICR_TYPER: Affinity_Value [63:32], Processor_Number [23:8], Last [4], PLPIS [0]. CommonLPIAff [25:24] is
// 0: one configuration table serves all.
uint64_t Gicv3::typer(unsigned cpu) const {
  const uint64_t affinity = (affinities_[cpu] & 0xffffff) | (affinities_[cpu] >> 32) << 24;
  const bool last =  // in its region
      std::ranges::any_of(windows_,
                          [&](const auto& region) { return cpu + 1 == region.first + region.count; });
  return affinity << 32 | uint64_t{cpu} << 8 | (last ? 1u << 4 : 0) | lpis_[cpu].implemented();
}

bool Gicv3::read_distributor_word(unsigned offset, uint32_t& value) {
  value = 0;
  if (irqs_.read_register(0, offset, value)) {
    // SGIs and PPIs are the redistributors'; here their registers are RAZ/WI.
    if (GicIrqState::first_intid(offset) < kGicPrivateIds) value = 0;
    return true;
  }
  if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) {
    const unsigned intid = (offset - GICD_IROUTER) / 8;
    if (intid >= kGicPrivateIds && irqs_.implemented(intid)) {
      value = static_cast<uint32_t>(irouter_[intid] >> (offset & 4 ? 32 : 0));
    }
    return true;
  }
  // RAZ/WI with affinity routing (ITARGETSR, SGIR and its like) or with one Security state (IGRPMODR, NSACR).
  if (offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR_END) return true;
  if (offset >= GICD_IGRPMODR && offset < GICD_NSACR_END) return true;
  if (offset > GICD_SGIR && offset < GICD_SPENDSGIR_END) return true;
  if (offset >= GICD_PIDR4) {
    value = id_register((offset - GICD_PIDR4) / 4, false);
    return true;
  }
  switch (offset) {
    case GICD_CTLR:
      value = ctlr_ | kCtlrReadAsOne;
      return true;
    case GICD_TYPER:
      value = kTyper | (irqs_.words() - 1) | (lpis_[0].implemented() ? kTyperLpis : 0);
      return true;
    case GICD_IIDR:
      value = kIidr;
      return true;
    case GICD_TYPER2:
    case GICD_STATUSR:
      return true;
    default:
      return false;
  }
}

bool Gicv3::write_distributor_word(unsigned offset, uint32_t value, uint32_t mask) {
  if ((offset >= 0x080 && offset < 0x800) || (offset >= 0xc00 && offset < 0xd00)) {
    if (GicIrqState::first_intid(offset) >= kGicPrivateIds) irqs_.write_register(0, offset, value, mask);
    return true;
  }
  if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) {
    const unsigned intid = (offset - GICD_IROUTER) / 8, shift = offset & 4 ? 32 : 0;
    if (intid >= kGicPrivateIds && irqs_.implemented(intid)) {
      const uint64_t keep = irouter_[intid] & ~(uint64_t{mask} << shift);
      set_irouter(intid, keep | uint64_t{value} << shift);
    }
    return true;
  }
  if (offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR_END) return true;
  if (offset >= GICD_IGRPMODR && offset < GICD_SPENDSGIR_END) return true;
  switch (offset) {
    case GICD_CTLR:
      // Changes are complete at once: RWP always reads 0.
      ctlr_ = ((ctlr_ & ~mask) | (value & mask)) & kCtlrGroups;
      for (unsigned cpu = 0; cpu < interfaces_.size(); cpu++) group_enables_changed(cpu);
      return true;
    case GICD_STATUSR:
      return true;
    default:
      return false;
  }
}

bool Gicv3::read_redistributor_word(unsigned cpu, unsigned offset, uint32_t& value) {
  value = 0;
  if (offset >= GICR_SGI_BASE) {
    offset -= GICR_SGI_BASE;
    if (offset < GICR_IGRPMODR0 && irqs_.read_register(cpu, offset, value)) {
      if (GicIrqState::first_intid(offset) < kGicPrivateIds) return true;
      value = 0;
      return false;
    }
    return offset == GICR_IGRPMODR0 || offset == GICR_NSACR;  // RAZ/WI with one Security state
  }
  if (offset >= GICR_PIDR4) {
    value = id_register((offset - GICR_PIDR4) / 4, true);
    return true;
  }
  if (offset >= GICR_PROPBASER && offset < GICR_BASERS_END) {
    value = lpis_[cpu].read_base(offset);
    return true;
  }
  switch (offset) {
    case GICR_CTLR:
      if (lpis_[cpu].implemented()) value = kCes | (lpis_[cpu].enabled() ? kEnableLpis : 0);
      return true;
    case GICR_STATUSR:
    case GICR_SYNCR:
      return true;
    case GICR_IIDR:
      value = kIidr;
      return true;
    case GICR_TYPER:
      value = static_cast<uint32_t>(typer(cpu));
      return true;
    case GICR_TYPER_HIGH:
      value = static_cast<uint32_t>(typer(cpu) >> 32);
      return true;
    case GICR_WAKER:
      value = waker_[cpu] ? kProcessorSleep | kChildrenAsleep : 0;
      return true;
    default:
      return false;
  }
}

bool Gicv3::write_redistributor_word(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask) {
  if (offset >= GICR_SGI_BASE) {
    offset -= GICR_SGI_BASE;
    if ((offset >= 0x080 && offset < 0x800) || (offset >= 0xc00 && offset < 0xd00)) {
      if (GicIrqState::first_intid(offset) >= kGicPrivateIds) return false;
      return irqs_.write_register(cpu, offset, value, mask);
    }
    return offset == GICR_IGRPMODR0 || offset == GICR_NSACR;
  }
  if (offset >= GICR_PROPBASER && offset < GICR_BASERS_END) {
    lpis_[cpu].write_base(offset, value, mask);
    return true;
  }
  switch (offset) {
    case GICR_CTLR:  // no interrupt selection to disable
      if (mask & kEnableLpis) lpis_[cpu].set_enabled(value & kEnableLpis);
      irqs_.mark_dirty(cpu);
      return true;
    case GICR_STATUSR:
      return true;
    case GICR_WAKER:
      waker_[cpu] = ((waker_[cpu] & ~mask) | (value & mask)) & kProcessorSleep;
      return true;
    default:
      return false;
  }
}

namespace {

// Registers are words; narrower accesses take their bytes from one, and the few 64-bit registers take two.
template <typename ReadWord>
bool read_lanes(Offset offset, Width width, bool wide, uint64_t& value, ReadWord&& read_word) {
  const unsigned n = bytes(width);
  if (offset % n != 0 || (n == 8 && !wide)) return false;
  uint32_t low = 0, high = 0;
  if (!read_word(static_cast<unsigned>(offset & ~Offset{3}), low)) return false;
  if (n == 8 && !read_word(static_cast<unsigned>(offset + 4), high)) return false;
  value = (uint64_t{high} << 32 | low) >> (8 * (offset & 3));
  if (n < 4) value &= (1u << (8 * n)) - 1;
  return true;
}

template <typename WriteWord>
bool write_lanes(Offset offset, Width width, bool wide, uint64_t value, WriteWord&& write_word) {
  const unsigned n = bytes(width), shift = 8 * (offset & 3);
  if (offset % n != 0 || (n == 8 && !wide)) return false;
  const uint32_t mask = n >= 4 ? 0xffffffff : ((1u << (8 * n)) - 1) << shift;
  const auto low = static_cast<uint32_t>(value) << shift & mask;
  if (!write_word(static_cast<unsigned>(offset & ~Offset{3}), low, mask)) return false;
  return n < 8 || write_word(static_cast<unsigned>(offset + 4), static_cast<uint32_t>(value >> 32), mask);
}

}  // namespace

uint64_t Gicv3::read(Offset offset, Width width) {
  const bool wide = offset >= GICD_IROUTER && offset < GICD_IROUTER_END;
  uint64_t value = 0;
  if (offset >= kDistributorSize ||
      !read_lanes(offset, width, wide, value,
                  [this](unsigned at, uint32_t& word) { return read_distributor_word(at, word); })) {
    guest_error("distributor read", offset, width);
    return 0;
  }
  return value;
}

void Gicv3::write(Offset offset, Width width, uint64_t value) {
  const bool wide = offset >= GICD_IROUTER && offset < GICD_IROUTER_END;
  if (offset >= kDistributorSize ||
      !write_lanes(offset, width, wide, value, [this](unsigned at, uint32_t word, uint32_t mask) {
        return write_distributor_word(at, word, mask);
      })) {
    guest_error("distributor write", offset, width);
  }
  flush();
}

uint64_t Gicv3::read_redistributor(const RedistributorWindow& region, Offset offset, Width width) {
  const uint64_t number = offset / kRedistributorSize, at = offset % kRedistributorSize;
  const auto cpu = static_cast<unsigned>(region.first + number);
  const bool wide = at == GICR_TYPER || (at >= GICR_PROPBASER && at < GICR_BASERS_END);
  uint64_t value = 0;
  if (number >= region.count || !read_lanes(at, width, wide, value, [&](unsigned word_at, uint32_t& word) {
        return read_redistributor_word(cpu, word_at, word);
      })) {
    guest_error("redistributor read", offset, width);
    return 0;
  }
  return value;
}

void Gicv3::write_redistributor(const RedistributorWindow& region, Offset offset, Width width,
                                uint64_t value) {
  const uint64_t number = offset / kRedistributorSize, at = offset % kRedistributorSize;
  const auto cpu = static_cast<unsigned>(region.first + number);
  const bool wide = at >= GICR_PROPBASER && at < GICR_BASERS_END;
  if (number >= region.count ||
      !write_lanes(at, width, wide, value, [&](unsigned word_at, uint32_t word, uint32_t mask) {
        return write_redistributor_word(cpu, word_at, word, mask);
      })) {
    guest_error("redistributor write", offset, width);
  }
  flush();
}

}  // namespace mynah::dev
