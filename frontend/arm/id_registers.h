// SPDX-License-Identifier: Apache-2.0
//
// Identification registers computed from a model's features. Manual: "ID_AA64*_EL1".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "frontend/arm/cpu_models.h"

namespace mynah::arm {

// Index into CpuModel::id.
enum IdRegister : uint8_t {
  kIdPfr0 = 4 * 8,
  kIdPfr1 = 4 * 8 + 1,
  kIdDfr0 = 5 * 8,
  kIdDfr1 = 5 * 8 + 1,
  kIdIsar0 = 6 * 8,
  kIdIsar1 = 6 * 8 + 1,
  kIdIsar2 = 6 * 8 + 2,
  kIdMmfr0 = 7 * 8,
  kIdMmfr1 = 7 * 8 + 1,
  kIdMmfr2 = 7 * 8 + 2,
};

// One feature: the field that announces it, the value that the field has at least, and what it needs.
struct FeatureRow {
  Feature feature;
  std::string_view name;
  IdRegister id;
  uint8_t shift;
  uint8_t value;  // 0: nothing announces it
  Feature needs;  // kBase: nothing
};

std::span<const FeatureRow> feature_rows();

// Fills model.id from everything else in the model.
void compute_id_registers(CpuModel& model);

}  // namespace mynah::arm
