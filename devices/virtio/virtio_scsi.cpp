// SPDX-License-Identifier: Apache-2.0
//
// Requests, their answers and configuration (VIRTIO 1.2, 5.6.4 to 5.6.6); status codes are SAM-5's.
#include "devices/virtio/virtio_scsi.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <utility>

#include "devices/core/big_endian.h"

namespace mynah::dev {

namespace {

constexpr uint16_t kQueueSize = 256;
constexpr unsigned kControl = 0, kEvents = 1;
constexpr unsigned kInOut = 0;  // a feature: data both ways in one request, which no command here has
constexpr uint32_t kUsualSense = 96, kUsualCommand = 32, kMostSense = 252, kMostCommandBytes = 260;

struct Config {
  uint32_t num_queues;
  uint32_t seg_max;
  uint32_t max_sectors;
  uint32_t cmd_per_lun;
  uint32_t event_info_size;
  uint32_t sense_size;
  uint32_t cdb_size;
  uint16_t max_channel;
  uint16_t max_target;
  uint32_t max_lun;
};
static_assert(sizeof(Config) == 36 && offsetof(Config, sense_size) == 20 && offsetof(Config, cdb_size) == 24);

enum Answer : uint8_t {
  kOk = 0,
  kOverrun = 1,
  kBadTarget = 3,
  kIncorrectLun = 12,
  kFunctionComplete = 0,
  kFunctionRejected = 11,
};
enum Status : uint8_t { kGood = 0, kCheckCondition = 2 };

struct Lun {
  unsigned target, lun;
};
// The single-level form: 1, target, and 14 bits of a unit's number. False: another one.
bool parse_lun(const uint8_t* bytes, Lun& to) {
  to = {bytes[1], static_cast<unsigned>((bytes[2] & 0x3f) << 8 | bytes[3])};
  return bytes[0] == 1;
}

}  // namespace

struct VirtioScsi::Request {
  Lun lun{};
  bool known = false;  // lun is of the form that there is
  std::array<uint8_t, ScsiUnit::kMostCommand> command{};
  uint64_t header = 0;  // bytes in front of data from the driver
  uint64_t out = 0;     // of that data
};

struct VirtioScsi::Response {
  uint8_t code = kOk, status = kGood;
  uint32_t residual = 0;
  ScsiUnit::Sense sense{};
  uint64_t header = 0;  // bytes in front of data to the driver
  uint64_t in = 0;      // room for that data
  uint64_t written = 0;
};

VirtioScsi::VirtioScsi(DmaMemory& memory, Log& log, std::vector<Place> units)
    : VirtioDevice("virtio-scsi", memory, log, {kQueueSize, kQueueSize, kQueueSize}),
      units_(std::move(units)),
      sense_bytes_(kUsualSense),
      command_bytes_(kUsualCommand) {}

uint64_t VirtioScsi::device_features() const { return virtio::bit(kInOut); }

void VirtioScsi::config(std::span<uint8_t> to) const {
  Config c{};
  c.num_queues = 1;
  c.seg_max = kQueueSize - 2;
  c.max_sectors = 0xffff;
  c.cmd_per_lun = 128;
  c.event_info_size = 16;
  c.sense_size = sense_bytes_;
  c.cdb_size = command_bytes_;
  c.max_target = kTargets - 1;
  c.max_lun = kLuns - 1;
  std::memcpy(to.data(), &c, sizeof c);
}

bool VirtioScsi::write_config(uint64_t offset, std::span<const uint8_t> from) {
  uint32_t value = 0;
  if (from.size() != sizeof value) return false;
  std::memcpy(&value, from.data(), sizeof value);
  if (offset == offsetof(Config, sense_size) && value <= kMostSense) {
    sense_bytes_ = value;
  } else if (offset == offsetof(Config, cdb_size) && value <= kMostCommandBytes) {
    command_bytes_ = value;
  } else {
    return false;
  }
  return true;
}

void VirtioScsi::reset_device() {
  sense_bytes_ = kUsualSense;
  command_bytes_ = kUsualCommand;
  for (const Place& place : units_) place.unit->reset();
}

ScsiUnit* VirtioScsi::find(unsigned target, unsigned lun) const {
  for (const Place& place : units_)
    if (place.target == target && place.lun == lun) return place.unit.get();
  return nullptr;
}

bool VirtioScsi::has_target(unsigned target) const {
  return std::any_of(units_.begin(), units_.end(), [&](const Place& p) { return p.target == target; });
}

// Buffers for events stay with the device.
void VirtioScsi::notify(unsigned queue) {
  if (queue == kEvents) return;
  process(queue, [this, queue](const DescriptorChain& chain) {
    return queue == kControl ? control(chain) : request(chain);
  });
}

// --- requests

uint32_t VirtioScsi::request(const DescriptorChain& chain) {
  constexpr uint64_t kBeforeCommand = 19, kBeforeSense = 12;
  Request r;
  Response response;
  r.header = kBeforeCommand + command_bytes_;
  response.header = kBeforeSense + sense_bytes_;
  if (chain.readable_size < r.header || chain.writable_size < response.header) {
    fail("request too short for its header and answer");
    return 0;
  }
  std::array<uint8_t, kBeforeCommand + kMostCommandBytes> header{};
  if (!ScatterCursor(memory_, chain.readable).read(header.data(), r.header)) {
    fail("request header is not in RAM");
    return 0;
  }
  r.known = parse_lun(header.data(), r.lun);
  std::copy_n(header.begin() + kBeforeCommand, std::min<size_t>(command_bytes_, r.command.size()),
              r.command.begin());
  r.out = chain.readable_size - r.header;
  response.in = chain.writable_size - response.header;
  bool good = carry_out(r, response, chain);

  std::array<uint8_t, kBeforeSense + kMostSense> answer{};
  if (response.status == kCheckCondition) {
    const auto sense = ScsiUnit::sense_bytes(response.sense);
    const auto n = static_cast<uint32_t>(std::min<size_t>(sense.size(), sense_bytes_));
    std::memcpy(answer.data(), &n, sizeof n);
    std::copy_n(sense.begin(), n, answer.begin() + kBeforeSense);
  }
  std::memcpy(answer.data() + 4, &response.residual, sizeof response.residual);
  answer[10] = response.status;
  answer[11] = response.code;
  good = good && ScatterCursor(memory_, chain.writable).write(answer.data(), response.header);
  if (!good) {
    fail("request buffer is not in RAM");
    return 0;
  }
  return static_cast<uint32_t>(response.header + response.written);
}

bool VirtioScsi::carry_out(const Request& r, Response& response, const DescriptorChain& chain) {
  constexpr uint8_t kReportLuns = 0xa0, kInquiry = 0x12, kNoUnit = 0x7f, kUnitNotSupported = 0x25;
  response.residual = static_cast<uint32_t>(std::min<uint64_t>(std::max(r.out, response.in), 0xffff'ffff));
  if (!r.known || !has_target(r.lun.target)) {
    response.code = kBadTarget;
    return true;
  }
  if (r.command[0] == kReportLuns) {
    std::vector<uint8_t> luns;
    report_luns(r, luns);
    return answer(luns, response, chain);
  }
  ScsiUnit* const unit = find(r.lun.target, r.lun.lun);
  if (!unit && r.command[0] == kInquiry && !(r.command[1] & 1)) {
    std::array<uint8_t, 36> bytes{};
    bytes[0] = kNoUnit;
    bytes[2] = 5;
    bytes[3] = 2;
    bytes[4] = 31;
    const size_t n = std::min<size_t>(bytes.size(), load_big(&r.command[3], 2));
    return answer({bytes.data(), n}, response, chain);
  }
  if (!unit) {
    response.status = kCheckCondition;
    response.sense = {ScsiUnit::kIllegalRequest, kUnitNotSupported, 0};
    return true;
  }
  ScsiUnit::Outcome outcome = unit->execute(r.command);
  if (!outcome.failed) {
    if (outcome.data == ScsiUnit::Data::kAnswer) {
      if (!answer(unit->answer().first(outcome.bytes), response, chain)) return false;
    } else if (outcome.data != ScsiUnit::Data::kNone) {
      if (!move(*unit, outcome, response, chain)) return false;
      if (response.code != kOk) return true;
      outcome.failed = unit->sense().key != ScsiUnit::kNoSense;
    }
  }
  if (outcome.failed) {
    response.status = kCheckCondition;
    response.sense = unit->sense();
    unit->clear_sense();  // it goes with the answer
  }
  return true;
}

// A header of eight bytes, and eight for each unit of the target.
void VirtioScsi::report_luns(const Request& r, std::vector<uint8_t>& answer) const {
  std::set<unsigned> luns;
  for (const Place& place : units_)
    if (place.target == r.lun.target) luns.insert(place.lun);
  luns.insert(0);
  answer.assign(8 + 8 * luns.size(), 0);
  store_big(answer.data(), 4, 8 * luns.size());
  size_t at = 8;
  for (const unsigned lun : luns) {
    answer[at] = static_cast<uint8_t>(lun < 256 ? 0 : 0x40 | lun >> 8);
    answer[at + 1] = static_cast<uint8_t>(lun);
    at += 8;
  }
  answer.resize(std::min<uint64_t>(answer.size(), load_big(&r.command[6], 4)));
}

bool VirtioScsi::answer(std::span<const uint8_t> bytes, Response& response, const DescriptorChain& chain) {
  const uint64_t n = std::min<uint64_t>(bytes.size(), response.in);
  ScatterCursor to(memory_, chain.writable);
  if (!to.skip(response.header) || !to.write(bytes.data(), n)) return false;
  response.written = n;
  response.residual = static_cast<uint32_t>(std::min<uint64_t>(response.in - n, 0xffff'ffff));
  return true;
}

// A driver that gives less room than its command has data gets none of it.
bool VirtioScsi::move(ScsiUnit& unit, const ScsiUnit::Outcome& outcome, Response& response,
                      const DescriptorChain& chain) {
  const bool in = outcome.data == ScsiUnit::Data::kRead;
  const uint64_t before_data = 19 + uint64_t{command_bytes_};
  const uint64_t room = in ? response.in : chain.readable_size - before_data;
  if (outcome.bytes > room) {
    response.code = kOverrun;
    return true;
  }
  ScatterCursor at(memory_, in ? chain.writable : chain.readable);
  if (!at.skip(in ? response.header : before_data)) return false;
  uint64_t position = outcome.position;
  Transfer done = Transfer::kDone;
  if (in) {
    done = at.fill(outcome.bytes, [&](std::span<uint8_t> to) {
      return unit.read(std::exchange(position, position + to.size()), to);
    });
    response.written = outcome.bytes;
  } else if (outcome.data == ScsiUnit::Data::kWrite) {
    done = at.drain(outcome.bytes, [&](std::span<const uint8_t> from) {
      return unit.write(std::exchange(position, position + from.size()), from);
    });
    if (done == Transfer::kDone) unit.written();
  } else {
    std::vector<uint8_t> bytes(outcome.bytes);
    if (!at.read(bytes.data(), bytes.size())) return false;
    unit.take_parameters(bytes);
  }
  if (done != Transfer::kUnreachable)
    response.residual = static_cast<uint32_t>(std::min<uint64_t>(room - outcome.bytes, 0xffff'ffff));
  return done != Transfer::kUnreachable;
}

// --- control

uint8_t VirtioScsi::task_management(uint32_t subtype, const uint8_t* lun) {
  constexpr uint32_t kNexusReset = 4, kUnitReset = 5, kQueryTaskSet = 7;
  Lun place;
  if (subtype > kQueryTaskSet) return kFunctionRejected;
  if (!parse_lun(lun, place) || !has_target(place.target)) return kBadTarget;
  ScsiUnit* const unit = find(place.target, place.lun);
  if (subtype == kNexusReset) {
    for (const Place& other : units_)
      if (other.target == place.target) other.unit->reset();
    return kFunctionComplete;
  }
  if (!unit) return kIncorrectLun;
  if (subtype == kUnitReset) unit->reset();
  return kFunctionComplete;
}

uint32_t VirtioScsi::control(const DescriptorChain& chain) {
  enum Type : uint32_t { kTaskManagement = 0, kQueryEvents = 1, kSubscribe = 2 };
  std::array<uint8_t, 24> bytes{};  // type, subtype, unit, id; or type, unit, events
  const auto n = static_cast<size_t>(std::min<uint64_t>(chain.readable_size, bytes.size()));
  uint32_t type = 0, subtype = 0;
  if (n < sizeof type || !ScatterCursor(memory_, chain.readable).read(bytes.data(), n)) {
    fail("control request too short or not in RAM");
    return 0;
  }
  std::memcpy(&type, &bytes[0], sizeof type);
  std::memcpy(&subtype, &bytes[4], sizeof subtype);
  std::array<uint8_t, 5> answer{};
  size_t answer_bytes = 5;
  switch (type) {
    case kTaskManagement:
      answer[0] = task_management(subtype, &bytes[8]);
      answer_bytes = 1;
      break;
    case kQueryEvents:  // none is told
    case kSubscribe:
      break;
    default:
      return 0;
  }
  answer_bytes = static_cast<size_t>(std::min<uint64_t>(answer_bytes, chain.writable_size));
  if (!ScatterCursor(memory_, chain.writable).write(answer.data(), answer_bytes)) {
    fail("control request's buffer is not in RAM");
    return 0;
  }
  return static_cast<uint32_t>(answer_bytes);
}

void VirtioScsi::serialize_device(StateStream& stream) {
  stream.io(sense_bytes_);
  stream.io(command_bytes_);
  for (const Place& place : units_) place.unit->serialize(stream);
  if (!stream.loading()) return;
  sense_bytes_ = std::min(sense_bytes_, kMostSense);
  command_bytes_ = std::min(command_bytes_, kMostCommandBytes);
}

}  // namespace mynah::dev
