// SPDX-License-Identifier: Apache-2.0
//
// One row a signature; the first that matches decides. The command that a person is told is quoted for a
// shell and makes a file that is not there yet.
#include "devices/host/foreign_format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "devices/host/shell_text.h"

namespace mynah::host {
namespace {

using namespace std::literals;
using Kind = ForeignFormat::Kind;

struct Signature {
  std::string_view bytes;
  size_t at;
  ForeignFormat format;
};
constexpr std::string_view kConvert = "qemu-img convert -O raw";
constexpr Signature kSignatures[] = {
    {"QFI\xfb"sv, 0, {"qcow2", Kind::kImage, kConvert}},
    {"QED\0"sv, 0, {"qed", Kind::kImage, kConvert}},
    {"KDMV"sv, 0, {"vmdk", Kind::kImage, kConvert}},
    {"COWD"sv, 0, {"vmdk", Kind::kImage, kConvert}},
    {"# Disk DescriptorFile"sv, 0, {"vmdk", Kind::kImage, kConvert}},
    {"vhdxfile"sv, 0, {"vhdx", Kind::kImage, kConvert}},
    {"conectix"sv, 0, {"vpc", Kind::kImage, kConvert}},
    {"WithoutFreeSpace"sv, 0, {"parallels", Kind::kImage, kConvert}},
    {"WithouFreSpacExt"sv, 0, {"parallels", Kind::kImage, kConvert}},
    {"\x7f\x10\xda\xbe"sv, 0x40, {"vdi", Kind::kImage, kConvert}},
    {"\x3a\xff\x26\xed"sv, 0, {"sparse Android", Kind::kImage, "simg2img"}},
    {"\xfd"
     "7zXZ\0"sv,
     0,
     {"xz", Kind::kCompressed, "xz -dc"}},
    {"\x1f\x8b\x08"sv, 0, {"gzip", Kind::kCompressed, "gzip -dc"}},
    {"\x28\xb5\x2f\xfd"sv, 0, {"zstd", Kind::kCompressed, "zstd -dc"}},
    {"\x04\x22\x4d\x18"sv, 0, {"lz4", Kind::kCompressed, "lz4 -dc"}},
    {"\x02\x21\x4c\x18"sv, 0, {"lz4", Kind::kCompressed, "lz4 -dc"}},
    {"\x89LZO\0\r\n\x1a\n"sv, 0, {"lzop", Kind::kCompressed, "lzop -dc"}},
    {"LZIP\x01"sv, 0, {"lzip", Kind::kCompressed, "lzip -dc"}},
    {"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff"sv, 0, {"lzma", Kind::kCompressed, "xz -dc"}},
    {"PK\x03\x04"sv, 0, {"zip", Kind::kArchive, "unzip -p"}},
    {"7z\xbc\xaf\x27\x1c"sv, 0, {"7z", Kind::kArchive, "7z x -so"}},
    {"Rar!\x1a\x07"sv, 0, {"rar", Kind::kArchive, "unrar p -inul"}},
};
constexpr ForeignFormat kBzip2{"bzip2", Kind::kCompressed, "bzip2 -dc"};

bool has(std::span<const uint8_t> head, size_t at, std::string_view bytes) {
  return at + bytes.size() <= head.size() && std::memcmp(head.data() + at, bytes.data(), bytes.size()) == 0;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// The first of "disk.raw", "disk-1.raw", "disk-2.raw" and so on that is not there.
std::string free_name(const std::string& stem, const std::string& suffix) {
  std::string name = stem + suffix;
  for (unsigned i = 1; exists(name); ++i) name = stem + "-" + std::to_string(i) + suffix;
  return name;
}

struct Name {
  std::string stem, suffix;
};
// The suffix begins with a dot; a name without one, or with nothing before it, has none.
Name split_suffix(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || name.size() - dot > 9) return {name, ""};
  return {name.substr(0, dot), name.substr(dot)};
}

bool is_tar(const std::string& name) {
  for (std::string_view end : {".tgz", ".txz", ".tbz", ".tbz2", ".tzst"})
    if (name.ends_with(end)) return true;
  return split_suffix(split_suffix(name).stem).suffix == ".tar";
}

}  // namespace

const ForeignFormat* foreign_format(std::span<const uint8_t> head) {
  for (const Signature& signature : kSignatures)
    if (has(head, signature.at, signature.bytes)) return &signature.format;
  // "BZh" alone could be text.
  if (has(head, 0, "BZh") && head.size() > 3 && head[3] >= '1' && head[3] <= '9' && has(head, 4, "1AY&SY"))
    return &kBzip2;
  return nullptr;
}

const ForeignFormat* foreign_format_named(std::string_view name) {
  for (const Signature& signature : kSignatures)
    if (signature.format.kind == Kind::kImage && signature.format.name == name) return &signature.format;
  return nullptr;
}

std::string describe(const ForeignFormat& format) {
  const std::string name(format.name);
  switch (format.kind) {
    case Kind::kImage:
      return "is a " + name + " image";
    case Kind::kCompressed:
      return "is compressed with " + name;
    case Kind::kArchive:
      return "is a " + name + " archive";
  }
  return {};
}

std::string plain_file_command(const ForeignFormat& format, const std::string& path,
                               const std::string& suffix) {
  const size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  const std::string file = path.substr(folder.size());
  if (!folder.empty() && ::access(folder.c_str(), W_OK) != 0) folder.clear();

  const bool tar = format.kind == Kind::kCompressed && is_tar(file);
  Name to = split_suffix(file);
  if (tar && split_suffix(to.stem).suffix == ".tar") to = split_suffix(to.stem);
  // What is inside "disk.img.xz" has the name "disk.img".
  if (const Name inner = split_suffix(to.stem);
      format.kind == Kind::kCompressed && !tar && !to.suffix.empty() && !inner.suffix.empty())
    to = inner;
  else
    to.suffix = suffix;
  const std::string out = shell_path(free_name(folder + to.stem, to.suffix));
  const std::string in = shell_path(path);
  if (format.kind == Kind::kImage) return std::string(format.command) + " " + in + " " + out;
  return (tar ? "tar -xOf" : std::string(format.command)) + " " + in + " > " + out;
}

}  // namespace mynah::host
