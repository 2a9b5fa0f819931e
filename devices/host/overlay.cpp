// SPDX-License-Identifier: Apache-2.0
//
// A cluster is in one file or the other as a whole: a write of a part copies the rest from the base first.
#include "devices/host/overlay.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>

#include "devices/host/raw_image.h"

namespace mynah::host {
namespace {

UniqueFd nameless_file(const std::string& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (fd || errno == ENOENT || errno == EACCES || errno == ENOSPC) return fd;
  std::string name = folder + "/mynah-XXXXXX";  // a file system without nameless files
  fd.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (fd) ::unlink(name.c_str());
  return fd;
}

}  // namespace

Result<std::unique_ptr<Overlay>> Overlay::create(std::unique_ptr<dev::BlockBackend> base, Report report,
                                                 std::string folder) {
  ignore_write_signals();
  std::vector<std::string> folders;
  const char* from_environment = ::getenv("TMPDIR");
  if (!folder.empty())
    folders = {folder};
  else if (from_environment && *from_environment)
    folders = {from_environment};
  else
    folders = {"/var/tmp", "/tmp"};
  int error = 0;
  for (const std::string& candidate : folders) {
    UniqueFd fd = nameless_file(candidate);
    if (fd)
      return std::unique_ptr<Overlay>(
          new Overlay(std::move(base), std::move(fd), candidate, std::move(report)));
    error = errno;
  }
  return Error{"cannot make a temporary file for -snapshot in '" + folders.back() +
               "': " + errno_text(error) + "; set TMPDIR to a folder that you may write to"};
}

Overlay::Overlay(std::unique_ptr<dev::BlockBackend> base, UniqueFd fd, std::string folder, Report report)
    : base_(std::move(base)),
      fd_(std::move(fd)),
      folder_(std::move(folder)),
      size_(base_->size()),
      report_(std::move(report)),
      bits_(static_cast<size_t>(size_ / kCluster / kBitsPerPage + 1)) {}

bool Overlay::present(uint64_t cluster) const {
  const auto& page = bits_[cluster / kBitsPerPage];
  const uint64_t bit = cluster % kBitsPerPage;
  return page && ((*page)[bit / 64] >> (bit % 64) & 1);
}

void Overlay::set_present(uint64_t cluster) {
  auto& page = bits_[cluster / kBitsPerPage];
  if (!page) page = std::make_unique<BitPage>();
  const uint64_t bit = cluster % kBitsPerPage;
  (*page)[bit / 64] |= uint64_t{1} << (bit % 64);
}

bool Overlay::failed(const char* doing, int error) {
  report_(error, std::string("cannot ") + doing + " the temporary file of -snapshot in '" + folder_ +
                     "': " + errno_text(error) +
                     "; the guest sees a disk error. Free some space there, or set TMPDIR to another folder");
  return false;
}

// What was written lately is in the host's page cache, the base may not be.
dev::BlockBackend::Answer Overlay::read_runs(uint64_t offset, std::span<uint8_t> to, bool at_once) {
  if (!in_range(offset, to.size(), size_)) return Answer::kFailed;
  while (!to.empty()) {
    // The longest run of clusters held by one side is read at once.
    const bool here = present(offset / kCluster);
    uint64_t end = (offset / kCluster + 1) * kCluster;
    while (end < offset + to.size() && present(end / kCluster) == here) end += kCluster;
    const size_t n = static_cast<size_t>(std::min<uint64_t>(to.size(), end - offset));
    if (here) {
      if (const int error = read_fully(fd_.get(), offset, to.first(n))) {
        failed("read", error);
        return Answer::kFailed;
      }
    } else if (at_once) {
      if (const Answer answer = base_->read_now(offset, to.first(n)); answer != Answer::kDone) return answer;
    } else if (!base_->read(offset, to.first(n))) {
      return Answer::kFailed;
    }
    offset += n;
    to = to.subspan(n);
  }
  return Answer::kDone;
}

// Afterwards the cluster reads as before, from the temporary file.
bool Overlay::copy_in(uint64_t cluster) {
  if (present(cluster)) return true;
  std::array<uint8_t, kCluster> bytes;
  const uint64_t offset = cluster * kCluster;
  const auto content = std::span(bytes).first(static_cast<size_t>(std::min(kCluster, size_ - offset)));
  if (!base_->read(offset, content)) return false;
  if (const int error = write_fully(fd_.get(), offset, content)) return failed("write", error);
  set_present(cluster);
  return true;
}

bool Overlay::write(uint64_t offset, std::span<const uint8_t> from) {
  if (!in_range(offset, from.size(), size_)) return false;
  if (from.empty()) return true;
  const uint64_t end = offset + from.size();
  const uint64_t first = offset / kCluster, last = (end - 1) / kCluster;
  if (offset % kCluster && !copy_in(first)) return false;
  if (end % kCluster && end != size_ && !copy_in(last)) return false;
  if (const int error = write_fully(fd_.get(), offset, from)) return failed("write", error);
  for (uint64_t cluster = first; cluster <= last; ++cluster) set_present(cluster);
  return true;
}

bool Overlay::discard(uint64_t offset, uint64_t n) {
  if (!in_range(offset, n, size_)) return false;
  // Clusters of the base stay: to drop them would cost bits and save nothing. The hole reads as zeroes.
  const uint64_t begin = (offset + kCluster - 1) / kCluster * kCluster,
                 end = (offset + n) / kCluster * kCluster;
  if (begin < end)
    (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
                      static_cast<off_t>(end - begin));
  return true;
}

bool Overlay::write_zeroes(uint64_t offset, uint64_t n) {
  if (!in_range(offset, n, size_)) return false;
  static constexpr std::array<uint8_t, kCluster> kZeroes{};
  const uint64_t head = std::min(n, (kCluster - offset % kCluster) % kCluster);
  if (head && !write(offset, std::span(kZeroes).first(static_cast<size_t>(head)))) return false;
  offset += head;
  n -= head;
  const uint64_t whole = n / kCluster * kCluster;
  if (whole) {
    if (const int error = zero_range(fd_.get(), offset, whole, false)) return failed("write", error);
    for (uint64_t at = offset; at < offset + whole; at += kCluster) set_present(at / kCluster);
  }
  offset += whole;
  n -= whole;
  return n == 0 || write(offset, std::span(kZeroes).first(static_cast<size_t>(n)));
}

}  // namespace mynah::host
