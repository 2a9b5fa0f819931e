// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-blk; the disk checks that every range it is given lies inside it.
#include <algorithm>

#include "devices/virtio/virtio_blk.h"
#include "tests/fuzz/virtio_fuzz.h"

namespace {

using namespace mynah::dev;

class Disk final : public BlockBackend {
 public:
  uint64_t size() const override { return bytes_.size(); }
  bool read_only() const override { return read_only_; }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    check(offset, to.size());
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), to.size(), to.begin());
    return !failing;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    check(offset, from.size());
    fuzz::require(!read_only_);
    std::copy(from.begin(), from.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset));
    return !failing;
  }
  bool flush() override { return !failing; }
  bool discard(uint64_t offset, uint64_t n) override {
    check(offset, n);
    return !failing;
  }
  bool write_zeroes(uint64_t offset, uint64_t n) override {
    check(offset, n);
    fuzz::require(!read_only_);
    return !failing;
  }
  explicit Disk(bool read_only) : read_only_(read_only) {}
  bool failing = false;

 private:
  void check(uint64_t offset, uint64_t n) const {
    fuzz::require(offset <= bytes_.size() && n <= bytes_.size() - offset);
  }
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(16 * 1024);
  const bool read_only_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const auto kind = in.get<uint8_t>();
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  Disk disk((kind & 1) != 0);
  VirtioBlk::Options options;
  options.logical_block_size = options.physical_block_size = kind & 2 ? 1024 : 512;
  VirtioBlk blk(memory, log, disk, options);
  VirtioMmio mmio(&blk, IrqLine(irq, 0), log);
  fuzz::Target target{.queues = 1, .unit = 512};
  target.host_event = [&](fuzz::Input&) { disk.failing = !disk.failing; };
  target.header = [](fuzz::Input& more, unsigned) {
    static constexpr uint32_t kTypes[] = {0, 0, 1, 1, 4, 8, 11, 13};
    const auto n = more.get<uint8_t>();
    const uint64_t sector = n & 8 ? more.get<uint64_t>() : more.get<uint8_t>() % 36;
    auto header = fuzz::bytes_of(n & 0x80 ? more.get<uint32_t>() : kTypes[n & 7], uint32_t{0}, sector);
    if ((n & 7) < 6) return header;
    for (int ranges = n >> 4 & 3; ranges != 0; --ranges) {
      const auto range =
          fuzz::bytes_of(uint64_t{more.get<uint8_t>()} % 36, uint32_t{more.get<uint8_t>()} % 36,
                         more.get<uint8_t>() % 4 ? uint32_t{0} : more.get<uint32_t>() % 4);
      header.insert(header.end(), range.begin(), range.end());
    }
    return header;
  };
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
