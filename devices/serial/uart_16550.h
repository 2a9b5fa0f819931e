// SPDX-License-Identifier: Apache-2.0
//
// 16550A: National Semiconductor PC16550D, "Universal Asynchronous Receiver/Transmitter with FIFOs",
// sections 8.1 to 8.6. For any bus: eight registers of one byte, one interrupt line, a CharBackend.
//
// What differs from the silicon: a transmitted byte leaves at once, the receive timeout elapses at once, baud
// rate and word length have no effect, and the far end is always there (CTS, DSR, DCD).
#pragma once

#include <array>
#include <string>

#include "devices/core/char_backend.h"
#include "devices/core/device.h"

namespace mynah::dev {

class Uart16550 final : public Device, public CharReceiver {
 public:
  static constexpr uint64_t kWindowSize = 8;

  enum Register : Offset {
    kData = 0,  // RBR, THR; with LCR.DLAB the divisor's low byte
    kIer = 1,   // with LCR.DLAB the divisor's high byte
    kIirFcr = 2,
    kLcr = 3,
    kMcr = 4,
    kLsr = 5,
    kMsr = 6,
    kScr = 7,
  };
  enum Ier : uint8_t { kIerData = 1, kIerTransmit = 2, kIerLine = 4, kIerModem = 8 };
  enum Iir : uint8_t {
    kIirNone = 0x01,
    kIirModem = 0x00,
    kIirTransmit = 0x02,
    kIirData = 0x04,
    kIirLine = 0x06,
    kIirTimeout = 0x0c,
    kIirFifos = 0xc0,
  };
  enum Fcr : uint8_t { kFcrEnable = 1, kFcrClearReceive = 2, kFcrClearTransmit = 4 };
  enum Lcr : uint8_t { kLcrDlab = 0x80 };
  enum Mcr : uint8_t { kMcrDtr = 1, kMcrRts = 2, kMcrOut1 = 4, kMcrOut2 = 8, kMcrLoop = 16 };
  enum Lsr : uint8_t {
    kLsrData = 1,
    kLsrOverrun = 2,
    kLsrBreak = 0x10,
    kLsrThre = 0x20,
    kLsrTemt = 0x40,
    kLsrFifoError = 0x80
  };
  enum Msr : uint8_t {
    kMsrDeltas = 0x0f,
    kMsrTeri = 4,
    kMsrCts = 0x10,
    kMsrDsr = 0x20,
    kMsrRi = 0x40,
    kMsrDcd = 0x80
  };

  // Attaches to the backend for its own lifetime; backend and log outlive the device.
  Uart16550(CharBackend& backend, IrqLine irq, Log& log, std::string name = "uart-16550");
  ~Uart16550() override;
  Uart16550(const Uart16550&) = delete;
  Uart16550& operator=(const Uart16550&) = delete;

  std::string_view name() const override { return name_; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  uint32_t state_version() const override { return 1; }

  size_t can_receive() const override;
  void receive(std::span<const uint8_t> bytes) override;
  void receive_break() override;

 private:
  static constexpr unsigned kFifoDepth = 16;
  static constexpr uint16_t kBreakEntry = 0x100;

  void serialize_state(StateStream&) override;
  unsigned depth() const { return fcr_ & kFcrEnable ? kFifoDepth : 1; }
  void push(uint16_t entry);
  uint8_t pop();
  void transmit(uint8_t byte);
  void write_fcr(uint8_t value);
  void write_mcr(uint8_t value);
  uint8_t modem_lines() const;
  uint8_t line_status() const;
  uint8_t interrupt() const;
  void update_irq() const { irq_.set(!(interrupt() & kIirNone)); }

  CharBackend& backend_;
  IrqLine irq_;
  Log& log_;
  std::string name_;

  std::array<uint16_t, kFifoDepth> fifo_{};  // a ring of bytes, with kBreakEntry for a break
  uint8_t head_ = 0, count_ = 0;
  uint8_t ier_ = 0, fcr_ = 0, lcr_ = 0, mcr_ = 0, scr_ = 0;
  uint16_t divisor_ = 0;
  uint8_t line_errors_ = 0;        // of LSR, until it is read
  uint8_t modem_deltas_ = 0;       // of MSR, until it is read
  bool transmit_pending_ = false;  // the transmit interrupt, until it is seen in IIR or a byte is written
};

}  // namespace mynah::dev
