// SPDX-License-Identifier: Apache-2.0
//
// Interrupts of a function: its line (PCI Local Bus 3.0, 2.2.6), MSI (6.8.1), MSI-X (6.8.2). The line is
// silent while messages are enabled or the command register disables it.
#include <algorithm>
#include <bit>
#include <cassert>

#include "devices/pci/bus.h"
#include "devices/pci/function.h"
#include "devices/pci/host.h"

namespace mynah::dev::pci {

namespace {

uint32_t word(const std::vector<uint8_t>& bytes, size_t at) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= uint32_t{bytes[at + i]} << (8 * i);
  return value;
}

}  // namespace

// --- The line.

void Function::set_intx(bool level) {
  intx_ = level;
  update_line();
}

void Function::update_line() {
  const uint32_t status = config(kStatus, 2);
  set_config(kStatus, 2, intx_ ? status | kInterruptStatus : status & ~uint32_t{kInterruptStatus});
  const bool enabled = !(config(kCommand, 2) & kInterruptDisable) && !messages_enabled();
  const bool wire = intx_ && enabled && config_[kInterruptPin] != 0;
  if (wire == wire_ || !bus_) return;
  wire_ = wire;
  bus_->host().line_changed(*this, wire);
}

// --- Messages.

void Function::send(uint64_t address, uint32_t data) {
  DmaMemory* memory = upstream();
  if (!memory) return;  // a message is a write as others are
  if (bus_->host().message(address, data, requester_id())) return;
  const uint8_t raw[4] = {static_cast<uint8_t>(data), static_cast<uint8_t>(data >> 8),
                          static_cast<uint8_t>(data >> 16), static_cast<uint8_t>(data >> 24)};
  if (!memory->write(address, raw, sizeof raw)) guest_error("message to an address that takes none");
}

bool Function::notify(unsigned n) {
  if (msix_enabled()) {
    if (n >= msix_vectors()) return true;
    if (msix_masked(n)) {
      pending_[n / 8] |= static_cast<uint8_t>(1 << n % 8);
    } else {
      send_msix(n);
    }
    return true;
  }
  if (!msi_enabled()) return false;
  n &= msi_vectors_enabled() - 1;
  const bool maskable = (config(msi_ + kMsiControl, 2) & kMsiPerVectorMask) != 0;
  if (maskable && (config(msi_ + kMsiMask, 4) >> n & 1)) {
    set_config(msi_ + kMsiPending, 4, config(msi_ + kMsiPending, 4) | 1u << n);
  } else {
    const uint32_t data = config(msi_ + kMsiData, 2);
    send(msi_message_address(), (data & ~(msi_vectors_enabled() - 1)) | n);
  }
  return true;
}

// What was masked, and is not any more.
void Function::send_pending() {
  if (msix_enabled()) {
    for (unsigned n = 0; n < msix_vectors(); ++n) {
      const auto bit = static_cast<uint8_t>(1 << n % 8);
      if (!(pending_[n / 8] & bit) || msix_masked(n)) continue;
      pending_[n / 8] &= static_cast<uint8_t>(~bit);
      send_msix(n);
    }
  }
  if (!msi_enabled() || !(config(msi_ + kMsiControl, 2) & kMsiPerVectorMask)) return;
  const uint32_t ready = config(msi_ + kMsiPending, 4) & ~config(msi_ + kMsiMask, 4);
  if (ready == 0) return;
  set_config(msi_ + kMsiPending, 4, config(msi_ + kMsiPending, 4) & ~ready);
  for (unsigned n = 0; n < 32; ++n)
    if (ready >> n & 1) notify(n);
}

// --- MSI.

void Function::add_msi(unsigned vectors, bool per_vector_mask) {
  assert(std::has_single_bit(vectors) && vectors <= 32);
  msi_ = add_capability(Capability::kMsi, 24);
  const unsigned log2 = static_cast<unsigned>(std::countr_zero(vectors));
  set_config(msi_ + kMsiControl, 2, kMsi64 | (per_vector_mask ? kMsiPerVectorMask : 0) | log2 << 1);
  let_write(msi_ + kMsiControl, 2, kMsiEnable | kMsiMultipleEnable);
  let_write(msi_ + kMsiAddress, 4, 0xffff'fffc);
  let_write(msi_ + kMsiAddress + 4, 4, 0xffff'ffff);
  let_write(msi_ + kMsiData, 2, 0xffff);
  if (!per_vector_mask) return;
  const uint32_t all = vectors == 32 ? ~0u : (1u << vectors) - 1;
  let_write(msi_ + kMsiMask, 4, all);
  let_change(msi_ + kMsiPending, 4, all);
}

bool Function::msi_enabled() const { return msi_ != 0 && (config(msi_ + kMsiControl, 2) & kMsiEnable); }

// At most what there are, whatever the guest asks for.
unsigned Function::msi_vectors_enabled() const {
  const uint32_t control = config(msi_ + kMsiControl, 2);
  return 1u << std::min(control >> 4 & 7, control >> 1 & 7);
}

uint64_t Function::msi_message_address() const {
  return config(msi_ + kMsiAddress, 4) | uint64_t{config(msi_ + kMsiAddress + 4, 4)} << 32;
}

// --- MSI-X.

void Function::add_msix(unsigned vectors, unsigned bar, uint64_t table, uint64_t pending) {
  const uint64_t pending_bytes = (vectors + 63) / 64 * 8;
  assert(vectors >= 1 && vectors <= 2048 && table % 8 == 0 && pending % 8 == 0);
  assert(table + vectors * kMsixEntryBytes <= bars_[bar].size && pending + pending_bytes <= bars_[bar].size);
  assert(table + vectors * kMsixEntryBytes <= pending || pending + pending_bytes <= table);
  msix_ = add_capability(Capability::kMsix, 12);
  set_config(msix_ + kMsixControl, 2, vectors - 1);
  set_config(msix_ + kMsixTable, 4, static_cast<uint32_t>(table) | bar);
  set_config(msix_ + kMsixPending, 4, static_cast<uint32_t>(pending) | bar);
  let_write(msix_ + kMsixControl, 2, kMsixEnable | kMsixFunctionMask);
  msix_place_ = {bar, table, pending};
  table_.resize(vectors * kMsixEntryBytes);
  pending_.resize(pending_bytes);
}

void Function::add_msix_bar(unsigned vectors, unsigned bar, BarKind kind) {
  const uint64_t table_bytes = vectors * kMsixEntryBytes;
  const uint64_t pending = std::max<uint64_t>(0x800, std::bit_ceil(table_bytes));
  add_bar(bar, kind, std::max<uint64_t>(0x1000, 2 * pending));
  add_msix(vectors, bar, 0, pending);
}

bool Function::msix_enabled() const { return msix_ != 0 && (config(msix_ + kMsixControl, 2) & kMsixEnable); }

bool Function::msix_masked(unsigned n) const {
  return (config(msix_ + kMsixControl, 2) & kMsixFunctionMask) ||
         (table_[n * kMsixEntryBytes + kMsixVectorControl] & 1);
}

void Function::send_msix(unsigned n) {
  const size_t at = n * kMsixEntryBytes;
  send(word(table_, at) | uint64_t{word(table_, at + 4)} << 32, word(table_, at + 8));
}

// An access that begins in the table or in the pending bits is theirs.
bool Function::in_msix(unsigned bar, uint64_t offset, unsigned) const {
  if (msix_ == 0 || bar != msix_place_.bar) return false;
  return offset - msix_place_.table < table_.size() || offset - msix_place_.pending < pending_.size();
}

uint64_t Function::msix_read(uint64_t offset, unsigned width) const {
  const bool table = offset - msix_place_.table < table_.size();
  const std::vector<uint8_t>& from = table ? table_ : pending_;
  const uint64_t at = offset - (table ? msix_place_.table : msix_place_.pending);
  uint64_t value = 0;
  for (unsigned i = 0; i < width && at + i < from.size(); ++i) value |= uint64_t{from[at + i]} << (8 * i);
  return value;
}

void Function::msix_write(uint64_t offset, unsigned width, uint64_t value) {
  const uint64_t at = offset - msix_place_.table;
  if (at >= table_.size()) return;  // pending bits are read-only
  for (unsigned i = 0; i < width && at + i < table_.size(); ++i) {
    auto byte = static_cast<uint8_t>(value >> (8 * i));
    const size_t in_entry = (at + i) % kMsixEntryBytes;
    if (in_entry == 0) byte &= 0xfc;
    if (in_entry == kMsixVectorControl) byte &= 0x01;
    if (in_entry > kMsixVectorControl) byte = 0;
    table_[at + i] = byte;
  }
  send_pending();
  messages_changed();
}

// --- Life.

void Function::reset_interrupts() {
  std::fill(table_.begin(), table_.end(), uint8_t{0});
  for (size_t at = kMsixVectorControl; at < table_.size(); at += kMsixEntryBytes) table_[at] = 1;
  std::fill(pending_.begin(), pending_.end(), uint8_t{0});
  intx_ = false;
  update_line();
}

void Function::serialize_interrupts(StateStream& stream) {
  stream.io(intx_);
  stream.raw(table_.data(), table_.size());
  stream.raw(pending_.data(), pending_.size());
  if (!stream.loading()) return;
  for (size_t at = 0; at < table_.size(); at += kMsixEntryBytes) {
    table_[at] &= 0xfc;
    table_[at + kMsixVectorControl] &= 0x01;
    for (size_t i = kMsixVectorControl + 1; i < kMsixEntryBytes; ++i) table_[at + i] = 0;
  }
  for (size_t n = msix_vectors(); n < 8 * pending_.size(); ++n)
    pending_[n / 8] &= static_cast<uint8_t>(~(1 << n % 8));
}

}  // namespace mynah::dev::pci
