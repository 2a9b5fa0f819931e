// SPDX-License-Identifier: Apache-2.0
//
// pcap-savefile(5), in the host's byte order. A frame is recorded when it is taken, not each time it is
// offered.
#include "devices/host/dump_net.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace mynah::host {
namespace {

struct FileHeader {
  uint32_t magic = 0xa1b2c3d4;
  uint16_t major = 2, minor = 4;
  uint32_t zone = 0, accuracy = 0;
  uint32_t longest;
  uint32_t link = 1;  // Ethernet
};
struct FrameHeader {
  uint32_t seconds, microseconds, kept, size;
};

}  // namespace

Result<std::unique_ptr<DumpNet>> DumpNet::open(std::unique_ptr<dev::NetBackend> lower,
                                               const std::string& path, uint32_t longest,
                                               std::function<int64_t()> clock, Report report) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  const FileHeader header{.longest = longest};
  if (!fd || ::write(fd.get(), &header, sizeof header) != static_cast<ssize_t>(sizeof header))
    return Error{"cannot write the record of a network to '" + path + "': " + errno_text(errno) +
                 "; give a path in a folder that you may write to"};
  return std::unique_ptr<DumpNet>(
      new DumpNet(std::move(lower), std::move(fd), path, longest, std::move(clock), std::move(report)));
}

DumpNet::DumpNet(std::unique_ptr<dev::NetBackend> lower, UniqueFd fd, std::string path, uint32_t longest,
                 std::function<int64_t()> clock, Report report)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      longest_(longest),
      clock_(std::move(clock)),
      report_(std::move(report)),
      lower_(std::move(lower)) {}

void DumpNet::attach(Receiver receiver) {
  if (!receiver) return lower_->attach(nullptr);
  lower_->attach([this, receiver = std::move(receiver)](std::span<const uint8_t> frame) {
    if (!receiver(frame)) return false;
    record(frame);
    return true;
  });
}

void DumpNet::record(std::span<const uint8_t> frame) {
  if (failed_) return;
  const int64_t now = clock_();
  const FrameHeader header{
      static_cast<uint32_t>(now / 1'000'000'000), static_cast<uint32_t>(now / 1000 % 1'000'000),
      static_cast<uint32_t>(std::min<size_t>(frame.size(), longest_)), static_cast<uint32_t>(frame.size())};
  const auto* raw = reinterpret_cast<const uint8_t*>(&header);
  std::vector<uint8_t> bytes(raw, raw + sizeof header);
  bytes.insert(bytes.end(), frame.begin(), frame.begin() + header.kept);
  if (::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return;
  failed_ = true;  // half a frame would make the rest unreadable
  report_(errno,
          "cannot write to '" + path_ + "': " + errno_text(errno) + "; the record of the network ends");
}

}  // namespace mynah::host
