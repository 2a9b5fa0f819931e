// SPDX-License-Identifier: Apache-2.0
#include "app/trace.h"

#include <algorithm>
#include <cstring>

#include "app/text.h"
#include "ir/text.h"

namespace mynah::app {
namespace {

using ull = unsigned long long;

struct ClassName {
  arm::ExceptionClass ec;  // the one from a lower level, where there are two
  bool two;
  const char* name;
};
constexpr ClassName kClasses[] = {
    {arm::ExceptionClass::kUnknown, false, "Undefined Instruction"},
    {arm::ExceptionClass::kWfx, false, "WFI or WFE"},
    {arm::ExceptionClass::kFpAccess, false, "FP access"},
    {arm::ExceptionClass::kBranchTarget, false, "Branch Target"},
    {arm::ExceptionClass::kIllegalState, false, "Illegal State"},
    {arm::ExceptionClass::kSvc64, false, "SVC"},
    {arm::ExceptionClass::kHvc64, false, "HVC"},
    {arm::ExceptionClass::kSmc64, false, "SMC"},
    {arm::ExceptionClass::kSystemRegister, false, "System Register"},
    {arm::ExceptionClass::kInstructionAbort, true, "Prefetch Abort"},
    {arm::ExceptionClass::kPcAlignment, false, "PC alignment"},
    {arm::ExceptionClass::kDataAbort, true, "Data Abort"},
    {arm::ExceptionClass::kSpAlignment, false, "SP alignment"},
    {arm::ExceptionClass::kFpException, false, "FP exception"},
    {arm::ExceptionClass::kBreakpoint, true, "Breakpoint"},
    {arm::ExceptionClass::kSoftwareStep, true, "Software Step"},
    {arm::ExceptionClass::kWatchpoint, true, "Watchpoint"},
    {arm::ExceptionClass::kBrk, false, "BRK"},
};

const char* exception_name(const arm::Exception& e) {
  switch (e.kind) {
    case arm::ExceptionKind::kIrq:
      return "IRQ";
    case arm::ExceptionKind::kFiq:
      return "FIQ";
    case arm::ExceptionKind::kSError:
      return "SError";
    case arm::ExceptionKind::kSynchronous:
      break;
  }
  const unsigned ec = static_cast<unsigned>(e.esr >> 26 & 0x3f);
  for (const ClassName& c : kClasses)
    if (ec == static_cast<unsigned>(c.ec) || (c.two && ec == static_cast<unsigned>(c.ec) + 1)) return c.name;
  return "exception";
}

// Addresses that -dfilter lets through.
class Filter {
 public:
  explicit Filter(std::vector<AddressRange> ranges) : ranges_(std::move(ranges)) {}
  bool passes(uint64_t pc) const {
    return ranges_.empty() || std::any_of(ranges_.begin(), ranges_.end(), [&](const AddressRange& r) {
             return pc >= r.first && pc <= r.last;
           });
  }

 private:
  std::vector<AddressRange> ranges_;
};

std::string guest_code(const arm::ArmCpu& cpu, std::span<const uint8_t> bytes, uint64_t pc) {
  return "----------------\nIN: \n" + cpu.frontend().disassemble(bytes, pc) + "\n";
}

void log_undefined(VirtMachine& machine, dev::Log& log, uint32_t word, uint64_t pc,
                   std::string_view feature) {
  if (word == 0 && !feature.empty()) {
    log.unimplemented("cpu", "access to the system register " + std::string(feature) + " is undefined here");
    return;
  }
  uint8_t bytes[4];
  std::memcpy(bytes, &word, 4);
  std::string text = machine.cpu().frontend().disassemble(bytes, pc);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string message = "instruction at " + text + " is undefined";
  if (!feature.empty()) message += ": it belongs to " + std::string(feature);
  log.unimplemented("cpu", message);
}

}  // namespace

std::string exception_text(const arm::ArmState& state, const arm::Exception& e, uint64_t return_address) {
  std::string text =
      format("Taking exception [%s] on CPU 0\n...from EL%u to EL1\n", exception_name(e), state.el);
  if (e.kind == arm::ExceptionKind::kSynchronous || e.kind == arm::ExceptionKind::kSError)
    text += format("...with ESR 0x%llx/0x%llx\n", static_cast<ull>(e.esr >> 26), static_cast<ull>(e.esr));
  if (e.has_far) text += format("...with FAR 0x%llx\n", static_cast<ull>(e.far));
  text += format("...with ELR 0x%llx\n", static_cast<ull>(return_address));
  const uint64_t offset = (state.el == 0 ? 0x400
                           : state.spsel ? 0x200
                                         : 0) +
                          0x80 * static_cast<uint64_t>(e.kind);
  return text + format("...to EL1 PC 0x%llx\n", static_cast<ull>(state.vbar + offset));
}

void install_traces(VirtMachine& machine, const Options& options, LogOutput& output, dev::Log& log) {
  Vcpu& vcpu = machine.vcpu();
  auto filter = std::make_shared<Filter>(options.trace_ranges);
  // The processor's pc is the block's while it is translated.
  const auto wanted = [&machine, filter] { return filter->passes(machine.cpu().pc()); };
  TranslationLog& t = vcpu.translator()->log;

  if (options.traces_any(Trace::kInAsm))
    t.in_asm = [&machine, &output, wanted](const ir::Region&, std::span<const uint8_t> bytes, uint64_t) {
      if (wanted()) output.write(guest_code(machine.cpu(), bytes, machine.cpu().pc()));
    };
  if (options.traces_any(Trace::kIr) || options.traces_any(Trace::kIrOpt))
    t.ir = [&machine, &output, wanted, lifted = options.traces_any(Trace::kIr),
            optimized = options.traces_any(Trace::kIrOpt)](const ir::Region& region, std::string_view stage) {
      if (!(stage == "lift" ? lifted : optimized) || !wanted()) return;
      output.write(format("%s at 0x%llx:\n", stage == "lift" ? "IR" : "IR after optimization",
                          static_cast<ull>(machine.cpu().pc())) +
                   ir::print(region) + "\n");
    };
  if (options.traces_any(Trace::kOutAsm))
    t.out_asm = [&machine, &output, wanted](const ir::Region&, std::span<const uint8_t> code,
                                            uint64_t address) {
      if (wanted())
        output.write(format("OUT: [size=%zu]\n", code.size()) +
                     machine.backend()->disassemble(code, address) + "\n");
    };
  if (options.traces_any(Trace::kInt))
    machine.cpu().on_exception = [&machine, &output](const arm::Exception& e, uint64_t return_address) {
      output.write(exception_text(machine.cpu().arm(), e, return_address));
    };
  if (options.traces_any(Trace::kUnimp))
    machine.cpu().on_undefined = [&machine, &log](uint32_t word, uint64_t pc, std::string_view feature) {
      log_undefined(machine, log, word, pc, feature);
    };
  const bool exec = options.traces_any(Trace::kExec), cpu = options.traces_any(Trace::kCpu);
  if (Dispatcher* dispatcher = vcpu.dispatcher(); dispatcher && (exec || cpu))
    dispatcher->trace.log = [&machine, &output, wanted, exec, cpu](const TranslatedBlock& block) {
      if (!wanted()) return;
      if (exec)
        output.write(format("Trace 0: %p [%016llx/%016llx/%u]\n",
                            static_cast<const void*>(machine.vcpu().cache()->entry(block)),
                            static_cast<ull>(block.key.mode), static_cast<ull>(machine.cpu().pc()),
                            block.guest_insts));
      if (cpu) output.write(machine.cpu().dump());
    };
  if (vcpu.dispatcher() && (exec || cpu || options.traces_any(Trace::kNoChain)))
    vcpu.dispatcher()->trace.single_regions = true;
}

}  // namespace mynah::app
