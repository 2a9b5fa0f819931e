// SPDX-License-Identifier: Apache-2.0
//
// See gicv3_its.h. Here: the registers, IHI 0069 section 12.19.
#include "devices/intc/gicv3_its.h"

#include <fmt/core.h>

#include "devices/core/registers.h"
#include "devices/intc/gicv3_its_fields.h"

namespace mynah::dev {

using namespace its;

namespace {

enum Gits : unsigned {
  GITS_CTLR = 0x0000,
  GITS_IIDR = 0x0004,
  GITS_TYPER = 0x0008,
  GITS_CBASER = 0x0080,
  GITS_CWRITER = 0x0088,
  GITS_CREADR = 0x0090,
  GITS_BASER = 0x0100,  // eight, two in use
  GITS_BASER_END = 0x0140,
  GITS_PIDR4 = 0xffd0,
};

constexpr uint32_t kCtlrEnabled = 1, kCtlrQuiescent = 1u << 31;
constexpr uint32_t kIidr = 0x0000043b;  // implementer Arm
// Physical, ITT_entry_size 8, ID_bits, Devbits.
constexpr uint64_t kTyper = 1 | (kEntrySize - 1) << 4 | (kEventBits - 1) << 8 | (kDeviceBits - 1) << 13;
// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3; PIDR2 says GICv3.
constexpr uint8_t kIds[12] = {0x44, 0x00, 0x00, 0x00, 0x94, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

// Type: devices, collections; Entry_Size.
constexpr uint64_t kBaserReadOnly[] = {uint64_t{1} << 56 | (kEntrySize - 1) << 48,
                                       uint64_t{4} << 56 | (kEntrySize - 1) << 48};
constexpr uint64_t kBaserWritable = ~(uint64_t{7} << 56 | uint64_t{0x1f} << 48);
// Valid, caches, address, Shareability, Size.
constexpr uint64_t kCbaserWritable =
    kValid | uint64_t{7} << 59 | uint64_t{7} << 53 | kQueueAddress | uint64_t{3} << 10 | 0xff;

constexpr uint64_t kHigh = 0xffff'ffff'0000'0000, kLow = 0xffff'ffff;

}  // namespace

Gicv3Its::Gicv3Its(Gicv3& gic, DmaMemory& memory, Log& log, uint64_t base)
    : gic_(gic), memory_(memory), log_(log), base_(base) {
  reset();
}

void Gicv3Its::guest_error(std::string_view what) { log_.guest_error(name(), what); }

void Gicv3Its::reset() {
  enabled_ = false;
  cbaser_ = cwriter_ = creadr_ = 0;
  for (unsigned n = 0; n < kBasers; n++) basers_[n] = kBaserReadOnly[n];
}

void Gicv3Its::serialize_state(StateStream& stream) {
  stream.io(enabled_);
  stream.io(cbaser_);
  stream.io(cwriter_);
  stream.io(creadr_);
  stream.io(basers_);
  if (!stream.loading()) return;
  cbaser_ &= kCbaserWritable;
  cwriter_ &= kQueueOffset;
  creadr_ &= kQueueOffset | kStalled;
  for (unsigned n = 0; n < kBasers; n++) set_baser(n, basers_[n]);
}

void Gicv3Its::set_baser(unsigned n, uint64_t value) {
  if ((value >> 8 & 3) == 3) value &= ~(uint64_t{1} << 8);  // Page_Size: the reserved one is 64 KiB
  basers_[n] = (value & kBaserWritable) | kBaserReadOnly[n];
}

// The word at a multiple of 4; what is 64 bits wide has two.
uint64_t Gicv3Its::read_word(Offset offset) {
  const auto half = [offset](uint64_t value) { return offset & 4 ? value >> 32 : value & kLow; };
  if (offset >= GITS_PIDR4 && offset < 0x10000) return kIds[(offset - GITS_PIDR4) / 4];
  if (offset >= GITS_BASER && offset < GITS_BASER_END) {
    const auto n = static_cast<unsigned>((offset - GITS_BASER) / 8);
    return n < kBasers ? half(basers_[n]) : 0;
  }
  switch (offset) {
    case GITS_CTLR:
      // Nothing is ever under way: quiescent as soon as it is disabled.
      return enabled_ ? kCtlrEnabled : kCtlrQuiescent;
    case GITS_IIDR:
      return kIidr;
    default:
      break;
  }
  switch (offset & ~Offset{4}) {
    case GITS_TYPER:
      return half(kTyper);
    case GITS_CBASER:
      return half(cbaser_);
    case GITS_CWRITER:
      return half(cwriter_);
    case GITS_CREADR:
      return half(creadr_);
    default:
      guest_error(fmt::format("read at offset {:#x}", offset));
      return 0;
  }
}

uint64_t Gicv3Its::read(Offset offset, Width width) {
  const bool wide = offset >= GITS_TYPER && offset < GITS_BASER_END;
  if (offset % bytes(width) != 0 || (width != Width::k4 && !(width == Width::k8 && wide))) {
    guest_error(fmt::format("{}-byte read at offset {:#x}", bytes(width), offset));
    return 0;
  }
  const uint64_t low = read_word(offset);
  return width == Width::k8 ? low | read_word(offset + 4) << 32 : low;
}

// value and mask in their place of the register's eight bytes, which begin at offset.
void Gicv3Its::write_register(Offset offset, uint64_t value, uint64_t mask) {
  if (offset >= GITS_BASER && offset < GITS_BASER_END) {
    const auto n = static_cast<unsigned>((offset - GITS_BASER) / 8);
    if (n >= kBasers) return;  // not in use: RES0
    if (enabled_) return guest_error("write of GITS_BASER while the ITS is enabled");
    return set_baser(n, (basers_[n] & ~mask) | (value & mask));
  }
  switch (offset) {
    case GITS_CTLR:
      if (!(mask & kLow)) return guest_error("write of GITS_IIDR, which is read-only");
      enabled_ = value & kCtlrEnabled;
      return run_commands();
    case GITS_CBASER:
      if (enabled_) return guest_error("write of GITS_CBASER while the ITS is enabled");
      cbaser_ = ((cbaser_ & ~mask) | (value & mask)) & kCbaserWritable;
      creadr_ = 0;
      return;
    case GITS_CWRITER:
      cwriter_ = ((cwriter_ & ~mask) | (value & mask)) & kQueueOffset;
      if (value & mask & kRetry) creadr_ &= ~kStalled;
      return run_commands();
    case GITS_TYPER:
    case GITS_CREADR:
      return guest_error("write of a register that is read-only");
    default:
      return guest_error(fmt::format("write at offset {:#x}", offset));
  }
}

void Gicv3Its::write(Offset offset, Width width, uint64_t value) {
  if (offset == kTranslater && (width == Width::k2 || width == Width::k4))
    return signal(0, static_cast<uint32_t>(low_bytes(value, width)));  // by a processor: no requester
  const bool wide = offset >= GITS_TYPER && offset < GITS_BASER_END;
  if (offset % bytes(width) != 0 || (width != Width::k4 && !(width == Width::k8 && wide)))
    return guest_error(fmt::format("{}-byte write at offset {:#x}", bytes(width), offset));
  if (width == Width::k8) {
    write_register(offset, value, kHigh | kLow);
  } else if (offset & 4) {
    write_register(offset - 4, value << 32, kHigh);
  } else {
    write_register(offset, value & kLow, kLow);
  }
  gic_.lpis_done();
}

bool Gicv3Its::message(uint64_t address, uint32_t data, uint16_t requester) {
  if (address != base_ + kTranslater) return false;
  signal(requester, data);
  return true;
}

void Gicv3Its::signal(uint32_t device_id, uint32_t event_id) {
  if (!enabled_) return;
  const auto found = translate(device_id, event_id);
  const auto cpu = found ? target(found->collection) : std::nullopt;
  if (!cpu) {
    return guest_error(
        fmt::format("message of device {:#x}, event {}, which is not mapped", device_id, event_id));
  }
  gic_.set_lpi(*cpu, found->intid, true);
  gic_.lpis_done();
}

}  // namespace mynah::dev
