// SPDX-License-Identifier: Apache-2.0
//
// Disk images: raw files, locks, the -snapshot overlay; and entropy.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <random>

#include "devices/host/entropy.h"
#include "devices/host/foreign_format.h"
#include "devices/host/overlay.h"
#include "devices/host/raw_image.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

struct ImageTest : ::testing::Test {
  TempFolder folder;
  std::string path = folder / "disk.raw";
  std::string reports;
  ImageOptions options(bool read_only = false) {
    ImageOptions o;
    o.read_only = read_only;
    o.report = [this](const std::string& sentence) { reports += sentence + "\n"; };
    return o;
  }
  static std::string get(dev::BlockBackend& disk, uint64_t offset, size_t n) {
    std::string text(n, '?');
    EXPECT_TRUE(disk.read(offset, {reinterpret_cast<uint8_t*>(text.data()), n}));
    return text;
  }
};

TEST_F(ImageTest, ReadsAndWrites) {
  write_file(path, std::string(4096, 'a'));
  auto image = RawImage::open(path, options());
  ASSERT_TRUE(image) << image.message();
  auto& disk = **image;
  EXPECT_EQ(disk.size(), 4096u);
  EXPECT_FALSE(disk.read_only());
  EXPECT_TRUE(disk.write(510, bytes_of("1234")));
  EXPECT_TRUE(disk.flush());
  EXPECT_EQ(get(disk, 508, 8), "aa1234aa");
  EXPECT_TRUE(disk.write_zeroes(512, 512));
  EXPECT_EQ(get(disk, 510, 4), std::string("12\0\0", 4));
  EXPECT_EQ(get(disk, 1022, 4), std::string("\0\0aa", 4));
  EXPECT_TRUE(disk.discard(1024, 2048));
  EXPECT_EQ(get(disk, 3072, 2), "aa");
  image->reset();
  EXPECT_EQ(read_file(path).size(), 4096u);
}

TEST_F(ImageTest, RangesOutsideTheDiskFail) {
  write_file(path, std::string(1024, 'a'));
  auto image = RawImage::open(path, options());
  auto& disk = **image;
  std::array<uint8_t, 512> sector{};
  for (uint64_t offset :
       {uint64_t{513}, uint64_t{1024}, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 511}) {
    EXPECT_FALSE(disk.read(offset, sector)) << offset;
    EXPECT_FALSE(disk.write(offset, sector)) << offset;
    EXPECT_FALSE(disk.discard(offset, 512)) << offset;
    EXPECT_FALSE(disk.write_zeroes(offset, 512)) << offset;
  }
  EXPECT_FALSE(disk.write_zeroes(512, ~uint64_t{0}));
  EXPECT_TRUE(disk.read(1024, {}));
  EXPECT_TRUE(disk.write_zeroes(1024, 0));
  EXPECT_EQ(reports, "");
  EXPECT_EQ(read_file(path), std::string(1024, 'a'));
}

TEST_F(ImageTest, OddSizesArePaddedWithZeroes) {
  write_file(path, std::string(700, 'a'));
  auto image = RawImage::open(path, options());
  auto& disk = **image;
  EXPECT_EQ(disk.size(), 1024u);
  EXPECT_EQ(get(disk, 512, 512), std::string(188, 'a') + std::string(324, '\0'));
  EXPECT_TRUE(disk.write(1000, bytes_of("tail")));
  EXPECT_EQ(get(disk, 998, 8), std::string("\0\0tail\0\0", 8));
}

TEST_F(ImageTest, ReadOnly) {
  write_file(path, std::string(1024, 'a'));
  ::chmod(path.c_str(), 0444);
  auto image = RawImage::open(path, options(true));
  ASSERT_TRUE(image) << image.message();
  EXPECT_TRUE((*image)->read_only());
  EXPECT_FALSE((*image)->write(0, bytes_of("x")));
  EXPECT_FALSE((*image)->discard(0, 512));
  EXPECT_FALSE((*image)->write_zeroes(0, 512));
  EXPECT_TRUE((*image)->flush());
  EXPECT_EQ(get(**image, 0, 1), "a");
}

TEST_F(ImageTest, ManyReadersOrOneWriter) {
  write_file(path, std::string(1024, 'a'));
  {
    auto writer = RawImage::open(path, options());
    ASSERT_TRUE(writer);
    auto second = RawImage::open(path, options());
    ASSERT_FALSE(second);
    EXPECT_NE(second.message().find("in use"), std::string::npos) << second.message();
    EXPECT_FALSE(RawImage::open(path, options(true)));
    ImageOptions unlocked = options();
    unlocked.lock = false;
    EXPECT_TRUE(RawImage::open(path, unlocked));
  }
  auto reader = RawImage::open(path, options(true));
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_TRUE(RawImage::open(path, options(true)));
  EXPECT_FALSE(RawImage::open(path, options()));
  reader->reset();
  EXPECT_TRUE(RawImage::open(path, options()));
}

TEST_F(ImageTest, WhatIsNoImageIsRefusedWithASentence) {
  auto missing = RawImage::open(folder / "none", options());
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.message().find("no such file"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
  for (bool read_only : {false, true}) {
    auto directory = RawImage::open(folder.path, options(read_only));
    ASSERT_FALSE(directory);
    EXPECT_NE(directory.message().find("directory"), std::string::npos) << directory.message();
    EXPECT_FALSE(RawImage::open("/dev/null", options(read_only)));
  }
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(RawImage::open(folder / "fifo", options(true)));
  write_file(path, "");
  auto empty = RawImage::open(path, options());
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.message().find("empty"), std::string::npos);
}

TEST_F(ImageTest, OtherFormatsAreNamed) {
  write_file(path, "QFI\xfb" + std::string(4092, '\0'));
  auto image = RawImage::open(path, options());
  ASSERT_FALSE(image);
  EXPECT_NE(image.message().find("is a qcow2 image"), std::string::npos) << image.message();
  EXPECT_NE(image.message().find("qemu-img convert -O raw " + path + " " + (folder / "disk-1.raw")),
            std::string::npos)
      << image.message();
  ImageOptions raw = options(true);
  raw.any_contents = true;
  EXPECT_TRUE(RawImage::open(path, raw));
  write_file(path, "QFI");  // shorter than the signature
  EXPECT_TRUE(RawImage::open(path, options()));
  write_file(path, std::string(64, 'x') + "\x7f\x10\xda\xbe" + std::string(1000, '\0'));
  auto vdi = RawImage::open(path, options());
  ASSERT_FALSE(vdi);
  EXPECT_NE(vdi.message().find("vdi"), std::string::npos);
}

TEST_F(ImageTest, CommandsMakePlainFilesOfFreeNames) {
  const auto command = [&](const std::string& head, const std::string& name) {
    const ForeignFormat* format =
        foreign_format({reinterpret_cast<const uint8_t*>(head.data()), head.size()});
    return format ? plain_file_command(*format, folder / name) : "(plain)";
  };
  const std::string at = folder.path + "/";
  const std::string xz(
      "\xfd"
      "7zXZ\0",
      6);
  const std::string gzip = "\x1f\x8b\x08";
  EXPECT_EQ(command(xz, "a.img.xz"), "xz -dc " + at + "a.img.xz > " + at + "a.img");
  EXPECT_EQ(command(xz, "a.qcow2.xz"), "xz -dc " + at + "a.qcow2.xz > " + at + "a.qcow2");
  EXPECT_EQ(command(gzip, "a"), "gzip -dc " + at + "a > " + at + "a.raw");
  EXPECT_EQ(command(gzip, "a.tar.gz"), "tar -xOf " + at + "a.tar.gz > " + at + "a.raw");
  EXPECT_EQ(command(gzip, "a.tgz"), "tar -xOf " + at + "a.tgz > " + at + "a.raw");
  EXPECT_EQ(command("BZh91AY&SY", "a.bz2"), "bzip2 -dc " + at + "a.bz2 > " + at + "a.raw");
  EXPECT_EQ(command("\x28\xb5\x2f\xfd", "a.zst"), "zstd -dc " + at + "a.zst > " + at + "a.raw");
  EXPECT_EQ(command("\x04\x22\x4d\x18", "a.lz4"), "lz4 -dc " + at + "a.lz4 > " + at + "a.raw");
  EXPECT_EQ(command("PK\x03\x04", "a.zip"), "unzip -p " + at + "a.zip > " + at + "a.raw");
  EXPECT_EQ(command("KDMV", "it's.vmdk"),
            "qemu-img convert -O raw '" + at + "it'\\''s.vmdk' '" + at + "it'\\''s.raw'");
  for (const char* name : {"a.raw", "a-1.raw"}) write_file(folder / name, "x");
  EXPECT_EQ(command("vhdxfile", "a.vhdx"), "qemu-img convert -O raw " + at + "a.vhdx " + at + "a-2.raw");
  for (const char* head : {"", "BZh", "BZhello", "PK", "\x1f\x8b", "QFI"})
    EXPECT_EQ(command(head, "a"), "(plain)") << head;
}

// A mount namespace of this process alone. Without root that takes a user namespace, in which the user and
// the group must have a name before they can own files.
bool enter_private_mounts() {
  const std::string user = std::to_string(::getuid()), group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    for (const auto& [file, text] : {std::pair{"setgroups", std::string("deny")},
                                     {"uid_map", user + " " + user + " 1"},
                                     {"gid_map", group + " " + group + " 1"}}) {
      UniqueFd fd(::open((std::string("/proc/self/") + file).c_str(), O_WRONLY | O_CLOEXEC));
      if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
    }
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Runs `body` in a child whose `folder` is a file system of 64 KiB; its result is the exit status.
template <typename Body>
int on_tiny_disk(const std::string& folder, Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!enter_private_mounts()) ::_exit(77);
    if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0) ::_exit(77);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_F(ImageTest, FullDiskFailsTheWriteAndIsSaidOnce) {
  const int status = on_tiny_disk(folder.path, [&] {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (::ftruncate(fd.get(), 1 << 20) != 0) return 10;
    auto image = RawImage::open(path, options());
    if (!image) return 11;
    const std::vector<uint8_t> data(65536, 0x55);
    bool failed = false;
    for (int i = 0; i < 4; ++i) failed |= !(*image)->write(static_cast<uint64_t>(i) * 65536, data);
    if (!failed) return 12;
    if (std::count(reports.begin(), reports.end(), '\n') != 1) return 13;
    if (reports.find("No space left") == std::string::npos) return 14;
    if (get(**image, 0, 1) != "\x55") return 15;
    return 0;
  });
  if (status == 77) GTEST_SKIP() << "no private mounts here";
  EXPECT_EQ(status, 0);
}

TEST_F(ImageTest, OverlayOnAFullDiskFailsTheWrite) {
  TempFolder elsewhere;
  path = elsewhere / "base";
  write_file(path, std::string(1 << 20, 'b'));
  const int status = on_tiny_disk(folder.path, [&] {
    auto overlay =
        Overlay::create(std::move(*RawImage::open(path, options(true))), options().report, folder.path);
    if (!overlay) return 11;
    const std::vector<uint8_t> data(65536 + 4096, 'n');
    if ((*overlay)->write(1000, data)) return 12;
    if ((*overlay)->write(200000, data)) return 13;
    if (std::count(reports.begin(), reports.end(), '\n') != 1) return 14;
    if (get(**overlay, 0, 1000) != std::string(1000, 'b')) return 15;
    if (get(**overlay, 1000 + data.size(), 100) != std::string(100, 'b')) return 16;
    return 0;
  });
  if (status == 77) GTEST_SKIP() << "no private mounts here";
  EXPECT_EQ(status, 0);
}

TEST_F(ImageTest, FileSizeLimitIsAnErrorNotADeath) {
  const pid_t child = ::fork();
  if (child == 0) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (::ftruncate(fd.get(), 65536) != 0) ::_exit(10);
    auto image = RawImage::open(path, options());
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(image && !(*image)->write(8192, bytes_of("x")) && !reports.empty() ? 0 : 11);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ImageTest, OverlayLeavesTheBaseAlone) {
  const std::string original(100 * 1000, 'b');
  write_file(path, original);
  auto overlay =
      Overlay::create(std::move(*RawImage::open(path, options(true))), options().report, folder.path);
  ASSERT_TRUE(overlay) << overlay.message();
  auto& disk = **overlay;
  EXPECT_EQ(disk.size(), (original.size() + 511) / 512 * 512);
  EXPECT_FALSE(disk.read_only());
  EXPECT_TRUE(disk.write(5000, bytes_of("new")));
  EXPECT_TRUE(disk.flush());
  EXPECT_EQ(get(disk, 4998, 7), "bbnewbb");
  EXPECT_TRUE(disk.write_zeroes(1, 20000));
  EXPECT_EQ(get(disk, 0, 20003), "b" + std::string(20000, '\0') + "bb");
  std::array<uint8_t, 512> sector{};
  EXPECT_FALSE(disk.write(disk.size(), sector));
  EXPECT_FALSE(disk.read(~uint64_t{0} - 100, sector));
  EXPECT_FALSE(disk.discard(512, ~uint64_t{0}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1)
      << "the overlay has no name";
  overlay->reset();
  EXPECT_EQ(read_file(path), original);
}

TEST_F(ImageTest, OverlayAgreesWithAModel) {
  std::mt19937 random(7);
  constexpr size_t kSize = 300 * 512;  // not whole clusters
  std::string model(kSize, '\0');
  for (char& c : model) c = static_cast<char>(random());
  write_file(path, model);
  auto overlay =
      Overlay::create(std::move(*RawImage::open(path, options(true))), options().report, folder.path);
  auto& disk = **overlay;
  for (int step = 0; step < 3000; ++step) {
    const size_t offset = random() % kSize;
    const size_t n = random() % std::min<size_t>(kSize - offset + 1, random() % 8 ? 3000 : 30000);
    switch (random() % 4) {
      case 0: {
        std::string data(n, '\0');
        for (char& c : data) c = static_cast<char>(random());
        ASSERT_TRUE(disk.write(offset, bytes_of(data)));
        model.replace(offset, n, data);
        break;
      }
      case 1:
        ASSERT_TRUE(disk.write_zeroes(offset, n));
        model.replace(offset, n, n, '\0');
        break;
      case 2:
        if (random() % 16) break;
        ASSERT_TRUE(disk.discard(offset, n));
        ASSERT_TRUE(disk.write(offset, bytes_of(model).subspan(offset, n)));  // contents were undefined
        break;
      default:
        ASSERT_TRUE(get(disk, offset, n) == model.substr(offset, n)) << step;
    }
  }
  EXPECT_TRUE(get(disk, 0, kSize) == model);
}

TEST_F(ImageTest, OverlayOfAHugeDiskIsCheap) {
  struct Huge : dev::BlockBackend {
    uint64_t size() const override { return uint64_t{1} << 43; }
    bool read_only() const override { return true; }
    bool read(uint64_t, std::span<uint8_t> to) override {
      std::fill(to.begin(), to.end(), uint8_t{7});
      return true;
    }
    bool write(uint64_t, std::span<const uint8_t>) override { return false; }
    bool flush() override { return true; }
    bool discard(uint64_t, uint64_t) override { return false; }
    bool write_zeroes(uint64_t, uint64_t) override { return false; }
  };
  auto overlay = Overlay::create(std::make_unique<Huge>(), nullptr, folder.path);
  const uint64_t far = (uint64_t{1} << 43) - 3;
  ASSERT_TRUE((*overlay)->write(far, bytes_of("end")));
  EXPECT_EQ(get(**overlay, far - 1, 4), "\7end");
}

TEST_F(ImageTest, OverlayNeedsAFolder) {
  write_file(path, std::string(512, 'b'));
  auto overlay = Overlay::create(std::move(*RawImage::open(path, options(true))), nullptr, "/nowhere/at/all");
  ASSERT_FALSE(overlay);
  EXPECT_NE(overlay.message().find("TMPDIR"), std::string::npos) << overlay.message();
  ::setenv("TMPDIR", folder.path.c_str(), 1);
  EXPECT_TRUE(Overlay::create(std::move(*RawImage::open(path, options(true))), nullptr));
  ::unsetenv("TMPDIR");
}

TEST(Entropy, HostFillsAll) {
  HostEntropy entropy;
  std::vector<uint8_t> a(100000), b(100000);
  entropy.fill(a);
  entropy.fill(b);
  EXPECT_NE(a, b);
  EXPECT_GT(std::count_if(a.begin(), a.end(), [](uint8_t x) { return x >= 128; }), 40000);
  entropy.fill({});
}

TEST(Entropy, SeedFixesTheSequence) {
  SeededEntropy one(1), same(1), other(2);
  std::vector<uint8_t> a(100), b(100), c(100);
  one.fill(a);
  same.fill(std::span(b).first(3));
  same.fill(std::span(b).subspan(3));
  other.fill(c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

// RFC 8439, A.1, test vectors 1 and 2: the beginnings of the first two blocks with a key of 0.
TEST(Entropy, TheSequenceIsChaCha20) {
  SeededEntropy entropy(0);
  std::array<uint8_t, 128> bytes{};
  entropy.fill(bytes);
  const std::array<uint8_t, 16> first = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                         0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
  const std::array<uint8_t, 16> second = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                          0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
  EXPECT_TRUE(std::equal(first.begin(), first.end(), bytes.begin()));
  EXPECT_TRUE(std::equal(second.begin(), second.end(), bytes.begin() + 64));
}

}  // namespace
}  // namespace mynah::host::test
