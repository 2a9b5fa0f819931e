// SPDX-License-Identifier: Apache-2.0
//
// Files of one folder of the host, for a guest that opens them by name (semihosting). No name leads out of
// the folder: the kernel resolves them beneath it (openat2, RESOLVE_BENEATH), links and ".." included. A name
// that begins with a slash is one of the folder's, too. Only regular files are opened, made, removed and
// renamed.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "devices/core/host_files.h"
#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

class SemihostingFiles final : public dev::HostFiles {
 public:
  static Result<std::unique_ptr<SemihostingFiles>> open_folder(const std::string& path);

  Answer open(const std::string& path, Mode mode) override;
  Answer close(int64_t handle) override;
  Answer read(int64_t handle, std::span<uint8_t> to) override;
  Answer write(int64_t handle, std::span<const uint8_t> from) override;
  Answer seek(int64_t handle, uint64_t position) override;
  Answer length(int64_t handle) override;
  Answer remove(const std::string& path) override;
  Answer rename(const std::string& from, const std::string& to) override;

 private:
  explicit SemihostingFiles(UniqueFd folder) : folder_(std::move(folder)) {}
  // A name's folder, open, and its last part.
  struct Place {
    UniqueFd folder;
    std::string name;
  };
  Answer find(const std::string& path, Place& to) const;
  int descriptor(int64_t handle) const;  // -1: there is none

  UniqueFd folder_;
  std::map<int64_t, UniqueFd> files_;
  int64_t next_ = 1;
};

}  // namespace mynah::host
