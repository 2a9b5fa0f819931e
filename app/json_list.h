// SPDX-License-Identifier: Apache-2.0
//
// The JSON form that -blockdev, -device, -object and -netdev take beside lists: {"driver": "raw", "file":
// {"filename": "x"}} says the same as driver=raw,file.filename=x.
#pragma once

#include <string>
#include <string_view>

#include "ir/result.h"

namespace mynah::app {

inline bool is_json(std::string_view value) { return value.starts_with('{'); }

// The list with the value of the key `first` in front, without its name (a list's kind comes first). `option`
// is for messages.
Result<std::string> json_as_list(std::string_view option, std::string_view json, std::string_view first);

}  // namespace mynah::app
