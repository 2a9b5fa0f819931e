// SPDX-License-Identifier: Apache-2.0
//
// Where a device goes on a machine's buses, and how it is made there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/pci/function.h"
#include "devices/storage/ide_drive.h"
#include "devices/virtio/virtio_device.h"
#include "devices/virtio/virtio_pci.h"

namespace mynah {

// When firmware tries to start from a device.
struct BootPlace {
  std::optional<unsigned> index;  // the least first; absent: not by its own
  std::string unit;               // the last part of its path, behind the bus's: "disk@0,0"
};

struct PciPlace {
  std::string bus;               // empty: the root bus; else a bus's name, the id of a root port or bridge
  std::optional<unsigned> slot;  // absent: the first free one
  unsigned function = 0;         // below 8
  bool multifunction = false;    // says so in its header
  std::string id = {};           // the device's: a bridge's bus has its name
  BootPlace boot = {};
  std::vector<BootPlace> behind = {};  // of what it brings with it
  std::vector<uint8_t> rom = {};       // its expansion ROM, or none
};

struct VirtioPciPlace {
  PciPlace place;
  dev::VirtioPci::Options options;
};

// A slot of the board's virtio-mmio transports; absent: the last free one.
struct VirtioMmioPlace {
  std::optional<unsigned> slot;
  BootPlace boot = {};
  std::vector<BootPlace> behind = {};
};

using VirtioPlace = std::variant<VirtioPciPlace, VirtioMmioPlace>;

// I/O ports, as devices on ISA have them.
struct IsaPlace {
  uint16_t port = 0;
  unsigned ports = 1;
};

// On IDE or AHCI.
struct IdePlace {
  std::string bus;                // as "ide.1"; empty: the first that has a free place
  std::optional<unsigned> unit;   // absent: the first free one
  std::optional<unsigned> index;  // in place of both: the number among all places of the board's controller
  std::optional<unsigned> boot_index;
};

// DMA memory and log.
using VirtioFactory = std::function<std::unique_ptr<dev::VirtioDevice>(dev::DmaMemory&, dev::Log&)>;
// `number`: of its place among all that the machine has, from 1.
using IdeFactory = std::function<std::unique_ptr<dev::IdeDrive>(unsigned number, dev::Log&)>;
using IsaFactory = std::function<std::unique_ptr<dev::Device>(dev::Log&)>;
// A PCI function has its memory from its bus (pci::Function::dma()).
using PciFactory = std::function<std::unique_ptr<dev::pci::Function>(dev::EventQueue&, dev::Log&)>;

}  // namespace mynah
