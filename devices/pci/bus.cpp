// SPDX-License-Identifier: Apache-2.0
//
// Functions are kept, reset and saved by their number.
#include "devices/pci/bus.h"

#include <cassert>

#include "devices/pci/bridge.h"
#include "devices/pci/host.h"

namespace mynah::dev::pci {

Bus::~Bus() = default;

Host& Bus::host() const { return bridge_ ? bridge_->bus()->host() : *host_; }

unsigned Bus::number() const { return bridge_ ? bridge_->secondary_number() : 0; }

Function* Bus::at(unsigned devfn) const {
  const auto found = functions_.find(devfn);
  return found == functions_.end() ? nullptr : found->second.get();
}

std::optional<unsigned> Bus::free_slot() const {
  for (unsigned slot = 0; slot < slots_; ++slot)
    if (!at(devfn_of(slot, 0))) return slot;
  return std::nullopt;
}

Function& Bus::plug(std::unique_ptr<Function> function, unsigned devfn, bool multifunction) {
  assert(!at(devfn) && devfn >> 3 < slots_);
  Function& plugged = *function;
  functions_[devfn] = std::move(function);
  plugged.attach(*this, devfn, multifunction);
  return plugged;
}

void Bus::reset() {
  for (const auto& [devfn, function] : functions_) function->reset();
}

void Bus::serialize(StateStream& stream) {
  auto count = static_cast<uint32_t>(functions_.size());
  stream.io(count);
  if (count != functions_.size()) return stream.fail();
  for (const auto& [devfn, function] : functions_) {
    uint32_t number = devfn;
    stream.io(number);
    if (number != devfn) stream.fail();
    if (stream.failed()) return;
    function->serialize(stream);
  }
}

}  // namespace mynah::dev::pci
