// SPDX-License-Identifier: Apache-2.0
//
// Modes of the 8254 (data sheet 231164, "Mode Definitions"), by the number of clocks since a count was loaded
// or triggered.
#include "devices/timer/pit_8254.h"

#include <algorithm>

namespace mynah::dev {

namespace {
constexpr uint64_t kSecond = 1'000'000'000;

uint32_t from_bcd(uint32_t v) {
  return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}
uint16_t to_bcd(uint32_t v) {
  return static_cast<uint16_t>(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}
// Time of the n-th clock.
TimeNs time_of(uint64_t ticks) {
  return static_cast<TimeNs>((static_cast<unsigned __int128>(ticks) * kSecond + Pit8254::kHz - 1) /
                             Pit8254::kHz);
}
}  // namespace

Pit8254::Pit8254(EventQueue& events, IrqLine irq, Log& log) : events_(events), irq_(irq), log_(log) {
  output_event_ = events_.register_event("pit.output", [this](uint64_t, TimeNs) { update(); });
  reset();
}

void Pit8254::reset() {
  channels_ = {};
  channels_[2].gate = false;
  speaker_data_ = 0;
  update();
}

uint64_t Pit8254::ticks_since(const Channel& c) const {
  if (c.is_held()) return c.held;
  if (c.start > events_.now()) return 0;
  const uint64_t ns = static_cast<uint64_t>(events_.now()) - static_cast<uint64_t>(c.start);
  return static_cast<uint64_t>(static_cast<unsigned __int128>(ns) * kHz / kSecond);
}

uint16_t Pit8254::count(const Channel& c) const {
  const uint64_t ticks = c.running && (c.gate || (c.mode != 2 && c.mode != 3)) ? ticks_since(c) : 0;
  const uint32_t whole = c.bcd ? 10000 : 65536;
  uint64_t value;
  if (c.mode == 2) {
    value = c.initial - ticks % std::max(c.initial, 1u);
  } else if (c.mode == 3) {  // by twos
    value = c.initial - 2 * ticks % std::max(c.initial, 1u);
    value &= ~uint64_t{1};
  } else {
    value = (c.initial + uint64_t{whole} - ticks % whole) % whole;
  }
  value %= whole;
  return c.bcd ? to_bcd(static_cast<uint32_t>(value)) : static_cast<uint16_t>(value);
}

bool Pit8254::output(const Channel& c) const {
  if (!c.running) return c.mode != 0;
  const uint64_t ticks = ticks_since(c);
  switch (c.mode) {
    case 0:
    case 1:
      return ticks >= c.initial;
    case 2:
      return !c.gate || ticks % c.initial != c.initial - 1;
    case 3:
      return !c.gate || ticks % c.initial < (c.initial + 1) / 2;
    default:  // 4, 5: low for one clock
      return ticks != c.initial;
  }
}

// When the output is another than it is now, by itself; kNever: not again.
TimeNs Pit8254::next_change(const Channel& c) const {
  if (!c.running || (!c.gate && c.mode != 1 && c.mode != 5)) return kNever;
  const uint64_t ticks = ticks_since(c), n = c.initial;
  uint64_t at;
  switch (c.mode) {
    case 0:
    case 1:
      if (ticks >= n) return kNever;
      at = n;
      break;
    case 2:
      at = ticks % n == n - 1 ? ticks - ticks % n + n : ticks - ticks % n + n - 1;
      break;
    case 3: {
      const uint64_t half = (n + 1) / 2, in = ticks % n;
      at = ticks - in + (in < half ? half : n);
      break;
    }
    default:
      if (ticks > n) return kNever;
      at = ticks < n ? n : n + 1;
  }
  const TimeNs to = time_of(at);
  return to < kNever - std::max<TimeNs>(c.start, 0) ? c.start + to : kNever;
}

void Pit8254::update() {
  const Channel& c = channels_[0];
  irq_.set(output(c));
  const TimeNs when = next_change(c);
  events_.cancel(output_event_);
  // A pulse of one clock rises soon enough.
  if (when != kNever) events_.schedule(output_event_, std::max(when, events_.now() + 1));
}

void Pit8254::load(unsigned n, uint32_t value) {
  Channel& c = channels_[n];
  const uint32_t whole = c.bcd ? 10000 : 65536;
  uint32_t initial = c.bcd ? from_bcd(value) : value;
  if (initial == 0) initial = whole;
  if ((c.mode == 2 || c.mode == 3) && initial == 1) initial = 2;  // 1 is no count of these
  c.initial = initial;
  c.held = 0;
  c.null_count = false;
  if (c.mode == 1 || c.mode == 5) {
    if (!c.running) c.null_count = true;  // until it is triggered
  } else {
    // One that runs periodically takes the new count at its next period; that it begins now is not seen.
    c.running = true;
    c.start = events_.now();
  }
  if (n == 0) update();
}

void Pit8254::set_gate(unsigned n, bool level) {
  Channel& c = channels_[n];
  if (level == c.gate) return;
  if (!level) {
    // Of many rounds two are enough to know: the count, and that it has ended.
    const uint64_t whole = c.bcd ? 10000 : 65536, ticks = ticks_since(c);
    c.held = ticks < 3 * whole ? ticks : ticks % whole + 2 * whole;
  }
  c.gate = level;
  if (!level) return;
  if (c.mode == 0 || c.mode == 4) c.start = events_.now() - time_of(c.held);
  if (c.mode == 1 || c.mode == 2 || c.mode == 3 || c.mode == 5) {
    c.running = c.initial != 0;
    c.start = events_.now();
  }
}

void Pit8254::latch(Channel& c) {
  if (c.latched) return;
  c.latch = count(c);
  c.latched = c.access == 3 ? 2 : 1;
}

void Pit8254::command(uint8_t value) {
  const unsigned n = value >> 6;
  if (n == 3) {  // read-back
    for (unsigned i = 0; i < 3; ++i) {
      if (!(value >> (i + 1) & 1)) continue;
      Channel& c = channels_[i];
      if (!(value & 0x20)) latch(c);
      if (!(value & 0x10) && !c.status_latched) {
        c.status_latched = true;
        c.status =
            static_cast<uint8_t>(output(c) << 7 | c.null_count << 6 | c.access << 4 | c.mode << 1 | c.bcd);
      }
    }
    return;
  }
  Channel& c = channels_[n];
  const unsigned access = value >> 4 & 3;
  if (access == 0) return latch(c);
  const bool gate = c.gate;
  c = {};
  c.gate = gate;
  c.access = static_cast<uint8_t>(access);
  c.mode = value >> 1 & 7;
  if (c.mode > 5) c.mode &= 3;
  c.bcd = value & 1;
  if (n == 0) update();
}

uint64_t Pit8254::read(Offset offset, Width) {
  if (offset == 3) return 0;
  events_.run_due();
  Channel& c = channels_[offset & 3];
  if (c.status_latched) {
    c.status_latched = false;
    return c.status;
  }
  const uint16_t value = c.latched ? c.latch : count(c);
  bool high = c.access == 2;
  if (c.access == 3) {
    high = c.latched ? c.latched == 1 : c.read_high;
    if (!c.latched) c.read_high = !c.read_high;
  }
  if (c.latched) --c.latched;
  return high ? value >> 8 : value & 0xff;
}

void Pit8254::write(Offset offset, Width, uint64_t raw) {
  const auto value = static_cast<uint8_t>(raw);
  events_.run_due();
  if (offset == 3) return command(value);
  Channel& c = channels_[offset & 3];
  const auto n = static_cast<unsigned>(offset & 3);
  switch (c.access) {
    case 1:
      return load(n, value);
    case 2:
      return load(n, uint32_t{value} << 8);
    default:
      c.loaded_low = !c.loaded_low;
      if (c.loaded_low) {
        c.low = value;
        if (c.mode == 0) c.running = false;  // the first byte stops it
        if (n == 0) update();
        return;
      }
      load(n, uint32_t{value} << 8 | c.low);
  }
}

// Bits 0, 1 as written; 4 toggles with the memory's refresh, every 15 us; 5 is the output of channel 2.
uint8_t Pit8254::read_port61() {
  events_.run_due();
  const uint64_t refresh = static_cast<uint64_t>(events_.now()) / 15085 & 1;
  const Channel& c = channels_[2];
  return static_cast<uint8_t>((c.gate ? 1 : 0) | speaker_data_ << 1 | refresh << 4 | output(c) << 5);
}

void Pit8254::write_port61(uint8_t value) {
  speaker_data_ = value >> 1 & 1;
  set_gate(2, value & 1);
}

// What no saved state has, but a damaged one may.
void Pit8254::make_valid(Channel& c) const {
  if (c.mode > 5) c.mode &= 3;
  c.access = std::clamp<uint8_t>(c.access, 1, 3);
  c.latched = std::min<uint8_t>(c.latched, 2);
  c.initial = std::min(c.initial, 65536u);
  c.held = std::min<uint64_t>(c.held, 3 * 65536);
  c.start = std::clamp<TimeNs>(c.start, -(TimeNs{1} << 32), events_.now());
  if (c.initial < (c.mode == 2 || c.mode == 3 ? 2u : 1u)) c.running = false;
}

void Pit8254::serialize_state(StateStream& s) {
  for (Channel& c : channels_) {
    for (uint8_t* byte : {&c.mode, &c.access, &c.low, &c.latched, &c.status}) s.io(*byte);
    for (bool* flag :
         {&c.bcd, &c.gate, &c.running, &c.loaded_low, &c.read_high, &c.null_count, &c.status_latched})
      s.io(*flag);
    s.io(c.initial);
    s.io(c.start);
    s.io(c.held);
    s.io(c.latch);
    if (s.loading()) make_valid(c);
  }
  s.io(speaker_data_);
  speaker_data_ &= 1;
  if (s.loading()) irq_.set(output(channels_[0]));
}

}  // namespace mynah::dev
