// SPDX-License-Identifier: Apache-2.0
//
// Read from /proc/self/smaps (proc(5)); the guest's RAM is known by its addresses.
#include "app/resident.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace mynah::app {

// Of each mapping there is a line "first-last permissions ... name", then lines "Key: number kB".
Resident resident_memory(const GuestMemory& memory) {
  const auto is_ram = [&](uint64_t address) {
    return std::ranges::any_of(memory.regions(), [address](const GuestMemory::Region& r) {
      return r.ram && address - reinterpret_cast<uint64_t>(r.own) < r.size;
    });
  };
  Resident resident;
  std::ifstream maps("/proc/self/smaps");
  bool guest = false;
  for (std::string line; std::getline(maps, line);) {
    const size_t first_word = line.find(' ');
    if (first_word == 0 || first_word == std::string::npos) continue;
    if (line[first_word - 1] != ':') {
      guest = is_ram(std::strtoull(line.c_str(), nullptr, 16));
    } else if (line.starts_with("Rss:")) {
      uint64_t kib = 0;
      std::istringstream(line.substr(first_word)) >> kib;
      resident.all += kib * 1024;
      if (guest) resident.guest += kib * 1024;
    }
  }
  return resident;
}

}  // namespace mynah::app
