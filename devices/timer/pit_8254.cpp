// SPDX-License-Identifier: Apache-2.0
//
// Modes of the 8254 (data sheet 231164, "Mode Definitions"), by the number of clocks since a count was loaded
// or triggered.
#include "devices/timer/pit_8254.h"

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr int64_t kSecond = 1'000'000'000;

uint32_t from_bcd(uint32_t v) {
  return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}
uint16_t to_bcd(uint32_t v) {
  return static_cast<uint16_t>(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}
// Time of the n-th clock; kNever beyond the end of time.
TimeNs time_of(int64_t n) {
  const __int128 ns = (static_cast<__int128>(n) * kSecond + Pit8254::kHz - 1) / Pit8254::kHz;
  return ns < kNever ? static_cast<TimeNs>(ns) : kNever;
}
constexpr int64_t kNoChange = INT64_MAX;
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

int64_t Pit8254::clock() const {
  return static_cast<int64_t>(static_cast<__int128>(events_.now()) * kHz / kSecond);
}

int64_t Pit8254::counted(const Channel& c) const {
  if (!c.gate && !c.triggered()) return c.held;
  return std::max<int64_t>(clock() - c.start, 0);
}

uint16_t Pit8254::count(const Channel& c) const {
  const int64_t ticks = c.running ? counted(c) : 0;
  const int64_t whole = c.bcd ? 10000 : 65536, initial = c.initial;
  int64_t value;
  if (c.mode == 2) {
    value = initial - ticks % std::max<int64_t>(initial, 1);
  } else if (c.mode == 3) {  // by twos
    value = initial - 2 * ticks % std::max<int64_t>(initial, 1);
    value &= ~int64_t{1};
  } else {
    value = (initial + whole - ticks % whole) % whole;
  }
  value %= whole;
  return c.bcd ? to_bcd(static_cast<uint32_t>(value)) : static_cast<uint16_t>(value);
}

bool Pit8254::output(const Channel& c) const {
  if (!c.running) return c.mode != 0;
  if (c.periodic() && !c.gate) return true;
  const int64_t ticks = counted(c), initial = c.initial;
  switch (c.mode) {
    case 0:
    case 1:
      return ticks >= initial;
    case 2:
      return ticks % initial != initial - 1;
    case 3:
      return ticks % initial < (initial + 1) / 2;
    default:  // 4, 5: low for one clock
      return ticks != initial;
  }
}

// Whether the output rose behind `from`, up to `to`: clocks at which it counted without a break.
bool Pit8254::rises(const Channel& c, int64_t from, int64_t to) const {
  if (!c.running || (!c.gate && !c.triggered())) return false;
  const int64_t n = c.initial, first = std::max<int64_t>(from - c.start, 0), last = to - c.start;
  if (last <= first) return false;
  if (c.periodic()) return last / n != first / n;
  const int64_t at = c.mode >= 4 ? n + 1 : n;
  return first < at && at <= last;
}

// The clock at which the output is another than it is now, by itself.
int64_t Pit8254::next_change(const Channel& c) const {
  if (!c.running || (!c.gate && !c.triggered())) return kNoChange;
  const int64_t ticks = counted(c), n = c.initial;
  switch (c.mode) {
    case 0:
    case 1:
      return ticks < n ? c.start + n : kNoChange;
    case 2:
    case 3: {
      const int64_t falls = c.mode == 2 ? n - 1 : (n + 1) / 2, in = ticks % n;
      return c.start + ticks - in + (in < falls ? falls : n);
    }
    default:
      return ticks < n ? c.start + n : ticks == n ? c.start + n + 1 : kNoChange;
  }
}

void Pit8254::begin_next(Channel& c) {
  c.initial = std::exchange(c.next, 0);
  c.next_at = 0;
  c.null_count = false;
}

// Counts that were written for the next round are taken where that has begun.
void Pit8254::settle() {
  for (Channel& c : channels_) {
    if (!c.next || !c.running || !c.periodic() || !c.gate || clock() < c.next_at) continue;
    if (&c == &channels_[0] && rises(c, seen_, c.next_at)) irq_.set(false), irq_.set(true);
    // In mode 3 a half of a round may be what begins, which is the low one.
    const bool low = c.mode == 3 && (c.next_at - c.start) % c.initial != 0;
    const int64_t at = c.next_at;
    begin_next(c);
    c.start = at - (low ? (c.initial + 1) / 2 : 0);
  }
}

void Pit8254::update() {
  settle();
  const Channel& c = channels_[0];
  const int64_t now = clock();
  if (rises(c, seen_, now)) {
    irq_.set(false);
    irq_.set(true);
  }
  irq_.set(output(c));
  seen_ = now;
  events_.cancel(output_event_);
  if (const int64_t at = next_change(c); at != kNoChange)
    if (const TimeNs when = time_of(at); when != kNever)
      events_.schedule(output_event_, std::max(when, events_.now() + 1));
}

// A periodic mode goes on with what it has to the end of its round, of half a round in mode 3; a triggered
// one to its next trigger.
void Pit8254::load(unsigned n, uint32_t value) {
  settle();
  Channel& c = channels_[n];
  uint32_t initial = c.bcd ? from_bcd(value) : value;
  if (initial == 0) initial = c.bcd ? 10000 : 65536;
  if (c.periodic() && initial == 1) initial = 2;  // 1 is no count of these
  c.next = initial;
  c.null_count = true;
  if (c.periodic() && c.running && c.gate) {
    const int64_t round = c.initial, in = counted(c) % round, half = (round + 1) / 2;
    c.next_at = c.start + counted(c) - in + (c.mode == 3 && in < half ? half : round);
  } else if (!c.triggered()) {
    begin_next(c);
    c.running = true;
    c.start = clock();
    c.held = 0;
  }
  if (n == 0) update();
}

void Pit8254::set_gate(unsigned n, bool level) {
  Channel& c = channels_[n];
  if (level == c.gate) return;
  settle();
  if (!level) {
    // Of many rounds two are enough to know: the count, and that it has ended.
    const int64_t whole = c.bcd ? 10000 : 65536, ticks = counted(c);
    c.held = c.periodic() || ticks < 3 * whole ? ticks : ticks % whole + 2 * whole;
    if (c.periodic()) c.held = c.running ? c.held % c.initial : 0;
  }
  c.gate = level;
  if (!level) return;
  c.start = clock();
  if (c.mode == 0 || c.mode == 4) {
    c.start -= c.held;
    return;
  }
  if (c.next) begin_next(c);
  c.running = c.initial != 0;
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

uint64_t Pit8254::read(Offset offset, Width width) {
  events_.run_due();
  settle();
  return read_by_bytes(offset, width, [this](Offset o) { return read_byte(o); });
}

uint8_t Pit8254::read_byte(Offset offset) {
  if ((offset & 3) == 3) return 0;
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
  return static_cast<uint8_t>(high ? value >> 8 : value);
}

void Pit8254::write(Offset offset, Width width, uint64_t value) {
  events_.run_due();
  settle();
  write_by_bytes(offset, width, value, [this](Offset o, uint8_t byte) { write_byte(o, byte); });
}

void Pit8254::write_byte(Offset offset, uint8_t value) {
  if ((offset & 3) == 3) return command(value);
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
  settle();
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
  const uint32_t least = c.periodic() ? 2 : 1;
  c.access = std::clamp<uint8_t>(c.access, 1, 3);
  c.latched = std::min<uint8_t>(c.latched, 2);
  c.initial = std::min(c.initial, 65536u);
  c.next = std::min(c.next, 65536u);
  if (c.next < least) c.next = 0;
  c.held = std::clamp<int64_t>(c.held, 0, 3 * 65536);
  c.start = std::clamp<int64_t>(c.start, -(int64_t{1} << 32), clock());
  c.next_at = c.next && c.periodic() ? std::clamp<int64_t>(c.next_at, c.start, clock() + 65536) : 0;
  if (c.initial < least) c.running = false;
}

void Pit8254::serialize_state(StateStream& s) {
  for (Channel& c : channels_) {
    for (uint8_t* byte : {&c.mode, &c.access, &c.low, &c.latched, &c.status}) s.io(*byte);
    for (bool* flag :
         {&c.bcd, &c.gate, &c.running, &c.loaded_low, &c.read_high, &c.null_count, &c.status_latched})
      s.io(*flag);
    s.io(c.initial);
    s.io(c.next);
    s.io(c.next_at);
    s.io(c.start);
    s.io(c.held);
    s.io(c.latch);
    if (s.loading()) make_valid(c);
  }
  s.io(speaker_data_);
  s.io(seen_);
  if (!s.loading()) return;
  speaker_data_ &= 1;
  seen_ = std::clamp<int64_t>(seen_, 0, clock());
  irq_.set(output(channels_[0]));
}

}  // namespace mynah::dev
