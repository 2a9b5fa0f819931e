// SPDX-License-Identifier: Apache-2.0
//
// The list, the tables and what they say are a guest's: each is read once, and a table has as many regions
// as it says or fewer.
#include "devices/storage/ahci_port.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "devices/storage/ata_disk.h"

namespace mynah::dev {

using namespace ahci;

namespace {
constexpr uint32_t kNoDevice = 0x7f, kNoSignature = 0xffff'ffff;
constexpr uint8_t kSoftwareReset = 4;  // of the device control byte
}  // namespace

struct AhciPort::Command {
  unsigned slot = 0;
  uint32_t flags = 0, regions = 0;
  uint64_t table = 0;
  std::array<uint8_t, kCommandFisBytes> fis{};
  std::array<uint8_t, 16> packet{};
  uint64_t room = 0;  // bytes of all regions
  uint32_t moved = 0;
  bool asks_interrupt = false;  // one of the regions does
  bool by_words = false;        // some of the data came so
  uint8_t code() const { return fis[2]; }
};

AhciPort::AhciPort(DmaMemory& memory, std::function<void()> changed)
    : memory_(memory), changed_(std::move(changed)) {
  reset();
}

void AhciPort::plug(std::unique_ptr<IdeDrive> drive) {
  drive_ = std::move(drive);
  drive_->use_serial_ata();
  reset();
}

void AhciPort::reset() {
  list_ = received_ = 0;
  interrupts_ = enabled_ = control_ = errors_ = active_ = issued_ = 0;
  command_ = kSpinUp | kPowerOn;
  stopped_ = in_reset_ = false;
  connect();
}

// The link comes up, and the drive says what it is.
void AhciPort::connect() {
  signature_due_ = false;
  task_file_ = kNoDevice;
  signature_ = kNoSignature;
  if (!drive_) return;
  drive_->reset();
  errors_ |= kExchanged;
  signature_due_ = true;
  signature_ = drive_->read_register(IdeDrive::kSectorCount, false) |
               uint32_t{drive_->read_register(IdeDrive::kLbaLow, false)} << 8 |
               uint32_t{drive_->read_register(IdeDrive::kLbaMid, false)} << 16 |
               uint32_t{drive_->read_register(IdeDrive::kLbaHigh, false)} << 24;
  note_status(drive_->status(), drive_->error());
  if (command_ & kReceive) post_registers(false);
}

// --- registers

uint32_t AhciPort::interrupts() const { return interrupts_ | (errors_ & kExchanged ? kPcs : 0); }

uint32_t AhciPort::link_status() const {
  constexpr uint32_t kPresent = 3, kActive = 1 << 8, kGen3 = 3, kOffline = 4;
  switch (control_ & 15) {
    case 0: {
      const uint32_t most = control_ >> 4 & 15;
      return drive_ ? kPresent | kActive | (most ? std::min(most, kGen3) : kGen3) << 4 : 0;
    }
    case 4:
      return kOffline;
    default:
      return 0;
  }
}

uint32_t AhciPort::read(uint32_t offset) const {
  switch (offset) {
    case kPxClb:
      return static_cast<uint32_t>(list_);
    case kPxClbu:
      return static_cast<uint32_t>(list_ >> 32);
    case kPxFb:
      return static_cast<uint32_t>(received_);
    case kPxFbu:
      return static_cast<uint32_t>(received_ >> 32);
    case kPxIs:
      return interrupts();
    case kPxIe:
      return enabled_;
    case kPxCmd:
      return command_ | (command_ & kStart ? kRuns : 0) | (command_ & kReceive ? kReceives : 0);
    case kPxTfd:
      return task_file_;
    case kPxSig:
      return signature_;
    case kPxSsts:
      return link_status();
    case kPxSctl:
      return control_;
    case kPxSerr:
      return errors_;
    case kPxSact:
      return active_;
    case kPxCi:
      return issued_;
    default:
      return 0;
  }
}

void AhciPort::write(uint32_t offset, uint32_t value) {
  const auto low = [value](uint64_t& to, uint32_t mask) {
    to = (to & ~uint64_t{0xffff'ffff}) | (value & mask);
  };
  const auto high = [value](uint64_t& to) { to = (to & 0xffff'ffff) | uint64_t{value} << 32; };
  switch (offset) {
    case kPxClb:
      return low(list_, ~0x3ffu);
    case kPxClbu:
      return high(list_);
    case kPxFb:
      return low(received_, ~0xffu);
    case kPxFbu:
      return high(received_);
    case kPxIs:
      interrupts_ &= ~value;
      break;
    case kPxIe:
      enabled_ = value & kPortInterrupts;
      break;
    case kPxCmd:
      write_command(value);
      break;
    case kPxSctl:
      write_control(value);
      break;
    case kPxSerr:
      errors_ &= ~value;
      break;
    case kPxSact:
      if (command_ & kStart) active_ |= value;
      return;
    case kPxCi:
      if (!(command_ & kStart)) return;
      issued_ |= value;
      run();
      break;
    default:
      return;
  }
  changed_();
}

void AhciPort::write_command(uint32_t value) {
  constexpr uint32_t kKept = kStart | kReceive | kIsAtapi;
  const uint32_t before = command_;
  command_ = (command_ & ~kKept) | (value & kKept);
  if ((value & kOverride) && !(before & kStart)) task_file_ &= ~uint32_t{IdeDrive::kBusy | IdeDrive::kDrq};
  if (!(before & kReceive) && (command_ & kReceive) && signature_due_) post_registers(false);
  if ((before & kStart) && !(command_ & kStart)) {
    active_ = issued_ = 0;
    command_ &= ~kSlotMask;
    stopped_ = false;
  }
}

void AhciPort::write_control(uint32_t value) {
  const uint32_t before = control_ & 15, now = value & 15;
  control_ = value & 0xfff;
  if (before == now) return;
  if (now != 0) {
    task_file_ = kNoDevice;
    signature_due_ = false;
    return;
  }
  stopped_ = in_reset_ = false;
  connect();
}

// --- what comes from the drive

void AhciPort::note_status(uint8_t status, uint8_t error) { task_file_ = status | uint32_t{error} << 8; }

void AhciPort::post(unsigned at, const void* fis, size_t n) {
  if ((command_ & kReceive) && !memory_.write(received_ + at, fis, n)) stop(kHbfs);
}

std::array<uint8_t, 20> AhciPort::registers_fis(uint8_t type, uint8_t flags) const {
  std::array<uint8_t, 20> fis{};
  const auto now = [this](unsigned n) { return drive_->read_register(n, false); };
  const auto before = [this](unsigned n) { return drive_->read_register(n, true); };
  fis[0] = type;
  fis[1] = flags;
  fis[2] = drive_->status();
  fis[3] = drive_->error();
  fis[4] = now(IdeDrive::kLbaLow);
  fis[5] = now(IdeDrive::kLbaMid);
  fis[6] = now(IdeDrive::kLbaHigh);
  fis[7] = now(IdeDrive::kDevice);
  fis[8] = before(IdeDrive::kLbaLow);
  fis[9] = before(IdeDrive::kLbaMid);
  fis[10] = before(IdeDrive::kLbaHigh);
  fis[12] = now(IdeDrive::kSectorCount);
  fis[13] = before(IdeDrive::kSectorCount);
  return fis;
}

void AhciPort::post_registers(bool interrupts) {
  const auto fis = registers_fis(kRegisterToHost, interrupts ? kFisInterrupt : 0);
  signature_due_ = false;
  post(kRegisterAt, fis.data(), fis.size());
  if (interrupts) interrupts_ |= kDhrs;
}

// `before`: the status at its begin; the drive has the one behind the data already.
void AhciPort::post_pio_setup(uint8_t before, bool to_host, bool interrupts, uint32_t bytes) {
  auto fis = registers_fis(
      kPioSetup, static_cast<uint8_t>((to_host ? kFisToHost : 0) | (interrupts ? kFisInterrupt : 0)));
  fis[15] = fis[2];
  fis[2] = before;
  fis[16] = static_cast<uint8_t>(bytes);
  fis[17] = static_cast<uint8_t>(bytes >> 8);
  post(kPioSetupAt, fis.data(), fis.size());
  if (interrupts) interrupts_ |= kPss;
}

// --- commands

void AhciPort::stop(uint32_t interrupt) {
  interrupts_ |= interrupt;
  stopped_ = true;
}

void AhciPort::run() {
  while (drive_ && (command_ & kStart) && (control_ & 15) == 0 && !stopped_ && issued_)
    issue(static_cast<unsigned>(std::countr_zero(issued_)));
}

bool AhciPort::fetch(unsigned slot, Command& c) {
  uint32_t header[4];
  if (!memory_.read(list_ + uint64_t{slot} * kHeaderBytes, header, sizeof header)) return false;
  c.slot = slot;
  c.flags = header[0];
  c.regions = header[0] >> 16;
  c.table = (header[2] & ~0x7fu) | uint64_t{header[3]} << 32;
  return memory_.read(c.table, c.fis.data(), c.fis.size()) &&
         (!(c.flags & kHeaderAtapi) ||
          memory_.read(c.table + kPacketOffset, c.packet.data(), c.packet.size()));
}

// Neighbours are one piece.
bool AhciPort::map_regions(Command& c) {
  segments_.clear();
  constexpr unsigned kAtOnce = 64;
  uint32_t entries[kAtOnce][4];
  for (uint32_t at = 0; at < c.regions; at += kAtOnce) {
    const uint32_t n = std::min(c.regions - at, kAtOnce);
    if (!memory_.read(c.table + kTableOffset + uint64_t{at} * kRegionBytes, entries, n * sizeof entries[0]))
      return false;
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t pa = (entries[i][0] & ~1u) | uint64_t{entries[i][1]} << 32;
      const uint64_t size = (entries[i][3] & kRegionCount) + uint64_t{1};
      c.asks_interrupt |= (entries[i][3] & kRegionInterrupt) != 0;
      c.room += size;
      if (!segments_.empty() && segments_.back().pa + segments_.back().size == pa)
        segments_.back().size += size;
      else if (pa + size > pa)
        segments_.push_back({pa, size});
      else
        return false;
    }
  }
  return true;
}

// The device control byte, without a command: a reset by software is two of these.
void AhciPort::control(const Command& c) {
  const bool reset = c.fis[15] & kSoftwareReset;
  issued_ &= ~(1u << c.slot);
  if (reset) {
    in_reset_ = true;
    if (!(c.flags & kHeaderClearBusy)) note_status(IdeDrive::kBusy, 0);
  } else if (in_reset_) {
    in_reset_ = false;
    drive_->reset();
    post_registers(false);
    note_status(drive_->status(), drive_->error());
  }
}

// Of registers that are two deep, what is to be the earlier value first.
void AhciPort::give(const Command& c) {
  struct Byte {
    IdeDrive::Register reg;
    unsigned earlier, now;
  };
  static constexpr Byte kBytes[] = {{IdeDrive::kErrorFeatures, 11, 3},
                                    {IdeDrive::kSectorCount, 13, 12},
                                    {IdeDrive::kLbaLow, 8, 4},
                                    {IdeDrive::kLbaMid, 9, 5},
                                    {IdeDrive::kLbaHigh, 10, 6}};
  for (const Byte& b : kBytes) {
    drive_->write_register(b.reg, c.fis[b.earlier]);
    drive_->write_register(b.reg, c.fis[b.now]);
  }
  drive_->write_register(IdeDrive::kDevice, c.fis[7]);
  constexpr uint8_t kExecuteDiagnostic = 0x90;
  c.code() == kExecuteDiagnostic ? drive_->execute_diagnostic() : drive_->command(c.code());
}

void AhciPort::issue(unsigned slot) {
  Command c;
  command_ = (command_ & ~kSlotMask) | slot << kSlotShift;
  if (!fetch(slot, c)) return stop(kHbfs);
  if (c.fis[0] != kRegisterToDevice) return stop(kIfs);
  if (!(c.fis[1] & kFisCommand)) return control(c);
  if (!map_regions(c)) return stop(kHbfs);
  give(c);
  if (!move(c)) {
    drive_->abandon();
    note_status(drive_->status(), drive_->error());
    return;
  }
  complete(c);
}

// False: memory is not there, or less of it than data; the port has stopped.
bool AhciPort::move(Command& c) {
  ScatterCursor at(memory_, segments_);
  for (;;) {
    if (drive_->wants_packet()) {
      const uint32_t n = std::min<uint32_t>(drive_->data_left(), c.packet.size());
      drive_->write_block({c.packet.data(), n});
    } else if (drive_->wants_dma()) {
      if (!move_by_dma(c, at)) return false;
    } else if (drive_->data_left()) {
      if (!move_by_words(c, at)) return false;
    } else {
      return true;
    }
  }
}

bool AhciPort::move_by_dma(Command& c, ScatterCursor& at) {
  const uint64_t wanted = drive_->dma_left(), room = c.room - c.moved, n = std::min(wanted, room);
  const auto took =
      drive_->dma_to_memory()
          ? at.fill(n, [this](std::span<uint8_t> to) { return drive_->dma_read(to); })
          : at.drain(n, [this](std::span<const uint8_t> from) { return drive_->dma_write(from); });
  c.moved += static_cast<uint32_t>(n);
  if (took == Transfer::kUnreachable) {
    stop(kHbfs);
    return false;
  }
  if (took == Transfer::kDone && n < wanted) {
    stop(kOfs);
    return false;
  }
  return true;  // or the drive has ended the command
}

bool AhciPort::move_by_words(Command& c, ScatterCursor& at) {
  const uint32_t n = drive_->data_left();
  const bool to_host = drive_->data_to_host(), interrupts = drive_->interrupt();
  const uint8_t before = drive_->status();
  if (n > c.room - c.moved) {
    stop(kOfs);
    return false;
  }
  std::vector<uint8_t> bytes(n);
  drive_->acknowledge();
  c.by_words = true;
  bool good = true;
  if (to_host) {
    drive_->read_block(bytes);
    good = at.write(bytes.data(), n);
  } else {
    good = at.read(bytes.data(), n);
    if (good) drive_->write_block(bytes);
  }
  c.moved += n;
  if (!good) {
    stop(kHbfs);
    return false;
  }
  post_pio_setup(before, to_host, interrupts, n);
  note_status(drive_->status(), drive_->error());
  return true;
}

void AhciPort::complete(const Command& c) {
  const uint8_t status = drive_->status(), error = drive_->error();
  const bool failed = status & IdeDrive::kErr;
  memory_.write(list_ + uint64_t{c.slot} * kHeaderBytes + 4, &c.moved, sizeof c.moved);
  note_status(status, error);
  if (c.asks_interrupt && !failed) interrupts_ |= kDps;
  if (AtaDisk::is_queued(c.code())) {
    const uint32_t tag = failed ? 0 : 1u << (c.fis[12] >> 3);
    uint8_t fis[8] = {kSetBits, kFisInterrupt, static_cast<uint8_t>(status & 0x77), error};
    std::memcpy(fis + 4, &tag, sizeof tag);
    post(kSetBitsAt, fis, sizeof fis);
    active_ &= ~tag;
    issued_ &= ~(1u << c.slot);
    interrupts_ |= kSdbs;
  } else {
    if (!failed) issued_ &= ~(1u << c.slot);
    if (drive_->interrupt() || !c.by_words) post_registers(true);
  }
  drive_->acknowledge();
  if (failed) stop(kTfes);
}

void AhciPort::serialize(StateStream& s) {
  s.io(list_);
  s.io(received_);
  for (uint32_t* word : {&interrupts_, &enabled_, &command_, &task_file_, &signature_, &control_, &errors_,
                         &active_, &issued_})
    s.io(*word);
  for (bool* flag : {&stopped_, &signature_due_, &in_reset_}) s.io(*flag);
  if (drive_) drive_->serialize(s);
  if (!s.loading()) return;
  list_ &= ~uint64_t{0x3ff};
  received_ &= ~uint64_t{0xff};
  control_ &= 0xfff;
  signature_due_ = signature_due_ && drive_;
}

}  // namespace mynah::dev
