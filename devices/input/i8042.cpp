// SPDX-License-Identifier: Apache-2.0
//
// The controller's commands, and its translation from scan code set 2 to set 1.
#include "devices/input/i8042.h"

#include <utility>

namespace mynah::dev {

namespace {
// The command byte.
constexpr uint8_t kKeyboardInterrupt = 1 << 0, kMouseInterrupt = 1 << 1, kSystemFlag = 1 << 2,
                  kKeyboardOff = 1 << 4, kMouseOff = 1 << 5, kTranslate = 1 << 6;
// Status.
constexpr uint8_t kOutputFull = 1 << 0, kSelfTested = 1 << 2, kWasCommand = 1 << 3, kUnlocked = 1 << 4,
                  kMouseData = 1 << 5;
// The output port.
constexpr uint8_t kNoReset = 1 << 0, kA20 = 1 << 1;
constexpr uint8_t kBreak = 0xf0, kUp = 0x80;

enum Command : uint8_t {
  kReadMemory = 0x20,   // and 31 more
  kWriteMemory = 0x60,  // the same
  kPasswordTest = 0xa4,
  kDisableMouse = 0xa7,
  kEnableMouse = 0xa8,
  kTestMouse = 0xa9,
  kSelfTest = 0xaa,
  kTestKeyboard = 0xab,
  kDisableKeyboard = 0xad,
  kEnableKeyboard = 0xae,
  kReadInputPort = 0xc0,
  kReadOutputPort = 0xd0,
  kWriteOutputPort = 0xd1,
  kWriteKeyboardBuffer = 0xd2,
  kWriteMouseBuffer = 0xd3,
  kWriteMouse = 0xd4,
  kA20Off = 0xdd,
  kA20On = 0xdf,
  kPulse = 0xf0,  // and 15 more: bits 0 to 3 that are clear go low
};
}  // namespace

I8042::I8042(Wires wires, Log& log) : wires_(std::move(wires)), log_(log) {
  keyboard_.changed = mouse_.changed = [this] { fill(); };
  reset();
}

void I8042::reset() {
  keyboard_.reset();
  mouse_.reset();
  memory_ = {};
  memory_[0] = kKeyboardInterrupt | kMouseInterrupt | kTranslate;
  output_ = waiting_ = 0;
  output_port_ = kNoReset | kA20;
  source_ = Source::kNone;
  to_command_ = broken_ = false;
  update();
}

void I8042::update() {
  wires_.keyboard.set((source_ == Source::kKeyboard) && (memory_[0] & kKeyboardInterrupt));
  wires_.mouse.set(source_ == Source::kMouse && (memory_[0] & kMouseInterrupt));
}

void I8042::answer(uint8_t byte) {
  output_ = byte;
  source_ = Source::kController;
  update();
}

// From a device into the output buffer, where that is empty.
void I8042::fill() {
  while (source_ == Source::kNone) {
    if (keyboard_.has_byte() && !(memory_[0] & kKeyboardOff)) {
      uint8_t byte = keyboard_.take();
      if (memory_[0] & kTranslate) {
        if (byte == kBreak) {
          broken_ = true;
          continue;
        }
        byte = static_cast<uint8_t>(set1_of_set2(byte) | (std::exchange(broken_, false) ? kUp : 0));
      }
      output_ = byte;
      source_ = Source::kKeyboard;
    } else if (mouse_.has_byte() && !(memory_[0] & kMouseOff)) {
      output_ = mouse_.take();
      source_ = Source::kMouse;
    } else {
      break;
    }
  }
  update();
}

uint8_t I8042::status() const {
  return static_cast<uint8_t>(kUnlocked | (source_ != Source::kNone ? kOutputFull : 0) |
                              (memory_[0] & kSystemFlag ? kSelfTested : 0) | (to_command_ ? kWasCommand : 0) |
                              (source_ == Source::kMouse ? kMouseData : 0));
}

uint8_t I8042::read_data() {
  const uint8_t byte = output_;
  source_ = Source::kNone;
  update();  // the line falls, also where the next byte is there at once
  fill();
  return byte;
}

void I8042::set_output_port(uint8_t value) {
  output_port_ = value;
  wires_.a20(value & kA20);
  if (!(value & kNoReset)) wires_.reset();
}

void I8042::write_command(uint8_t command) {
  to_command_ = true;
  waiting_ = 0;
  if (command >= kPulse) {
    if (!(command & 1)) wires_.reset();
    return;
  }
  if ((command & 0xe0) == kReadMemory) return answer(memory_[command & 0x1f]);
  if ((command & 0xe0) == kWriteMemory) {
    waiting_ = command;
    return;
  }
  switch (command) {
    case kPasswordTest:
      return answer(0xf1);  // there is none
    case kDisableMouse:
      memory_[0] |= kMouseOff;
      return;
    case kEnableMouse:
      memory_[0] &= static_cast<uint8_t>(~kMouseOff);
      return fill();
    case kTestMouse:
    case kTestKeyboard:
      return answer(0);
    case kSelfTest:
      memory_[0] |= kSystemFlag;
      return answer(0x55);
    case kDisableKeyboard:
      memory_[0] |= kKeyboardOff;
      return;
    case kEnableKeyboard:
      memory_[0] &= static_cast<uint8_t>(~kKeyboardOff);
      return fill();
    case kReadInputPort:
      return answer(0x80);  // not locked
    case kReadOutputPort:
      return answer(static_cast<uint8_t>(output_port_ | (source_ == Source::kKeyboard) << 4 |
                                         (source_ == Source::kMouse) << 5));
    case kWriteOutputPort:
    case kWriteKeyboardBuffer:
    case kWriteMouseBuffer:
    case kWriteMouse:
      waiting_ = command;
      return;
    case kA20Off:
    case kA20On:
      return set_output_port(
          static_cast<uint8_t>(command == kA20On ? output_port_ | kA20 : output_port_ & ~kA20));
    default:
      log_.guest_error(name(), "a command that is none");
  }
}

void I8042::write_argument(uint8_t command, uint8_t byte) {
  if ((command & 0xe0) == kWriteMemory) {
    memory_[command & 0x1f] = byte;
    return fill();
  }
  switch (command) {
    case kWriteOutputPort:
      return set_output_port(byte);
    case kWriteKeyboardBuffer:
      output_ = byte;
      source_ = Source::kKeyboard;
      return update();
    case kWriteMouseBuffer:
      output_ = byte;
      source_ = Source::kMouse;
      return update();
    default:  // kWriteMouse: it is heard where it is off, too
      return mouse_.command(byte);
  }
}

// A byte for the keyboard turns it on.
void I8042::write_data(uint8_t byte) {
  to_command_ = false;
  if (const uint8_t command = std::exchange(waiting_, uint8_t{0})) return write_argument(command, byte);
  memory_[0] &= static_cast<uint8_t>(~kKeyboardOff);
  keyboard_.command(byte);
  fill();
}

void I8042::serialize_state(StateStream& s) {
  keyboard_.serialize(s);
  mouse_.serialize(s);
  for (uint8_t& byte : memory_) s.io(byte);
  for (uint8_t* byte : {&output_, &output_port_, &waiting_}) s.io(*byte);
  s.io(source_);
  s.io(to_command_);
  s.io(broken_);
  if (!s.loading()) return;
  if (source_ > Source::kMouse) source_ = Source::kNone;
  update();
}

}  // namespace mynah::dev
