// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the host side share: a receiver that collects, a poll loop with a limit, a temporary
// folder.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "devices/core/char_backend.h"
#include "devices/host/fd.h"
#include "devices/host/poller.h"

namespace mynah::host::test {

inline std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Collector : dev::CharReceiver {
  size_t room = 1 << 20;
  std::string text;
  int breaks = 0;
  size_t can_receive() const override { return room; }
  void receive(std::span<const uint8_t> bytes) override {
    ASSERT_LE(bytes.size(), room);
    room -= bytes.size();
    text.append(bytes.begin(), bytes.end());
  }
  void receive_break() override {
    ++breaks;
    text += "<break>";
  }
};

struct WithPoller : ::testing::Test {
  std::unique_ptr<Poller> poller = std::move(*Poller::create());
  std::string reports, announcements;
  Report report() {
    return [this](const std::string& sentence) { reports += sentence + "\n"; };
  }
  Report announce() {
    return [this](const std::string& sentence) { announcements += sentence + "\n"; };
  }
  // Polls until `done` or for two seconds.
  bool poll_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      poller->poll(std::chrono::milliseconds(10));
    }
    return true;
  }
  void poll_a_while() {
    for (int i = 0; i < 5; ++i) poller->poll(std::chrono::milliseconds(2));
  }
};

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) std::abort();
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
};

// All that can be read from `fd` within the limits of a test.
inline std::string read_some(int fd, size_t at_least, int timeout_ms = 2000) {
  std::string text;
  char buffer[4096];
  while (text.size() < at_least) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, timeout_ms) <= 0) break;
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  return text;
}

struct TempFolder {
  std::string path;
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "mynah-test-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    path = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

inline void write_file(const std::string& path, const std::string& text) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  ASSERT_TRUE(fd);
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

inline std::string read_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? read_some(fd.get(), SIZE_MAX) : "<no file>";
}

}  // namespace mynah::host::test
