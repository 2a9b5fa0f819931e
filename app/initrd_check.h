// SPDX-License-Identifier: Apache-2.0
//
// Whether an initial RAM disk is whole: cpio archives and gzip members are walked to their end, as the kernel
// will do; of other formats only the signature is looked at. Uncompressing takes a while, so it happens
// beside the start of the machine: a kernel is busy with other things until long after.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "ir/result.h"

namespace mynah::app {

// `path` is the file's name in sentences. `cancel` ends the check early, and finds nothing.
Result<void> check_initrd(std::span<const uint8_t> image, const std::string& path,
                          const std::atomic<bool>& cancel);

class InitrdCheck {
 public:
  InitrdCheck() = default;
  ~InitrdCheck();
  InitrdCheck(const InitrdCheck&) = delete;
  InitrdCheck& operator=(const InitrdCheck&) = delete;
  // `done` is called on another thread when there is a result.
  void start(std::vector<uint8_t> image, std::string path, std::function<void()> done);
  // The result once it is there; afterwards nothing.
  std::optional<Result<void>> poll();

 private:
  std::atomic<bool> cancel_{false}, finished_{false};
  Result<void> result_;  // the thread's until finished_
  std::thread thread_;
};

}  // namespace mynah::app
