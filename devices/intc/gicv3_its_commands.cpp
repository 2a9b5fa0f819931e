// SPDX-License-Identifier: Apache-2.0
//
// See gicv3_its.h. Here: the command queue, IHI 0069 section 5.3.
#include <fmt/core.h>

#include "devices/intc/gicv3_its.h"
#include "devices/intc/gicv3_its_fields.h"

namespace mynah::dev {

using namespace its;

namespace {

constexpr uint64_t kCommandSize = 32;

enum Opcode : uint8_t {
  kMovi = 0x01,
  kInt = 0x03,
  kClear = 0x04,
  kSync = 0x05,
  kMapd = 0x08,
  kMapc = 0x09,
  kMapti = 0x0a,
  kMapi = 0x0b,
  kInv = 0x0c,
  kInvall = 0x0d,
  kMovall = 0x0e,
  kDiscard = 0x0f,
};

template <typename Words>
uint8_t opcode(const Words& c) {
  return static_cast<uint8_t>(c[0]);
}
template <typename Words>
uint32_t device_id(const Words& c) {
  return static_cast<uint32_t>(c[0] >> 32);
}
template <typename Words>
uint32_t event_id(const Words& c) {
  return static_cast<uint32_t>(c[1]);
}
template <typename Words>
unsigned collection_id(const Words& c) {
  return static_cast<unsigned>(c[2] & 0xffff);
}
template <typename Words>
bool valid(const Words& c) {
  return c[2] & kValid;
}
// RDbase: with GITS_TYPER.PTA 0 a processor number.
uint64_t processor(uint64_t word) { return word >> 16 & 0x7'ffff'ffff; }

}  // namespace

void Gicv3Its::run_commands() {
  if (!enabled_ || !(cbaser_ & kValid) || (creadr_ & kStalled)) return;
  const uint64_t size = ((cbaser_ & 0xff) + 1) << 12;
  if (cwriter_ >= size || creadr_ >= size) return guest_error("GITS_CWRITER is beyond the command queue");
  for (uint64_t left = size / kCommandSize; left != 0 && creadr_ != cwriter_; left--) {
    Command command;
    if (!memory_.read((cbaser_ & kQueueAddress) + creadr_, command.data(), kCommandSize)) {
      creadr_ |= kStalled;
      return guest_error("the command queue is not in RAM");
    }
    if (!execute(command)) {
      guest_error(
          fmt::format("command {:#x} (words {:#x}, {:#x}, {:#x}, {:#x}) is wrong or names what is not mapped",
                      opcode(command), command[0], command[1], command[2], command[3]));
    }
    creadr_ = (creadr_ + kCommandSize) % size;
  }
}

// False: the manual calls it a command error.
bool Gicv3Its::execute(const Command& c) {
  switch (opcode(c)) {
    case kMapd:
      return map_device(c);
    case kMapc:
      return map_collection(c);
    case kMapti:
      return map_interrupt(c, static_cast<unsigned>(c[1] >> 32));
    case kMapi:
      return map_interrupt(c, event_id(c));
    case kMovi:
      return move_interrupt(c);
    case kInt:
    case kClear:
    case kDiscard:
    case kInv:
      return on_interrupt(c);
    case kInvall: {
      const auto cpu = target(collection_id(c));
      if (cpu) gic_.invalidate_all_lpis(*cpu);
      return cpu.has_value();
    }
    case kMovall: {
      const uint64_t from = processor(c[2]), to = processor(c[3]);
      if (from >= gic_.cpus() || to >= gic_.cpus()) return false;
      gic_.move_all_lpis(static_cast<unsigned>(from), static_cast<unsigned>(to));
      return true;
    }
    case kSync:
      return processor(c[2]) < gic_.cpus();
    default:
      return false;  // those of virtual interrupts too
  }
}

bool Gicv3Its::map_device(const Command& c) {
  if (device_id(c) >> kDeviceBits) return false;
  const uint64_t size = c[1] & 0x1f;
  if (valid(c) && size >= kEventBits) return false;
  const auto at = entry_address(kDevices, device_id(c));
  return at && store(*at, valid(c) ? kValid | (c[2] & kIttAddress) | size : 0);
}

bool Gicv3Its::map_collection(const Command& c) {
  if (valid(c) && processor(c[2]) >= gic_.cpus()) return false;
  const auto at = entry_address(kCollections, collection_id(c));
  return at && store(*at, valid(c) ? kValid | processor(c[2]) : 0);
}

bool Gicv3Its::map_interrupt(const Command& c, unsigned intid) {
  if (!is_lpi(intid) || !entry_address(kCollections, collection_id(c))) return false;
  const auto at = translation_address(device_id(c), event_id(c));
  return at && store(*at, kValid | uint64_t{collection_id(c)} << 32 | intid);
}

bool Gicv3Its::move_interrupt(const Command& c) {
  const auto found = translate(device_id(c), event_id(c));
  const auto from = found ? target(found->collection) : std::nullopt, to = target(collection_id(c));
  if (!from || !to) return false;
  if (!store(found->entry, kValid | uint64_t{collection_id(c)} << 32 | found->intid)) return false;
  gic_.move_lpi(*from, *to, found->intid);
  return true;
}

bool Gicv3Its::on_interrupt(const Command& c) {
  const auto found = translate(device_id(c), event_id(c));
  const auto cpu = found ? target(found->collection) : std::nullopt;
  if (!cpu) return false;
  switch (opcode(c)) {
    case kInt:
      gic_.set_lpi(*cpu, found->intid, true);
      return true;
    case kInv:
      gic_.invalidate_lpi(*cpu, found->intid);
      return true;
    case kClear:
      gic_.set_lpi(*cpu, found->intid, false);
      return true;
    default:  // DISCARD
      gic_.set_lpi(*cpu, found->intid, false);
      return store(found->entry, 0);
  }
}

}  // namespace mynah::dev
