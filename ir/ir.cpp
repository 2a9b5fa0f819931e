// SPDX-License-Identifier: Apache-2.0
//
// What text form and verifier ask of an op, from ops.def; what translation asks is in ir.h's kOpFacts.
#include "ir/ir.h"

namespace mynah::ir {

namespace {
constexpr OpInfo kOps[] = {
#define OP(name, family, result, arguments, aux, imm, effects) {#name, result, arguments, effects},
#include "ir/ops.def"
#undef OP
};
}  // namespace

const OpInfo& info(Op op) { return kOps[static_cast<unsigned>(op)]; }

void Region::clear() {
  insts.clear();
  blocks.clear();
  snapshots.clear();
  snapshot_entries.clear();
  edges.clear();
  jump_arguments.clear();
  wide_constants.clear();
  bounded.clear();
  pc_offset = guest_insts = guest_bytes = 0;
}

}  // namespace mynah::ir
