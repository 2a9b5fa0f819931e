// SPDX-License-Identifier: Apache-2.0
//
// Apart from the rest of the display, since term.h has macros of many common words.
#include "devices/host/terminfo.h"

#include <curses.h>
#include <term.h>

namespace mynah::host {

// Without what it says of pauses, $<...>.
std::string terminal_capability(const char* name) {
  const char* const found = tigetstr(const_cast<char*>(name));
  std::string text = found && found != reinterpret_cast<const char*>(-1) ? found : "";
  for (size_t at; (at = text.find("$<")) != std::string::npos;) {
    const size_t end = text.find('>', at);
    text.erase(at, end == std::string::npos ? end : end - at + 1);
  }
  return text;
}

}  // namespace mynah::host
