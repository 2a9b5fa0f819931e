// SPDX-License-Identifier: Apache-2.0
//
// A debugger's side of the remote protocol, over a unix socket that the program listens at.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "tests/app/gdb_fake_target.h"

namespace mynah::app::test {

using namespace std::chrono_literals;

class GdbClient {
 public:
  explicit GdbClient(const std::string& path) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    for (int i = 0; i < 200; ++i) {
      if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
      std::this_thread::sleep_for(20ms);
    }
    ADD_FAILURE() << "no connection";
  }
  ~GdbClient() { ::close(fd_); }
  // A program that has closed its end is for receive() to find.
  void send(const std::string& text) {
    [[maybe_unused]] ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // The body of the next packet.
  std::string receive() {
    for (;;) {
      const size_t start = text_.find('$'), end = text_.find('#');
      if (start != std::string::npos && end != std::string::npos && text_.size() >= end + 3) {
        std::string body = text_.substr(start + 1, end - start - 1);
        text_.erase(0, end + 3);
        send("+");
        return body;
      }
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 20'000) <= 0) return "(nothing)";
      char buffer[4096];
      const ssize_t n = ::read(fd_, buffer, sizeof buffer);
      if (n <= 0) return "(closed)";
      text_.append(buffer, static_cast<size_t>(n));
    }
  }
  std::string ask(const std::string& body) {
    send(frame(body));
    return receive();
  }

 private:
  int fd_ = -1;
  std::string text_;
};

inline std::string little_endian(uint64_t value) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += fmt::format("{:02x}", value >> (8 * i) & 255);
  return text;
}

}  // namespace mynah::app::test
