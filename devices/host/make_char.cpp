// SPDX-License-Identifier: Apache-2.0
//
// Each spelling has its function; an option that is not understood is an error that lists the ones that are.
#include "devices/host/make_char.h"

#include "devices/host/char_file.h"
#include "devices/host/char_pty.h"
#include "devices/host/char_socket.h"
#include "devices/host/char_stdio.h"
#include "devices/host/option_text.h"

namespace mynah::host {
namespace {

using Backend = std::unique_ptr<dev::CharBackend>;

constexpr const char* kKnown = "use stdio, mon:stdio, null, file:PATH, pty, unix:PATH or tcp:HOST:PORT";

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
  const auto parts = split_options(spec.substr(spec.find(':') + 1));
  if (address.is_unix) {
    address.path = parts[0];
  } else {
    const size_t colon = parts[0].rfind(':');
    if (colon == std::string::npos || colon + 1 == parts[0].size())
      return Error{"'" + std::string(spec) +
                   "' names no port; write tcp:HOST:PORT, or tcp::PORT for any address"};
    address.host = parts[0].substr(0, colon);
    address.port = parts[0].substr(colon + 1);
    if (address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']')
      address.host = address.host.substr(1, address.host.size() - 2);
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
    } else if (option.key == "nodelay" && on && !address.is_unix) {
      // always so
    } else {
      return bad_option(spec, parts[i], "sockets take server=on|off and wait=on|off");
    }
  }
  if (wait_given && !address.server)
    return Error{"'" + std::string(spec) + "': wait is for a server; add server=on or leave it out"};
  return as_backend(SocketChar::open(std::move(address), *env.poller, env.announce, env.report));
}

Result<Backend> make_plain(std::string_view spec, bool shared, const CharEnv& env) {
  if (spec == "null" || spec == "none") return Backend(std::make_unique<dev::NullCharBackend>());
  if (spec == "stdio" || spec.starts_with("stdio,")) return make_stdio(spec, shared, env);
  if (spec == "testdev") return Backend(std::make_unique<TestdevChar>(env.exit));
  if (spec == "pty") return as_backend(PtyChar::open(*env.poller, env.announce, env.report));
  if (spec.starts_with("file:")) {
    const std::string path(spec.substr(5));
    if (path.empty()) return Error{"file: needs a path; write file:PATH"};
    return as_backend(FileChar::open(path, *env.poller, env.report));
  }
  if (spec.starts_with("unix:") || spec.starts_with("tcp:")) return make_socket(spec, env);
  return Error{"'" + std::string(spec) + "' is not a kind of serial line known here; " + kKnown};
}

}  // namespace

Result<Backend> make_char(std::string_view spec, const CharEnv& env) {
  ignore_write_signals();
  if (!spec.starts_with("mon:")) return make_plain(spec, false, env);
  auto lower = make_plain(spec.substr(4), true, env);
  if (!lower) return lower.error();
  const auto* stdio = dynamic_cast<const StdioChar*>(lower->get());
  auto mux = std::make_unique<MuxChar>(std::move(*lower), env.mux);
  if (stdio) mux->set_screen(stdio->screen());
  return Backend(std::move(mux));
}

}  // namespace mynah::host
