// SPDX-License-Identifier: Apache-2.0
//
// The boards there are, and what a command line has to know of each. Whoever makes a machine starts here, and
// nobody else names a board or a processor.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "devices/core/device.h"
#include "ir/result.h"
#include "machines/machine_config.h"

namespace mynah {

class Machine;

// A property of -M: what it can be, with "|" between ("2|3|max"); empty: any text. Only "off": what the board
// does not have. `missing`: values that people use and the board does not have.
struct BoardProperty {
  std::string_view name, values, help;
  std::string_view missing = {};
};

// What a person chose of a board. The properties' values are of those that they can have; the last counts.
struct BoardChoice {
  std::string cpu;  // as -cpu takes it; checked
  std::vector<std::pair<std::string, std::string>> properties;
};

// Why a choice is not possible. Where a name is not known: it, and those that are, which the sentence leaves
// out.
struct WrongChoice {
  std::string sentence;
  std::string unknown = {};
  std::vector<std::string_view> known = {};
};

struct Board {
  std::string_view name, help;
  std::span<const std::string_view> versions;  // "NAME-VERSION" is a name of the board, too
  std::string_view versioned_name;             // its NAME in these, where it is another one
  std::string_view guest;                      // "AArch64": the processors' architecture
  std::string_view default_cpu;
  std::span<const BoardProperty> properties;
  // Switches of the board's own devices, "driver.property", as -global has them.
  std::span<const BoardProperty> device_properties;
  // Whether it has PCI, with these properties: what kind the cards and disks are that nobody chose.
  bool (*has_pci)(const BoardChoice& choice);
  std::string_view network_card;  // the -device of such a card; "virtio-net" in the form of its bus
  unsigned serial_lines;
  uint64_t flash_bytes;  // of each of its two flashes, at most where it is as large as its file
  std::span<const std::string_view> firmware_folders;  // where distributions have it
  // For advice: the firmware that people have, the package that it is from, the console of its kernels.
  std::string_view firmware, firmware_package, console;
  std::string_view cpu_properties;  // of -cpu, for help

  std::vector<std::string_view> (*cpu_names)();
  std::string (*cpu_left_out)(std::string_view name);  // of the real one's features, for help
  // Empty: such a processor can be made.
  WrongChoice (*check_cpu)(std::string_view specification);
  // How many processors it can have at most, with these properties; and how there could be more, for a
  // sentence
  // ("; use ..."), or "".
  unsigned (*most_processors)(const BoardChoice& choice);
  std::string (*more_processors)(const BoardChoice& choice);
  // Uncompresses a kernel in place, to at most `limit` bytes.
  Result<void> (*unpack_kernel)(std::vector<uint8_t>& kernel, uint64_t limit);
  // Whether it is one that the board starts, in so much memory; a sentence to warn a person with, or none.
  Result<std::string> (*check_kernel)(std::span<const uint8_t> kernel, uint64_t ram_bytes, bool with_initrd);
  // The files of -initrd with their texts, where the kernel is one that takes several; else none.
  std::vector<std::pair<std::string, std::string>> (*kernel_modules)(std::span<const uint8_t> kernel,
                                                                     std::string_view option);
  // The machine, before its init().
  std::unique_ptr<Machine> (*make)(const BoardChoice& choice, MachineConfig config, dev::Log& log);
  // Where no kernel and no firmware is given, `firmware` is what starts.
  bool starts_firmware = false;
  // Kernels that `firmware` starts where it is found and no other is given.
  bool (*kernel_behind_firmware)(std::span<const uint8_t> kernel) = nullptr;
  bool option_roms = false;          // cards have the ROMs that firmware of this machine runs
  std::string_view video_bios = {};  // its video card's; where it is not found, there is none
  // IDE and a floppy controller: what disks are that nobody chose.
  bool legacy_disks = false;
  bool parallel_port = false;
  bool flash_as_file = false;             // a flash has the size of its file
  unsigned ide_buses = 2, ide_units = 2;  // of these; units a bus
};

std::span<const Board* const> boards();  // the first is the default
const Board* find_board(std::string_view name);

}  // namespace mynah
