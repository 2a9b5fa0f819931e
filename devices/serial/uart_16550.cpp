// SPDX-License-Identifier: Apache-2.0
//
// See uart_16550.h.
#include "devices/serial/uart_16550.h"

#include <fmt/core.h>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kDivisorAtReset = 12;  // 9600 bits a second with the usual crystal
}

Uart16550::Uart16550(CharBackend& backend, IrqLine irq, Log& log, std::string name)
    : backend_(backend), irq_(irq), log_(log), name_(std::move(name)) {
  reset();
  backend_.attach(this);
}

Uart16550::~Uart16550() { backend_.attach(nullptr); }

void Uart16550::reset() {
  head_ = count_ = 0;
  ier_ = fcr_ = lcr_ = mcr_ = scr_ = 0;
  divisor_ = kDivisorAtReset;
  line_errors_ = modem_deltas_ = 0;
  transmit_pending_ = false;
  update_irq();
}

// In a loop the receiver hears the transmitter, not the line.
size_t Uart16550::can_receive() const {
  if (mcr_ & kMcrLoop) return 0;
  return count_ < depth() ? depth() - count_ : 0;
}

void Uart16550::push(uint16_t entry) {
  if (count_ >= depth()) {
    line_errors_ |= kLsrOverrun;
    // Without FIFOs the new character replaces the old one; with them it is lost (8.5).
    if (!(fcr_ & kFcrEnable)) fifo_[head_] = entry;
    return;
  }
  fifo_[(head_ + count_) % kFifoDepth] = entry;
  ++count_;
  if (count_ == 1 && (entry & kBreakEntry)) line_errors_ |= kLsrBreak;
}

uint8_t Uart16550::pop() {
  if (count_ == 0) return 0;
  const auto byte = static_cast<uint8_t>(fifo_[head_]);
  head_ = (head_ + 1) % kFifoDepth;
  --count_;
  if (count_ != 0 && (fifo_[head_] & kBreakEntry)) line_errors_ |= kLsrBreak;  // it has come to the top
  return byte;
}

void Uart16550::receive(std::span<const uint8_t> bytes) {
  if (mcr_ & kMcrLoop) return;
  for (const uint8_t b : bytes) push(b);
  update_irq();
}

void Uart16550::receive_break() {
  if (mcr_ & kMcrLoop) return;
  push(kBreakEntry);
  update_irq();
}

uint8_t Uart16550::modem_lines() const {
  if (!(mcr_ & kMcrLoop)) return kMsrCts | kMsrDsr | kMsrDcd;
  return static_cast<uint8_t>((mcr_ & kMcrRts ? kMsrCts : 0) | (mcr_ & kMcrDtr ? kMsrDsr : 0) |
                              (mcr_ & kMcrOut1 ? kMsrRi : 0) | (mcr_ & kMcrOut2 ? kMsrDcd : 0));
}

uint8_t Uart16550::line_status() const {
  uint8_t status = kLsrThre | kLsrTemt | line_errors_;
  if (count_ != 0) status |= kLsrData;
  if (fcr_ & kFcrEnable) {
    for (unsigned i = 0; i < count_; ++i)
      if (fifo_[(head_ + i) % kFifoDepth] & kBreakEntry) status |= kLsrFifoError;
  }
  return status;
}

// The most urgent interrupt that is enabled (table III).
uint8_t Uart16550::interrupt() const {
  static constexpr uint8_t kTriggers[] = {1, 4, 8, 14};
  if ((ier_ & kIerLine) && line_errors_) return kIirLine;
  if ((ier_ & kIerData) && count_ != 0) {
    const bool enough = !(fcr_ & kFcrEnable) || count_ >= kTriggers[fcr_ >> 6];
    return enough ? kIirData : kIirTimeout;
  }
  if ((ier_ & kIerTransmit) && transmit_pending_) return kIirTransmit;
  if ((ier_ & kIerModem) && modem_deltas_) return kIirModem;
  return kIirNone;
}

void Uart16550::transmit(uint8_t byte) {
  if (mcr_ & kMcrLoop) {
    push(byte);
  } else {
    backend_.write({&byte, 1});
  }
  transmit_pending_ = true;
}

void Uart16550::write_fcr(uint8_t value) {
  // A change of the enable bit empties the FIFOs.
  if (((value ^ fcr_) & kFcrEnable) || (value & kFcrClearReceive)) head_ = count_ = 0;
  if (((value ^ fcr_) & kFcrEnable) || (value & kFcrClearTransmit)) transmit_pending_ = true;
  fcr_ = value & kFcrEnable ? value & 0xc9 : 0;  // without FIFOs the other bits are not there
}

void Uart16550::write_mcr(uint8_t value) {
  const uint8_t before = modem_lines();
  mcr_ = value & 0x1f;
  const uint8_t now = modem_lines(), changed = before ^ now;
  modem_deltas_ |= changed >> 4 & kMsrDeltas & ~kMsrTeri;
  if (changed & before & kMsrRi) modem_deltas_ |= kMsrTeri;  // the ring's end alone
}

uint64_t Uart16550::read(Offset offset, Width width) {
  if (width != Width::k1)
    return read_by_bytes(offset, width, [this](Offset o) { return read(o, Width::k1); });
  uint8_t value = 0;
  bool room = false;
  switch (offset) {
    case kData:
      if (lcr_ & kLcrDlab) return divisor_ & 0xff;
      room = can_receive() == 0;
      value = pop();
      room = room && can_receive() != 0;
      break;
    case kIer:
      return lcr_ & kLcrDlab ? divisor_ >> 8 : ier_;
    case kIirFcr:
      value = interrupt();
      if (value == kIirTransmit) transmit_pending_ = false;
      value |= fcr_ & kFcrEnable ? kIirFifos : 0;
      break;
    case kLcr:
      return lcr_;
    case kMcr:
      return mcr_;
    case kLsr:
      value = line_status();
      line_errors_ = 0;
      break;
    case kMsr:
      value = modem_lines() | modem_deltas_;
      modem_deltas_ = 0;
      break;
    case kScr:
      return scr_;
    default:
      log_.guest_error(name_, fmt::format("read at offset {:#x}", offset));
      return 0;
  }
  update_irq();
  if (room) backend_.accept_input();  // last: it may call receive() from here
  return value;
}

void Uart16550::write(Offset offset, Width width, uint64_t wide) {
  if (width != Width::k1)
    return write_by_bytes(offset, width, wide, [this](Offset o, uint8_t byte) { write(o, Width::k1, byte); });
  const auto value = static_cast<uint8_t>(wide);
  const bool was_full = can_receive() == 0;
  switch (offset) {
    case kData:
      if (lcr_ & kLcrDlab) {
        divisor_ = static_cast<uint16_t>((divisor_ & 0xff00) | value);
      } else {
        transmit(value);
      }
      break;
    case kIer:
      if (lcr_ & kLcrDlab) {
        divisor_ = static_cast<uint16_t>((divisor_ & 0x00ff) | value << 8);
      } else {
        // The transmitter is empty: who begins to ask for its interrupt gets it.
        if ((value & kIerTransmit) && !(ier_ & kIerTransmit)) transmit_pending_ = true;
        ier_ = value & 0x0f;
      }
      break;
    case kIirFcr:
      write_fcr(value);
      break;
    case kLcr:
      lcr_ = value;
      break;
    case kMcr:
      write_mcr(value);
      break;
    case kScr:
      scr_ = value;
      break;
    default:
      return log_.guest_error(name_, fmt::format("write at offset {:#x}, which is read-only", offset));
  }
  update_irq();
  if (was_full && can_receive() != 0) backend_.accept_input();
}

void Uart16550::serialize_state(StateStream& s) {
  s.io(fifo_);
  s.io(head_);
  s.io(count_);
  for (uint8_t* byte : {&ier_, &fcr_, &lcr_, &mcr_, &scr_, &line_errors_, &modem_deltas_}) s.io(*byte);
  s.io(divisor_);
  s.io(transmit_pending_);
  if (head_ >= kFifoDepth || count_ > kFifoDepth) s.fail();
  if (s.failed()) head_ = count_ = 0;
  if (s.loading()) update_irq();
}

}  // namespace mynah::dev
