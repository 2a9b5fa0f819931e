// SPDX-License-Identifier: Apache-2.0
//
// Files that a guest opens by name: those of one folder, and no way out of it.
#include "devices/host/semihosting_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "devices/host/char_testdev.h"
#include "tests/devices_host/support.h"

namespace mynah::host {
namespace {

using Mode = dev::HostFiles::Mode;
using test::bytes_of;

struct SemihostingFolder : testing::Test {
  void SetUp() override {
    char name[] = "/tmp/mynah-test-XXXXXX";
    root = ::mkdtemp(name);
    std::filesystem::create_directories(root / "in/sub");
    write(root / "secret", "secret");
    write(root / "in/file", "0123456789");
    write(root / "in/sub/deep", "deep");
    auto opened = SemihostingFiles::open_folder((root / "in").string());
    ASSERT_TRUE(opened) << opened.message();
    files = std::move(*opened);
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string read(int64_t handle, size_t n) {
    std::string text(n, '\0');
    const auto got = files->read(handle, {reinterpret_cast<uint8_t*>(text.data()), n});
    return got < 0 ? "error" : text.substr(0, static_cast<size_t>(got));
  }
  std::filesystem::path root;
  std::unique_ptr<SemihostingFiles> files;
};

TEST_F(SemihostingFolder, FilesAreReadAndWritten) {
  const auto in = files->open("file", Mode::kRead);
  ASSERT_GE(in, 0);
  EXPECT_EQ(files->length(in), 10);
  EXPECT_EQ(read(in, 4), "0123");
  EXPECT_EQ(files->seek(in, 8), 0);
  EXPECT_EQ(read(in, 4), "89");
  EXPECT_EQ(read(in, 4), "");
  EXPECT_EQ(files->write(in, bytes_of("x")), -EBADF);
  EXPECT_EQ(files->seek(in, ~uint64_t{0}), -EINVAL);
  EXPECT_EQ(files->close(in), 0);
  EXPECT_EQ(files->close(in), -EBADF);
  EXPECT_EQ(read(in, 1), "error");
  EXPECT_EQ(files->open("absent", Mode::kRead), -ENOENT);
  EXPECT_EQ(files->open("absent", Mode::kUpdate), -ENOENT);

  const auto out = files->open("/sub/new", Mode::kWrite);
  ASSERT_GE(out, 0);
  EXPECT_EQ(files->write(out, bytes_of("abc")), 3);
  EXPECT_EQ(files->close(out), 0);
  const auto more = files->open("sub/new", Mode::kAppend);
  EXPECT_EQ(files->write(more, bytes_of("def")), 3);
  EXPECT_EQ(read(root / "in/sub/new"), "abcdef");
  const auto update = files->open("sub/new", Mode::kUpdate);
  EXPECT_EQ(files->write(update, bytes_of("X")), 1);
  EXPECT_EQ(read(update, 9), "bcdef");
  EXPECT_EQ(read(root / "in/sub/new"), "Xbcdef");
  ASSERT_GE(files->open("sub/new", Mode::kWriteUpdate), 0);
  EXPECT_EQ(read(root / "in/sub/new"), "");
}

TEST_F(SemihostingFolder, NoNameLeadsOut) {
  std::filesystem::create_symlink(root / "secret", root / "in/absolute");
  std::filesystem::create_symlink("../secret", root / "in/up");
  std::filesystem::create_symlink("..", root / "in/parent");
  std::filesystem::create_symlink("file", root / "in/inside");
  std::filesystem::create_symlink("/proc/self/root", root / "in/magic");
  for (const char* name : {"../secret", "sub/../../secret", "absolute", "up", "parent/secret", "/../secret",
                           "magic/etc/passwd", "../in/file"}) {
    for (const Mode mode : {Mode::kRead, Mode::kUpdate, Mode::kWrite, Mode::kAppendUpdate})
      EXPECT_LT(files->open(name, mode), 0) << name;
    EXPECT_EQ(files->open(name, Mode::kRead), -EACCES) << name;
  }
  for (const char* name :
       {"../secret", "parent/secret", "absolute", "up", "..", "sub/..", ".", "", "/", "sub"})
    EXPECT_LT(files->remove(name), 0) << name;
  EXPECT_LT(files->rename("file", "../stolen"), 0);
  EXPECT_LT(files->rename("../secret", "mine"), 0);
  EXPECT_LT(files->rename("parent/secret", "mine"), 0);
  EXPECT_LT(files->rename("sub", "mine"), 0);
  EXPECT_EQ(read(root / "secret"), "secret");
  EXPECT_FALSE(std::filesystem::exists(root / "stolen"));
  const auto inside = files->open("inside", Mode::kRead);
  ASSERT_GE(inside, 0);
  EXPECT_EQ(read(inside, 3), "012");
}

TEST_F(SemihostingFolder, OnlyRegularFilesAreOpened) {
  ASSERT_EQ(::mkfifo((root / "in/pipe").c_str(), 0600), 0);
  EXPECT_EQ(files->open("sub", Mode::kRead), -EISDIR);
  EXPECT_LT(files->open("sub", Mode::kWrite), 0);
  EXPECT_EQ(files->open("pipe", Mode::kRead), -EACCES);
  EXPECT_LT(files->open("pipe", Mode::kWrite), 0);
  EXPECT_EQ(files->open("", Mode::kRead), -ENOENT);
  EXPECT_EQ(files->open("/", Mode::kRead), -ENOENT);
  EXPECT_EQ(files->open(std::string(5000, 'x'), Mode::kRead), -ENAMETOOLONG);
}

TEST_F(SemihostingFolder, NamesAreRemovedAndChanged) {
  EXPECT_EQ(files->rename("file", "sub/other"), 0);
  EXPECT_EQ(read(root / "in/sub/other"), "0123456789");
  EXPECT_EQ(files->rename("file", "x"), -ENOENT);
  EXPECT_EQ(files->remove("sub/other"), 0);
  EXPECT_EQ(files->remove("sub/other"), -ENOENT);
  EXPECT_FALSE(std::filesystem::exists(root / "in/sub/other"));
}

TEST_F(SemihostingFolder, AFolderHasToBeThere) {
  const auto none = SemihostingFiles::open_folder((root / "none").string());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.message(), testing::HasSubstr("check folder="));
  EXPECT_FALSE(SemihostingFiles::open_folder((root / "secret").string()));
}

TEST(Testdev, CommandsEndTheRun) {
  struct Case {
    std::string_view text;
    std::vector<int> codes;
  };
  for (const Case& c : {Case{"0q", {1}}, Case{"1q", {3}}, Case{"127q", {255}}, Case{"q", {1}}, Case{"12", {}},
                        Case{"5x3q", {7}}, Case{"\n2q\n3q", {5, 7}}, Case{"99999999999999999999q", {}}}) {
    std::vector<int> codes;
    TestdevChar line([&](int code) { codes.push_back(code); });
    for (const char& byte : c.text) line.write(bytes_of({&byte, 1}));
    if (!c.codes.empty() || c.text == "12") EXPECT_EQ(codes, c.codes) << c.text;
    for (int code : codes) EXPECT_TRUE(code >= 0 && code <= 255);
  }
}

}  // namespace
}  // namespace mynah::host
