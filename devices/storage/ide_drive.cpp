// SPDX-License-Identifier: Apache-2.0
//
// Registers, buffer and DMA of a drive; what commands do is the disk's and the CD's.
#include "devices/storage/ide_drive.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mynah::dev {

uint8_t IdeDrive::read_register(unsigned n, bool previous) const {
  const TaskFile& file = previous ? before_ : now_;
  switch (n) {
    case kErrorFeatures:
      return error_;
    case kSectorCount:
      return file.count;
    case kLbaLow:
      return file.low;
    case kLbaMid:
      return file.mid;
    case kLbaHigh:
      return file.high;
    case kDevice:
      return device_ | 0xa0;
    default:
      return 0;
  }
}

void IdeDrive::write_register(unsigned n, uint8_t value) {
  const auto push = [value](uint8_t& now, uint8_t& before) { before = std::exchange(now, value); };
  switch (n) {
    case kErrorFeatures:
      return push(now_.features, before_.features);
    case kSectorCount:
      return push(now_.count, before_.count);
    case kLbaLow:
      return push(now_.low, before_.low);
    case kLbaMid:
      return push(now_.mid, before_.mid);
    case kLbaHigh:
      return push(now_.high, before_.high);
    case kDevice:
      device_ = value;
      return;
    default:
      return;
  }
}

void IdeDrive::command(uint8_t value) {
  constexpr uint8_t kDeviceReset = 0x08;
  interrupt_ = false;
  if ((status_ & (kBusy | kDrq)) && value != kDeviceReset) return;
  at_ = end_ = 0;
  dma_left_ = 0;
  error_ = 0;
  execute(value);
}

void IdeDrive::reset() {
  at_ = end_ = 0;
  dma_left_ = 0;
  next_ = Next::kNothing;
  interrupt_ = false;
  now_ = before_ = {};
  device_ = 0;
  error_ = 1;  // the diagnostic code of a drive that works
  status_ = kReady | kSeekDone;
  reset_drive();
  set_signature();
}

void IdeDrive::execute_diagnostic() {
  at_ = end_ = 0;
  dma_left_ = 0;
  device_ = 0;
  error_ = 1;
  status_ = kReady | kSeekDone;
  set_signature();
  interrupt_ = true;
}

// --- data by words

uint32_t IdeDrive::read_data(unsigned width) {
  uint8_t bytes[4] = {};
  if (data_to_host()) read_block({bytes, std::min(width, data_left())});
  uint32_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

void IdeDrive::write_data(unsigned width, uint32_t value) {
  uint8_t bytes[4];
  std::memcpy(bytes, &value, sizeof bytes);
  if (!data_to_host()) write_block({bytes, std::min(width, data_left())});
}

void IdeDrive::read_block(std::span<uint8_t> to) {
  if (to.empty() || !data_to_host() || to.size() > data_left()) return;
  std::memcpy(to.data(), buffer_.data() + at_, to.size());
  moved(to.size());
}

void IdeDrive::write_block(std::span<const uint8_t> from) {
  if (from.empty() || data_to_host() || from.size() > data_left()) return;
  std::memcpy(buffer_.data() + at_, from.data(), from.size());
  moved(from.size());
}

void IdeDrive::moved(size_t n) {
  at_ += static_cast<uint32_t>(n);
  if (at_ != end_) return;
  status_ &= static_cast<uint8_t>(~kDrq);
  buffer_moved(std::exchange(next_, Next::kNothing));
}

void IdeDrive::offer(size_t n, Next next, bool interrupts) {
  at_ = 0;
  end_ = static_cast<uint32_t>(std::min(n, kBufferBytes));
  out_ = false;
  next_ = next;
  status_ = kReady | kSeekDone | kDrq;
  interrupt_ = interrupts;
}

void IdeDrive::ask(size_t n, Next next, bool interrupts) {
  offer(n, next, interrupts);
  out_ = true;
}

void IdeDrive::done() {
  status_ = kReady | kSeekDone;
  interrupt_ = true;
}

void IdeDrive::fail(uint8_t error) {
  error_ = error;
  status_ = kReady | kSeekDone | kErr;
  at_ = end_ = 0;
  dma_left_ = 0;
  interrupt_ = true;
}

// --- identity

void IdeDrive::begin_identity() { std::fill_n(buffer_.begin(), kSector, uint8_t{0}); }

void IdeDrive::identity_word(unsigned n, uint64_t value) {
  buffer_[2 * n] = static_cast<uint8_t>(value);
  buffer_[2 * n + 1] = static_cast<uint8_t>(value >> 8);
}

// The first character of each word is its high byte.
void IdeDrive::identity_text(unsigned n, unsigned words, std::string_view text) {
  for (unsigned i = 0; i < 2 * words; ++i)
    buffer_[2 * n + (i ^ 1)] = i < text.size() ? static_cast<uint8_t>(text[i]) : ' ';
}

// --- DMA

void IdeDrive::begin_dma(bool to_memory, uint64_t bytes) {
  dma_in_ = to_memory;
  dma_left_ = std::min(bytes, kMostDma);
  status_ = kReady | kSeekDone | kDrq;
  if (dma_left_ == 0) dma_ended();
}

bool IdeDrive::dma_read(std::span<uint8_t> to) {
  if (!dma_in_ || to.size() > dma_left_ || !dma_moved_in(to)) {
    if (dma_left_) fail(kUncorrectable);
    return false;
  }
  dma_left_ -= to.size();
  if (dma_left_ == 0) dma_ended();
  return true;
}

bool IdeDrive::dma_write(std::span<const uint8_t> from) {
  if (dma_in_ || from.size() > dma_left_ || !dma_moved_out(from)) {
    if (dma_left_) fail(kAbort);
    return false;
  }
  dma_left_ -= from.size();
  if (dma_left_ == 0) dma_ended();
  return true;
}

void IdeDrive::serialize_state(StateStream& s) {
  for (TaskFile* file : {&now_, &before_})
    for (uint8_t* byte : {&file->features, &file->count, &file->low, &file->mid, &file->high}) s.io(*byte);
  for (uint8_t* byte : {&device_, &status_, &error_}) s.io(*byte);
  for (bool* flag : {&interrupt_, &out_, &dma_in_}) s.io(*flag);
  s.io(at_);
  s.io(end_);
  s.io(next_);
  s.io(dma_left_);
  s.raw(buffer_.data(), buffer_.size());
  serialize_drive(s);
  if (!s.loading()) return;
  // What no saved state has, but a damaged one may.
  end_ = std::min<uint32_t>(end_, kBufferBytes);
  at_ = std::min(at_, end_);
  dma_left_ = std::min(dma_left_, kMostDma);
  if (next_ > Next::kPacketIn) next_ = Next::kNothing;
}

}  // namespace mynah::dev
