// SPDX-License-Identifier: Apache-2.0
//
// The settings of user networking and their spelling:
//   [user,]net=ADDR[/MASK],host=ADDR,dns=ADDR,dhcpstart=ADDR,restrict=on|off,ipv6=on|off,hostname=NAME,
//   domainname=NAME,dnssearch=NAME,tftp=FOLDER,bootfile=NAME,hostfwd=[tcp|udp]:[ADDR]:PORT-[GUEST]:PORT,
//   guestfwd=[tcp]:ADDR:PORT-TARGET
// dnssearch, hostfwd and guestfwd may be repeated; id= is skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah::host {

// IPv4 addresses are numbers in host byte order: 10.0.2.15 is 0x0a00020f.
struct HostForward {
  bool udp = false;
  uint32_t host_address = 0;   // 0: every address of the host
  uint16_t host_port = 0;      // 0: the host chooses
  uint32_t guest_address = 0;  // 0: the first that DHCP gives out
  uint16_t guest_port = 0;
  std::string text;  // as it was written
};

// guestfwd=tcp:ADDR:PORT-TARGET: what the guest sends there goes to a character line ("tcp:HOST:PORT", ...)
// or to a command ("cmd:PROGRAM").
struct GuestForward {
  uint32_t address = 0;
  uint16_t port = 0;
  std::string target;
  std::string text;
};

struct SlirpOptions {
  uint32_t network = 0x0a000200;  // 10.0.2.0
  uint32_t mask = 0xffffff00;
  uint32_t host = 0x0a000202;  // the gateway, and the host itself
  uint32_t dns = 0x0a000203;
  uint32_t dhcp_start = 0x0a00020f;  // 10.0.2.15
  // The guest reaches nothing outside. Forwarded TCP ports still work; libslirp drops the guest's answers on
  // UDP.
  bool restricted = false;
  bool ipv6 = true;      // fec0::/64, router fec0::2, dns fec0::3
  std::string hostname;  // the guest's, told by DHCP
  std::string domainname;
  std::string tftp;
  std::string bootfile;
  std::vector<std::string> dnssearch;
  std::vector<HostForward> forwards;
  std::vector<GuestForward> guest_forwards;
};

inline constexpr std::string_view kSlirpKeys[] = {
    "id",         "net",       "host", "dns",      "dhcpstart", "restrict", "ipv6", "hostname",
    "domainname", "dnssearch", "tftp", "bootfile", "hostfwd",   "guestfwd", "ipv4"};
Result<SlirpOptions> parse_slirp_options(std::string_view text);
Result<HostForward> parse_host_forward(const std::string& text);
Result<GuestForward> parse_guest_forward(const std::string& text);
// Why a port of the host cannot be forwarded, after an errno.
std::string forward_error(const HostForward& forward, int error);
std::string address_text(uint32_t address);

}  // namespace mynah::host
