// SPDX-License-Identifier: Apache-2.0
//
// Every emit function and every row's adjustment, for rows.cpp and the emit files.
#pragma once

#include "backend-x86_64/emitter.h"

namespace mynah::x86_64 {

#define OP(name, ...) void emit_##name(Emitter&, const Inst&, const Regs&);
#include "ir/ops.def"
#undef OP

// emit_generic.cpp: stores the operands, calls Runtime::run_op, takes the result.
void emit_generic(Emitter&, const Inst&, const Regs&);
// Turns a step with register operands into one for the generic expansion; its emitter then calls
// Emitter::run_generic().
void make_generic(Step& step);

// emit_f80.cpp
void adjust_f80(Selector&, const Inst&, Step&);
// emit_integer.cpp
void adjust_add(Selector&, const Inst&, Step&);
void adjust_sub(Selector&, const Inst&, Step&);
void adjust_mul(Selector&, const Inst&, Step&);
void adjust_umulh(Selector&, const Inst&, Step&);
void adjust_smulh(Selector&, const Inst&, Step&);
void adjust_andn(Selector&, const Inst&, Step&);
void adjust_shift(Selector&, const Inst&, Step&);
void adjust_ror(Selector&, const Inst&, Step&);
void adjust_field(Selector&, const Inst&, Step&);
void adjust_count_bits(Selector&, const Inst&, Step&);
void adjust_deposit(Selector&, const Inst&, Step&);
void adjust_crc32(Selector&, const Inst&, Step&);
// emit_flags.cpp
void adjust_select(Selector&, const Inst&, Step&);
void adjust_shift_flags(Selector&, const Inst&, Step&);
// emit_vector_arithmetic.cpp, for all of emit_vector_integer.def: the generic expansion where the processor
// lacks AVX or the lane size is not written.
void adjust_vector(Selector&, const Inst&, Step&);
// emit_fp.cpp, emit_crypto.cpp: the same.
void adjust_fp(Selector&, const Inst&, Step&);
void adjust_crypto(Selector&, const Inst&, Step&);
void adjust_crypto_rounds(Selector&, const Inst&, Step&);
// emit_vector_packed.cpp, emit_strings.cpp: the same.
void adjust_packed(Selector&, const Inst&, Step&);
void adjust_strings(Selector&, const Inst&, Step&);
void emit_crc32_products(Emitter&, const Inst&,
                         const Regs&);  // of the polynomial that x86 has no instruction for
// emit_memory.cpp
void adjust_guard(Selector&, const Inst&, Step&);
void adjust_store(Selector&, const Inst&, Step&);

}  // namespace mynah::x86_64
