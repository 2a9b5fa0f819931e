// SPDX-License-Identifier: Apache-2.0
//
// Dma8237: the PC's two 8237A DMA controllers (Intel data sheet 231466) and their page registers. Channels 0
// to 3 move bytes, 5 to 7 words; 4 is the cascade. Ports 0x00 to 0x0f, 0xc0 to 0xdf (one register in two
// ports), 0x80 to 0x8f.
//
// A device on ISA moves what it has at once: nothing is asked for and granted over time. What is not
// modelled: transfers from memory to memory, and by a request in software.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "devices/core/device.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class Dma8237 final : public Device {
 public:
  static constexpr uint64_t kFirstSize = 0x10, kSecondSize = 0x20, kPagesSize = 0x10;
  static constexpr unsigned kChannels = 8;

  Dma8237(DmaMemory& memory, Log& log)
      : memory_(memory), log_(log), first_{*this, 0}, second_{*this, 1}, pages_port_{*this} {
    reset();
  }

  Device& first() { return first_; }       // at 0x00
  Device& second() { return second_; }     // at 0xc0
  Device& pages() { return pages_port_; }  // at 0x80

  // --- For a device: how many bytes the channel moves, at most; less, or none, where it is masked, is set to
  // the other direction, or comes to its end, which is terminal_count() from then on until it is programmed
  // again.
  size_t to_memory(unsigned channel, std::span<const uint8_t> from);
  size_t from_memory(unsigned channel, std::span<uint8_t> to);
  bool terminal_count(unsigned channel) const { return channels_[channel & 7].ended; }
  bool ready(unsigned channel) const;  // it moves something

  std::string_view name() const override { return "i8237"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override { return 0; }
  void write(Offset, Width, uint64_t) override {}

 private:
  struct Channel {
    uint16_t base = 0, base_count = 0;
    uint16_t address = 0, count = 0;
    uint8_t mode = 0;
    bool masked = true, ended = false;
  };
  struct Chip {
    bool high = false;  // the next byte of an address or count
    uint8_t command = 0;
  };
  class Port final : public StatelessDevice {
   public:
    Port(Dma8237& dma, unsigned chip)
        : StatelessDevice(chip ? "i8237-second" : "i8237-first"), dma_(dma), chip_(chip) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Dma8237& dma_;
    const unsigned chip_;
  };
  class Pages final : public StatelessDevice {
   public:
    explicit Pages(Dma8237& dma) : StatelessDevice("dma-pages"), dma_(dma) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Dma8237& dma_;
  };

  void serialize_state(StateStream&) override;
  uint8_t read_register(unsigned chip, unsigned offset);
  void write_register(unsigned chip, unsigned offset, uint8_t value);
  void clear(unsigned chip);
  template <typename Move>
  size_t move(unsigned channel, unsigned transfer, size_t n, Move one);
  uint64_t place(unsigned channel) const;

  DmaMemory& memory_;
  Log& log_;
  std::array<Channel, kChannels> channels_;
  std::array<Chip, 2> chips_;
  std::array<uint8_t, kPagesSize> pages_{};
  Port first_, second_;
  Pages pages_port_;
};

}  // namespace mynah::dev
