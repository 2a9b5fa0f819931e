// SPDX-License-Identifier: Apache-2.0
//
// Counts of whole installer boots, arm64 and amd64, that do not depend on how fast the host is: the
// deterministic clock makes them the same on every machine, for the same kernel. boot.json and
// boot_amd64.json hold what they are, per million guest instructions where that is what matters, and the most
// that some may ever be. Worse by more than kSlack fails; so does better by more than that, lest the file
// grow old: MYNAH_UPDATE_GOLDENS=1 writes it anew.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using nlohmann::json;

constexpr double kSlack = 0.15;  // another kernel of the same release is within it
constexpr double kSmall = 5;     // per million: too few for a ratio to mean anything

const std::map<std::string, double> kMost = {{"host bytes a guest byte", 10}};

std::map<std::string, double> counts_of(const json& stats) {
  const double millions = stats["run"]["guest_instructions"].get<double>() / 1e6;
  std::map<std::string, double> counts;
  counts["host bytes a guest byte"] = stats["translation"]["host_bytes_per_guest_byte"];
  const auto per_million = [&](const std::string& name, const json& value) {
    counts[name + ", per million"] = value.get<double>() / millions;
  };
  per_million("blocks translated", stats["translation"]["blocks_made"]);
  per_million("blocks translated again", stats["translation"]["blocks_remade"]);
  per_million("TLB refills", stats["tlb"]["refills"]);
  per_million("table walks", stats["tlb"]["walks"]);
  per_million("names of code mappings", stats["tlb"]["epochs"]);
  for (const auto& [cause, value] : stats["leaves"].items()) per_million("left code: " + cause, value);
  return counts;
}

// As far as the installer's first screen.
std::map<std::string, double> boot(const char* arch, app::test::Args args) {
  const app::test::Folder folder;
  args.insert(args.end(),
              {"-m", "1024", "-icount", "shift=1", "-nographic", "-kernel", boot::image_path(arch, "linux"),
               "-initrd", boot::image_path(arch, "initrd.gz"), "--stats=" + (folder / "stats")});
  app::test::Program program(std::move(args));
  EXPECT_TRUE(program.wait_for("Select a language", std::chrono::minutes(5)))
      << program.output << program.errors;
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
  return counts_of(json::parse(folder.read("stats")));
}

bool has_images(const char* arch) {
  return std::ifstream(boot::image_path(arch, "linux")) && std::ifstream(boot::image_path(arch, "initrd.gz"));
}

void compare(const std::map<std::string, double>& counts, const char* name_of_file) {
  const std::string path = std::string(MYNAH_SOURCE_DIR "/tests/counts/") + name_of_file;
  if (std::getenv("MYNAH_UPDATE_GOLDENS")) {
    json rounded;
    for (const auto& [name, value] : counts)
      rounded[name] = static_cast<double>(static_cast<int64_t>(value * 100 + 0.5)) / 100;
    std::ofstream(path) << rounded.dump(2) << "\n";
    return;
  }
  std::ifstream file(path);
  const json expected = json::parse(file);
  for (const auto& [name, value] : counts) {
    ASSERT_TRUE(expected.contains(name))
        << name << " is " << value << "; set MYNAH_UPDATE_GOLDENS=1 to add it";
    const double known = expected[name];
    EXPECT_LE(value, known * (1 + kSlack) + kSmall) << name << " got worse";
    EXPECT_GE(value, known * (1 - kSlack) - kSmall)
        << name << " got better: set MYNAH_UPDATE_GOLDENS=1 to keep that";
    if (const auto most = kMost.find(name); most != kMost.end()) {
      EXPECT_LE(value, most->second) << name;
    }
  }
}

TEST(Counts, InstallerBoot) {
  if (!has_images("arm64")) GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-arm64";
  compare(boot("arm64", {"-M", "virt", "-cpu", "cortex-a57", "-append", "console=ttyAMA0"}), "boot.json");
}

TEST(Counts, InstallerBootOfAmd64) {
  if (!has_images("amd64")) GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-amd64";
  compare(boot("amd64", {"-M", "microvm", "-cpu", "max", "-append", "console=ttyS0"}), "boot_amd64.json");
}

}  // namespace
}  // namespace mynah
