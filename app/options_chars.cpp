// SPDX-License-Identifier: Apache-2.0
//
// -chardev, -serial, -parallel, -monitor, -mon: the host side of lines. All of them take the same kinds,
// which one table has; -chardev spells the properties of a kind as a list, the others in one word
// (devices/host/make_char.h).
#include <fmt/format.h>

#include <algorithm>

#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

struct LineKind {
  std::string_view name;     // as one word: what it begins with
  bool alone;                // and that is all of it
  std::string_view missing;  // why there is none; empty: there is
};
constexpr LineKind kLineKinds[] = {
    {"stdio", true, ""},
    {"stdio,", false, ""},
    {"null", true, ""},
    {"none", true, ""},
    {"pty", true, ""},
    {"pty,", false, ""},
    {"file:", false, ""},
    {"unix:", false, ""},
    {"tcp:", false, ""},
    {"telnet:", false, ""},
    {"udp:", false, ""},
    {"pipe:", false, ""},
    {"/dev/", false, ""},
    {"tty:", false, ""},
    {"chardev:", false, ""},
    {"vc", true, "a window, and there are none yet; use stdio or mon:stdio"},
    {"vc:", false, "a window, and there are none yet; use stdio or mon:stdio"},
    {"vc,", false, "a window, and there are none yet; use stdio or mon:stdio"},
    {"websocket:", false, "the WebSocket protocol, which is missing here; use tcp: or telnet:"},
    {"tn3270:", false, "the TN3270 protocol, which is missing here; use telnet:"},
    {"con:", false, "a console of Windows; use stdio"},
    {"ringbuf", true, "a ring buffer, which is missing here; use file:PATH"},
    {"ringbuf:", false, "a ring buffer, which is missing here; use file:PATH"},
    {"braille", true, "a braille display, which is missing here; use stdio"},
    {"msmouse", true, "a mouse, which is missing here; use stdio"},
    {"wctablet", true, "a tablet, which is missing here; use stdio"},
    {"testdev", true, "a test device, which is missing here; use -chardev"},
};

Result<void> check_line(std::string_view option, std::string_view value) {
  if (value.empty())
    return error(
        "{} needs a line: stdio, mon:stdio, null, file:PATH, pty, unix:PATH, tcp:HOST:PORT, "
        "telnet:HOST:PORT, udp:HOST:PORT or pipe:PATH",
        option);
  const std::string_view plain = value.starts_with("mon:") ? value.substr(4) : value;
  std::vector<std::string_view> known{"mon:stdio"};
  for (const LineKind& kind : kLineKinds) {
    if (kind.alone ? plain == kind.name : plain.starts_with(kind.name)) {
      if (kind.missing.empty()) return {};
      return error("{} {} needs {}", option, value, kind.missing);
    }
    if (kind.missing.empty()) known.push_back(kind.name);
  }
  return error(
      "{} '{}' is not known{} (it takes stdio, mon:stdio, null, file:PATH, pty, unix:PATH, tcp:HOST:PORT, "
      "telnet:HOST:PORT, udp:HOST:PORT, pipe:PATH or chardev:ID)",
      option, value, suggestion(value, known));
}

struct CharKeys {
  std::string id, path, host, port, local_host, local_port;
  std::string log_file;
  bool log_append = false, append = false;
  bool server = false, wait = true, wait_given = false, telnet = false;
  bool signal = true, signal_given = false, mux = false;
};
std::string set_server(CharKeys& to, const std::string& value) {
  return set_on_off<CharKeys, &CharKeys::server>(to, value);
}
std::string set_wait(CharKeys& to, const std::string& value) {
  to.wait_given = true;
  return set_on_off<CharKeys, &CharKeys::wait>(to, value);
}
std::string set_nowait(CharKeys& to, const std::string& value) {
  to.wait_given = true;
  to.wait = false;
  return value == "on" ? "" : "no value";
}
std::string set_signal(CharKeys& to, const std::string& value) {
  to.signal_given = true;
  return set_on_off<CharKeys, &CharKeys::signal>(to, value);
}
std::string set_no_reconnect(CharKeys&, const std::string& value) {
  return value == "0" ? "" : "0 only: to connect again is missing";
}
std::string set_missing(CharKeys&, const std::string&) {
  return "nothing here: that is missing; leave it out";
}
constexpr KeyRow<CharKeys> kCharKeys[] = {
    {"id", "ID", "name for -device, -serial and -mon", set_text<CharKeys, &CharKeys::id>},
    {"path", "FILE", "file, unix socket, pipe or terminal", set_text<CharKeys, &CharKeys::path>},
    {"append", "on|off", "file: go on at its end", set_on_off<CharKeys, &CharKeys::append>},
    {"input-path", "", "missing", set_missing},
    {"host", "NAME", "socket, udp: address", set_text<CharKeys, &CharKeys::host>},
    {"port", "NUMBER", "socket, udp: port", set_text<CharKeys, &CharKeys::port>},
    {"localaddr", "NAME", "udp: own address", set_text<CharKeys, &CharKeys::local_host>},
    {"localport", "NUMBER", "udp: own port", set_text<CharKeys, &CharKeys::local_port>},
    {"server", "on|off", "socket: listen", set_server},
    {"wait", "on|off", "socket: wait for the first client", set_wait},
    {"nowait", "", "socket: wait=off", set_nowait},
    {"telnet", "on|off", "socket: speak telnet", set_on_off<CharKeys, &CharKeys::telnet>},
    {"websocket", "off", "socket: speak WebSocket", only_off<CharKeys>},
    {"tn3270", "off", "socket: speak TN3270", only_off<CharKeys>},
    {"tls-creds", "", "missing", set_missing},
    {"fd", "", "missing", set_missing},
    {"nodelay", "on|off", "socket: accepted, it is on", set_nothing<CharKeys>},
    {"delay", "on|off", "socket: the same", set_nothing<CharKeys>},
    {"ipv4", "on|off", "socket: accepted", set_nothing<CharKeys>},
    {"ipv6", "on|off", "socket: accepted", set_nothing<CharKeys>},
    {"reconnect", "0", "socket: connect again", set_no_reconnect},
    {"reconnect-ms", "0", "socket: connect again", set_no_reconnect},
    {"signal", "on|off", "stdio: Ctrl-C ends the emulator", set_signal},
    {"mux", "on|off", "share it between a serial line and the monitor", set_on_off<CharKeys, &CharKeys::mux>},
    {"logfile", "FILE", "the output goes there, too", set_text<CharKeys, &CharKeys::log_file>},
    {"logappend", "on|off", "and goes on at its end", set_on_off<CharKeys, &CharKeys::log_append>},
};
constexpr std::string_view kCharKinds[] = {"testdev", "stdio", "null", "file",   "socket",
                                           "pty",     "udp",   "pipe", "serial", "tty"};

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) out.append(c == ',' ? 2 : 1, c);
  return out;
}

// The property list as host::make_char spells it.
Result<std::string> char_spec(const std::string& kind, const CharKeys& keys) {
  if (kind == "stdio")
    return !keys.signal_given ? "stdio" : keys.signal ? "stdio,signal=on" : "stdio,signal=off";
  if (kind == "null" || kind == "pty" || kind == "testdev") return kind;
  if (kind == "file" || kind == "pipe" || kind == "serial" || kind == "tty") {
    if (keys.path.empty()) return error("-chardev {} needs path=FILE", kind);
    return (kind == "serial" ? "tty" : kind) + ":" + keys.path;
  }
  if (kind == "udp") {
    if (keys.port.empty()) return Error{"-chardev udp needs port=NUMBER, where its datagrams go to"};
    std::string spec = "udp:" + keys.host + ":" + keys.port;
    if (!keys.local_port.empty()) spec += "@" + keys.local_host + ":" + keys.local_port;
    return spec;
  }
  if (keys.path.empty() == keys.port.empty())
    return error("-chardev {} needs path=FILE for a unix socket, or port=NUMBER for TCP", kind);
  std::string spec = keys.path.empty() ? "tcp:" + keys.host + ":" + keys.port : "unix:" + escaped(keys.path);
  if (keys.server) spec += ",server=on";
  if (keys.telnet) spec += ",telnet=on";
  if (keys.wait_given) spec += keys.wait ? ",wait=on" : ",wait=off";
  return spec;
}

struct MonKeys {
  std::string chardev, id;
};
std::string set_mode(MonKeys&, const std::string& value) {
  return value == "readline" ? "" : "readline; the control protocol is not supported";
}
constexpr KeyRow<MonKeys> kMonKeys[] = {
    {"chardev", "ID", "the -chardev", set_text<MonKeys, &MonKeys::chardev>},
    {"mode", "readline", "", set_mode},
    {"id", "ID", "accepted", set_text<MonKeys, &MonKeys::id>},
    {"pretty", "on|off", "accepted: for the control protocol", set_nothing<MonKeys>},
    {"default", "on|off", "accepted: there is one monitor", set_nothing<MonKeys>},
};

}  // namespace

Result<void> apply_chardev(OptionParser& p, const std::string& value) {
  if (is_json(value)) {
    const auto list = json_as_list("-chardev", value, "backend");
    return list ? apply_chardev(p, *list) : Result<void>(list.error());
  }
  const size_t comma = value.find(',');
  const std::string kind = value.substr(0, comma);
  const auto names = key_names(std::span<const KeyRow<CharKeys>>(kCharKeys));
  if (kind == "help" || kind == "?") {
    p.print("character devices (-chardev NAME,id=ID[,PROPERTY=VALUE...]): " + joined(kCharKinds) + "\n" +
            key_help("-chardev", names));
    return {};
  }
  if (std::find(std::begin(kCharKinds), std::end(kCharKinds), kind) == std::end(kCharKinds))
    return Error{"character device '" + kind +
                 (known_elsewhere(Known::kChar, kind) ? "' is not supported yet"
                                                      : "' is not known" + suggestion(kind, kCharKinds)) +
                 " (-chardev takes " + joined(kCharKinds) + ")"};
  CharKeys keys;
  if (comma != std::string::npos) {
    const auto list = apply_keys(value.substr(comma + 1), {"-chardev " + kind, ""}, kCharKeys, keys);
    if (!list) return list.error();
    if (*list == KeyList::kHelp) {
      p.print(key_help("-chardev", names));
      return {};
    }
  }
  if (keys.id.empty()) return Error{"-chardev " + kind + " needs id=ID"};
  CharOption option;
  option.id = keys.id;
  option.mux = keys.mux;
  option.log_file = keys.log_file;
  option.log_append = keys.log_append;
  option.append = keys.append;
  auto spec = char_spec(kind, keys);
  if (!spec) return spec.error();
  option.spec = std::move(*spec);
  p.options.chars.push_back(std::move(option));
  return {};
}

Result<void> apply_serial(OptionParser& p, const std::string& value) {
  if (auto ok = check_line("-serial", value); !ok) return ok;
  const size_t lines = p.options.board->serial_lines;
  if (p.options.serials.size() >= lines && value != "none" && value != "null")
    return error("the machine has {} serial lines; leave the -serial {} out, or use -device virtconsole",
                 lines, value);
  p.options.serials.push_back(value);
  return {};
}

Result<void> apply_parallel(OptionParser& p, const std::string& value) {
  if (auto ok = check_line("-parallel", value); !ok) return ok;
  if (value.starts_with("mon:"))
    return error("-parallel {}: the port is no terminal; write -parallel {}", value, value.substr(4));
  if (p.options.parallel && value != "none" && value != "null")
    return error("the machine has one parallel port; leave the -parallel {} out", value);
  if (!p.options.parallel || *p.options.parallel == "none") p.options.parallel = value;
  return {};
}

Result<void> check_parallel(const Options& options) {
  if (options.board->parallel_port || !options.parallel || *options.parallel == "none" ||
      *options.parallel == "null")
    return {};
  return error("the machine {} has no parallel port; leave -parallel {} out", options.board->name,
               *options.parallel);
}

// A device, of which -global may say where it is.
Result<void> apply_debug_console(OptionParser& p, const std::string& value) {
  if (auto ok = check_line("-debugcon", value); !ok) return ok;
  if (value == "none") return {};
  if (value.starts_with("mon:"))
    return error("-debugcon {}: the monitor is where -monitor or -serial mon:LINE says; write -debugcon {}",
                 value, value.substr(4));
  std::string id = "debugcon";
  if (value.starts_with("chardev:")) {
    id = value.substr(8);
  } else {
    CharOption line;
    line.id = id;
    line.spec = value;
    p.options.chars.push_back(std::move(line));
  }
  return apply_device(p, "isa-debugcon,chardev=" + id);
}

Result<void> apply_monitor(OptionParser& p, const std::string& value) {
  if (auto ok = check_line("-monitor", value); !ok) return ok;
  if (value.starts_with("mon:"))
    return Error{"-monitor is a monitor already; write -monitor " + value.substr(4)};
  if (p.options.monitor && *p.options.monitor != "none" && value != "none")
    return Error{"there is one monitor; leave the second -monitor out"};
  p.options.monitor = value;
  return {};
}

Result<void> apply_mon(OptionParser& p, const std::string& value) {
  MonKeys keys;
  const auto list = apply_keys(value, {"-mon", "chardev"}, kMonKeys, keys);
  if (!list) return list.error();
  if (*list == KeyList::kHelp) return Error{"-mon takes chardev=ID"};
  if (keys.chardev.empty()) return Error{"-mon needs chardev=ID, the id of a -chardev"};
  return apply_monitor(p, "chardev:" + keys.chardev);
}

}  // namespace mynah::app
