// SPDX-License-Identifier: Apache-2.0
//
// What an op's `aux` and `imm` mean, in classes: for the text form and the verifier. ops.def's comments have
// the details.
#pragma once

#include "ir/ir.h"

namespace mynah::ir {

enum class AuxForm : uint8_t {
  kNone,
  kCond,       // Cond
  kLane,       // log2 of a lane's bytes
  kLaneHigh,   // and bit 4: the high lanes
  kLaneRound,  // and bit 4: rounding
  kFormat,     // 1 half, 2 single, 3 double
  kMemory,     // MemAux
  kGuard,      // GuardAux
  kHint,       // BranchKind
  kSignal,     // bit 0: signalling
  kNumber,     // operand
};

enum class ImmForm : uint8_t {
  kNone,
  kNumber,    // operand
  kOptional,  // operand where it is not 0
  kConst,
  kSlot,
  kOffset,      // of an access
  kRange,       // of a guard
  kTarget,      // of exit and exit_if
  kRound,       // of fround
  kConversion,  // FtoI
  kBlocks,
};

struct OpForm {
  AuxForm aux;
  ImmForm imm;
};

// Their reason and number come first in the text.
constexpr bool is_engine_exit(Op op) { return op == Op::exit_engine || op == Op::exit_engine_if; }

// How many arguments must be there; the others may be kNoValue.
constexpr size_t required_arguments(Op op) {
  switch (op) {
    case Op::call:
    case Op::exit:
    case Op::exit_engine:
      return 0;
    case Op::exit_indirect:
      return 1;
    default:
      return 4;
  }
}

constexpr OpForm form(Op op) {
  switch (op) {
    case Op::konst:
      return {AuxForm::kNone, ImmForm::kConst};
    case Op::get:
    case Op::set:
      return {AuxForm::kNone, ImmForm::kSlot};
    case Op::extr:
    case Op::testbit:
    case Op::fl_konst:
      return {AuxForm::kNone, ImmForm::kNumber};
    case Op::bfi:
    case Op::ubfx:
    case Op::sbfx:
      return {AuxForm::kNumber, ImmForm::kNumber};
    case Op::crc32:
      return {AuxForm::kNumber, ImmForm::kOptional};
    case Op::icmp:
    case Op::icmpz:
    case Op::cond:
      return {AuxForm::kCond, ImmForm::kNone};
    case Op::fl_fcmp:
      return {AuxForm::kSignal, ImmForm::kNone};
    case Op::guard:
      return {AuxForm::kGuard, ImmForm::kRange};
    case Op::load:
    case Op::store:
    case Op::cas:
    case Op::xchg:
    case Op::rmw_add:
    case Op::rmw_andn:
    case Op::rmw_or:
    case Op::rmw_xor:
    case Op::rmw_smax:
    case Op::rmw_smin:
    case Op::rmw_umax:
    case Op::rmw_umin:
    case Op::cas128:
      return {AuxForm::kMemory, ImmForm::kOffset};
    case Op::call:
      return {AuxForm::kNone, ImmForm::kNumber};
    case Op::exit:
      return {AuxForm::kHint, ImmForm::kTarget};
    case Op::exit_if:
      return {AuxForm::kNone, ImmForm::kTarget};
    case Op::exit_indirect:
      return {AuxForm::kHint, ImmForm::kNone};
    case Op::exit_engine:
    case Op::exit_engine_if:
      return {AuxForm::kNumber, ImmForm::kNumber};
    case Op::jump:
    case Op::branch:
      return {AuxForm::kNone, ImmForm::kBlocks};
    case Op::vlow:
    case Op::vzext:
    case Op::vlow64:
    case Op::vfrom_gpr:
    case Op::vpair:
    case Op::vand:
    case Op::vor:
    case Op::vxor:
    case Op::vandn:
    case Op::vnot:
    case Op::vbsl:
    case Op::vcnt:
    case Op::vrbit:
    case Op::vtbl:
    case Op::vtbx:
    case Op::vpmul:
    case Op::vudot:
    case Op::vsdot:
    case Op::vurecpe:
    case Op::vursqrte:
      return {AuxForm::kNone, ImmForm::kNone};
    case Op::vext:
      return {AuxForm::kNone, ImmForm::kNumber};
    case Op::vdup_lane:
    case Op::vinsert:
    case Op::vins_lane:
    case Op::vextract:
    case Op::vshl_imm:
    case Op::vushr_imm:
    case Op::vsshr_imm:
    case Op::vurshr_imm:
    case Op::vsrshr_imm:
    case Op::vrev:
    case Op::vaddv:
    case Op::vuaddlv:
    case Op::vsaddlv:
    case Op::vumaxv:
    case Op::vuminv:
    case Op::vsmaxv:
    case Op::vsminv:
    case Op::vsqshlu:
      return {AuxForm::kLane, ImmForm::kNumber};
    case Op::vumull:
    case Op::vsmull:
    case Op::vpmull:
      return {AuxForm::kLaneHigh, ImmForm::kNone};
    case Op::vuqshrn:
    case Op::vsqshrn:
    case Op::vsqshrun:
      return {AuxForm::kLaneRound, ImmForm::kNumber};
    case Op::vsqdmulh:
      return {AuxForm::kLaneRound, ImmForm::kNone};
    case Op::fround:
      return {AuxForm::kFormat, ImmForm::kRound};
    case Op::fcvt_narrow:
      return {AuxForm::kFormat, ImmForm::kOptional};
    case Op::fto_int:
    case Op::fto_fixed:
    case Op::int_to_f:
    case Op::fixed_to_f:
      return {AuxForm::kFormat, ImmForm::kConversion};
    case Op::fcadd:
    case Op::fcmla:
      return {AuxForm::kFormat, ImmForm::kNumber};
    case Op::xar:
      return {AuxForm::kNone, ImmForm::kNumber};
    default:
      if (op >= Op::vdup && op <= Op::vsqrdmlsh) return {AuxForm::kLane, ImmForm::kNone};
      if (op >= Op::fadd && op <= Op::facgt) return {AuxForm::kFormat, ImmForm::kNone};
      return {AuxForm::kNone, ImmForm::kNone};
  }
}

}  // namespace mynah::ir
