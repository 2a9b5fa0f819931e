// SPDX-License-Identifier: Apache-2.0
//
// Every way out has its sentence on standard error and its exit code; the session is gone, and the terminal
// as it was, before an error is said.
#include "app/run.h"

#include <cstdio>
#include <new>

#include "app/daemon.h"
#include "app/files.h"
#include "app/options.h"
#include "app/session.h"

namespace mynah::app {
namespace {

int fail(const std::string& sentence) {
  std::fprintf(stderr, "mynah: %s\n", sentence.c_str());
  return 1;
}

int run(std::span<const std::string_view> arguments) {
  auto options = parse_options(arguments);
  if (!options) return fail(options.message());
  if (options->print) {
    std::fputs(options->print->c_str(), stdout);
    return std::fflush(stdout) == 0 ? 0 : fail("cannot write standard output");
  }
  for (const std::string& warning : options->warnings)
    std::fprintf(stderr, "mynah: warning: %s\n", warning.c_str());
  const std::string dump_to = options->dump_dtb;
  Daemon daemon;
  if (options->daemonize && dump_to.empty()) {
    const auto is_new = Daemon::start(daemon);
    if (!is_new) return fail(is_new.message());
    if (!*is_new) return daemon.exit_code();
  }
  std::string sentence;
  {
    auto session = Session::create(std::move(*options));
    if (session && dump_to.empty()) {
      daemon.ready();
      return (*session)->run();
    }
    if (session) {
      const auto written = write_file(dump_to, "device tree to", (*session)->device_tree());
      if (written) return 0;
      sentence = written.message();
    } else {
      sentence = session.message();
    }
  }
  return fail(sentence);  // with the terminal as it was
}

}  // namespace

int run_program(std::span<const std::string_view> arguments) {
  try {
    return run(arguments);
  } catch (const std::bad_alloc&) {
    return fail("the host has no memory left; use a smaller -m");
  } catch (const std::exception& e) {
    return fail("internal error: " + std::string(e.what()));
  }
}

}  // namespace mynah::app
