// SPDX-License-Identifier: Apache-2.0
//
// Commands and answers: PS/2 Hardware Interface Technical Reference, "Keyboard and auxiliary device".
#include "devices/input/ps2.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace mynah::dev {

namespace {

// Of set 1's codes, from 1: those of set 2.
constexpr std::array<uint8_t, 0x58> kSet2 = {
    0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c,
    0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22,
    0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06,
    0x04, 0x0c, 0x03, 0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b,
    0x73, 0x74, 0x79, 0x69, 0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07};

constexpr std::array<uint8_t, 256> make_set1() {
  std::array<uint8_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  for (unsigned i = 0; i < kSet2.size(); ++i) table[kSet2[i]] = static_cast<uint8_t>(i + 1);
  return table;
}
constexpr std::array<uint8_t, 256> kSet1 = make_set1();

constexpr uint8_t kSelfTestPassed = 0xaa, kBreak = 0xf0, kExtended = 0xe0;

enum Command : uint8_t {
  kSetLeds = 0xed,
  kEcho = 0xee,
  kScanCodeSet = 0xf0,
  kIdentify = 0xf2,
  kSetRate = 0xf3,
  kEnable = 0xf4,
  kDisable = 0xf5,
  kDefaults = 0xf6,
  kResendLast = 0xfe,
  kReset = 0xff,
  // a mouse's
  kScaling1 = 0xe6,
  kScaling2 = 0xe7,
  kResolution = 0xe8,
  kStatus = 0xe9,
  kStream = 0xea,
  kReadData = 0xeb,
  kResetWrap = 0xec,
  kWrap = 0xee,
  kRemote = 0xf0,
};

}  // namespace

uint8_t set1_of_set2(uint8_t code) { return kSet1[code]; }

// --- the queue

uint8_t Ps2Device::take() {
  if (count_ == 0) return 0;
  const uint8_t byte = queue_[head_];
  head_ = (head_ + 1) % kQueue;
  --count_;
  return byte;
}

void Ps2Device::send(uint8_t byte) {
  if (count_ == kQueue) return;
  queue_[(head_ + count_++) % kQueue] = byte;
  changed();
}

void Ps2Device::serialize_queue(StateStream& s) {
  for (uint8_t& byte : queue_) s.io(byte);
  s.io(head_);
  s.io(count_);
  if (!s.loading()) return;
  head_ %= kQueue;
  count_ = std::min<uint8_t>(count_, kQueue);
}

// --- the keyboard

void Ps2Keyboard::set_defaults() {
  set_ = 2;
  rate_ = 0x2b;
  waiting_ = 0;
}

void Ps2Keyboard::reset() {
  forget();
  set_defaults();
  leds_ = 0;
  scanning_ = true;
}

bool Ps2Keyboard::key(uint16_t code, bool down) {
  const auto low = static_cast<uint8_t>(code & 0x7f);
  constexpr unsigned kLongest = 3;
  if (!scanning_ || low == 0 || low > kSet2.size() || !room(kLongest)) return false;
  if ((code & 0xff00) == 0xe000) send(kExtended);
  if (set_ == 1) {
    send(static_cast<uint8_t>(down ? low : low | 0x80));
    return true;
  }
  if (!down) send(kBreak);
  send(kSet2[low - 1u]);
  return true;
}

void Ps2Keyboard::command(uint8_t byte) {
  switch (std::exchange(waiting_, uint8_t{0})) {
    case kSetLeds:
      leds_ = byte & 7;
      return send(kAcknowledge);
    case kSetRate:
      rate_ = byte & 0x7f;
      return send(kAcknowledge);
    case kScanCodeSet:
      if (byte > 3) return send(kResend);
      send(kAcknowledge);
      if (byte == 0) return send(set_);
      set_ = byte;
      return;
    default:
      break;
  }
  switch (byte) {
    case kSetLeds:
    case kSetRate:
    case kScanCodeSet:
      waiting_ = byte;
      return send(kAcknowledge);
    case kEcho:
      return send(kEcho);
    case kIdentify:
      send(kAcknowledge);
      send(0xab);
      return send(0x83);
    case kEnable:
      scanning_ = true;
      return send(kAcknowledge);
    case kDisable:
    case kDefaults:
      set_defaults();
      scanning_ = byte == kDefaults;
      return send(kAcknowledge);
    case kReset:
      forget();
      set_defaults();
      scanning_ = true;
      send(kAcknowledge);
      return send(kSelfTestPassed);
    case kResendLast:
    default:
      return send(kResend);
  }
}

void Ps2Keyboard::serialize_state(StateStream& s) {
  serialize_queue(s);
  for (uint8_t* byte : {&waiting_, &leds_, &set_, &rate_}) s.io(*byte);
  s.io(scanning_);
  if (s.loading()) set_ = std::clamp<uint8_t>(set_, 1, 3);
}

// --- the mouse

void Ps2Mouse::set_defaults() {
  status_ = 0;
  resolution_ = 2;
  rate_ = 100;
  waiting_ = 0;
  reporting_ = remote_ = wrap_ = false;
  dx_ = dy_ = wheel_ = 0;
}

void Ps2Mouse::reset() {
  forget();
  set_defaults();
  id_ = buttons_ = 0;
  rates_ = {};
}

bool Ps2Mouse::move(int dx, int dy, int wheel, uint8_t buttons) {
  constexpr int kFar = 1 << 20;
  dx_ = std::clamp(dx_ + std::clamp(dx, -kFar, kFar), -kFar, kFar);
  dy_ = std::clamp(dy_ + std::clamp(dy, -kFar, kFar), -kFar, kFar);
  wheel_ = std::clamp(wheel_ + std::clamp(wheel, -kFar, kFar), -kFar, kFar);
  buttons_ = buttons & 7;
  if (!reporting_ || remote_ || wrap_) return false;
  if (!room(4)) return false;
  do send_packet();
  while ((dx_ || dy_ || wheel_) && room(4));
  return true;
}

void Ps2Mouse::send_packet() {
  const int dx = std::clamp(dx_, -255, 255), dy = std::clamp(dy_, -255, 255);
  dx_ -= dx;
  dy_ -= dy;
  send(static_cast<uint8_t>(8 | buttons_ | (dx < 0) << 4 | (dy < 0) << 5));
  send(static_cast<uint8_t>(dx));
  send(static_cast<uint8_t>(dy));
  if (id_ == 0) {
    wheel_ = 0;
    return;
  }
  const int wheel = std::clamp(wheel_, -8, 7);
  wheel_ -= wheel;
  send(static_cast<uint8_t>(wheel));
}

void Ps2Mouse::argument(uint8_t byte) {
  if (std::exchange(waiting_, uint8_t{0}) == kResolution) {
    resolution_ = byte & 3;
  } else {
    if (rates_[1] == 200 && rates_[0] == 100 && byte == 80) id_ = 3;
    rates_ = {byte, rates_[0]};
    rate_ = byte;
  }
  send(kAcknowledge);
}

void Ps2Mouse::command(uint8_t byte) {
  if (wrap_ && byte != kReset && byte != kResetWrap) return send(byte);
  if (waiting_) return argument(byte);
  switch (byte) {
    case kScaling1:
    case kScaling2:
      status_ = static_cast<uint8_t>(byte == kScaling2 ? 0x10 : 0);
      return send(kAcknowledge);
    case kResolution:
    case kSetRate:
      waiting_ = byte;
      return send(kAcknowledge);
    case kStatus:
      send(kAcknowledge);
      send(static_cast<uint8_t>(status_ | remote_ << 6 | reporting_ << 5 | (buttons_ & 1) << 2 |
                                (buttons_ & 4) >> 1 | (buttons_ & 2) >> 1));
      send(resolution_);
      return send(rate_);
    case kStream:
    case kRemote:
      remote_ = byte == kRemote;
      return send(kAcknowledge);
    case kReadData:
      send(kAcknowledge);
      if (room(4)) send_packet();
      return;
    case kWrap:
    case kResetWrap:
      wrap_ = byte == kWrap;
      return send(kAcknowledge);
    case kIdentify:
      send(kAcknowledge);
      return send(id_);
    case kEnable:
    case kDisable:
      reporting_ = byte == kEnable;
      return send(kAcknowledge);
    case kDefaults:
      set_defaults();
      return send(kAcknowledge);
    case kReset:
      reset();
      send(kAcknowledge);
      send(kSelfTestPassed);
      return send(id_);
    default:
      return send(kResend);
  }
}

void Ps2Mouse::serialize_state(StateStream& s) {
  serialize_queue(s);
  for (uint8_t* byte : {&waiting_, &status_, &resolution_, &rate_, &id_, &buttons_, &rates_[0], &rates_[1]})
    s.io(*byte);
  for (bool* flag : {&reporting_, &remote_, &wrap_}) s.io(*flag);
  for (int32_t* number : {&dx_, &dy_, &wheel_}) s.io(*number);
  if (!s.loading()) return;
  constexpr int32_t kFar = 1 << 20;
  for (int32_t* number : {&dx_, &dy_, &wheel_}) *number = std::clamp(*number, -kFar, kFar);
  buttons_ &= 7;
}

}  // namespace mynah::dev
