// SPDX-License-Identifier: Apache-2.0
//
// HostFiles: files of the host that a guest opens by name. Which it may open is whoever implements this to
// say; what a guest asks for may be anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace mynah::dev {

class HostFiles {
 public:
  // What a file is opened for: as fopen's "r", "r+", "w", "w+", "a" and "a+".
  enum class Mode : uint8_t { kRead, kUpdate, kWrite, kWriteUpdate, kAppend, kAppendUpdate };
  // Not negative, or an error number of Linux, negated.
  using Answer = int64_t;

  virtual ~HostFiles() = default;
  virtual Answer open(const std::string& path, Mode mode) = 0;  // a handle
  virtual Answer close(int64_t handle) = 0;
  virtual Answer read(int64_t handle, std::span<uint8_t> to) = 0;           // bytes; 0 at the end
  virtual Answer write(int64_t handle, std::span<const uint8_t> from) = 0;  // bytes
  virtual Answer seek(int64_t handle, uint64_t position) = 0;               // from the start
  virtual Answer length(int64_t handle) = 0;
  virtual Answer remove(const std::string& path) = 0;
  virtual Answer rename(const std::string& from, const std::string& to) = 0;
};

}  // namespace mynah::dev
