// SPDX-License-Identifier: Apache-2.0
//
// Words of the command line that belong to no option are disks. Most that are no disk come from a comma or
// from quotes that are missing before them; here is what to say then.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mynah::app {

// The option before the words, with its argument.
struct OptionBefore {
  std::string_view name;  // "append"; empty: there was none
  std::string_view value;
  bool properties = false;  // the value is a list of properties
  bool takes_value = false;
  bool file = false;  // the value is the name of one
};

struct StrayWords {
  std::string certain;    // says what happened, when it can be nothing else
  std::string if_absent;  // or what to say when there is no such file
};

// `words` are all from the option to the next one; the first that is a mistake decides.
StrayWords explain_stray_words(const OptionBefore& before, std::span<const std::string_view> words,
                               size_t word);

}  // namespace mynah::app
