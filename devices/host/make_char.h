// SPDX-License-Identifier: Apache-2.0
//
// Character backends from the spellings that people have in their scripts:
//   stdio[,signal=on|off]      mon:stdio, mon:SPEC       null, none
//   file:PATH                  pty                       testdev
//   unix:PATH[,OPTIONS]        tcp:HOST:PORT[,OPTIONS]   tcp::PORT[,OPTIONS]
//   telnet:HOST:PORT[,OPTIONS] udp:HOST:PORT[@[HOST]:PORT]
//   pipe:PATH                  /dev/TTY, tty:PATH
// OPTIONS: server=on|off (or server), wait=on|off (or nowait), for tcp telnet=on|off and nodelay (always on);
// for these, stdio and pty also logfile=PATH and logappend=on|off. In the path of a unix socket ",," stands
// for a comma; the path of a file, pipe or terminal is taken as it is.
#pragma once

#include <memory>
#include <string_view>

#include "devices/core/char_backend.h"
#include "devices/host/char_mux.h"
#include "devices/host/char_testdev.h"
#include "devices/host/poller.h"

namespace mynah::host {

struct CharEnv {
  Poller* poller = nullptr;          // required; outlives the backend
  Report announce = nullptr;         // where a pseudo terminal or server can be reached
  Report report = nullptr;           // failures of the host at run time, each kind once
  MuxHooks mux = {};                 // for "mon:"
  TestdevChar::Quit exit = nullptr;  // for "testdev"
  std::string log_file = {};         // the output goes there as well
  bool log_append = false;
  bool append = false;  // "file:" goes on where it ends
  int input = 0;        // what "stdio" means
  int output = 1;
};

// For "mon:" the result is a MuxChar (find it with dynamic_cast); the caller adds the monitor's port to it.
Result<std::unique_ptr<dev::CharBackend>> make_char(std::string_view spec, const CharEnv& env);

}  // namespace mynah::host
