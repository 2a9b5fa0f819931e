// SPDX-License-Identifier: Apache-2.0
//
// BlockImage: a disk that is only read, in an image that keeps it by blocks of one size, wherever a table
// says. What the formats of other emulators have in common; each says where its blocks are.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "devices/host/image/byte_store.h"
#include "devices/host/image/read_only_image.h"
#include "ir/result.h"

namespace mynah::host {

class BlockImage : public ReadOnlyImage {
 public:
  uint64_t size() const override { return size_; }
  bool read(uint64_t offset, std::span<uint8_t> to) override;

 protected:
  BlockImage(uint64_t size, uint64_t block_size) : size_(size), block_size_(block_size) {}
  uint64_t block_size() const { return block_size_; }
  // Part of a block, never empty. False: the host failed, or the image is damaged there.
  virtual bool read_block(uint64_t block, uint64_t within, std::span<uint8_t> to) = 0;

 private:
  const uint64_t size_, block_size_;
};

// What is wrong with an image, as a sentence with what to do.
Error damaged_image(std::string_view format, const std::string& name, std::string_view what);

// A table or header of n bytes must lie in the file: so nothing is as large as an image claims alone.
bool lies_in(const ByteStore& store, uint64_t offset, uint64_t n);

// --- The formats. `name` is for messages.
// VirtualBox: dynamic and fixed, versions 1.1.
Result<std::unique_ptr<dev::BlockBackend>> open_vdi(std::unique_ptr<ByteStore> store,
                                                    const std::string& name);
// Hyper-V: dynamic and fixed, with an empty log ([MS-VHDX]).
Result<std::unique_ptr<dev::BlockBackend>> open_vhdx(std::unique_ptr<ByteStore> store,
                                                     const std::string& name);

// CRC-32C of a header or table of that format, in which the field of the checksum counts as zeroes.
uint32_t vhdx_checksum(std::span<const uint8_t> bytes);

}  // namespace mynah::host
