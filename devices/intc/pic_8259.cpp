// SPDX-License-Identifier: Apache-2.0
//
// Requests, priorities and command words of the 8259A (data sheet 231468, "Programming the 8259A").
#include "devices/intc/pic_8259.h"

#include <fmt/core.h>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr unsigned kCascade = 2;

// Distance of an input from the highest priority.
unsigned rank(unsigned input, unsigned lowest) { return (input + 7 - lowest) & 7; }
}  // namespace

void Pic8259::reset() {
  for (Chip& c : chips_) {
    const uint8_t lines = c.lines;
    c = {};
    c.lines = lines;
  }
  update();
}

// The second chip's output stays high while another of its requests waits.
uint8_t Pic8259::levels_of(const Chip& c) const {
  return static_cast<uint8_t>(c.elcr | (&c == &chips_[0] ? 1u << kCascade : 0));
}

void Pic8259::set_input(Chip& c, unsigned input, bool level) {
  const auto bit = static_cast<uint8_t>(1u << input);
  const bool rises = level && !(c.lines & bit);
  c.lines = static_cast<uint8_t>(level ? c.lines | bit : c.lines & ~bit);
  if (levels_of(c) & bit)
    c.irr = static_cast<uint8_t>(level ? c.irr | bit : c.irr & ~bit);
  else if (rises)
    c.irr |= bit;
  else if (!level)
    c.irr &= static_cast<uint8_t>(~bit);  // one that went away before it was acknowledged is spurious
}

void Pic8259::set_irq(unsigned line, bool level) {
  if (line >= 16 || line == kCascade) return;
  set_input(chips_[line / 8], line % 8, level);
  update();
}

// The input to serve, or -1: of a higher priority than what is in service.
int Pic8259::requested(const Chip& c, bool first) const {
  const unsigned waiting = c.irr & static_cast<uint8_t>(~c.imr);
  if (!waiting) return -1;
  unsigned served = 8;  // rank of what is in service
  for (unsigned i = 0; i < 8; ++i) {
    if (!(c.isr >> i & 1) || (c.special_mask && (c.imr >> i & 1))) continue;
    // Special fully nested mode: the second chip may interrupt itself.
    if (first && c.special_nested && i == kCascade) continue;
    if (rank(i, c.lowest) < served) served = rank(i, c.lowest);
  }
  int best = -1;
  for (unsigned i = 0; i < 8; ++i) {
    if (!(waiting >> i & 1)) continue;
    if (c.special_mask ? (c.isr >> i & 1) != 0 : rank(i, c.lowest) >= served) continue;
    if (best < 0 || rank(i, c.lowest) < rank(static_cast<unsigned>(best), c.lowest))
      best = static_cast<int>(i);
  }
  return best;
}

void Pic8259::update() {
  set_input(chips_[0], kCascade, requested(chips_[1], false) >= 0);
  output_.set(requested(chips_[0], true) >= 0);
}

uint8_t Pic8259::take(Chip& c, bool first) {
  const int input = requested(c, first);
  if (input < 0) return 7;
  const auto bit = static_cast<uint8_t>(1u << input);
  if (!(levels_of(c) & bit)) c.irr &= static_cast<uint8_t>(~bit);
  if (c.auto_eoi) {
    if (c.rotate_on_auto_eoi) c.lowest = static_cast<uint8_t>(input);
  } else {
    c.isr |= bit;
  }
  return static_cast<uint8_t>(input);
}

uint8_t Pic8259::acknowledge() {
  uint8_t input = take(chips_[0], true);
  unsigned chip = 0;
  if (input == kCascade) {
    chip = 1;
    input = take(chips_[1], false);
  }
  update();
  return static_cast<uint8_t>(chips_[chip].vector + input);
}

void Pic8259::end_of_interrupt(Chip& c, uint8_t command) {
  const unsigned level = command & 7;
  const bool rotates = command & 0x80, specific = command & 0x40, ends = command & 0x20;
  if (!ends) {
    if (specific && rotates) c.lowest = static_cast<uint8_t>(level);  // set priority
    if (!specific) c.rotate_on_auto_eoi = rotates;
    return;
  }
  int input = -1;
  if (specific) {
    input = static_cast<int>(level);
  } else {
    for (unsigned i = 0; i < 8; ++i) {
      if (!(c.isr >> i & 1) || (c.special_mask && (c.imr >> i & 1))) continue;
      if (input < 0 || rank(i, c.lowest) < rank(static_cast<unsigned>(input), c.lowest))
        input = static_cast<int>(i);
    }
  }
  if (input < 0) return;
  c.isr &= static_cast<uint8_t>(~(1u << input));
  if (rotates) c.lowest = static_cast<uint8_t>(input);
}

uint8_t Pic8259::read_port(unsigned chip, Offset offset) {
  Chip& c = chips_[chip];
  if (c.poll) {
    c.poll = false;
    const bool first = chip == 0;
    const uint8_t value = requested(c, first) < 0 ? 7 : static_cast<uint8_t>(0x80 | take(c, first));
    update();
    return value;
  }
  if (offset & 1) return c.imr;
  return c.read_isr ? c.isr : c.irr;
}

void Pic8259::write_port(unsigned chip, Offset offset, uint8_t value) {
  Chip& c = chips_[chip];
  if (!(offset & 1) && (value & 0x10)) {  // ICW1
    const uint8_t lines = c.lines, elcr = c.elcr;
    c = {};
    c.lines = lines;
    c.elcr = elcr;
    c.irr = lines & levels_of(c);
    c.needs_icw4 = value & 1;
    c.single = value & 2;
    c.step = 2;
    if (value & 8 && !c.elcr) log_.unimplemented(name(), "level-triggered mode by ICW1");
  } else if (!(offset & 1) && (value & 0x08)) {  // OCW3
    if (value & 0x04) c.poll = true;
    if (value & 0x02) c.read_isr = value & 1;
    if (value & 0x40) c.special_mask = value & 0x20;
  } else if (!(offset & 1)) {  // OCW2
    end_of_interrupt(c, value);
  } else {
    switch (c.step) {
      case 2:
        c.vector = value & 0xf8;
        c.step = c.single ? (c.needs_icw4 ? 4 : 0) : 3;
        break;
      case 3:
        c.step = c.needs_icw4 ? 4 : 0;
        break;
      case 4:
        c.auto_eoi = value & 2;
        c.special_nested = value & 0x10;
        c.step = 0;
        break;
      default:
        c.imr = value;
    }
  }
  update();
}

uint64_t Pic8259::Port::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset o) { return pic_.read_port(chip_, o); });
}
void Pic8259::Port::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset o, uint8_t byte) { pic_.write_port(chip_, o, byte); });
}

uint64_t Pic8259::LevelPort::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset o) { return pic_.chips_[o & 1].elcr; });
}
void Pic8259::LevelPort::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset o, uint8_t byte) {
    // Timer, keyboard, cascade, clock and coprocessor are by their edges.
    constexpr uint8_t kSelectable[] = {0xf8, 0xde};
    Chip& c = pic_.chips_[o & 1];
    const uint8_t changed = c.elcr ^ (byte & kSelectable[o & 1]);
    c.elcr ^= changed;
    // An input by its level follows its line at once; one by its edges waits for the next.
    c.irr = static_cast<uint8_t>((c.irr & ~changed) | (c.lines & c.elcr & changed));
  });
  pic_.update();
}

void Pic8259::serialize_state(StateStream& s) {
  for (Chip& c : chips_) {
    for (uint8_t* byte : {&c.lines, &c.irr, &c.isr, &c.imr, &c.elcr, &c.vector, &c.lowest, &c.step})
      s.io(*byte);
    for (bool* flag : {&c.needs_icw4, &c.single, &c.auto_eoi, &c.rotate_on_auto_eoi, &c.special_mask,
                       &c.special_nested, &c.read_isr, &c.poll})
      s.io(*flag);
  }
  if (s.loading()) update();
}

}  // namespace mynah::dev
