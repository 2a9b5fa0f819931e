// SPDX-License-Identifier: Apache-2.0
//
// FwCfg: the firmware configuration device: items of bytes under 16-bit keys, some of them files with a
// name. Interface as published in QEMU's docs/specs/fw_cfg (DMA included); the device itself has the
// memory-mapped form, fw_cfg_ports.h the one of I/O ports.
//
// Guest interface, a window of 24 bytes:
//   0   data, 8 bytes, any width: the next bytes of the selected item, in address order
//   8   selector, 16 bits, big-endian, write only
//   16  DMA address, 64 bits, big-endian; writing its low half starts the operation
// DMA reads past the end of an item give zeroes; DMA writes must lie inside a writable item. The guest's
// lengths and addresses are checked, never trusted.
//
// Items are configuration: whoever restores a machine builds it with the same items first. The state holds
// the contents of writable items only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/core/device.h"

namespace mynah::dev {

class FwCfg final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 0x18;

  enum Register : Offset { kData = 0x00, kSelector = 0x08, kDma = 0x10 };
  // Well-known keys.
  enum Key : uint16_t {
    kSignature = 0x00,
    kId = 0x01,
    kUuid = 0x02,
    kRamSize = 0x03,
    kNoGraphic = 0x04,
    kCpuCount = 0x05,
    kMachineId = 0x06,
    kKernelAddress = 0x07,
    kKernelSize = 0x08,
    kKernelCommandLine = 0x09,
    kInitrdAddress = 0x0a,
    kInitrdSize = 0x0b,
    kBootDevice = 0x0c,
    kNuma = 0x0d,
    kBootMenu = 0x0e,
    kMaxCpus = 0x0f,
    kKernelEntry = 0x10,
    kKernelData = 0x11,
    kInitrdData = 0x12,
    kCommandLineAddress = 0x13,
    kCommandLineSize = 0x14,
    kCommandLineData = 0x15,
    kSetupAddress = 0x16,
    kSetupSize = 0x17,
    kSetupData = 0x18,
    kFileDirectory = 0x19,
    kFileFirst = 0x20,
    kArchLocal = 0x8000,     // bit 15: keys of one architecture
    kWriteChannel = 0x4000,  // bit 14: historic, ignored
  };
  enum DmaControl : uint32_t {
    kDmaError = 1 << 0,
    kDmaRead = 1 << 1,
    kDmaSkip = 1 << 2,
    kDmaSelect = 1 << 3,
    kDmaWrite = 1 << 4,
  };
  static constexpr size_t kMaxFileName = 55;  // bytes, without the terminating NUL
  static constexpr unsigned kMaxFiles = 1024;

  // Called when the guest selects a file, whose contents it may replace.
  using OnSelect = std::function<void()>;
  // Called after the guest wrote [offset, offset + n) of the item whose whole contents are `contents`.
  using OnWrite = std::function<void(std::span<const uint8_t> contents, size_t offset, size_t n)>;

  // memory and log outlive the device.
  FwCfg(DmaMemory& memory, Log& log, std::string name = "fw_cfg");

  // Adds or replaces the item under `key` (below kFileFirst, or with kArchLocal).
  void add_item(uint16_t key, std::vector<uint8_t> contents);
  void add_item(uint16_t key, std::string_view text);  // NUL-terminated for the guest
  void add_item_u16(uint16_t key, uint16_t value);     // little-endian, as all of these items
  void add_item_u32(uint16_t key, uint32_t value);
  void add_item_u64(uint16_t key, uint64_t value);
  // Adds a read-only file and returns its key. Nothing is added, and nothing returned, when the name is
  // empty, too long or taken, contains a NUL, or when the directory is full.
  std::optional<uint16_t> add_file(std::string_view name, std::vector<uint8_t> contents);
  // A file that the guest can overwrite by DMA, but not resize.
  std::optional<uint16_t> add_writable_file(std::string_view name, std::vector<uint8_t> contents,
                                            OnWrite on_write = {});
  // Replaces the contents of an existing file; false when there is none of that name.
  bool replace_file(std::string_view name, std::vector<uint8_t> contents);
  // Of an existing file: what is to be done before its contents are read; false when there is none.
  bool set_on_select(std::string_view name, OnSelect on_select);
  // Contents of an item or file; nullptr when there is none. Valid until the items change.
  const std::vector<uint8_t>* item(uint16_t key) const;
  const std::vector<uint8_t>* file(std::string_view name) const;
  // As the guest selects an item.
  void select(uint16_t key);

  std::string_view name() const override { return name_; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  uint32_t state_version() const override { return 1; }

 private:
  void serialize_state(StateStream&) override;
  struct Item {
    std::vector<uint8_t> contents;
    bool writable = false;
    OnWrite on_write;
    OnSelect on_select = {};
  };
  struct File {
    std::string name;
    uint16_t key;
  };

  std::optional<uint16_t> add(std::string_view name, Item item);
  const File* find(std::string_view name) const;
  void rebuild_directory();
  Item* selected();
  uint8_t next_byte();
  void start_dma();
  bool dma_read(uint64_t pa, uint32_t n);
  bool dma_write(uint64_t pa, uint32_t n);
  void skip(uint32_t n);

  DmaMemory& memory_;
  Log& log_;
  std::string name_;
  std::map<uint16_t, Item> items_;
  std::vector<File> files_;

  uint16_t selected_ = 0;
  uint64_t offset_ = 0;  // in the selected item; never beyond its end
  uint64_t dma_address_ = 0;
};

}  // namespace mynah::dev
