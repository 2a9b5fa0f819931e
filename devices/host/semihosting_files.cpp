// SPDX-License-Identifier: Apache-2.0
//
// openat2 says EXDEV of a name that would lead out of the folder; to the guest that is EACCES. O_NONBLOCK, so
// that no pipe holds the machine up before it is seen to be none.
#include "devices/host/semihosting_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace mynah::host {
namespace {

constexpr mode_t kNewFile = 0644;

int open_beneath(int folder, const std::string& path, uint64_t flags, mode_t mode = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (fd < 0 && errno == EXDEV) errno = EACCES;
  return static_cast<int>(fd);
}

// Without the slashes that it begins with; empty: a name of no file.
std::string relative(const std::string& path) {
  const size_t start = path.find_first_not_of('/');
  return start == std::string::npos ? std::string() : path.substr(start);
}

bool is_regular(int folder, const std::string& name) {
  struct stat info {};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Result<std::unique_ptr<SemihostingFiles>> SemihostingFiles::open_folder(const std::string& path) {
  UniqueFd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder)
    return error("cannot use the folder '{}' for semihosting: {}; check folder=", path, errno_text(errno));
  if (!UniqueFd(open_beneath(folder.get(), ".", O_PATH)))
    return error("this host cannot keep a guest in the folder '{}' (openat2: {}); leave folder= out", path,
                 errno_text(errno));
  return std::unique_ptr<SemihostingFiles>(new SemihostingFiles(std::move(folder)));
}

dev::HostFiles::Answer SemihostingFiles::open(const std::string& path, Mode mode) {
  static constexpr int kFlags[] = {O_RDONLY,
                                   O_RDWR,
                                   O_WRONLY | O_CREAT | O_TRUNC,
                                   O_RDWR | O_CREAT | O_TRUNC,
                                   O_WRONLY | O_CREAT | O_APPEND,
                                   O_RDWR | O_CREAT | O_APPEND};
  const int flags = kFlags[static_cast<unsigned>(mode)];
  const std::string name = relative(path);
  if (name.empty()) return -ENOENT;
  // What is there is looked at before it is cut: a device would not take that well.
  const int cut = flags & O_TRUNC;
  UniqueFd fd(open_beneath(folder_.get(), name, (flags & ~O_TRUNC) | O_NONBLOCK | O_NOCTTY,
                           flags & O_CREAT ? kNewFile : 0));
  if (!fd) return -errno;
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return -errno;
  if (!S_ISREG(info.st_mode)) return S_ISDIR(info.st_mode) ? -EISDIR : -EACCES;
  if (cut && ::ftruncate(fd.get(), 0) != 0) return -errno;
  files_.emplace(next_, std::move(fd));
  return next_++;
}

int SemihostingFiles::descriptor(int64_t handle) const {
  const auto file = files_.find(handle);
  return file == files_.end() ? -1 : file->second.get();
}

dev::HostFiles::Answer SemihostingFiles::close(int64_t handle) {
  const auto file = files_.find(handle);
  if (file == files_.end()) return -EBADF;
  const int fd = file->second.release();
  files_.erase(file);
  return ::close(fd) == 0 ? 0 : -errno;
}

dev::HostFiles::Answer SemihostingFiles::read(int64_t handle, std::span<uint8_t> to) {
  const ssize_t n = ::read(descriptor(handle), to.data(), to.size());
  return n < 0 ? -errno : n;
}

dev::HostFiles::Answer SemihostingFiles::write(int64_t handle, std::span<const uint8_t> from) {
  const ssize_t n = ::write(descriptor(handle), from.data(), from.size());
  return n < 0 ? -errno : n;
}

dev::HostFiles::Answer SemihostingFiles::seek(int64_t handle, uint64_t position) {
  if (position > static_cast<uint64_t>(std::numeric_limits<off_t>::max())) return -EINVAL;
  return ::lseek(descriptor(handle), static_cast<off_t>(position), SEEK_SET) < 0 ? -errno : 0;
}

dev::HostFiles::Answer SemihostingFiles::length(int64_t handle) {
  struct stat info {};
  return ::fstat(descriptor(handle), &info) == 0 ? info.st_size : -errno;
}

dev::HostFiles::Answer SemihostingFiles::find(const std::string& path, Place& to) const {
  const std::string name = relative(path);
  const size_t slash = name.rfind('/');
  to.name = slash == std::string::npos ? name : name.substr(slash + 1);
  if (to.name.empty() || to.name == "." || to.name == "..") return -EINVAL;
  to.folder.reset(open_beneath(folder_.get(), slash == std::string::npos ? "." : name.substr(0, slash),
                               O_PATH | O_DIRECTORY));
  return to.folder ? 0 : -errno;
}

dev::HostFiles::Answer SemihostingFiles::remove(const std::string& path) {
  Place place;
  if (const Answer found = find(path, place); found < 0) return found;
  if (!is_regular(place.folder.get(), place.name)) {
    return ::faccessat(place.folder.get(), place.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) ? -errno : -EACCES;
  }
  return ::unlinkat(place.folder.get(), place.name.c_str(), 0) == 0 ? 0 : -errno;
}

dev::HostFiles::Answer SemihostingFiles::rename(const std::string& from, const std::string& to) {
  Place source, target;
  if (const Answer found = find(from, source); found < 0) return found;
  if (const Answer found = find(to, target); found < 0) return found;
  if (!is_regular(source.folder.get(), source.name))
    return ::faccessat(source.folder.get(), source.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) ? -errno
                                                                                            : -EACCES;
  return ::renameat(source.folder.get(), source.name.c_str(), target.folder.get(), target.name.c_str()) == 0
             ? 0
             : -errno;
}

}  // namespace mynah::host
