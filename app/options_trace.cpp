// SPDX-License-Identifier: Apache-2.0
//
// -d, -dfilter and --stats.
#include <fmt/format.h>

#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

struct TraceRow {
  std::string_view name, alias;
  Trace trace;
  std::string_view help;
};
constexpr TraceRow kTraces[] = {
    {"in_asm", "", Trace::kInAsm, "guest code of each block when it is translated"},
    {"ir", "op", Trace::kIr, "its intermediate form as lifted"},
    {"ir_opt", "op_opt", Trace::kIrOpt, "its intermediate form as optimized"},
    {"out_asm", "", Trace::kOutAsm, "host code made of it"},
    {"int", "", Trace::kInt, "exceptions and interrupts taken"},
    {"exec", "", Trace::kExec, "each block entered (much text; slow)"},
    {"cpu", "", Trace::kCpu, "registers before each block (much text; slow)"},
    {"guest_errors", "", Trace::kGuestErrors, "what the guest does wrong with devices"},
    {"unimp", "", Trace::kUnimp, "what the guest asks for and is not there, instructions included"},
    {"nochain", "", Trace::kNoChain, "leave after each block, so that exec and cpu miss none"},
};

// What scripts ask for besides, and nothing is logged of here.
constexpr std::string_view kElsewhere[] = {"mmu",   "cpu_reset",   "page",   "fpu",
                                           "pcall", "plugin",      "strace", "tid",
                                           "vpu",   "invalid_mem", "op_ind", "op_plugin"};

std::optional<AddressRange> parse_range(const std::string& text) {
  for (std::string_view separator : {"..", "+", "-"}) {
    const size_t at = text.find(separator);
    if (at == std::string::npos) continue;
    const auto a = parse_u64(std::string_view(text).substr(0, at));
    const auto b = parse_u64(std::string_view(text).substr(at + separator.size()));
    if (!a || !b) return std::nullopt;
    if (separator == "..") return *a <= *b ? std::optional(AddressRange{*a, *b}) : std::nullopt;
    if (*b == 0) return std::nullopt;
    if (separator == "+") return AddressRange{*a, *a + (*b - 1) < *a ? ~uint64_t{0} : *a + (*b - 1)};
    return AddressRange{*a < *b ? 0 : *a - (*b - 1), *a};
  }
  return std::nullopt;
}

}  // namespace

Result<void> apply_traces(OptionParser& p, const std::string& value) {
  for (const std::string& word : host::split_options(value)) {
    if (word == "help" || word == "?") {
      std::string text = "log items (-d ITEM,ITEM...):\n";
      for (const TraceRow& row : kTraces) text += fmt::format("  {:<14} {}\n", row.name, row.help);
      p.print(std::move(text));
      return {};
    }
    const TraceRow* found = nullptr;
    for (const TraceRow& row : kTraces)
      if (word == row.name || (!row.alias.empty() && word == row.alias)) found = &row;
    if (!found && std::find(std::begin(kElsewhere), std::end(kElsewhere), word) != std::end(kElsewhere)) {
      p.options.warnings.push_back(fmt::format(
          "nothing is logged for the log item '{}' here (-d help lists those that there are)", word));
      continue;
    }
    if (!found) {
      std::vector<std::string_view> names;
      for (const TraceRow& row : kTraces) names.push_back(row.name);
      return Error{"log item '" + word + "' is not known" + suggestion(word, names) +
                   " (-d help lists them)"};
    }
    p.options.traces |= static_cast<uint16_t>(found->trace);
  }
  return {};
}

Result<void> apply_trace_ranges(OptionParser& p, const std::string& value) {
  for (const std::string& word : host::split_options(value)) {
    const auto range = parse_range(word);
    if (!range)
      return Error{"-dfilter: '" + word +
                   "' is not a range; write FIRST..LAST, START+SIZE or END-SIZE, with 0x for hexadecimal"};
    p.options.trace_ranges.push_back(*range);
  }
  return {};
}

Result<void> apply_stats(OptionParser& p, const std::string& value) {
  p.options.stats = value.empty() ? StatsForm::kTable : StatsForm::kJson;
  p.options.stats_file = value == "json" ? "" : value;
  return {};
}

}  // namespace mynah::app
