// SPDX-License-Identifier: Apache-2.0
//
// A person's device tree, as the machine completes it.
#include "machines/user_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
#include <libfdt.h>
}

namespace mynah {
namespace {

using testing::HasSubstr;

// A tree with nodes that are the machine's to make, and some that only look so.
std::vector<uint8_t> tree(uint32_t address_cells, uint32_t size_cells, bool chosen = true) {
  std::vector<uint8_t> t(4096);
  fdt_create_empty_tree(t.data(), static_cast<int>(t.size()));
  fdt_setprop_u32(t.data(), 0, "#address-cells", address_cells);
  fdt_setprop_u32(t.data(), 0, "#size-cells", size_cells);
  const auto node = [&](int parent, const char* name) { return fdt_add_subnode(t.data(), parent, name); };
  fdt_setprop_u32(t.data(), node(0, "memory"), "reg", 1);
  node(0, "memory@5000");
  node(0, "memory-controller");
  fdt_setprop_string(t.data(), node(0, "psci"), "method", "smc");
  node(node(0, "soc"), "memory@1");
  if (chosen) {
    const int n = node(0, "chosen");
    fdt_setprop_string(t.data(), n, "bootargs", "old");
    fdt_setprop_string(t.data(), n, "stdout-path", "/x");
  }
  fdt_pack(t.data());
  t.resize(fdt_totalsize(t.data()));
  return t;
}

std::string property(const std::vector<uint8_t>& t, const char* node, const char* name) {
  int n = 0;
  const void* value = fdt_getprop(t.data(), fdt_path_offset(t.data(), node), name, &n);
  return value ? std::string(static_cast<const char*>(value), static_cast<size_t>(n)) : "absent";
}
bool there(const std::vector<uint8_t>& t, const char* node) { return fdt_path_offset(t.data(), node) >= 0; }

TreeFacts facts(std::string command_line = "hello") {
  return {.ram_base = 0x40000000,
          .ram_bytes = 0x8000000,
          .command_line = std::move(command_line),
          .initrd_start = 0x44000000,
          .initrd_end = 0x444c4b40};
}

TEST(UserTree, IsCompletedByTheRootsCells) {
  const auto one = complete_tree(tree(1, 1), facts());
  ASSERT_TRUE(one) << one.message();
  EXPECT_EQ(property(*one, "/memory@40000000", "device_type"), std::string("memory\0", 7));
  EXPECT_EQ(property(*one, "/memory@40000000", "reg"), std::string("\x40\0\0\0\x08\0\0\0", 8));
  EXPECT_EQ(property(*one, "/chosen", "linux,initrd-start"), std::string("\x44\0\0\0", 4));
  EXPECT_EQ(property(*one, "/chosen", "linux,initrd-end"), std::string("\x44\x4c\x4b\x40", 4));
  EXPECT_EQ(property(*one, "/chosen", "bootargs"), std::string("hello\0", 6));
  EXPECT_EQ(property(*one, "/chosen", "stdout-path"), std::string("/x\0", 3));
  EXPECT_EQ(property(*one, "/psci", "method"), std::string("hvc\0", 4));
  EXPECT_THAT(property(*one, "/psci", "compatible"), HasSubstr("arm,psci-1.0"));
  for (const char* kept : {"/memory-controller", "/soc/memory@1"}) EXPECT_TRUE(there(*one, kept)) << kept;
  for (const char* gone : {"/memory@5000"}) EXPECT_FALSE(there(*one, gone)) << gone;

  const auto two = complete_tree(tree(2, 2, false), facts(""));
  ASSERT_TRUE(two) << two.message();
  EXPECT_EQ(property(*two, "/memory@40000000", "reg"),
            std::string("\0\0\0\0\x40\0\0\0\0\0\0\0\x08\0\0\0", 16));
  EXPECT_EQ(property(*two, "/chosen", "linux,initrd-start"), std::string("\0\0\0\0\x44\0\0\0", 8));
  EXPECT_EQ(property(*two, "/chosen", "bootargs"), "absent");
}

TEST(UserTree, WithoutACommandLineItsOwnStays) {
  const auto t = complete_tree(tree(1, 1), {.ram_base = 0x40000000, .ram_bytes = 4096});
  ASSERT_TRUE(t) << t.message();
  EXPECT_EQ(property(*t, "/chosen", "bootargs"), std::string("old\0", 4));
  EXPECT_EQ(property(*t, "/chosen", "linux,initrd-start"), "absent");
}

TEST(UserTree, WhatItCannotSayIsRefused) {
  TreeFacts large = facts();
  large.ram_bytes = uint64_t{5} << 30;
  const auto narrow = complete_tree(tree(1, 1), large);
  ASSERT_FALSE(narrow);
  EXPECT_THAT(narrow.message(), HasSubstr("less than 4 GiB"));
  EXPECT_TRUE(complete_tree(tree(2, 2), large));
  for (const auto& bad : {tree(0, 1), tree(1, 0), tree(5, 1)}) {
    const auto t = complete_tree(bad, facts());
    ASSERT_FALSE(t);
    EXPECT_THAT(t.message(), HasSubstr("#address-cells"));
  }
}

}  // namespace
}  // namespace mynah
