// SPDX-License-Identifier: Apache-2.0
//
// -smbios: the strings of a structure, by the structure's type.
#include <fmt/format.h>

#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

struct StructureRow {
  unsigned type;
  std::string_view fields;  // with a space before and after each
};
constexpr StructureRow kStructures[] = {
    {0, " vendor version date uefi release "},
    {1, " manufacturer product version serial uuid sku family "},
    {2, " manufacturer product version serial asset location "},
    {3, " manufacturer version serial asset sku "},
    {4, " sock_pfx manufacturer version serial asset part "},
    {11, " value "},
    {17, " loc_pfx bank manufacturer serial asset part "},
};

std::vector<std::string_view> fields_of(const StructureRow& row) {
  std::vector<std::string_view> names;
  for (size_t at = 1; at < row.fields.size();) {
    const size_t end = row.fields.find(' ', at);
    names.push_back(row.fields.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

}  // namespace

Result<void> apply_smbios(OptionParser& p, const std::string& value) {
  const auto parts = host::split_options(value);
  const host::KeyValue first = host::split_key_value(parts[0]);
  if (first.key == "file")
    return Error{"-smbios file= is missing here; write the fields as type=1,serial=TEXT"};
  const auto type = first.value && first.key == "type" ? parse_u64(*first.value) : std::nullopt;
  const auto row = std::find_if(std::begin(kStructures), std::end(kStructures),
                                [&](const StructureRow& r) { return type == r.type; });
  if (row == std::end(kStructures))
    return type && *type < 128
               ? error("-smbios type={} is missing here; there are 0, 1, 2, 3, 4, 11 and 17", *type)
               : error("-smbios takes type=N first, with N 0, 1, 2, 3, 4, 11 or 17, not '{}'", parts[0]);
  const auto names = fields_of(*row);
  for (size_t i = 1; i < parts.size(); ++i) {
    const host::KeyValue field = host::split_key_value(parts[i]);
    if (field.key == "help") {
      p.print(fmt::format("-smbios type={}: {}\n", row->type, joined(names)));
      return {};
    }
    if (std::find(names.begin(), names.end(), field.key) == names.end())
      return error("-smbios type={} has no field '{}'{} (it has {})", row->type, field.key,
                   suggestion(field.key, names), joined(names));
    const std::string to = field.value.value_or("");
    if (row->type == 11) {
      if (p.options.smbios.oem_strings.size() == 255)
        return Error{"-smbios type=11 holds 255 strings at most"};
      p.options.smbios.oem_strings.push_back(to);
    } else if (field.key == "uuid") {
      if (auto ok = apply_uuid(p, to); !ok) return ok;
    } else {
      p.options.smbios.fields[row->type][field.key] = to;
    }
  }
  if (row->type != 11) p.options.smbios.fields[row->type];
  return {};
}

}  // namespace mynah::app
