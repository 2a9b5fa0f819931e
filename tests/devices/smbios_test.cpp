// SPDX-License-Identifier: Apache-2.0
//
// SMBIOS tables, read as a system reads them.
#include "devices/fwcfg/smbios.h"

#include <gtest/gtest.h>

#include <numeric>

namespace mynah::dev {
namespace {

struct Structure {
  std::vector<uint8_t> fixed;
  std::vector<std::string> strings;
  std::string at(size_t offset) const { return fixed[offset] ? strings.at(fixed[offset] - 1u) : ""; }
};

std::map<unsigned, Structure> read(const std::vector<uint8_t>& t) {
  std::map<unsigned, Structure> all;
  for (size_t at = 0; at < t.size();) {
    Structure s;
    const unsigned type = t[at];
    s.fixed.assign(t.begin() + static_cast<ptrdiff_t>(at),
                   t.begin() + static_cast<ptrdiff_t>(at + t[at + 1]));
    at += t[at + 1];
    if (t[at] == 0) ++at;
    while (t[at] != 0) {
      s.strings.emplace_back(reinterpret_cast<const char*>(&t[at]));
      at += s.strings.back().size() + 1;
    }
    ++at;
    all[type] = std::move(s);
  }
  return all;
}

TEST(Smbios, TablesSayWhatWasChosen) {
  SmbiosChoice choice;
  choice.fields[0]["vendor"] = "V";
  choice.fields[1]["serial"] = "ds=nocloud";
  choice.fields[2]["asset"] = "A";
  choice.oem_strings = {"one", "two"};
  std::vector<uint8_t> uuid(16);
  std::iota(uuid.begin(), uuid.end(), uint8_t{1});
  const SmbiosTables made = make_smbios(choice, "virt", uuid);
  const auto all = read(made.tables);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all.at(0).fixed.size(), 0x18u);
  EXPECT_EQ(all.at(0).at(4), "V");
  const Structure& system = all.at(1);
  EXPECT_EQ(system.fixed.size(), 0x1bu);
  EXPECT_EQ(system.at(5), "virt");
  EXPECT_EQ(system.at(6), "");
  EXPECT_EQ(system.at(7), "ds=nocloud");
  const std::vector<uint8_t> fields{4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16};
  EXPECT_EQ(std::vector<uint8_t>(system.fixed.begin() + 8, system.fixed.begin() + 24), fields);
  EXPECT_EQ(all.at(2).fixed.size(), 0x0fu);
  EXPECT_EQ(all.at(2).at(8), "A");
  EXPECT_EQ(all.at(3).fixed.size(), 0x16u);
  EXPECT_EQ(all.at(11).strings, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(all.at(127).fixed.size(), 4u);
  ASSERT_EQ(made.anchor.size(), 0x18u);
  EXPECT_EQ(std::string(made.anchor.begin(), made.anchor.begin() + 5), "_SM3_");
  EXPECT_EQ(std::accumulate(made.anchor.begin(), made.anchor.end(), uint8_t{0},
                            [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a + b); }),
            0);
  EXPECT_EQ(made.anchor[12] | made.anchor[13] << 8, static_cast<int>(made.tables.size()));
}

}  // namespace
}  // namespace mynah::dev
