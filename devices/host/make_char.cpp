// SPDX-License-Identifier: Apache-2.0
//
// Each spelling has its function; an option that is not understood is an error that lists the ones that are.
#include "devices/host/make_char.h"

#include "devices/host/addresses.h"
#include "devices/host/char_duplex.h"
#include "devices/host/char_file.h"
#include "devices/host/char_log.h"
#include "devices/host/char_pty.h"
#include "devices/host/char_socket.h"
#include "devices/host/char_stdio.h"
#include "devices/host/char_udp.h"
#include "devices/host/option_text.h"

namespace mynah::host {
namespace {

using Backend = std::unique_ptr<dev::CharBackend>;

constexpr const char* kKnown =
    "use stdio, mon:stdio, null, file:PATH, pty, unix:PATH, tcp:HOST:PORT, telnet:HOST:PORT, udp:HOST:PORT, "
    "pipe:PATH or /dev/TTY";

template <typename T>
Result<Backend> as_backend(Result<std::unique_ptr<T>> made) {
  if (!made) return made.error();
  return Backend(std::move(*made));
}

Error bad_option(std::string_view spec, const std::string& option, const std::string& expected) {
  return Error{"'" + std::string(spec) + "': the option '" + option + "' is not understood; " + expected};
}

Result<Backend> make_stdio(std::string_view spec, bool shared, const CharEnv& env) {
  // Ctrl-C ends the emulator, except where the terminal is shared with the monitor, which has its own way
  // out.
  StdioChar::Options options{.input = env.input, .output = env.output, .keep_signals = !shared};
  const auto parts = split_options(spec);
  for (size_t i = 1; i < parts.size(); ++i) {
    const KeyValue option = split_key_value(parts[i]);
    const auto on = parse_switch(option.value);
    if (option.key != "signal" || !on) return bad_option(spec, parts[i], "stdio takes signal=on|off");
    options.keep_signals = *on;
  }
  return as_backend(StdioChar::open(options, *env.poller, env.report));
}

Result<Backend> make_socket(std::string_view spec, const CharEnv& env) {
  SocketAddress address;
  address.is_unix = spec.starts_with("unix:");
  address.telnet = spec.starts_with("telnet:");
  const auto parts = split_options(spec.substr(spec.find(':') + 1));
  if (address.is_unix) {
    address.path = parts[0];
  } else {
    auto at = parse_host_port(parts[0]);
    if (!at)
      return Error{"'" + std::string(spec) +
                   "' names no port; write tcp:HOST:PORT, or tcp::PORT for any address"};
    address.host = std::move(at->host);
    address.port = std::move(at->port);
    if (!address.port.empty() && address.port[0] >= '0' && address.port[0] <= '9' &&
        !parse_number(address.port, 65535))
      return Error{"'" + std::string(spec) + "': the port must be a number from 0 to 65535"};
  }
  bool wait_given = false;
  for (size_t i = 1; i < parts.size(); ++i) {
    const KeyValue option = split_key_value(parts[i]);
    const auto on = parse_switch(option.value);
    if (option.key == "server" && on) {
      address.server = *on;
    } else if (option.key == "wait" && on) {
      address.wait = *on;
      wait_given = true;
    } else if (option.key == "nowait" && !option.value) {
      address.wait = false;
      wait_given = true;
    } else if (option.key == "telnet" && on && !address.is_unix) {
      address.telnet = *on;
    } else if ((option.key == "nodelay" && on && !address.is_unix) ||
               ((option.key == "ipv4" || option.key == "ipv6" || option.key == "delay") && on) ||
               ((option.key == "reconnect" || option.key == "reconnect-ms") && option.value == "0")) {
      // always so
    } else {
      return bad_option(spec, parts[i], "sockets take server=on|off, wait=on|off and telnet=on|off");
    }
  }
  if (wait_given && !address.server)
    return Error{"'" + std::string(spec) + "': wait is for a server; add server=on or leave it out"};
  return as_backend(SocketChar::open(std::move(address), *env.poller, env.announce, env.report));
}

Result<Backend> make_udp(std::string_view spec, const CharEnv& env) {
  const auto parts = split_options(spec.substr(4));
  const size_t at = parts[0].find('@');
  const auto remote = parse_host_port(std::string_view(parts[0]).substr(0, at));
  UdpAddress address;
  if (remote) {
    address.host = remote->host;
    address.port = remote->port;
  }
  std::optional<HostPort> local;
  if (at != std::string::npos) {
    local = parse_host_port(std::string_view(parts[0]).substr(at + 1));
    if (local) {
      address.local_host = local->host;
      address.local_port = local->port;
    }
  }
  if (!remote || parts.size() > 1 || (at != std::string::npos && !local))
    return Error{"'" + std::string(spec) +
                 "' is not understood; write udp:HOST:PORT, or udp:HOST:PORT@:PORT to be "
                 "reached there"};
  return as_backend(UdpChar::open(address, *env.poller));
}

Result<Backend> make_plain(std::string_view spec, bool shared, const CharEnv& env) {
  if (spec == "null" || spec == "none" || spec == "/dev/null")
    return Backend(std::make_unique<dev::NullCharBackend>());
  if (spec == "stdio" || spec.starts_with("stdio,")) return make_stdio(spec, shared, env);
  if (spec == "testdev") return Backend(std::make_unique<TestdevChar>(env.exit));
  if (spec == "pty") return as_backend(PtyChar::open(*env.poller, env.announce, env.report));
  if (spec.starts_with("file:")) {
    const std::string path(spec.substr(5));
    if (path.empty()) return Error{"file: needs a path; write file:PATH"};
    return as_backend(FileChar::open(path, *env.poller, env.report, env.append));
  }
  if (spec.starts_with("unix:") || spec.starts_with("tcp:") || spec.starts_with("telnet:"))
    return make_socket(spec, env);
  if (spec.starts_with("udp:")) return make_udp(spec, env);
  if (spec.starts_with("pipe:"))
    return as_backend(DuplexChar::open_pipes(std::string(spec.substr(5)), *env.poller, env.report));
  if (spec.starts_with("tty:") || spec.starts_with("/dev/"))
    return as_backend(DuplexChar::open_terminal(std::string(spec.substr(spec.starts_with("tty:") ? 4 : 0)),
                                                *env.poller, env.report));
  return Error{"'" + std::string(spec) + "' is not a kind of serial line known here; " + kKnown};
}

// Takes logfile= and logappend= out of the options of a spec that has any.
std::string take_log(std::string_view spec, CharEnv& env) {
  for (std::string_view whole : {"file:", "pipe:", "tty:", "/dev/"})
    if (spec.starts_with(whole)) return std::string(spec);
  std::string rest;
  for (const std::string& part : split_options(spec)) {
    const KeyValue option = split_key_value(part);
    if (option.key == "logfile" && option.value) {
      env.log_file = *option.value;
    } else if (const auto on = parse_switch(option.value); option.key == "logappend" && on) {
      env.log_append = *on;
    } else {
      if (!rest.empty()) rest += ',';
      for (char c : part) rest.append(c == ',' ? 2 : 1, c);
    }
  }
  return rest;
}

Result<Backend> make_logged(std::string_view spec, bool shared, CharEnv env) {
  const std::string rest = take_log(spec, env);
  auto line = make_plain(rest, shared, env);
  if (!line || env.log_file.empty()) return line;
  auto log = FileChar::open(env.log_file, *env.poller, env.report, env.log_append);
  if (!log) return log.error();
  return Backend(std::make_unique<LoggedChar>(std::move(*line), std::move(*log)));
}

}  // namespace

Result<Backend> make_char(std::string_view spec, const CharEnv& env) {
  ignore_write_signals();
  if (!spec.starts_with("mon:")) return make_logged(spec, false, env);
  auto lower = make_logged(spec.substr(4), true, env);
  if (!lower) return lower.error();
  const auto* stdio = dynamic_cast<const StdioChar*>(&without_log(**lower));
  auto mux = std::make_unique<MuxChar>(std::move(*lower), env.mux);
  if (stdio) mux->set_screen(stdio->screen());
  return Backend(std::move(mux));
}

}  // namespace mynah::host
