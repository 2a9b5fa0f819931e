// SPDX-License-Identifier: Apache-2.0
//
// Images and their chains of backing files.
#include "devices/host/image/open_image.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "devices/host/foreign_format.h"
#include "devices/host/image/block_image.h"
#include "devices/host/image/fat_folder.h"
#include "devices/host/image/qcow2_image.h"
#include "devices/host/image/vmdk_image.h"
#include "devices/host/raw_image.h"

namespace mynah::host {

namespace {

constexpr size_t kMostBackingFiles = 100;
using Identity = std::pair<dev_t, ino_t>;

Result<std::unique_ptr<dev::BlockBackend>> open_link(const std::string& path, std::string_view format,
                                                     const ImageOptions& options,
                                                     std::vector<Identity>& chain);

// The name as an image has it: perhaps with a protocol before it.
Result<std::string> backing_path(const std::string& image, std::string name) {
  if (name.starts_with("file:")) name.erase(0, 5);
  const size_t colon = name.find(':'), slash = name.find('/');
  if (colon != std::string::npos && (slash == std::string::npos || colon < slash))
    return error(
        "the image '{}' rests on '{}', which is no file; make a whole one with qemu-img convert -O qcow2",
        image, name);
  if (name.starts_with('/')) return name;
  const size_t end = image.rfind('/');
  return end == std::string::npos ? name : image.substr(0, end + 1) + name;
}

Result<std::unique_ptr<dev::BlockBackend>> open_qcow2(std::unique_ptr<ImageFile> file,
                                                      const ImageOptions& options,
                                                      std::vector<Identity>& chain) {
  const std::string path = file->path();
  const auto header = read_qcow2_header(*file, path, !options.read_only);
  if (!header) return header.error();
  std::unique_ptr<dev::BlockBackend> backing;
  if (!header->backing_file.empty()) {
    const auto below = backing_path(path, header->backing_file);
    if (!below) return below.error();
    ImageOptions reading = options;
    reading.read_only = true;
    reading.any_contents = header->backing_format == "raw";
    auto opened = open_link(*below, header->backing_format, reading, chain);
    if (!opened) return error("{} (the image '{}' rests on it)", opened.message(), path);
    backing = std::move(*opened);
  }
  auto image = Qcow2Image::open(std::move(file), *header, std::move(backing), path,
                                {options.read_only, options.discard, options.report});
  if (!image) return image.error();
  return std::unique_ptr<dev::BlockBackend>(std::move(*image));
}

// Formats that are only read.
Result<std::unique_ptr<dev::BlockBackend>> open_foreign(std::unique_ptr<ImageFile> file,
                                                        std::string_view format,
                                                        const ImageOptions& options) {
  const std::string path = file->path();
  if (!options.read_only)
    return error(
        "the {} image '{}' can be read here and not written; add readonly=on or -snapshot, or make one that "
        "can "
        "with qemu-img convert -O qcow2",
        format, path);
  if (format == "vdi") return open_vdi(std::move(file), path);
  if (format == "vhdx") return open_vhdx(std::move(file), path);
  const std::string folder = path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  return open_vmdk(std::move(file), path, [&](const std::string& name) -> Result<std::unique_ptr<ByteStore>> {
    auto extent = ImageFile::open(folder + name, options);
    if (!extent) return extent.error();
    return std::unique_ptr<ByteStore>(std::move(*extent));
  });
}

Result<std::unique_ptr<dev::BlockBackend>> open_link(const std::string& path, std::string_view format,
                                                     const ImageOptions& options,
                                                     std::vector<Identity>& chain) {
  auto file = ImageFile::open(path, options);
  if (!file) return file.error();
  if (std::find(chain.begin(), chain.end(), (*file)->identity()) != chain.end())
    return error("the image '{}' rests on itself by its backing files; mend it with qemu-img rebase -u",
                 path);
  if (chain.size() > kMostBackingFiles)
    return error("there are more than {} backing files below '{}'; make fewer with qemu-img rebase",
                 kMostBackingFiles, path);
  chain.push_back((*file)->identity());
  auto found = RawImage::Format::kSaid;
  if (format.empty()) {
    std::array<uint8_t, kForeignHead> head{};
    if (!(*file)->read(0, head)) return error("cannot read the disk image '{}'; check the file", path);
    const ForeignFormat* known = foreign_format(head);
    format = known && is_image_format(known->name) ? known->name : "raw";
    found = RawImage::Format::kFoundOut;
  }
  if (format == "qcow2") return open_qcow2(std::move(*file), options, chain);
  if (format != "raw" && is_image_format(format)) return open_foreign(std::move(*file), format, options);
  if (format != "raw")
    return error(
        "the image '{}' is said to be of the format '{}', which is missing here; make one with qemu-img "
        "convert -O qcow2",
        path, format);
  if (!options.any_contents)
    if (auto plain = check_raw_contents(**file); !plain) return plain.error();
  return std::unique_ptr<dev::BlockBackend>(std::make_unique<RawImage>(std::move(*file), found));
}

}  // namespace

bool is_image_format(std::string_view name) {
  static constexpr std::string_view kNames[] = {"raw", "qcow2", "vmdk", "vdi", "vhdx"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

Result<std::unique_ptr<dev::BlockBackend>> open_image(const std::string& path, std::string_view format,
                                                      const ImageOptions& options) {
  if (path.starts_with(kFatPrefix)) return open_fat_folder(path);
  std::vector<Identity> chain;
  return open_link(path, format, options, chain);
}

}  // namespace mynah::host
