// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an image in memory that the test keeps, up to a size behind which writes fail.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "devices/host/image/byte_store.h"

namespace mynah::host::test {

class MemoryStore : public ByteStore {
 public:
  explicit MemoryStore(std::vector<uint8_t>& bytes, uint64_t most = UINT64_MAX)
      : bytes_(bytes), most_(most) {}
  uint64_t size() const override { return bytes_.size(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    std::fill(to.begin(), to.end(), uint8_t{0});
    if (offset < bytes_.size())
      std::memcpy(to.data(), bytes_.data() + offset, std::min<uint64_t>(to.size(), bytes_.size() - offset));
    return true;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    if (offset > most_ || from.size() > most_ - offset) return false;
    put(bytes_, offset, from);
    return true;
  }
  bool sync() override { return true; }
  void punch(uint64_t, uint64_t) override {}

 protected:
  static void put(std::vector<uint8_t>& to, uint64_t offset, std::span<const uint8_t> from) {
    if (to.size() < offset + from.size()) to.resize(offset + from.size());
    std::memcpy(to.data() + offset, from.data(), from.size());
  }
  std::vector<uint8_t>& bytes_;

 private:
  const uint64_t most_;
};

}  // namespace mynah::host::test
