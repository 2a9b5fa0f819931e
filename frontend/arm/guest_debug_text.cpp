// SPDX-License-Identifier: Apache-2.0
//
// What logs say of an AArch64 processor's exceptions and of instructions that it lacks. The forms are those
// that people know from other emulators' logs; the classes' names are the manual's (ESR_ELx.EC).
#include <fmt/format.h>

#include <cstring>

#include "frontend/arm/guest_debug.h"

namespace mynah::arm {
namespace {

struct ClassName {
  ExceptionClass ec;  // the one from a lower level, where there are two
  bool two;
  const char* name;
};
constexpr ClassName kClasses[] = {
    {ExceptionClass::kUnknown, false, "Undefined Instruction"},
    {ExceptionClass::kWfx, false, "WFI or WFE"},
    {ExceptionClass::kFpAccess, false, "FP access"},
    {ExceptionClass::kBranchTarget, false, "Branch Target"},
    {ExceptionClass::kIllegalState, false, "Illegal State"},
    {ExceptionClass::kSvc64, false, "SVC"},
    {ExceptionClass::kHvc64, false, "HVC"},
    {ExceptionClass::kSmc64, false, "SMC"},
    {ExceptionClass::kSystemRegister, false, "System Register"},
    {ExceptionClass::kInstructionAbort, true, "Prefetch Abort"},
    {ExceptionClass::kPcAlignment, false, "PC alignment"},
    {ExceptionClass::kDataAbort, true, "Data Abort"},
    {ExceptionClass::kSpAlignment, false, "SP alignment"},
    {ExceptionClass::kFpException, false, "FP exception"},
    {ExceptionClass::kBreakpoint, true, "Breakpoint"},
    {ExceptionClass::kSoftwareStep, true, "Software Step"},
    {ExceptionClass::kWatchpoint, true, "Watchpoint"},
    {ExceptionClass::kBrk, false, "BRK"},
};

const char* exception_name(const Exception& e) {
  switch (e.kind) {
    case ExceptionKind::kIrq:
      return "IRQ";
    case ExceptionKind::kFiq:
      return "FIQ";
    case ExceptionKind::kSError:
      return "SError";
    case ExceptionKind::kSynchronous:
      break;
  }
  const unsigned ec = static_cast<unsigned>(e.esr >> 26 & 0x3f);
  for (const ClassName& c : kClasses)
    if (ec == static_cast<unsigned>(c.ec) || (c.two && ec == static_cast<unsigned>(c.ec) + 1)) return c.name;
  return "exception";
}

std::string undefined_text(const ArmCpu& cpu, uint32_t word, uint64_t pc, std::string_view feature) {
  if (word == 0 && !feature.empty())
    return fmt::format("access to the system register {} is undefined here", feature);
  uint8_t bytes[4];
  std::memcpy(bytes, &word, 4);
  std::string text = cpu.frontend().disassemble(bytes, pc);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  text = fmt::format("instruction at {} is undefined", text);
  return feature.empty() ? text : fmt::format("{}: it belongs to {}", text, feature);
}

std::string exception_text(const ArmState& state, const Exception& e, uint64_t return_address) {
  std::string text = fmt::format("Taking exception [{}] on CPU {}\n...from EL{} to EL1\n", exception_name(e),
                                 state.mpidr & 0xff, state.el);
  if (e.kind == ExceptionKind::kSynchronous || e.kind == ExceptionKind::kSError)
    text += fmt::format("...with ESR {:#x}/{:#x}\n", e.esr >> 26, e.esr);
  if (e.has_far) text += fmt::format("...with FAR {:#x}\n", e.far);
  text += fmt::format("...with ELR {:#x}\n", return_address);
  const uint64_t offset = (state.el == 0 ? 0x400
                           : state.spsel ? 0x200
                                         : 0) +
                          0x80 * static_cast<uint64_t>(e.kind);
  return text + fmt::format("...to EL1 PC {:#x}\n", state.vbar + offset);
}

}  // namespace

void ArmDebug::tell_exceptions(Tell tell) {
  cpu_.on_exception = [this, tell = std::move(tell)](const Exception& e, uint64_t return_address) {
    tell(exception_text(cpu_.arm(), e, return_address));
  };
}

void ArmDebug::tell_undefined(Tell tell) {
  cpu_.on_undefined = [this, tell = std::move(tell)](uint32_t word, uint64_t pc, std::string_view feature) {
    tell(undefined_text(cpu_, word, pc, feature));
  };
}

}  // namespace mynah::arm
