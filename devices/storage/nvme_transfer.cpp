// SPDX-License-Identifier: Apache-2.0
//
// The data of a command by physical region pages (NVM Express 1.4, 4.3). The lists are a guest's: an entry is
// read once, and a list has no more entries than the transfer has pages.
#include <algorithm>
#include <array>

#include "devices/storage/nvme.h"

namespace mynah::dev {

using namespace nvme;

uint16_t Nvme::map_data(const Command& c, uint64_t n) {
  segments_.clear();
  const uint64_t page = page_size();
  const auto add = [this, &n](uint64_t pa, uint64_t most) {
    const uint64_t size = std::min(n, most);
    if (!segments_.empty() && segments_.back().pa + segments_.back().size == pa) {
      segments_.back().size += size;  // neighbours are one piece
    } else {
      segments_.push_back({pa, size});
    }
    n -= size;
  };
  if (n == 0) return kSuccess;
  if (c.prp1 & 3) return kInvalidPrpOffset;
  add(c.prp1, page - (c.prp1 & (page - 1)));
  if (n == 0) return kSuccess;
  if (n <= page) {
    if (c.prp2 & (page - 1)) return kInvalidPrpOffset;
    add(c.prp2, page);
    return kSuccess;
  }
  // The first list may begin inside its page; the last entry of a page leads to the next list where more
  // follow.
  uint64_t list = c.prp2;
  if (list & 7) return kInvalidPrpOffset;
  std::array<uint64_t, kTransferPages + 1> entries;
  while (n != 0) {
    const uint64_t in_page = (page - (list & (page - 1))) / 8, needed = (n + page - 1) / page;
    const bool chained = needed > in_page;
    const uint64_t read = chained ? in_page : needed;
    const uint64_t used = chained ? in_page - 1 : needed;
    if (read > entries.size()) return kInternalError;
    if (!dma().read(list, entries.data(), read * 8)) return kDataTransferError;
    for (uint64_t i = 0; i < used; ++i) {
      if (entries[i] & (page - 1)) return kInvalidPrpOffset;
      add(entries[i], page);
    }
    if (!chained) break;
    list = entries[used];
    if (list & (page - 1)) return kInvalidPrpOffset;
  }
  return kSuccess;
}

uint16_t Nvme::to_host(const Command& c, std::span<const uint8_t> from) {
  if (const uint16_t status = map_data(c, from.size())) return status;
  return ScatterCursor(dma(), segments_).write(from.data(), from.size()) ? kSuccess : kDataTransferError;
}

uint16_t Nvme::from_host(const Command& c, std::span<uint8_t> to) {
  if (const uint16_t status = map_data(c, to.size())) return status;
  return ScatterCursor(dma(), segments_).read(to.data(), to.size()) ? kSuccess : kDataTransferError;
}

}  // namespace mynah::dev
