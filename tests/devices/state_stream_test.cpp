// SPDX-License-Identifier: Apache-2.0
//
// What saved state that cannot be loaded says.
#include "devices/core/state_stream.h"

#include <gmock/gmock.h>

namespace mynah::dev {
namespace {

using testing::HasSubstr;

class Counter final : public Stateful {
 public:
  explicit Counter(uint32_t version, std::string_view name = "counter") : version_(version), name_(name) {}
  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return version_; }
  void reset() override { count = 0; }
  uint32_t count = 0;

 private:
  void serialize_state(StateStream& stream) override { stream.io(count); }
  uint32_t version_;
  std::string_view name_;
};

std::vector<uint8_t> saved(uint32_t count) {
  Counter counter(3);
  counter.count = count;
  StateStream stream;
  counter.serialize(stream);
  return stream.take();
}

std::string load(Counter& counter, std::vector<uint8_t> bytes) {
  StateStream stream(std::move(bytes));
  counter.serialize(stream);
  EXPECT_EQ(stream.failed(), !stream.error().empty());
  return stream.error();
}

TEST(StateStream, GoesRound) {
  Counter counter(3);
  EXPECT_EQ(load(counter, saved(77)), "");
  EXPECT_EQ(counter.count, 77u);
}

TEST(StateStream, RefusesAnotherVersion) {
  for (const uint32_t version : {0u, 2u, 4u}) {
    Counter counter(version);
    const std::string why = load(counter, saved(77));
    EXPECT_THAT(why, HasSubstr("'counter'"));
    EXPECT_THAT(why, HasSubstr("version 3"));
    EXPECT_THAT(why, HasSubstr("version " + std::to_string(version) + ";"));
    EXPECT_EQ(counter.count, 0u);
  }
}

TEST(StateStream, RefusesAnotherDevice) {
  Counter counter(3, "timer");
  EXPECT_THAT(load(counter, saved(77)), HasSubstr("'timer' does not fit"));
  EXPECT_EQ(counter.count, 0u);
}

TEST(StateStream, RefusesAStreamThatEnds) {
  const std::vector<uint8_t> whole = saved(77);
  for (size_t n = 0; n < whole.size(); ++n) {
    Counter counter(3);
    EXPECT_THAT(load(counter, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n)}),
                HasSubstr("'counter'"))
        << n;
    EXPECT_EQ(counter.count, 0u) << n;
  }
}

}  // namespace
}  // namespace mynah::dev
