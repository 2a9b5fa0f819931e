// SPDX-License-Identifier: Apache-2.0
//
// A byte goes by the strobe's leading edge. Then the printer is busy, acknowledges, and is ready again, a
// step each time that status is read with the strobe over: so programs see what they wait for.
#include "devices/serial/parallel_port.h"

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kReady = ParallelPort::kNotBusy | ParallelPort::kNotAcknowledged | ParallelPort::kSelected |
                           ParallelPort::kNoError;
constexpr uint8_t kControlAlways = 0xc0, kStatusBits = kReady | ParallelPort::kTimeout;
constexpr uint8_t kFromPrinter = 0xff;  // it sends nothing
}  // namespace

void ParallelPort::reset() {
  data_ = 0xff;
  status_ = kReady | kTimeout;
  control_ = kSelect | kNoInit | kControlAlways;
  pending_ = false;
  show();
}

uint64_t ParallelPort::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) { return read_byte(at); });
}

void ParallelPort::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { write_byte(at, byte); });
}

uint8_t ParallelPort::read_byte(Offset offset) {
  switch (offset) {
    case kData:
      return control_ & kInput ? kFromPrinter : data_;
    case kStatus:
      return read_status();
    case kControl:
      return control_;
    default:
      return 0xff;
  }
}

uint8_t ParallelPort::read_status() {
  const uint8_t now = status_;
  pending_ = false;
  show();
  if (status_ & kNotBusy || control_ & kStrobe) return now;
  if (status_ & kNotAcknowledged)
    status_ &= static_cast<uint8_t>(~kNotAcknowledged);
  else
    status_ |= kNotAcknowledged | kNotBusy;
  return now;
}

void ParallelPort::write_byte(Offset offset, uint8_t value) {
  if (offset == kData) data_ = value;
  if (offset == kControl) write_control(value);
}

void ParallelPort::write_control(uint8_t value) {
  const uint8_t before = control_;
  control_ = value | kControlAlways;
  if (!(value & kNoInit)) {
    status_ = kReady;
  } else if (value & kSelect && value & kStrobe) {
    status_ &= static_cast<uint8_t>(~kNotBusy);
    if (!(before & kStrobe)) printer_.write({&data_, 1});
  } else if (value & kSelect && before & kStrobe && before & kInterruptEnable) {
    pending_ = true;
  }
  show();
}

void ParallelPort::serialize_state(StateStream& s) {
  for (uint8_t* byte : {&data_, &status_, &control_}) s.io(*byte);
  s.io(pending_);
  if (!s.loading()) return;
  status_ &= kStatusBits;
  control_ |= kControlAlways;
  show();
}

}  // namespace mynah::dev
