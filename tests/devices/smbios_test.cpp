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
  SmbiosMachine machine;
  machine.product = "virt";
  const SmbiosTables made = make_smbios(choice, machine, uuid);
  const auto all = read(made.tables);
  ASSERT_EQ(all.size(), 9u);
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

uint64_t number(const Structure& s, size_t at, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) value |= uint64_t{s.fixed.at(at + i)} << 8 * i;
  return value;
}

TEST(Smbios, ProcessorsAndMemory) {
  constexpr uint64_t kGiB = 1 << 30;
  SmbiosChoice choice;
  choice.fields[4]["sock_pfx"] = "S";
  choice.fields[17]["bank"] = "B";
  SmbiosMachine machine{.product = "p", .entry_32 = true, .sockets = 2, .cores = 3, .threads = 2};
  machine.processor_id = 0x0123456789abcdef;
  machine.ram = {{0, 3 * kGiB}, {4 * kGiB, 22 * kGiB}};
  const SmbiosTables made = make_smbios(choice, machine, {});
  const auto all = read(made.tables);
  const Structure& processor = all.at(4);  // the last of two
  EXPECT_EQ(processor.fixed.size(), 0x2au);
  EXPECT_EQ(processor.at(4), "S1");
  EXPECT_EQ(number(processor, 8, 8), machine.processor_id);
  EXPECT_EQ(number(processor, 0x23, 3), 0x060303u) << "cores, those that are on, threads";
  EXPECT_EQ(all.at(16).fixed.size(), 0x17u);
  EXPECT_EQ(number(all.at(16), 7, 4), 25 * kGiB >> 10);
  EXPECT_EQ(number(all.at(16), 13, 2), 2u);
  EXPECT_EQ(all.at(17).fixed.size(), 0x28u);
  EXPECT_EQ(number(all.at(17), 12, 2), 9u << 10) << "MiB, behind 16 GiB of the first";
  EXPECT_EQ(all.at(17).at(16), "DIMM 1");
  EXPECT_EQ(all.at(17).at(17), "B");
  EXPECT_EQ(all.at(19).fixed.size(), 0x1fu);
  EXPECT_EQ(number(all.at(19), 4, 4), 4 * kGiB >> 10);
  EXPECT_EQ(number(all.at(19), 8, 4), (26 * kGiB >> 10) - 1);
  EXPECT_EQ(all.at(32).fixed.size(), 0x0bu);

  // The entry point of PCs: two sums, the tables' size, how many they are and where.
  const std::vector<uint8_t> anchor = smbios_anchor_at(made, 0xf1230);
  ASSERT_EQ(anchor.size(), 0x1fu);
  EXPECT_EQ(std::string(anchor.begin(), anchor.begin() + 4), "_SM_");
  EXPECT_EQ(std::string(anchor.begin() + 16, anchor.begin() + 21), "_DMI_");
  for (const size_t from : {0, 16})
    EXPECT_EQ(std::accumulate(anchor.begin() + static_cast<ptrdiff_t>(from), anchor.end(), 0) & 0xff, 0);
  EXPECT_EQ(anchor[22] | anchor[23] << 8, static_cast<int>(made.tables.size()));
  EXPECT_EQ(anchor[24] | anchor[25] << 8 | anchor[26] << 16, 0xf1230);
  EXPECT_EQ(anchor[28], 11) << "1, 3, two of 4, 16, two of 17, two of 19, 32, 127";
}

// What no field of 16 or 32 bits holds.
TEST(Smbios, MuchMemory) {
  constexpr uint64_t kTiB = uint64_t{1} << 40;
  SmbiosMachine machine{.product = "p"};
  machine.ram = {{0, 5 * kTiB}};
  const auto all = read(make_smbios({}, machine, {}).tables);
  EXPECT_EQ(number(all.at(16), 7, 4), 0x80000000u);
  EXPECT_EQ(number(all.at(16), 15, 8), 5 * kTiB);
  EXPECT_EQ(number(all.at(19), 4, 4), 0xffffffffu);
  EXPECT_EQ(number(all.at(19), 23, 8), 5 * kTiB - 1);
}

}  // namespace
}  // namespace mynah::dev
