// SPDX-License-Identifier: Apache-2.0
//
// The line of a test program that ends the emulator: what comes out of the guest is commands, a decimal
// number and a letter (QEMU's character device "testdev", which kvm-unit-tests write to through a console).
//   q  exit with twice the number and one
// Anything else is skipped.
#pragma once

#include <functional>

#include "devices/core/char_backend.h"

namespace mynah::host {

class TestdevChar final : public dev::CharBackend {
 public:
  using Quit = std::function<void(int code)>;  // a process's: 0 to 255
  explicit TestdevChar(Quit quit) : quit_(std::move(quit)) {}
  void write(std::span<const uint8_t> bytes) override;
  void attach(dev::CharReceiver*) override {}
  bool input_ended() const override { return true; }

 private:
  Quit quit_;
  uint32_t number_ = 0;  // the digits so far
};

}  // namespace mynah::host
