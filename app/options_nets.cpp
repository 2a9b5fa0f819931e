// SPDX-License-Identifier: Apache-2.0
//
// -netdev, -nic and -net: networks of every kind, and the cards that -nic and -net make for them.
#include <fmt/format.h>

#include <algorithm>

#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

constexpr std::string_view kUserKeys =
    "net=ADDR/BITS, host=ADDR, dns=ADDR, dhcpstart=ADDR, restrict=on|off, ipv6=on|off, hostname=NAME, "
    "domainname=NAME, dnssearch=NAME, tftp=FOLDER, bootfile=NAME, hostfwd=[tcp|udp]:[ADDR]:PORT-[ADDR]:PORT, "
    "guestfwd=tcp:ADDR:PORT-TARGET";

std::string set_fd(NetOption& to, const std::string& value) {
  const auto fd = parse_u64(value);
  if (!fd || *fd > 65535) return "the number of an open file";
  to.link.fd = static_cast<int>(*fd);
  return {};
}
template <host::SocketEnd host::LinkOptions::*end>
std::string set_end(NetOption& to, const std::string& value) {
  const auto at = host::parse_host_port(value);
  if (!at) return "HOST:PORT, or :PORT";
  (to.link.*end).at = *at;
  return {};
}
std::string set_listen(NetOption& to, const std::string& value) {
  to.link.server = true;
  return set_end<&host::LinkOptions::local>(to, value);
}
std::string set_multicast(NetOption& to, const std::string& value) {
  to.kind = host::NetKind::kMulticast;
  return set_end<&host::LinkOptions::remote>(to, value);
}
std::string set_udp(NetOption& to, const std::string& value) {
  to.kind = host::NetKind::kDatagram;
  return set_end<&host::LinkOptions::remote>(to, value);
}
// HOST:PORT with udp=, ADDR with mcast=.
std::string set_local_address(NetOption& to, const std::string& value) {
  if (const auto at = host::parse_host_port(value))
    to.link.local.at = *at;
  else
    to.link.local.at.host = value;
  return {};
}
template <host::SocketEnd host::LinkOptions::*end>
std::string set_end_type(NetOption& to, const std::string& value) {
  (to.link.*end).is_unix = value == "unix";
  return value == "unix" || value == "inet" || value == "fd" ? "" : "inet, unix or fd";
}
template <host::SocketEnd host::LinkOptions::*end>
std::string set_end_path(NetOption& to, const std::string& value) {
  (to.link.*end).path = value;
  return {};
}
template <host::SocketEnd host::LinkOptions::*end>
std::string set_end_host(NetOption& to, const std::string& value) {
  (to.link.*end).at.host = value;
  return {};
}
template <host::SocketEnd host::LinkOptions::*end>
std::string set_end_port(NetOption& to, const std::string& value) {
  (to.link.*end).at.port = value;
  return {};
}
std::string set_end_fd(NetOption& to, const std::string& value) { return set_fd(to, value); }
std::string set_server(NetOption& to, const std::string& value) {
  const auto on = host::parse_switch(value);
  to.link.server = on == true;
  return on ? "" : "on or off";
}
template <std::string host::LinkOptions::*member>
std::string set_link_text(NetOption& to, const std::string& value) {
  to.link.*member = value;
  return {};
}
template <std::string host::LinkOptions::*member>
std::string set_script(NetOption& to, const std::string& value) {
  to.link.*member = value == "no" ? "" : value;
  return {};
}
std::string set_one_queue(NetOption&, const std::string& value) {
  return value == "1" ? "" : "1: several queues are missing";
}
std::string set_no_reconnect(NetOption&, const std::string& value) {
  return value == "0" ? "" : "0 only: to connect again is missing";
}

using L = host::LinkOptions;
constexpr KeyRow<NetOption> kTapKeys[] = {
    {"ifname", "NAME", "the interface; a new one by default", set_link_text<&L::interface_name>},
    {"script", "FILE|no", "program that brings it up; none by default", set_script<&L::up_script>},
    {"downscript", "FILE|no", "program that takes it down; none by default", set_script<&L::down_script>},
    {"fd", "NUMBER", "one that is open already", set_fd},
    {"br", "NAME", "with helper=: the bridge", set_link_text<&L::bridge>},
    {"helper", "FILE", "the program that may make one on a bridge",
     [](NetOption& to, const std::string& value) -> std::string {
       to.kind = host::NetKind::kBridge;
       return set_link_text<&L::helper>(to, value);
     }},
    {"vhost", "on|off", "accepted: frames go through the emulator", set_nothing<NetOption>},
    {"vhostforce", "on|off", "the same", set_nothing<NetOption>},
    {"vnet_hdr", "on|off", "accepted: it is off", set_nothing<NetOption>},
    {"sndbuf", "BYTES", "accepted", set_nothing<NetOption>},
    {"queues", "1", "queues", set_one_queue},
};
constexpr KeyRow<NetOption> kBridgeKeys[] = {
    {"br", "NAME", "the bridge, br0 by default", set_link_text<&L::bridge>},
    {"helper", "FILE", "the program that may make an interface on it", set_link_text<&L::helper>},
};
constexpr KeyRow<NetOption> kSocketKeys[] = {
    {"listen", "[HOST]:PORT", "wait for another machine there", set_listen},
    {"connect", "HOST:PORT", "go to the machine that waits there", set_end<&L::remote>},
    {"mcast", "ADDR:PORT", "share a multicast group", set_multicast},
    {"udp", "HOST:PORT", "a frame a datagram to there", set_udp},
    {"localaddr", "ADDR[:PORT]", "own address of mcast=, own address and port of udp=", set_local_address},
    {"fd", "NUMBER", "a socket that is open already", set_fd},
};
constexpr KeyRow<NetOption> kStreamKeys[] = {
    {"server", "on|off", "wait for the other machine", set_server},
    {"addr.type", "inet|unix|fd", "the kind of address", set_end_type<&L::remote>},
    {"addr.host", "NAME", "inet: address", set_end_host<&L::remote>},
    {"addr.port", "NUMBER", "inet: port", set_end_port<&L::remote>},
    {"addr.path", "FILE", "unix: path", set_end_path<&L::remote>},
    {"addr.str", "NUMBER", "fd: a socket that is open already", set_end_fd},
    {"addr.ipv4", "on|off", "accepted", set_nothing<NetOption>},
    {"addr.ipv6", "on|off", "accepted", set_nothing<NetOption>},
    {"reconnect", "0", "connect again", set_no_reconnect},
    {"reconnect-ms", "0", "connect again", set_no_reconnect},
};
constexpr KeyRow<NetOption> kDgramKeys[] = {
    {"remote.type", "inet|unix", "the other's kind of address", set_end_type<&L::remote>},
    {"remote.host", "NAME", "inet: address, perhaps of a multicast group", set_end_host<&L::remote>},
    {"remote.port", "NUMBER", "inet: port", set_end_port<&L::remote>},
    {"remote.path", "FILE", "unix: path", set_end_path<&L::remote>},
    {"local.type", "inet|unix|fd", "the own kind of address", set_end_type<&L::local>},
    {"local.host", "NAME", "inet: address", set_end_host<&L::local>},
    {"local.port", "NUMBER", "inet: port", set_end_port<&L::local>},
    {"local.path", "FILE", "unix: path", set_end_path<&L::local>},
    {"local.str", "NUMBER", "fd: a socket that is open already", set_end_fd},
};

struct NetRow {
  std::string_view name;
  host::NetKind kind;
  std::span<const KeyRow<NetOption>> keys;  // empty: libslirp's
  std::string_view help;
};
constexpr NetRow kNets[] = {
    {"user", host::NetKind::kUser, {}, "needs no privilege"},
    {"tap", host::NetKind::kTap, kTapKeys, "an interface of the host"},
    {"bridge", host::NetKind::kBridge, kBridgeKeys, "an interface on a bridge of the host"},
    {"socket", host::NetKind::kStream, kSocketKeys, "another machine, by TCP, UDP or multicast"},
    {"stream", host::NetKind::kStream, kStreamKeys, "another machine, by TCP or a unix socket"},
    {"dgram", host::NetKind::kDatagram, kDgramKeys, "another machine, by UDP, multicast or unix datagrams"},
};

const NetRow* find_net(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kNets), std::end(kNets), [&](const NetRow& r) { return r.name == name; });
  return found == std::end(kNets) ? nullptr : found;
}

std::string net_help() {
  std::string text;
  for (const NetRow& row : kNets) {
    text += fmt::format("  {:<8} {}", row.name, row.help);
    if (row.keys.empty()) {
      text += fmt::format("; properties: {}\n", kUserKeys);
      continue;
    }
    text += '\n';
    for (const auto& key : row.keys)
      text += fmt::format("    {:<28} {}\n", fmt::format("{}={}", key.name, key.form), key.help);
  }
  return text;
}

Result<const NetRow*> network_kind(std::string_view option, const std::string& kind) {
  if (const NetRow* row = find_net(kind)) return row;
  static constexpr std::string_view kMissing[] = {"vde",        "passt",        "l2tpv3",        "netmap",
                                                  "hubport",    "vmnet",        "vhost-user",    "vmnet-host",
                                                  "vhost-vdpa", "vmnet-shared", "vmnet-bridged", "af-xdp"};
  if (std::find(std::begin(kMissing), std::end(kMissing), kind) != std::end(kMissing))
    return error("{} {} is missing here; use user, which needs no privilege (ports come in by hostfwd=)",
                 option, kind);
  std::vector<std::string_view> known;
  for (const NetRow& row : kNets) known.push_back(row.name);
  if (option != "-netdev") known.push_back("none");
  if (option == "-net") known.push_back("nic");
  return error("network '{}' is not known{} ({} takes {})", kind, suggestion(kind, known), option,
               joined(known));
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

Result<void> read_user(const std::vector<std::string>& parts, NetOption& net) {
  std::string text = "user";
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string key = parts[i].substr(0, parts[i].find('='));
    if (key == "smb") return Error{"shared folders (smb=) are missing here; use a disk image or the network"};
    if (std::ranges::find(host::kSlirpKeys, key) == std::end(host::kSlirpKeys))
      return Error{"user networking has no property '" + key + "'" + suggestion(key, host::kSlirpKeys) +
                   " (-netdev help lists them)"};
    text += "," + escaped(parts[i]);
  }
  auto user = host::parse_slirp_options(text);
  if (!user) return user.error();
  net.user = std::move(*user);
  net.ipv6_given = has_key(parts, "ipv6");
  return {};
}

// What a kind of socket must have been given.
Result<void> check_link(NetOption& net, std::string_view name) {
  host::LinkOptions& link = net.link;
  if (net.kind == host::NetKind::kTap || net.kind == host::NetKind::kBridge || link.fd) return {};
  if (name == "stream" && link.server) std::swap(link.local, link.remote);
  const bool stream = net.kind == host::NetKind::kStream;
  if (stream && !(link.server ? link.local : link.remote).given())
    return name == "socket"
               ? error("a network 'socket' needs listen=, connect=, mcast= or udp=")
               : error(
                     "a network 'stream' needs addr.type=inet with addr.host= and addr.port=, or "
                     "addr.type=unix with addr.path=");
  if (stream && name == "socket" && link.server && link.remote.given())
    return Error{"a network 'socket' either listens or connects; leave one of listen= and connect= out"};
  if (stream) return {};
  if (!link.remote.given())
    return Error{
        "a network 'dgram' needs remote.type=inet with remote.host= and remote.port=, or unix with path="};
  if (link.remote.is_unix != link.local.is_unix && (link.local.given() || link.remote.is_unix))
    return Error{
        "both ends of a network 'dgram' must be of one kind; a unix socket needs local.path= as well"};
  // A multicast group is known by its address.
  const std::string& host = link.remote.at.host;
  const auto first = parse_u64(host.substr(0, host.find('.')));
  if (name == "dgram" && !link.remote.is_unix && first && *first >= 224 && *first <= 239)
    net.kind = host::NetKind::kMulticast;
  if (name == "socket" && net.kind == host::NetKind::kDatagram && link.local.at.port.empty())
    return Error{"a network 'socket' with udp= needs localaddr=HOST:PORT, where it is reached"};
  return {};
}

// parts[0] is the kind; the rest are properties of the network.
Result<void> add_network(OptionParser& p, std::string_view option, const std::vector<std::string>& parts,
                         std::string id) {
  const auto row = network_kind(option, parts[0]);
  if (!row) return row.error();
  NetOption net;
  net.id = std::move(id);
  net.kind = (*row)->kind;
  if ((*row)->keys.empty()) {
    if (auto ok = read_user(parts, net); !ok) return ok;
  } else {
    std::string text;
    for (size_t i = 1; i < parts.size(); ++i)
      if (!parts[i].starts_with("id=")) text += (text.empty() ? "" : ",") + escaped(parts[i]);
    const std::string what = fmt::format("{} {}", option, parts[0]);
    if (!text.empty())
      if (const auto list =
              apply_key_list(text, {what, ""}, key_names((*row)->keys),
                             [&](size_t key, const std::string& v) { return (*row)->keys[key].set(net, v); });
          !list)
        return list.error();
    if (auto ok = check_link(net, (*row)->name); !ok) return ok;
  }
  p.options.nets.push_back(std::move(net));
  return {};
}

bool wants_help(const std::vector<std::string>& parts) {
  return parts[0] == "help" || parts[0] == "?" || (parts.size() > 1 && parts[1] == "help");
}

}  // namespace

Result<void> apply_netdev(OptionParser& p, const std::string& value) {
  if (is_json(value)) {
    const auto list = json_as_list("-netdev", value, "type");
    return list ? apply_netdev(p, *list) : Result<void>(list.error());
  }
  p.network_given = true;
  auto parts = host::split_options(value);
  if (parts[0].starts_with("type=")) parts[0].erase(0, 5);
  if (wants_help(parts)) {
    p.print("networks (-netdev NAME,id=ID[,PROPERTY=VALUE...]):\n" + net_help());
    return {};
  }
  if (const auto row = network_kind("-netdev", parts[0]); !row) return row.error();
  std::string id;
  for (const std::string& part : parts)
    if (part.starts_with("id=")) id = part.substr(3);
  if (id.empty()) return Error{"-netdev " + parts[0] + " needs id=ID, which a -device names as netdev=ID"};
  return add_network(p, "-netdev", parts, id);
}

Result<void> apply_nic(OptionParser& p, const std::string& value) {
  p.network_given = true;
  auto parts = host::split_options(value);
  if (parts[0] == "none") return {};
  if (wants_help(parts)) {
    p.print("network cards (-nic KIND[,model=CARD][,mac=ADDRESS][,PROPERTY=VALUE...]|none):\n" + net_help());
    return {};
  }
  DeviceOption card;
  card.kind = DeviceKind::kNet;
  std::string id;
  std::vector<std::string> rest{parts[0]};
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part == "model=help" || part == "model=?") {
      p.print(network_card_list());
      return {};
    }
    if (part.starts_with("model=")) {
      auto row = find_network_card(part.substr(6));
      if (!row) return row.error();
      card.row = *row;
      if (i == 0) rest[0] = "user";
    } else if (part.starts_with("mac=")) {
      card.mac = parse_mac(part.substr(4));
      if (!card.mac)
        return Error{"-nic: '" + part +
                     "' is not possible; mac takes six bytes as 52:54:00:12:34:56, the first even"};
      if (i == 0) rest[0] = "user";
    } else if (part.starts_with("id=")) {
      id = part.substr(3);
    } else if (i > 0) {
      rest.push_back(part);
    }
  }
  card.netdev = id.empty() ? "nic" + std::to_string(p.default_devices.size()) : id;
  for (const NetOption& net : p.options.nets)
    if (net.id == card.netdev)
      return Error{"two networks have the id '" + card.netdev + "'; give each its own"};
  if (auto ok = add_network(p, "-nic", rest, card.netdev); !ok) return ok;
  p.default_devices.push_back(card);
  return {};
}

Result<void> apply_net(OptionParser& p, const std::string& value) {
  p.network_given = true;
  auto parts = host::split_options(value);
  if (parts[0] == "none") return {};
  if (wants_help(parts)) {
    p.print(
        "networks (-net nic[,model=virtio][,macaddr=ADDRESS][,netdev=ID], and -net "
        "KIND[,PROPERTY=VALUE...]):\n" +
        net_help());
    return {};
  }
  OldNet old;
  if (parts[0] == "nic") {
    old.card.kind = DeviceKind::kNet;
    for (size_t i = 1; i < parts.size(); ++i) {
      const host::KeyValue key = host::split_key_value(parts[i]);
      const std::string to = key.value.value_or("");
      if (key.key == "macaddr") {
        old.card.mac = parse_mac(to);
        if (!old.card.mac)
          return Error{"-net nic: macaddr takes six bytes as 52:54:00:12:34:56, the first even"};
      } else if (key.key == "model") {
        auto row = find_network_card(to);
        if (!row) return row.error();
        old.card.row = *row;
      } else if (key.key == "netdev") {
        old.card.netdev = to;
      } else if (key.key == "vlan") {
        old.vlan = to;
      } else if (key.key != "name" && key.key != "id" && key.key != "vectors" && !parts[i].empty()) {
        return Error{"-net nic has no property '" + parts[i] +
                     "'; it takes macaddr=, model= and netdev=, or use -nic"};
      }
    }
    p.old_cards.push_back(std::move(old));
    return {};
  }
  if (const auto row = network_kind("-net", parts[0]); !row) return row.error();
  old.parts.push_back(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].starts_with("vlan="))
      old.vlan = parts[i].substr(5);
    else if (!parts[i].starts_with("name=") && !parts[i].starts_with("id="))
      old.parts.push_back(parts[i]);
  }
  p.old_networks.push_back(std::move(old));
  return {};
}

// Cards and networks of -net belong together in their order, within each vlan=.
Result<void> OptionParser::join_old_networks() {
  for (OldNet& card : old_cards) {
    if (card.card.netdev.empty()) {
      const auto network = std::find_if(old_networks.begin(), old_networks.end(), [&](const OldNet& n) {
        return n.vlan == card.vlan && n.card.netdev.empty();
      });
      if (network == old_networks.end()) {
        if (old_networks.empty()) {
          old_networks.push_back({.vlan = card.vlan, .parts = {"user"}});
          continue_card(card, old_networks.back());
          if (auto ok = add_network(*this, "-net", {"user"}, card.card.netdev); !ok) return ok;
          continue;
        }
        return Error{
            "there are more -net nic than networks for them, and a hub that joins them is missing here; add "
            "a "
            "network, or use -nic for each card"};
      }
      continue_card(card, *network);
      if (auto ok = add_network(*this, "-net", network->parts, card.card.netdev); !ok) return ok;
      continue;
    }
    NetOption* net = nullptr;
    for (NetOption& n : options.nets)
      if (n.id == card.card.netdev) net = &n;
    if (!net)
      return Error{"there is no -netdev with id=" + card.card.netdev + ", which -net nic names; add one"};
    default_devices.push_back(card.card);
  }
  for (const OldNet& network : old_networks)
    if (network.card.netdev.empty())
      options.warnings.push_back("the guest does not see the network of -net " + network.parts[0] +
                                 ", which has no card; add -net nic");
  return {};
}

void OptionParser::continue_card(OldNet& card, OldNet& network) {
  card.card.netdev = network.card.netdev = "net" + std::to_string(default_devices.size());
  default_devices.push_back(card.card);
}

}  // namespace mynah::app
