// SPDX-License-Identifier: Apache-2.0
//
// Options about what is in memory at the start beside the kernel (-device loader), what firmware and systems
// find by name (-fw_cfg), and what a program gets from its debugger (-semihosting). Combinations that QEMU
// refuses are refused here.
#include <fmt/core.h>

#include "app/options_parser.h"
#include "devices/fwcfg/fw_cfg.h"

namespace mynah::app {
namespace {

struct LoaderKeys {
  LoaderOption option;
  std::optional<uint64_t> data;
  unsigned data_length = 0;
  bool big_endian = false, raw = false, any_data = false;
};
std::string set_address(LoaderKeys& to, const std::string& value) {
  to.option.address = parse_u64(value);
  return to.option.address ? "" : "an address as 0x40000000";
}
std::string set_processor(LoaderKeys& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number > 511) return "the number of a processor, 0 for the first";
  to.option.processor = static_cast<unsigned>(*number);
  return {};
}
std::string set_data(LoaderKeys& to, const std::string& value) {
  to.any_data = true;
  to.data = parse_u64(value);
  return to.data ? "" : "a number of at most 64 bits";
}
std::string set_data_length(LoaderKeys& to, const std::string& value) {
  to.any_data = true;
  const auto length = parse_u64(value);
  if (!length || *length < 1 || *length > 8) return "1 to 8 bytes";
  to.data_length = static_cast<unsigned>(*length);
  return {};
}
std::string set_big_endian(LoaderKeys& to, const std::string& value) {
  to.any_data = true;
  return set_on_off<LoaderKeys, &LoaderKeys::big_endian>(to, value);
}
std::string set_loaded_file(LoaderKeys& to, const std::string& value) {
  to.option.file = value;
  return value.empty() ? "the name of a file" : "";
}
constexpr KeyRow<LoaderKeys> kLoaderKeys[] = {
    {"file", "FILE", "an ELF program, whose segments go where they say, or any file, which goes to addr",
     set_loaded_file},
    {"addr", "ADDRESS", "physical address of the file, of data, or of the first instruction", set_address},
    {"force-raw", "on|off", "an ELF file goes to addr as it is", set_on_off<LoaderKeys, &LoaderKeys::raw>},
    {"cpu-num", "N", "this processor begins at the file's entry, or without a file at addr", set_processor},
    {"data", "NUMBER", "a number to put at addr in place of a file, little-endian", set_data},
    {"data-len", "1..8", "as many of its bytes", set_data_length},
    {"data-be", "on|off", "they are the first of its 8 bytes, big-endian", set_big_endian},
};

struct FirmwareFileKeys {
  FirmwareFileOption option;
};
std::string set_file_name(FirmwareFileKeys& to, const std::string& value) {
  to.option.name = value;
  return !value.empty() && value.size() <= dev::FwCfg::kMaxFileName ? "" : "a name of 1 to 55 bytes";
}
std::string set_file_path(FirmwareFileKeys& to, const std::string& value) {
  to.option.file = value;
  return value.empty() ? "the name of a file" : "";
}
std::string set_file_text(FirmwareFileKeys& to, const std::string& value) {
  to.option.text = value;
  return {};
}
constexpr KeyRow<FirmwareFileKeys> kFirmwareFileKeys[] = {
    {"name", "NAME", "what it is found by: opt/ and a name of one's own", set_file_name},
    {"file", "FILE", "the file's contents", set_file_path},
    {"string", "TEXT", "or a text, without an end mark", set_file_text},
};

std::string set_target(SemihostingOption&, const std::string& value) {
  if (value == "native" || value == "auto") return {};
  return value == "gdb" ? "native or auto; calls are not passed on to a debugger" : "native or auto";
}
std::string add_argument(SemihostingOption& to, const std::string& value) {
  to.arguments.push_back(value);
  return {};
}
using S = SemihostingOption;
constexpr KeyRow<S> kSemihostingKeys[] = {
    {"enable", "on|off", "serve the calls", set_on_off<S, &S::enabled>},
    {"target", "native|auto", "accepted: the emulator serves them", set_target},
    {"chardev", "ID", "the program's console; standard input and output by default",
     set_text<S, &S::chardev>},
    {"userspace", "on|off", "unprivileged code may call, too", set_on_off<S, &S::user_space>},
    {"arg", "TEXT", "the program's next argument; by default -kernel's file and the words of -append",
     add_argument},
    {"folder", "FOLDER", "the program may use the files in it; without, none of the host's",
     set_text<S, &S::folder>},
};

std::vector<uint8_t> bytes_of(const LoaderKeys& keys) {
  std::vector<uint8_t> bytes;
  for (unsigned i = 0; i < keys.data_length; ++i)
    bytes.push_back(static_cast<uint8_t>(keys.data.value_or(0) >> 8 * (keys.big_endian ? 7 - i : i)));
  return bytes;
}

}  // namespace

Result<void> apply_loader(OptionParser& p, std::string_view properties) {
  const KeyListSyntax syntax{"-device loader", ""};
  LoaderKeys keys;
  bool help = false;
  if (!properties.empty()) {
    const auto list = apply_keys(properties, syntax, kLoaderKeys, keys);
    if (!list) return list.error();
    help = *list == KeyList::kHelp;
  }
  if (help) {
    p.print(key_help(syntax.what, key_names(std::span<const KeyRow<LoaderKeys>>(kLoaderKeys))));
    return {};
  }
  LoaderOption& option = keys.option;
  if (keys.any_data) {
    if (!option.file.empty() || keys.raw)
      return Error{
          "-device loader: data= is for memory without a file; leave it out, or file= and force-raw="};
    if (keys.data_length == 0) return Error{"-device loader: data= needs data-len=, its number of bytes"};
    if (!option.address) return Error{"-device loader: data= needs addr=, where it goes"};
    option.data = bytes_of(keys);
  } else if (option.file.empty()) {
    if (!option.address || !option.processor)
      return Error{"-device loader needs file=FILE, or addr= and data=, or addr= and cpu-num="};
  }
  option.raw = keys.raw;
  p.options.loads.push_back(std::move(option));
  return {};
}

Result<void> apply_firmware_file(OptionParser& p, const std::string& value) {
  FirmwareFileKeys keys;
  if (auto ok = keys_or_help(p, value, {"-fw_cfg", "name"}, kFirmwareFileKeys, keys); !ok) return ok;
  if (p.options.print) return {};
  const FirmwareFileOption& option = keys.option;
  if (option.name.empty()) return Error{"-fw_cfg needs name=NAME, which the guest finds it by"};
  if (option.file.empty() == !option.text)
    return error("-fw_cfg {} needs either file=FILE or string=TEXT", option.name);
  for (const FirmwareFileOption& other : p.options.firmware_files)
    if (other.name == option.name)
      return error("two -fw_cfg have the name '{}'; give each its own", option.name);
  if (!option.name.starts_with("opt/"))
    p.options.warnings.push_back("-fw_cfg " + option.name +
                                 ": names of one's own begin with opt/; others may come to mean something");
  p.options.firmware_files.push_back(option);
  return {};
}

Result<void> apply_semihosting(OptionParser& p, const std::string&) {
  p.options.semihosting.enabled = true;
  return {};
}

Result<void> apply_semihosting_config(OptionParser& p, const std::string& value) {
  p.options.semihosting.enabled = true;  // unless it says otherwise
  return keys_or_help(p, value, {"-semihosting-config", "enable"}, kSemihostingKeys, p.options.semihosting);
}

}  // namespace mynah::app
