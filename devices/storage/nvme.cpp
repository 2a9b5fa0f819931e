// SPDX-License-Identifier: Apache-2.0
//
// Registers, doorbells and queues (NVM Express 1.4, chapters 3, 4 and 7.6).
#include "devices/storage/nvme.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cassert>

namespace mynah::dev {

using namespace nvme;

namespace {

constexpr uint64_t kBarSize = 0x4000, kMsixTable = 0x2000, kMsixPendingBits = 0x3000;
constexpr unsigned kMaxPageBits = 16;
constexpr uint32_t kVersion = 0x0001'0400;  // 1.4.0

// MQES, CQR, TO in half seconds, the NVM command set, MPSMAX.
constexpr uint64_t capabilities(unsigned entries) {
  return (entries - 1) | 1u << 16 | 0xfu << 24 | uint64_t{1} << 37 | uint64_t{kMaxPageBits - 12} << 52;
}

}  // namespace

Nvme::Nvme(Log& log, std::vector<BlockBackend*> namespaces, Options options)
    : Function(
          "nvme",
          {.vendor = 0x1b36, .device = 0x0010, .class_code = 0x010802, .revision = 2, .interrupt_pin = 1},
          log),
      namespaces_(std::move(namespaces)),
      options_(std::move(options)) {
  assert(std::has_single_bit(options_.logical_block_size) && options_.logical_block_size >= 512 &&
         options_.logical_block_size <= 4096);
  assert(options_.io_queues >= 1 && options_.io_queues < kMaxQueues);
  assert(!namespaces_.empty() && namespaces_.size() <= 256);
  add_bar(0, pci::BarKind::kMemory64, kBarSize);
  add_msix(options_.io_queues + 1, 0, kMsixTable, kMsixPendingBits);
  add_power_management();
  add_express(pci::PortType::kEndpoint, /*function_level_reset=*/true);
}

void Nvme::reset_model() {
  settle();
  cc_ = csts_ = aqa_ = 0;
  asq_ = acq_ = 0;
  reads_ = writes_ = blocks_read_ = blocks_written_ = errors_ = 0;
  last_error_ = {};
  stop();
}

// What a controller reset ends (7.3.2): queues, outstanding commands, features. AQA, ASQ and ACQ stay.
void Nvme::stop() {
  csts_ &= kCstsShutdown;
  intms_ = 0;
  sqs_.fill({});
  cqs_.fill({});
  features_.fill(0);
  features_[kTemperatureThreshold] = kWarningTemperature;
  features_[kVolatileWriteCache] = 1;
  temperature_low_ = 0;
  coalescing_disabled_.fill(0);
  async_commands_.clear();
  events_.clear();
  masked_events_ = 0;
  update_line();
}

void Nvme::fatal(const char* reason) {
  guest_error(reason);
  csts_ |= kCstsFatal;
}

void Nvme::start() {
  const unsigned page_bits = cc_page_bits(cc_);
  if (page_bits > kMaxPageBits) return fatal("CC.MPS is more than CAP.MPSMAX");
  if (cc_ >> 4 & 7) return fatal("CC.CSS names a command set that is not there");
  if (cc_ >> 11 & 7) return fatal("CC.AMS names an arbitration that is not there");
  const uint32_t sq_size = (aqa_ & 0xfff) + 1, cq_size = (aqa_ >> 16 & 0xfff) + 1;
  if (sq_size < 2 || cq_size < 2) return fatal("AQA has queues of one entry");
  if ((asq_ | acq_) & (page_size() - 1)) return fatal("ASQ or ACQ is not at the start of a page");
  sqs_[0] = {.pa = asq_, .size = sq_size};
  cqs_[0] = {.pa = acq_, .size = cq_size, .interrupts = true};
  csts_ |= kCstsReady;
}

void Nvme::write_configuration(uint32_t value) {
  const bool was_enabled = cc_ & kCcEnable, enable = value & kCcEnable;
  const bool was_shut = cc_shutdown(cc_) != 0, shut = cc_shutdown(value) != 0;
  if ((was_enabled && !enable) || (shut && !was_shut)) settle();
  cc_ = value & kCcWritable;
  if (!was_enabled && enable) start();
  if (was_enabled && !enable) stop();
  if (shut && !was_shut) {
    flush_all();
    csts_ |= kCstsShutdownComplete;
  } else if (!shut) {
    csts_ &= ~kCstsShutdown;
  }
}

uint32_t Nvme::read_register(uint64_t offset) {
  switch (offset) {
    case kCap:
      return static_cast<uint32_t>(capabilities(kMaxEntries));
    case kCap + 4:
      return static_cast<uint32_t>(capabilities(kMaxEntries) >> 32);
    case kVs:
      return kVersion;
    case kIntms:
    case kIntmc:
      return intms_;
    case kCc:
      return cc_;
    case kCsts:
      return csts_;
    case kAqa:
      return aqa_;
    case kAsq:
      return static_cast<uint32_t>(asq_);
    case kAsq + 4:
      return static_cast<uint32_t>(asq_ >> 32);
    case kAcq:
      return static_cast<uint32_t>(acq_);
    case kAcq + 4:
      return static_cast<uint32_t>(acq_ >> 32);
    default:
      return 0;  // no memory buffer, boot partition or persistent region; doorbells read as anything
  }
}

uint64_t Nvme::bar_read(unsigned, uint64_t offset, Width width) {
  const uint64_t word = offset & ~uint64_t{3};
  const uint64_t value = read_register(word) | uint64_t{read_register(word + 4)} << 32;
  const uint64_t shifted = value >> (8 * (offset & 3));
  return width == Width::k8 ? shifted : shifted & ((uint64_t{1} << (8 * bytes(width))) - 1);
}

void Nvme::bar_write(unsigned, uint64_t offset, Width width, uint64_t value) {
  if (offset % bytes(width) != 0 || bytes(width) < 4)
    return guest_error(fmt::format("{}-byte write at offset {:#x}", bytes(width), offset));
  write_register(offset, static_cast<uint32_t>(value));
  if (width == Width::k8) write_register(offset + 4, static_cast<uint32_t>(value >> 32));
}

namespace {
void set_half(uint64_t& reg, bool high, uint32_t value, uint64_t mask) {
  reg = ((high ? (reg & 0xffff'ffff) : (reg & ~uint64_t{0xffff'ffff})) | uint64_t{value} << (high ? 32 : 0)) &
        mask;
}
}  // namespace

void Nvme::write_register(uint64_t offset, uint32_t value) {
  constexpr uint64_t kQueueBase = ~uint64_t{0xfff};
  if (offset >= kDoorbells) return write_doorbell(static_cast<unsigned>((offset - kDoorbells) / 4), value);
  switch (offset) {
    case kIntms:
    case kIntmc:
      // With MSI-X the manual leaves it undefined: nothing looks at it then.
      intms_ = offset == kIntms ? intms_ | value : intms_ & ~value;
      return update_line();
    case kCc:
      return write_configuration(value);
    case kAqa:
      aqa_ = value & 0x0fff'0fff;
      return;
    case kAsq:
    case kAsq + 4:
      return set_half(asq_, offset & 4, value, kQueueBase);
    case kAcq:
    case kAcq + 4:
      return set_half(acq_, offset & 4, value, kQueueBase);
    case kCsts:
    case kNssr:
      return;  // no subsystem reset
    default:
      return guest_error(fmt::format("write at offset {:#x}, which is no writable register", offset));
  }
}

// Doorbells are in turn of submission and completion queues (CAP.DSTRD is 0).
void Nvme::write_doorbell(unsigned index, uint32_t value) {
  if (!working()) return guest_error("doorbell written while the controller is not ready");
  const unsigned n = index / 2;
  const bool completion = index & 1;
  if (n >= kMaxQueues || (completion ? cqs_[n].size : sqs_[n].size) == 0) {
    guest_error("doorbell of a queue that does not exist");
    return post_event(kInvalidDoorbell);
  }
  if (value >= (completion ? cqs_[n].size : sqs_[n].size)) {
    guest_error("doorbell value is beyond the queue");
    return post_event(kInvalidDoorbellValue);
  }
  if (!completion) {
    sqs_[n].tail = value;
    return process(n);
  }
  cqs_[n].head = value;
  update_line();
  if (n == 0) deliver_events();
  if (!std::exchange(cqs_[n].stalled, false)) return;
  for (unsigned sq = 0; sq < kMaxQueues; ++sq)
    if (sqs_[sq].cq == n) process(sq);
}

void Nvme::process(unsigned n) {
  SubmissionQueue& sq = sqs_[n];
  if (!working() || sq.size == 0) return;
  CompletionQueue& cq = cqs_[sq.cq];
  const uint32_t posted_from = cq.tail;
  for (uint32_t left = sq.size; left != 0 && working() && sq.head != sq.tail && !cq.full(); --left) {
    Command command;
    if (!dma().read(sq.pa + uint64_t{sq.head} * sizeof command, &command, sizeof command))
      return fatal("a submission queue is not in RAM");
    sq.head = (sq.head + 1) % sq.size;
    const Outcome outcome = n == 0 ? admin(command) : io(n, command);
    note_error(n, command, outcome);
    if (!outcome.later) complete(n, command.id, outcome);
  }
  cq.stalled = cq.stalled || (sq.head != sq.tail && cq.full());
  if (n == 0) deliver_events();
  if (cq.tail != posted_from && cq.interrupts) notify(cq.vector);
  update_line();
}

void Nvme::note_error(unsigned n, const Command& c, Outcome outcome) {
  if (outcome.status == kSuccess) return;
  ++errors_;
  const uint64_t lba = c.dw10 | uint64_t{c.dw11} << 32;
  last_error_ = {static_cast<uint16_t>(n), c.id, outcome.status, n == 0 ? 0 : lba, c.nsid};
}

void Nvme::complete(unsigned n, uint16_t command_id, Outcome outcome) {
  CompletionQueue& cq = cqs_[sqs_[n].cq];
  const Completion entry = {.result = outcome.result,
                            .reserved = 0,
                            .sq_head = static_cast<uint16_t>(sqs_[n].head),
                            .sq_id = static_cast<uint16_t>(n),
                            .command_id = command_id,
                            .status = static_cast<uint16_t>(outcome.status << 1 | (cq.phase ? 1 : 0))};
  if (!dma().write(cq.pa + uint64_t{cq.tail} * sizeof entry, &entry, sizeof entry))
    return fatal("a completion queue is not in RAM");
  if (++cq.tail == cq.size) {
    cq.tail = 0;
    cq.phase = !cq.phase;
  }
}

// The pin shows completions that the guest has not taken, of the one vector that there is without MSI-X.
void Nvme::update_line() {
  set_intx(std::any_of(cqs_.begin(), cqs_.end(), [this](const CompletionQueue& cq) {
    return cq.size != 0 && cq.interrupts && cq.head != cq.tail && cq.vector < 32 &&
           !(intms_ >> cq.vector & 1);
  }));
}

// An event of a type that was reported is reported again after its log page was read (5.2).
void Nvme::post_event(Event event) {
  if (masked_events_ >> event.type & 1) return;
  masked_events_ = static_cast<uint8_t>(masked_events_ | 1u << event.type);
  events_.push_back(event);
  const uint32_t tail = cqs_[0].tail;
  deliver_events();
  if (cqs_[0].tail != tail) notify(cqs_[0].vector);
  update_line();
}

void Nvme::deliver_events() {
  while (working() && !events_.empty() && !async_commands_.empty() && !cqs_[0].full()) {
    const Event event = events_.front();
    const uint16_t id = async_commands_.front();
    events_.erase(events_.begin());
    async_commands_.erase(async_commands_.begin());
    complete(0, id, {kSuccess, event.type | uint32_t{event.info} << 8 | uint32_t{event.log_page} << 16});
  }
}

void Nvme::serialize_model(StateStream& s) {
  s.io(cc_);
  s.io(csts_);
  s.io(intms_);
  s.io(aqa_);
  s.io(asq_);
  s.io(acq_);
  for (SubmissionQueue& q : sqs_) {
    s.io(q.pa);
    s.io(q.size);
    s.io(q.head);
    s.io(q.tail);
    s.io(q.cq);
    // A stream may hold anything: indexes stay inside.
    if (q.size > kMaxEntries || (q.size && (q.head >= q.size || q.tail >= q.size)) || q.cq >= kMaxQueues)
      s.fail();
    if (s.failed()) q = {};
  }
  for (CompletionQueue& q : cqs_) {
    s.io(q.pa);
    s.io(q.size);
    s.io(q.head);
    s.io(q.tail);
    s.io(q.vector);
    s.io(q.interrupts);
    s.io(q.phase);
    if (s.loading()) q.stalled = true;  // or not; looking costs nothing
    if (q.size > kMaxEntries || (q.size && (q.head >= q.size || q.tail >= q.size))) s.fail();
    if (q.vector >= msix_vectors()) s.fail();
    if (s.failed()) q = {};
  }
  for (const SubmissionQueue& q : sqs_)
    if (q.size != 0 && cqs_[q.cq].size == 0) s.fail();
  s.io(features_);
  s.io(temperature_low_);
  s.io(coalescing_disabled_);
  s.io(async_commands_, kMaxAsyncEvents);
  uint8_t waiting = static_cast<uint8_t>(events_.size());
  s.io(waiting);
  if (waiting > 8) s.fail();
  if (s.loading()) events_.assign(s.failed() ? 0 : waiting, {});
  for (Event& e : events_) {
    s.io(e.type);
    s.io(e.info);
    s.io(e.log_page);
  }
  s.io(masked_events_);
  for (uint64_t* counter : {&reads_, &writes_, &blocks_read_, &blocks_written_, &errors_, &last_error_.lba})
    s.io(*counter);
  s.io(last_error_.sq);
  s.io(last_error_.command_id);
  s.io(last_error_.status);
  s.io(last_error_.nsid);
  if (!s.loading()) return;
  if (s.failed()) {
    cc_ = 0;
    stop();
  }
  update_line();
}

}  // namespace mynah::dev
