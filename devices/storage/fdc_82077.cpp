// SPDX-License-Identifier: Apache-2.0
//
// Commands (82077AA data sheet, chapter 5) by the low bits of their first byte.
#include "devices/storage/fdc_82077.h"

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {

enum Code : uint8_t {
  kReadTrack = 0x02,
  kSpecify = 0x03,
  kSenseDrive = 0x04,
  kWriteData = 0x05,
  kReadData = 0x06,
  kRecalibrate = 0x07,
  kSenseInterrupt = 0x08,
  kWriteDeleted = 0x09,
  kReadId = 0x0a,
  kReadDeleted = 0x0c,
  kFormat = 0x0d,
  kDumpRegisters = 0x0e,
  kSeek = 0x0f,
  kVersion = 0x10,
  kPerpendicular = 0x12,
  kConfigure = 0x13,
  kLock = 0x14,
  kVerify = 0x16,
  kPartId = 0x18,
};
// Main status.
constexpr uint8_t kReady = 0x80, kToHost = 0x40, kBusy = 0x10;
// DOR.
constexpr uint8_t kNoReset = 0x04, kDmaGate = 0x08;
// Status registers.
constexpr uint8_t kSeekEnd = 0x20, kAbnormal = 0x40, kInvalid = 0x80, kReadyChanged = 0xc0;
constexpr uint8_t kNoMark = 0x01, kNotWritable = 0x02, kNoData = 0x04, kCrc = 0x20, kEndOfCylinder = 0x80;
constexpr uint8_t kMultiTrack = 0x80;

}  // namespace

struct Fdc82077::Command {
  uint8_t code, mask, bytes;  // bytes: with the code
};

const Fdc82077::Command* Fdc82077::find(uint8_t code) {
  static constexpr Command kCommands[] = {
      {kReadTrack, 0x1f, 9},      {kSpecify, 0xff, 3},      {kSenseDrive, 0xff, 2},
      {kWriteData, 0x3f, 9},      {kReadData, 0x1f, 9},     {kRecalibrate, 0xff, 2},
      {kSenseInterrupt, 0xff, 1}, {kWriteDeleted, 0x3f, 9}, {kReadId, 0xbf, 2},
      {kReadDeleted, 0x1f, 9},    {kFormat, 0xbf, 6},       {kDumpRegisters, 0xff, 1},
      {kSeek, 0xff, 3},           {kVersion, 0xff, 1},      {kPerpendicular, 0xff, 2},
      {kConfigure, 0xff, 4},      {kLock, 0x7f, 1},         {kVerify, 0x1f, 9},
      {kPartId, 0xff, 1},         {0x8f, 0xbf, 3},  // relative seek
  };
  for (const Command& c : kCommands)
    if ((code & c.mask) == c.code) return &c;
  return nullptr;
}

Fdc82077::Fdc82077(Dma8237& dma, IrqLine irq, Log& log) : dma_(dma), irq_(irq), log_(log) { reset(); }

void Fdc82077::Drive::insert(BlockBackend* to) {
  struct Format {
    uint32_t kib;
    Kind kind;
    uint8_t tracks, sectors;
  };
  static constexpr Format kFormats[] = {{360, Kind::k360K, 40, 9},
                                        {720, Kind::k720K, 80, 9},
                                        {1200, Kind::k1200K, 80, 15},
                                        {1440, Kind::k1440K, 80, 18},
                                        {2880, Kind::k2880K, 80, 36}};
  disk = to;
  medium = Kind::kNone;
  if (!to) return;
  const Format* format = std::find_if(std::begin(kFormats), std::end(kFormats),
                                      [to](const Format& f) { return uint64_t{f.kib} << 10 == to->size(); });
  if (format == std::end(kFormats)) format = &kFormats[to->size() > 1440 << 10 ? 4 : 3];
  medium = format->kind;
  tracks = format->tracks;
  sectors = format->sectors;
  track = std::min<uint8_t>(track, tracks - 1);
}

RemovableDrive& Fdc82077::plug(unsigned n, BlockBackend* disk) {
  Drive& drive = drives_[n % kDrives];
  drive.insert(disk);
  drive.kind = disk ? drive.medium : Kind::k1440K;
  return drive;
}

void Fdc82077::reset() {
  for (Drive& drive : drives_) {
    drive.track = 0;
    drive.changed = true;
  }
  dor_ = kNoReset | kDmaGate;
  rate_ = tape_ = perpendicular_ = 0;
  specify_ = {};
  configure_ = {};
  locked_ = false;
  soft_reset();
  after_reset_ = 0;
  pending_ = false;
  irq_.set(false);
}

void Fdc82077::soft_reset() {
  have_ = result_at_ = result_end_ = 0;
  if (!locked_) configure_ = {};
  perpendicular_ = 0;
  pending_ = false;
  irq_.set(false);
}

// --- registers

uint8_t Fdc82077::main_status() const {
  if (!(dor_ & kNoReset)) return 0;
  const bool results = result_at_ < result_end_;
  return static_cast<uint8_t>(kReady | (results ? kToHost | kBusy : have_ ? kBusy : 0));
}

uint8_t Fdc82077::read_register(Offset offset) {
  switch (offset) {
    case kStatusA:
      return static_cast<uint8_t>(pending_ << 7 | 0x40);
    case kStatusB:
      return 0xc0;
    case kDor:
      return dor_;
    case kTape:
      return tape_;
    case kMainStatus:
      return main_status();
    case kFifo:
      return read_fifo();
    default:
      return 0xff;
  }
}

void Fdc82077::write_register(Offset offset, uint8_t value) {
  constexpr uint8_t kSoftwareReset = 0x80;  // of data rate select
  switch (offset) {
    case kDor:
      return write_dor(value);
    case kTape:
      tape_ = value & 3;
      return;
    case kMainStatus:
      rate_ = value & 3;
      if (!(value & kSoftwareReset)) return;
      soft_reset();
      after_reset_ = 4;
      return interrupt(kReadyChanged);
    case kFifo:
      return write_fifo(value);
    default:
      return;
  }
}

void Fdc82077::write_dor(uint8_t value) {
  const bool starts = !(dor_ & kNoReset) && (value & kNoReset);
  dor_ = value;
  if (!(value & kNoReset)) return soft_reset();
  if (!starts) return;
  after_reset_ = 4;
  interrupt(kReadyChanged);
}

uint64_t Fdc82077::Last::read(Offset, Width) {
  const unsigned n = fdc_.dor_ & 3;
  const bool motor = fdc_.dor_ >> (4 + n) & 1;
  const bool changed = !fdc_.has_disk(n) || fdc_.drives_[n].changed;
  return motor && changed ? 0x80 : 0;
}

uint64_t Fdc82077::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) { return read_register(at); });
}

void Fdc82077::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { write_register(at, byte); });
}

// --- commands

void Fdc82077::interrupt(uint8_t status0) {
  status0_ = status0;
  pending_ = true;
  if (dor_ & kDmaGate) irq_.set(true);
}

void Fdc82077::answer(std::initializer_list<uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), result_.begin());
  result_at_ = 0;
  result_end_ = static_cast<uint8_t>(bytes.size());
}

// The first byte of a result ends the interrupt.
uint8_t Fdc82077::read_fifo() {
  if (!(dor_ & kNoReset) || result_at_ >= result_end_) return 0;
  irq_.set(false);
  pending_ = false;
  return result_[result_at_++];
}

void Fdc82077::write_fifo(uint8_t value) {
  if (!(dor_ & kNoReset) || result_at_ < result_end_) return;
  if (have_ == 0 && !find(value)) return answer({kInvalid});
  command_[have_++] = value;
  if (have_ < find(command_[0])->bytes) return;
  have_ = 0;
  execute();
}

void Fdc82077::seek(unsigned n, uint8_t track) {
  uint8_t status0 = static_cast<uint8_t>(kSeekEnd | n);
  if (has_disk(n)) {
    drives_[n].track = std::min<uint8_t>(track, drives_[n].tracks - 1);
    drives_[n].changed = false;
  } else {
    status0 |= kAbnormal | 0x10;  // no track 0
  }
  interrupt(status0);
}

void Fdc82077::sense_interrupt() {
  if (after_reset_) {
    const auto n = static_cast<uint8_t>(4 - after_reset_--);
    irq_.set(false);
    pending_ = after_reset_ != 0;
    return answer({static_cast<uint8_t>(kReadyChanged | n), n < kDrives ? drives_[n].track : uint8_t{0}});
  }
  if (!pending_) return answer({kInvalid});
  const unsigned n = status0_ & 3;
  irq_.set(false);
  pending_ = false;
  answer({status0_, n < kDrives ? drives_[n].track : uint8_t{0}});
}

void Fdc82077::execute() {
  const unsigned n = command_[1] & 3;
  const uint8_t code = command_[0];
  if (code != kSenseInterrupt) after_reset_ = 0;
  switch (find(code)->code) {
    case kReadData:
    case kReadDeleted:
    case kReadTrack:
      return transfer(false, false);
    case kVerify:
      return transfer(false, true);
    case kWriteData:
    case kWriteDeleted:
      return transfer(true, false);
    case kReadId:
      return read_id();
    case kFormat:
      return format();
    case kSpecify:
      specify_ = {command_[1], command_[2]};
      return;
    case kConfigure:
      configure_ = {command_[1], command_[2], command_[3]};
      return;
    case kPerpendicular:
      perpendicular_ = command_[1];
      return;
    case kRecalibrate:
      return seek(n, 0);
    case kSeek:
      return seek(n, command_[2]);
    case 0x8f: {
      const int from = n < kDrives ? drives_[n].track : 0;
      return seek(
          n, static_cast<uint8_t>(std::clamp(code & 0x40 ? from + command_[2] : from - command_[2], 0, 255)));
    }
    case kSenseInterrupt:
      return sense_interrupt();
    case kSenseDrive: {
      const bool there = has_disk(n);
      const bool protects = there && drives_[n].disk->read_only();
      const bool first = n >= kDrives || drives_[n].track == 0;
      return answer({static_cast<uint8_t>((command_[1] & 7) | 0x28 | first << 4 | protects << 6)});
    }
    case kDumpRegisters:
      return answer({drives_[0].track, drives_[1].track, 0, 0, specify_[0], specify_[1], drives_[0].sectors,
                     static_cast<uint8_t>(locked_ << 7 | perpendicular_), configure_[1], configure_[2]});
    case kVersion:
      return answer({0x90});
    case kPartId:
      return answer({0x41});
    default:  // kLock
      locked_ = code & 0x80;
      return answer({static_cast<uint8_t>(locked_ << 4)});
  }
}

// --- data. Bytes of such a command: code, head and drive, cylinder, head, sector, size, last sector.

void Fdc82077::end_transfer(uint8_t code, uint8_t status1, uint8_t status2) {
  const auto status0 = static_cast<uint8_t>(code | (command_[3] & 1) << 2 | (command_[1] & 3));
  answer({status0, status1, status2, command_[2], command_[3], command_[4], command_[5]});
  interrupt(status0);
}

// What of the disk an image does not have reads as zero. False: the host cannot, or it is not possible.
bool Fdc82077::move_sector(Drive& drive, uint64_t sector, bool write, bool verify, bool& ended) {
  std::array<uint8_t, kSector> bytes{};
  const uint64_t at = sector * kSector, size = drive.disk->size();
  const auto n = static_cast<size_t>(at < size ? std::min<uint64_t>(size - at, kSector) : 0);
  if (write) {
    ended = dma_.from_memory(kDmaChannel, bytes) < kSector;
    return n == 0 || drive.disk->write(at, {bytes.data(), n});
  }
  if (n && !drive.disk->read(at, {bytes.data(), n})) return false;
  if (!verify) ended = dma_.to_memory(kDmaChannel, bytes) < kSector;
  return true;
}

void Fdc82077::transfer(bool write, bool verify) {
  const unsigned n = command_[1] & 3;
  uint8_t &cylinder = command_[2], &head = command_[3], &sector = command_[4];
  const uint8_t last = command_[6];
  if (!has_disk(n)) return end_transfer(kAbnormal, kNoMark, 0);
  Drive& drive = drives_[n];
  if (write && drive.disk->read_only()) return end_transfer(kAbnormal, kNotWritable, 0);
  if (command_[5] != 2) return end_transfer(kAbnormal, kNoData, 0);                       // not 512 bytes
  if (configure_[0] & 0x40) drive.track = std::min<uint8_t>(cylinder, drive.tracks - 1);  // implied seek
  for (;;) {
    if (cylinder >= drive.tracks || head >= drive.heads || sector == 0 || sector > drive.sectors)
      return end_transfer(kAbnormal, kNoData, 0);
    const uint64_t number = (uint64_t{cylinder} * drive.heads + head) * drive.sectors + sector - 1;
    if (!verify && !dma_.ready(kDmaChannel)) return end_transfer(kAbnormal, 0x10, 0);  // overrun
    bool ended = false;
    if (!move_sector(drive, number, write, verify, ended)) return end_transfer(kAbnormal, kCrc, kCrc);
    const bool all = verify ? sector == last : dma_.terminal_count(kDmaChannel);
    // The next sector, behind the last of a track on the other side.
    bool cylinder_ends = false;
    if (sector != last) {
      ++sector;
    } else {
      sector = 1;
      if (command_[0] & kMultiTrack) {
        head ^= 1;
        cylinder_ends = head == 0;
      } else {
        cylinder_ends = true;
      }
      if (cylinder_ends) ++cylinder;
    }
    if (all) return end_transfer(0, 0, 0);
    if (ended || cylinder_ends) return end_transfer(kAbnormal, kEndOfCylinder, 0);
  }
}

void Fdc82077::read_id() {
  const unsigned n = command_[1] & 3;
  command_[3] = command_[1] >> 2 & 1;
  command_[4] = 1;
  command_[5] = 2;
  command_[2] = n < kDrives ? drives_[n].track : 0;
  if (!has_disk(n)) return end_transfer(kAbnormal, kNoMark, 0);
  // The rate must be that of the disk: 500 kbit/s, or 250 and 300, or a megabit.
  const Kind kind = drives_[n].medium;
  const bool high = kind == Kind::k1440K || kind == Kind::k1200K;
  const bool fits = kind == Kind::k2880K ? rate_ == 3 : high ? rate_ == 0 : rate_ == 1 || rate_ == 2;
  if (!fits) return end_transfer(kAbnormal, kNoMark, 0);
  end_transfer(0, 0, 0);
}

// Four bytes a sector come by DMA; where the sector is, and what of it matters here, is known.
void Fdc82077::format() {
  const unsigned n = command_[1] & 3, count = command_[3], fill = command_[5];
  const uint8_t head = command_[1] >> 2 & 1;
  command_[3] = head;
  command_[4] = command_[5] = 2;
  if (!has_disk(n)) return end_transfer(kAbnormal, kNoMark, 0);
  Drive& drive = drives_[n];
  if (drive.disk->read_only()) return end_transfer(kAbnormal, kNotWritable, 0);
  std::array<uint8_t, kSector> bytes;
  bytes.fill(static_cast<uint8_t>(fill));
  for (unsigned i = 0; i < count; ++i) {
    std::array<uint8_t, 4> id{};
    if (dma_.from_memory(kDmaChannel, id) < id.size()) break;
    if (id[0] >= drive.tracks || id[1] >= drive.heads || id[2] == 0 || id[2] > drive.sectors) continue;
    const uint64_t at = ((uint64_t{id[0]} * drive.heads + id[1]) * drive.sectors + id[2] - 1) * kSector;
    if (at + kSector <= drive.disk->size() && !drive.disk->write(at, bytes))
      return end_transfer(kAbnormal, kCrc, 0);
  }
  end_transfer(0, 0, 0);
}

void Fdc82077::serialize_state(StateStream& s) {
  for (Drive& drive : drives_) {
    s.io(drive.track);
    s.io(drive.changed);
    if (s.loading()) drive.track = std::min<uint8_t>(drive.track, drive.tracks - 1);
  }
  for (uint8_t& byte : command_) s.io(byte);
  for (uint8_t& byte : result_) s.io(byte);
  for (uint8_t* byte :
       {&have_, &result_at_, &result_end_, &dor_, &rate_, &tape_, &status0_, &after_reset_, &perpendicular_,
        &specify_[0], &specify_[1], &configure_[0], &configure_[1], &configure_[2]})
    s.io(*byte);
  s.io(pending_);
  s.io(locked_);
  if (!s.loading()) return;
  // What no saved state has, but a damaged one may.
  result_end_ = std::min<uint8_t>(result_end_, static_cast<uint8_t>(result_.size()));
  result_at_ = std::min(result_at_, result_end_);
  after_reset_ = std::min<uint8_t>(after_reset_, 4);
  const Command* command = find(command_[0]);
  if (!command || have_ >= command->bytes) have_ = 0;
  irq_.set(pending_ && (dor_ & kDmaGate));
}

}  // namespace mynah::dev
