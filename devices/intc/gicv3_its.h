// SPDX-License-Identifier: Apache-2.0
//
// GICv3 Interrupt Translation Service, Arm IHI 0069 chapter 5 and section 12.19: messages of devices become
// LPIs. Physical interrupts alone (GITS_TYPER.Virtual reads 0), no collections without memory (HCC 0),
// targets named by processor number (PTA 0), 16-bit device, event and collection IDs, device and collection
// tables flat or of two levels.
//
// Window of two frames of 0x10000 bytes: control, and translation, which has GITS_TRANSLATER alone. Tables
// and commands are in guest memory and read at each use; nothing of them is kept. Their layout is this
// device's own:
//   device table      Valid [63], ITT address [51:8], EventID bits less one [4:0]
//   collection table  Valid [63], processor number [15:0]
//   translations      Valid [63], collection [47:32], LPI [15:0]
//
// A command that the manual calls an error is logged and left out; the queue stalls (GITS_CREADR.Stalled)
// only where it is not in RAM. All commands of a write are complete when it returns: at most one queue of
// them, each of bounded work, so SYNC has nothing to wait for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "devices/core/device.h"
#include "devices/intc/gicv3.h"
#include "devices/pci/msi_target.h"

namespace mynah::dev {

class Gicv3Its final : public Device, public pci::MsiTarget {
 public:
  static constexpr uint64_t kWindowSize = 0x20000;
  static constexpr Offset kTranslater = 0x10040;  // where messages go, from the start of the window

  // The GIC must have LPIs. base: where devices on a bus see the window.
  Gicv3Its(Gicv3& gic, DmaMemory& memory, Log& log, uint64_t base);

  std::string_view name() const override { return "gicv3-its"; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  uint32_t state_version() const override { return 1; }

  // pci::MsiTarget: requester is the device ID, data the event ID.
  bool message(uint64_t address, uint32_t data, uint16_t requester) override;

 private:
  using Command = std::array<uint64_t, 4>;
  enum BaserIndex : unsigned { kDevices, kCollections, kBasers };
  struct DeviceEntry {
    uint64_t itt;
    unsigned event_bits;
  };
  struct Translation {
    uint64_t entry;  // address of its entry
    unsigned collection, intid;
  };

  void serialize_state(StateStream&) override;
  uint64_t read_word(Offset offset);
  void signal(uint32_t device_id, uint32_t event_id);
  void write_register(Offset offset, uint64_t value, uint64_t mask);
  void set_baser(unsigned n, uint64_t value);
  void guest_error(std::string_view what);

  // gicv3_its_tables.cpp
  std::optional<uint64_t> entry_address(unsigned table, uint64_t id);
  std::optional<uint64_t> load(uint64_t pa);
  bool store(uint64_t pa, uint64_t value);
  std::optional<DeviceEntry> device(uint32_t device_id);
  std::optional<unsigned> target(unsigned collection);
  std::optional<uint64_t> translation_address(uint32_t device_id, uint32_t event_id);
  std::optional<Translation> translate(uint32_t device_id, uint32_t event_id);

  // gicv3_its_commands.cpp
  void run_commands();
  bool execute(const Command&);
  bool map_device(const Command&);
  bool map_collection(const Command&);
  bool map_interrupt(const Command&, unsigned intid);
  bool move_interrupt(const Command&);
  bool on_interrupt(const Command&);

  Gicv3& gic_;
  DmaMemory& memory_;
  Log& log_;
  const uint64_t base_;
  bool enabled_ = false;  // GITS_CTLR.Enabled
  uint64_t cbaser_ = 0, cwriter_ = 0, creadr_ = 0;
  std::array<uint64_t, kBasers> basers_{};
};

}  // namespace mynah::dev
