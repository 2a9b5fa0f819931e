// SPDX-License-Identifier: Apache-2.0
//
// Counts of a whole installer boot that do not depend on how fast the host is: the deterministic clock makes
// them the same on every machine, for the same kernel. boot.json holds what they are, per million guest
// instructions where that is what matters, and the most that some may ever be. Worse by more than kSlack
// fails; so does better by more than that, lest the file grow old: MYNAH_UPDATE_GOLDENS=1 writes it anew.
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

TEST(Counts, InstallerBoot) {
  for (const char* name : {"linux", "initrd.gz"})
    if (!std::ifstream(boot::image_path(name)))
      GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-arm64";
  const app::test::Folder folder;
  app::test::Program program({"-M", "virt", "-cpu", "cortex-a57", "-m", "1024", "-icount", "shift=1",
                              "-nographic", "-kernel", boot::image_path("linux"), "-initrd",
                              boot::image_path("initrd.gz"), "-append", "console=ttyAMA0",
                              "--stats=" + (folder / "stats")});
  ASSERT_TRUE(program.wait_for("Select a language", std::chrono::minutes(5)))
      << program.output << program.errors;
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
  const auto counts = counts_of(json::parse(folder.read("stats")));

  const std::string path = MYNAH_SOURCE_DIR "/tests/counts/boot.json";
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

}  // namespace
}  // namespace mynah
