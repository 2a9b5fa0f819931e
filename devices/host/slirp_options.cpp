// SPDX-License-Identifier: Apache-2.0
//
// Addresses are checked against each other, too: those of the network's own hosts lie inside of it and
// differ.
#include "devices/host/slirp_options.h"

#include <arpa/inet.h>

#include <bit>
#include <cerrno>
#include <optional>

#include "devices/host/fd.h"
#include "devices/host/option_text.h"

namespace mynah::host {
namespace {

std::optional<uint32_t> parse_address(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// What the first bits of an address meant before masks were written: other emulators assume it too.
uint32_t class_mask(uint32_t network) {
  if (!(network & 0x80000000)) return 0xff000000;
  if ((network & 0xfff00000) == 0xac100000) return 0xfff00000;  // 172.16.0.0/12
  if (!(network & 0x40000000)) return 0xffff0000;
  return 0xffffff00;
}

bool parse_network(const std::string& text, SlirpOptions& options) {
  const size_t slash = text.find('/');
  const auto network = parse_address(text.substr(0, slash));
  if (!network) return false;
  uint32_t mask = class_mask(*network);
  if (slash != std::string::npos) {
    const std::string after = text.substr(slash + 1);
    if (const auto length = parse_number(after, 32)) {
      mask = *length ? ~uint32_t{0} << (32 - *length) : 0;
    } else if (const auto dotted = parse_address(after)) {
      mask = *dotted;
    } else {
      return false;
    }
  }
  if (mask == 0 || std::popcount(mask) != std::countl_one(mask)) return false;
  options.network = *network & mask;
  options.mask = mask;
  options.host = options.network | (0x0202 & ~mask);
  options.dns = options.network | (0x0203 & ~mask);
  options.dhcp_start = options.network | (0x020f & ~mask);
  return true;
}

}  // namespace

std::string address_text(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string(address >> shift & 255) + (shift ? "." : "");
  return text;
}

Result<HostForward> parse_host_forward(const std::string& text) {
  const Error bad{
      "hostfwd '" + text +
      "' is not understood; write [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT, for example "
      "tcp::2222-:22"};
  HostForward forward;
  forward.text = text;
  const size_t first = text.find(':');
  const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  const size_t dash = second == std::string::npos ? second : text.find('-', second + 1);
  const size_t last = dash == std::string::npos ? dash : text.find(':', dash + 1);
  if (last == std::string::npos) return bad;
  const std::string protocol = text.substr(0, first);
  const std::string host = text.substr(first + 1, second - first - 1);
  const std::string guest = text.substr(dash + 1, last - dash - 1);
  if (protocol == "udp")
    forward.udp = true;
  else if (protocol != "tcp" && !protocol.empty())
    return bad;
  const auto host_address = host.empty() ? uint32_t{0} : parse_address(host);
  const auto guest_address = guest.empty() ? uint32_t{0} : parse_address(guest);
  const std::string ports[] = {text.substr(second + 1, dash - second - 1), text.substr(last + 1)};
  for (const std::string& port : ports)
    if (!port.empty() && port.find_first_not_of("0123456789") == std::string::npos &&
        !parse_number(port, 65535))
      return Error{"hostfwd '" + text + "': there is no port " + port + "; the largest is 65535"};
  const auto host_port = parse_number(ports[0], 65535);
  const auto guest_port = parse_number(ports[1], 65535);
  if (!host_address || !guest_address || !host_port || !guest_port || *guest_port == 0) return bad;
  forward.host_address = *host_address;
  forward.guest_address = *guest_address;
  forward.host_port = static_cast<uint16_t>(*host_port);
  forward.guest_port = static_cast<uint16_t>(*guest_port);
  return forward;
}

Result<GuestForward> parse_guest_forward(const std::string& text) {
  const Error bad{"guestfwd '" + text +
                  "' is not understood; write guestfwd=tcp:ADDR:PORT-TARGET, where the target "
                  "is a line such as tcp:HOST:PORT, or cmd:PROGRAM"};
  GuestForward forward;
  forward.text = text;
  const size_t first = text.find(':');
  const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  const size_t dash = second == std::string::npos ? second : text.find('-', second);
  if (dash == std::string::npos || dash + 1 == text.size()) return bad;
  const std::string protocol = text.substr(0, first);
  const auto address = parse_address(text.substr(first + 1, second - first - 1));
  const auto port = parse_number(std::string_view(text).substr(second + 1, dash - second - 1), 65535);
  if ((!protocol.empty() && protocol != "tcp") || !address || !port || *port == 0) return bad;
  forward.address = *address;
  forward.port = static_cast<uint16_t>(*port);
  forward.target = text.substr(dash + 1);
  return forward;
}

std::string forward_error(const HostForward& forward, int error) {
  const std::string port = std::to_string(forward.host_port);
  const std::string cannot =
      "cannot forward " + std::string(forward.udp ? "UDP" : "TCP") + " port " + port + " of the host" +
      (forward.host_address ? " (" + address_text(forward.host_address) + ")" : "") + " to the guest: ";
  const std::string in = " in hostfwd=" + forward.text;
  switch (error) {
    case EADDRNOTAVAIL:
      return cannot + "the host has no address " + address_text(forward.host_address) +
             "; give one of its own, or none to listen on all," + in;
    case EACCES:
    case EPERM:
      if (forward.host_port >= 1024) break;
      return cannot + "ports below 1024 are for privileged programs; choose one from 1024 on, such as " +
             std::to_string(forward.host_port + 8000) + "," + in;
    case EADDRINUSE:
      return cannot + "another program uses it; stop that, or choose another port" + in;
    default:
      break;
  }
  return cannot + (error ? errno_text(error) : std::string("it could not be bound")) +
         "; choose another port" + in;
}

Result<SlirpOptions> parse_slirp_options(std::string_view text) {
  SlirpOptions options;
  std::optional<uint32_t> host, dns, dhcp_start;
  if (text.empty()) return options;
  const auto parts = split_options(text);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i == 0 && parts[i] == "user") continue;
    const KeyValue option = split_key_value(parts[i]);
    const std::string value = option.value.value_or("");
    const auto address = parse_address(value);
    const auto on = parse_switch(option.value);
    bool good = true;
    if (option.key == "id") {
    } else if (option.key == "net") {
      good = parse_network(value, options);
    } else if (option.key == "host" && address) {
      host = address;
    } else if (option.key == "dns" && address) {
      dns = address;
    } else if (option.key == "dhcpstart" && address) {
      dhcp_start = address;
    } else if (option.key == "restrict" && on) {
      options.restricted = *on;
    } else if (option.key == "ipv6" && on) {
      options.ipv6 = *on;
    } else if (option.key == "hostname" && option.value) {
      options.hostname = value;
    } else if (option.key == "domainname" && option.value) {
      options.domainname = value;
    } else if (option.key == "dnssearch" && option.value) {
      options.dnssearch.push_back(value);
    } else if (option.key == "tftp" && option.value) {
      options.tftp = value;
    } else if (option.key == "bootfile" && option.value) {
      options.bootfile = value;
    } else if (option.key == "ipv4" && on == true) {
    } else if (option.key == "guestfwd") {
      auto forward = parse_guest_forward(value);
      if (!forward) return forward.error();
      options.guest_forwards.push_back(std::move(*forward));
    } else if (option.key == "hostfwd") {
      auto forward = parse_host_forward(value);
      if (!forward) return forward.error();
      options.forwards.push_back(std::move(*forward));
    } else {
      good = false;
    }
    if (!good)
      return Error{
          "user networking: '" + parts[i] +
          "' is not understood; known are net=ADDR/BITS, host=, dns=, dhcpstart=ADDR, restrict=, "
          "ipv6=on|off, hostname=, domainname=, dnssearch=, tftp=, bootfile=, hostfwd= and guestfwd="};
  }
  // Last, since net= fixes the defaults wherever it stands.
  options.host = host.value_or(options.host);
  options.dns = dns.value_or(options.dns);
  options.dhcp_start = dhcp_start.value_or(options.dhcp_start);
  const auto inside = [&](uint32_t address) {
    return (address & options.mask) == options.network && (address & ~options.mask) != 0 &&
           (address | options.mask) != 0xffffffff;
  };
  const std::string where = " of user networking must be an address in " + address_text(options.network) +
                            "/" + std::to_string(std::popcount(options.mask));
  if (!inside(options.host)) return Error{"host=" + address_text(options.host) + where};
  if (!inside(options.dns)) return Error{"dns=" + address_text(options.dns) + where};
  if (!inside(options.dhcp_start)) return Error{"dhcpstart=" + address_text(options.dhcp_start) + where};
  if (options.host == options.dns || options.host == options.dhcp_start || options.dns == options.dhcp_start)
    return Error{"host=, dns= and dhcpstart= of user networking must be three different addresses"};
  return options;
}

}  // namespace mynah::host
