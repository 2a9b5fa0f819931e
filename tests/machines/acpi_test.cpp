// SPDX-License-Identifier: Apache-2.0
//
// ACPI tables: lengths, sums and pointers hold; AML's terms are encoded as ACPI 6.4, chapter 20, has them.
// Where acpica's iasl is installed, it takes what boards say apart and finds nothing wrong.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <string>

#include "machines/acpi/tables.h"
#include "machines/microvm_acpi.h"
#include "machines/virt_acpi.h"

namespace mynah {
namespace {

using acpi::Bytes;
constexpr uint64_t kAt = 0xe0000;

uint64_t get(const Bytes& b, size_t at, unsigned n) {
  uint64_t v = 0;
  for (unsigned i = 0; i < n; ++i) v |= uint64_t{b.at(at + i)} << 8 * i;
  return v;
}

Bytes microvm(bool pci, unsigned processors = 2) {
  const MicrovmDescription d{.second_serial = true, .rtc = true, .pci = pci, .virtio = {{0, 24}, {23, 47}}};
  return acpi::make_tables({.processors = processors,
                            .io_apics = {{0, 0xfec00000, 0}, {1, 0xfec10000, 24}},
                            .sleep_registers = 0xfea00200,
                            .reset_value = 0x42,
                            .pci_config = pci ? 0xe0000000 : 0,
                            .dsdt = describe_microvm(d)},
                           kAt);
}

acpi::TableSet virt(unsigned gic_version, unsigned processors = 3) {
  const ProcessorConfig config{.now = processors,
                               .max = processors + 1,
                               .sockets = 1,
                               .clusters = 2,
                               .cores = (processors + 2) / 2,
                               .threads = 1};
  std::vector<uint64_t> affinities;
  for (unsigned i = 0; i < processors; ++i) affinities.push_back(i);
  const VirtPciWindows pci{
      .config = 0x4010000000, .config_size = 0x10000000, .high_memory = true, .messages = true};
  return describe_virt({.processors = config,
                        .affinities = affinities,
                        .pmu = true,
                        .gic_version = gic_version,
                        .its = gic_version == 3,
                        .pci = pci,
                        .second_serial = true,
                        .virtio_slots = {0, 31}});
}

// By signature, each with its sum checked; found as a system finds them.
std::map<std::string, Bytes> tables(const Bytes& all) {
  std::map<std::string, Bytes> out;
  const auto sum = [&](size_t at, size_t n) {
    return std::accumulate(all.begin() + static_cast<ptrdiff_t>(at),
                           all.begin() + static_cast<ptrdiff_t>(at + n), 0u) &
           0xff;
  };
  const auto take = [&](uint64_t address) {
    const size_t at = address - kAt, n = get(all, at + 4, 4);
    EXPECT_EQ(sum(at, n), 0u);
    const Bytes t(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(at + n));
    return out[std::string(t.begin(), t.begin() + 4)] = t;
  };
  EXPECT_EQ(std::memcmp(all.data(), "RSD PTR ", 8), 0);
  EXPECT_EQ(sum(0, 20), 0u);
  EXPECT_EQ(sum(0, 36), 0u);
  const Bytes xsdt = take(get(all, 24, 8));
  for (size_t at = 36; at < xsdt.size(); at += 8) take(get(xsdt, at, 8));
  take(get(out.at("FACP"), 140, 8));
  return out;
}

// What firmware makes of the files: it puts each at an address of its own, and follows the script.
Bytes as_firmware_places(acpi::TableSet::Files files, uint64_t tables_at, uint64_t root_at) {
  constexpr size_t kEntry = 128;
  EXPECT_EQ(files.script.size() % kEntry, 0u);
  const auto file = [&](size_t at) -> std::pair<Bytes&, uint64_t> {
    const std::string name(reinterpret_cast<const char*>(&files.script[at]));
    EXPECT_TRUE(name == "etc/acpi/tables" || name == "etc/acpi/rsdp") << name;
    if (name == "etc/acpi/rsdp") return {files.root, root_at};
    return {files.tables, tables_at};
  };
  for (size_t at = 0; at < files.script.size(); at += kEntry) {
    const auto command = get(files.script, at, 4);
    Bytes& to = file(at + 4).first;
    const auto word = [&](size_t offset) { return static_cast<size_t>(get(files.script, at + offset, 4)); };
    if (command == 2) {
      const size_t offset = word(116), size = files.script[at + 120];
      const uint64_t sum = get(to, offset, static_cast<unsigned>(size)) + file(at + 60).second;
      for (size_t i = 0; i < size; ++i) to.at(offset + i) = static_cast<uint8_t>(sum >> 8 * i);
    } else if (command == 3) {
      const size_t start = word(64), length = word(68);
      EXPECT_EQ(to.at(word(60)), 0);
      to.at(word(60)) =
          static_cast<uint8_t>(-std::accumulate(to.begin() + static_cast<ptrdiff_t>(start),
                                                to.begin() + static_cast<ptrdiff_t>(start + length), 0u));
    } else {
      EXPECT_EQ(command, 1u);
    }
  }
  Bytes all(tables_at - root_at);
  std::copy(files.root.begin(), files.root.end(), all.begin());
  all.insert(all.end(), files.tables.begin(), files.tables.end());
  return all;
}

TEST(Acpi, FirmwareFindsWhatTheBoardWouldPlace) {
  for (const unsigned gic : {2u, 3u}) {
    const auto placed = tables(virt(gic).place(kAt));
    EXPECT_EQ(placed.size(), gic == 3 ? 9u : 8u);
    const auto found = tables(as_firmware_places(virt(gic).files(), kAt + 0x400, kAt));
    ASSERT_EQ(found.size(), placed.size());
    for (const auto& [name, bytes] : placed) {
      if (name == "XSDT" || name == "FACP") continue;  // with addresses
      EXPECT_EQ(found.at(name), bytes) << name;
    }
  }
}

TEST(Acpi, VirtListsItsInterruptControllers) {
  const auto entries = [](const Bytes& madt) {
    std::map<unsigned, unsigned> out;
    size_t at = 44;
    for (; at < madt.size(); at += madt[at + 1]) {
      if (madt[at + 1] < 2) break;
      ++out[madt[at]];
    }
    EXPECT_EQ(at, madt.size());
    return out;
  };
  using Entries = std::map<unsigned, unsigned>;
  EXPECT_EQ(entries(tables(virt(2).place(kAt)).at("APIC")), (Entries{{11, 3}, {12, 1}, {13, 1}}));
  EXPECT_EQ(entries(tables(virt(3).place(kAt)).at("APIC")), (Entries{{11, 3}, {12, 1}, {14, 1}, {15, 1}}));
  EXPECT_EQ(entries(tables(virt(3, 200).place(kAt)).at("APIC")),
            (Entries{{11, 200}, {12, 1}, {14, 2}, {15, 1}}));
}

TEST(Acpi, TablesAreFoundAndWhole) {
  const auto t = tables(microvm(true));
  ASSERT_EQ(t.size(), 5u);
  const Bytes& fadt = t.at("FACP");
  EXPECT_EQ(fadt.size(), 276u);
  EXPECT_EQ(get(fadt, 112, 4), 1u << 20 | 1u << 10);
  EXPECT_EQ(get(fadt, 120, 8), 0xfea00202u);  // reset
  EXPECT_EQ(fadt[128], 0x42);
  EXPECT_EQ(get(fadt, 248, 8), 0xfea00200u);  // sleep control
  EXPECT_EQ(get(fadt, 260, 8), 0xfea00201u);
  EXPECT_EQ(get(t.at("MCFG"), 44, 8), 0xe0000000u);
  EXPECT_EQ(tables(microvm(false)).count("MCFG"), 0u);
}

TEST(Acpi, MadtListsProcessorsAndInterruptControllers) {
  const Bytes madt = tables(microvm(false, 300)).at("APIC");
  EXPECT_EQ(get(madt, 36, 4), 0xfee00000u);
  std::map<unsigned, unsigned> entries;
  size_t at = 44;
  for (; at < madt.size(); at += madt[at + 1]) {
    ASSERT_GE(madt[at + 1], 2);
    ++entries[madt[at]];
  }
  EXPECT_EQ(at, madt.size());
  EXPECT_EQ(entries, (std::map<unsigned, unsigned>{{0, 255}, {9, 45}, {1, 2}, {2, 1}, {4, 1}}));
}

TEST(Acpi, Terms) {
  using namespace acpi;
  EXPECT_EQ(integer(0), (Bytes{0}));
  EXPECT_EQ(integer(1), (Bytes{1}));
  EXPECT_EQ(integer(0x1234), (Bytes{0x0b, 0x34, 0x12}));
  EXPECT_EQ(name_string("\\_SB.PWRB"), (Bytes{'\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B'}));
  EXPECT_EQ(eisa_id("PNP0A08"), (Bytes{0x0c, 0x41, 0xd0, 0x0a, 0x08}));
  EXPECT_EQ(scope("A", {}), (Bytes{0x10, 0x05, 'A', '_', '_', '_'}));
  // Lengths of one, two and three bytes, which count themselves.
  for (const size_t n : {58u, 59u, 4088u, 4089u, 5000u}) {
    const Bytes s = scope("A", Bytes(n));
    size_t length = s[1] & (s[1] >> 6 ? 15 : 63);
    for (unsigned i = 0; i < s[1] >> 6; ++i) length |= size_t{s[2 + i]} << (4 + 8 * i);
    EXPECT_EQ(length, s.size() - 1) << n;
  }
}

TEST(Acpi, IaslTakesThemApart) {
  if (std::system("command -v iasl >/dev/null 2>&1") != 0) GTEST_SKIP() << "iasl is not installed";
  char folder[] = "/tmp/mynah-acpi-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  for (const Bytes& all : {microvm(false), microvm(true), virt(2).place(kAt), virt(3).place(kAt)})
    for (const auto& [signature, bytes] : tables(all)) {
      const std::string base = std::string(folder) + "/" + signature;
      std::ofstream(base + ".aml", std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
      const std::string log = base + ".log";
      EXPECT_EQ(std::system(("iasl -d " + base + ".aml >" + log + " 2>&1").c_str()), 0) << signature;
      std::ifstream in(log);
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      EXPECT_EQ(text.find("rror"), std::string::npos) << text;
      EXPECT_EQ(text.find("nvalid"), std::string::npos) << text;
      // What it makes of it compiles to as much again.
      if (signature == "DSDT")
        EXPECT_EQ(std::system(("iasl -p " + base + "2 " + base + ".dsl >" + log + " 2>&1").c_str()), 0);
    }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mynah
