// SPDX-License-Identifier: Apache-2.0
//
// The command state machine of one chip, run for each chip that a bus cycle reaches; CFI tables as in
// JESD68.01 and the J3 data sheet.
#include "devices/flash/pflash_cfi01.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "devices/core/registers.h"

namespace mynah::dev {
namespace {

constexpr uint32_t kExtendedQuery = 0x31;  // "P" of the data sheets
constexpr uint32_t kQueryMask = 0xff;      // chips decode eight address bits in query and identifier mode

bool is_all(std::span<const uint8_t> bytes, uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(), [value](uint8_t b) { return b == value; });
}

}  // namespace

PflashCfi01::PflashCfi01(const Config& config, BlockBackend* backend, Log& log, std::string name)
    : config_(config), backend_(backend), log_(log), name_(std::move(name)) {
  const Config& c = config_;
  const bool good = (c.bank_width == 1 || c.bank_width == 2 || c.bank_width == 4) &&
                    (c.device_width == 1 || c.device_width == 2) && c.device_width <= c.bank_width &&
                    c.size != 0 && std::has_single_bit(c.sector_size) && c.size % c.sector_size == 0 &&
                    c.sector_size / chip_count() >= 256 && c.sector_size / chip_count() <= 0xffff * 256 &&
                    c.size / c.sector_size <= 65536 && (c.storage.empty() || c.storage.size() == c.size);
  if (!good) {
    fmt::print(stderr, "{}: impossible flash geometry\n", name_);
    std::abort();
  }
  if (c.storage.empty()) {
    own_storage_.assign(c.size, kErased);
    contents_ = own_storage_;
  } else {
    contents_ = c.storage;
  }
  if (backend_) {
    const uint64_t n = std::min<uint64_t>(backend_->size(), c.size);
    backend_readable_ = n == 0 || backend_->read(0, contents_.first(n));
    config_.read_only |= backend_->read_only() || !backend_readable_;
  }
  chips_.resize(chip_count());
  build_query();
  reset();
}

// Tables of JESD68.01 and of the J3 data sheet, appendix "CFI query": one value a word, all chips alike.
void PflashCfi01::build_query() {
  query_.assign(kExtendedQuery + 0x12, 0);
  const auto put = [this](unsigned at, std::initializer_list<uint8_t> values) {
    std::copy(values.begin(), values.end(), query_.begin() + at);
  };
  const auto put16 = [&](unsigned at, uint64_t v) {
    put(at, {static_cast<uint8_t>(v), static_cast<uint8_t>(v >> 8)});
  };
  const uint64_t chip_size = config_.size / chip_count();
  const uint64_t block_size = config_.sector_size / chip_count();
  const uint64_t blocks = config_.size / config_.sector_size;

  put(0x10, {'Q', 'R', 'Y'});
  put16(0x13, 0x0001);  // Intel extended command set
  put16(0x15, kExtendedQuery);
  // System interface: supply 4.5 to 5.5 V; typical times of word program, buffer program (2^n us) and block
  // erase (2^n ms), then their maxima as 2^n times typical.
  put(0x1b, {0x45, 0x55, 0x00, 0x00, 0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00});
  // Geometry: log2 of the size, x8/x16 interface, log2 of the buffer, one region of equal blocks.
  put(0x27, {static_cast<uint8_t>(std::bit_width(chip_size - 1))});
  put16(0x28, 0x0002);
  put16(0x2a, std::bit_width(kBufferBytes) - 1);
  put(0x2c, {1});
  put16(0x2d, blocks - 1);
  put16(0x2f, block_size / 256);
  // Extended query 1.0: instant individual block locking (feature bit 5), block status bits 0 and 1, optimal
  // supply 5 V, no protection registers.
  put(kExtendedQuery, {'P', 'R', 'I', '1', '0', 0x20, 0, 0, 0, 0x00, 0x03, 0x00, 0x50, 0x00, 0});
}

void PflashCfi01::reset() {
  for (Chip& chip : chips_) {
    chip = Chip{};
    chip.locks.assign(config_.size / config_.sector_size, 0);
  }
  report_mode();
}

bool PflashCfi01::array_mode() const {
  return std::all_of(chips_.begin(), chips_.end(),
                     [](const Chip& c) { return c.read_mode == ReadMode::kArray; });
}

void PflashCfi01::report_mode() {
  const bool mode = array_mode();
  if (mode == reported_array_mode_) return;
  reported_array_mode_ = mode;
  if (mode_change_) mode_change_(mode);
}

uint64_t PflashCfi01::read(Offset offset, Width width) {
  const unsigned n = bytes(width);
  if (offset >= config_.size || n > config_.size - offset) {
    log_.guest_error(name_, fmt::format("read beyond the end at {:#x}", offset));
    return 0;
  }
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) {
    const uint64_t at = offset + i;
    const auto chip = static_cast<unsigned>(at / config_.device_width % chip_count());
    const uint16_t word = read_word(chip, static_cast<uint32_t>(at / config_.bank_width));
    const unsigned byte = at % config_.device_width;
    value |= uint64_t{static_cast<uint8_t>(word >> (8 * byte))} << (8 * i);
  }
  return value;
}

uint16_t PflashCfi01::read_word(unsigned index, uint32_t word) const {
  const Chip& chip = chips_[index];
  switch (chip.read_mode) {
    case ReadMode::kArray: {
      const uint8_t* p = contents_.data() + byte_of(index, word);
      return config_.device_width == 1 ? p[0] : static_cast<uint16_t>(p[0] | p[1] << 8);
    }
    case ReadMode::kStatus:
      return chip.status;
    case ReadMode::kQuery: {
      const uint32_t at = word & kQueryMask;
      return at < query_.size() ? query_[at] : 0;
    }
    case ReadMode::kId:
      switch (word & kQueryMask) {
        case 0:
          return config_.manufacturer;
        case 1:
          return config_.device;
        case 2:
          return chip.locks[block_of(word)];
        default:
          return 0;
      }
  }
  return 0;
}

void PflashCfi01::write(Offset offset, Width width, uint64_t value) {
  const unsigned n = bytes(width);
  if (offset >= config_.size || n > config_.size - offset) {
    log_.guest_error(name_, fmt::format("write beyond the end at {:#x}", offset));
    return;
  }
  for (unsigned done = 0; done < n;) {
    const uint64_t at = offset + done;
    const unsigned step = std::min<unsigned>(n - done, config_.bank_width - at % config_.bank_width);
    bus_cycle(at, step, static_cast<uint32_t>(value >> (8 * done)));
    done += step;
  }
  write_through();
  report_mode();
}

// Writes n bytes within one bus word: each chip gets its lanes. One without a lane hears the command that the
// others get, and data that programs nothing.
void PflashCfi01::bus_cycle(uint64_t at, unsigned n, uint32_t value) {
  const unsigned device = config_.device_width, first = at % config_.bank_width;
  const auto driven = [&](unsigned lane) { return lane >= first && lane < first + n; };
  const auto byte = [&](unsigned lane) {  // what nobody drives floats high
    return static_cast<uint8_t>(driven(lane) ? value >> (8 * (lane - first)) : 0xff);
  };
  for (unsigned chip = 0; chip < chip_count(); ++chip) {
    const unsigned low = chip * device, high = low + device - 1;
    auto data = static_cast<uint16_t>(device == 1 ? byte(low) : byte(low) | byte(high) << 8);
    if (driven(low) != driven(high)) log_.guest_error(name_, "write of a single byte to a 16-bit chip");
    if (!driven(low)) {
      if (driven(high) || (n == 1 && device == 2 && first % 2)) continue;  // commands are on the low lane
      data = takes_data(chips_[chip]) ? 0xffff : static_cast<uint8_t>(value);
    }
    write_word(chip, static_cast<uint32_t>(at / config_.bank_width), data);
  }
}

void PflashCfi01::write_word(unsigned index, uint32_t word, uint16_t value) {
  Chip& chip = chips_[index];
  const auto low = static_cast<uint8_t>(value);
  switch (chip.expect) {
    case Expect::kCommand:
      command(chip, word, low);
      break;
    case Expect::kProgramData:
      chip.expect = Expect::kCommand;
      if (may_change(chip, block_of(word), kStatusProgramError)) program(index, word, value);
      break;
    case Expect::kEraseConfirm:
      chip.expect = Expect::kCommand;
      if (low != kConfirm) {
        sequence_error(chip);
      } else if (may_change(chip, block_of(word), kStatusEraseError)) {
        erase(index, block_of(word));
      }
      break;
    case Expect::kLockConfirm:
      chip.expect = Expect::kCommand;
      confirm_lock(chip, word, low);
      break;
    case Expect::kProtectionData:
      chip.expect = Expect::kCommand;
      chip.status |= kStatusProgramError | kStatusLocked;
      log_.unimplemented(name_, "programming of the protection registers");
      break;
    case Expect::kBufferCount:
      chip.expect = Expect::kBufferData;
      chip.buffer_left = uint32_t{value} + 1;
      if (chip.buffer_left > kBufferBytes / config_.device_width) sequence_error(chip);
      break;
    case Expect::kBufferData:
      take_buffer_word(chip, word, value);
      break;
    case Expect::kBufferConfirm:
      chip.expect = Expect::kCommand;
      if (low != kConfirm) {
        sequence_error(chip);
      } else if (may_change(chip, chip.buffer_block, kStatusProgramError)) {
        for (const Buffered& b : chip.buffer) program(index, b.word, b.data);
      }
      chip.buffer.clear();
      break;
  }
}

void PflashCfi01::command(Chip& chip, uint32_t word, uint8_t command) {
  chip.read_mode = ReadMode::kStatus;
  switch (command) {
    case kAlternateProgram:
    case kProgram:
      chip.status |= kStatusReady;
      chip.expect = Expect::kProgramData;
      break;
    case kEraseSetup:
      chip.status |= kStatusReady;
      chip.expect = Expect::kEraseConfirm;
      break;
    case kLockSetup:
      chip.expect = Expect::kLockConfirm;
      break;
    case kProtectionProgram:
      chip.expect = Expect::kProtectionData;
      break;
    case kBufferedProgram:
      chip.status |= kStatusReady;
      chip.expect = Expect::kBufferCount;
      chip.buffer_block = block_of(word);
      chip.buffer.clear();
      break;
    case kReadStatus:
    case kSuspend:  // nothing is under way that could be suspended or resumed
    case kConfirm:
      break;
    case kReadId:
      chip.read_mode = ReadMode::kId;
      break;
    case kReadQuery:
      chip.read_mode = ReadMode::kQuery;
      break;
    case kClearStatus:
      chip.status = config_.clears_ready ? 0 : kStatusReady;
      chip.read_mode = ReadMode::kArray;
      break;
    case kReadArray:
      chip.read_mode = ReadMode::kArray;
      break;
    default:
      // Among these are the first cycles of the AMD command set, with which drivers probe: they must leave
      // the flash readable.
      log_.guest_error(name_, fmt::format("unknown command {:#x}", command));
      chip.read_mode = ReadMode::kArray;
  }
}

void PflashCfi01::confirm_lock(Chip& chip, uint32_t word, uint8_t command) {
  uint8_t& lock = chip.locks[block_of(word)];
  switch (command) {
    case kLockBlock:
      lock |= kLocked;
      break;
    case kLockDownBlock:
      lock |= kLocked | kLockedDown;
      break;
    case kConfirm:
      if (!(lock & kLockedDown)) lock = 0;  // only a reset frees a block that is locked down
      break;
    default:
      sequence_error(chip);
  }
}

void PflashCfi01::take_buffer_word(Chip& chip, uint32_t word, uint16_t value) {
  if (block_of(word) != chip.buffer_block) return sequence_error(chip);
  chip.buffer.push_back({word, value});
  if (--chip.buffer_left == 0) chip.expect = Expect::kBufferConfirm;
}

void PflashCfi01::sequence_error(Chip& chip) {
  log_.guest_error(name_, "command sequence error");
  chip.status |= kStatusSequenceError;
  chip.expect = Expect::kCommand;
  chip.buffer.clear();
  chip.buffer_left = 0;
}

bool PflashCfi01::may_change(Chip& chip, uint32_t block, uint8_t error) {
  if (!config_.read_only && !(chip.locks[block] & kLocked)) return true;
  chip.status |= error | kStatusLocked;
  return false;
}

void PflashCfi01::program(unsigned index, uint32_t word, uint16_t value) {
  const uint64_t at = byte_of(index, word);
  for (unsigned i = 0; i < config_.device_width; ++i) {
    contents_[at + i] &= static_cast<uint8_t>(value >> (8 * i));
  }
  touch(at, config_.device_width, kStatusProgramError);
}

void PflashCfi01::erase(unsigned index, uint32_t block) {
  const uint32_t first = block * words_per_block();
  for (uint32_t word = first; word != first + words_per_block(); ++word) {
    std::memset(contents_.data() + byte_of(index, word), kErased, config_.device_width);
  }
  touch(uint64_t{block} * config_.sector_size, config_.sector_size, kStatusEraseError);
}

void PflashCfi01::touch(uint64_t first, uint64_t n, uint8_t error) {
  if (dirty_end_ == 0) dirty_first_ = first;
  dirty_first_ = std::min(dirty_first_, first);
  dirty_end_ = std::max(dirty_end_, first + n);
  dirty_error_ |= error;
}

// Once a bus cycle, when all chips have done their part: neighbouring chips change neighbouring bytes.
void PflashCfi01::write_through() {
  if (dirty_end_ == 0) return;
  if (contents_change_) contents_change_(dirty_first_, dirty_end_ - dirty_first_);
  if (!host_write(dirty_first_, dirty_end_ - dirty_first_)) {
    for (Chip& chip : chips_) chip.status |= dirty_error_;
  }
  dirty_first_ = dirty_end_ = 0;
  dirty_error_ = 0;
}

// A backend that is smaller than the flash takes what it has room for.
bool PflashCfi01::host_write(uint64_t at, uint64_t n) {
  if (!backend_ || at >= backend_->size()) return true;
  n = std::min(n, backend_->size() - at);
  return backend_->write(at, contents_.subspan(at, n));
}

// Reads a chip's state into `chip`; false when it is not one that this geometry can have.
bool PflashCfi01::load_chip(StateStream& s, Chip& chip) {
  uint64_t words = chip.buffer.size();
  s.io(chip.read_mode);
  s.io(chip.expect);
  s.io(chip.status);
  s.io(chip.buffer_block);
  s.io(chip.buffer_left);
  s.io(chip.locks, config_.size / config_.sector_size);
  s.io(words);
  const uint64_t blocks = config_.size / config_.sector_size;
  const uint64_t most = kBufferBytes / config_.device_width;
  if (s.loading()) {
    if (s.failed() || words > most) return false;
    chip.buffer.assign(words, {});
  }
  for (Buffered& b : chip.buffer) {
    s.io(b.word);
    s.io(b.data);
  }
  if (!s.loading()) return true;
  return !s.failed() && chip.read_mode <= ReadMode::kQuery && chip.expect <= Expect::kBufferConfirm &&
         chip.locks.size() == blocks && chip.buffer_block < blocks && words + chip.buffer_left <= most &&
         (chip.expect != Expect::kBufferData || chip.buffer_left != 0) &&
         std::all_of(chip.buffer.begin(), chip.buffer.end(),
                     [&](const Buffered& b) { return block_of(b.word) == chip.buffer_block; });
}

void PflashCfi01::serialize_state(StateStream& s) {
  uint64_t size = config_.size;
  uint32_t sector_size = config_.sector_size;
  uint8_t chip_total = static_cast<uint8_t>(chip_count());
  s.io(size);
  s.io(sector_size);
  s.io(chip_total);
  if (s.loading() &&
      (size != config_.size || sector_size != config_.sector_size || chip_total != chip_count())) {
    s.fail();
  }
  if (s.failed()) return;
  std::vector<Chip> chips = chips_;
  for (Chip& chip : chips) {
    if (!load_chip(s, chip)) s.fail();
    if (s.failed()) return;
  }
  serialize_contents(s);
  if (!s.loading() || s.failed()) return;
  chips_ = std::move(chips);
  report_mode();
}

// A tag for each sector, and the bytes of those that are not all one value: most of a flash is empty.
void PflashCfi01::serialize_contents(StateStream& s) {
  enum Tag : uint8_t { kAllOnes, kAllZero, kBytes };
  const uint32_t sector = config_.sector_size;
  std::vector<uint8_t> loaded;
  if (s.loading()) loaded.resize(config_.size);
  for (uint64_t at = 0; at != config_.size && !s.failed(); at += sector) {
    const auto now = contents_.subspan(at, sector);
    uint8_t tag = kBytes;
    if (!s.loading()) tag = is_all(now, kErased) ? kAllOnes : is_all(now, 0) ? kAllZero : kBytes;
    s.io(tag);
    if (s.loading() && !s.failed()) {
      if (tag > kBytes) s.fail();
      if (tag != kBytes) std::memset(loaded.data() + at, tag == kAllOnes ? kErased : 0, sector);
    }
    if (tag == kBytes) s.raw(s.loading() ? loaded.data() + at : now.data(), sector);
  }
  if (!s.loading() || s.failed()) return;
  for (uint64_t at = 0; at != config_.size; at += sector) {
    const auto now = contents_.subspan(at, sector);
    if (std::memcmp(now.data(), loaded.data() + at, sector) == 0) continue;
    std::memcpy(now.data(), loaded.data() + at, sector);
    if (contents_change_) contents_change_(at, sector);
    if (!config_.read_only) host_write(at, sector);
  }
}

}  // namespace mynah::dev
