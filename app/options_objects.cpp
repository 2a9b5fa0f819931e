// SPDX-License-Identifier: Apache-2.0
//
// -object: what stands behind devices and networks, or would on another emulator. Guest memory is one piece
// of the host's whatever a memory backend says; its size has to agree.
#include <fmt/format.h>

#include <algorithm>

#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

using O = ObjectOption;

std::string set_size(O& to, const std::string& value) {
  const auto size = parse_size(value, 1);
  if (!size || *size == 0) return "a size such as 512M";
  to.size = *size;
  return {};
}
std::string set_longest(O& to, const std::string& value) {
  const auto n = parse_u64(value);
  if (!n || *n == 0 || *n > 0x7fffffff) return "bytes from 1";
  to.longest = static_cast<uint32_t>(*n);
  return {};
}
std::string set_random_file(O&, const std::string& value) {
  static constexpr std::string_view kSources[] = {"/dev/urandom", "/dev/random", "/dev/hwrng"};
  return std::find(std::begin(kSources), std::end(kSources), value) != std::end(kSources)
             ? ""
             : "/dev/urandom, because random numbers come from the kernel";
}
std::string set_queue(O&, const std::string& value) {
  return value == "all" ? "" : "all: to record one way only is missing";
}

constexpr KeyRow<O> kId = {"id", "ID", "its name", set_text<O, &O::id>};
constexpr KeyRow<O> kRandomKeys[] = {
    kId,
    {"filename", "/dev/urandom", "where the host has them", set_random_file},
};
constexpr KeyRow<O> kMemoryKeys[] = {
    kId,
    {"size", "SIZE", "as much as -m says", set_size},
    {"mem-path", "PATH", "accepted: it is in no file", set_text<O, &O::path>},
    {"share", "on|off", "accepted", set_nothing<O>},
    {"prealloc", "on|off", "accepted", set_nothing<O>},
    {"prealloc-threads", "N", "accepted", set_nothing<O>},
    {"merge", "on|off", "accepted", set_nothing<O>},
    {"dump", "on|off", "accepted", set_nothing<O>},
    {"host-nodes", "LIST", "accepted", set_nothing<O>},
    {"policy", "default|preferred|bind|interleave", "accepted", set_nothing<O>},
    {"align", "SIZE", "accepted", set_nothing<O>},
    {"discard-data", "on|off", "accepted", set_nothing<O>},
    {"reserve", "on|off", "accepted", set_nothing<O>},
    {"seal", "on|off", "accepted", set_nothing<O>},
    {"hugetlb", "on|off", "accepted: the host chooses its pages", set_nothing<O>},
    {"hugetlbsize", "SIZE", "the same", set_nothing<O>},
    {"x-use-canonical-path-for-ramblock-id", "on|off", "accepted", set_nothing<O>},
};
constexpr KeyRow<O> kDumpKeys[] = {
    kId,
    {"netdev", "ID", "the network", set_text<O, &O::netdev>},
    {"file", "FILE", "where its frames go, in the format of libpcap", set_text<O, &O::path>},
    {"maxlen", "BYTES", "of a frame; 65536 by default", set_longest},
    {"queue", "all", "both ways", set_queue},
    {"status", "on", "", only_on<O>},
    {"position", "head|tail|id=ID", "accepted", set_nothing<O>},
    {"insert", "before|behind", "accepted", set_nothing<O>},
};
constexpr KeyRow<O> kThreadKeys[] = {
    kId,
    {"poll-max-ns", "NS", "accepted", set_nothing<O>},
    {"poll-grow", "N", "accepted", set_nothing<O>},
    {"poll-shrink", "N", "accepted", set_nothing<O>},
    {"aio-max-batch", "N", "accepted", set_nothing<O>},
    {"thread-pool-min", "N", "accepted", set_nothing<O>},
    {"thread-pool-max", "N", "accepted", set_nothing<O>},
};

struct ObjectRow {
  std::string_view name;
  ObjectKind kind;
  std::span<const KeyRow<O>> keys;
  std::string_view help;
};
constexpr ObjectRow kObjects[] = {
    {"rng-random", ObjectKind::kRandom, kRandomKeys, "the host's random numbers, for a virtio-rng"},
    {"rng-builtin", ObjectKind::kRandom, kRandomKeys, "the same"},
    {"memory-backend-ram", ObjectKind::kMemory, kMemoryKeys, "guest memory"},
    {"memory-backend-file", ObjectKind::kMemory, kMemoryKeys, "the same"},
    {"memory-backend-memfd", ObjectKind::kMemory, kMemoryKeys, "the same"},
    {"filter-dump", ObjectKind::kDump, kDumpKeys, "a network's frames go to a file"},
    {"iothread", ObjectKind::kThread, kThreadKeys, "accepted: devices need no thread of their own"},
};

}  // namespace

Result<void> apply_object(OptionParser& p, const std::string& value) {
  if (is_json(value)) {
    const auto list = json_as_list("-object", value, "qom-type");
    return list ? apply_object(p, *list) : Result<void>(list.error());
  }
  const size_t comma = value.find(',');
  std::string name = value.substr(0, comma);
  if (name.starts_with("qom-type=")) name.erase(0, 9);
  if (name == "help" || name == "?") {
    std::string text = "objects (-object NAME,id=ID[,PROPERTY=VALUE...]; NAME,help lists the properties):\n";
    for (const ObjectRow& row : kObjects) text += fmt::format("  {:<22} {}\n", row.name, row.help);
    p.print(std::move(text));
    return {};
  }
  std::vector<std::string_view> known;
  for (const ObjectRow& row : kObjects) known.push_back(row.name);
  const auto row = std::find_if(std::begin(kObjects), std::end(kObjects),
                                [&](const ObjectRow& r) { return r.name == name; });
  if (row == std::end(kObjects))
    return Error{"object '" + name +
                 (known_elsewhere(Known::kObject, name) ? "' is not supported yet; leave it out"
                                                        : "' is not known" + suggestion(name, known)) +
                 " (-object takes " + joined(known) + ")"};
  ObjectOption object;
  object.kind = row->kind;
  const std::string what = "-object " + name;
  if (comma != std::string::npos) {
    const auto list =
        apply_key_list(value.substr(comma + 1), {what, ""}, key_names(row->keys),
                       [&](size_t key, const std::string& v) { return row->keys[key].set(object, v); });
    if (!list) return list.error();
    if (*list == KeyList::kHelp) {
      p.print(key_help(what, key_names(row->keys)));
      return {};
    }
  }
  if (object.id.empty()) return Error{what + " needs id=ID"};
  for (const ObjectOption& other : p.objects)
    if (other.id == object.id)
      return Error{"two -objects have the id '" + object.id + "'; give each its own"};
  if (object.kind == ObjectKind::kRandom) p.options.rng_ids.push_back(object.id);
  p.objects.push_back(std::move(object));
  return {};
}

Result<void> OptionParser::check_objects() {
  if (!memory_backend.empty()) {
    const auto found =
        std::find_if(objects.begin(), objects.end(), [&](const O& o) { return o.id == memory_backend; });
    if (found == objects.end() || found->kind != ObjectKind::kMemory)
      return error("-M memory-backend={0} names no memory; add -object memory-backend-ram,id={0},size=...",
                   memory_backend);
    if (!options.ram_given && found->size) options.ram_bytes = found->size;
  }
  for (const O& object : objects) {
    if (object.kind == ObjectKind::kMemory) {
      if (object.size == 0) return error("-object {} is memory and needs size=", object.id);
      if (object.size != options.ram_bytes)
        return error("the memory '{}' has {} and -m says {}; give both the same size", object.id,
                     size_text(object.size), size_text(options.ram_bytes));
    }
    if (object.kind != ObjectKind::kDump) continue;
    if (object.netdev.empty() || object.path.empty())
      return error("-object filter-dump,id={} needs netdev=ID and file=FILE", object.id);
    if (std::none_of(options.nets.begin(), options.nets.end(),
                     [&](const NetOption& n) { return n.id == object.netdev; }))
      return error("-object filter-dump,id={} names no network: there is no -netdev with id={}", object.id,
                   object.netdev);
    options.dumps.push_back({object.netdev, object.path, object.longest});
  }
  return {};
}

}  // namespace mynah::app
