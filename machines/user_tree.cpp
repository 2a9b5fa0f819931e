// SPDX-License-Identifier: Apache-2.0
//
// Devicetree Specification 0.4, chapter 5 (the flattened format) and 3 (/memory, /chosen); the kernel's
// bindings for PSCI. Nodes /memory and /psci are the machine's to make: what the file has of them is taken
// out.
#include "machines/user_tree.h"

#include <array>
#include <cstring>
#include <string_view>

extern "C" {
#include <libfdt.h>
}

namespace mynah {
namespace {

constexpr size_t kLargest = size_t{1} << 21;  // what the boot protocol allows
constexpr size_t kRoom = 4096;                // for what is added, beside the command line

// Values as wide as the root's #address-cells and #size-cells say.
class Cells {
 public:
  void add(uint64_t value, uint32_t cells) {
    for (uint32_t i = cells; i-- > 0;) {
      const uint32_t word = i >= 2 ? 0 : static_cast<uint32_t>(value >> (32 * i));
      for (int shift = 24; shift >= 0; shift -= 8) bytes_.push_back(static_cast<uint8_t>(word >> shift));
    }
    fits_ &= cells >= 2 || value >> 32 == 0;
  }
  bool put(void* tree, int node, const char* name) const {
    return fits_ && fdt_setprop(tree, node, name, bytes_.data(), static_cast<int>(bytes_.size())) == 0;
  }

 private:
  std::vector<uint8_t> bytes_;
  bool fits_ = true;
};

// A cell of the root; 0 where there is none or another.
uint32_t root_cell(const void* tree, const char* name) {
  int size = 0;
  const void* value = fdt_getprop(tree, 0, name, &size);
  if (!value || size != 4) return 0;
  fdt32_t cell;
  std::memcpy(&cell, value, sizeof cell);
  return fdt32_to_cpu(cell);
}

void remove_nodes(void* tree, std::string_view name) {
  const auto matches = [&](int node) {
    int size = 0;
    const char* text = fdt_get_name(tree, node, &size);
    if (!text) return false;
    const std::string_view found(text, static_cast<size_t>(size));
    return found.substr(0, found.find('@')) == name;
  };
  for (int node = fdt_first_subnode(tree, 0); node >= 0;) {
    const int next = fdt_next_subnode(tree, node);
    if (!matches(node)) {
      node = next;
    } else if (fdt_del_node(tree, node) == 0) {
      node = fdt_first_subnode(tree, 0);  // offsets have moved
    } else {
      return;
    }
  }
}

bool add_psci(void* tree) {
  const int node = fdt_add_subnode(tree, 0, "psci");
  static constexpr char kCompatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
  return node >= 0 && fdt_setprop(tree, node, "compatible", kCompatible, sizeof kCompatible) == 0 &&
         fdt_setprop_string(tree, node, "method", "hvc") == 0 &&
         fdt_setprop_u32(tree, node, "cpu_suspend", 0xc4000001) == 0 &&
         fdt_setprop_u32(tree, node, "cpu_off", 0x84000002) == 0 &&
         fdt_setprop_u32(tree, node, "cpu_on", 0xc4000003) == 0;
}

Result<void> check(std::span<const uint8_t> dtb) {
  if (dtb.size() >= 8 && fdt_magic(dtb.data()) == FDT_MAGIC && fdt_totalsize(dtb.data()) > dtb.size())
    return error("the device tree file is cut short: it has {} bytes of {}; get it again", dtb.size(),
                 fdt_totalsize(dtb.data()));
  if (dtb.size() > kLargest)
    return Error{"the device tree file is larger than 2 MiB, which no kernel takes; check -dtb"};
  if (dtb.size() < 40 || fdt_check_full(dtb.data(), dtb.size()) != 0)
    return Error{"the device tree file is not a valid flattened device tree; check -dtb"};
  return {};
}

}  // namespace

Result<std::vector<uint8_t>> complete_tree(std::span<const uint8_t> dtb, const TreeFacts& facts) {
  if (auto ok = check(dtb); !ok) return ok.error();
  std::vector<uint8_t> out(dtb.size() + facts.command_line.size() + kRoom);
  void* tree = out.data();
  if (fdt_open_into(dtb.data(), tree, static_cast<int>(out.size())) != 0)
    return Error{"the device tree file cannot be opened for editing; check -dtb"};
  const uint32_t address_cells = root_cell(tree, "#address-cells"),
                 size_cells = root_cell(tree, "#size-cells");
  if (address_cells == 0 || size_cells == 0 || address_cells > FDT_MAX_NCELLS || size_cells > FDT_MAX_NCELLS)
    return Error{
        "the device tree file has no #address-cells and #size-cells of 1 to 4 in its root; check -dtb"};

  const Error no_room{"the device tree file cannot take what the machine has to say in it; check -dtb"};
  remove_nodes(tree, "memory");
  const int memory = fdt_add_subnode(tree, 0, fmt::format("memory@{:x}", facts.ram_base).c_str());
  Cells range;
  range.add(facts.ram_base, address_cells);
  range.add(facts.ram_bytes, size_cells);
  if (memory < 0 || fdt_setprop_string(tree, memory, "device_type", "memory") != 0) return no_room;
  if (!range.put(tree, memory, "reg"))
    return error(
        "the device tree file describes memory of less than 4 GiB (#size-cells is {}); use -m 4095 or less",
        size_cells);

  int chosen = fdt_path_offset(tree, "/chosen");
  if (chosen < 0) chosen = fdt_add_subnode(tree, 0, "chosen");
  if (chosen < 0) return no_room;
  if (!facts.command_line.empty() &&
      fdt_setprop_string(tree, chosen, "bootargs", facts.command_line.c_str()) != 0)
    return no_room;
  if (facts.initrd_end > facts.initrd_start) {
    Cells start, end;
    start.add(facts.initrd_start, address_cells);
    end.add(facts.initrd_end, address_cells);
    if (!start.put(tree, chosen, "linux,initrd-start") || !end.put(tree, chosen, "linux,initrd-end"))
      return no_room;
  }
  if (facts.psci) {
    remove_nodes(tree, "psci");
    if (!add_psci(tree)) return no_room;
  }
  fdt_pack(tree);
  out.resize(fdt_totalsize(tree));
  return out;
}

}  // namespace mynah
