// SPDX-License-Identifier: Apache-2.0
//
// Configuration space as bytes with masks, BARs, capabilities, reset and state. A register is what its masks
// say; what happens beyond that when one is written is in config_write().
#include "devices/pci/function.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "devices/core/registers.h"
#include "devices/pci/bridge.h"
#include "devices/pci/bus.h"
#include "devices/pci/host.h"

namespace mynah::dev::pci {
namespace {

constexpr uint32_t kAllOnes = 0xffff'ffff;
constexpr uint32_t kRomEnable = 1;

bool overlap(unsigned a, unsigned a_size, unsigned b, unsigned b_size) {
  return a < b + b_size && b < a + a_size;
}
bool is_wide(BarKind kind) { return kind == BarKind::kMemory64 || kind == BarKind::kPrefetchable64; }
void add_bits(std::vector<uint8_t>& to, unsigned offset, unsigned width, uint32_t mask) {
  assert(offset + width <= to.size());
  for (unsigned i = 0; i < width; ++i) to[offset + i] |= static_cast<uint8_t>(mask >> (8 * i));
}
unsigned bar_register(unsigned n) { return kBar0 + 4 * n; }

}  // namespace

Function::Function(std::string_view name, const Identity& identity, Log& log, ConfigSize config_size)
    : log_(log), name_(name) {
  const size_t size = static_cast<size_t>(config_size);
  for (auto* bytes : {&config_, &writable_, &clearable_, &changeable_}) bytes->resize(size);
  set(config_, kVendorId, 2, identity.vendor);
  set(config_, kDeviceId, 2, identity.device);
  set(config_, kRevisionId, 1, identity.revision);
  set(config_, kClassCode, 2, identity.class_code & 0xffff);
  set(config_, kClassCode + 2, 1, identity.class_code >> 16);
  set(config_, kSubsystemVendorId, 2, identity.subsystem_vendor);
  set(config_, kSubsystemId, 2, identity.subsystem);
  set(config_, kInterruptPin, 1, identity.interrupt_pin);
  let_write(kCommand, 2,
            kIoSpace | kMemorySpace | kBusMaster | kParityErrorResponse | kSerrEnable | kInterruptDisable);
  let_change(kStatus, 2, kInterruptStatus);
  let_write(kCacheLineSize, 1, 0xff);
  let_write(kInterruptLine, 1, 0xff);
}

Function::~Function() = default;

// --- Registers.

void Function::set(std::vector<uint8_t>& to, unsigned offset, unsigned width, uint32_t bits) {
  assert(offset + width <= to.size());
  for (unsigned i = 0; i < width; ++i) to[offset + i] = static_cast<uint8_t>(bits >> (8 * i));
}

uint32_t Function::config(unsigned offset, unsigned width) const {
  assert(offset + width <= config_.size());
  uint32_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= uint32_t{config_[offset + i]} << (8 * i);
  return value;
}

void Function::let_write(unsigned offset, unsigned width, uint32_t mask) {
  add_bits(writable_, offset, width, mask);
}
void Function::let_clear(unsigned offset, unsigned width, uint32_t mask) {
  add_bits(clearable_, offset, width, mask);
}
void Function::let_change(unsigned offset, unsigned width, uint32_t mask) {
  add_bits(changeable_, offset, width, mask);
}

void Function::set_config(unsigned offset, unsigned width, uint32_t value) {
  set(config_, offset, width, value);
}

uint32_t Function::config_read(unsigned offset, unsigned width) {
  if (offset + width > config_.size()) return kAllOnes >> (32 - 8 * width);
  before_config_read(offset, width);
  return config(offset, width);
}

void Function::config_write(unsigned offset, unsigned width, uint32_t value) {
  if (offset + width > config_.size()) return;
  const bool starts_reset = express_ != 0 && overlap(offset, width, express_ + kDeviceControl, 2) &&
                            (config(express_ + kDeviceCapabilities, 4) & kFunctionLevelReset);
  bool resets = false;
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = offset + i;
    const auto byte = static_cast<uint8_t>(value >> (8 * i));
    const uint8_t writable = writable_[at];
    config_[at] = static_cast<uint8_t>((config_[at] & ~writable) | (byte & writable));
    config_[at] &= static_cast<uint8_t>(~(byte & clearable_[at]));
    if (starts_reset && at == express_ + kDeviceControl + 1) resets = (byte & kInitiateReset >> 8) != 0;
  }
  if (resets) return reset();

  const bool bridge = (config_[kHeaderType] & 0x7f) == kTypeBridge;
  if (overlap(offset, width, kCommand, 2) || overlap(offset, width, kBar0, bridge ? 8 : 4 * kBars) ||
      (!rom_.empty() && overlap(offset, width, kExpansionRom, 4)) ||
      (pm_ != 0 && overlap(offset, width, pm_ + kPmControl, 2)))
    claims_changed();
  update_line();
  if ((msi_ != 0 && overlap(offset, width, msi_, 24)) || (msix_ != 0 && overlap(offset, width, msix_, 4))) {
    send_pending();
    messages_changed();
  }
  config_written(offset, width);
}

// --- BARs.

void Function::add_bar(unsigned n, BarKind kind, uint64_t size) {
  assert(!sealed_ && n + (is_wide(kind) ? 1 : 0) < kBars && bars_[n].size == 0);
  assert(std::has_single_bit(size) && size >= (kind == BarKind::kIo ? 4 : 16));
  assert(kind != BarKind::kIo || size <= 256);
  assert(size <= (is_wide(kind) ? uint64_t{1} << 40 : uint64_t{1} << 31));
  bars_[n] = {kind, size};
  static constexpr uint32_t kFlags[] = {0x1, 0x0, 0x4, 0xc};
  set(config_, bar_register(n), 4, kFlags[static_cast<unsigned>(kind)]);
  const uint64_t mask = ~(size - 1);
  let_write(bar_register(n), 4, static_cast<uint32_t>(mask));
  if (is_wide(kind)) let_write(bar_register(n + 1), 4, static_cast<uint32_t>(mask >> 32));
}

uint64_t Function::bar_address(unsigned n) const {
  const Bar& bar = bars_[n];
  uint64_t address = config(bar_register(n), 4);
  if (is_wide(bar.kind)) address |= uint64_t{config(bar_register(n + 1), 4)} << 32;
  return bar.size ? address & ~(bar.size - 1) : 0;
}

// The images of a ROM are taken for another card's unless they name this one: one that serves several (an id
// in front of VIRTIO 1.0 and one since) is made to. A byte of a BIOS's image, 6, evens out its sum.
void Function::name_card(std::vector<uint8_t>& rom) const {
  constexpr size_t kHeader = 0x1a, kPointer = 0x18, kData = 0x18, kEven = 6;
  constexpr uint8_t kForBios = 0, kLast = 0x80;
  for (size_t at = 0; at + kHeader <= rom.size() && rom[at] == 0x55 && rom[at + 1] == 0xaa;) {
    const size_t data = at + (rom[at + kPointer] | rom[at + kPointer + 1] << 8);
    if (data + kData > rom.size() || rom[data] != 'P' || rom[data + 1] != 'C') return;
    for (unsigned i = 0; i < 4; ++i) {
      uint8_t& byte = rom[data + 4 + i];
      const auto now = static_cast<uint8_t>(config(kVendorId, 4) >> 8 * i);
      if (rom[data + 20] == kForBios) rom[at + kEven] = static_cast<uint8_t>(rom[at + kEven] + byte - now);
      byte = now;
    }
    const size_t blocks = rom[data + 16] | rom[data + 17] << 8;
    if (blocks == 0 || (rom[data + 21] & kLast)) return;
    at += blocks * 512;
  }
}

void Function::add_rom(std::vector<uint8_t> contents) {
  assert(!sealed_ && rom_.empty() && !contents.empty());
  rom_ = std::move(contents);
  rom_.resize(std::bit_ceil(std::max<size_t>(rom_.size(), 2048)), 0xff);
  let_write(kExpansionRom, 4, static_cast<uint32_t>(~(rom_.size() - 1)) | kRomEnable);
}

void Function::add_range(unsigned n, Space space, uint64_t size) {
  assert(!sealed_ && n < kOwnRanges && size != 0);
  ranges_[n] = {space, size, std::nullopt};
}

void Function::place_range(unsigned n, std::optional<uint64_t> base) {
  if (ranges_[n].base == base) return;
  ranges_[n].base = base;
  claims_changed();
}

Space Function::space_of(unsigned n) const {
  if (n >= kOwnRange) return ranges_[n - kOwnRange].space;
  return n != kRomBar && bars_[n].kind == BarKind::kIo ? Space::kIo : Space::kMemory;
}

std::optional<Range> Function::decoded(unsigned n) const {
  if (n >= kOwnRange) {
    const OwnRange& own = ranges_[n - kOwnRange];
    if (own.size == 0 || !own.base) return std::nullopt;
    return Range{*own.base, *own.base + (own.size - 1)};
  }
  if (n == kRomBar) {
    const uint32_t rom = config(kExpansionRom, 4);
    if (rom_.empty() || !in_d0() || !(rom & kRomEnable) || !(config(kCommand, 2) & kMemorySpace))
      return std::nullopt;
    const uint64_t first = rom & ~(rom_.size() - 1);
    return Range{first, first + (rom_.size() - 1)};
  }
  const Bar& bar = bars_[n];
  if (bar.size == 0 || !in_d0()) return std::nullopt;
  if (!(config(kCommand, 2) & (bar.kind == BarKind::kIo ? kIoSpace : kMemorySpace))) return std::nullopt;
  const uint64_t first = bar_address(n);
  return Range{first, first + (bar.size - 1)};
}

uint64_t Function::access_read(unsigned bar, uint64_t offset, Width width) {
  if (bar == kRomBar) return read_by_bytes(offset, width, [this](Offset at) -> uint8_t { return rom_[at]; });
  if (in_msix(bar, offset, bytes(width))) return msix_read(offset, bytes(width));
  return bar_read(bar, offset, width);
}

void Function::access_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar == kRomBar) return;
  if (in_msix(bar, offset, bytes(width))) return msix_write(offset, bytes(width), value);
  bar_write(bar, offset, width, value);
}

void Function::claims_changed() {
  if (bus_) bus_->host().claims_changed();
}

// --- Capabilities.

unsigned Function::add_capability(Capability id, unsigned size) {
  assert(!sealed_ && size >= 2);
  const unsigned at = next_capability_;
  assert(at + size <= 0x100);
  next_capability_ = (at + size + 3) & ~3u;
  set(config_, at, 1, static_cast<uint8_t>(id));
  set(config_, at + 1, 1, config(kCapabilitiesPointer, 1));
  set(config_, kCapabilitiesPointer, 1, at);
  set(config_, kStatus, 2, config(kStatus, 2) | kCapabilitiesList);
  return at;
}

unsigned Function::capability(Capability id) const {
  unsigned at = config(kCapabilitiesPointer, 1);
  while (at != 0 && config(at, 1) != static_cast<uint8_t>(id)) at = config(at + 1, 1);
  return at;
}

unsigned Function::add_extended_capability(uint16_t id, uint8_t version, unsigned size) {
  assert(!sealed_ && size >= 4);
  const unsigned at = next_extended_;
  assert(at + size <= config_.size());
  next_extended_ = (at + size + 3) & ~3u;
  set(config_, at, 4, id | uint32_t{version} << 16);
  if (last_extended_ != 0) set(config_, last_extended_, 4, (config(last_extended_, 4) & 0xfffff) | at << 20);
  last_extended_ = at;
  return at;
}

void Function::add_power_management() {
  pm_ = add_capability(Capability::kPowerManagement, 8);
  set(config_, pm_ + kPmCapabilities, 2, 3);  // version 1.2; D0 and D3 alone, no PME
  set(config_, pm_ + kPmControl, 2, kPmNoSoftReset);
  let_write(pm_ + kPmControl, 2, kPmStateMask);
}

bool Function::in_d0() const { return pm_ == 0 || (config(pm_ + kPmControl, 2) & kPmStateMask) == 0; }

void Function::add_express(PortType type, bool function_level_reset) {
  constexpr uint32_t kRoleBasedErrors = 0x8000, kExtendedTag = 0x20;
  constexpr uint32_t kSpeedAndWidth = 0x11;  // 2.5 GT/s, one lane
  express_ = add_capability(Capability::kExpress, kExpressBytes);
  set(config_, express_ + kExpressFlags, 2, 2u | static_cast<unsigned>(type) << 4);
  set(config_, express_ + kDeviceCapabilities, 4,
      kRoleBasedErrors | kExtendedTag | (function_level_reset ? kFunctionLevelReset : 0));
  let_write(express_ + kDeviceControl, 2, 0x7fff);
  let_clear(express_ + kDeviceStatus, 2, 0x000f);
  if (type == PortType::kIntegratedEndpoint) return;
  set(config_, express_ + kLinkCapabilities, 4, kSpeedAndWidth);
  set(config_, express_ + kLinkStatus, 2, kSpeedAndWidth);
  let_write(express_ + kLinkControl, 2, 0x0fdb);
  set(config_, express_ + kLinkCapabilities2, 4, 0x2);  // speed 1
  set(config_, express_ + kLinkControl2, 2, 0x1);
}

// --- Life.

void Function::attach(Bus& bus, unsigned devfn, bool multifunction) {
  assert(!sealed_ && devfn < 256);
  bus_ = &bus;
  devfn_ = devfn;
  if (multifunction) set(config_, kHeaderType, 1, config_[kHeaderType] | kMultifunction);
  attached(bus);
  name_card(rom_);
  const unsigned flags = express_ ? config(express_ + kExpressFlags, 2) : 0;
  if (express_ && (flags >> 4 & 0xf) == static_cast<unsigned>(PortType::kEndpoint) && !bus.bridge()) {
    // An integrated endpoint has no link.
    const unsigned type = static_cast<unsigned>(PortType::kIntegratedEndpoint) << 4;
    set(config_, express_ + kExpressFlags, 2, (flags & ~0xf0u) | type);
    for (unsigned at = kLinkCapabilities; at < kSlotCapabilities; ++at) {
      config_[express_ + at] = writable_[express_ + at] = 0;
    }
    set(config_, express_ + kLinkCapabilities2, 4, 0);
    set(config_, express_ + kLinkControl2, 2, 0);
  }
  initial_ = config_;
  sealed_ = true;
}

uint16_t Function::requester_id() const {
  return static_cast<uint16_t>((bus_ ? bus_->number() << 8 : 0) | devfn_);
}

void Function::reset() {
  assert(sealed_);
  config_ = initial_;
  reset_interrupts();
  claims_changed();
  reset_model();
}

void Function::serialize_state(StateStream& stream) {
  constexpr uint32_t kVersion = 1;
  stream.section("pci function", kVersion);
  std::vector<uint8_t> saved = config_;
  stream.raw(saved.data(), saved.size());
  if (stream.loading() && !stream.failed()) {
    // What a guest cannot change is the same in the machine that it was saved from.
    for (size_t i = 0; i < config_.size(); ++i) {
      const uint8_t may = writable_[i] | clearable_[i] | changeable_[i];
      if ((saved[i] ^ initial_[i]) & ~may) return stream.fail();
    }
    config_ = std::move(saved);
  }
  serialize_interrupts(stream);
  serialize_model(stream);
  if (!stream.loading()) return;
  claims_changed();
  update_line();
}

// --- DMA.

DmaMemory* Function::upstream() const {
  const Function* function = this;
  for (;;) {
    if (!function->bus_ || !(function->config_[kCommand] & kBusMaster) || !function->in_d0()) return nullptr;
    const Function* bridge = function->bus_->bridge();
    if (!bridge) return &function->bus_->host().memory();
    function = bridge;
  }
}

bool Function::Dma::read(uint64_t pa, void* to, size_t n) {
  DmaMemory* memory = function.upstream();
  return memory && memory->read(pa, to, n);
}
bool Function::Dma::write(uint64_t pa, const void* from, size_t n) {
  DmaMemory* memory = function.upstream();
  return memory && memory->write(pa, from, n);
}
uint8_t* Function::Dma::map(uint64_t pa, size_t n, bool for_write) {
  DmaMemory* memory = function.upstream();
  return memory ? memory->map(pa, n, for_write) : nullptr;
}
bool Function::Dma::discard(uint64_t pa, size_t n) {
  DmaMemory* memory = function.upstream();
  return memory && memory->discard(pa, n);
}

}  // namespace mynah::dev::pci
