// SPDX-License-Identifier: Apache-2.0
//
// Addresses wrap within 64 Ki units: a page register is no part of the count.
#include "devices/dma/dma_8237.h"

#include <algorithm>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kDisabled = 1 << 2;                        // of the command register
constexpr uint8_t kDown = 1 << 5, kAutoInitialize = 1 << 4;  // of a mode
constexpr unsigned kToMemory = 1, kFromMemory = 2;           // of a mode's bits 2 and 3
// Which page register a channel has.
constexpr std::array<uint8_t, Dma8237::kChannels> kPageOf = {7, 3, 1, 2, 0xf, 0xb, 9, 0xa};
}  // namespace

void Dma8237::reset() {
  channels_ = {};
  channels_[4].masked = false;  // systems that no firmware, or UEFI, starts count on an open cascade
  chips_ = {};
  pages_ = {};
}

void Dma8237::clear(unsigned chip) {
  chips_[chip] = {};
  for (unsigned i = 0; i < 4; ++i) {
    channels_[4 * chip + i].masked = true;
    channels_[4 * chip + i].ended = false;
  }
}

bool Dma8237::ready(unsigned n) const {
  n &= 7;
  // The second controller has the first one behind its channel 4.
  const bool through = n >= 4 || (!channels_[4].masked && !(chips_[1].command & kDisabled));
  return through && !channels_[n].masked && !(chips_[n / 4].command & kDisabled);
}

uint64_t Dma8237::place(unsigned n) const {
  const uint64_t page = pages_[kPageOf[n]];
  if (n < 4) return page << 16 | channels_[n].address;
  return (page & 0xfe) << 16 | uint64_t{channels_[n].address} << 1;
}

// Runs of addresses that do not wrap.
template <typename Move>
size_t Dma8237::move(unsigned n, unsigned transfer, size_t bytes, Move one) {
  n &= 7;
  Channel& c = channels_[n];
  const unsigned unit = n < 4 ? 1 : 2;
  size_t done = 0;
  if (!ready(n)) return 0;
  const unsigned set = c.mode >> 2 & 3;
  if (set != transfer && set != 0) {  // 0: verify, which moves nothing, but counts
    log_.guest_error(name(), "a device moves data the other way");
    return 0;
  }
  while (bytes - done >= unit && !c.masked) {
    const bool down = c.mode & kDown;
    uint64_t units = std::min<uint64_t>((bytes - done) / unit, uint64_t{c.count} + 1);
    units = down ? 1 : std::min<uint64_t>(units, 0x10000 - c.address);
    if (set != 0) one(place(n), done, units * unit);
    done += units * unit;
    c.address = static_cast<uint16_t>(down ? c.address - units : c.address + units);
    c.count = static_cast<uint16_t>(c.count - units);
    if (c.count != 0xffff) continue;
    c.ended = true;
    if (c.mode & kAutoInitialize) {
      c.address = c.base;
      c.count = c.base_count;
    } else {
      c.masked = true;
    }
    break;
  }
  return done;
}

size_t Dma8237::to_memory(unsigned channel, std::span<const uint8_t> from) {
  return move(channel, kToMemory, from.size(), [&](uint64_t pa, size_t at, size_t n) {
    if (!memory_.write(pa, from.data() + at, n)) log_.guest_error(name(), "writes no memory");
  });
}

size_t Dma8237::from_memory(unsigned channel, std::span<uint8_t> to) {
  return move(channel, kFromMemory, to.size(), [&](uint64_t pa, size_t at, size_t n) {
    if (memory_.read(pa, to.data() + at, n)) return;
    std::fill_n(to.begin() + static_cast<ptrdiff_t>(at), n, uint8_t{0xff});
    log_.guest_error(name(), "reads no memory");
  });
}

uint8_t Dma8237::read_register(unsigned chip, unsigned offset) {
  if (offset < 8) {
    const Channel& c = channels_[4 * chip + offset / 2];
    const uint16_t value = offset & 1 ? c.count : c.address;
    const bool high = chips_[chip].high;
    chips_[chip].high = !high;
    return static_cast<uint8_t>(high ? value >> 8 : value);
  }
  if (offset == 8) {  // status: who has come to an end, until it is read
    uint8_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
      Channel& c = channels_[4 * chip + i];
      value |= static_cast<uint8_t>(c.ended << i);
      c.ended = false;
    }
    return value;
  }
  if (offset == 15) {
    uint8_t value = 0xf0;
    for (unsigned i = 0; i < 4; ++i) value |= static_cast<uint8_t>(channels_[4 * chip + i].masked << i);
    return value;
  }
  return 0;
}

void Dma8237::write_register(unsigned chip, unsigned offset, uint8_t value) {
  Chip& own = chips_[chip];
  if (offset < 8) {
    Channel& c = channels_[4 * chip + offset / 2];
    uint16_t& base = offset & 1 ? c.base_count : c.base;
    base = static_cast<uint16_t>(own.high ? (base & 0xff) | value << 8 : (base & 0xff00) | value);
    (offset & 1 ? c.count : c.address) = base;
    c.ended = false;
    own.high = !own.high;
    return;
  }
  Channel& c = channels_[4 * chip + (value & 3)];
  switch (offset) {
    case 8:
      own.command = value;
      break;
    case 9:
      log_.unimplemented(name(), "a request by software");
      break;
    case 10:
      c.masked = value & 4;
      break;
    case 11:
      c.mode = value & 0xfc;
      break;
    case 12:
      own.high = false;
      break;
    case 13:
      clear(chip);
      break;
    default:  // 14: none is masked; 15: as the bits say
      for (unsigned i = 0; i < 4; ++i) channels_[4 * chip + i].masked = offset == 15 && (value >> i & 1);
  }
}

uint64_t Dma8237::Port::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) -> uint8_t {
    if (chip_ == 0) return dma_.read_register(0, at & 15);
    return at & 1 ? 0 : dma_.read_register(1, at >> 1 & 15);
  });
}

void Dma8237::Port::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
    if (chip_ == 0)
      dma_.write_register(0, at & 15, byte);
    else if (!(at & 1))
      dma_.write_register(1, at >> 1 & 15, byte);
  });
}

uint64_t Dma8237::Pages::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) { return dma_.pages_[at & 15]; });
}

void Dma8237::Pages::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { dma_.pages_[at & 15] = byte; });
}

void Dma8237::serialize_state(StateStream& s) {
  for (Channel& c : channels_) {
    for (uint16_t* word : {&c.base, &c.base_count, &c.address, &c.count}) s.io(*word);
    s.io(c.mode);
    s.io(c.masked);
    s.io(c.ended);
  }
  for (Chip& chip : chips_) {
    s.io(chip.high);
    s.io(chip.command);
  }
  for (uint8_t& page : pages_) s.io(page);
}

}  // namespace mynah::dev
