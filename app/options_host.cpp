// SPDX-License-Identifier: Apache-2.0
//
// Options about what stands behind devices on the host: networks, character devices, the debugger's line.
#include <algorithm>

#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

constexpr std::string_view kUserKeys =
    "net=ADDR/BITS, host=ADDR, dns=ADDR, dhcpstart=ADDR, restrict=on|off, ipv6=on|off, hostname=NAME, "
    "domainname=NAME, dnssearch=NAME, tftp=FOLDER, bootfile=NAME, hostfwd=[tcp|udp]:[ADDR]:PORT-[ADDR]:PORT";

Result<void> check_network_kind(std::string_view option, const std::string& kind) {
  if (kind == "user") return {};
  static constexpr std::string_view kOthers[] = {"tap",   "bridge", "socket", "stream",
                                                 "dgram", "vde",    "passt",  "l2tpv3"};
  if (std::find(std::begin(kOthers), std::end(kOthers), kind) != std::end(kOthers))
    return Error{std::string(option) + " " + kind +
                 " is not supported; use user, which needs no privilege (ports come in by hostfwd=)"};
  static constexpr std::string_view kKnown[] = {"user", "none"};
  return Error{"network '" + kind + "' is not known" + suggestion(kind, kKnown) + " (" + std::string(option) +
               (option == "-netdev" ? " takes user)" : " takes user or none)")};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) out.append(c == ',' ? 2 : 1, c);
  return out;
}

bool has_key(const std::vector<std::string>& parts, std::string_view key) {
  return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
    return part.starts_with(key) && (part.size() == key.size() || part[key.size()] == '=');
  });
}

// parts[0] is the kind; the rest are properties of the network.
Result<void> add_user_network(OptionParser& p, const std::vector<std::string>& parts, std::string id) {
  std::string text;
  for (const std::string& part : parts) {
    const std::string key = part.substr(0, part.find('='));
    if (&part != &parts[0] && std::ranges::find(host::kSlirpKeys, key) == std::end(host::kSlirpKeys))
      return Error{"user networking has no property '" + key + "'" + suggestion(key, host::kSlirpKeys) +
                   " (-netdev help lists them)"};
    text += (text.empty() ? "" : ",") + escaped(part);
  }
  auto user = host::parse_slirp_options(text);
  if (!user) return Error{user.message()};
  NetOption net;
  net.id = std::move(id);
  net.user = std::move(*user);
  net.ipv6_given = has_key(parts, "ipv6");
  p.options.nets.push_back(std::move(net));
  return {};
}

// --- character devices

struct CharKeys {
  std::string id, path, host, port;
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
constexpr KeyRow<CharKeys> kCharKeys[] = {
    {"id", "ID", "name for -device, -serial and -mon", set_text<CharKeys, &CharKeys::id>},
    {"path", "FILE", "file, or unix socket", set_text<CharKeys, &CharKeys::path>},
    {"host", "NAME", "socket: address", set_text<CharKeys, &CharKeys::host>},
    {"port", "NUMBER", "socket: TCP port", set_text<CharKeys, &CharKeys::port>},
    {"server", "on|off", "socket: listen", set_server},
    {"wait", "on|off", "socket: wait for the first client", set_wait},
    {"nowait", "", "socket: wait=off", set_nowait},
    {"telnet", "off", "socket: speak telnet", only_off<CharKeys>},
    {"nodelay", "on", "socket: accepted", only_on<CharKeys>},
    {"signal", "on|off", "stdio: Ctrl-C ends the emulator", set_signal},
    {"mux", "on|off", "share it between a serial line and the monitor", set_on_off<CharKeys, &CharKeys::mux>},
};
constexpr std::string_view kCharKinds[] = {"stdio", "null", "file", "socket", "pty", "testdev"};

// The property list as host::make_char spells it.
Result<std::string> char_spec(const std::string& kind, const CharKeys& keys) {
  if (kind == "stdio")
    return !keys.signal_given ? "stdio" : keys.signal ? "stdio,signal=on" : "stdio,signal=off";
  if (kind == "null" || kind == "pty" || kind == "testdev") return kind;
  if (kind == "file") {
    if (keys.path.empty()) return Error{"-chardev file needs path=FILE"};
    return "file:" + keys.path;
  }
  if (keys.path.empty() == keys.port.empty())
    return error("-chardev {} needs path=FILE for a unix socket, or port=NUMBER for TCP", kind);
  std::string spec = keys.path.empty() ? "tcp:" + keys.host + ":" + keys.port : "unix:" + escaped(keys.path);
  if (keys.server) spec += ",server=on";
  if (keys.wait_given) spec += keys.wait ? ",wait=on" : ",wait=off";
  return spec;
}

struct MonKeys {
  std::string chardev;
};
std::string set_mode(MonKeys&, const std::string& value) {
  return value == "readline" ? "" : "readline; the control protocol is not supported";
}
constexpr KeyRow<MonKeys> kMonKeys[] = {
    {"chardev", "ID", "the -chardev", set_text<MonKeys, &MonKeys::chardev>},
    {"mode", "readline", "", set_mode},
};

Result<void> check_line(std::string_view option, const std::string& value) {
  if (value.empty())
    return Error{std::string(option) +
                 " needs a line: stdio, mon:stdio, null, file:PATH, pty, unix:PATH or tcp:HOST:PORT"};
  if (value == "vc" || value.starts_with("vc:"))
    return Error{std::string(option) +
                 " vc needs a window, and there is no display yet; use stdio or mon:stdio"};
  static constexpr std::string_view kKinds[] = {"stdio", "mon:stdio", "null", "none", "pty"};
  static constexpr std::string_view kPrefixes[] = {"mon:", "file:", "unix:", "tcp:", "chardev:", "stdio,"};
  for (std::string_view kind : kKinds)
    if (value == kind) return {};
  for (std::string_view prefix : kPrefixes)
    if (value.starts_with(prefix)) return {};
  std::vector<std::string_view> known(std::begin(kKinds), std::end(kKinds));
  known.insert(known.end(), std::begin(kPrefixes), std::end(kPrefixes));
  return Error{std::string(option) + " '" + value + "' is not known" + suggestion(value, known) +
               " (it takes stdio, mon:stdio, null, file:PATH, pty, unix:PATH, tcp:HOST:PORT or chardev:ID)"};
}

}  // namespace

Result<void> apply_netdev(OptionParser& p, const std::string& value) {
  p.network_given = true;
  const auto parts = host::split_options(value);
  if (parts[0] == "help" || parts[0] == "?" || (parts.size() > 1 && parts[1] == "help")) {
    p.print(
        "networks (-netdev NAME,id=ID[,PROPERTY=VALUE...]):\n  user           needs no privilege; "
        "properties: " +
        std::string(kUserKeys) + "\n");
    return {};
  }
  if (auto ok = check_network_kind("-netdev", parts[0]); !ok) return ok;
  std::string id;
  for (const std::string& part : parts)
    if (part.starts_with("id=")) id = part.substr(3);
  if (id.empty()) return Error{"-netdev user needs id=ID, which a -device names as netdev=ID"};
  return add_user_network(p, parts, id);
}

Result<void> apply_nic(OptionParser& p, const std::string& value) {
  p.network_given = true;
  auto parts = host::split_options(value);
  if (parts[0] == "none") return {};
  if (parts[0] == "help" || parts[0] == "?" || (parts.size() > 1 && parts[1] == "help")) {
    p.print(
        "network cards (-nic user[,model=virtio-net-pci][,mac=ADDRESS][,PROPERTY=VALUE...]|none):\n"
        "  properties of user: " +
        std::string(kUserKeys) + "\n");
    return {};
  }
  if (auto ok = check_network_kind("-nic", parts[0]); !ok) return ok;
  DeviceOption card;
  card.row = *find_network_card("virtio");
  card.kind = DeviceKind::kNet;
  std::string id;
  std::vector<std::string> rest{parts[0]};
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part == "model=help" || part == "model=?") {
      p.print(network_card_list());
      return {};
    }
    if (part.starts_with("model=")) {
      auto row = find_network_card(part.substr(6));
      if (!row) return row.error();
      card.row = *row;
    } else if (part.starts_with("mac=")) {
      card.mac = parse_mac(part.substr(4));
      if (!card.mac)
        return Error{"-nic: '" + part +
                     "' is not possible; mac takes six bytes as 52:54:00:12:34:56, the first even"};
    } else if (part.starts_with("id=")) {
      id = part.substr(3);
    } else {
      rest.push_back(part);
    }
  }
  card.netdev = id.empty() ? "nic" + std::to_string(p.default_devices.size()) : id;
  for (const NetOption& net : p.options.nets)
    if (net.id == card.netdev)
      return Error{"two networks have the id '" + card.netdev + "'; give each its own"};
  p.default_devices.push_back(card);
  return add_user_network(p, rest, card.netdev);
}

Result<void> apply_net(OptionParser& p, const std::string& value) {
  p.network_given = true;
  const auto parts = host::split_options(value);
  if (parts[0] == "none") return {};
  if (parts[0] == "nic") {
    if (p.legacy_card) return Error{"several -net nic are not supported; use -nic for each card"};
    p.legacy_card = true;
    for (size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].starts_with("macaddr=")) {
        p.legacy_mac = parse_mac(parts[i].substr(8));
        if (!p.legacy_mac)
          return Error{"-net nic: macaddr takes six bytes as 52:54:00:12:34:56, the first even"};
      } else if (parts[i].starts_with("model=")) {
        auto row = find_network_card(parts[i].substr(6));
        if (!row) return row.error();
        p.legacy_model = *row;
      } else {
        return Error{"-net nic has no property '" + parts[i] +
                     "'; it takes macaddr= and model=, or use -nic"};
      }
    }
    return {};
  }
  if (auto ok = check_network_kind("-net", parts[0]); !ok) return ok;
  if (p.legacy_user) return Error{"several -net user are not supported; use -nic for each card"};
  p.legacy_user = true;
  const size_t comma = value.find(',');
  p.legacy_user_text = comma == std::string::npos ? std::string() : value.substr(comma + 1);
  return {};
}

Result<void> apply_chardev(OptionParser& p, const std::string& value) {
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
  auto spec = char_spec(kind, keys);
  if (!spec) return spec.error();
  option.spec = std::move(*spec);
  p.options.chars.push_back(std::move(option));
  return {};
}

Result<void> apply_serial(OptionParser& p, const std::string& value) {
  if (auto ok = check_line("-serial", value); !ok) return ok;
  if (!p.options.serials.empty() && value != "none" && value != "null")
    return Error{"the machine has one serial line; leave the second -serial out, or use -device virtconsole"};
  p.options.serials.push_back(value);
  return {};
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

Result<void> apply_display(OptionParser& p, const std::string& value) {
  if (value == "help" || value == "?") {
    p.print("displays (-display NAME):\n  none           no window\n");
    return {};
  }
  if (value != "none")
    return Error{"display '" + value +
                 "' is not known, since there is no display yet; use -display none or -nographic"};
  p.options.display_none = true;
  return {};
}

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
