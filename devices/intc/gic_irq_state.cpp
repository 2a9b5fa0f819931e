// SPDX-License-Identifier: Apache-2.0
//
// See gic_irq_state.h.
#include "devices/intc/gic_irq_state.h"

#include <algorithm>
#include <cassert>

namespace mynah::dev {

namespace {

constexpr uint32_t kSgiBits = 0xffff;

// ICFGR has two bits an interrupt; the upper one is "edge-triggered", the lower one is reserved.
uint32_t spread_to_odd_bits(uint32_t half) {
  uint32_t value = half & 0xffff;
  value = (value | value << 8) & 0x00ff00ff;
  value = (value | value << 4) & 0x0f0f0f0f;
  value = (value | value << 2) & 0x33333333;
  value = (value | value << 1) & 0x55555555;
  return value << 1;
}

uint32_t gather_odd_bits(uint32_t value) {
  value = value >> 1 & 0x55555555;
  value = (value | value >> 1) & 0x33333333;
  value = (value | value >> 2) & 0x0f0f0f0f;
  value = (value | value >> 4) & 0x00ff00ff;
  return (value | value >> 8) & 0xffff;
}

}  // namespace

GicIrqState::GicIrqState(unsigned cpus, unsigned spis, Options options)
    : cpus_(cpus),
      words_(1 + spis / 32),
      options_(options),
      private_(cpus),
      shared_(words_),
      private_priority_(cpus),
      shared_priority_(words_ * 32),
      targets_(size_t{words_} * cpus),
      groups_(cpus),
      candidates_(cpus),
      dirty_((cpus + 63) / 64) {
  assert(cpus >= 1 && spis % 32 == 0 && words_ <= kGicMaxWords);
  reset();
}

void GicIrqState::reset() {
  // Input lines belong to the devices that drive them and keep their level.
  auto reset_word = [](Word& word) { word = Word{.level = word.level}; };
  for (Word& word : private_) {
    reset_word(word);
    word.edge = kSgiBits;
    if (options_.sgi_always_enabled) word.enabled = kSgiBits;
  }
  for (Word& word : shared_) reset_word(word);
  for (auto& priorities : private_priority_) priorities.fill(0);
  std::fill(shared_priority_.begin(), shared_priority_.end(), 0);
  std::fill(targets_.begin(), targets_.end(), 0);
  std::fill(groups_.begin(), groups_.end(), Groups{});
  refresh_all();
}

void GicIrqState::serialize(StateStream& stream) {
  auto io_word = [&](Word& word) {
    stream.io(word.enabled);
    stream.io(word.latched);
    stream.io(word.active);
    stream.io(word.level);
    stream.io(word.edge);
    stream.io(word.group1);
  };
  for (Word& word : private_) io_word(word);
  for (unsigned w = 1; w < words_; w++) io_word(shared_[w]);
  for (auto& priorities : private_priority_) stream.io(priorities);
  for (unsigned intid = kGicPrivateIds; intid < words_ * 32; intid++) stream.io(shared_priority_[intid]);
  if (!stream.loading()) return;

  // A stream may hold anything: bring it back inside what the registers could have been set to.
  for (Word& word : private_) {
    word.edge |= kSgiBits;
    word.level &= ~kSgiBits;
    if (options_.sgi_always_enabled) word.enabled |= kSgiBits;
  }
  for (unsigned w = 1; w < words_; w++) {
    const uint32_t mask = implemented_mask(w);
    Word& word = shared_[w];
    word = {word.enabled & mask, word.latched & mask, word.active & mask,
            word.level & mask,   word.edge & mask,    word.group1 & mask};
  }
  for (auto& priorities : private_priority_) {
    for (uint8_t& priority : priorities) priority &= options_.priority_mask;
  }
  for (uint8_t& priority : shared_priority_) priority &= options_.priority_mask;
  refresh_all();
}

void GicIrqState::set_level(unsigned cpu, unsigned intid, bool level) {
  Word& state = word(cpu, intid / 32);
  const uint32_t bit = 1u << (intid % 32);
  if (((state.level & bit) != 0) == level) return;
  state.level ^= bit;
  if (level && (state.edge & bit)) state.latched |= bit;
  refresh(cpu, intid / 32);
}

void GicIrqState::set_latched(unsigned cpu, unsigned intid, bool latched) {
  Word& state = word(cpu, intid / 32);
  const uint32_t bit = 1u << (intid % 32);
  state.latched = latched ? state.latched | bit : state.latched & ~bit;
  refresh(cpu, intid / 32);
}

void GicIrqState::set_active(unsigned cpu, unsigned intid, bool active) {
  Word& state = word(cpu, intid / 32);
  const uint32_t bit = 1u << (intid % 32);
  state.active = active ? state.active | bit : state.active & ~bit;
  refresh(cpu, intid / 32);
}

void GicIrqState::acknowledge(unsigned cpu, unsigned intid, bool keep_latched) {
  Word& state = word(cpu, intid / 32);
  const uint32_t bit = 1u << (intid % 32);
  if (!keep_latched) state.latched &= ~bit;
  state.active |= bit;
  refresh(cpu, intid / 32);
}

void GicIrqState::set_target(unsigned cpu, unsigned spi_intid, bool targeted) {
  uint32_t& bits = target(cpu, spi_intid / 32);
  const uint32_t bit = 1u << (spi_intid % 32);
  bits = targeted ? bits | bit : bits & ~bit;
  refresh_one(cpu, spi_intid / 32);
}

void GicIrqState::set_groups_enabled(unsigned cpu, bool group0, bool group1) {
  groups_[cpu] = {group0 ? ~0u : 0u, group1 ? ~0u : 0u};
  for (unsigned w = 0; w < words_; w++) refresh_one(cpu, w);
}

void GicIrqState::set_priority(unsigned cpu, unsigned intid, uint8_t priority) {
  uint8_t& now = intid < kGicPrivateIds ? private_priority_[cpu][intid] : shared_priority_[intid];
  if (now == priority) return;
  now = priority;
  const unsigned first = intid < kGicPrivateIds ? cpu : 0, end = intid < kGicPrivateIds ? cpu + 1 : cpus_;
  for (unsigned c = first; c < end; c++) {
    if ((candidates_[c].words[intid / 32] >> (intid % 32) & 1) == 0) continue;
    candidates_[c].stale = true;
    mark_dirty(c);
  }
}

void GicIrqState::refresh(unsigned cpu, unsigned w) {
  if (w == 0) return refresh_one(cpu, 0);
  for (unsigned c = 0; c < cpus_; c++) refresh_one(c, w);
}

void GicIrqState::refresh_one(unsigned cpu, unsigned w) {
  const Word& state = word(cpu, w);
  const Groups& groups = groups_[cpu];
  uint32_t bits = state.pending() & state.enabled & ~state.active;
  bits &= (state.group1 & groups.group1) | (~state.group1 & groups.group0);
  if (w != 0) bits &= target(cpu, w);

  Candidates& candidates = candidates_[cpu];
  const uint32_t old = candidates.words[w];
  if (bits == old) return;
  candidates.words[w] = bits;
  candidates.nonempty = bits ? candidates.nonempty | 1u << w : candidates.nonempty & ~(1u << w);
  mark_dirty(cpu);
  if (candidates.stale) return;
  GicCandidate& best = candidates.best;
  if (best.exists() && best.intid / 32 == w && !(bits >> (best.intid % 32) & 1)) {
    candidates.stale = true;
    return;
  }
  for (uint32_t added = bits & ~old; added; added &= added - 1) {
    const unsigned intid = w * 32 + static_cast<unsigned>(std::countr_zero(added));
    const uint8_t p = priority(cpu, intid);
    if (!best.exists() || p < best.priority || (p == best.priority && intid < best.intid)) {
      best = {static_cast<uint16_t>(intid), p};
    }
  }
}

void GicIrqState::refresh_all() {
  for (unsigned cpu = 0; cpu < cpus_; cpu++) {
    for (unsigned w = 0; w < words_; w++) refresh_one(cpu, w);
    candidates_[cpu].stale = true;  // priorities may have changed too
    mark_dirty(cpu);
  }
}

void GicIrqState::rescan(unsigned cpu) {
  Candidates& candidates = candidates_[cpu];
  GicCandidate best;
  for (uint32_t words = candidates.nonempty; words; words &= words - 1) {
    const unsigned w = static_cast<unsigned>(std::countr_zero(words));
    for (uint32_t bits = candidates.words[w]; bits; bits &= bits - 1) {
      const unsigned intid = w * 32 + static_cast<unsigned>(std::countr_zero(bits));
      const uint8_t p = priority(cpu, intid);
      // Among equals the lowest ID wins, and IDs come in rising order.
      if (!best.exists() || p < best.priority) best = {static_cast<uint16_t>(intid), p};
    }
  }
  candidates.best = best;
  candidates.stale = false;
}

unsigned GicIrqState::first_intid(unsigned offset) {
  if (offset < 0x400) return (offset & 0x7c) * 8;
  if (offset < 0x800) return offset & 0x3fc;
  return (offset & 0xfc) * 4;
}

bool GicIrqState::read_register(unsigned cpu, unsigned offset, uint32_t& value) const {
  const bool bitmap = offset >= 0x080 && offset < 0x400, priorities = offset >= 0x400 && offset < 0x800;
  if (!bitmap && !priorities && (offset < 0xc00 || offset >= 0xd00)) return false;
  value = 0;
  const unsigned intid = first_intid(offset), w = intid / 32;
  if (w >= words_) return true;  // implemented interrupts end here; the rest reads as zero
  const Word& state = word(cpu, w);
  if (priorities) {
    for (unsigned i = 0; i < 4; i++) value |= uint32_t{priority(cpu, intid + i)} << (8 * i);
    return true;
  }
  if (!bitmap) {
    value = spread_to_odd_bits(state.edge >> (intid % 32));
    return true;
  }
  switch (offset / 0x80) {
    case 1:
      value = state.group1;
      break;  // IGROUPR
    case 2:
    case 3:
      value = state.enabled;
      break;  // ISENABLER, ICENABLER
    case 4:
    case 5:
      value = state.pending();
      break;  // ISPENDR, ICPENDR
    default:
      value = state.active;
      break;  // ISACTIVER, ICACTIVER
  }
  return true;
}

bool GicIrqState::write_register(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask) {
  const bool bitmap = offset >= 0x080 && offset < 0x400, priorities = offset >= 0x400 && offset < 0x800;
  if (!bitmap && !priorities && (offset < 0xc00 || offset >= 0xd00)) return false;
  const unsigned intid = first_intid(offset), w = intid / 32;
  if (w >= words_) return true;
  Word& state = word(cpu, w);
  if (priorities) {
    for (unsigned i = 0; i < 4; i++) {
      if (!(mask >> (8 * i) & 0xff) || !implemented(intid + i)) continue;
      set_priority(cpu, intid + i, static_cast<uint8_t>(value >> (8 * i)) & options_.priority_mask);
    }
    return true;
  }
  if (!bitmap) {
    if (intid < kGicSgis) return true;  // SGIs are edge-triggered for good
    const uint32_t bits = (gather_odd_bits(mask) << (intid % 32)) & implemented_mask(w);
    state.edge = (state.edge & ~bits) | ((gather_odd_bits(value) << (intid % 32)) & bits);
    refresh(cpu, w);
    return true;
  }
  mask &= implemented_mask(w);
  uint32_t bits = value & mask;
  if (w == 0 && options_.sgi_always_enabled && offset / 0x80 == 3) bits &= ~kSgiBits;
  if (w == 0 && options_.sgi_pending_ro && (offset / 0x80 == 4 || offset / 0x80 == 5)) bits &= ~kSgiBits;
  switch (offset / 0x80) {
    case 1:
      state.group1 = (state.group1 & ~mask) | bits;
      break;
    case 2:
      state.enabled |= bits;
      break;
    case 3:
      state.enabled &= ~bits;
      break;
    case 4:
      state.latched |= bits;
      break;
    case 5:
      state.latched &= ~bits;
      break;
    case 6:
      state.active |= bits;
      break;
    default:
      state.active &= ~bits;
      break;
  }
  refresh(cpu, w);
  if (offset < 0x100) {
    // The group decides which output and which binary point, even when the candidates stay the same.
    if (w == 0) {
      mark_dirty(cpu);
    } else {
      for (unsigned c = 0; c < cpus_; c++) mark_dirty(c);
    }
  }
  return true;
}

}  // namespace mynah::dev
