// SPDX-License-Identifier: Apache-2.0
//
// A line is opened once and shared only through a MuxChar; what cannot be shared says who has it. A failure
// is a loss (and the exit code tells) where the output was to be kept: a file, or standard output.
#include "app/backends.h"

#include <algorithm>

#include "devices/host/char_log.h"
#include "devices/host/image/open_image.h"
#include "devices/host/make_char.h"
#include "devices/host/overlay.h"
#include "devices/host/pooled_disk.h"

namespace mynah::app {
namespace {

// cache=unsafe and cache=writethrough over any disk.
class FlushPolicy final : public dev::BlockBackend {
 public:
  FlushPolicy(std::unique_ptr<dev::BlockBackend> disk, bool never) : disk_(std::move(disk)), never_(never) {}
  ~FlushPolicy() override { disk_->flush(); }
  uint64_t size() const override { return disk_->size(); }
  bool read_only() const override { return disk_->read_only(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override { return disk_->read(offset, to); }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    return after(disk_->write(offset, from));
  }
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override { return disk_->read_now(offset, to); }
  Answer write_now(uint64_t offset, std::span<const uint8_t> from) override {
    return never_ ? disk_->write_now(offset, from) : Answer::kWaits;
  }
  bool any_thread() const override { return disk_->any_thread(); }
  bool flush() override { return never_ || disk_->flush(); }
  bool discard(uint64_t offset, uint64_t n) override { return disk_->discard(offset, n); }
  bool write_zeroes(uint64_t offset, uint64_t n) override { return after(disk_->write_zeroes(offset, n)); }

 private:
  bool after(bool good) { return good && (never_ || disk_->flush()); }
  std::unique_ptr<dev::BlockBackend> disk_;
  bool never_;
};

}  // namespace

Result<CharLines::Line*> CharLines::open(const CharOption& option) {
  const std::string& id = option.id;
  const std::string spec = (option.mux ? "mon:" : "") + option.spec;
  const std::string_view plain = std::string_view(spec).substr(spec.starts_with("mon:") ? 4 : 0);
  if (plain == "stdio" || plain.starts_with("stdio,")) {
    const std::string user = id.empty() ? spec : "-chardev " + id;
    if (!stdio_user_.empty())
      return Error{"standard input and output are wanted by both " + stdio_user_ + " and " + user +
                   "; use mon:stdio, or mux=on with -chardev, to share them"};
    stdio_user_ = user;
  }
  auto line = std::make_unique<Line>();
  line->id = id;
  host::CharEnv env;
  env.poller = env_.poller;
  env.announce = env_.announce;
  const bool kept = plain.starts_with("stdio") || plain.starts_with("file:");
  env.report = [this, kept](const std::string& sentence) { env_.report(sentence, kept); };
  env.append = option.append;
  env.log_file = option.log_file;
  env.log_append = option.log_append;
  env.exit = env_.exit;
  env.mux.quit = env_.quit;
  env.mux.focus = [l = line.get()](size_t port) {
    for (const auto& [number, monitor] : l->monitors)
      if (number == port) monitor->greet();
  };
  auto made = host::make_char(spec, env);
  if (!made) return made.error();
  line->backend = std::move(*made);
  line->mux = dynamic_cast<host::MuxChar*>(line->backend.get());
  if (line->mux) line->mux->set_escape(env_.escape_key);
  dev::CharBackend& lowest = line->mux ? line->mux->lower() : *line->backend;
  if (auto* stdio = dynamic_cast<host::StdioChar*>(&host::without_log(lowest))) stdio_ = stdio;
  lines_.push_back(std::move(line));
  return lines_.back().get();
}

Result<dev::CharBackend*> CharLines::port(Line& line, const std::string& user) {
  if (line.users == 0) {
    line.user = user;
    ++line.users;
    return line.backend.get();
  }
  if (!line.mux)
    return Error{"the character device '" + line.id + "' is wanted by both " + line.user + " and " + user +
                 "; add mux=on to its -chardev to share it"};
  ++line.users;
  return &line.mux->add_port();
}

Result<void> CharLines::add(const CharOption& option) {
  auto line = open(option);
  if (!line) return line.error();
  return {};
}

Result<dev::CharBackend*> CharLines::take(const std::string& spec, const std::string& user) {
  if (spec.starts_with("chardev:")) {
    const std::string id = spec.substr(8);
    for (auto& line : lines_)
      if (line->id == id) return port(*line, user);
    return Error{"there is no -chardev with id=" + id + ", which " + user + " names; add one"};
  }
  CharOption option;
  option.spec = spec;
  auto opened = open(option);
  if (!opened) return opened.error();
  Line& line = **opened;
  auto first = port(line, user);
  if (line.mux) {
    ++line.users;
    attach_monitor(line, line.mux->add_port());
  }
  return first;
}

void CharLines::attach_monitor(Line& line, dev::CharBackend& backend) {
  monitors_.push_back(std::make_unique<Monitor>(backend, env_.execute));
  line.monitors.emplace_back(line.users - 1, monitors_.back().get());
}

Result<void> CharLines::add_monitor(const std::string& spec) {
  auto backend = take(spec, "-monitor");
  if (!backend) return backend.error();
  Line& line = spec.starts_with("chardev:") ? **std::find_if(lines_.begin(), lines_.end(),
                                                             [&](auto& l) { return l->id == spec.substr(8); })
                                            : *lines_.back();
  attach_monitor(line, **backend);
  // With a line of its own it need not wait to be called.
  if (!line.mux) monitors_.back()->greet();
  return {};
}

void CharLines::add_monitor(dev::CharBackend& line) {
  monitors_.push_back(std::make_unique<Monitor>(line, env_.execute));
  monitors_.back()->greet();
}

Result<std::unique_ptr<dev::BlockBackend>> open_drive(const DriveOption& drive, bool snapshot,
                                                      host::WorkerPool* pool, host::Report report) {
  const bool over = drive.snapshot.value_or(snapshot) && !drive.read_only;
  host::ImageOptions options;
  options.read_only = drive.read_only || over;
  // A guest that writes to another format's file destroys what is in it, whatever the person said of it.
  options.any_contents = drive.format == "raw" && drive.read_only;
  options.discard = drive.discard;
  options.lock = drive.lock;
  options.report = report;
  auto image = host::open_image(drive.file, drive.format, options);
  if (!image) return image.error();
  std::unique_ptr<dev::BlockBackend> disk = std::move(*image);
  if (over) {
    auto overlay = host::Overlay::create(std::move(disk), report);
    if (!overlay) return overlay.error();
    disk = std::move(*overlay);
  }
  if (drive.unsafe || drive.write_through)
    disk = std::make_unique<FlushPolicy>(std::move(disk), drive.unsafe);
  if (pool) disk = std::make_unique<host::PooledDisk>(std::move(disk), *pool);
  return disk;
}

}  // namespace mynah::app
