// SPDX-License-Identifier: Apache-2.0
//
// -blockdev: a file, or an image in one, under a name for -device and -M pflash0=. What it makes is a
// DriveOption that has no disk yet.
#include <fmt/format.h>

#include <algorithm>

#include "app/json_list.h"
#include "app/options_parser.h"
#include "app/text.h"
#include "devices/host/foreign_format.h"
#include "devices/host/image/open_image.h"

namespace mynah::app {
namespace {

struct Node {
  DriveOption drive;
  std::string driver;  // of the node
  std::string below;   // the name of the node below
  std::string file_driver = "file";
  bool read_only_given = false;
};

std::string set_file_driver(Node& to, const std::string& value) {
  to.file_driver = value;
  return value == "file" || value == "host_device" || value == "host_cdrom"
             ? ""
             : "file or host_device; network and other protocols are missing";
}
std::string set_filename(Node& to, const std::string& value) {
  to.drive.file = value;
  return {};
}
std::string set_node_name(Node& to, const std::string& value) {
  to.drive.id = value;
  return value.empty() ? "a name" : "";
}
std::string set_read_only(Node& to, const std::string& value) {
  to.read_only_given = true;
  return set_on_off<DriveOption, &DriveOption::read_only>(to.drive, value);
}
std::string set_no_flush(Node& to, const std::string& value) {
  return set_on_off<DriveOption, &DriveOption::unsafe>(to.drive, value);
}
std::string set_node_discard(Node& to, const std::string& value) {
  return set_drive_discard(to.drive, value);
}
std::string set_node_locking(Node& to, const std::string& value) {
  return set_drive_locking(to.drive, value);
}
std::string set_node_zeroes(Node& to, const std::string& value) { return set_detect_zeroes(to.drive, value); }
std::string set_node_aio(Node& to, const std::string& value) { return set_drive_aio(to.drive, value); }
std::string set_no_window(Node&, const std::string& value) {
  return value == "0" ? "" : "0 only: a part of a file as a disk is missing";
}

constexpr KeyRow<Node> kNodeKeys[] = {
    {"driver", "raw|qcow2|file", "an image, or the file alone", set_text<Node, &Node::driver>},
    {"node-name", "ID", "name for -device drive=ID and -M pflash0=ID", set_node_name},
    {"file", "ID", "an image's: the node that it is in", set_text<Node, &Node::below>},
    {"file.driver", "file|host_device", "an image's: where it is", set_file_driver},
    {"filename", "FILE", "the file", set_filename},
    {"file.filename", "FILE", "the same", set_filename},
    {"file.node-name", "ID", "accepted", set_nothing<Node>},
    {"locking", "auto|on|off", "lock the file for as long as it is open", set_node_locking},
    {"file.locking", "auto|on|off", "the same", set_node_locking},
    {"aio", "threads|native|io_uring", "accepted", set_node_aio},
    {"file.aio", "threads|native|io_uring", "accepted", set_node_aio},
    {"read-only", "on|off", "the guest cannot write", set_read_only},
    {"file.read-only", "on|off", "the same", set_read_only},
    {"auto-read-only", "on|off", "accepted", set_nothing<Node>},
    {"file.auto-read-only", "on|off", "accepted", set_nothing<Node>},
    {"cache.direct", "on|off", "accepted", set_nothing<Node>},
    {"file.cache.direct", "on|off", "accepted", set_nothing<Node>},
    {"cache.no-flush", "on|off", "flushes do nothing", set_no_flush},
    {"file.cache.no-flush", "on|off", "the same", set_no_flush},
    {"discard", "ignore|unmap", "give space back to the host's file system", set_node_discard},
    {"file.discard", "ignore|unmap", "the same", set_node_discard},
    {"detect-zeroes", "off|on|unmap", "accepted", set_node_zeroes},
    {"file.detect-zeroes", "off|on|unmap", "accepted", set_node_zeroes},
    {"force-share", "off", "share the file with other writers", only_off<Node>},
    {"offset", "0", "where in the file it begins", set_no_window},
};

}  // namespace

Result<void> apply_blockdev(OptionParser& p, const std::string& value) {
  if (is_json(value)) {
    auto list = json_as_list("-blockdev", value, "driver");
    if (!list) return list.error();
    return apply_blockdev(p, "driver=" + *list);
  }
  Node node;
  if (auto ok = keys_or_help(p, value, {"-blockdev", "driver"}, kNodeKeys, node); !ok || p.options.print)
    return ok;
  const std::string& driver = node.driver;
  if (driver.empty()) return Error{"-blockdev needs driver=raw, driver=qcow2 or driver=file"};
  const bool image = host::is_image_format(driver);
  if (const auto* other = host::foreign_format_named(driver); other && !image)
    return Error{"-blockdev: driver=" + driver + " is not supported; make a raw image with " +
                 host::plain_file_command(*other, node.drive.file.empty() ? "FILE" : node.drive.file) +
                 " and use that with driver=raw"};
  const bool file = driver == "file" || driver == "host_device" || driver == "host_cdrom";
  if (!file && !image)
    return Error{"-blockdev: driver=" + driver +
                 " is missing here; use driver=raw, driver=qcow2 or driver=file"};
  if (node.drive.id.empty()) return Error{"-blockdev needs node-name=ID, which a -device names as drive=ID"};
  if (!node.below.empty()) {
    auto& drives = p.options.drives;
    const auto below = std::find_if(drives.begin(), drives.end(),
                                    [&](const DriveOption& d) { return d.node && d.id == node.below; });
    if (below == drives.end())
      return Error{"-blockdev: file=" + node.below + " names no -blockdev before it; put that one first"};
    const DriveOption under = *below;
    drives.erase(below);
    node.drive.file = under.file;
    node.drive.read_only = node.read_only_given ? node.drive.read_only : under.read_only;
    node.drive.lock = under.lock;
    node.drive.discard = node.drive.discard || under.discard;
    node.drive.unsafe = node.drive.unsafe || under.unsafe;
  }
  if (node.drive.file.empty()) return Error{"-blockdev needs filename=FILE"};
  node.drive.interface = DriveOption::Interface::kNone;
  node.drive.node = true;
  node.drive.format = image ? driver : "raw";
  p.options.drives.push_back(std::move(node.drive));
  return {};
}

}  // namespace mynah::app
