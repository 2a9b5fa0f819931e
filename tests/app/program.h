// SPDX-License-Identifier: Apache-2.0
//
// Runs the built program with pipes for its input and output, and files that it can start from.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace mynah::app::test {

using Args = std::vector<std::string>;
using namespace std::chrono_literals;

class Program {
 public:
  explicit Program(Args args) {
    int in[2], out[2], err[2];
    if (::pipe2(in, O_CLOEXEC) || ::pipe2(out, O_CLOEXEC) || ::pipe2(err, O_CLOEXEC)) std::abort();
    args.insert(args.begin(), MYNAH_PROGRAM);
    std::vector<char*> argv;
    for (std::string& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    in_ = in[1];
    fds_[0] = out[0];
    fds_[1] = err[0];
  }
  ~Program() {
    if (pid_ > 0 && !waited_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    for (int fd : {in_, fds_[0], fds_[1]})
      if (fd >= 0) ::close(fd);
  }
  Program(const Program&) = delete;

  void type(const std::string& text) { [[maybe_unused]] ssize_t n = ::write(in_, text.data(), text.size()); }
  void signal(int number) { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }
  // Of the host's, so far.
  double processor_seconds() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string field;
    uint64_t user = 0, system = 0;
    for (unsigned i = 0; i < 11; ++i) fields >> field;
    fields >> user >> system;
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

  // Reads until standard output holds `text`.
  bool wait_for(const std::string& text, std::chrono::milliseconds limit = 20s) {
    return pump([&] { return output.find(text) != std::string::npos; }, limit);
  }
  bool wait_for_error(const std::string& text, std::chrono::milliseconds limit = 20s) {
    return pump([&] { return errors.find(text) != std::string::npos; }, limit);
  }
  // Reads to the end; the exit code, 128 + n after signal n, or -1 when it does not end in time (it is killed
  // then).
  int finish(std::chrono::milliseconds limit = 30s) {
    const bool ended = pump([] { return false; }, limit) || closed();
    if (!ended) ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    waited_ = true;
    if (!ended) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string output, errors;

 private:
  bool closed() const { return fds_[0] < 0 && fds_[1] < 0; }
  template <typename Done>
  bool pump(Done done, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= 0ms || closed()) return false;
      pollfd polled[2] = {{fds_[0], POLLIN, 0}, {fds_[1], POLLIN, 0}};
      ::poll(polled, 2, static_cast<int>(left.count()));
      for (int i = 0; i < 2; ++i) {
        if (fds_[i] < 0 || !polled[i].revents) continue;
        char buffer[4096];
        const ssize_t n = ::read(fds_[i], buffer, sizeof buffer);
        if (n > 0) {
          (i ? errors : output).append(buffer, static_cast<size_t>(n));
        } else {
          ::close(fds_[i]);
          fds_[i] = -1;
        }
      }
    }
    return true;
  }
  pid_t pid_ = -1;
  int in_ = -1;
  int fds_[2] = {-1, -1};
  bool waited_ = false;
};

// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/mynah-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
    return path_ + "/" + name;
  }
  std::string write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    return write(name, std::string(bytes.begin(), bytes.end()));
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

}  // namespace mynah::app::test
