// SPDX-License-Identifier: Apache-2.0
//
// Images made and checked by qemu-img, and a store in memory that fails or forgets as a host does.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "devices/host/image/qcow2_image.h"
#include "tests/devices/memory_store.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {

// The exit code; what it printed goes to `output`.
inline int run_command(const std::string& command, std::string* output = nullptr) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  const int status = ::pclose(pipe);
  if (output) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline bool have_qemu_img() { return run_command("qemu-img --version") == 0; }

// "0": in order; "3": clusters are lost, and nothing else.
inline void expect_in_order(const std::string& path, bool may_leak = false) {
  std::string text;
  // A copy: the file itself may be in use, and locked.
  const std::string copy = path + ".copy";
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
  const int code = run_command("qemu-img check -q -f qcow2 '" + copy + "'", &text);
  EXPECT_TRUE(code == 0 || (may_leak && code == 3)) << code << "\n" << text;
}

// What was written since the last barrier may be lost in any part, by sectors, when the host crashes.
class FailingStore final : public MemoryStore {
 public:
  explicit FailingStore(std::vector<uint8_t>& bytes) : MemoryStore(bytes) {}
  unsigned writes_left = ~0u;  // then the disk is full
  struct Write {
    uint64_t offset;
    std::vector<uint8_t> bytes;
  };
  std::vector<Write> since_barrier;
  std::vector<uint8_t> at_barrier;

  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    if (writes_left == 0) return false;
    --writes_left;
    since_barrier.push_back({offset, {from.begin(), from.end()}});
    return MemoryStore::write(offset, from);
  }
  bool sync() override {
    if (writes_left == 0) return false;
    since_barrier.clear();
    at_barrier = bytes_;
    return true;
  }

  // What is left when the host crashes now.
  template <typename Random>
  std::vector<uint8_t> after_crash(Random& random) const {
    constexpr size_t kSectorBytes = 512;
    std::vector<uint8_t> left = at_barrier;
    for (const Write& w : since_barrier)
      for (size_t at = 0; at < w.bytes.size();) {
        const size_t n = std::min<size_t>(w.bytes.size() - at, kSectorBytes - (w.offset + at) % kSectorBytes);
        if (random() & 1) put(left, w.offset + at, std::span(w.bytes).subspan(at, n));
        at += n;
      }
    return left;
  }
};

}  // namespace mynah::host::test
