// SPDX-License-Identifier: Apache-2.0
//
// DebugConsole: one byte-wide port whose writes go out of a line, as Bochs has it and QEMU's isa-debugcon; a
// read gives a fixed byte, by which guests find it.
#pragma once

#include <span>

#include "devices/core/char_backend.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class DebugConsole final : public StatelessDevice {
 public:
  static constexpr uint16_t kUsualPort = 0xe9;
  static constexpr uint8_t kUsualAnswer = 0xe9;

  DebugConsole(CharBackend& line, uint8_t answer)
      : StatelessDevice("isa-debugcon"), line_(line), answer_(answer) {}

  uint64_t read(Offset, Width) override { return answer_; }
  void write(Offset, Width, uint64_t value) override {
    const auto byte = static_cast<uint8_t>(value);
    line_.write({&byte, 1});
  }

 private:
  CharBackend& line_;
  const uint8_t answer_;
};

}  // namespace mynah::dev
