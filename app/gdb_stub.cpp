// SPDX-License-Identifier: Apache-2.0
//
// Packets byte by byte (checksum, escapes, acknowledgement), then one function a packet. An answer to what is
// not known is empty, as the protocol wants it (GDB manual, "Packet Acknowledgment" and "Overview").
#include "app/gdb_stub.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "app/text.h"

namespace mynah::app {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(static_cast<uint8_t>(text[i])), low = digit(static_cast<uint8_t>(text[i + 1]));
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

// Takes a hexadecimal number off the front.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}
bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}
bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

constexpr const char* kOk = "OK";
constexpr const char* kBadPacket = "E16";   // EINVAL
constexpr const char* kBadAddress = "E0e";  // EFAULT
constexpr const char* kUnsupported = "";

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

void GdbStub::connected() {
  state_ = State::kIdle;
  acknowledge_ = true;
  knows_breakpoint_kind_ = false;
  waiting_ = false;
  last_sent_.clear();
}

void GdbStub::disconnected() {
  waiting_ = false;
  physical_ = false;
  target_.gdb_use_physical(false);
  target_.gdb_clear_points();
}

void GdbStub::receive(std::span<const uint8_t> bytes) {
  for (uint8_t byte : bytes) {
    switch (state_) {
      case State::kIdle:
        if (byte == '$') {
          state_ = State::kBody;
          body_.clear();
          sum_ = 0;
          escape_ = too_long_ = false;
        } else if (byte == 3) {
          target_.gdb_interrupt();
        } else if (byte == '-' && acknowledge_ && !last_sent_.empty()) {
          send_(last_sent_);
        }
        break;
      case State::kBody:
        if (byte == '#') {
          state_ = State::kChecksum1;
          break;
        }
        if (byte == '$') {  // the packet before was cut off
          body_.clear();
          sum_ = 0;
          escape_ = too_long_ = false;
          break;
        }
        sum_ = static_cast<uint8_t>(sum_ + byte);
        if (byte == '}' && !escape_) {
          escape_ = true;
          break;
        }
        if (escape_) byte ^= 0x20;
        escape_ = false;
        if (body_.size() < kMaxPacket)
          body_ += static_cast<char>(byte);
        else
          too_long_ = true;
        break;
      case State::kChecksum1:
        good_checksum_ = digit(byte) >= 0;
        expected_ = static_cast<uint8_t>(digit(byte) << 4);
        state_ = State::kChecksum2;
        break;
      case State::kChecksum2: {
        state_ = State::kIdle;
        good_checksum_ =
            good_checksum_ && digit(byte) >= 0 && (expected_ | digit(byte)) == sum_ && !too_long_;
        if (acknowledge_) send_(good_checksum_ ? "+" : "-");
        if (good_checksum_) packet(std::string(body_));
        break;
      }
    }
  }
}

std::string GdbStub::framed(std::string_view body) {
  std::string framed = "$";
  uint8_t sum = 0;
  for (char c : body) {
    if (c == '#' || c == '$' || c == '}' || c == '*') {
      framed += '}';
      sum = static_cast<uint8_t>(sum + '}');
      c ^= 0x20;
    }
    framed += c;
    sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  }
  framed += '#';
  framed += kDigits[sum >> 4];
  framed += kDigits[sum & 15];
  return framed;
}

void GdbStub::reply(std::string_view body) { transmit(framed(body)); }

void GdbStub::transmit(const std::string& framed) {
  last_sent_ = framed;
  send_(framed);
}

std::string GdbStub::stop_text(const GdbStop& stop) const {
  std::string text = fmt::format("T{:02x}thread:{:x};", stop.signal, stop.thread);
  switch (stop.reason) {
    case GdbStop::Reason::kSignal:
      break;
    case GdbStop::Reason::kSoftwareBreakpoint:
      if (knows_breakpoint_kind_) text += "swbreak:;";
      break;
    case GdbStop::Reason::kHardwareBreakpoint:
      if (knows_breakpoint_kind_) text += "hwbreak:;";
      break;
    case GdbStop::Reason::kWatchpoint:
      text += stop.watch == GdbPoint::kRead     ? "rwatch:"
              : stop.watch == GdbPoint::kAccess ? "awatch:"
                                                : "watch:";
      text += fmt::format("{:x};", stop.address);
      break;
  }
  return text;
}

void GdbStub::stopped(const GdbStop& stop) {
  last_stop_ = stop;
  step_thread_ = 0;
  target_.gdb_select_thread(stop.thread);
  if (!waiting_) return;
  waiting_ = false;
  reply(stop_text(stop));
}

void GdbStub::exited(uint8_t code) {
  if (!waiting_) return;
  waiting_ = false;
  reply(fmt::format("W{:02x}", code));
}

void GdbStub::resume(bool step, unsigned thread) {
  if (waiting_) return;
  waiting_ = true;
  if (thread == 0) thread = step_thread_ ? step_thread_ : last_stop_.thread;
  step ? target_.gdb_step(thread) : target_.gdb_continue();
}

std::optional<unsigned> GdbStub::thread_of(std::string_view text) const {
  if (take(text, 'p')) {  // and a process, of which there is one
    text.remove_prefix(std::min(text.find('.'), text.size() - 1) + (text.empty() ? 0 : 1));
  }
  if (text == "-1") return 0;
  const auto thread = take_number(text);
  if (!thread || !text.empty() || *thread > target_.gdb_thread_count()) return std::nullopt;
  return static_cast<unsigned>(*thread);
}

std::string GdbStub::select_thread(char what, std::string_view text) {
  const auto thread = thread_of(text);
  if (!thread) return kBadPacket;
  if (what == 'c')
    step_thread_ = *thread;
  else if (what == 'g' && *thread)
    target_.gdb_select_thread(*thread);
  return kOk;
}

// Actions of threads, "s:1;c": the first that applies to a thread counts. One that steps does so alone.
bool GdbStub::continue_verbose(std::string_view actions) {
  bool goes_on = false;
  while (!actions.empty()) {
    std::string_view action = actions.substr(0, actions.find(';'));
    actions.remove_prefix(std::min(action.size() + 1, actions.size()));
    const char kind = action[0];
    const size_t colon = action.find(':');
    const auto thread =
        colon == std::string_view::npos ? std::optional(0u) : thread_of(action.substr(colon + 1));
    if (!thread) return false;
    if (kind == 's' || kind == 'S') {
      resume(true, *thread);
      return true;
    }
    if (kind == 't') {
      target_.gdb_interrupt();
      reply(kOk);
      return true;
    }
    if (kind != 'c' && kind != 'C') return false;
    goes_on = true;
  }
  if (goes_on) resume(false);
  return goes_on;
}

void GdbStub::packet(std::string_view body) {
  if (body.empty()) return reply(kUnsupported);
  const char letter = body[0];
  std::string_view rest = body.substr(1);
  switch (letter) {
    case '?':
      return reply(stop_text(last_stop_));
    case 'g':
      return reply(read_registers());
    case 'G':
      return reply(write_registers(rest));
    case 'p':
      return reply(read_register(rest));
    case 'P':
      return reply(write_register(rest));
    case 'm':
      return reply(read_memory(rest));
    case 'M':
      return reply(write_memory(rest, false));
    case 'X':
      return reply(write_memory(rest, true));
    case 'Z':
      return reply(set_point(rest, true));
    case 'z':
      return reply(set_point(rest, false));
    case 'C':  // with a signal, which a machine has no use for
    case 'S':
      take_number(rest);
      take(rest, ';');
      [[fallthrough]];
    case 'c':
    case 's':
      if (const auto address = take_number(rest)) {
        const uint64_t pc = *address;
        const unsigned number = target_.gdb_pc_register();
        std::string bytes(target_.gdb_register_size(number), '\0');
        for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(pc >> (8 * i));
        if (!waiting_) target_.gdb_write_register(number, bytes);
      }
      return resume(letter == 's' || letter == 'S');
    case 'D':
      target_.gdb_clear_points();
      reply(kOk);
      waiting_ = false;
      return target_.gdb_continue();
    case 'k':
      return target_.gdb_kill();
    case 'H':
      if (rest.empty()) return reply(kBadPacket);
      return reply(select_thread(rest[0], rest.substr(1)));
    case 'T': {
      const auto thread = thread_of(rest);
      return reply(thread ? kOk : kBadPacket);
    }
    case 'q':
    case 'Q':
      return reply(query(body));
    case 'v':
      if (take_word(rest, "Kill")) {
        reply(kOk);
        return target_.gdb_kill();
      }
      if (take_word(rest, "Cont;")) {
        if (!continue_verbose(rest)) reply(kBadPacket);
        return;
      }
      return reply(verbose(rest));
    default:
      return reply(kUnsupported);
  }
}

std::string GdbStub::verbose(std::string_view text) {
  if (text == "Cont?") return "vCont;c;C;s;S;t";
  return kUnsupported;
}

std::string GdbStub::query(std::string_view text) {
  if (take_word(text, "qSupported")) {
    knows_breakpoint_kind_ = text.find("swbreak+") != std::string_view::npos;
    return fmt::format(
        "PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+",
        kMaxPacket);
  }
  if (text == "QStartNoAckMode") {
    acknowledge_ = false;
    return kOk;
  }
  if (take_word(text, "qXfer:features:read:")) return transfer_features(text);
  // What QEMU's debuggers ask of memory: physical addresses in place of virtual ones.
  if (text == "qqemu.Supported") return "PhyMemMode";
  if (text == "qqemu.PhyMemMode") return physical_ ? "1" : "0";
  if (take_word(text, "Qqemu.PhyMemMode:")) {
    if (text != "0" && text != "1") return kBadPacket;
    physical_ = text == "1";
    target_.gdb_use_physical(physical_);
    return kOk;
  }
  if (text == "qC") return fmt::format("QC{:x}", last_stop_.thread);
  if (text == "qfThreadInfo") {
    std::string list = "m1";
    for (unsigned i = 2; i <= target_.gdb_thread_count(); ++i) list += fmt::format(",{:x}", i);
    return list;
  }
  if (text == "qsThreadInfo") return "l";
  if (take_word(text, "qThreadExtraInfo,")) {
    const auto thread = thread_of(text);
    return thread && *thread ? to_hex(target_.gdb_thread_text(*thread)) : kBadPacket;
  }
  if (text == "qAttached" || text.starts_with("qAttached:")) return "1";
  if (text.starts_with("qSymbol:")) return kOk;
  if (take_word(text, "qRcmd,")) {
    const auto command = from_hex(text);
    if (!command) return kBadPacket;
    std::string out = target_.gdb_command(*command);
    if (out.empty()) return kOk;
    out.resize(std::min(out.size(), kMaxPacket / 2 - 1));
    return to_hex(out);
  }
  return kUnsupported;
}

std::string GdbStub::transfer_features(std::string_view text) {
  if (!take_word(text, "target.xml:")) return "E00";
  const auto offset = take_number(text);
  if (!offset || !take(text, ',')) return kBadPacket;
  const auto length = take_number(text);
  if (!length) return kBadPacket;
  const std::string xml = target_.gdb_target_xml();
  if (*offset >= xml.size()) return "l";
  const size_t n = static_cast<size_t>(std::min<uint64_t>({*length, kMaxPacket / 2, xml.size() - *offset}));
  return (*offset + n < xml.size() ? "m" : "l") + xml.substr(static_cast<size_t>(*offset), n);
}

std::string GdbStub::read_registers() {
  std::string text;
  for (unsigned i = 0; i < target_.gdb_register_count(); ++i) text += to_hex(target_.gdb_read_register(i));
  return text;
}

std::string GdbStub::write_registers(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes) return kBadPacket;
  std::string_view rest = *bytes;
  for (unsigned i = 0; i < target_.gdb_register_count() && !rest.empty(); ++i) {
    const size_t size = target_.gdb_register_size(i);
    if (rest.size() < size) return kBadPacket;
    target_.gdb_write_register(i, rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return kOk;
}

std::string GdbStub::read_register(std::string_view text) {
  const auto number = take_number(text);
  if (!number || *number > UINT32_MAX) return kBadPacket;
  const std::string bytes = target_.gdb_read_register(static_cast<unsigned>(*number));
  return bytes.empty() ? kBadPacket : to_hex(bytes);
}

std::string GdbStub::write_register(std::string_view text) {
  const auto number = take_number(text);
  if (!number || !take(text, '=') || *number > UINT32_MAX) return kBadPacket;
  const auto bytes = from_hex(text);
  if (!bytes || bytes->empty()) return kBadPacket;
  return target_.gdb_write_register(static_cast<unsigned>(*number), *bytes) ? kOk : kBadPacket;
}

std::string GdbStub::read_memory(std::string_view text) {
  const auto address = take_number(text);
  if (!address || !take(text, ',')) return kBadPacket;
  const auto length = take_number(text);
  if (!length) return kBadPacket;
  std::string bytes(static_cast<size_t>(std::min<uint64_t>(*length, kMaxPacket / 2 - 1)), '\0');
  const size_t n =
      target_.gdb_read_memory(*address, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  if (n == 0 && !bytes.empty()) return kBadAddress;
  bytes.resize(n);
  return to_hex(bytes);
}

std::string GdbStub::write_memory(std::string_view text, bool binary) {
  const auto address = take_number(text);
  if (!address || !take(text, ',')) return kBadPacket;
  const auto length = take_number(text);
  if (!length || !take(text, ':')) return kBadPacket;
  const auto bytes = binary ? std::optional<std::string>(text) : from_hex(text);
  if (!bytes || bytes->size() != *length) return kBadPacket;
  if (bytes->empty()) return kOk;  // the client finds out whether X is known
  return target_.gdb_write_memory(*address, as_bytes(*bytes)) ? kOk : kBadAddress;
}

std::string GdbStub::set_point(std::string_view text, bool insert) {
  const auto kind = take_number(text);
  if (!kind || !take(text, ',')) return kBadPacket;
  if (*kind > 4) return kUnsupported;
  const auto address = take_number(text);
  if (!address || !take(text, ',')) return kBadPacket;
  const auto length = take_number(text);
  if (!length) return kBadPacket;
  return target_.gdb_set_point(static_cast<GdbPoint>(*kind), *address, *length, insert) ? kOk : kBadPacket;
}

}  // namespace mynah::app
