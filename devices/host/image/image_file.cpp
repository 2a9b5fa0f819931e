// SPDX-License-Identifier: Apache-2.0
//
// Locks are those that other emulators take on images, by open file description (fcntl(2), F_OFD_SETLK), so
// that either program notices the other.
#include "devices/host/image/image_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "devices/host/shell_text.h"

namespace mynah::host {
namespace {

bool lock_bytes(int fd, short type, off_t start, off_t length, int& error) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  error = errno;
  // A file system without locks is no reason not to run.
  return error != EAGAIN && error != EACCES;
}

// Other emulators lock images too: byte 100 + p stands for "I do p" and byte 200 + p for "nobody else may do
// p", where p is 0 for reading, 1 for writing, 3 for resizing. A reader takes shared locks that say "I read,
// nobody may write or resize"; a writer takes the whole file.
constexpr off_t kReads = 100, kNobodyWrites = 201, kNobodyResizes = 203;

bool lock_image(int fd, bool read_only) {
  int error = 0;
  if (!read_only) return lock_bytes(fd, F_WRLCK, 0, 0, error);
  for (off_t byte : {kReads, kNobodyWrites, kNobodyResizes})
    if (!lock_bytes(fd, F_RDLCK, byte, 1, error)) return false;
  return true;
}

Error open_error(const std::string& path, bool read_only, int error) {
  const std::string what = "cannot open the disk image '" + path + "'";
  switch (error) {
    case ENOENT:
      return Error{what + ": there is no such file; check the path, or create it with truncate -s SIZE " +
                   shell_path(path)};
    case EISDIR:
      return Error{what + ": it is a directory; give a file"};
    case EACCES:
    case EROFS:
    case EPERM:
      if (!read_only)
        return Error{what + " for writing: " + errno_text(error) +
                     "; change its permissions, or use it with readonly=on or -snapshot"};
      [[fallthrough]];
    default:
      return Error{what + ": " + errno_text(error) + "; check the file and its permissions"};
  }
}

}  // namespace

int read_fully(int fd, uint64_t offset, std::span<uint8_t> to) {
  while (!to.empty()) {
    const ssize_t n = ::pread(fd, to.data(), to.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) {
      std::fill(to.begin(), to.end(), uint8_t{0});
      break;
    }
    to = to.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

int write_fully(int fd, uint64_t offset, std::span<const uint8_t> from) {
  while (!from.empty()) {
    const ssize_t n = ::pwrite(fd, from.data(), from.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    from = from.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

// With keep_space the file system is asked to keep the blocks, so that later writes find room.
int zero_range(int fd, uint64_t offset, uint64_t n, bool keep_space) {
  if (n == 0) return 0;
  const int modes[] = {FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};
  for (int mode : modes) {
    if (!keep_space && (mode & FALLOC_FL_ZERO_RANGE)) continue;
    if (::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(n)) == 0) return 0;
  }
  static constexpr std::array<uint8_t, 65536> kZeroes{};
  while (n) {
    const size_t chunk = static_cast<size_t>(std::min<uint64_t>(n, kZeroes.size()));
    if (const int error = write_fully(fd, offset, std::span(kZeroes).first(chunk))) return error;
    offset += chunk;
    n -= chunk;
  }
  return 0;
}

Result<std::unique_ptr<ImageFile>> ImageFile::open(const std::string& path, const ImageOptions& options) {
  ignore_write_signals();
  // Non-blocking so that a named pipe fails the check below instead of waiting for its other end.
  const int flags = (options.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  UniqueFd fd(::open(path.c_str(), flags));
  if (!fd) return open_error(path, options.read_only, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return open_error(path, options.read_only, errno);
  if (S_ISDIR(info.st_mode)) return open_error(path, options.read_only, EISDIR);
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
    return Error{"'" + path + "' is neither a file nor a block device; give a disk image"};
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  if (end < 0) return open_error(path, options.read_only, errno);
  if (end == 0)
    return Error{"the disk image '" + path + "' is empty; give it a size with truncate -s SIZE " +
                 shell_path(path)};
  if (options.lock && !lock_image(fd.get(), options.read_only))
    return Error{"the disk image '" + path + "' is in use by another program" +
                 (options.read_only
                      ? std::string(" that may write to it; stop that program first")
                      : std::string("; stop that program first, or make copies with -snapshot"))};
  return std::unique_ptr<ImageFile>(
      new ImageFile(path, std::move(fd), static_cast<uint64_t>(end), {info.st_dev, info.st_ino}, options));
}

ImageFile::ImageFile(std::string path, UniqueFd fd, uint64_t size, std::pair<dev_t, ino_t> identity,
                     const ImageOptions& options)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      size_(size),
      identity_(identity),
      read_only_(options.read_only),
      discard_(options.discard),
      report_(options.report) {}

bool ImageFile::failed(const char* doing, int error) {
  std::string advice = "; the guest sees a disk error";
  if (error == ENOSPC || error == EDQUOT) advice += ". Free some space on the host, then let the guest retry";
  report_(error,
          std::string("cannot ") + doing + " the disk image '" + path_ + "': " + errno_text(error) + advice);
  return false;
}

bool ImageFile::read(uint64_t offset, std::span<uint8_t> to) {
  const int error = read_fully(fd_.get(), offset, to);
  return error == 0 || failed("read", error);
}

// What the host has in its page cache. A file system that cannot say is one that may be slow.
ByteStore::Answer ImageFile::read_now(uint64_t offset, std::span<uint8_t> to) {
  while (!to.empty()) {
    const iovec piece{to.data(), to.size()};
    const ssize_t n = ::preadv2(fd_.get(), &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Answer::kWaits;  // a failure is told when it is read again
    if (n == 0) {
      std::fill(to.begin(), to.end(), uint8_t{0});
      break;
    }
    to = to.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return Answer::kDone;
}

bool ImageFile::write(uint64_t offset, std::span<const uint8_t> from) {
  if (read_only_) return false;
  if (const int error = write_fully(fd_.get(), offset, from)) return failed("write", error);
  const uint64_t end = offset + from.size();
  for (uint64_t size = size_; size < end && !size_.compare_exchange_weak(size, end);) {
  }
  return true;
}

bool ImageFile::sync() {
  if (read_only_ || ::fdatasync(fd_.get()) == 0) return true;
  return failed("flush", errno);
}

void ImageFile::punch(uint64_t offset, uint64_t n) {
  if (n && discard_ && !read_only_)
    (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                      static_cast<off_t>(n));
}

bool ImageFile::zero(uint64_t offset, uint64_t n) {
  if (read_only_) return false;
  const int error = zero_range(fd_.get(), offset, n, true);
  return error == 0 || failed("write", error);
}

}  // namespace mynah::host
