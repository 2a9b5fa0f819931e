// SPDX-License-Identifier: Apache-2.0
//
// What stands behind a machine's devices, made from options: character lines (shared ones included) and
// disks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/monitor.h"
#include "app/options.h"
#include "devices/core/char_backend.h"
#include "devices/core/host_backends.h"
#include "devices/host/char_mux.h"
#include "devices/host/char_stdio.h"
#include "devices/host/char_testdev.h"
#include "devices/host/poller.h"
#include "devices/host/worker_pool.h"
#include "ir/result.h"

namespace mynah::app {

// Every character device of a run. A line that is shared ("mon:", mux=on) has a port for each user, and a
// person moves between them with the escape key.
class CharLines {
 public:
  struct Env {
    host::Poller* poller = nullptr;
    host::Report announce = nullptr;  // where a pseudo terminal or socket can be reached
    // Failures at run time; `loss`: of output that was to be kept, in a file or by whoever reads standard
    // output.
    std::function<void(const std::string& sentence, bool loss)> report = nullptr;
    std::function<void()> quit = nullptr;
    host::TestdevChar::Quit exit = nullptr;  // of a line that ends the run
    Monitor::Execute execute = nullptr;      // a monitor's commands
    uint8_t escape_key = 1;
  };
  explicit CharLines(Env env) : env_(std::move(env)) {}
  CharLines(const CharLines&) = delete;

  Result<void> add(const CharOption& option);  // -chardev
  // A device's line: a spec as host::make_char takes it, or "chardev:ID".
  Result<dev::CharBackend*> take(const std::string& spec, const std::string& user);
  Result<void> add_monitor(const std::string& spec);
  void add_monitor(dev::CharBackend& line);  // on a line that has nothing else
  // What is written to the terminal by others than the lines comes on a line of its own.
  void start_line() {
    if (stdio_) stdio_->start_line();
  }
  bool stdio_taken() const { return !stdio_user_.empty(); }

 private:
  struct Line {
    std::string id;
    std::unique_ptr<dev::CharBackend> backend;
    host::MuxChar* mux = nullptr;                       // backend, when it is one
    size_t users = 0;                                   // ports of the mux that are taken
    std::string user;                                   // the first
    std::vector<std::pair<size_t, Monitor*>> monitors;  // by port
  };
  Result<Line*> open(const CharOption& option);
  Result<dev::CharBackend*> port(Line& line, const std::string& user);
  void attach_monitor(Line& line, dev::CharBackend& backend);

  Env env_;
  std::string stdio_user_;
  host::StdioChar* stdio_ = nullptr;
  std::vector<std::unique_ptr<Line>> lines_;
  std::vector<std::unique_ptr<Monitor>> monitors_;  // after the lines: they let go of them
};

// The disk of a -drive, with its overlay and caching. `snapshot` is what -snapshot says. Without a pool its
// requests are done while the guest waits. `report` may be called on the pool's threads.
Result<std::unique_ptr<dev::BlockBackend>> open_drive(const DriveOption& drive, bool snapshot,
                                                      host::WorkerPool* pool, host::Report report);

}  // namespace mynah::app
