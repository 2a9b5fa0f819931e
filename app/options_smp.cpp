// SPDX-License-Identifier: Apache-2.0
//
// -smp: how many processors, in which sockets, clusters, cores and threads. What is left out follows from
// what is said, cores before sockets, as in QEMU since 6.2.
#include <fmt/core.h>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

template <unsigned ProcessorTopology::*member>
std::string set_count(Options& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number == 0 || *number > 65535) return "a number from 1";
  to.topology.*member = static_cast<unsigned>(*number);
  return {};
}
std::string set_dies(Options&, const std::string& value) {
  return parse_u64(value) == 1 ? "" : "1: this machine's sockets have one die each";
}

using T = ProcessorTopology;
constexpr KeyRow<Options> kSmpKeys[] = {
    {"cpus", "N", "processors", set_count<&T::cpus>},
    {"maxcpus", "N", "as many as there could be; their product must be that", set_count<&T::max>},
    {"sockets", "N", "sockets", set_count<&T::sockets>},
    {"dies", "1", "dies of a socket", set_dies},
    {"clusters", "N", "clusters of a socket", set_count<&T::clusters>},
    {"cores", "N", "cores of a cluster", set_count<&T::cores>},
    {"threads", "N", "threads of a core", set_count<&T::threads>},
};

}  // namespace

Result<void> apply_smp(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-smp", "cpus"}, kSmpKeys, p.options);
}

Result<void> OptionParser::choose_processors() {
  T t = options.topology;
  const unsigned wanted = t.max ? t.max : t.cpus;
  if (wanted == 0) {
    t.sockets = std::max(t.sockets, 1u);
    t.clusters = std::max(t.clusters, 1u);
    t.cores = std::max(t.cores, 1u);
    t.threads = std::max(t.threads, 1u);
  } else {
    t.clusters = std::max(t.clusters, 1u);
    if (t.cores == 0) {
      t.sockets = std::max(t.sockets, 1u);
      t.threads = std::max(t.threads, 1u);
      t.cores = wanted / (t.sockets * t.clusters * t.threads);
    } else if (t.sockets == 0) {
      t.threads = std::max(t.threads, 1u);
      t.sockets = wanted / (t.clusters * t.cores * t.threads);
    } else if (t.threads == 0) {
      t.threads = wanted / (t.sockets * t.clusters * t.cores);
    }
  }
  const uint64_t product = uint64_t{t.sockets} * t.clusters * t.cores * t.threads;
  const uint64_t max = wanted ? wanted : product, now = t.cpus ? t.cpus : max;
  if (product != max)
    return error(
        "-smp: {} sockets of {} clusters of {} cores of {} threads are {} processors and not {}; leave one "
        "of them "
        "out",
        t.sockets, t.clusters, t.cores, t.threads, product, max);
  if (now > max)
    return error("-smp: cpus={} is more than maxcpus={}; use a larger maxcpus, or leave it out", now, max);
  const unsigned most = options.board->most_processors(options.board_choice);
  if (max > most)
    return error("-smp: this machine takes at most {} processors{}", most,
                 options.board->more_processors(options.board_choice));
  options.processors = {
      static_cast<unsigned>(now), static_cast<unsigned>(max), t.sockets, t.clusters, t.cores, t.threads};
  return {};
}

}  // namespace mynah::app
