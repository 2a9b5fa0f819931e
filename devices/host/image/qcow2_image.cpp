// SPDX-License-Identifier: Apache-2.0
//
// Runs of clusters that are neighbours in the file, too, are read and written at once. What is written anew
// goes to free clusters, with what the guest did not write of the first and last one copied from where it
// was.
#include "devices/host/image/qcow2_image.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "devices/host/raw_image.h"
#include "devices/host/shell_text.h"

namespace mynah::host {

namespace {

using dev::BlockBackend;

constexpr auto kWriteBack = std::chrono::seconds(1);

BlockBackend::Answer told(bool good) {
  return good ? BlockBackend::Answer::kDone : BlockBackend::Answer::kFailed;
}

// Both give exactly to.size() bytes or fail.
bool inflate_raw(std::span<const uint8_t> from, std::span<uint8_t> to) {
  z_stream z{};
  if (inflateInit2(&z, -15) != Z_OK) return false;
  z.next_in = const_cast<uint8_t*>(from.data());
  z.avail_in = static_cast<uInt>(from.size());
  z.next_out = to.data();
  z.avail_out = static_cast<uInt>(to.size());
  const int result = inflate(&z, Z_FINISH);
  const bool whole = z.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR);
  inflateEnd(&z);
  return whole;
}

// The stream's end lies anywhere in its last sector.
bool unpack_zstd(std::span<const uint8_t> from, std::span<uint8_t> to) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  if (!context) return false;
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  ZSTD_outBuffer out{to.data(), to.size(), 0};
  bool good = true;
  while (good && out.pos < out.size) {
    const size_t before_in = in.pos, before_out = out.pos;
    good = !ZSTD_isError(ZSTD_decompressStream(context, &out, &in)) &&
           (in.pos != before_in || out.pos != before_out);
  }
  ZSTD_freeDCtx(context);
  return good;
}

}  // namespace

Result<std::unique_ptr<Qcow2Image>> Qcow2Image::open(std::unique_ptr<ByteStore> store,
                                                     const Qcow2Header& header,
                                                     std::unique_ptr<dev::BlockBackend> backing,
                                                     std::string name, Options options) {
  std::unique_ptr<Qcow2Image> image(
      new Qcow2Image(std::move(store), header, std::move(backing), std::move(name), std::move(options)));
  bool ready = image->map_.load() && image->counts_.load();
  if (ready && !image->options_.read_only && header.autoclear) {
    const std::array<uint8_t, 8> none{};
    ready = image->store_->write(Qcow2Header::kAutoclearField, none);
  }
  if (!ready)
    return error("cannot read the tables of the qcow2 image '{}'; check the file and its disk", image->name_);
  return image;
}

Qcow2Image::Qcow2Image(std::unique_ptr<ByteStore> store, const Qcow2Header& header,
                       std::unique_ptr<dev::BlockBackend> backing, std::string name, Options options)
    : store_(std::move(store)),
      header_(header),
      backing_(std::move(backing)),
      name_(std::move(name)),
      options_(std::move(options)),
      report_(options_.report),
      cluster_bytes_(header.cluster_bytes()),
      counts_(*store_, header_),
      map_(*store_, counts_, header_) {}

Qcow2Image::~Qcow2Image() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
  if (map_.dirty()) (void)(map_.flush() && store_->sync());
}

// --- what is changed gets to the file

void Qcow2Image::changed() {
  if (waiting_ || !map_.dirty()) return;
  waiting_ = true;
  if (writer_.joinable())
    wake_.notify_all();
  else
    writer_ = std::thread([this] { write_back(); });
}

void Qcow2Image::write_back() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    wake_.wait(lock, [this] { return waiting_ || ending_; });
    if (wake_.wait_for(lock, kWriteBack, [this] { return ending_; })) return;
    waiting_ = false;
    (void)map_.flush();  // a failure has been reported, and the guest's next flush meets it
  }
}

bool Qcow2Image::flush() {
  const std::lock_guard lock(mutex_);
  if (options_.read_only) return true;
  return map_.flush() && store_->sync();
}

bool Qcow2Image::damaged() {
  report_(-1, "the qcow2 image '" + name_ + "' is damaged; the guest sees a disk error. qemu-img check " +
                  shell_path(name_) + " says more");
  return false;
}

// The header, and tables whose places are known, hold no data.
bool Qcow2Image::apart_from_tables(uint64_t place) const {
  const auto apart = [&](uint64_t from, uint64_t n) {
    return place + cluster_bytes_ <= from || place >= from + n;
  };
  return place >= cluster_bytes_ && apart(header_.l1_offset, uint64_t{header_.l1_entries} * 8) &&
         apart(counts_.table_offset(), counts_.table_bytes());
}

// Of an entry: a cluster that is in the file.
bool Qcow2Image::usable(uint64_t place) const {
  return place % cluster_bytes_ == 0 && place < store_->size() && apart_from_tables(place);
}

// The last one may be shorter.
uint64_t Qcow2Image::cluster_size(uint64_t cluster) const {
  return std::min(cluster_bytes_, header_.size - cluster * cluster_bytes_);
}

// --- reading

BlockBackend::Answer Qcow2Image::read_backing(uint64_t offset, std::span<uint8_t> to, Wait wait) {
  size_t there = 0;
  if (backing_ && offset < backing_->size()) {
    there = static_cast<size_t>(std::min<uint64_t>(to.size(), backing_->size() - offset));
    const Answer answer = wait == Wait::kMustNot ? backing_->read_now(offset, to.first(there))
                                                 : told(backing_->read(offset, to.first(there)));
    if (answer != Answer::kDone) return answer;
  }
  std::fill(to.begin() + static_cast<ptrdiff_t>(there), to.end(), uint8_t{0});
  return Answer::kDone;
}

bool Qcow2Image::read_compressed(Qcow2Entry entry, uint64_t within, std::span<uint8_t> to) {
  if (unpacked_entry_ != entry.raw) {
    const auto [place, end] = packed_of(entry, header_.cluster_bits);
    if (place >= store_->size()) return damaged();
    std::vector<uint8_t> packed(end - place);
    unpacked_entry_ = 0;
    unpacked_.resize(cluster_bytes_);
    if (!store_->read(place, packed)) return false;
    if (!(header_.zstd ? unpack_zstd(packed, unpacked_) : inflate_raw(packed, unpacked_))) return damaged();
    unpacked_entry_ = entry.raw;
  }
  std::copy_n(unpacked_.begin() + static_cast<ptrdiff_t>(within), to.size(), to.begin());
  return true;
}

BlockBackend::Answer Qcow2Image::read_locked(uint64_t offset, std::span<uint8_t> to, Wait wait) {
  while (!to.empty()) {
    const uint64_t cluster = offset / cluster_bytes_, within = offset % cluster_bytes_;
    const auto entry = map_.get(cluster);
    if (!entry) return told(damaged());
    uint64_t n = std::min<uint64_t>(to.size(), cluster_bytes_ - within);
    if (entry->compressed()) {
      if (wait == Wait::kMustNot && unpacked_entry_ != entry->raw) return Answer::kWaits;
      if (!read_compressed(*entry, within, to.first(n))) return Answer::kFailed;
    } else if (entry->zero()) {
      std::fill_n(to.begin(), n, uint8_t{0});
    } else {
      // As far as it goes on in the same way.
      const uint64_t place = entry->place();
      if (place && !usable(place)) return told(damaged());
      for (uint64_t next = cluster + 1; n < to.size(); ++next) {
        const auto follows = map_.get(next);
        if (!follows || follows->compressed() || follows->zero() ||
            follows->place() != (place ? place + (next - cluster) * cluster_bytes_ : 0))
          break;
        n = std::min<uint64_t>(to.size(), n + cluster_bytes_);
      }
      const Answer answer = !place                   ? read_backing(offset, to.first(n), wait)
                            : wait == Wait::kMustNot ? store_->read_now(place + within, to.first(n))
                                                     : told(store_->read(place + within, to.first(n)));
      if (answer != Answer::kDone) return answer;
    }
    offset += n;
    to = to.subspan(n);
  }
  return Answer::kDone;
}

bool Qcow2Image::read(uint64_t offset, std::span<uint8_t> to) {
  if (!in_range(offset, to.size(), header_.size)) return false;
  const std::lock_guard lock(mutex_);
  return read_locked(offset, to);
}

BlockBackend::Answer Qcow2Image::read_now(uint64_t offset, std::span<uint8_t> to) {
  if (!in_range(offset, to.size(), header_.size)) return Answer::kFailed;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  return lock ? read_locked(offset, to, Wait::kMustNot) : Answer::kWaits;
}

// --- writing

// What an entry pointed to is used once less.
void Qcow2Image::let_go(Qcow2Entry entry) {
  if (!entry.compressed()) {
    if (entry.place()) map_.release_later(entry.place() / cluster_bytes_);
    return;
  }
  const auto [place, end] = packed_of(entry, header_.cluster_bits);
  for (uint64_t c = place / cluster_bytes_; c * cluster_bytes_ < end; ++c) map_.release_later(c);
}

// `from` lies in these clusters of the disk from `offset` on; they get new clusters of the file.
bool Qcow2Image::write_new(uint64_t cluster, uint64_t clusters, uint64_t offset,
                           std::span<const uint8_t> from) {
  while (clusters) {
    const auto run = counts_.allocate(clusters);
    if (!run) {
      report_(-2,
              "cannot make the qcow2 image '" + name_ +
                  "' larger; the guest sees a disk error. Free some space on the host, then let it retry");
      return false;
    }
    const uint64_t place = run->first * cluster_bytes_;
    if (!apart_from_tables(place) || !apart_from_tables(place + (run->count - 1) * cluster_bytes_))
      return damaged();
    const uint64_t begin = cluster * cluster_bytes_, end = (cluster + run->count) * cluster_bytes_;
    const uint64_t here = std::min<uint64_t>(from.size(), end - offset);
    std::vector<uint8_t> head(offset - begin), tail(end - offset - here);
    if (!head.empty() && !read_locked(begin, head)) return false;
    // The last cluster may go on behind the disk's end.
    const uint64_t behind = std::min<uint64_t>(tail.size(), header_.size - (offset + here));
    if (behind && !read_locked(offset + here, std::span(tail).first(behind))) return false;
    if (!(head.empty() || store_->write(place, head)) ||
        !store_->write(place + head.size(), from.first(here)) ||
        !(tail.empty() || store_->write(place + head.size() + here, tail)))
      return false;
    for (uint64_t i = 0; i < run->count; ++i) {
      const auto before = map_.get(cluster + i);
      if (!before) return damaged();
      if (!map_.set(cluster + i, {(place + i * cluster_bytes_) | Qcow2Entry::kOwn})) return false;
      let_go(*before);
    }
    clusters -= run->count;
    cluster += run->count;
    offset += here;
    from = from.subspan(here);
  }
  return true;
}

bool Qcow2Image::write_locked(uint64_t offset, std::span<const uint8_t> from) {
  while (!from.empty()) {
    const uint64_t cluster = offset / cluster_bytes_, within = offset % cluster_bytes_;
    const auto entry = map_.get(cluster);
    if (!entry) return damaged();
    uint64_t n = std::min<uint64_t>(from.size(), cluster_bytes_ - within), clusters = 1;
    const bool stays = in_place(*entry);
    if (stays && !usable(entry->place())) return damaged();
    for (; n < from.size(); ++clusters) {
      const auto follows = map_.get(cluster + clusters);
      if (!follows || in_place(*follows) != stays) break;
      if (stays && follows->place() != entry->place() + clusters * cluster_bytes_) break;
      n = std::min<uint64_t>(from.size(), n + cluster_bytes_);
    }
    if (!(stays ? store_->write(entry->place() + within, from.first(n))
                : write_new(cluster, clusters, offset, from.first(n))))
      return false;
    offset += n;
    from = from.subspan(n);
  }
  return true;
}

bool Qcow2Image::write(uint64_t offset, std::span<const uint8_t> from) {
  if (options_.read_only || !in_range(offset, from.size(), header_.size)) return false;
  const std::lock_guard lock(mutex_);
  const bool done = write_locked(offset, from);
  changed();
  return done;
}

BlockBackend::Answer Qcow2Image::write_now(uint64_t offset, std::span<const uint8_t> from) {
  if (options_.read_only || !in_range(offset, from.size(), header_.size)) return Answer::kFailed;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return Answer::kWaits;
  const bool done = write_locked(offset, from);
  changed();
  return told(done);
}

// A whole cluster becomes zeroes. Version 2 has no entry for that over a backing disk.
bool Qcow2Image::zero_cluster(uint64_t cluster, bool give_back) {
  const auto before = map_.get(cluster);
  if (!before) return damaged();
  const bool bare = !backing_ || cluster * cluster_bytes_ >= backing_->size();
  if (bare && before->raw == 0) return true;
  if (header_.version < 3 && !bare) {
    const std::vector<uint8_t> zeroes(cluster_size(cluster));
    return write_locked(cluster * cluster_bytes_, zeroes);
  }
  // One that the image has alone stays for what is written next, unless it is to be given back.
  const bool keeps = header_.version >= 3 && !give_back && before->place() && before->own();
  if (keeps) return before->zero() || map_.set(cluster, {before->raw | Qcow2Entry::kZero});
  if (!map_.set(cluster, {header_.version >= 3 ? Qcow2Entry::kZero : 0})) return false;
  let_go(*before);
  return true;
}

bool Qcow2Image::zero_range(uint64_t offset, uint64_t n, bool give_back, bool whole_only) {
  const uint64_t end = offset + n;
  while (offset < end) {
    const uint64_t cluster = offset / cluster_bytes_;
    const uint64_t next = std::min(end, (cluster + 1) * cluster_bytes_);
    const bool whole = next - offset == cluster_size(cluster);
    if (whole) {
      if (!zero_cluster(cluster, give_back)) return false;
    } else if (!whole_only) {
      const std::vector<uint8_t> zeroes(next - offset);
      if (!write_locked(offset, zeroes)) return false;
    }
    offset = next;
  }
  return true;
}

bool Qcow2Image::write_zeroes(uint64_t offset, uint64_t n) {
  if (options_.read_only || !in_range(offset, n, header_.size)) return false;
  const std::lock_guard lock(mutex_);
  const bool done = zero_range(offset, n, false, false);
  changed();
  return done;
}

bool Qcow2Image::discard(uint64_t offset, uint64_t n) {
  if (options_.read_only || !in_range(offset, n, header_.size)) return false;
  if (!options_.discard) return true;
  const std::lock_guard lock(mutex_);
  const bool done = zero_range(offset, n, true, true);
  changed();
  return done;
}

}  // namespace mynah::host
