// SPDX-License-Identifier: Apache-2.0
//
// pci::Function: one PCI or PCI Express function, what all have in common: configuration space, BARs,
// capabilities, interrupts, DMA, reset, saved state (PCI Local Bus 3.0, PCI Express Base 4.0).
//
// A device is a class derived from it:
//
//     class Card final : public pci::Function {
//      public:
//       explicit Card(Log& log)
//           : Function("card", {.vendor = 0x1b36, .device = 0x00ff, .class_code = 0x020000, .interrupt_pin =
//           1},
//                      log) {
//         add_bar(0, pci::BarKind::kMemory32, 0x1000);  // registers
//         add_msix_bar(4, 1);                            // four vectors; their table is alone in BAR 1
//         add_power_management();
//         add_express(pci::PortType::kEndpoint, /*function_level_reset=*/true);
//       }
//       uint32_t state_version() const override { return 1; }
//
//      private:
//       uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
//       void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
//       void reset_model() override;                      // power on, bus reset, function-level reset
//       void serialize_model(StateStream& s) override;    // the model's own registers
//     };
//
// To have a buffer of the guest it calls dma().read(address, ...), which fails while the guest has bus
// mastering off, and to interrupt `notify(vector)`, which sends a message where the guest has enabled
// MSI-X or MSI and else returns false; for those guests it keeps its line by set_intx(level). set_intx may be
// called always: it shows on the wire only where no messages are enabled. No model handles
// configuration space, MSI-X table, masks, pending bits or addresses of BARs.
//
// It is plugged into a bus by a board (docs/ARCHITECTURE.md, "A PCI device").
//
// All offsets, widths and values come from the guest: bar_read and bar_write are called with offset + width
// <= the BAR's size and any alignment; whatever a function does not decode reads as it says, by habit 0.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/pci/registers.h"

namespace mynah::dev::pci {

class Bridge;
class Bus;

enum class Space : uint8_t { kMemory, kIo };
enum class BarKind : uint8_t { kIo, kMemory32, kMemory64, kPrefetchable64 };  // 64: takes two BARs
// Of configuration space: 256 bytes, or 4 KiB.
enum class ConfigSize : uint16_t { kConventional = 0x100, kExpress = 0x1000 };
// Device/port types, PCI Express Base 4.0, 7.5.3.2.
enum class PortType : uint8_t {
  kEndpoint = 0,
  kRootPort = 4,
  kUpstreamPort = 5,
  kDownstreamPort = 6,
  kBridgeToPci = 7,
  kIntegratedEndpoint = 9,
};

struct Identity {
  uint16_t vendor = 0, device = 0;
  uint32_t class_code = 0;  // class << 16 | subclass << 8 | programming interface
  uint8_t revision = 0;
  uint16_t subsystem_vendor = 0x1af4, subsystem = 0x1100;
  uint8_t interrupt_pin = 0;  // 1 is INTA; 0: has no line
};

// A range of bus addresses, both ends included.
struct Range {
  uint64_t first, last;
};

class Function : public Stateful {
 public:
  // `name` must outlive the function (a literal).
  Function(std::string_view name, const Identity& identity, Log& log,
           ConfigSize config_size = ConfigSize::kExpress);
  ~Function() override;
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 1; }

  virtual Bridge* as_bridge() { return nullptr; }

  std::string id;     // what a person calls it; may be empty
  std::string title;  // what it is, for messages; empty: name()

  // --- For bus, bridge and host.
  // Any offset and width (1, 2, 4): beyond the end of configuration space all ones and no effect.
  uint32_t config_read(unsigned offset, unsigned width);
  void config_write(unsigned offset, unsigned width, uint32_t value);
  // A BAR's range while it is decoded; `bar` may be kRomBar, or kOwnRange and up.
  std::optional<Range> decoded(unsigned bar) const;
  Space space_of(unsigned bar) const;
  uint64_t access_read(unsigned bar, uint64_t offset, Width width);
  void access_write(unsigned bar, uint64_t offset, Width width, uint64_t value);
  // Once, before the first reset. A model that depends on the kind of bus does the rest of its set-up in
  // attached().
  void attach(Bus& bus, unsigned devfn, bool multifunction);
  // An expansion ROM (PCI Local Bus 3.0, 6.2.5.2); before attach(), once.
  void add_rom(std::vector<uint8_t> contents);
  Bus* bus() const { return bus_; }
  unsigned devfn() const { return devfn_; }  // device << 3 | function
  unsigned slot() const { return devfn_ >> 3; }
  uint16_t requester_id() const;
  bool drives_line() const { return wire_; }
  static constexpr unsigned kBars = 6;
  // What is claimed beside the BARs: the expansion ROM, and ranges that a model's own registers place.
  static constexpr unsigned kRomBar = 6, kOwnRange = 7, kOwnRanges = 2, kClaims = kOwnRange + kOwnRanges;
  struct Bar {
    BarKind kind = BarKind::kMemory32;
    uint64_t size = 0;  // bytes, a power of two; 0: there is none
  };
  const Bar& bar(unsigned n) const { return bars_[n]; }
  uint64_t bar_address(unsigned n) const;  // as the guest has set it, decoded or not
  // Registers as they are, without effects of reading; offset + width is within configuration space.
  uint32_t config(unsigned offset, unsigned width) const;

  // Power on, reset of the bus (hot reset), function-level reset: all the same to a function.
  void reset() override;

 protected:
  // --- For a model's constructor, and for attached().
  // 16 bytes to 2^40, a power of two; I/O 4 to 256.
  void add_bar(unsigned n, BarKind kind, uint64_t size);
  // A range of addresses that no BAR stands for; bar_read and bar_write have it as kOwnRange + n.
  void add_range(unsigned n, Space space, uint64_t size);
  // In front of the list. Returns its offset; the bytes behind the header are 0 and read-only.
  unsigned add_capability(Capability id, unsigned bytes);
  unsigned add_extended_capability(uint16_t id, uint8_t version, unsigned bytes);
  void add_power_management();
  // An endpoint becomes an integrated one on a root bus.
  void add_express(PortType type, bool function_level_reset = false);
  void add_msi(unsigned vectors, bool per_vector_mask = true);  // a power of two, at most 32
  // The table and its pending bits lie in BAR `bar` at these offsets, multiples of 8, and do not overlap; the
  // model sees no access to them. At most 2048 vectors.
  void add_msix(unsigned vectors, unsigned bar, uint64_t table, uint64_t pending);
  // The same, with a BAR made for nothing else.
  void add_msix_bar(unsigned vectors, unsigned bar, BarKind kind = BarKind::kMemory32);
  unsigned capability(Capability id) const;  // its offset, 0 when there is none

  // Bits that the guest may write; that it clears by writing 1; that the model changes by set_config().
  void let_write(unsigned offset, unsigned width, uint32_t mask);
  void let_clear(unsigned offset, unsigned width, uint32_t mask);
  void let_change(unsigned offset, unsigned width, uint32_t mask);
  void set_config(unsigned offset, unsigned width, uint32_t value);

  // --- For a model.
  // Guest memory, while bus mastering is on here and in every bridge above; else every access fails.
  DmaMemory& dma() { return dma_; }
  bool bus_master() const { return upstream() != nullptr; }
  void set_intx(bool level);
  // Sends vector n (modulo what the guest has enabled with MSI), or keeps it pending where it is masked.
  // False: neither MSI-X nor MSI is enabled.
  bool notify(unsigned n);
  bool messages_enabled() const { return msix_enabled() || msi_enabled(); }
  bool msix_enabled() const;
  bool msi_enabled() const;
  unsigned msix_vectors() const { return static_cast<unsigned>(table_.size() / kMsixEntryBytes); }
  void guest_error(std::string_view message) const { log_.guest_error(name_, message); }
  void unimplemented(std::string_view message) const { log_.unimplemented(name_, message); }
  // Where own range n is; absent: nowhere.
  void place_range(unsigned n, std::optional<uint64_t> base);
  // What bus addresses the function claims may have changed, other than by its BARs and command register.
  void claims_changed();

  // --- For a model to implement.
  virtual uint64_t bar_read(unsigned, uint64_t, Width) { return 0; }
  virtual void bar_write(unsigned, uint64_t, Width, uint64_t) {}
  virtual void reset_model() {}
  virtual void serialize_model(StateStream&) {}
  virtual void attached(const Bus&) {}
  // After the registers have changed: for capabilities of the model's own.
  virtual void config_written(unsigned, unsigned) {}
  // A register whose reading has an effect or whose value is made at that moment; called before it is read.
  virtual void before_config_read(unsigned, unsigned) {}
  // Someone enabled, disabled or masked messages: vectors that the model holds back may go now.
  virtual void messages_changed() {}

  Log& log_;

 private:
  struct Dma final : DmaMemory {
    explicit Dma(Function& function) : function(function) {}
    bool read(uint64_t pa, void* to, size_t n) override;
    bool write(uint64_t pa, const void* from, size_t n) override;
    uint8_t* map(uint64_t pa, size_t n, bool for_write) override;
    bool discard(uint64_t pa, size_t n) override;
    Function& function;
  };
  struct MsixPlace {
    unsigned bar = 0;
    uint64_t table = 0, pending = 0;
  };

  void serialize_state(StateStream&) override;
  void name_card(std::vector<uint8_t>& rom) const;
  DmaMemory* upstream() const;
  void set(std::vector<uint8_t>& to, unsigned offset, unsigned width, uint32_t bits);
  bool in_d0() const;
  void update_line();
  void send(uint64_t address, uint32_t data);
  // function_interrupts.cpp
  bool msix_masked(unsigned n) const;
  void send_msix(unsigned n);
  void send_pending();
  unsigned msi_vectors_enabled() const;
  uint64_t msi_message_address() const;
  bool in_msix(unsigned bar, uint64_t offset, unsigned width) const;
  uint64_t msix_read(uint64_t offset, unsigned width) const;
  void msix_write(uint64_t offset, unsigned width, uint64_t value);
  void reset_interrupts();
  void serialize_interrupts(StateStream&);

  const std::string_view name_;
  Dma dma_{*this};
  Bus* bus_ = nullptr;
  unsigned devfn_ = 0;
  std::array<Bar, kBars> bars_;
  unsigned next_capability_ = kFirstCapability, last_extended_ = 0;
  unsigned next_extended_ = kFirstExtendedCapability;
  unsigned pm_ = 0, express_ = 0, msi_ = 0, msix_ = 0;  // offsets of these capabilities, or 0
  MsixPlace msix_place_;

  // A byte each of configuration space. What is in none of the masks is the same after every reset.
  std::vector<uint8_t> config_, initial_, writable_, clearable_, changeable_;
  std::vector<uint8_t> rom_;
  struct OwnRange {
    Space space = Space::kIo;
    uint64_t size = 0;
    std::optional<uint64_t> base;
  };
  std::array<OwnRange, kOwnRanges> ranges_;
  std::vector<uint8_t> table_;    // of MSI-X, as the guest sees it
  std::vector<uint8_t> pending_;  // of MSI-X, a bit a vector
  bool sealed_ = false;           // attach() is over: initial_ holds
  bool intx_ = false;             // what the model wants
  bool wire_ = false;             // what the line shows
};

}  // namespace mynah::dev::pci
