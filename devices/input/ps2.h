// SPDX-License-Identifier: Apache-2.0
//
// Ps2Device: what a keyboard and a mouse have in common on their side of the wire: bytes to the host in a
// queue, commands from it. Ps2Keyboard: a keyboard of 101 keys, scan code sets 1, 2 (at reset) and 3's
// numbers for it. Ps2Mouse: three buttons, and a wheel once a driver has asked for it as IntelliMouse's does
// (sample rates 200, 100, 80). Both as IBM's PS/2 Hardware Interface Technical Reference (1988) has them.
//
// A byte is there as soon as it is sent; nothing takes time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "devices/core/device.h"

namespace mynah::dev {

class Ps2Device : public Stateful {
 public:
  virtual void command(uint8_t byte) = 0;  // from the host
  bool has_byte() const { return count_ != 0; }
  uint8_t take();
  // There are bytes, or none any more.
  std::function<void()> changed = [] {};

 protected:
  static constexpr uint8_t kAcknowledge = 0xfa, kResend = 0xfe;
  static constexpr unsigned kQueue = 64;
  void send(uint8_t byte);
  bool room(unsigned n) const { return kQueue - count_ >= n; }
  void forget() { head_ = count_ = 0; }
  void serialize_queue(StateStream& s);

 private:
  std::array<uint8_t, kQueue> queue_{};
  uint8_t head_ = 0, count_ = 0;
};

class Ps2Keyboard final : public Ps2Device {
 public:
  // A key by its code in set 1 (0x01 to 0x58; with 0xe000 the extended ones) goes down or up. False: there is
  // no room, or nobody listens.
  bool key(uint16_t code, bool down);
  uint8_t leds() const { return leds_; }

  std::string_view name() const override { return "ps2-keyboard"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  void command(uint8_t byte) override;

 private:
  void serialize_state(StateStream&) override;
  void set_defaults();

  uint8_t waiting_ = 0;  // the command whose argument is next
  uint8_t leds_ = 0, set_ = 2, rate_ = 0x2b;
  bool scanning_ = true;
};

class Ps2Mouse final : public Ps2Device {
 public:
  // Movement to the right and up, of the wheel towards the person; buttons 1 left, 2 right, 4 middle.
  bool move(int dx, int dy, int wheel, uint8_t buttons);

  std::string_view name() const override { return "ps2-mouse"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  void command(uint8_t byte) override;

 private:
  void serialize_state(StateStream&) override;
  void set_defaults();
  void send_packet();
  void argument(uint8_t byte);

  uint8_t waiting_ = 0, status_ = 0, resolution_ = 2, rate_ = 100, id_ = 0, buttons_ = 0;
  std::array<uint8_t, 2> rates_{};  // that were set before, the last first
  bool reporting_ = false, remote_ = false, wrap_ = false;
  int32_t dx_ = 0, dy_ = 0, wheel_ = 0;
};

// What a keyboard controller makes of set 2 where it translates to set 1 (0xf0 and prefixes apart).
uint8_t set1_of_set2(uint8_t code);

}  // namespace mynah::dev
