// SPDX-License-Identifier: Apache-2.0
//
// The devices that -device knows: a row each (device_rows.cpp), which is all that a new one needs here. What
// every device on the same bus takes (bus=, addr=, vectors=, ...) comes with the bus (device_bus_keys.cpp).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/key_values.h"
#include "app/options.h"
#include "devices/core/char_backend.h"
#include "devices/core/host_backends.h"
#include "devices/storage/removable_drive.h"
#include "devices/virtio/virtio_balloon.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_scsi.h"
#include "machines/device_places.h"

namespace mynah::app {

// What stands behind devices on the host. Options have been checked: what an id names is there.
class DeviceBackends {
 public:
  virtual ~DeviceBackends() = default;
  virtual dev::BlockBackend& disk(const std::string& id) = 0;
  // Of a drive that may have none; null where that is so.
  virtual dev::BlockBackend* medium(const std::string& id) = 0;
  // The monitor changes its medium.
  virtual void made_removable(const DeviceOption& device, dev::RemovableDrive& drive) = 0;
  virtual dev::NetBackend& network(const std::string& id) = 0;
  virtual dev::EntropySource& entropy() = 0;
  virtual dev::EventQueue& events() = 0;
  virtual std::string unique_name(std::string_view kind) = 0;  // of an event: no other device gets it
  virtual uint64_t ram_bytes() const = 0;
  // What a guest calls to end the program, from inside of a slice; it stays valid.
  virtual std::function<void(int code)> exit_call() = 0;
  // What a watchdog calls when it has expired: -watchdog-action.
  virtual std::function<void()> watchdog_call() = 0;
  // The monitor knows the last one.
  virtual void made_balloon(dev::VirtioBalloon& balloon) = 0;
  // A -chardev; `what` is the device, for messages.
  virtual Result<dev::CharBackend*> line(const std::string& chardev, std::string_view what) = 0;
  // The ports of a virtio-serial device.
  virtual Result<std::vector<dev::VirtioConsole::PortOptions>> ports(const DeviceOption& device) = 0;
  // What is behind a SCSI adapter.
  virtual std::vector<dev::VirtioScsi::Place> scsi_units(const DeviceOption& adapter) = 0;
};

enum class DeviceBus : uint8_t {
  kPci,         // make_pci
  kVirtioPci,   // make_virtio, behind a virtio-pci transport; the name ends in "-pci"
  kVirtioMmio,  // make_virtio
  kSerialPort,  // a port of a virtio-serial device, which makes it
  kIsa,         // make_isa
  kIde,         // make_ide
  kScsi,        // behind an adapter, which makes it (make_scsi)
  kBoard,       // the board has it (options_board_parts.cpp)
};

struct DeviceRow {
  std::string_view name;
  DeviceKind kind;  // what has to stand behind it
  DeviceBus bus;
  std::span<const KeyRow<DeviceOption>> keys;  // its own, beside id and those of its bus
  std::string_view help;
  Result<VirtioFactory> (*make_virtio)(const DeviceOption&, DeviceBackends&) = nullptr;
  Result<PciFactory> (*make_pci)(const DeviceOption&, DeviceBackends&) = nullptr;
  Result<IsaFactory> (*make_isa)(const DeviceOption&, DeviceBackends&) = nullptr;
  IsaPlace usual_ports = {};  // of make_isa
  Result<IdeFactory> (*make_ide)(const DeviceOption&, DeviceBackends&) = nullptr;
  std::unique_ptr<dev::ScsiUnit> (*make_scsi)(const DeviceOption&, DeviceBackends&) = nullptr;
};

std::span<const DeviceRow> device_rows();
std::span<const DeviceRow> isa_device_rows();  // those of them on ISA

// A row and how the name spells it: "virtio-blk" is virtio-blk-pci, "virtio-blk-pci-transitional" the same in
// that form.
struct DeviceName {
  const DeviceRow* row = nullptr;  // null: there is none
  std::optional<dev::VirtioPci::Form> form;
};
DeviceName find_device(std::string_view name);

// All keys of a device: its own, then those of its bus.
std::vector<KeyRow<DeviceOption>> device_keys(const DeviceRow& row);

// Where it goes. The driver's form, where the name said one, is in it.
VirtioPlace virtio_place(const DeviceOption& device);
PciPlace pci_place(const DeviceOption& device);
IsaPlace isa_place(const DeviceOption& device);
IdePlace ide_place(const DeviceOption& device);

}  // namespace mynah::app
