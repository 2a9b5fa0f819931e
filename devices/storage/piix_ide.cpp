// SPDX-License-Identifier: Apache-2.0
//
// The engine goes through a table of physical regions: an address, a count of bytes (0: 64 KiB), and in the
// last entry an end mark.
#include "devices/storage/piix_ide.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr unsigned kMasterBar = 4, kMasterSize = 16;
constexpr uint8_t kStart = 1, kToMemory = 8;                                   // of the command
constexpr uint8_t kActive = 1, kError = 2, kInterrupt = 4, kDrivesCan = 0x60;  // of the status
constexpr uint32_t kEndOfTable = 1u << 31;
constexpr unsigned kMostEntries = 8192;  // 64 KiB of them
constexpr size_t kPiece = 64 * 1024;
}  // namespace

PiixIde::PiixIde(IrqLine first, IrqLine second, Log& log)
    : Function("piix3-ide", {.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180}, log,
               pci::ConfigSize::kConventional),
      channels_{IdeChannel("ide-channel0", first), IdeChannel("ide-channel1", second)} {
  add_bar(kMasterBar, pci::BarKind::kIo, kMasterSize);
  set_config(0x40, 4, 0x80008000);  // both channels decode their ports
  let_write(0x40, 4, 0xffffffff);
  let_write(0x44, 4, 0xffffffff);
  let_write(0x48, 4, 0xffffffff);
  for (unsigned n = 0; n < kChannels; ++n) {
    channels_[n].command_written = [this, n] { transfer(n); };
    channels_[n].interrupted = [this, n] { masters_[n].status |= kInterrupt; };
  }
}

void PiixIde::reset_model() {
  masters_ = {};
  for (IdeChannel& channel : channels_) channel.reset();
}

uint8_t PiixIde::read_byte(unsigned offset) const {
  const BusMaster& m = masters_[offset >> 3 & 1];
  switch (offset & 7) {
    case 0:
      return m.command;
    case 2:
      return m.status;
    case 4:
    case 5:
    case 6:
    case 7:
      return static_cast<uint8_t>(m.table >> 8 * (offset & 3));
    default:
      return 0;
  }
}

uint64_t PiixIde::bar_read(unsigned, uint64_t offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) { return read_byte(static_cast<unsigned>(at)); });
}

void PiixIde::write_byte(unsigned offset, uint8_t value) {
  const unsigned n = offset >> 3 & 1;
  BusMaster& m = masters_[n];
  switch (offset & 7) {
    case 0:
      return write_command(n, value);
    case 2:
      m.status = static_cast<uint8_t>((value & kDrivesCan) | (m.status & kActive) |
                                      (m.status & ~value & (kError | kInterrupt)));
      return;
    case 4:
    case 5:
    case 6:
    case 7: {
      const unsigned shift = 8 * (offset & 3);
      m.table = ((m.table & ~(0xffu << shift)) | uint32_t{value} << shift) & ~3u;
      return;
    }
    default:
      return;
  }
}

void PiixIde::bar_write(unsigned, uint64_t offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value,
                 [this](Offset at, uint8_t byte) { write_byte(static_cast<unsigned>(at), byte); });
}

void PiixIde::write_command(unsigned n, uint8_t value) {
  BusMaster& m = masters_[n];
  const bool starts = (value & kStart) && !(m.command & kStart);
  m.command = value & (kStart | kToMemory);
  if (!(value & kStart)) m.status &= static_cast<uint8_t>(~kActive);
  if (!starts) return;
  m.status |= kActive;
  m.entry = m.left = 0;
  m.last = false;
  transfer(n);
}

bool PiixIde::next_entry(BusMaster& m) {
  uint32_t entry[2];
  if (m.last || m.entry >= kMostEntries || !dma().read(uint64_t{m.table} + 8 * m.entry, entry, sizeof entry))
    return false;
  ++m.entry;
  m.address = entry[0] & ~1u;
  m.left = entry[1] & 0xfffe;
  if (m.left == 0) m.left = 0x10000;
  m.last = entry[1] & kEndOfTable;
  return true;
}

// False: the drive has ended the command, or memory is not there.
bool PiixIde::move(BusMaster& m, IdeDrive& drive) {
  const auto n = static_cast<uint32_t>(std::min<uint64_t>(m.left, drive.dma_left()));
  const bool in = drive.dma_to_memory();
  bool good;
  if (uint8_t* const direct = dma().map(m.address, n, in)) {
    good = in ? drive.dma_read({direct, n}) : drive.dma_write({direct, n});
  } else {
    std::vector<uint8_t> bytes(n);
    good = in ? drive.dma_read(bytes) && dma().write(m.address, bytes.data(), n)
              : dma().read(m.address, bytes.data(), n) && drive.dma_write(bytes);
  }
  m.address += n;
  m.left -= n;
  return good;
}

// What is left of the table when the drive is done leaves the engine active; a drive that is left with data
// waits.
void PiixIde::transfer(unsigned n) {
  BusMaster& m = masters_[n];
  IdeDrive* drive = channels_[n].selected();
  if (!(m.status & kActive) || !drive || !drive->wants_dma()) return;
  while (drive->wants_dma()) {
    if (m.left == 0 && !next_entry(m)) {
      m.status &= static_cast<uint8_t>(~kActive);
      if (!m.last) m.status |= kError;
      break;
    }
    if (move(m, *drive)) continue;
    m.status = static_cast<uint8_t>((m.status & ~kActive) | kError);
    break;
  }
  if (!drive->wants_dma() && m.last && m.left == 0) m.status &= static_cast<uint8_t>(~kActive);
  channels_[n].update();
}

void PiixIde::serialize_model(StateStream& s) {
  for (BusMaster& m : masters_) {
    s.io(m.command);
    s.io(m.status);
    s.io(m.table);
    s.io(m.entry);
    s.io(m.left);
    s.io(m.address);
    s.io(m.last);
    if (!s.loading()) continue;
    m.table &= ~3u;
    m.left = std::min<uint32_t>(m.left, kPiece);
  }
  for (IdeChannel& channel : channels_) channel.serialize(s);
}

}  // namespace mynah::dev
