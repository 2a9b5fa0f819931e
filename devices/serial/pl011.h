// SPDX-License-Identifier: Apache-2.0
//
// PL011: Arm PrimeCell UART. Manual: DDI 0183, chapters 2 (operation) and 3 (registers).
//
// Guest interface: one window of 4 KiB, 16-bit registers a word apart; one interrupt line (UARTINTR).
// Host interface: a CharBackend.
//
// What differs from the silicon, all of it within what a driver can observe on a fast line:
// - A transmitted byte leaves at once: the transmit FIFO is always empty, and the transmit interrupt is
// raised
//   by each write of UARTDR.
// - The receive interrupt does not wait for the level that UARTIFLS gives: systems written for this board
// unmask
//   it alone and expect it from a single character. With the FIFO on the timeout elapses at once, too. Both
//   are raised by each character, and again by a read that leaves some behind.
// - Transmission and reception go on while UARTCR disables them, as early consoles expect of this board; the
//   guest error is logged. Baud rate and word length have no effect.
// - The modem inputs CTS, DSR and DCD are asserted: the far end is always there.
// - DMA requests and IrDA have registers but no effect.
#pragma once

#include <array>
#include <string>

#include "devices/core/char_backend.h"
#include "devices/core/device.h"

namespace mynah::dev {

class Pl011 final : public Device, public CharReceiver {
 public:
  static constexpr uint64_t kWindowSize = 0x1000;

  enum Register : Offset {
    kDr = 0x00,
    kRsrEcr = 0x04,
    kFr = 0x18,
    kIlpr = 0x20,
    kIbrd = 0x24,
    kFbrd = 0x28,
    kLcrH = 0x2c,
    kCr = 0x30,
    kIfls = 0x34,
    kImsc = 0x38,
    kRis = 0x3c,
    kMis = 0x40,
    kIcr = 0x44,
    kDmacr = 0x48,
  };
  // Error bits of UARTDR (in UARTRSR shifted right by 8).
  enum : uint16_t { kDrFe = 1 << 8, kDrPe = 1 << 9, kDrBe = 1 << 10, kDrOe = 1 << 11 };
  enum FrBit : uint16_t {
    kFrCts = 1 << 0,
    kFrDsr = 1 << 1,
    kFrDcd = 1 << 2,
    kFrBusy = 1 << 3,
    kFrRxfe = 1 << 4,
    kFrTxff = 1 << 5,
    kFrRxff = 1 << 6,
    kFrTxfe = 1 << 7,
    kFrRi = 1 << 8,
  };
  enum LcrHBit : uint16_t { kLcrHBrk = 1 << 0, kLcrHFen = 1 << 4 };
  enum CrBit : uint16_t {
    kCrUarten = 1 << 0,
    kCrLbe = 1 << 7,
    kCrTxe = 1 << 8,
    kCrRxe = 1 << 9,
    kCrDtr = 1 << 10,
    kCrRts = 1 << 11,
    kCrOut1 = 1 << 12,
    kCrOut2 = 1 << 13,
  };
  // Bits of UARTIMSC, UARTRIS, UARTMIS and UARTICR.
  enum Interrupt : uint16_t {
    kIntRi = 1 << 0,
    kIntCts = 1 << 1,
    kIntDcd = 1 << 2,
    kIntDsr = 1 << 3,
    kIntRx = 1 << 4,
    kIntTx = 1 << 5,
    kIntRt = 1 << 6,
    kIntFe = 1 << 7,
    kIntPe = 1 << 8,
    kIntBe = 1 << 9,
    kIntOe = 1 << 10,
    kIntAll = 0x7ff,
  };

  // Attaches to the backend for its own lifetime; backend and log outlive the device.
  Pl011(CharBackend& backend, IrqLine irq, Log& log, std::string name = "pl011");
  ~Pl011() override;
  Pl011(const Pl011&) = delete;
  Pl011& operator=(const Pl011&) = delete;

  std::string_view name() const override { return name_; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // Loading drives the interrupt line again but takes no input: whoever restores a machine calls the
  // backend's accept_input() when everything is restored.
  uint32_t state_version() const override { return 1; }

  size_t can_receive() const override;
  void receive(std::span<const uint8_t> bytes) override;
  void receive_break() override;

 private:
  void serialize_state(StateStream&) override;
  static constexpr unsigned kFifoDepth = 16;

  unsigned depth() const { return lcr_h_ & kLcrHFen ? kFifoDepth : 1; }
  uint16_t flags() const;
  uint16_t modem_flags() const;
  void push(uint16_t data_and_errors);
  uint16_t pop();
  void raise_receive();
  void after_receive();
  void transmit(uint8_t byte);
  void write_control(uint16_t value);
  void update_irq() const { irq_.set((ris_ & imsc_) != 0); }

  CharBackend& backend_;
  IrqLine irq_;
  Log& log_;
  std::string name_;

  // Receive FIFO: a ring of UARTDR values. It may hold more than depth() after the guest turned the FIFO off.
  std::array<uint16_t, kFifoDepth> fifo_{};
  uint8_t head_ = 0;
  uint8_t count_ = 0;
  bool overrun_ = false;  // a character was lost and no read has shown it yet

  uint16_t rsr_ = 0;
  uint16_t ilpr_ = 0;
  uint16_t ibrd_ = 0;
  uint16_t fbrd_ = 0;
  uint16_t lcr_h_ = 0;
  uint16_t cr_ = 0;
  uint16_t ifls_ = 0;
  uint16_t imsc_ = 0;
  uint16_t ris_ = 0;
  uint16_t dmacr_ = 0;
};

}  // namespace mynah::dev
