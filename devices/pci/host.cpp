// SPDX-License-Identifier: Apache-2.0
//
// Claims (which BAR has which bus addresses) are made anew at the first access after one may have changed.
#include "devices/pci/host.h"

#include <algorithm>
#include <cassert>

#include "devices/core/registers.h"
#include "devices/pci/bridge.h"
#include "devices/pci/host_windows.h"

namespace mynah::dev::pci {
namespace {

constexpr Range kEverything{0, ~uint64_t{0}};

std::vector<Range> intersection(const std::vector<Range>& a, const std::vector<Range>& b) {
  std::vector<Range> both;
  for (const Range& x : a)
    for (const Range& y : b) {
      const Range part{std::max(x.first, y.first), std::min(x.last, y.last)};
      if (part.first <= part.last) both.push_back(part);
    }
  return both;
}

}  // namespace

Host::Host(Config config)
    : config_(std::move(config)),
      ecam_(std::make_unique<Ecam>(*this)),
      config_ports_(std::make_unique<ConfigPorts>(*this)),
      root_(*this, config_.root_name, config_.express) {}

Host::~Host() = default;

void Host::reset() {
  config_ports_->reset();
  root_.reset();
}

void Host::serialize_state(StateStream& stream) {
  config_ports_->serialize(stream);
  root_.serialize(stream);
  claims_changed();
}

Device& Host::ecam() { return *ecam_; }
Device& Host::config_ports() { return *config_ports_; }

Device& Host::add_window(Space space, uint64_t base) {
  windows_.push_back(std::make_unique<Window>(*this, space, base));
  return *windows_.back();
}

// --- Configuration.

Function* Host::find(unsigned number, unsigned devfn) const {
  const Bus* bus = &root_;
  while (bus->number() != number) {
    const Bus* next = nullptr;
    for (const auto& [place, function] : bus->functions()) {
      const Bridge* bridge = function->as_bridge();
      if (!bridge || !bridge->leads_to(number)) continue;
      next = &bridge->secondary();
      break;
    }
    if (!next) return nullptr;
    bus = next;
  }
  return bus->at(devfn);
}

Bus* Host::find_bus(Bus& bus, std::string_view name) {
  if (bus.name == name) return &bus;
  for (const auto& [devfn, function] : bus.functions())
    if (Bridge* bridge = function->as_bridge())
      if (Bus* found = find_bus(bridge->secondary(), name)) return found;
  return nullptr;
}

// --- Memory and I/O.

// What of the new claim nobody has yet.
void Host::insert(std::vector<Claim>& into, const Claim& claim) {
  std::vector<Claim> pieces;
  uint64_t first = claim.first;
  for (const Claim& other : into) {
    if (other.last < first) continue;
    if (other.first > claim.last) break;
    if (other.first > first)
      pieces.push_back({first, other.first - 1, claim.base, claim.function, claim.bar});
    if (other.last >= claim.last) {
      first = claim.last;  // nothing is left
      goto done;
    }
    first = other.last + 1;
  }
  pieces.push_back({first, claim.last, claim.base, claim.function, claim.bar});
done:
  into.insert(into.end(), pieces.begin(), pieces.end());
  std::sort(into.begin(), into.end(), [](const Claim& a, const Claim& b) { return a.first < b.first; });
}

void Host::collect(const Bus& bus, Space space, const std::vector<Range>& reachable) {
  std::vector<Claim>& claims = maps_[static_cast<size_t>(space)].claims;
  for (const auto& [devfn, function] : bus.functions()) {
    for (unsigned bar = 0; bar < Function::kClaims; ++bar) {
      const auto range = function->decoded(bar);
      if (!range || function->space_of(bar) != space) continue;
      for (const Range& part : intersection(reachable, {*range}))
        insert(claims, {part.first, part.last, range->first, function.get(), bar});
    }
    if (Bridge* bridge = function->as_bridge()) {
      const auto beyond = intersection(reachable, bridge->forwarded(space));
      if (!beyond.empty()) collect(bridge->secondary(), space, beyond);
    }
  }
}

void Host::refresh_claims() {
  if (!stale_) return;
  stale_ = false;
  for (Space each : {Space::kMemory, Space::kIo}) {
    maps_[static_cast<size_t>(each)] = {};
    collect(root_, each, {kEverything});
  }
}

std::optional<uint64_t> Host::place_of(const Function& function, unsigned bar) {
  refresh_claims();
  for (const Claim& c : maps_[static_cast<size_t>(Space::kMemory)].claims)
    if (c.function == &function && c.bar == bar && c.first == c.base &&
        c.last - c.first == function.bar(bar).size - 1)
      return c.base;
  return std::nullopt;
}

const Host::Claim* Host::claim(Space space, uint64_t address, unsigned width) {
  refresh_claims();
  Map& map = maps_[static_cast<size_t>(space)];
  const auto has = [&](const Claim& c) {
    return address >= c.first && address <= c.last && width - 1 <= c.last - address;
  };
  if (map.recent < map.claims.size() && has(map.claims[map.recent])) return &map.claims[map.recent];
  const auto after = std::upper_bound(map.claims.begin(), map.claims.end(), address,
                                      [](uint64_t at, const Claim& c) { return at < c.first; });
  if (after == map.claims.begin()) return nullptr;
  const Claim& found = *(after - 1);
  if (!has(found)) return nullptr;
  map.recent = static_cast<size_t>(after - map.claims.begin()) - 1;
  return &found;
}

uint64_t Host::read(Space space, uint64_t address, Width width) {
  const Claim* c = claim(space, address, bytes(width));
  return low_bytes(c ? c->function->access_read(c->bar, address - c->base, width) : ~uint64_t{0}, width);
}

void Host::write(Space space, uint64_t address, Width width, uint64_t value) {
  const Claim* c = claim(space, address, bytes(width));
  if (c) c->function->access_write(c->bar, address - c->base, width, low_bytes(value, width));
}

// --- Lines.

// Bridges turn the pins by their slot (PCI-to-PCI Bridge 1.2, 9.1).
void Host::line_changed(const Function& function, bool level) {
  unsigned pin = (function.config(kInterruptPin, 1) - 1) & 3;
  const Function* at = &function;
  while (const Bridge* bridge = at->bus()->bridge()) {
    pin = (pin + at->slot()) & 3;
    at = bridge;
  }
  const unsigned line =
      config_.line_of_pin ? config_.line_of_pin(at->slot(), pin) % 8 : (at->slot() + pin) % 4;
  unsigned& count = asserted_[line];
  assert(level || count != 0);
  count = level ? count + 1 : count - 1;
  if (count <= 1) config_.lines[line].set(count != 0);
}

}  // namespace mynah::dev::pci
