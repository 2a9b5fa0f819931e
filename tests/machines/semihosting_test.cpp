// SPDX-License-Identifier: Apache-2.0
//
// Semihosting's calls against its manual, with memory, files and a console made for it.
#include "machines/semihosting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "tests/devices/fakes.h"

namespace mynah {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Memory final : Semihosting::Memory {
  bool read(uint64_t address, std::span<uint8_t> to) override {
    return ram.read(address, to.data(), to.size());
  }
  bool write(uint64_t address, std::span<const uint8_t> from) override {
    return ram.write(address, from.data(), from.size());
  }
  dev::fake::Memory ram{0x1000, 0x40000};
};

// Files by name; a handle is the place in `open`.
struct Files final : dev::HostFiles {
  struct Open {
    std::string path;
    size_t at = 0;
  };
  Answer open(const std::string& path, Mode mode) override {
    if (mode == Mode::kRead && !contents.contains(path)) return -ENOENT;
    modes.push_back(mode);
    contents[path];
    opened.push_back({path});
    return static_cast<int64_t>(opened.size()) - 1;
  }
  Answer close(int64_t handle) override {
    closed.push_back(handle);
    return 0;
  }
  Answer read(int64_t handle, std::span<uint8_t> to) override {
    if (handle < 0) return -EBADF;
    Open& f = opened[static_cast<size_t>(handle)];
    const std::string piece = contents[f.path].substr(f.at, std::min<size_t>(to.size(), 1000));
    std::copy(piece.begin(), piece.end(), to.begin());
    f.at += piece.size();
    return static_cast<int64_t>(piece.size());
  }
  Answer write(int64_t handle, std::span<const uint8_t> from) override {
    const std::string piece(from.begin(), from.end());
    if (contents[opened[static_cast<size_t>(handle)].path].size() + piece.size() > most) return -ENOSPC;
    contents[opened[static_cast<size_t>(handle)].path] += piece;
    return static_cast<int64_t>(piece.size());
  }
  Answer seek(int64_t handle, uint64_t position) override {
    opened[static_cast<size_t>(handle)].at = std::min<size_t>(position, 1 << 20);
    return 0;
  }
  Answer length(int64_t handle) override {
    return static_cast<int64_t>(contents[opened[static_cast<size_t>(handle)].path].size());
  }
  Answer remove(const std::string& path) override { return contents.erase(path) ? 0 : -ENOENT; }
  Answer rename(const std::string& from, const std::string& to) override {
    if (!contents.contains(from)) return -ENOENT;
    contents[to] = contents[from];
    contents.erase(from);
    return 0;
  }
  std::map<std::string, std::string> contents;
  std::vector<Open> opened;
  std::vector<Mode> modes;
  std::vector<int64_t> closed;
  size_t most = 1 << 20;
};

constexpr uint64_t kBlock = 0x2000, kText = 0x3000, kBuffer = 0x4000, kNowhere = 0x100000;
constexpr uint64_t kMinusOne = ~uint64_t{0};

struct SemihostingCalls : testing::Test {
  SemihostingCalls() { make(); }
  void make() {
    semihosting.reset();
    SemihostingConfig c;
    c.command_line = "prog a b";
    c.files = with_files ? &files : nullptr;
    c.console = &console;
    c.errors = &errors;
    c.exit = [this](int code) { exits.push_back(code); };
    c.tell = [this](const std::string& s) { told.push_back(s); };
    semihosting = std::make_unique<Semihosting>(
        c,
        Semihosting::Facts{
            .clock = clock, .calendar = [] { return 1767225600; }, .heap_begin = 0x5000, .heap_end = 0x6000},
        log);
  }
  // X0; nothing where the call is to be made again.
  std::optional<uint64_t> maybe(uint32_t operation, uint64_t parameter) {
    uint64_t result = 0x5555;
    if (semihosting->call(memory, operation, parameter, result) == Semihosting::Done::kNotYet) {
      EXPECT_EQ(result, 0x5555u);
      return std::nullopt;
    }
    return result;
  }
  uint64_t call(uint32_t operation, std::initializer_list<uint64_t> block) {
    uint64_t at = kBlock;
    for (uint64_t word : block) {
      memory.ram.write(at, &word, 8);
      at += 8;
    }
    const auto result = maybe(operation, kBlock);
    EXPECT_TRUE(result);
    return result.value_or(0);
  }
  uint64_t text(const std::string& t) {
    memory.ram.write(kText, t.c_str(), t.size() + 1);
    return kText;
  }
  uint64_t open(const std::string& name, unsigned mode) {
    return call(0x01, {text(name), mode, name.size()});
  }
  std::string bytes(uint64_t at, size_t n) {
    std::string out(n, '\0');
    memory.ram.read(at, out.data(), n);
    return out;
  }
  uint64_t word(uint64_t at) {
    uint64_t w = 0;
    memory.ram.read(at, &w, 8);
    return w;
  }
  uint64_t last_error() { return *maybe(0x13, 0); }

  bool with_files = true;
  Memory memory;
  Files files;
  dev::fake::Serial console, errors;
  dev::ManualClock clock;
  dev::NullLog log;
  std::vector<int> exits;
  std::vector<std::string> told;
  std::unique_ptr<Semihosting> semihosting;
};

TEST_F(SemihostingCalls, TheConsoleIsWritten) {
  EXPECT_EQ(maybe(0x03, text("x")), 0u);
  EXPECT_EQ(maybe(0x04, text("hello\n")), 0u);
  EXPECT_EQ(console.sent, "xhello\n");
  const uint64_t out = open(":tt", 4), err = open(":tt", 8);
  EXPECT_EQ(call(0x05, {out, text("out"), 3}), 0u);
  EXPECT_EQ(call(0x05, {err, text("err"), 3}), 0u);
  EXPECT_EQ(console.sent, "xhello\nout");
  EXPECT_EQ(errors.sent, "err");
  EXPECT_EQ(call(0x09, {out}), 1u);
  EXPECT_EQ(call(0x0c, {out}), 0u);
  EXPECT_EQ(call(0x0a, {out, 0}), kMinusOne);
  EXPECT_EQ(call(0x02, {out}), 0u);
  EXPECT_EQ(call(0x05, {out, text("out"), 3}), 3u);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(EBADF));
}

TEST_F(SemihostingCalls, InputIsWaitedFor) {
  const uint64_t in = open(":tt", 0);
  for (const uint64_t word : {in, kBuffer, uint64_t{10}})
    memory.ram.write(kBlock + 8 * (word == in ? 0 : word == 10 ? 2 : 1), &word, 8);
  EXPECT_EQ(maybe(0x06, kBlock), std::nullopt);
  EXPECT_EQ(maybe(0x07, 0), std::nullopt);
  console.type("abc");
  EXPECT_EQ(maybe(0x07, 0), uint64_t{'a'});
  EXPECT_EQ(maybe(0x06, kBlock), 8u);  // of ten
  EXPECT_EQ(bytes(kBuffer, 2), "bc");
  console.type(std::string(100, 'x'));
  EXPECT_EQ(maybe(0x06, kBlock), 0u);
  EXPECT_EQ(maybe(0x07, 0), uint64_t{'x'});
}

TEST_F(SemihostingCalls, FilesAreOpenedReadAndWritten) {
  files.contents["in"] = std::string(2500, 'i');
  const uint64_t in = open("in", 1);
  EXPECT_EQ(call(0x0c, {in}), 2500u);
  EXPECT_EQ(call(0x09, {in}), 0u);
  EXPECT_EQ(call(0x06, {in, kBuffer, 4000}), 1500u);
  EXPECT_EQ(bytes(kBuffer, 2500), files.contents["in"]);
  EXPECT_EQ(call(0x06, {in, kBuffer, 10}), 10u);  // the end
  EXPECT_EQ(call(0x0a, {in, 2499}), 0u);
  EXPECT_EQ(call(0x06, {in, kBuffer, 10}), 9u);
  const uint64_t out = open("out", 6);
  EXPECT_EQ(call(0x05, {out, text("data"), 4}), 0u);
  EXPECT_EQ(files.contents["out"], "data");
  files.most = 4;
  EXPECT_EQ(call(0x05, {out, text("data"), 4}), 4u);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(ENOSPC));
  EXPECT_EQ(call(0x02, {out}), 0u);
  EXPECT_THAT(files.closed, ElementsAre(1));
  for (unsigned mode = 0; mode < 12; ++mode) EXPECT_NE(open("in", mode), kMinusOne);
  EXPECT_EQ(files.modes[13], dev::HostFiles::Mode::kAppendUpdate);
  EXPECT_EQ(open("in", 12), kMinusOne);
  EXPECT_EQ(open("none", 0), kMinusOne);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(ENOENT));
  semihosting->reset();
  EXPECT_EQ(files.closed.size(), files.opened.size());
}

TEST_F(SemihostingCalls, NamesAreRemovedAndChanged) {
  files.contents["a"] = "1";
  memory.ram.write(kText + 100, "bb", 3);
  EXPECT_EQ(call(0x0f, {text("a"), 1, kText + 100, 2}), 0u);
  EXPECT_EQ(files.contents["bb"], "1");
  EXPECT_EQ(call(0x0e, {text("bb"), 2}), 0u);
  EXPECT_EQ(call(0x0e, {text("bb"), 2}), kMinusOne);
  EXPECT_EQ(call(0x0d, {kBuffer, 7, 64}), 0u);
  EXPECT_EQ(bytes(kBuffer, 7), std::string("tmp-07\0", 7));
  EXPECT_EQ(call(0x0d, {kBuffer, 7, 6}), kMinusOne);
  EXPECT_EQ(call(0x0d, {kBuffer, 256, 64}), kMinusOne);
}

TEST_F(SemihostingCalls, WithoutAFolderFilesAreDenied) {
  with_files = false;
  make();
  EXPECT_EQ(open("in", 0), kMinusOne);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(EACCES));
  EXPECT_EQ(call(0x0e, {text("a"), 1}), kMinusOne);
  EXPECT_NE(open(":tt", 4), kMinusOne);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], HasSubstr("add folder=DIR"));
}

TEST_F(SemihostingCalls, FeaturesAreAFile) {
  const uint64_t f = open(":semihosting-features", 0);
  EXPECT_EQ(call(0x0c, {f}), 5u);
  EXPECT_EQ(call(0x06, {f, kBuffer, 4}), 0u);
  EXPECT_EQ(bytes(kBuffer, 4), "SHFB");
  EXPECT_EQ(call(0x06, {f, kBuffer, 4}), 3u);
  EXPECT_EQ(bytes(kBuffer, 1), "\x3");
  EXPECT_EQ(call(0x0a, {f, 0}), 0u);
  EXPECT_EQ(call(0x0a, {f, 6}), kMinusOne);
  EXPECT_EQ(call(0x06, {f, kBuffer, 1}), 0u);
  EXPECT_EQ(open(":semihosting-features", 4), kMinusOne);
  EXPECT_EQ(call(0x01, {text(":semihosting-features"), 0, 22}), f + 1);  // with the end mark
}

TEST_F(SemihostingCalls, TimeIsTheGuests) {
  clock.time = (12'345'678'901);
  EXPECT_EQ(maybe(0x10, 0), 1234u);
  EXPECT_EQ(maybe(0x11, 0), 1767225600u);
  EXPECT_EQ(maybe(0x30, kBuffer), 0u);
  EXPECT_EQ(word(kBuffer), 12'345'678'901u);
  EXPECT_EQ(maybe(0x31, 0), 1'000'000'000u);
}

TEST_F(SemihostingCalls, TheMachineIsTold) {
  EXPECT_EQ(call(0x15, {kBuffer, 9}), 0u);
  EXPECT_EQ(bytes(kBuffer, 9), std::string("prog a b\0", 9));
  EXPECT_EQ(word(kBlock + 8), 8u);
  EXPECT_EQ(call(0x15, {kBuffer, 8}), kMinusOne);
  EXPECT_EQ(call(0x16, {kBuffer}), 0u);
  EXPECT_EQ(word(kBuffer), 0x5000u);
  EXPECT_EQ(word(kBuffer + 8), 0x6000u);
  EXPECT_EQ(word(kBuffer + 16), 0x6000u);
  EXPECT_EQ(word(kBuffer + 24), 0x5000u);
  EXPECT_EQ(call(0x08, {kMinusOne}), 1u);
  EXPECT_EQ(call(0x08, {0}), 0u);
  EXPECT_EQ(call(0x12, {text("ls"), 2}), kMinusOne);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(EPERM));
  EXPECT_EQ(call(0x7777, {}), kMinusOne);
}

TEST_F(SemihostingCalls, TheEndHasACode) {
  const auto ends = [&](uint32_t operation, uint64_t reason, uint64_t code) {
    const uint64_t block[] = {reason, code};
    memory.ram.write(kBlock, block, sizeof block);
    EXPECT_EQ(maybe(operation, kBlock), std::nullopt);
  };
  ends(0x18, 0x20026, 0);
  ends(0x18, 0x20026, 7);
  ends(0x20, 0x20026, 300);
  ends(0x18, 0x20023, 0);  // another reason
  EXPECT_EQ(maybe(0x18, kNowhere), std::nullopt);
  EXPECT_THAT(exits, ElementsAre(0, 7, 44, 1, 1));
}

TEST_F(SemihostingCalls, BadMemoryIsAnError) {
  const uint64_t out = open(":tt", 4);
  for (const uint32_t operation : {1, 2, 3, 4, 6, 9, 0xa, 0xc, 0xd, 0xe, 0xf, 0x15, 0x16, 0x30}) {
    EXPECT_EQ(maybe(operation, kNowhere), kMinusOne) << operation;
    EXPECT_EQ(last_error(), static_cast<uint64_t>(EFAULT)) << operation;
  }
  EXPECT_EQ(call(0x05, {out, kNowhere, 10}), 10u);
  EXPECT_EQ(call(0x05, {out, kBuffer, kMinusOne}), kMinusOne - (0x41000 - kBuffer) / 0x10000 * 0x10000);
  EXPECT_EQ(call(0x01, {kText, 0, 5000}), kMinusOne);
  EXPECT_EQ(call(0x02, {65}), kMinusOne);
  EXPECT_EQ(call(0x02, {0}), kMinusOne);
  std::vector<uint8_t> unending(0x40000, 'x');
  memory.ram.write(0x1000, unending.data(), unending.size());
  EXPECT_EQ(maybe(0x04, 0x1000), kMinusOne);
}

TEST_F(SemihostingCalls, HandlesRunOut) {
  for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(open(":tt", 4), i + 1);
  EXPECT_EQ(open(":tt", 4), kMinusOne);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(EMFILE));
  EXPECT_EQ(call(0x02, {30}), 0u);
  EXPECT_EQ(open(":tt", 4), 30u);
}

TEST_F(SemihostingCalls, StateIsSavedWithoutTheHostsFiles) {
  const uint64_t f = open(":semihosting-features", 0), file = open("out", 4);
  call(0x06, {f, kBuffer, 2});
  open("none", 0);
  console.type("ab");
  const auto saved = dev::fake::save(*semihosting);
  make();
  ASSERT_TRUE(dev::fake::load(*semihosting, saved));
  EXPECT_EQ(dev::fake::save(*semihosting), saved);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(ENOENT));
  EXPECT_EQ(call(0x06, {f, kBuffer, 1}), 0u);
  EXPECT_EQ(bytes(kBuffer, 1), "F");
  EXPECT_EQ(maybe(0x07, 0), uint64_t{'a'});
  EXPECT_EQ(call(0x06, {file, kBuffer, 4}), 4u);
  EXPECT_EQ(last_error(), static_cast<uint64_t>(EBADF));
}

}  // namespace
}  // namespace mynah
