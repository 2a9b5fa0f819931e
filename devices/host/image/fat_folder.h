// SPDX-License-Identifier: Apache-2.0
//
// FatFolder: a folder of the host as a disk with a FAT file system, which is only read: "fat:FOLDER" is a
// hard disk of 504 MiB (FAT16 in its first partition), "fat:floppy:FOLDER" a floppy disk of 1.44 MB (FAT12).
//
// What the folder has is found out when it is opened; contents of files are read when the guest reads them.
// Names have their long form. Links to folders, and what is neither file nor folder, are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/host/fd.h"
#include "devices/host/image/fat_layout.h"
#include "devices/host/image/read_only_image.h"
#include "ir/result.h"

namespace mynah::host {

constexpr std::string_view kFatPrefix = "fat:";

// `spec` is "fat:", perhaps "floppy:", "16:", "12:" or "ro:", and the folder.
Result<std::unique_ptr<dev::BlockBackend>> open_fat_folder(std::string_view spec);

class FatFolder final : public ReadOnlyImage {
 public:
  static Result<std::unique_ptr<FatFolder>> open(const std::string& folder, const FatGeometry& geometry);

  uint64_t size() const override { return layout_.geometry().disk_bytes(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override;

 private:
  explicit FatFolder(FatLayout layout) : layout_(std::move(layout)) {}
  bool read_file(const FatLayout::File& file, uint64_t offset, std::span<uint8_t> to);

  FatLayout layout_;
  // The file that was read last.
  std::string open_path_;
  UniqueFd open_file_;
};

}  // namespace mynah::host
