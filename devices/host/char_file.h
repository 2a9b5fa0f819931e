// SPDX-License-Identifier: Apache-2.0
//
// A serial line whose output goes to a file and which has no input. The file is made anew, unless it is
// appended to. When the disk is
// full that is said once and the output is dropped until there is room again.
#pragma once

#include <memory>
#include <string>

#include "devices/host/char_io.h"

namespace mynah::host {

class FileChar final : public dev::CharBackend {
 public:
  static Result<std::unique_ptr<FileChar>> open(const std::string& path, Poller& poller, Report report,
                                                bool append = false);
  ~FileChar() override;
  void write(std::span<const uint8_t> bytes) override { output_.write(bytes); }
  void attach(dev::CharReceiver*) override {}

 private:
  FileChar(std::string path, UniqueFd fd, Poller& poller, Report report);
  std::string path_;
  UniqueFd fd_;
  OnceReport report_;
  OutputQueue output_;
};

}  // namespace mynah::host
