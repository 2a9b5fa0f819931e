// SPDX-License-Identifier: Apache-2.0
//
// Each -d item is a hook into engine or processor; what nobody asked for is not set and costs nothing.
#include "app/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text.h"

namespace mynah::app {
namespace {

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

}  // namespace

void install_traces(Machine& machine, const Options& options, LogOutput& output, dev::Log& log) {
  auto filter = std::make_shared<Filter>(options.trace_ranges);
  for (const Processor& processor : machine.processors()) {
    Vcpu& vcpu = *processor.vcpu;
    GuestDebug& debug = *processor.debug;
    const GuestCpu& guest = *processor.guest;
    // The processor's pc is the block's while it is translated.
    const auto wanted = [&guest, filter] { return filter->passes(guest.pc()); };
    TranslationLog& t = vcpu.translator()->log;

    if (options.traces_any(Trace::kInAsm))
      t.in_asm = [&guest, &debug, &output, wanted](const ir::Region&, std::span<const uint8_t> bytes,
                                                   uint64_t) {
        if (wanted())
          output.write(fmt::format("----------------\nIN: \n{}\n", debug.disassemble(bytes, guest.pc())));
      };
    if (options.traces_any(Trace::kIr) || options.traces_any(Trace::kIrOpt))
      t.ir = [&guest, &output, wanted, lifted = options.traces_any(Trace::kIr),
              optimized = options.traces_any(Trace::kIrOpt)](const ir::Region& region,
                                                             std::string_view stage) {
        if (!(stage == "lift" ? lifted : optimized) || !wanted()) return;
        output.write(fmt::format("{} at {:#x}:\n{}\n", stage == "lift" ? "IR" : "IR after optimization",
                                 guest.pc(), ir::print(region)));
      };
    if (options.traces_any(Trace::kOutAsm))
      t.out_asm = [&machine, &output, wanted](const ir::Region&, std::span<const uint8_t> code,
                                              uint64_t address) {
        if (wanted())
          output.write(fmt::format("OUT: [size={}]\n{}\n", code.size(),
                                   machine.backend()->disassemble(code, address)));
      };
    if (options.traces_any(Trace::kInt))
      debug.tell_exceptions([&output](const std::string& text) { output.write(text); });
    if (options.traces_any(Trace::kUnimp))
      debug.tell_undefined([&log](const std::string& text) { log.unimplemented("cpu", text); });
    const bool exec = options.traces_any(Trace::kExec), cpu = options.traces_any(Trace::kCpu);
    if (Dispatcher* dispatcher = vcpu.dispatcher(); dispatcher && (exec || cpu))
      dispatcher->trace.log = [&guest, &debug, &vcpu, &output, wanted, exec,
                               cpu](const TranslatedBlock& block) {
        if (!wanted()) return;
        if (exec)
          output.write(fmt::format("Trace 0: {} [{:016x}/{:016x}/{}]\n", fmt::ptr(vcpu.cache()->entry(block)),
                                   block.key.mode, guest.pc(), block.guest_insts));
        if (cpu) output.write(debug.dump());
      };
    if (vcpu.dispatcher() && (exec || cpu || options.traces_any(Trace::kNoChain)))
      vcpu.dispatcher()->trace.single_regions = true;
  }
}

}  // namespace mynah::app
