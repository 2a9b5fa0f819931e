// SPDX-License-Identifier: Apache-2.0
//
// Images made and checked by qemu-img, and a store in memory that fails or forgets as a host does.
#pragma once

#include <sys/wait.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "devices/host/image/byte_store.h"
#include "devices/host/image/qcow2_image.h"
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
class MemoryStore final : public ByteStore {
 public:
  explicit MemoryStore(std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  unsigned writes_left = ~0u;  // then the disk is full
  struct Write {
    uint64_t offset;
    std::vector<uint8_t> bytes;
  };
  std::vector<Write> since_barrier;
  std::vector<uint8_t> at_barrier;

  uint64_t size() const override { return bytes_.size(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    std::fill(to.begin(), to.end(), uint8_t{0});
    if (offset < bytes_.size())
      std::memcpy(to.data(), bytes_.data() + offset, std::min<uint64_t>(to.size(), bytes_.size() - offset));
    return true;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    if (writes_left == 0) return false;
    --writes_left;
    since_barrier.push_back({offset, {from.begin(), from.end()}});
    apply(bytes_, since_barrier.back());
    return true;
  }
  bool sync() override {
    if (writes_left == 0) return false;
    since_barrier.clear();
    at_barrier = bytes_;
    return true;
  }
  void punch(uint64_t, uint64_t) override {}

  // What is left when the host crashes now.
  template <typename Random>
  std::vector<uint8_t> after_crash(Random& random) const {
    constexpr size_t kSectorBytes = 512;
    std::vector<uint8_t> left = at_barrier;
    for (const Write& w : since_barrier)
      for (size_t at = 0; at < w.bytes.size();) {
        const size_t n = std::min<size_t>(w.bytes.size() - at, kSectorBytes - (w.offset + at) % kSectorBytes);
        if (random() & 1)
          apply(left, {w.offset + at,
                       {w.bytes.begin() + static_cast<ptrdiff_t>(at),
                        w.bytes.begin() + static_cast<ptrdiff_t>(at + n)}});
        at += n;
      }
    return left;
  }

 private:
  static void apply(std::vector<uint8_t>& to, const Write& w) {
    if (to.size() < w.offset + w.bytes.size()) to.resize(w.offset + w.bytes.size());
    std::memcpy(to.data() + w.offset, w.bytes.data(), w.bytes.size());
  }
  std::vector<uint8_t>& bytes_;
};

}  // namespace mynah::host::test
