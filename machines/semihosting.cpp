// SPDX-License-Identifier: Apache-2.0
//
// Operations by their numbers in the manual's chapter 7 ("Semihosting operations"). A parameter block has
// words of 64 bits. Error numbers are Linux's, as C libraries for such programs have them.
#include "machines/semihosting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mynah {
namespace {

enum Operation : uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteC = 0x03,
  kWrite0 = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kReadC = 0x07,
  kIsError = 0x08,
  kIsTty = 0x09,
  kSeek = 0x0a,
  kFlen = 0x0c,
  kTmpnam = 0x0d,
  kRemove = 0x0e,
  kRename = 0x0f,
  kClock = 0x10,
  kTime = 0x11,
  kSystem = 0x12,
  kErrno = 0x13,
  kGetCommandLine = 0x15,
  kHeapInfo = 0x16,
  kExit = 0x18,
  kSyncCache = 0x19,  // a debugger's; here caches are coherent
  kExitExtended = 0x20,
  kElapsed = 0x30,
  kTickFrequency = 0x31,
};

constexpr uint64_t kApplicationExit = 0x20026;  // ADP_Stopped_ApplicationExit
constexpr uint64_t kWord = 8;
constexpr uint64_t kOpenModes = 12;  // pairs, with "b" and without
constexpr int64_t kNanosecondsACentisecond = 10'000'000;
// ":semihosting-features": its magic number, then SH_EXT_EXIT_EXTENDED and SH_EXT_STDOUT_STDERR.
constexpr std::array<uint8_t, 5> kFeatureBytes = {'S', 'H', 'F', 'B', 0x3};
constexpr size_t kChunk = 64 * 1024;
constexpr size_t kInputRoom = 4096;

}  // namespace

// The words behind the parameter are read as they are asked for; one that cannot be is noted.
struct Semihosting::Call {
  Memory& memory;
  uint32_t operation;
  uint64_t parameter;
  bool bad = false;

  uint64_t word(unsigned n) {
    uint8_t bytes[kWord];
    uint64_t value = 0;
    if (!memory.read(parameter + n * kWord, bytes))
      bad = true;
    else
      std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  bool put_word(uint64_t address, uint64_t value) {
    uint8_t bytes[kWord];
    std::memcpy(bytes, &value, sizeof value);
    return memory.write(address, bytes);
  }
  // Of so many bytes; some programs count the end mark.
  bool name(uint64_t address, uint64_t length, std::string& to) {
    if (length > kMostName) return false;
    to.resize(length);
    if (!memory.read(address, {reinterpret_cast<uint8_t*>(to.data()), to.size()})) return false;
    to.resize(std::min(to.find('\0'), to.size()));
    return true;
  }
};

Semihosting::Semihosting(SemihostingConfig config, Facts facts, dev::Log& log)
    : config_(std::move(config)), facts_(std::move(facts)), log_(log) {
  if (config_.console) config_.console->attach(this);
}

Semihosting::~Semihosting() {
  if (config_.console) config_.console->attach(nullptr);
  close_all();
}

void Semihosting::close_all() {
  for (Handle& h : handles_) {
    if (h.kind == Kind::kFile && config_.files && h.file >= 0) config_.files->close(h.file);
    h = {};
  }
}

void Semihosting::reset() {
  close_all();
  error_ = 0;
  input_.clear();
}

Semihosting::Done Semihosting::call(Memory& memory, uint32_t operation, uint64_t parameter,
                                    uint64_t& result) {
  Call call{memory, operation, parameter};
  Done done = Done::kYes;
  const int64_t value = serve(call, done);
  if (done == Done::kYes) result = static_cast<uint64_t>(call.bad ? fail(EFAULT) : value);
  return done;
}

int64_t Semihosting::serve(Call& call, Done& done) {
  switch (call.operation) {
    case kOpen:
      return open(call);
    case kClose:
      return close(call);
    case kWriteC: {
      uint8_t c = 0;
      if (!call.memory.read(call.parameter, {&c, 1})) return fail(EFAULT);
      put({&c, 1}, Kind::kOutput);
      return 0;
    }
    case kWrite0:
      return write_text(call);
    case kWrite:
      return write(call);
    case kRead:
      return read(call, done);
    case kReadC:
      return read_char(done);
    case kIsError:
      return static_cast<int64_t>(call.word(0)) < 0;
    case kIsTty:
      return is_terminal(call);
    case kSeek:
      return seek(call);
    case kFlen:
      return length(call);
    case kTmpnam:
      return temporary_name(call);
    case kRemove:
      return remove(call);
    case kRename:
      return rename(call);
    case kClock:
      return facts_.clock.now() / kNanosecondsACentisecond;
    case kTime:
      return facts_.calendar();
    case kSystem:
      log_.unimplemented(name(), "SYS_SYSTEM: a guest runs no commands of the host");
      return fail(EPERM);
    case kErrno:
      return error_;
    case kGetCommandLine:
      return command_line(call);
    case kHeapInfo:
      return heap_info(call);
    case kExit:
    case kExitExtended:
      done = Done::kNotYet;  // nothing comes after it
      return exit(call);
    case kSyncCache:
      return 0;
    case kElapsed:
      return elapsed(call);
    case kTickFrequency:
      return 1'000'000'000;
    default:
      log_.guest_error(name(), fmt::format("call of operation {:#x}, which there is not", call.operation));
      return fail(ENOSYS);
  }
}

int64_t Semihosting::fail(int error) {
  error_ = error;
  return -1;
}

bool Semihosting::have_files() {
  if (config_.files) return true;
  if (!told_of_folder_ && config_.tell)
    config_.tell(
        "the guest asks for a file of the host by semihosting, and may use none; add folder=DIR to "
        "-semihosting-config for those in it");
  told_of_folder_ = true;
  fail(EACCES);
  return false;
}

Semihosting::Handle* Semihosting::handle(Call& call) {
  const uint64_t number = call.word(0);
  if (number == 0 || number > kHandles || handles_[number - 1].kind == Kind::kFree) {
    fail(EBADF);
    return nullptr;
  }
  return &handles_[number - 1];
}

int64_t Semihosting::open(Call& call) {
  const uint64_t address = call.word(0), mode = call.word(1), size = call.word(2);
  std::string path;
  if (call.bad) return -1;
  if (!call.name(address, size, path)) return fail(EFAULT);
  if (mode >= kOpenModes) return fail(EINVAL);
  const auto free =
      std::find_if(handles_.begin(), handles_.end(), [](const Handle& h) { return h.kind == Kind::kFree; });
  if (free == handles_.end()) return fail(EMFILE);
  Handle opened;
  if (path == ":tt") {
    opened.kind = mode < 4 ? Kind::kInput : mode < 8 ? Kind::kOutput : Kind::kErrors;
  } else if (path == ":semihosting-features") {
    if (mode > 1) return fail(EACCES);
    opened.kind = Kind::kFeatures;
  } else {
    if (!have_files()) return -1;
    const auto file = config_.files->open(path, static_cast<dev::HostFiles::Mode>(mode / 2));
    if (file < 0) return answer(file);
    opened = {Kind::kFile, file};
  }
  *free = opened;
  return free - handles_.begin() + 1;
}

int64_t Semihosting::close(Call& call) {
  Handle* h = handle(call);
  if (!h) return -1;
  const Handle closed = std::exchange(*h, {});
  return closed.kind == Kind::kFile && config_.files ? answer(config_.files->close(closed.file)) : 0;
}

void Semihosting::put(std::span<const uint8_t> bytes, Kind to) {
  dev::CharBackend* line = to == Kind::kErrors && config_.errors ? config_.errors : config_.console;
  if (line) line->write(bytes);
}

int64_t Semihosting::write_text(Call& call) {
  std::vector<uint8_t> text;
  for (uint64_t done = 0; done < kMostBytes;) {
    // A piece ends with a page: the text may end before the next one, which may not be there.
    const uint64_t at = call.parameter + done, n = kMostName - at % kMostName;
    text.resize(n);
    if (!call.memory.read(at, text)) return fail(EFAULT);
    const auto end = std::find(text.begin(), text.end(), 0);
    put(std::span(text).first(static_cast<size_t>(end - text.begin())), Kind::kOutput);
    if (end != text.end()) return 0;
    done += n;
  }
  return fail(EFBIG);
}

// The number of bytes that were not written.
int64_t Semihosting::write(Call& call) {
  Handle* h = handle(call);
  const uint64_t address = call.word(1), size = call.word(2);
  if (!h || call.bad) return static_cast<int64_t>(size);
  std::vector<uint8_t> bytes;
  uint64_t done = 0;
  while (done < std::min(size, kMostBytes)) {
    bytes.resize(std::min<uint64_t>(kChunk, size - done));
    if (!call.memory.read(address + done, bytes)) {
      fail(EFAULT);
      break;
    }
    if (h->kind == Kind::kOutput || h->kind == Kind::kErrors) {
      put(bytes, h->kind);
      done += bytes.size();
      continue;
    }
    if (h->kind != Kind::kFile || !config_.files) {
      fail(EBADF);
      break;
    }
    const int64_t n = answer(config_.files->write(h->file, bytes));
    if (n <= 0) break;
    done += static_cast<uint64_t>(n);
  }
  return static_cast<int64_t>(size - done);
}

// The number of bytes that were not read: all of them at the end.
int64_t Semihosting::read(Call& call, Done& done) {
  Handle* h = handle(call);
  const uint64_t address = call.word(1), size = call.word(2);
  if (!h || call.bad) return static_cast<int64_t>(size);
  std::vector<uint8_t> bytes;
  uint64_t filled = 0;
  while (filled < std::min(size, kMostBytes)) {
    bytes.resize(std::min<uint64_t>(kChunk, size - filled));
    int64_t n = 0;
    if (h->kind == Kind::kInput) {
      if (input_.empty() && filled == 0 && config_.console && !config_.console->input_ended()) {
        done = Done::kNotYet;
        return 0;
      }
      n = static_cast<int64_t>(take_input(bytes));
    } else if (h->kind == Kind::kFeatures) {
      const uint64_t left = kFeatureBytes.size() - h->position;
      n = static_cast<int64_t>(std::min<uint64_t>(left, bytes.size()));
      std::copy_n(kFeatureBytes.begin() + h->position, n, bytes.begin());
      h->position += static_cast<uint64_t>(n);
    } else if (h->kind == Kind::kFile && config_.files) {
      n = answer(config_.files->read(h->file, bytes));
    } else {
      n = fail(EBADF);
    }
    if (n <= 0) break;
    if (!call.memory.write(address + filled, std::span(bytes).first(static_cast<size_t>(n)))) {
      fail(EFAULT);
      break;
    }
    filled += static_cast<uint64_t>(n);
    if (h->kind != Kind::kFile) break;
  }
  return static_cast<int64_t>(size - filled);
}

int64_t Semihosting::read_char(Done& done) {
  uint8_t c = 0;
  if (take_input({&c, 1})) return c;
  if (!config_.console || config_.console->input_ended()) return fail(EIO);
  done = Done::kNotYet;
  return 0;
}

size_t Semihosting::take_input(std::span<uint8_t> to) {
  const size_t n = std::min(to.size(), input_.size());
  std::copy_n(input_.begin(), n, to.begin());
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(n));
  if (n != 0 && config_.console) config_.console->accept_input();
  return n;
}

int64_t Semihosting::seek(Call& call) {
  Handle* h = handle(call);
  const uint64_t position = call.word(1);
  if (!h || call.bad) return -1;
  if (h->kind == Kind::kFeatures) {
    if (position > kFeatureBytes.size()) return fail(EINVAL);
    h->position = position;
    return 0;
  }
  if (h->kind != Kind::kFile || !config_.files) return fail(ESPIPE);
  return answer(config_.files->seek(h->file, position)) < 0 ? -1 : 0;
}

int64_t Semihosting::length(Call& call) {
  const Handle* h = handle(call);
  if (!h) return -1;
  if (h->kind == Kind::kFeatures) return kFeatureBytes.size();
  return h->kind == Kind::kFile && config_.files ? answer(config_.files->length(h->file)) : 0;
}

int64_t Semihosting::is_terminal(Call& call) {
  const Handle* h = handle(call);
  if (!h) return -1;
  return h->kind == Kind::kInput || h->kind == Kind::kOutput || h->kind == Kind::kErrors;
}

int64_t Semihosting::temporary_name(Call& call) {
  const uint64_t address = call.word(0), number = call.word(1), room = call.word(2);
  const std::string text = fmt::format("tmp-{:02x}", number & 0xff);
  if (call.bad) return -1;
  if (number > 0xff || room < text.size() + 1) return fail(EINVAL);
  return call.memory.write(address, {reinterpret_cast<const uint8_t*>(text.c_str()), text.size() + 1})
             ? 0
             : fail(EFAULT);
}

int64_t Semihosting::remove(Call& call) {
  const uint64_t address = call.word(0), size = call.word(1);
  std::string path;
  if (call.bad) return -1;
  if (!call.name(address, size, path)) return fail(EFAULT);
  return have_files() ? answer(config_.files->remove(path)) : -1;
}

int64_t Semihosting::rename(Call& call) {
  const uint64_t from_address = call.word(0), from_size = call.word(1), to_address = call.word(2),
                 to_size = call.word(3);
  std::string from, to;
  if (call.bad) return -1;
  if (!call.name(from_address, from_size, from) || !call.name(to_address, to_size, to)) return fail(EFAULT);
  return have_files() ? answer(config_.files->rename(from, to)) : -1;
}

int64_t Semihosting::command_line(Call& call) {
  const uint64_t address = call.word(0), room = call.word(1);
  const std::string& text = config_.command_line;
  if (call.bad) return -1;
  if (room < text.size() + 1) return fail(E2BIG);
  if (!call.memory.write(address, {reinterpret_cast<const uint8_t*>(text.c_str()), text.size() + 1}) ||
      !call.put_word(call.parameter + kWord, text.size()))
    return fail(EFAULT);
  return 0;
}

// The largest piece of memory that nothing was loaded to: the heap grows up from its start, the stack down
// from its end.
int64_t Semihosting::heap_info(Call& call) {
  const uint64_t block = call.word(0);
  if (call.bad) return -1;
  const uint64_t values[] = {facts_.heap_begin, facts_.heap_end, facts_.heap_end, facts_.heap_begin};
  for (unsigned i = 0; i < std::size(values); ++i)
    if (!call.put_word(block + i * kWord, values[i])) return fail(EFAULT);
  return 0;
}

int64_t Semihosting::elapsed(Call& call) {
  return call.put_word(call.parameter, static_cast<uint64_t>(facts_.clock.now())) ? 0 : fail(EFAULT);
}

int64_t Semihosting::exit(Call& call) {
  const uint64_t reason = call.word(0), code = call.word(1);
  const bool good = !call.bad && reason == kApplicationExit;
  if (config_.exit) config_.exit(good ? static_cast<int>(code & 0xff) : 1);
  return 0;
}

size_t Semihosting::can_receive() const { return kInputRoom - std::min(kInputRoom, input_.size()); }

void Semihosting::receive(std::span<const uint8_t> bytes) {
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  if (config_.input) config_.input();
}

void Semihosting::serialize_state(dev::StateStream& stream) {
  stream.io(error_);
  std::vector<uint8_t> input(input_.begin(), input_.end());
  stream.io(input, kInputRoom);
  auto handles = handles_;
  for (Handle& h : handles) {
    stream.io(h.kind);
    stream.io(h.position);
    if (h.kind > Kind::kFile || (h.kind == Kind::kFeatures && h.position > kFeatureBytes.size()))
      stream.fail();
  }
  if (!stream.loading() || stream.failed()) return;
  close_all();
  handles_ = handles;
  for (Handle& h : handles_) h.file = -1;
  input_.assign(input.begin(), input.end());
}

}  // namespace mynah
