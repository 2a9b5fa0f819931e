// SPDX-License-Identifier: Apache-2.0
//
// Register behaviour after DDI 0183, section 3.3; interrupts after section 2.8.
#include "devices/serial/pl011.h"

#include <fmt/core.h>

#include "devices/core/prime_cell.h"
#include "devices/core/registers.h"

namespace mynah::dev {
namespace {

// PeriphID2 holds the revision: drivers take revisions from r1p5 (3) on to have FIFOs 32 deep, this has 16.
constexpr PrimeCellId kId = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

constexpr uint16_t kCrReset = Pl011::kCrTxe | Pl011::kCrRxe;
constexpr uint16_t kIflsReset = 0x12;  // both levels: half full
constexpr uint16_t kCrMask = 0xff87;

}  // namespace

Pl011::Pl011(CharBackend& backend, IrqLine irq, Log& log, std::string name)
    : backend_(backend), irq_(irq), log_(log), name_(std::move(name)) {
  reset();
  backend_.attach(this);
}

Pl011::~Pl011() { backend_.attach(nullptr); }

void Pl011::reset() {
  head_ = count_ = 0;
  overrun_ = false;
  rsr_ = ilpr_ = ibrd_ = fbrd_ = lcr_h_ = imsc_ = ris_ = dmacr_ = 0;
  cr_ = kCrReset;
  ifls_ = kIflsReset;
  update_irq();
}

uint16_t Pl011::modem_flags() const {
  if (!(cr_ & kCrLbe)) return kFrCts | kFrDsr | kFrDcd;
  uint16_t flags = 0;
  if (cr_ & kCrRts) flags |= kFrCts;
  if (cr_ & kCrDtr) flags |= kFrDsr;
  if (cr_ & kCrOut1) flags |= kFrDcd;
  if (cr_ & kCrOut2) flags |= kFrRi;
  return flags;
}

uint16_t Pl011::flags() const {
  uint16_t flags = modem_flags() | kFrTxfe;
  if (count_ == 0) flags |= kFrRxfe;
  if (count_ >= depth()) flags |= kFrRxff;
  return flags;
}

void Pl011::push(uint16_t data_and_errors) {
  if (count_ >= depth()) {
    // The FIFO stays as it is; the new character is the one that is lost.
    overrun_ = true;
    rsr_ |= kDrOe >> 8;
    ris_ |= kIntOe;
    return;
  }
  fifo_[(head_ + count_) % kFifoDepth] = data_and_errors;
  ++count_;
  if (data_and_errors & kDrBe) ris_ |= kIntBe;
}

uint16_t Pl011::pop() {
  if (count_ == 0) return 0;
  uint16_t data = fifo_[head_];
  head_ = (head_ + 1) % kFifoDepth;
  --count_;
  if (overrun_) data |= kDrOe;
  overrun_ = false;  // there is space again
  rsr_ = static_cast<uint16_t>((rsr_ & (kDrOe >> 8)) | ((data >> 8) & 0x7));
  if (count_ == 0)
    ris_ &= ~(kIntRx | kIntRt);
  else
    raise_receive();
  return data;
}

// There is data.
void Pl011::raise_receive() { ris_ |= lcr_h_ & kLcrHFen ? kIntRx | kIntRt : kIntRx; }

void Pl011::after_receive() {
  if (count_ != 0) raise_receive();
  update_irq();
}

size_t Pl011::can_receive() const {
  if (cr_ & kCrLbe) return 0;  // the receiver is disconnected from its pin
  return count_ < depth() ? depth() - count_ : 0;
}

void Pl011::receive(std::span<const uint8_t> bytes) {
  if (cr_ & kCrLbe) return;
  for (const uint8_t b : bytes) push(b);
  after_receive();
}

void Pl011::receive_break() {
  if (cr_ & kCrLbe) return;
  push(kDrBe);
  after_receive();
}

void Pl011::transmit(uint8_t byte) {
  if ((cr_ & (kCrUarten | kCrTxe)) != (kCrUarten | kCrTxe)) {
    log_.guest_error(name_, "transmission while UARTCR disables it");
  }
  if (cr_ & kCrLbe) {
    push(byte);
    after_receive();
  } else {
    backend_.write({&byte, 1});
  }
  ris_ |= kIntTx;
  update_irq();
}

void Pl011::write_control(uint16_t value) {
  const uint16_t before = modem_flags();
  cr_ = value & kCrMask;
  const uint16_t changed = before ^ modem_flags();
  if (changed & kFrRi) ris_ |= kIntRi;
  if (changed & kFrCts) ris_ |= kIntCts;
  if (changed & kFrDcd) ris_ |= kIntDcd;
  if (changed & kFrDsr) ris_ |= kIntDsr;
}

uint64_t Pl011::read(Offset offset, Width width) {
  if (!is_prime_cell_access(offset, width, "read", name_, log_)) return 0;
  uint16_t value = 0;
  switch (offset) {
    case kDr: {
      const bool was_full = can_receive() == 0;
      value = pop();
      update_irq();
      // Last, because the backend may call receive() from here.
      if (was_full && can_receive() != 0) backend_.accept_input();
      break;
    }
    case kRsrEcr:
      value = rsr_;
      break;
    case kFr:
      value = flags();
      break;
    case kIlpr:
      value = ilpr_;
      break;
    case kIbrd:
      value = ibrd_;
      break;
    case kFbrd:
      value = fbrd_;
      break;
    case kLcrH:
      value = lcr_h_;
      break;
    case kCr:
      value = cr_;
      break;
    case kIfls:
      value = ifls_;
      break;
    case kImsc:
      value = imsc_;
      break;
    case kRis:
      value = ris_;
      break;
    case kMis:
      value = ris_ & imsc_;
      break;
    case kDmacr:
      value = dmacr_;
      break;
    case kIcr:
      log_.guest_error(name_, "read of write-only UARTICR");
      break;
    default:
      value = read_prime_cell_id(kId, offset, name_, log_);
  }
  return low_bytes(value, width);
}

void Pl011::write(Offset offset, Width width, uint64_t raw) {
  if (!is_prime_cell_access(offset, width, "write", name_, log_)) return;
  const auto value = static_cast<uint16_t>(low_bytes(raw, width));
  const bool was_full = can_receive() == 0;
  switch (offset) {
    case kDr:
      transmit(static_cast<uint8_t>(value));
      break;
    case kRsrEcr:
      rsr_ = 0;
      break;
    case kIlpr:
      ilpr_ = value & 0xff;
      break;
    case kIbrd:
      ibrd_ = value;
      break;
    case kFbrd:
      fbrd_ = value & 0x3f;
      break;
    case kLcrH:
      // A break sent with LCR_H.BRK does not reach the host: its backends have no such thing.
      lcr_h_ = value & 0xff;
      after_receive();
      break;
    case kCr:
      write_control(value);
      break;
    case kIfls:
      ifls_ = value & 0x3f;
      break;
    case kImsc:
      imsc_ = value & kIntAll;
      break;
    case kIcr:
      ris_ &= ~value;
      break;
    case kDmacr:
      dmacr_ = value & 0x7;
      if (dmacr_ & 0x3) log_.unimplemented(name_, "DMA requests enabled in UARTDMACR");
      break;
    case kFr:
    case kRis:
    case kMis:
      log_.guest_error(name_, fmt::format("write of read-only register at {:#x}", offset));
      break;
    default:
      log_.guest_error(name_, fmt::format("write of no register at {:#x}", offset));
  }
  update_irq();
  if (was_full && can_receive() != 0) backend_.accept_input();
}

void Pl011::serialize_state(StateStream& s) {
  // The ring is saved from its head on, so that equal contents give equal bytes.
  std::array<uint16_t, kFifoDepth> fifo{};
  uint8_t count = count_;
  for (unsigned i = 0; i < count_; ++i) fifo[i] = fifo_[(head_ + i) % kFifoDepth];
  s.io(fifo);
  s.io(count);
  s.io(overrun_);
  for (uint16_t* r : {&rsr_, &ilpr_, &ibrd_, &fbrd_, &lcr_h_, &cr_, &ifls_, &imsc_, &ris_, &dmacr_}) s.io(*r);
  if (!s.loading()) return;
  if (count > kFifoDepth) s.fail();
  if (s.failed()) return;
  fifo_ = fifo;
  head_ = 0;
  count_ = count;
  update_irq();
}

}  // namespace mynah::dev
