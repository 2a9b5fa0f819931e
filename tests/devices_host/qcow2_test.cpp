// SPDX-License-Identifier: Apache-2.0
//
// qcow2 images in both directions against qemu-img: what it makes is read as it says, what is written is in
// order by its check and reads back in it; at every moment at which the program or the host may die.
#include "tests/devices_host/qcow2_support.h"

#include <sys/resource.h>

#include <thread>

#include "devices/host/image/image_file.h"
#include "devices/host/image/open_image.h"
#include "devices/host/overlay.h"

namespace mynah::host::test {
namespace {

struct Qcow2Test : ::testing::Test {
  TempFolder folder;
  std::string path = folder / "disk.qcow2", reports;
  std::mt19937_64 random{1};

  void SetUp() override {
    if (!have_qemu_img()) GTEST_SKIP() << "no qemu-img; install qemu-utils";
  }
  ImageOptions options(bool read_only = false) {
    ImageOptions o;
    o.read_only = read_only;
    o.report = [this](const std::string& sentence) { reports += sentence + "\n"; };
    return o;
  }
  void create(const std::string& features, uint64_t size, const std::string& more = {}) {
    std::string text;
    ASSERT_EQ(run_command("qemu-img create -q -f qcow2 -o '" + features + "' " + more + " '" + path + "' " +
                              std::to_string(size),
                          &text),
              0)
        << text;
  }
  std::unique_ptr<dev::BlockBackend> open(bool read_only = false) {
    auto disk = open_image(path, {}, options(read_only));
    EXPECT_TRUE(disk) << disk.message();
    return disk ? std::move(*disk) : nullptr;
  }
  static std::vector<uint8_t> all_of(dev::BlockBackend& disk) {
    std::vector<uint8_t> bytes(disk.size());
    EXPECT_TRUE(disk.read(0, bytes));
    return bytes;
  }
  std::vector<uint8_t> by_qemu_img() {
    const std::string plain = folder / "plain";
    EXPECT_EQ(run_command("qemu-img convert -O raw '" + path + "' '" + plain + "'"), 0);
    const std::string text = read_file(plain);
    return {text.begin(), text.end()};
  }
  // One operation of a guest, on the disk and on what it should hold.
  void operate(dev::BlockBackend& disk, std::vector<uint8_t>& model, bool whole_zeroes = true) {
    const uint64_t size = model.size();
    const uint64_t most = random() % 3 ? 9000 : 300000;
    const uint64_t at = random() % size / 512 * 512;
    const uint64_t n = std::min(size - at, (random() % most + 511) / 512 * 512);
    switch (random() % 8) {
      case 0:
        EXPECT_TRUE(disk.write_zeroes(at, n));
        std::fill_n(model.begin() + static_cast<ptrdiff_t>(at), n, uint8_t{0});
        break;
      case 1:
        if (!whole_zeroes) break;
        EXPECT_TRUE(disk.discard(at, n));
        EXPECT_TRUE(disk.read(at, std::span(model).subspan(at, n)));  // whatever it is now
        break;
      default: {
        std::vector<uint8_t> bytes(n);
        for (auto& b : bytes) b = static_cast<uint8_t>(random());
        EXPECT_TRUE(disk.write(at, bytes));
        std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<ptrdiff_t>(at));
      }
    }
  }
};

TEST_F(Qcow2Test, WhatIsWrittenIsInOrderAndReadsBack) {
  const struct {
    const char* features;
    uint64_t size;
  } kinds[] = {
      {"compat=0.10", 5 << 20},
      {"compat=1.1", (3 << 20) + 512},
      {"compat=1.1,lazy_refcounts=on", 3 << 20},
      {"cluster_size=512", 3 << 20},  // its table of counts has to grow
      {"cluster_size=512,refcount_bits=64", 2 << 20},
      {"cluster_size=2M", 9 << 20},
      {"refcount_bits=1", 3 << 20},
      {"refcount_bits=4,cluster_size=4096", 3 << 20},
      {"preallocation=metadata", 3 << 20},
      {"compression_type=zstd", 3 << 20},
  };
  for (const auto& kind : kinds) {
    SCOPED_TRACE(kind.features);
    create(kind.features, kind.size);
    std::vector<uint8_t> model(kind.size);
    for (unsigned round = 0; round < 3; ++round) {
      auto disk = open();
      ASSERT_TRUE(disk);
      EXPECT_EQ(disk->size(), kind.size);
      for (unsigned i = 0; i < 60; ++i) {
        operate(*disk, model);
        if (i % 20 == 7) {
          EXPECT_TRUE(disk->flush());
          expect_in_order(path);
        }
      }
      EXPECT_TRUE(all_of(*disk) == model);
      disk.reset();
      expect_in_order(path);
      EXPECT_TRUE(by_qemu_img() == model);
    }
  }
  EXPECT_EQ(reports, "");
}

TEST_F(Qcow2Test, ReadsWhatQemuImgMakes) {
  std::vector<uint8_t> model(4 << 20);
  for (size_t i = 0; i < model.size(); ++i)  // some of it can be compressed, some not at all
    model[i] = static_cast<uint8_t>(i / 100000 % 3 == 0 ? random() : i / 100000 % 3 == 1 ? i / 700 : 0);
  write_file(folder / "source", std::string(model.begin(), model.end()));
  for (const char* how : {"", "-c", "-c -o compression_type=zstd", "-c -o cluster_size=4096",
                          "-o compat=0.10 -c", "-c -o cluster_size=2M"}) {
    SCOPED_TRACE(how);
    ASSERT_EQ(run_command("qemu-img convert -O qcow2 " + std::string(how) + " '" + (folder / "source") +
                          "' '" + path + "'"),
              0);
    {
      auto disk = open(true);
      ASSERT_TRUE(disk);
      EXPECT_TRUE(all_of(*disk) == model);
      EXPECT_FALSE(disk->write(0, std::vector<uint8_t>(512)));
    }
    // Clusters that were compressed are written to.
    auto changed = model;
    {
      auto disk = open();
      ASSERT_TRUE(disk);
      for (unsigned i = 0; i < 40; ++i) operate(*disk, changed);
      EXPECT_TRUE(all_of(*disk) == changed);
    }
    expect_in_order(path);
    EXPECT_TRUE(by_qemu_img() == changed);
  }
}

TEST_F(Qcow2Test, RestsOnBackingFiles) {
  const std::string base = folder / "base.raw", middle = folder / "middle.qcow2";
  std::vector<uint8_t> model(3 << 20);
  std::vector<uint8_t> below(2 << 20);  // shorter than what rests on it
  for (auto& b : below) b = static_cast<uint8_t>(random());
  std::copy(below.begin(), below.end(), model.begin());
  write_file(base, std::string(below.begin(), below.end()));
  ASSERT_EQ(run_command("qemu-img create -q -f qcow2 -F raw -b base.raw '" + middle + "' 3M"), 0);
  for (const char* features : {"compat=1.1", "compat=0.10", "cluster_size=4096"}) {
    SCOPED_TRACE(features);
    create(features, model.size(), "-F qcow2 -b middle.qcow2");
    auto changed = model;
    {
      auto disk = open();
      ASSERT_TRUE(disk);
      EXPECT_TRUE(all_of(*disk) == changed);
      for (unsigned i = 0; i < 60; ++i) operate(*disk, changed);
      EXPECT_TRUE(all_of(*disk) == changed);
    }
    expect_in_order(path);
    EXPECT_TRUE(by_qemu_img() == changed);
  }
  EXPECT_EQ(read_file(base), std::string(below.begin(), below.end()));
  // One that is not there, one that is the image itself, one that is no file.
  const auto refused = [&](const std::string& name, const char* why) {
    ASSERT_EQ(run_command("qemu-img rebase -u -F raw -b '" + name + "' '" + path + "'"), 0);
    const auto disk = open_image(path, {}, options());
    ASSERT_FALSE(disk);
    EXPECT_NE(disk.message().find(why), std::string::npos) << disk.message();
  };
  refused("absent.raw", "there is no such file");
  refused("nbd://host/x", "which is no file");
  ASSERT_EQ(run_command("qemu-img rebase -u -F qcow2 -b disk.qcow2 '" + middle + "'"), 0);
  ASSERT_EQ(run_command("qemu-img rebase -u -F qcow2 -b middle.qcow2 '" + path + "'"), 0);
  const auto disk = open_image(path, {}, options(true));
  ASSERT_FALSE(disk);
  EXPECT_NE(disk.message().find("rests on itself"), std::string::npos) << disk.message();
}

TEST_F(Qcow2Test, KeepsInternalSnapshots) {
  create("cluster_size=16384", 3 << 20);
  std::vector<uint8_t> model(3 << 20);
  std::vector<std::vector<uint8_t>> then;
  for (unsigned n = 0; n < 3; ++n) {
    {
      auto disk = open();
      ASSERT_TRUE(disk);
      for (unsigned i = 0; i < 40; ++i) operate(*disk, model);
    }
    expect_in_order(path);
    EXPECT_TRUE(by_qemu_img() == model);
    then.push_back(model);
    ASSERT_EQ(run_command("qemu-img snapshot -c s" + std::to_string(n) + " '" + path + "'"), 0);
  }
  {
    auto disk = open();
    ASSERT_TRUE(disk);
    for (unsigned i = 0; i < 40; ++i) operate(*disk, model);
  }
  expect_in_order(path);
  EXPECT_TRUE(by_qemu_img() == model);
  for (unsigned n = 0; n < 3; ++n) {
    ASSERT_EQ(run_command("qemu-img snapshot -a s" + std::to_string(n) + " '" + path + "'"), 0);
    EXPECT_TRUE(by_qemu_img() == then[n]) << n;
  }
}

// A process that writes and flushes is killed at some moment: what it flushed is there.
TEST_F(Qcow2Test, SurvivesBeingKilled) {
  for (unsigned round = 0; round < 30; ++round) {
    create(round % 2 ? "cluster_size=4096" : "compat=1.1", 4 << 20);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto disk = open();
      std::mt19937_64 own(round);
      for (uint32_t n = 1;; ++n) {  // block n % 1024 is of write n
        std::vector<uint8_t> block(4096);
        std::memcpy(block.data(), &n, 4);
        disk->write(n * 7 % 1024 * 4096, block);
        if (own() % 5 == 0 && disk->flush() && ::write(ends[1], &n, 4) != 4) ::_exit(1);
      }
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % 60));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    uint32_t flushed = 0;
    for (uint32_t n; ::read(ends[0], &n, 4) == 4;) flushed = n;
    ::close(ends[0]);
    expect_in_order(path, true);
    auto disk = open();
    ASSERT_TRUE(disk);
    for (uint32_t n = flushed > 1023 ? flushed - 1023 : 1; n <= flushed; ++n) {
      uint32_t found = 0;
      EXPECT_TRUE(disk->read(n * 7 % 1024 * 4096, {reinterpret_cast<uint8_t*>(&found), 4}));
      EXPECT_TRUE(found == n || (found > flushed && found % 1024 == n % 1024)) << n << " " << found;
    }
  }
}

// The host dies, and of what was written since the last barrier any sectors are there or not.
TEST_F(Qcow2Test, SurvivesACrashOfTheHost) {
  for (unsigned round = 0; round < 40; ++round) {
    create(round % 2 ? "cluster_size=512" : "cluster_size=4096", 1 << 20);
    if (round % 3 == 0) {
      ASSERT_EQ(run_command("qemu-img snapshot -c s '" + path + "'"), 0);
    }
    const std::string text = read_file(path);
    std::vector<uint8_t> bytes(text.begin(), text.end());
    auto owned = std::make_unique<FailingStore>(bytes);
    FailingStore& store = *owned;
    store.at_barrier = bytes;
    const auto header = read_qcow2_header(store, path, true);
    ASSERT_TRUE(header) << header.message();
    auto opened = Qcow2Image::open(std::move(owned), *header, nullptr, path, {});
    ASSERT_TRUE(opened);
    std::vector<uint8_t> model(1 << 20), flushed(1 << 20);
    for (unsigned i = 0; i < 25; ++i) {
      operate(**opened, model, false);
      if (random() % 4 == 0) {
        EXPECT_TRUE((*opened)->flush());
        flushed = model;
      }
      if (random() % 4) continue;
      const auto left = store.after_crash(random);
      write_file(path, std::string(left.begin(), left.end()));
      expect_in_order(path, true);
    }
    EXPECT_TRUE((*opened)->flush());
    const auto left = store.after_crash(random);
    write_file(path, std::string(left.begin(), left.end()));
    expect_in_order(path);
    EXPECT_TRUE(by_qemu_img() == model);
  }
}

// A full disk: the write fails, what was there before is there, and it goes on when there is room again.
TEST_F(Qcow2Test, AFullDiskLosesNothing) {
  for (unsigned room = 0; room < 40; ++room) {
    create("cluster_size=512", 1 << 20);
    const std::string text = read_file(path);
    std::vector<uint8_t> bytes(text.begin(), text.end());
    auto owned = std::make_unique<FailingStore>(bytes);
    FailingStore& store = *owned;
    const auto header = read_qcow2_header(store, path, true);
    ASSERT_TRUE(header);
    auto opened = Qcow2Image::open(std::move(owned), *header, nullptr, path,
                                   {.report = [this](const std::string& s) { reports += s; }});
    ASSERT_TRUE(opened);
    std::vector<uint8_t> model(1 << 20);
    const std::vector<uint8_t> first(20000, 1), second(60000, 2);
    ASSERT_TRUE((*opened)->write(5000, first) && (*opened)->flush());
    std::copy(first.begin(), first.end(), model.begin() + 5000);
    store.writes_left = room;
    const bool done = (*opened)->write(1536, second);
    (void)(*opened)->flush();
    write_file(path, std::string(bytes.begin(), bytes.end()));
    expect_in_order(path, true);
    store.writes_left = ~0u;
    if (!done) {
      ASSERT_TRUE((*opened)->write(1536, second)) << room;
    }
    ASSERT_TRUE((*opened)->flush());
    std::copy(second.begin(), second.end(), model.begin() + 1536);
    write_file(path, std::string(bytes.begin(), bytes.end()));
    expect_in_order(path, true);
    EXPECT_TRUE(by_qemu_img() == model) << room;
  }
}

TEST_F(Qcow2Test, RefusesWhatItDoesNotKnow) {
  const auto refused = [&](const std::string& why, bool read_only = false) {
    const auto disk = open_image(path, {}, options(read_only));
    ASSERT_FALSE(disk) << why;
    EXPECT_NE(disk.message().find(why), std::string::npos) << disk.message();
  };
  const auto set_byte = [&](size_t at, uint8_t value) {
    std::string text = read_file(path);
    text.at(at) = static_cast<char>(value);
    write_file(path, text);
  };
  create("extended_l2=on", 1 << 20);
  refused("subclusters");
  create("compat=1.1", 1 << 20);
  set_byte(79, 1);
  refused("was not closed in order");
  EXPECT_TRUE(open(true));
  set_byte(79, 2);
  refused("is marked as damaged");
  set_byte(79, 0x40);
  refused("not known here", true);
  create("compat=1.1", 1 << 20);
  set_byte(7, 9);
  refused("has version 9");
  set_byte(7, 3);
  set_byte(35, 2);
  refused("is encrypted");
  set_byte(35, 0);
  set_byte(40, 0x7f);
  refused("first table is outside");
  write_file(path, read_file(path).substr(0, 80));
  refused("damaged");
  write_file(path, std::string("QFI\xfb") + std::string(1000, '\0'));
  refused("has version 0");
}

// What the guest writes over a raw disk's start does not become an image the next time.
TEST_F(Qcow2Test, AGuestCannotMakeOne) {
  create("compat=1.1", 1 << 20);
  const std::string image = read_file(path).substr(0, 4096);
  const std::string raw = folder / "disk.raw";
  write_file(raw, std::string(1 << 20, '\0'));
  {
    auto disk = open_image(raw, {}, options());
    ASSERT_TRUE(disk);
    EXPECT_FALSE((*disk)->write(0, bytes_of(image)));
    EXPECT_TRUE((*disk)->write(512, bytes_of(image)));
    EXPECT_TRUE((*disk)->write(0, bytes_of(std::string(512, 'b'))));
  }
  auto disk = open_image(raw, "raw", options());
  ASSERT_TRUE(disk);
  EXPECT_TRUE((*disk)->write(0, bytes_of(image)));
}

}  // namespace
}  // namespace mynah::host::test
