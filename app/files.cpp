// SPDX-License-Identifier: Apache-2.0
//
// A file is read to its end rather than to the size it claims, since pipes and devices claim none; the limit
// holds either way.
#include "app/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "app/text.h"
#include "devices/host/fd.h"

namespace mynah::app {

using host::UniqueFd;

Result<std::vector<uint8_t>> read_file(const std::string& path, const std::string& what,
                                       const std::string& option, uint64_t limit, EmptyFile empty) {
  const std::string cannot = "cannot read the " + what + " '" + path + "': ";
  const auto failed = [&](int error) {
    return Error{cannot + host::errno_text(error) + "; check " + option};
  };
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return failed(errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failed(errno);
  if (S_ISDIR(info.st_mode)) return failed(EISDIR);
  const auto too_large = [&] {
    return Error{
        "the " + what + " '" + path + "' is larger than the " + size_text(limit) +
        " that there is room for; " +
        (option == "-bios" || option == "-dtb" ? "check " + option : "use a larger -m, or check " + option)};
  };
  if (S_ISREG(info.st_mode) && static_cast<uint64_t>(info.st_size) > limit) return too_large();
  std::vector<uint8_t> bytes(S_ISREG(info.st_mode) ? static_cast<size_t>(info.st_size) + 1 : 65536);
  size_t size = 0;
  for (;;) {
    const ssize_t n = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    if (n == 0) break;
    size += static_cast<size_t>(n);
    if (size > limit) return too_large();
    if (size == bytes.size()) bytes.resize(size * 2);
  }
  if (size == 0 && empty == EmptyFile::kRefused)
    return Error{"the " + what + " '" + path + "' is empty; check " + option};
  bytes.resize(size);
  return bytes;
}

std::string find_firmware(const std::string& name, std::span<const std::string> folders,
                          std::span<const std::string_view> usual) {
  if (name.find('/') != std::string::npos || ::access(name.c_str(), F_OK) == 0) return name;
  std::vector<std::string> all(folders.begin(), folders.end());
  all.insert(all.end(), usual.begin(), usual.end());
  for (const std::string& folder : all)
    if (std::string path = folder + "/" + name; ::access(path.c_str(), F_OK) == 0) return path;
  return name;
}

bool is_cd_image(const std::string& path) {
  char magic[5] = {};
  std::ifstream file(path, std::ios::binary);
  return file.seekg(0x8001).read(magic, sizeof magic) && std::memcmp(magic, "CD001", sizeof magic) == 0;
}

Result<void> write_file(const std::string& path, const std::string& what, std::span<const uint8_t> bytes) {
  const auto failed = [&](int error) {
    return Error{"cannot write the " + what + " '" + path + "': " + host::errno_text(error) +
                 "; give a path that you may write to, with enough space"};
  };
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
  if (!fd) return failed(errno);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  if (::close(fd.release()) != 0) return failed(errno);
  return {};
}

uint64_t host_memory() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  return (uint64_t{info.totalram} + info.totalswap) * info.mem_unit;
}

}  // namespace mynah::app
