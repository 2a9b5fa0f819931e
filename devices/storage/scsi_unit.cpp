// SPDX-License-Identifier: Apache-2.0
//
// What all units answer alike: INQUIRY with its pages, REQUEST SENSE (SPC-4, 6.4, 6.39, 7.8).
#include "devices/storage/scsi_unit.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "devices/core/big_endian.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kRequestSense = 0x03;
constexpr uint8_t kPages = 0x00, kSerialPage = 0x80, kIdentificationPage = 0x83;
constexpr size_t kMostSerial = 36;
}  // namespace

ScsiUnit::ScsiUnit(uint8_t type, bool removable, Identity identity)
    : type_(type), removable_(removable), identity_(std::move(identity)) {}

void ScsiUnit::reset() {
  sense_ = {};
  reset_unit();
}

ScsiUnit::Outcome ScsiUnit::execute(std::span<const uint8_t> command) {
  command_ = {};
  std::copy_n(command.begin(), std::min(command.size(), command_.size()), command_.begin());
  if (command_[0] == kRequestSense) return request_sense();
  sense_ = {};
  std::fill(answer_.begin(), answer_.end(), uint8_t{0});
  return run(command_[0]);
}

uint32_t ScsiUnit::field(unsigned at, unsigned n) const {
  return static_cast<uint32_t>(load_big(command_.data() + at, n));
}

bool ScsiUnit::fail(Key key, uint8_t code, uint8_t qualifier) {
  sense_ = {key, code, qualifier};
  return false;
}

ScsiUnit::Outcome ScsiUnit::refuse(Key key, uint8_t code, uint8_t qualifier) {
  fail(key, code, qualifier);
  return {.failed = true};
}

ScsiUnit::Outcome ScsiUnit::give(size_t n, uint64_t most) const {
  const uint64_t bytes = std::min<uint64_t>({n, most, kAnswerBytes});
  if (bytes == 0) return {};
  return {.data = Data::kAnswer, .bytes = bytes};
}

bool ScsiUnit::read(uint64_t position, std::span<uint8_t> to) {
  BlockBackend* const disk = medium();
  return (disk && disk->read(position, to)) || fail(kMediumError, kReadError);
}

bool ScsiUnit::write(uint64_t position, std::span<const uint8_t> from) {
  BlockBackend* const disk = medium();
  return (disk && disk->write(position, from)) || fail(kMediumError, kWriteError);
}

bool ScsiUnit::written() { return stable_write() || fail(kMediumError, kWriteError); }

bool ScsiUnit::take_parameters(std::span<const uint8_t> from) { return parameters(from); }

std::array<uint8_t, ScsiUnit::kSenseBytes> ScsiUnit::sense_bytes(const Sense& sense) {
  std::array<uint8_t, kSenseBytes> bytes{};
  bytes[0] = 0x70;
  bytes[2] = sense.key;
  bytes[7] = kSenseBytes - 8;
  bytes[12] = sense.code;
  bytes[13] = sense.qualifier;
  return bytes;
}

ScsiUnit::Outcome ScsiUnit::request_sense() {
  const auto bytes = sense_bytes(std::exchange(sense_, {}));
  std::copy(bytes.begin(), bytes.end(), answer_.begin());
  return give(bytes.size(), command_[4]);
}

void ScsiUnit::put_text(uint8_t* to, size_t n, std::string_view text) {
  for (size_t i = 0; i < n; ++i) to[i] = i < text.size() ? static_cast<uint8_t>(text[i]) : ' ';
}

// One designator: vendor, product and serial number in text.
size_t ScsiUnit::identification(uint8_t* to) const {
  const std::string serial = identity_.serial.substr(0, kMostSerial);
  to[0] = 2;  // ASCII
  to[1] = 1;  // begins with the vendor
  to[3] = static_cast<uint8_t>(8 + 16 + serial.size());
  put_text(to + 4, 8, identity_.vendor);
  put_text(to + 12, 16, identity_.product);
  put_text(to + 28, serial.size(), serial);
  return 4 + size_t{to[3]};
}

ScsiUnit::Outcome ScsiUnit::inquiry() {
  constexpr uint8_t kVitalProduct = 1;
  const uint8_t page = command_[2];
  uint8_t* const to = answer_.data();
  to[0] = type_;
  if (!(command_[1] & kVitalProduct)) {
    if (page != 0) return refuse(kIllegalRequest, kBadField);
    to[1] = removable_ ? 0x80 : 0;
    to[2] = identity_.version;
    to[3] = identity_.format;
    to[4] = 31;
    to[7] = identity_.flags;
    put_text(to + 8, 8, identity_.vendor);
    put_text(to + 16, 16, identity_.product);
    put_text(to + 32, 4, identity_.revision);
    return give(36, field(3, 2));
  }
  to[1] = page;
  size_t n = 0;
  switch (page) {
    case kPages:
      for (const uint8_t known : {kPages, kSerialPage, kIdentificationPage}) to[4 + n++] = known;
      for (const uint8_t known : vital_pages()) to[4 + n++] = known;
      break;
    case kSerialPage:
      n = std::min(identity_.serial.size(), kMostSerial);
      put_text(to + 4, n, identity_.serial);
      break;
    case kIdentificationPage:
      n = identification(to + 4);
      break;
    default:
      n = vital_page(page, to + 4);
      if (n == 0) return refuse(kIllegalRequest, kBadField);
  }
  store_big(to + 2, 2, static_cast<uint32_t>(n));
  return give(4 + n, field(3, 2));
}

void ScsiUnit::serialize_state(StateStream& s) {
  for (uint8_t& byte : command_) s.io(byte);
  for (uint8_t* byte : {&sense_.key, &sense_.code, &sense_.qualifier}) s.io(*byte);
  s.raw(answer_.data(), answer_.size());
  serialize_unit(s);
  if (s.loading()) sense_.key &= 15;
}

}  // namespace mynah::dev
