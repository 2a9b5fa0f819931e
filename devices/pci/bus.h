// SPDX-License-Identifier: Apache-2.0
//
// pci::Bus: up to 256 functions by device and function number. It owns them. The root bus belongs to the
// host, any other to the bridge that leads to it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "devices/core/state_stream.h"
#include "devices/pci/function.h"

namespace mynah::dev::pci {

class Bridge;
class Host;

constexpr unsigned kSlots = 32, kFunctions = 8;  // of a bus, of a slot
constexpr unsigned devfn_of(unsigned slot, unsigned function) { return slot << 3 | function; }

class Bus {
 public:
  // Below a PCI Express port there is one slot.
  Bus(Host& host, std::string name, bool express) : name(std::move(name)), host_(&host), express_(express) {}
  Bus(Bridge& bridge, bool express, unsigned slots) : bridge_(&bridge), express_(express), slots_(slots) {}
  ~Bus();
  Bus(const Bus&) = delete;

  std::string name;  // as bus= has it

  Host& host() const;
  Bridge* bridge() const { return bridge_; }  // null: the root bus
  unsigned number() const;                    // as the guest has numbered it
  bool express() const { return express_; }
  unsigned slots() const { return slots_; }

  Function* at(unsigned devfn) const;
  const std::map<unsigned, std::unique_ptr<Function>>& functions() const { return functions_; }
  // The first slot without a function 0.
  std::optional<unsigned> free_slot() const;
  // The place is free and in a slot that is there.
  Function& plug(std::unique_ptr<Function> function, unsigned devfn, bool multifunction = false);

  void reset();
  void serialize(StateStream& stream);

 private:
  Host* host_ = nullptr;
  Bridge* bridge_ = nullptr;
  bool express_ = true;
  unsigned slots_ = kSlots;
  std::map<unsigned, std::unique_ptr<Function>> functions_;
};

}  // namespace mynah::dev::pci
