// SPDX-License-Identifier: Apache-2.0
//
// Options about the display and the debugger's line.
#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {

Result<void> apply_display(OptionParser& p, const std::string& value) {
  if (value == "help" || value == "?") {
    p.print(
        "displays (-display NAME):\n"
        "  none           no window\n"
        "  curses         the screen of a PC on the terminal; Alt-2 is the monitor, Alt-1 the screen "
        "again\n");
    return {};
  }
  static constexpr std::string_view kMissing[] = {"gtk",  "sdl",          "vnc",      "cocoa",
                                                  "dbus", "egl-headless", "spice-app"};
  const std::string name = value.substr(0, value.find_first_of(",=:"));
  // Its one property is the character set of the terminal, which the locale says.
  p.options.curses = name == "curses";
  p.options.display_none = name == "none";
  if (name != "none" && name != "curses")
    return Error{"display '" + name +
                 (std::find(std::begin(kMissing), std::end(kMissing), name) != std::end(kMissing)
                      ? "' is missing, since there are no windows yet"
                      : "' is not known") +
                 "; use -display curses, -display none or -nographic"};
  return {};
}

Result<void> apply_curses(OptionParser& p, const std::string&) { return apply_display(p, "curses"); }

Result<void> apply_gdb(OptionParser& p, const std::string& value) {
  if (value == "none") {
    p.options.gdb.clear();
    return {};
  }
  const bool prefixed = value.starts_with("tcp:") || value.starts_with("unix:");
  if (!prefixed && value.find(':') == std::string::npos)
    return Error{"-gdb '" + value + "' is not understood; write tcp::PORT, tcp:HOST:PORT or unix:PATH"};
  // A debugger is let in from this host only, unless the person says where from.
  std::string spec = prefixed ? value : "tcp:" + value;
  if (spec.starts_with("tcp::")) spec.insert(4, "127.0.0.1");
  for (std::string_view word : {",server=on", ",server", ",nowait", ",wait=off"})
    if (const size_t at = spec.find(word); at != std::string::npos) spec.erase(at, word.size());
  if (spec.find(',') != std::string::npos && spec.starts_with("tcp:"))
    return Error{"-gdb '" + value + "' is not understood; write tcp::PORT, tcp:HOST:PORT or unix:PATH"};
  p.options.gdb = spec + ",server=on,wait=off";
  return {};
}

}  // namespace mynah::app
