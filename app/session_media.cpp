// SPDX-License-Identifier: Apache-2.0
//
// Disks and media while the machine runs: what there is, and what the monitor changes of it.
#include <fmt/format.h>

#include <algorithm>

#include "app/session.h"
#include "app/text.h"
#include "devices/host/foreign_format.h"
#include "devices/host/image/open_image.h"

namespace mynah::app {

size_t Session::disk_number(const std::string& id) const {
  const auto found = std::find_if(disks_.begin(), disks_.end(), [&](const Disk& d) { return d.id == id; });
  return static_cast<size_t>(found - disks_.begin());
}

// A drive that no -drive is behind has a place for what is put into it, too.
void Session::add_removable(const std::string& drive, const std::string& device, dev::RemovableDrive& what) {
  size_t number = drive.empty() ? disks_.size() : disk_number(drive);
  if (number == disks_.size()) disks_.push_back({drive, {}, nullptr});
  removables_.push_back({drive, device, number, &what});
}

std::string Session::block_info() {
  std::string text;
  for (size_t i = 0; i < disks_.size(); ++i) {
    const Disk& d = disks_[i];
    const auto drive =
        std::find_if(removables_.begin(), removables_.end(), [i](const Removable& r) { return r.disk == i; });
    const bool removable = drive != removables_.end();
    text += !d.id.empty() ? d.id : removable ? drive->device : "flash";
    text += d.backend ? fmt::format(": {} ({}{})\n", d.file, size_text(d.backend->size()),
                                    d.backend->read_only() ? ", read-only" : "")
                      : std::string(": [not inserted]\n");
    if (removable)
      text +=
          fmt::format("    Removable device: {}, tray {}\n", drive->what->locked() ? "locked" : "not locked",
                      drive->what->tray_open() ? "open" : "closed");
  }
  return text;
}

std::string Session::removable_names() const {
  std::string text;
  for (const Removable& r : removables_)
    text += (text.empty() ? "" : ", ") + (r.drive.empty() ? r.device : r.drive);
  return text;
}

Result<Session::Removable*> Session::find_removable(std::string_view name) {
  if (removables_.empty())
    return Error{
        "the machine has no drive for media; start it with -cdrom FILE, -fda FILE or -drive media=cdrom"};
  for (Removable& r : removables_)
    if (!name.empty() && (r.drive == name || r.device == name)) return &r;
  return error("there is no drive '{}' for media; there are {}", name, removable_names());
}

namespace {
Result<void> locked(std::string_view drive, std::string_view command) {
  return error(
      "the guest has locked the tray of {}; it was asked to let the medium go: try again, or {} -f {}", drive,
      command, drive);
}
}  // namespace

Result<void> Session::eject_medium(std::string_view name, bool force) {
  auto drive = find_removable(name);
  if (!drive) return drive.error();
  Disk& disk = disks_[(*drive)->disk];
  if (!(*drive)->what->change_medium(nullptr, force)) {
    (*drive)->what->ask_for_medium();
    return locked(name, "eject");
  }
  disk.backend.reset();
  disk.file.clear();
  return {};
}

// The new one is opened first: where that fails, the old one stays.
Result<void> Session::change_medium(std::string_view name, const std::string& file, const std::string& format,
                                    std::string_view mode, bool force) {
  auto drive = find_removable(name);
  if (!drive) return drive.error();
  Removable& removable = **drive;
  if (!mode.empty() && mode != "retain" && mode != "read-only" && mode != "read-write")
    return error("'{}' is not known: write retain, read-only or read-write", mode);
  if (!format.empty() && !host::is_image_format(format))
    return error("'{}' is no format of images that is known here; write {}", format, host::kImageFormats);
  DriveOption option;
  if (removable.disk < options_.drives.size())
    option = options_.drives[removable.disk];
  else
    option.read_only = option.cd = true;
  option.file = file;
  option.format = format;
  if (mode == "read-only") option.read_only = true;
  if (mode == "read-write" && !option.cd) option.read_only = false;
  if (removable.what->locked() && !force) {
    removable.what->ask_for_medium();
    return locked(name, "change");
  }
  auto opened = open_drive(option, options_.snapshot, pool_.get(), disk_report());
  if (!opened) return opened.error();
  if (!removable.what->change_medium(opened->get(), force)) return locked(name, "change");
  disks_[removable.disk].backend = std::move(*opened);
  disks_[removable.disk].file = file;
  return {};
}

}  // namespace mynah::app
