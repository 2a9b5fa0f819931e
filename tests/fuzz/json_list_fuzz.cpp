// SPDX-License-Identifier: Apache-2.0
//
// The JSON form of options: any text is a list or a sentence.
#include "app/json_list.h"

#include <cstdlib>

#include "app/options.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = app::json_as_list("-x", text, "driver");
  if (!list && list.message().empty()) std::abort();
  const std::string wrapped = "{\"driver\":\"raw\",\"node-name\":\"" + std::string(text) + "\"}";
  const std::string_view arguments[] = {"-blockdev", wrapped};
  if (const auto options = app::parse_options(arguments); !options && options.message().empty()) std::abort();
  return 0;
}
