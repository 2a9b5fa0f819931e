// SPDX-License-Identifier: Apache-2.0
//
// The table of slots.h: type and offset of each. A slot's type is as wide as the field that it names in
// X86State, and two slots never share bytes: the builder takes a slot for the only name of its memory.
#include "frontend/x86/slots.h"

#include <array>
#include <cstddef>

#include "frontend/x86/state.h"

namespace mynah::x86 {

namespace {

using ir::Type;

constexpr const char* kGeneral[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* kBases[] = {"es_base", "cs_base", "ss_base", "ds_base", "fs_base", "gs_base"};
constexpr const char* kSelectors[] = {"es", "cs", "ss", "ds", "fs", "gs"};
constexpr const char* kOpen[] = {"es_open", "cs_open", "ss_open", "ds_open", "fs_open", "gs_open"};
constexpr const char* kXmm[] = {"xmm0", "xmm1", "xmm2",  "xmm3",  "xmm4",  "xmm5",  "xmm6",  "xmm7",
                                "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"};
constexpr const char* kYmmHigh[] = {"ymmh0",  "ymmh1",  "ymmh2",  "ymmh3", "ymmh4",  "ymmh5",
                                    "ymmh6",  "ymmh7",  "ymmh8",  "ymmh9", "ymmh10", "ymmh11",
                                    "ymmh12", "ymmh13", "ymmh14", "ymmh15"};
constexpr const char* kMm[] = {"mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7"};
constexpr const char* kMmExponent[] = {"fpr0_se", "fpr1_se", "fpr2_se", "fpr3_se",
                                       "fpr4_se", "fpr5_se", "fpr6_se", "fpr7_se"};

constexpr auto make_table() {
  std::array<ir::SlotInfo, kSlotCount> t{};
  constexpr uint32_t hot = offsetof(X86State, hot);
  t[kSlotPcPage] = {"pc_page", Type::i64, hot};
  t[kSlotFlags] = {"flags", Type::flags, hot + 8};
  for (unsigned i = 0; i < 16; ++i) t[kSlotR0 + i] = {kGeneral[i], Type::i64, hot + 16 + 8 * i};
  for (unsigned i = 0; i < 6; ++i) t[kSlotBase0 + i] = {kBases[i], Type::i64, hot + 144 + 8 * i};
  for (unsigned i = 0; i < 16; ++i) {
    t[kSlotXmm0 + i] = {kXmm[i], Type::v128, uint32_t(offsetof(X86State, xmm) + 16 * i)};
    t[kSlotYmmHigh0 + i] = {kYmmHigh[i], Type::v128, uint32_t(offsetof(X86State, ymm_high) + 16 * i)};
  }
  for (unsigned i = 0; i < 8; ++i) {
    t[kSlotMm0 + i] = {kMm[i], Type::i64, uint32_t(offsetof(X86State, fpr) + 16 * i)};
    t[kSlotMmExponent0 + i] = {kMmExponent[i], Type::i64, uint32_t(offsetof(X86State, fpr) + 16 * i + 8)};
  }
  t[kSlotFsw] = {"fsw", Type::i32, offsetof(X86State, fsw)};
  t[kSlotFcw] = {"fcw", Type::i32, offsetof(X86State, fcw)};
  t[kSlotFtw] = {"ftw", Type::i32, offsetof(X86State, ftw)};
  t[kSlotFpuTop] = {"fpu_top", Type::i64, offsetof(X86State, fpu_top)};
  t[kSlotFpuStackFault] = {"fpu_sf", Type::i32, offsetof(X86State, fpu_stack_fault)};
  t[kSlotMxcsr] = {"mxcsr", Type::i32, offsetof(X86State, mxcsr)};
  t[kSlotEflags] = {"eflags", Type::i32, offsetof(X86State, eflags)};
  t[kSlotInterruptPending] = {"interrupt_pending", Type::i32, offsetof(X86State, interrupt_pending)};
  t[kSlotKernelGsBase] = {"kernel_gs_base", Type::i64, offsetof(X86State, kernel_gs_base)};
  t[kSlotTscAux] = {"tsc_aux", Type::i64, offsetof(X86State, tsc_aux)};
  for (unsigned i = 0; i < 6; ++i)
    t[kSlotSelector0 + i] = {
        kSelectors[i], Type::i32,
        uint32_t(offsetof(X86State, segments) + i * sizeof(Segment) + offsetof(Segment, selector))};
  for (unsigned i = 0; i < 6; ++i)
    t[kSlotOpen0 + i] = {kOpen[i], Type::i64, uint32_t(offsetof(X86State, open) + 8 * i)};
  t[kSlotPkru] = {"pkru", Type::i32, offsetof(X86State, pkru)};
  return t;
}
constexpr auto kTable = make_table();
static_assert(kSlotCount <= ir::SlotSet::kMaxSlots);
static_assert(sizeof(F80) == 16);

}  // namespace

std::span<const ir::SlotInfo> slot_table() { return kTable; }

}  // namespace mynah::x86
