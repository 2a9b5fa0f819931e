// SPDX-License-Identifier: Apache-2.0
//
// CPU models: identification registers agree with features, properties switch them, errors name them.
#include "frontend/arm/cpu_models.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "frontend/arm/cpu_models_table.h"
#include "frontend/arm/id_registers.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

TEST(CpuModels, CortexIdentification) {
  const CpuModel a57 = model_of("cortex-a57");
  EXPECT_EQ(a57.midr, 0x411fd070u);
  EXPECT_EQ(a57.id[kIdPfr0], 0x0000000000000011u);
  EXPECT_EQ(a57.id[kIdPfr1], 0u);
  EXPECT_EQ(a57.id[kIdDfr0], 0x10305106u);
  EXPECT_EQ(a57.id[kIdIsar0], 0x00011120u);
  EXPECT_EQ(a57.id[kIdIsar1], 0u);
  EXPECT_EQ(a57.id[kIdMmfr0], 0x00001024u);  // 0x1124 but for BigEnd
  EXPECT_EQ(a57.id[kIdMmfr1], 0u);
  EXPECT_EQ(a57.id[kIdMmfr2], 0u);
  const CpuModel a72 = model_of("cortex-a72");
  EXPECT_EQ(a72.midr, 0x410fd083u);
  EXPECT_EQ(a72.id, a57.id);
}

TEST(CpuModels, MaximumIdentification) {
  const CpuModel max = model_of("max");
  EXPECT_EQ(max.id[kIdPfr0], 0x1101000000110011u);
  EXPECT_EQ(max.id[kIdPfr1], 0x21u);
  EXPECT_EQ(max.id[kIdIsar0], 0x1220100110212120u);
  EXPECT_EQ(max.id[kIdIsar1], 0x0000001110211102u);
  EXPECT_EQ(max.id[kIdIsar2], 0u);
  EXPECT_EQ(max.id[kIdMmfr0], 0x00100025u);
  EXPECT_EQ(max.id[kIdMmfr1], 0x00201002u);
  EXPECT_EQ(max.id[kIdMmfr2], 0x1000000000000010u);
  EXPECT_EQ(max.id[kIdDfr0], 0x10305106u);
}

// Each announces no more than the real one, and what it leaves out is named.
TEST(CpuModels, RealProcessorsHaveTheirIdentity) {
  for (const RealProcessor& real : real_processors()) {
    const CpuModel model = model_of(real.name);
    EXPECT_EQ(model.midr, real.midr);
    EXPECT_EQ(model.ctr, real.ctr);
    const RealIdentity& id = real.identity;
    const std::pair<IdRegister, uint64_t> registers[] = {
        {kIdPfr0, id.pfr0},   {kIdPfr1, id.pfr1},   {kIdDfr0, id.dfr0},   {kIdIsar0, id.isar0},
        {kIdIsar1, id.isar1}, {kIdMmfr0, id.mmfr0}, {kIdMmfr1, id.mmfr1}, {kIdMmfr2, id.mmfr2}};
    for (const auto& [number, value] : registers)
      for (unsigned shift = 0; shift < 64; shift += 4) {
        const uint64_t here = model.id[number] >> shift & 15, there = value >> shift & 15;
        // Pointer authentication has an algorithm of its own: its fields are others.
        if (number == kIdIsar1 && (shift == 8 || shift == 28)) continue;
        EXPECT_LE(here, there) << real.name << " register " << int{number} << " bit " << shift;
      }
    EXPECT_NE(left_out(real).find("AArch32, EL2, EL3"), std::string::npos);
  }
  const CpuModel n1 = model_of("neoverse-n1");
  EXPECT_EQ(n1.midr, 0x414fd0c1u);
  EXPECT_EQ(n1.pa_bits, 48);
  EXPECT_EQ(n1.id[kIdPfr0], 0x1100000010110011u);  // without AArch32, EL2, EL3
  EXPECT_EQ(n1.id[kIdIsar0], 0x0000100010211120u);
  EXPECT_EQ(n1.id[kIdIsar1], 0x0000000000100001u);
  EXPECT_EQ(n1.id[kIdMmfr1], 0x0000000000211002u);
  EXPECT_EQ(n1.id[kIdMmfr2], 0x0000000000000010u);
  EXPECT_EQ(cpu_model_left_out("cortex-a53"), "AArch32, EL2, EL3, big-endian data");
  EXPECT_EQ(model_of("cortex-a53").compatible, "arm,cortex-a53");
  EXPECT_FALSE(model_of("neoverse-v1,pauth=off").has(Feature::kPauth));
}

TEST(CpuModels, FeaturesAndFieldsAgree) {
  for (std::string_view name : cpu_model_names()) {
    const CpuModel model = model_of(name);
    for (const FeatureRow& row : feature_rows()) {
      const uint64_t value = model.id[row.id] >> row.shift & 15;
      EXPECT_EQ(value >= row.value, model.has(row.feature)) << name << " " << row.name;
      EXPECT_TRUE(!model.has(row.feature) || model.has(row.needs)) << name << " " << row.name;
      EXPECT_EQ(feature_name(row.feature), row.name);
    }
    // Nothing outside of the ID registers that the rows fill.
    for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(model.id[i], 0u) << "AArch32 is not there";
  }
}

TEST(CpuModels, SwitchingAFeature) {
  CpuModel model = model_of("max");
  model.set_feature(Feature::kGicCpuInterface, true);
  EXPECT_EQ(model.id[kIdPfr0] >> 24 & 15, 1u);
  model.set_feature(Feature::kGicCpuInterface, false);
  EXPECT_EQ(model.id[kIdPfr0] >> 24 & 15, 0u);
}

TEST(CpuModels, Properties) {
  EXPECT_TRUE(model_of("max,pauth-impdef=on").has(Feature::kPauth));
  EXPECT_EQ(model_of("max,pauth=off").id[kIdIsar1] & 0xf0000ff0, 0u);
  EXPECT_FALSE(model_of("max,pauth=off,pmu=off").has(Feature::kPmu));
  EXPECT_EQ(model_of("cortex-a57,pmu=no").id[kIdDfr0] >> 8 & 15, 0u);
  EXPECT_TRUE(make_cpu_model("max,sve=off,lpa2=off,aarch64=on").model);
}

TEST(CpuModels, Errors) {
  const auto error = [](std::string_view text) {
    const CpuModelResult result = make_cpu_model(text);
    EXPECT_FALSE(result.model) << text;
    return result.error;
  };
  const CpuModelResult model = make_cpu_model("cortex-a75");
  EXPECT_EQ(model.error, "CPU model 'cortex-a75' is not known");
  EXPECT_EQ(model.unknown, "cortex-a75");
  EXPECT_EQ(model.known, cpu_model_names());
  const CpuModelResult property = make_cpu_model("max,puth=off");
  EXPECT_EQ(property.unknown, "puth");
  EXPECT_NE(std::find(property.known.begin(), property.known.end(), "pauth"), property.known.end());
  EXPECT_NE(error("max,pauth=maybe").find("on or off"), std::string::npos);
  EXPECT_NE(error("max,sve=on").find("not implemented"), std::string::npos);
  EXPECT_NE(error("max,pauth-impdef=off").find("QARMA5"), std::string::npos);
  EXPECT_NE(error("cortex-a57,pauth=on").find("not known for cortex-a57"), std::string::npos);
  error("");
  error("max,");
  error("max,=on");
  error(std::string(100000, 'x'));
}

TEST(CpuModels, Reset) {
  ArmState state{};
  state.irq_pending = 1;
  state.x(3) = 7;
  reset(state, model_of("cortex-a57"), {0x103, 0x40080000});
  EXPECT_EQ(state.pc(), 0x40080000u);
  EXPECT_EQ(state.rvbar, 0x40080000u);
  EXPECT_EQ(state.mpidr, 0x80000103u);
  EXPECT_EQ(state.el, 1);
  EXPECT_EQ(state.spsel, 1);
  EXPECT_EQ(state.daif, 15);
  EXPECT_EQ(state.pa_bits, 44);
  EXPECT_EQ(state.x(3), 0u);
  EXPECT_EQ(state.irq_pending, 1) << "a line, not state";
  EXPECT_EQ(state.sctlr & 1, 0u);
  EXPECT_EQ(state.sctlr, 0x30d50998u);
}

}  // namespace
}  // namespace mynah::arm::test
