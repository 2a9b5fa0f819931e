// SPDX-License-Identifier: Apache-2.0
//
// The small parts around an Intel gigabit controller: its EEPROM of 64 words, by its four wires (Microwire)
// and by word; its PHY, one gigabit copper transceiver whose link is always up.
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"

namespace mynah::dev::e1000 {

using Mac = std::array<uint8_t, 6>;

class Eeprom {
 public:
  static constexpr unsigned kWords = 64, kAddressBits = 6;
  // The address, the identity, the rest as an erased chip has it, and a checksum.
  Eeprom(const Mac& mac, uint16_t device_id, uint16_t subsystem_vendor, uint16_t subsystem);

  uint16_t word(unsigned n) const { return n < kWords ? words_[n] : 0xffff; }
  // The wires as EECD has them: an edge of the clock while selected takes a bit in and puts one out.
  void set_wires(uint32_t eecd);
  bool out() const { return out_; }
  void reset();
  void serialize(StateStream&);

 private:
  std::array<uint16_t, kWords> words_;
  bool clock_ = false, selected_ = false, out_ = true;
  uint8_t bits_in_ = 0;    // of start bit, opcode and address
  uint16_t command_ = 0;   // those
  uint32_t bits_out_ = 0;  // how many have gone out; reading goes on with the next word
  bool reading_ = false;
};

class Phy {
 public:
  explicit Phy(uint16_t id_low) : id_low_(id_low) { reset(); }
  void reset();
  uint16_t read(unsigned reg) const;
  void write(unsigned reg, uint16_t value);
  bool loopback() const { return registers_[0] >> 14 & 1; }
  void serialize(StateStream&);

 private:
  uint16_t id_low_;
  std::array<uint16_t, 32> registers_{};
};

}  // namespace mynah::dev::e1000
