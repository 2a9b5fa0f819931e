// SPDX-License-Identifier: Apache-2.0
//
// What the controller says of itself: Identify and log pages (NVM Express 1.4, 5.14 and 5.15).
#include <algorithm>
#include <bit>
#include <string_view>

#include "devices/storage/nvme.h"

namespace mynah::dev {

using namespace nvme;

namespace {

constexpr size_t kIdentifySize = 4096;
constexpr std::string_view kModel = "Mynah NVMe Controller", kFirmware = "1.0";

enum Cns : uint8_t { kNamespace = 0, kController = 1, kActiveNamespaces = 2, kDescriptors = 3 };
enum LogPage : uint8_t { kErrors = 1, kHealth = 2, kFirmwareSlots = 3, kEffects = 5 };

// ASCII, filled up with spaces.
void put_text(std::span<uint8_t> to, size_t offset, size_t size, std::string_view text) {
  const auto field = to.subspan(offset, size);
  std::fill(field.begin(), field.end(), ' ');
  std::copy_n(text.begin(), std::min(size, text.size()), field.begin());
}

void put128(std::span<uint8_t> to, size_t offset, uint64_t value) { put<uint64_t>(to, offset, value); }

}  // namespace

void Nvme::identify_controller(std::span<uint8_t> to) const {
  put<uint16_t>(to, 0, 0x1b36);  // VID
  put<uint16_t>(to, 2, 0x1af4);  // SSVID
  put_text(to, 4, 20, options_.serial);
  put_text(to, 24, 40, kModel);
  put_text(to, 64, 8, kFirmware);
  put<uint8_t>(to, 72, 6);                                 // RAB: 64 commands at a time
  put<uint8_t>(to, 77, std::countr_zero(kTransferPages));  // MDTS
  put<uint32_t>(to, 80, 0x0001'0400);                      // VER
  put<uint8_t>(to, 111, 1);                                // CNTRLTYPE: I/O
  put<uint8_t>(to, 258, 3);                                // ACL
  put<uint8_t>(to, 259, kMaxAsyncEvents - 1);
  put<uint8_t>(to, 260, 0x03);  // FRMW: one slot, which is read-only
  put<uint8_t>(to, 261, 0x06);  // LPA: effects, offsets and lengths of 32 bits
  put<uint16_t>(to, 266, kWarningTemperature);
  put<uint16_t>(to, 268, kCriticalTemperature);
  put<uint8_t>(to, 512, 0x66);  // SQES
  put<uint8_t>(to, 513, 0x44);  // CQES
  put<uint32_t>(to, 516, static_cast<uint32_t>(namespaces_.size()));
  put<uint16_t>(to, 520, 0x1d);  // ONCS: compare, deallocation, write zeroes, Select of features
  put<uint8_t>(to, 525, 0x07);   // VWC: there is one; Flush takes all namespaces
  // As the manual makes a name for a controller that has none of its own (7.9).
  std::array<uint8_t, 256> name{};
  constexpr std::string_view kPrefix = "nqn.2014.08.org.nvmexpress:1b361af4";
  put_text(name, 0, kPrefix.size(), kPrefix);
  put_text(name, kPrefix.size(), 20, options_.serial);
  put_text(name, kPrefix.size() + 20, 40, kModel);
  std::copy(name.begin(), name.end(), to.begin() + 768);
  put<uint16_t>(to, 2048, 2500);    // PSD0: 25 W
  put<uint32_t>(to, 2048 + 4, 16);  // microseconds into it
  put<uint32_t>(to, 2048 + 8, 4);   // and out of it
}

void Nvme::identify_namespace(uint32_t nsid, std::span<uint8_t> to) const {
  const uint64_t size = blocks(*disk(nsid));
  for (const size_t at : {0, 8, 16}) put<uint64_t>(to, at, size);  // NSZE, NCAP, NUSE
  put<uint8_t>(to, 25, 0);                                         // NLBAF: one
  put<uint8_t>(to, 99, disk(nsid)->read_only() ? 1 : 0);           // NSATTR: write protected
  put<uint64_t>(to, 120, __builtin_bswap64(eui64(nsid)));
  put<uint8_t>(to, 128 + 2, std::countr_zero(options_.logical_block_size));  // LBAF0.LBADS
}

// Of its own: from the serial number, so that a disk has the same name wherever it is plugged in.
uint64_t Nvme::eui64(uint32_t nsid) const {
  uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
  for (const char c : options_.serial) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100'0000'01b3;
  hash = (hash ^ nsid) * 0x100'0000'01b3;
  return uint64_t{0x525400} << 40 | ((hash ^ hash >> 40) & 0xff'ffff'ffff);
}

Nvme::Outcome Nvme::identify(const Command& c) {
  std::array<uint8_t, kIdentifySize> bytes{};
  const uint32_t last = static_cast<uint32_t>(namespaces_.size());
  switch (c.dw10 & 0xff) {
    case kNamespace:
      if (c.nsid == 0 || c.nsid > last) return kInvalidNamespace;
      identify_namespace(c.nsid, bytes);
      break;
    case kController:
      identify_controller(bytes);
      break;
    case kActiveNamespaces:
      if (c.nsid >= 0xffff'fffe) return kInvalidNamespace;
      for (uint32_t n = c.nsid, i = 0; n < last && i < kIdentifySize / 4; ++n, ++i)
        put<uint32_t>(bytes, i * 4, n + 1);
      break;
    case kDescriptors:
      if (c.nsid == 0 || c.nsid > last) return kInvalidNamespace;
      put<uint8_t>(bytes, 0, 1);  // NIDT: EUI-64
      put<uint8_t>(bytes, 1, 8);
      put<uint64_t>(bytes, 4, __builtin_bswap64(eui64(c.nsid)));
      break;
    default:
      return kInvalidField;
  }
  return to_host(c, bytes);
}

// Data units are a thousand blocks of 512 bytes, rounded up.
void Nvme::health_log(std::span<uint8_t> to) const {
  const bool beyond =
      kCompositeTemperature >= features_[kTemperatureThreshold] || kCompositeTemperature <= temperature_low_;
  put<uint8_t>(to, 0, beyond ? 2 : 0);  // critical warning
  put<uint16_t>(to, 1, kCompositeTemperature);
  put<uint8_t>(to, 3, 100);  // available spare, and its threshold
  put<uint8_t>(to, 4, 10);
  put128(to, 32, (blocks_read_ + 999) / 1000);
  put128(to, 48, (blocks_written_ + 999) / 1000);
  put128(to, 64, reads_);
  put128(to, 80, writes_);
  put128(to, 112, 1);  // power cycles
  put128(to, 176, errors_);
}

Nvme::Outcome Nvme::get_log_page(const Command& c) {
  const uint64_t length = ((c.dw10 >> 16 | uint64_t{c.dw11 & 0xffff} << 16) + 1) * 4;
  const uint64_t offset = c.dw12 | uint64_t{c.dw13} << 32;
  const bool retain = c.dw10 >> 15 & 1;
  if (length > kMostTransfer || offset & 3) return kInvalidField;
  std::array<uint8_t, 4096> page{};
  size_t size = 512;
  uint8_t event_type = 0xff;
  switch (c.dw10 & 0xff) {
    case kErrors:
      size = 64;
      event_type = kInvalidDoorbell.type;
      if (errors_ == 0) break;
      put<uint64_t>(page, 0, errors_);
      put<uint16_t>(page, 8, last_error_.sq);
      put<uint16_t>(page, 10, last_error_.command_id);
      put<uint16_t>(page, 12, static_cast<uint16_t>(last_error_.status << 1));
      put<uint16_t>(page, 14, 0xffff);  // no parameter is named
      put<uint64_t>(page, 16, last_error_.lba);
      put<uint32_t>(page, 24, last_error_.nsid);
      break;
    case kHealth:
      event_type = kTemperature.type;
      if (c.nsid != 0 && c.nsid != kAllNamespaces) return kInvalidNamespace;
      health_log(page);
      break;
    case kFirmwareSlots:
      put<uint8_t>(page, 0, 1);  // the first is active
      put_text(page, 8, 8, kFirmware);
      break;
    case kEffects: {
      constexpr uint32_t kSupported = 1, kChangesBlocks = 2;
      size = 4096;
      for (const Admin op :
           {Admin::kDeleteSq, Admin::kCreateSq, Admin::kGetLogPage, Admin::kDeleteCq, Admin::kCreateCq,
            Admin::kIdentify, Admin::kAbort, Admin::kSetFeatures, Admin::kGetFeatures, Admin::kAsyncEvent})
        put<uint32_t>(page, 4 * static_cast<size_t>(op), kSupported);
      for (const Io op : {Io::kFlush, Io::kRead, Io::kCompare})
        put<uint32_t>(page, 1024 + 4 * static_cast<size_t>(op), kSupported);
      for (const Io op : {Io::kWrite, Io::kWriteZeroes, Io::kDatasetManagement})
        put<uint32_t>(page, 1024 + 4 * static_cast<size_t>(op), kSupported | kChangesBlocks);
      break;
    }
    default:
      return kInvalidLogPage;
  }
  if (offset >= size) return kInvalidField;
  const uint16_t status =
      to_host(c, std::span(page).subspan(offset, std::min<uint64_t>(length, size - offset)));
  if (status == kSuccess && !retain && event_type < 8)
    masked_events_ = static_cast<uint8_t>(masked_events_ & ~(1u << event_type));
  return status;
}

}  // namespace mynah::dev
