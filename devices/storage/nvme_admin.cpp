// SPDX-License-Identifier: Apache-2.0
//
// Admin commands that make queues and set features (NVM Express 1.4, chapter 5).
#include <algorithm>

#include "devices/storage/nvme.h"

namespace mynah::dev {

using namespace nvme;

namespace {
constexpr uint32_t kContiguous = 1, kInterrupts = 2;  // of DW11 of the commands that create queues

uint16_t queue_id(const Command& c) { return static_cast<uint16_t>(c.dw10); }
uint32_t queue_size(const Command& c) { return (c.dw10 >> 16) + 1; }
}  // namespace

Nvme::Outcome Nvme::admin(const Command& c) {
  if (c.flags & 0xc3) return kInvalidField;  // fused, or by SGL
  switch (Admin{c.opcode}) {
    case Admin::kDeleteSq:
      return delete_sq(c);
    case Admin::kCreateSq:
      return create_sq(c);
    case Admin::kGetLogPage:
      return get_log_page(c);
    case Admin::kDeleteCq:
      return delete_cq(c);
    case Admin::kCreateCq:
      return create_cq(c);
    case Admin::kIdentify:
      return identify(c);
    case Admin::kAbort:
      return abort(c);
    case Admin::kSetFeatures:
      return set_features(c);
    case Admin::kGetFeatures:
      return get_features(c);
    case Admin::kAsyncEvent:
      return async_event(c);
    default:
      return kInvalidOpcode;
  }
}

Nvme::Outcome Nvme::create_cq(const Command& c) {
  const unsigned n = queue_id(c), vector = c.dw11 >> 16;
  if (n == 0 || n > options_.io_queues || cqs_[n].size != 0) return kInvalidQueueId;
  if (queue_size(c) < 2 || queue_size(c) > kMaxEntries) return kInvalidQueueSize;
  if (c.prp1 & (page_size() - 1)) return kInvalidPrpOffset;
  if (vector >= msix_vectors() || (!messages_enabled() && vector != 0)) return kInvalidVector;
  if (!(c.dw11 & kContiguous) || (cc_ >> 20 & 0xf) != 4) return kInvalidField;
  cqs_[n] = {.pa = c.prp1,
             .size = queue_size(c),
             .vector = static_cast<uint16_t>(vector),
             .interrupts = (c.dw11 & kInterrupts) != 0};
  return kSuccess;
}

Nvme::Outcome Nvme::create_sq(const Command& c) {
  const unsigned n = queue_id(c), cq = c.dw11 >> 16;
  if (n == 0 || n > options_.io_queues || sqs_[n].size != 0) return kInvalidQueueId;
  if (cq == 0 || cq > options_.io_queues || cqs_[cq].size == 0) return kCompletionQueueInvalid;
  if (queue_size(c) < 2 || queue_size(c) > kMaxEntries) return kInvalidQueueSize;
  if (c.prp1 & (page_size() - 1)) return kInvalidPrpOffset;
  if (!(c.dw11 & kContiguous) || (cc_ >> 16 & 0xf) != 6) return kInvalidField;
  sqs_[n] = {.pa = c.prp1, .size = queue_size(c), .cq = static_cast<uint16_t>(cq)};
  return kSuccess;
}

Nvme::Outcome Nvme::delete_sq(const Command& c) {
  const unsigned n = queue_id(c);
  if (n == 0 || n > options_.io_queues || sqs_[n].size == 0) return kInvalidQueueId;
  settle();
  sqs_[n] = {};
  return kSuccess;
}

Nvme::Outcome Nvme::delete_cq(const Command& c) {
  const unsigned n = queue_id(c);
  if (n == 0 || n > options_.io_queues || cqs_[n].size == 0) return kInvalidQueueId;
  const auto uses = [n](const SubmissionQueue& sq) { return sq.size != 0 && sq.cq == n; };
  if (std::any_of(sqs_.begin(), sqs_.end(), uses)) return kInvalidQueueDeletion;
  cqs_[n] = {};
  return kSuccess;
}

// Only a command that waits for an event is ever there to be aborted. Bit 0 of the result: it was not.
Nvme::Outcome Nvme::abort(const Command& c) {
  const auto found =
      std::find(async_commands_.begin(), async_commands_.end(), static_cast<uint16_t>(c.dw10 >> 16));
  // Two completions: there must be room for both.
  const bool room = (cqs_[0].tail + 2) % cqs_[0].size != cqs_[0].head;
  if ((c.dw10 & 0xffff) != 0 || found == async_commands_.end() || !room) return {kSuccess, 1};
  complete(0, *found, kAbortRequested);
  async_commands_.erase(found);
  return {kSuccess, 0};
}

Nvme::Outcome Nvme::async_event(const Command& c) {
  if (async_commands_.size() >= kMaxAsyncEvents) return kTooManyAsyncEvents;
  async_commands_.push_back(c.id);
  return {kSuccess, 0, true};
}

Nvme::Outcome Nvme::set_features(const Command& c) {
  const uint8_t feature = c.dw10 & 0xff;
  const uint32_t value = c.dw11;
  if (c.dw10 >> 31) return kNotSaveable;
  switch (feature) {
    case kTemperatureThreshold: {
      const unsigned sensor = value >> 16 & 0xf, which = value >> 20 & 3;
      if ((sensor != 0 && sensor != 0xf) || which > 1) return kInvalidField;
      (which == 0 ? features_[feature] : temperature_low_) = value & 0xffff;
      check_temperature();
      return kSuccess;
    }
    case kPowerManagement:
      return value & 0x1f ? kInvalidField : kSuccess;  // one power state
    case kVolatileWriteCache:
      features_[feature] = value & 1;
      return (value & 1) || flush_all() ? kSuccess : kWriteFault;
    case kNumberOfQueues:
      if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff) return kInvalidField;
      return {kSuccess, (options_.io_queues - 1) | (options_.io_queues - 1) << 16};
    case kInterruptVector:
      if ((value & 0xffff) >= msix_vectors()) return kInvalidField;
      coalescing_disabled_[value & 0xffff] = value >> 16 & 1;
      return kSuccess;
    case kAsyncEventConfiguration:
      features_[feature] = value;
      check_temperature();
      return kSuccess;
    case kArbitration:
    case kErrorRecovery:
    case kInterruptCoalescing:
    case kWriteAtomicity:
      features_[feature] = value;  // nothing to be changed by it
      return kSuccess;
    default:
      return kInvalidField;
  }
}

Nvme::Outcome Nvme::get_features(const Command& c) {
  enum Select : unsigned { kCurrent, kDefault, kSaved, kCapabilities };
  constexpr uint32_t kChangeable = 4;
  const uint8_t feature = c.dw10 & 0xff;
  const unsigned select = c.dw10 >> 8 & 7;
  if (feature == 0 || feature >= kFeatures || feature == 3 || select > kCapabilities) return kInvalidField;
  if (select == kCapabilities) return {kSuccess, kChangeable};
  const bool now = select == kCurrent;
  switch (feature) {
    case kTemperatureThreshold: {
      const unsigned sensor = c.dw11 >> 16 & 0xf, which = c.dw11 >> 20 & 3;
      if (sensor != 0 || which > 1) return kInvalidField;
      if (which == 1) return {kSuccess, now ? temperature_low_ : 0};
      return {kSuccess, now ? features_[feature] : kWarningTemperature};
    }
    case kNumberOfQueues:
      return {kSuccess, (options_.io_queues - 1) | (options_.io_queues - 1) << 16};
    case kInterruptVector: {
      const uint32_t vector = c.dw11 & 0xffff;
      if (vector >= msix_vectors()) return kInvalidField;
      return {kSuccess, vector | (now ? uint32_t{coalescing_disabled_[vector]} << 16 : 0)};
    }
    case kVolatileWriteCache:
      return {kSuccess, now ? features_[feature] : 1};
    default:
      return {kSuccess, now ? features_[feature] : 0};
  }
}

// Bit 1 of the events that the guest wants: the temperature.
void Nvme::check_temperature() {
  const bool beyond =
      kCompositeTemperature >= features_[kTemperatureThreshold] || kCompositeTemperature <= temperature_low_;
  if (beyond && (features_[kAsyncEventConfiguration] & 2)) post_event(kTemperature);
}

}  // namespace mynah::dev
