// SPDX-License-Identifier: Apache-2.0
//
// Commands: RFC 854; binary transmission: RFC 856; echo: RFC 857; suppress go ahead: RFC 858.
#include "devices/host/telnet.h"

namespace mynah::host {
namespace {

enum Byte : uint8_t { kSe = 240, kBreak = 243, kSb = 250, kWill = 251, kDont = 254, kDo = 253, kIac = 255 };
enum Option : uint8_t { kBinary = 0, kEcho = 1, kSuppressGoAhead = 3 };

}  // namespace

std::span<const uint8_t> Telnet::greeting() {
  static constexpr uint8_t kGreeting[] = {kIac, kWill, kEcho,   kIac, kWill, kSuppressGoAhead,
                                          kIac, kWill, kBinary, kIac, kDo,   kBinary};
  return kGreeting;
}

std::vector<uint8_t> Telnet::escaped(std::span<const uint8_t> output) {
  std::vector<uint8_t> bytes;
  bytes.reserve(output.size());
  for (uint8_t b : output) bytes.insert(bytes.end(), b == kIac ? 2 : 1, b);
  return bytes;
}

void Telnet::receive(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> data;
  const auto hand_over = [&] {
    if (receiver_ && !data.empty()) receiver_->receive(data);
    data.clear();
  };
  for (const uint8_t b : bytes) {
    switch (state_) {
      case State::kAfterReturn:
        state_ = State::kData;
        if (b == 0) break;  // "CR NUL" is a return
        [[fallthrough]];
      case State::kData:
        if (b == kIac) {
          state_ = State::kCommand;
          break;
        }
        data.push_back(b);
        if (b == '\r') state_ = State::kAfterReturn;
        break;
      case State::kCommand:
        state_ = State::kData;
        if (b == kIac) {
          data.push_back(b);
        } else if (b == kBreak) {
          hand_over();
          if (receiver_) receiver_->receive_break();
        } else if (b == kSb) {
          state_ = State::kSubnegotiation;
        } else if (b >= kWill && b <= kDont) {
          state_ = State::kOption;
        }
        break;
      case State::kOption:
        state_ = State::kData;
        break;
      case State::kSubnegotiation:
        if (b == kIac) state_ = State::kSubnegotiationCommand;
        break;
      case State::kSubnegotiationCommand:
        state_ = b == kSe ? State::kData : State::kSubnegotiation;
        break;
    }
  }
  hand_over();
}

}  // namespace mynah::host
