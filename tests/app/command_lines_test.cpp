// SPDX-License-Identifier: Apache-2.0
//
// Command lines of public guides (command_lines.txt). Those of AArch64, and those of x86 that need no window,
// are tried, with files that stand for theirs, up to a machine that is ready to run;
// command_lines_answers.txt and command_lines_answers_x86.txt have what each comes to: "starts", or what is
// missing. MYNAH_UPDATE_GOLDENS=1 writes them anew. The share that starts is printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/options.h"
#include "app/session.h"
#include "tests/app/guests.h"
#include "tests/app/program.h"
#include "tests/devices/tiny_qcow2.h"
#include "tests/machines/elf_builder.h"
#include "tests/machines/packing.h"
#include "tests/machines/x86_kernels.h"

namespace mynah::app {
namespace {

using namespace test;

constexpr const char* kLines = MYNAH_SOURCE_DIR "/tests/app/command_lines.txt";
constexpr unsigned kFloor = 60;     // of the hundred start
constexpr unsigned kX86Floor = 45;  // of the sixty
constexpr const char* kAnswers = MYNAH_SOURCE_DIR "/tests/app/command_lines_answers.txt";
constexpr const char* kX86Answers = MYNAH_SOURCE_DIR "/tests/app/command_lines_answers_x86.txt";

std::map<std::string, std::vector<std::string>> command_lines() {
  std::map<std::string, std::vector<std::string>> sections;
  std::ifstream file(kLines);
  std::string line, section;
  while (std::getline(file, line)) {
    if (line.starts_with('['))
      section = line.substr(1, line.find(']') - 1);
    else if (!line.empty() && !line.starts_with('#'))
      sections[section].push_back(line);
  }
  return sections;
}

// As a shell does, as far as the file needs it.
Args words(const std::string& line) {
  Args words;
  char quote = 0;
  bool begun = false;
  for (const char c : line) {
    if (c == ' ' && !quote) {
      begun = false;
      continue;
    }
    if (!begun) words.emplace_back();
    begun = true;
    if (quote ? c == quote : c == '"' || c == '\'')
      quote = quote ? 0 : c;
    else
      words.back() += c;
  }
  return words;
}

void write(const std::string& name, const auto& bytes) {
  std::ofstream(name, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
void write_sized(const std::string& name, uintmax_t size) {
  write(name, std::string(16, '\0'));
  std::filesystem::resize_file(name, size);
}

// Files of every kind that the lines name, in the current folder.
void make_files() {
  for (const char* disk : {"disk.raw", "seed.iso"}) write_sized(disk, 1 << 20);
  write("cd.iso", std::string(0x8001, '\0') + "CD001" + std::string(2048, '\0'));
  write("disk.qcow2", dev::test::tiny_qcow2());
  write("config.txt", std::string("text"));
  // A cpio archive: its end.
  std::string cpio = "070701" + std::string(8 * 11, '0') + "0000000B" + "00000000" + "TRAILER!!!";
  cpio.resize(512, '\0');
  write("initrd.img", packing::gzip({cpio.begin(), cpio.end()}));
}
void make_arm_files() {
  make_files();
  write("Image", idle_guest());
  for (const char* flash : {"code.fd", "vars.fd"}) write_sized(flash, 64 << 20);
  for (const char* firmware : {"QEMU_EFI.fd", "u-boot.bin", "kernel.bin", "firmware.bin"})
    write_sized(firmware, 1 << 20);
  // As tutorials link them: at the start of memory, and begun there.
  write("kernel.elf", elf_test::make(0x40000000, {0xd503207f, 0x17ffffff}));  // wfi; b -4
  EXPECT_EQ(Program({"-M", "virt,dumpdtb=board.dtb"}).finish(), 0);
}
void make_x86_files() {
  make_files();
  write("bzImage", x86_test::make(x86_test::Linux{}));
  write("kernel.elf", elf_test::make(x86_test::multiboot_elf()));
  for (const char* flash : {"code.fd", "vars.fd", "OVMF.fd"}) write_sized(flash, 1 << 20);
  for (const char* bios : {"bios-256k.bin", "seabios.bin"}) write_sized(bios, 256 << 10);
  write_sized("floppy.img", 1440 << 10);
  for (const char* file : {"boot.bin", "module1.bin", "module2.bin"}) write_sized(file, 512);
  std::filesystem::create_directory("folder");
}

// In a process of its own: what listens, is locked or goes wrong there ends with it.
std::string answer(const std::string& line, const Args& before) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    Args owned = before;
    for (std::string& word : words(line)) owned.push_back(std::move(word));
    const std::vector<std::string_view> arguments(owned.begin(), owned.end());
    std::string said = "starts";
    auto options = parse_options(arguments);
    // What the host's networks allow is not the line's matter.
    const bool no_further = line.find("tap") != std::string::npos || line.find("bridge") != std::string::npos;
    if (!options) {
      said = options.message();
    } else if (!no_further) {
      std::freopen("/dev/null", "w", stderr);
      std::freopen("/dev/null", "r", stdin);
      if (auto session = Session::create(std::move(*options)); !session) said = session.message();
    }
    if (said.find("choose another port") != std::string::npos ||
        said.find("another program") != std::string::npos ||
        said.find("use a smaller -m") != std::string::npos ||
        said.find("standard input and output are none") != std::string::npos)
      said = "starts";  // on a host where that is free, on a terminal
    [[maybe_unused]] const ssize_t n = ::write(ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char bytes[4096];
  ssize_t n;
  while ((n = ::read(ends[0], bytes, sizeof bytes)) > 0) said.append(bytes, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? said : "the process died";
}

std::string shortened(std::string text) {
  if (const size_t end = text.find(" (it has "); end != std::string::npos) text.resize(end);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool names_what_is_missing(const std::string& sentence) {
  constexpr std::string_view kWords[] = {"is not supported", "are not supported",     "is missing here",
                                         "does not have it", "draws on the terminal", "is not implemented"};
  return std::ranges::any_of(
      kWords, [&](std::string_view words) { return sentence.find(words) != std::string::npos; });
}

TEST(CommandLines, ThereAreEnoughOfEachGuest) {
  const auto sections = command_lines();
  EXPECT_EQ(sections.at("aarch64").size(), 100u);
  for (const char* other : {"arm", "x86_64", "i386"}) EXPECT_EQ(sections.at(other).size(), 30u) << other;
}

// Tries each of a folder of files; `before` is what the program's name, or a package, stands for.
void try_all(const std::vector<std::string>& lines, const Args& before, void (*make)(), unsigned floor,
             const char* answers, std::string_view of) {
  Folder folder;
  const auto came_from = std::filesystem::current_path();
  std::filesystem::current_path(folder / ".");
  make();
  std::string all;
  unsigned starting = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string said = shortened(answer(lines[i], before));
    starting += said == "starts";
    all += std::to_string(i + 1) + ": " + said + "\n";
    EXPECT_EQ(said.find("process died"), std::string::npos) << lines[i];
    // What is missing is named, as such: a known thing is no misspelling, and the stand-ins are proper files.
    EXPECT_TRUE(said == "starts" || names_what_is_missing(said)) << lines[i] << "\n" << said;
    EXPECT_EQ(said.find("did you mean"), std::string::npos) << lines[i] << "\n" << said;
  }
  std::filesystem::current_path(came_from);
  std::printf("%u of %zu %s command lines start\n", starting, lines.size(), of.data());
  testing::Test::RecordProperty("starting", static_cast<int>(starting));
  EXPECT_GE(starting, floor);
  if (std::getenv("MYNAH_UPDATE_GOLDENS")) {
    std::ofstream(answers) << all;
    return;
  }
  std::ifstream file(answers);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(all, expected) << "MYNAH_UPDATE_GOLDENS=1 writes the answers anew";
}

TEST(CommandLines, ThoseOfAArch64StartOrNameWhatIsMissing) {
  try_all(command_lines().at("aarch64"), {}, make_arm_files, kFloor, kAnswers, "AArch64");
}

TEST(CommandLines, ThoseOfX86WithoutWindowsStartOrNameWhatIsMissing) {
  const auto sections = command_lines();
  std::vector<std::string> lines = sections.at("x86_64-console");
  const std::vector<std::string>& i386 = sections.at("i386-console");
  lines.insert(lines.end(), i386.begin(), i386.end());
  ASSERT_EQ(lines.size(), 60u);
  try_all(lines, {"-M", "pc", "-L", "."}, make_x86_files, kX86Floor, kX86Answers, "x86");
}

}  // namespace
}  // namespace mynah::app
