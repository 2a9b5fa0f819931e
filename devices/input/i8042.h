// SPDX-License-Identifier: Apache-2.0
//
// I8042: the PC's keyboard controller (IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
// auxiliary device controller"): ports 0x60 and 0x64, a keyboard and a mouse, A20, and reset.
//
// A byte of a device is in the output buffer as soon as that is empty and the device is enabled; its
// interrupt goes away when it is read.
#pragma once

#include <array>
#include <functional>

#include "devices/core/device.h"
#include "devices/core/stateless_device.h"
#include "devices/input/ps2.h"

namespace mynah::dev {

class I8042 final : public Device {
 public:
  struct Wires {
    IrqLine keyboard, mouse;        // IRQ 1 and 12
    std::function<void(bool)> a20;  // both are called from inside of the guest's write
    std::function<void()> reset;
  };
  I8042(Wires wires, Log& log);

  Device& data() { return data_; }        // at 0x60, one byte
  Device& command() { return command_; }  // at 0x64, one byte
  Ps2Keyboard& keyboard() { return keyboard_; }
  Ps2Mouse& mouse() { return mouse_; }

  std::string_view name() const override { return "i8042"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override { return 0; }
  void write(Offset, Width, uint64_t) override {}

 private:
  enum class Source : uint8_t { kNone, kController, kKeyboard, kMouse };
  class Port final : public StatelessDevice {
   public:
    Port(I8042& controller, bool command)
        : StatelessDevice(command ? "i8042-command" : "i8042-data"),
          controller_(controller),
          command_(command) {}
    uint64_t read(Offset, Width) override {
      return command_ ? controller_.status() : controller_.read_data();
    }
    void write(Offset, Width, uint64_t value) override {
      const auto byte = static_cast<uint8_t>(value);
      command_ ? controller_.write_command(byte) : controller_.write_data(byte);
    }

   private:
    I8042& controller_;
    const bool command_;
  };

  void serialize_state(StateStream&) override;
  uint8_t status() const;
  uint8_t read_data();
  void write_command(uint8_t command);
  void write_data(uint8_t byte);
  void write_argument(uint8_t command, uint8_t byte);
  void answer(uint8_t byte);
  void fill();
  void update();
  void set_output_port(uint8_t value);

  Wires wires_;
  Log& log_;
  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  Port data_{*this, false}, command_{*this, true};
  std::array<uint8_t, 32> memory_{};  // byte 0: the command byte
  uint8_t output_ = 0;                // the output buffer
  Source source_ = Source::kNone;     // of what is in it
  uint8_t output_port_ = 0, waiting_ = 0;
  bool to_command_ = false;  // what was written last went to port 0x64
  bool broken_ = false;      // set 2's prefix of a key that goes up was seen
};

}  // namespace mynah::dev
