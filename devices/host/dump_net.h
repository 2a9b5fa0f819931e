// SPDX-License-Identifier: Apache-2.0
//
// A network whose frames are kept in a file besides, in the format of libpcap (-object filter-dump): both
// ways, with the time of the guest or of the host.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

class DumpNet final : public dev::NetBackend {
 public:
  // `clock` in ns; at most `longest` bytes of a frame are kept.
  static Result<std::unique_ptr<DumpNet>> open(std::unique_ptr<dev::NetBackend> lower,
                                               const std::string& path, uint32_t longest,
                                               std::function<int64_t()> clock, Report report);
  void send(std::span<const uint8_t> frame) override {
    record(frame);
    lower_->send(frame);
  }
  void attach(Receiver receiver) override;
  void buffers_available() override { lower_->buffers_available(); }
  dev::NetBackend& lower() { return *lower_; }

 private:
  DumpNet(std::unique_ptr<dev::NetBackend> lower, UniqueFd fd, std::string path, uint32_t longest,
          std::function<int64_t()> clock, Report report);
  void record(std::span<const uint8_t> frame);
  UniqueFd fd_;
  std::string path_;
  uint32_t longest_;
  std::function<int64_t()> clock_;
  OnceReport report_;
  bool failed_ = false;
  std::unique_ptr<dev::NetBackend> lower_;  // goes first: it may still hand over frames
};

}  // namespace mynah::host
