// SPDX-License-Identifier: Apache-2.0
//
// Register behaviour after DDI 0190, section 3.3.
#include "devices/gpio/pl061.h"

#include <fmt/core.h>

#include "devices/core/prime_cell.h"

namespace mynah::dev {
namespace {

constexpr PrimeCellId kId = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

constexpr uint8_t data_mask(Offset offset) { return static_cast<uint8_t>(offset >> 2); }

}  // namespace

Pl061::Pl061(EventQueue& events, IrqLine irq, Log& log, std::string name)
    : events_(events), irq_(irq), log_(log), name_(std::move(name)) {
  for (unsigned line = 0; line < kLines; ++line) {
    release_events_[line] = events_.register_event(name_ + ".release" + std::to_string(line),
                                                   [this, line](uint64_t, TimeNs) { set_irq(line, false); });
  }
}

void Pl061::reset() {
  out_ = dir_ = is_ = ibe_ = iev_ = ie_ = afsel_ = 0;
  pins_seen_ = pins();
  edges_ = 0;
  update();
}

uint8_t Pl061::raw_interrupts() const {
  const auto active = static_cast<uint8_t>(~(pins() ^ iev_) & ~dir_);
  return static_cast<uint8_t>((edges_ & ~is_) | (active & is_));
}

void Pl061::update() {
  const uint8_t now = pins();
  const auto changed = static_cast<uint8_t>((now ^ pins_seen_) & ~dir_ & ~is_);
  edges_ |= changed & (ibe_ | static_cast<uint8_t>(~(now ^ iev_)));
  pins_seen_ = now;

  const uint8_t driven = out_ & dir_;
  const uint8_t moved = driven ^ driven_;
  driven_ = driven;
  for (unsigned line = 0; line < kLines; ++line) {
    if (moved >> line & 1) outputs_[line].set(driven >> line & 1);
  }
  irq_.set((raw_interrupts() & ie_) != 0);
}

void Pl061::set_irq(unsigned line, bool level) {
  if (line >= kLines) return;
  const auto bit = static_cast<uint8_t>(1u << line);
  in_ = static_cast<uint8_t>(level ? in_ | bit : in_ & ~bit);
  update();
}

void Pl061::pulse_input(unsigned line, TimeNs duration) {
  if (line >= kLines) return;
  set_irq(line, true);
  events_.reschedule(release_events_[line], events_.now() + duration);
}

void Pl061::connect_output(unsigned line, IrqLine wire) {
  if (line >= kLines) return;
  outputs_[line] = wire;
  wire.set(driven_ >> line & 1);
}

uint64_t Pl061::read(Offset offset, Width width) {
  if (!is_prime_cell_access(offset, width, "read", name_, log_)) return 0;
  if (offset <= kDataLast) return pins() & data_mask(offset);
  switch (offset) {
    case kDir:
      return dir_;
    case kIs:
      return is_;
    case kIbe:
      return ibe_;
    case kIev:
      return iev_;
    case kIe:
      return ie_;
    case kRis:
      return raw_interrupts();
    case kMis:
      return raw_interrupts() & ie_;
    case kAfsel:
      return afsel_;
    case kIc:
      log_.guest_error(name_, "read of write-only GPIOIC");
      return 0;
    default:
      return read_prime_cell_id(kId, offset, name_, log_);
  }
}

void Pl061::write(Offset offset, Width width, uint64_t raw) {
  if (!is_prime_cell_access(offset, width, "write", name_, log_)) return;
  write_register(offset, static_cast<uint8_t>(raw));
  update();
}

void Pl061::write_register(Offset offset, uint8_t value) {
  if (offset <= kDataLast) {
    const uint8_t mask = data_mask(offset) & dir_;  // what is written to an input is lost
    out_ = static_cast<uint8_t>((out_ & ~mask) | (value & mask));
    return;
  }
  switch (offset) {
    case kDir:
      dir_ = value;
      pins_seen_ = pins();  // turning a pin round is no edge
      break;
    case kIs:
      edges_ &= ~value;  // a latched edge does not outlive the switch to level detection
      is_ = value;
      break;
    case kIbe:
      ibe_ = value;
      break;
    case kIev:
      iev_ = value;
      break;
    case kIe:
      ie_ = value;
      break;
    case kIc:
      edges_ &= ~value;
      break;
    case kAfsel:
      afsel_ = value;
      if (value != 0) log_.unimplemented(name_, "hardware control enabled in GPIOAFSEL");
      break;
    case kRis:
    case kMis:
      log_.guest_error(name_, fmt::format("write of read-only register at {:#x}", offset));
      break;
    default:
      log_.guest_error(name_, fmt::format("write of no register at {:#x}", offset));
  }
}

void Pl061::serialize_state(StateStream& s) {
  for (uint8_t* r : {&in_, &out_, &edges_, &dir_, &is_, &ibe_, &iev_, &ie_, &afsel_}) s.io(*r);
  if (!s.loading()) return;
  // Whatever the outputs drive restores its own input levels; an edge played to it here would be a false one.
  pins_seen_ = pins();
  driven_ = out_ & dir_;
  update();
}

}  // namespace mynah::dev
