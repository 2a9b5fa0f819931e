// SPDX-License-Identifier: Apache-2.0
//
// See gicv3_lpi.h.
#include "devices/intc/gicv3_lpi.h"

#include <algorithm>
#include <bit>

namespace mynah::dev {

namespace {

constexpr std::string_view kName = "gicv3-redist";

// GICR_PROPBASER: OuterCache, Physical_Address, Shareability, InnerCache, IDbits.
constexpr uint64_t kPropbaserMask = 0x0700'0000'0000'0000 | 0x000f'ffff'ffff'f000 | 0xf80 | 0x1f;
constexpr uint64_t kPropbaserAddress = 0x000f'ffff'ffff'f000;
// GICR_PENDBASER: PTZ (reads as zero), OuterCache, Physical_Address, Shareability, InnerCache.
constexpr uint64_t kPtz = uint64_t{1} << 62;
constexpr uint64_t kPendbaserMask = kPtz | 0x0700'0000'0000'0000 | 0x000f'ffff'ffff'0000 | 0xf80;
constexpr uint64_t kPendbaserAddress = 0x000f'ffff'ffff'0000;

constexpr uint8_t kConfigEnable = 1;
constexpr unsigned kFirstWord = kGicFirstLpi / 64;

}  // namespace

void Gicv3Lpis::reset() {
  propbaser_ = pendbaser_ = 0;
  enabled_ = false;
  derive_end();
}

void Gicv3Lpis::serialize(StateStream& stream) {
  stream.io(propbaser_);
  stream.io(pendbaser_);
  stream.io(enabled_);
  if (stream.loading()) {
    propbaser_ &= kPropbaserMask;
    pendbaser_ &= kPendbaserMask;
    enabled_ = enabled_ && implemented();
    derive_end();
  }
  for (unsigned w = kFirstWord; w < end_ / 64; w++) stream.io(pending_[w]);
}

// After enabled_ or GICR_PROPBASER changed: nothing is pending then.
void Gicv3Lpis::derive_end() {
  const unsigned bits = std::min<unsigned>((propbaser_ & 0x1f) + 1, kGicIdBits);
  end_ = enabled_ && (1u << bits) > kGicFirstLpi ? 1u << bits : 0;
  pending_.assign(end_ / 64, 0);
  config_.assign(end_, 0);
  best_ = {};
  stale_config_ = stale_best_ = true;
}

void Gicv3Lpis::set_enabled(bool enabled) {
  if (!implemented() || enabled == enabled_) return;
  if (!enabled) write_pending_table();
  enabled_ = enabled;
  derive_end();
  if (enabled && !(pendbaser_ & kPtz)) read_pending_table();
}

// The table has a bit for each ID, those below the first LPI included.
void Gicv3Lpis::read_pending_table() {
  if (end_ == 0) return;
  const size_t n = (end_ - kGicFirstLpi) / 8;
  if (memory_->read((pendbaser_ & kPendbaserAddress) + kGicFirstLpi / 8, &pending_[kFirstWord], n)) return;
  log_->guest_error(kName, "GICR_PENDBASER names a table that is not in RAM");
  std::fill(pending_.begin(), pending_.end(), 0);
}

void Gicv3Lpis::write_pending_table() {
  if (end_ == 0) return;
  const size_t n = (end_ - kGicFirstLpi) / 8;
  if (!memory_->write((pendbaser_ & kPendbaserAddress) + kGicFirstLpi / 8, &pending_[kFirstWord], n))
    log_->guest_error(kName, "GICR_PENDBASER names a table that is not in RAM");
}

uint32_t Gicv3Lpis::read_base(unsigned offset) const {
  const uint64_t value = offset < 0x78 ? propbaser_ : pendbaser_ & ~kPtz;
  return static_cast<uint32_t>(value >> (offset & 4 ? 32 : 0));
}

void Gicv3Lpis::write_base(unsigned offset, uint32_t value, uint32_t mask) {
  if (!implemented()) return;
  if (enabled_)
    return log_->guest_error(kName, "GICR_PROPBASER or GICR_PENDBASER written while LPIs are enabled");
  const unsigned shift = offset & 4 ? 32 : 0;
  uint64_t& reg = *base(offset);
  reg = (reg & ~(uint64_t{mask} << shift)) | uint64_t{value & mask} << shift;
  propbaser_ &= kPropbaserMask;
  pendbaser_ &= kPendbaserMask;
}

// The table begins with the first LPI.
void Gicv3Lpis::load_config() {
  stale_config_ = false;
  if (end_ == 0) return;
  if (memory_->read(propbaser_ & kPropbaserAddress, &config_[kGicFirstLpi], end_ - kGicFirstLpi)) return;
  log_->guest_error(kName, "GICR_PROPBASER names a table that is not in RAM");
  std::fill(config_.begin(), config_.end(), 0);
}

void Gicv3Lpis::consider(unsigned intid) {
  const uint8_t config = config_[intid];
  if (!(config & kConfigEnable)) return;
  const uint8_t priority = config & priority_mask_;
  if (!best_.exists() || priority < best_.priority || (priority == best_.priority && intid < best_.intid))
    best_ = {static_cast<uint16_t>(intid), priority};
}

void Gicv3Lpis::set_pending(unsigned intid, bool pending) {
  if (!usable(intid)) return;
  const uint64_t bit = uint64_t{1} << (intid % 64);
  if (!pending) {
    pending_[intid / 64] &= ~bit;
    if (best_.intid == intid) stale_best_ = true;
    return;
  }
  pending_[intid / 64] |= bit;
  invalidate(intid);
}

void Gicv3Lpis::invalidate(unsigned intid) {
  if (!usable(intid)) return;
  if (!memory_->read((propbaser_ & kPropbaserAddress) + (intid - kGicFirstLpi), &config_[intid], 1))
    config_[intid] = 0;
  if (best_.intid == intid) {
    stale_best_ = true;
  } else if (!stale_best_ && pending(intid)) {
    consider(intid);
  }
}

void Gicv3Lpis::move_to(Gicv3Lpis& other, unsigned intid) {
  if (&other == this || !pending(intid)) return;
  set_pending(intid, false);
  other.set_pending(intid, true);
}

void Gicv3Lpis::move_all_to(Gicv3Lpis& other) {
  if (&other == this) return;
  const size_t common = std::min(pending_.size(), other.pending_.size());
  for (size_t w = 0; w < common; w++) other.pending_[w] |= pending_[w];
  std::fill(pending_.begin(), pending_.end(), 0);
  other.invalidate_all();
  stale_best_ = true;
}

const GicCandidate& Gicv3Lpis::best() {
  if (stale_config_) load_config();
  if (stale_best_) rescan();
  return best_;
}

void Gicv3Lpis::rescan() {
  stale_best_ = false;
  best_ = {};
  for (unsigned w = kFirstWord; w < end_ / 64; w++) {
    for (uint64_t bits = pending_[w]; bits; bits &= bits - 1)
      consider(w * 64 + static_cast<unsigned>(std::countr_zero(bits)));
  }
}

}  // namespace mynah::dev
