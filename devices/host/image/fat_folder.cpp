// SPDX-License-Identifier: Apache-2.0
//
// The folder is walked once; a limit of names and depth keeps any tree finite.
#include "devices/host/image/fat_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "devices/host/image/image_file.h"

namespace mynah::host {

namespace {

constexpr unsigned kMostDepth = 32;
constexpr size_t kMostNames = 50000;

// False: too many, or too deep.
bool walk(const std::string& folder, unsigned depth, size_t& names, std::vector<FatEntry>& to) {
  if (depth > kMostDepth) return false;
  std::error_code failed;
  std::vector<std::string> found;
  for (auto i = std::filesystem::directory_iterator(folder, failed); !failed && i != std::filesystem::end(i);
       i.increment(failed)) {
    if (++names > kMostNames) return false;
    found.push_back(i->path().filename());
  }
  std::sort(found.begin(), found.end());
  for (const std::string& name : found) {
    FatEntry entry;
    entry.name = name;
    entry.path = folder + "/" + name;
    struct stat itself {
    }, target{};
    if (::lstat(entry.path.c_str(), &itself) != 0 || ::stat(entry.path.c_str(), &target) != 0) continue;
    entry.folder = S_ISDIR(itself.st_mode);
    if (!entry.folder && !S_ISREG(target.st_mode)) continue;
    entry.bytes = entry.folder ? 0 : static_cast<uint64_t>(target.st_size);
    entry.modified = target.st_mtime;
    if (entry.folder && !walk(entry.path, depth + 1, names, entry.inside)) return false;
    to.push_back(std::move(entry));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<dev::BlockBackend>> open_fat_folder(std::string_view spec) {
  std::string_view folder = spec.substr(kFatPrefix.size());
  const FatGeometry* geometry = &kFatDisk;
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view word : {"floppy:", "12:", "16:", "32:", "ro:", "rw:"}) {
      if (!folder.starts_with(word)) continue;
      if (word == "rw:" || word == "32:")
        return error("'{}': a folder is only read here, with FAT12 or FAT16; leave {} out", spec, word);
      if (word == "floppy:" || word == "12:") geometry = &kFatFloppy;
      folder.remove_prefix(word.size());
      more = true;
    }
  }
  auto made = FatFolder::open(std::string(folder), *geometry);
  if (!made) return made.error();
  return std::unique_ptr<dev::BlockBackend>(std::move(*made));
}

Result<std::unique_ptr<FatFolder>> FatFolder::open(const std::string& folder, const FatGeometry& geometry) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return error("there is no folder '{}'; give fat: one of the host's folders", folder);
  std::vector<FatEntry> root;
  size_t names = 0;
  if (!walk(folder, 0, names, root))
    return error("the folder '{}' has more than {} files, or is more than {} deep; give fat: a smaller one",
                 folder, kMostNames, kMostDepth);
  auto layout = FatLayout::make(geometry, root);
  if (!layout)
    return error(
        "the folder '{}' has more than there is room for on a disk of {} KiB; give fat: a smaller one",
        folder, geometry.disk_bytes() >> 10);
  return std::unique_ptr<FatFolder>(new FatFolder(std::move(*layout)));
}

// What a file has no longer reads as zeroes.
bool FatFolder::read_file(const FatLayout::File& file, uint64_t offset, std::span<uint8_t> to) {
  std::fill(to.begin(), to.end(), uint8_t{0});
  if (offset >= file.bytes) return true;
  to = to.first(static_cast<size_t>(std::min<uint64_t>(to.size(), file.bytes - offset)));
  if (!file.contents.empty()) {
    if (offset < file.contents.size())
      std::copy_n(file.contents.begin() + static_cast<ptrdiff_t>(offset),
                  std::min<size_t>(to.size(), file.contents.size() - offset), to.begin());
    return true;
  }
  if (open_path_ != file.path) {
    open_file_ = UniqueFd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    open_path_ = file.path;
  }
  return open_file_ && read_fully(open_file_.get(), offset, to) == 0;
}

bool FatFolder::read(uint64_t offset, std::span<uint8_t> to) {
  if (!in_range(offset, to.size(), size())) return false;
  const FatGeometry& g = layout_.geometry();
  const uint64_t head = layout_.head().size();
  while (!to.empty()) {
    size_t n = to.size();
    if (offset < head) {
      n = static_cast<size_t>(std::min<uint64_t>(n, head - offset));
      std::copy_n(layout_.head().begin() + static_cast<ptrdiff_t>(offset), n, to.begin());
    } else {
      const uint64_t within = (offset - head) % g.cluster_bytes();
      const uint64_t cluster = 2 + (offset - head) / g.cluster_bytes();
      n = static_cast<size_t>(std::min<uint64_t>(n, g.cluster_bytes() - within));
      const FatLayout::File* file = layout_.file_at(static_cast<uint32_t>(cluster));
      if (!file)
        std::fill_n(to.begin(), n, uint8_t{0});
      else if (!read_file(*file, (cluster - file->first) * g.cluster_bytes() + within, to.first(n)))
        return false;
    }
    to = to.subspan(n);
    offset += n;
  }
  return true;
}

}  // namespace mynah::host
