// SPDX-License-Identifier: Apache-2.0
//
// AhciPort: one port of an AHCI controller (Serial ATA AHCI 1.3.1, 3.3 and chapter 5): its registers, a drive
// or none, and the engine that takes commands from a list in memory and moves their data.
//
// A command is carried out when its bit in PxCI is written, in the order of the slots; nothing is under way
// between two accesses. Behind an error no command is taken until software stops the port, as chapter 6 asks.
//
// What is not modelled: port multipliers, link power states, FIS-based switching.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "devices/core/device.h"
#include "devices/storage/ahci_fields.h"
#include "devices/storage/ide_drive.h"
#include "devices/virtio/scatter.h"

namespace mynah::dev {

class AhciPort {
 public:
  // `changed` is called after pending() may have.
  AhciPort(DmaMemory& memory, std::function<void()> changed);

  void plug(std::unique_ptr<IdeDrive> drive);
  IdeDrive* drive() const { return drive_.get(); }
  bool pending() const { return (interrupts() & enabled_) != 0; }

  void reset();
  uint32_t read(uint32_t offset) const;
  void write(uint32_t offset, uint32_t value);
  void serialize(StateStream& s);

 private:
  struct Command;

  uint32_t interrupts() const;
  uint32_t link_status() const;
  void write_command(uint32_t value);
  void write_control(uint32_t value);
  void connect();
  void run();
  void issue(unsigned slot);
  bool fetch(unsigned slot, Command& c);
  bool map_regions(Command& c);
  void control(const Command& c);
  void give(const Command& c);
  bool move(Command& c);
  bool move_by_dma(Command& c, ScatterCursor& at);
  bool move_by_words(Command& c, ScatterCursor& at);
  void complete(const Command& c);
  void stop(uint32_t interrupt);
  void note_status(uint8_t status, uint8_t error);
  void post(unsigned at, const void* fis, size_t n);
  void post_registers(bool interrupts);
  void post_pio_setup(uint8_t before, bool to_host, bool interrupts, uint32_t bytes);
  std::array<uint8_t, 20> registers_fis(uint8_t type, uint8_t flags) const;

  DmaMemory& memory_;
  const std::function<void()> changed_;
  std::unique_ptr<IdeDrive> drive_;
  uint64_t list_ = 0, received_ = 0;  // PxCLB, PxFB
  uint32_t interrupts_ = 0, enabled_ = 0, command_ = 0, task_file_ = 0, signature_ = 0;
  uint32_t control_ = 0, errors_ = 0, active_ = 0, issued_ = 0;
  bool stopped_ = false;        // by an error
  bool signature_due_ = false;  // the FIS of a drive that has come
  bool in_reset_ = false;       // by software
  std::vector<Segment> segments_;
};

}  // namespace mynah::dev
