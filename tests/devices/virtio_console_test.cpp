// SPDX-License-Identifier: Apache-2.0
//
// virtio-console: one port, many ports, back-pressure, hostile buffers.
#include "devices/virtio/virtio_console.h"

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class FakeTerminal final : public CharBackend {
 public:
  void write(std::span<const uint8_t> bytes) override { output.append(bytes.begin(), bytes.end()); }
  void attach(CharReceiver* to) override { receiver = to; }
  void accept_input() override {
    ++wakeups;
    feed();
  }
  void type(const std::string& text) {
    input += text;
    feed();
  }
  std::string output, input;
  CharReceiver* receiver = nullptr;
  int wakeups = 0;

 private:
  void feed() {
    while (!input.empty()) {
      const size_t n = std::min(input.size(), receiver->can_receive());
      if (n == 0) return;
      const std::vector<uint8_t> part(input.begin(), input.begin() + static_cast<ptrdiff_t>(n));
      input.erase(0, n);
      receiver->receive(part);
    }
  }
};

std::string text_at(const FakeMemory& memory, uint64_t pa, size_t n) {
  const auto bytes = memory.get_bytes(pa, n);
  return {bytes.begin(), bytes.end()};
}

void put_text(FakeMemory& memory, uint64_t pa, const std::string& text) {
  memory.put_bytes(pa, std::vector<uint8_t>(text.begin(), text.end()));
}

class VirtioConsoleTest : public testing::Test {
 protected:
  void SetUp() override { driver.start(); }
  void add_rx(uint32_t size, uint16_t head = 0) {
    driver.queue(0).add({{kData + 0x1000 * head, size, kWrite}}, head);
    driver.kick(0);
  }
  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  FakeTerminal terminal;
  VirtioConsole console{memory, log, terminal};
  VirtioMmio mmio{&console, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioConsoleTest, Identification) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 3u);
  EXPECT_EQ(driver.device_features() & 3, 0u);
  EXPECT_EQ(console.queue_count(), 2u);
}

TEST_F(VirtioConsoleTest, Output) {
  put_text(memory, kData, "hello, ");
  put_text(memory, kData + 0x100, "world");
  driver.queue(1).add({{kData, 7}, {kData + 0x100, 5}});
  driver.kick(1);
  EXPECT_EQ(terminal.output, "hello, world");
  EXPECT_EQ(driver.queue(1).used_index(), 1);
  EXPECT_TRUE(irq.level);
}

TEST_F(VirtioConsoleTest, Input) {
  add_rx(4096);
  terminal.type("ls\n");
  EXPECT_EQ(driver.queue(0).used_index(), 1);
  EXPECT_EQ(driver.queue(0).used_element(0).length, 3u);
  EXPECT_EQ(text_at(memory, kData, 3), "ls\n");
}

TEST_F(VirtioConsoleTest, InputWaitsForBuffers) {
  terminal.type("abc");
  EXPECT_EQ(driver.queue(0).used_index(), 0);
  add_rx(2, 0);
  add_rx(16, 1);
  EXPECT_EQ(text_at(memory, kData, 2), "ab");
  EXPECT_EQ(text_at(memory, kData + 0x1000, 1), "c");
}

TEST_F(VirtioConsoleTest, FullFifoPushesBack) {
  const std::string much(10000, 'x');
  terminal.type(much);
  EXPECT_EQ(terminal.input.size(), 10000u - 4096);
  EXPECT_EQ(terminal.receiver->can_receive(), 0u);
  for (uint16_t i = 0; i < 16; ++i) add_rx(1024, i);
  EXPECT_TRUE(terminal.input.empty());
  size_t got = 0;
  for (uint16_t i = 0; i < driver.queue(0).used_index(); ++i) got += driver.queue(0).used_element(i).length;
  EXPECT_EQ(got, 10000u);
}

TEST_F(VirtioConsoleTest, InputBeforeTheDriverStaysWithTheHost) {
  driver.set_reg(kRegStatus, 0);
  terminal.type("early");
  EXPECT_EQ(terminal.input, "early");
  driver.start();
  EXPECT_EQ(terminal.input, "");
  add_rx(64);
  EXPECT_EQ(text_at(memory, kData, 5), "early");
}

TEST_F(VirtioConsoleTest, EmergencyWrite) {
  driver.set_reg(kRegStatus, 0);
  driver.set_reg(kRegConfig + 8, 'p');
  mmio.write(kRegConfig + 8, Width::k1, 'q');
  EXPECT_EQ(terminal.output, "pq");
}

TEST_F(VirtioConsoleTest, HostileBuffers) {
  const std::vector<std::pair<unsigned, std::vector<Desc>>> cases = {
      {0, {{kData, 64}}}, {0, {{0, 64, kWrite}}}, {1, {{kData, 64, kWrite}}},
      {1, {{0, 64}}},     {1, {{kData, 0}}},
  };
  for (const auto& [queue, chain] : cases) {
    log.errors.clear();
    driver.start();
    driver.queue(queue).add(chain);
    driver.kick(queue);
    terminal.type("x");
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(log.errors.size(), 1u);
    EXPECT_EQ(terminal.receiver->can_receive(), 0u);
  }
}

TEST_F(VirtioConsoleTest, DetachesAtItsEnd) {
  FakeTerminal other;
  {
    VirtioConsole gone(memory, log, other);
    EXPECT_NE(other.receiver, nullptr);
  }
  EXPECT_EQ(other.receiver, nullptr);
}

TEST_F(VirtioConsoleTest, SaveAndRestore) {
  terminal.type("kept");
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  add_rx(64);
  EXPECT_EQ(text_at(memory, kData, 4), "kept");
}

// ---- Several ports.

class VirtioPorts : public testing::Test {
 protected:
  struct Message {
    uint32_t id;
    uint16_t event;
    uint16_t value;
    std::string name;
    bool operator==(const Message&) const = default;
  };
  static constexpr uint64_t kControlData = kData + 0x20000;

  void SetUp() override { driver.start(); }
  void add_control_buffers(unsigned n) {
    for (unsigned i = 0; i < n; ++i, ++control_buffers) {
      const auto head = static_cast<uint16_t>(control_buffers % 16);
      driver.queue(2).add({{kControlData + 0x100 * head, 64, kWrite}}, head);
    }
    driver.kick(2);
  }
  std::vector<Message> messages() {
    std::vector<Message> got;
    for (; seen != driver.queue(2).used_index(); ++seen) {
      const Used used = driver.queue(2).used_element(seen);
      const uint64_t at = kControlData + 0x100 * used.id;
      got.push_back({memory.get<uint32_t>(at), memory.get<uint16_t>(at + 4), memory.get<uint16_t>(at + 6),
                     text_at(memory, at + 8, used.length - 8)});
    }
    return got;
  }
  void send(uint32_t id, uint16_t event, uint16_t value) {
    memory.put(kData + 0x1f000, id);
    memory.put(kData + 0x1f004, event);
    memory.put(kData + 0x1f006, value);
    driver.queue(3).add({{kData + 0x1f000, 8}});
    driver.kick(3);
  }

  explicit VirtioPorts(unsigned console_number, unsigned channel_number)
      : console(memory, log,
                {{terminal, "", true, console_number}, {channel, "org.mynah.0", false, channel_number}}) {}

  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  FakeTerminal terminal, channel;
  VirtioConsole console;
  VirtioMmio mmio{&console, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
  unsigned control_buffers = 0;
  uint16_t seen = 0;
};

struct VirtioPortsTest : VirtioPorts {
  VirtioPortsTest() : VirtioPorts(0, 1) {}
};
struct VirtioSparsePortsTest : VirtioPorts {
  VirtioSparsePortsTest() : VirtioPorts(4, 2) {}
};

TEST_F(VirtioSparsePortsTest, PortsHaveTheirNumbers) {
  EXPECT_EQ(console.queue_count(), 12u);
  EXPECT_EQ(driver.reg(kRegConfig + 4), 5u);
  add_control_buffers(8);
  send(0xffff'ffff, 0, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{2, 1, 1, ""}, {4, 1, 1, ""}}));
  send(4, 3, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{4, 4, 1, ""}, {4, 6, 1, ""}}));
  send(2, 3, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{2, 7, 1, "org.mynah.0"}, {2, 6, 1, ""}}));
  EXPECT_TRUE(log.errors.empty());
  put_text(memory, kData + 0x100, "out");
  driver.queue(7).add({{kData + 0x100, 3}});
  driver.kick(7);
  EXPECT_EQ(channel.output, "out");
}

TEST_F(VirtioSparsePortsTest, NumbersWithoutAPortAreQuiet) {
  for (const unsigned queue : {0u, 1u, 4u, 5u, 8u, 9u}) {
    driver.queue(queue).add({{kData, 8}});
    driver.kick(queue);
    EXPECT_EQ(driver.queue(queue).used_index(), 0);
  }
  for (const uint32_t port : {0u, 1u, 3u, 5u}) send(port, 3, 1);
  EXPECT_EQ(log.errors.size(), 4u);
  EXPECT_FALSE(driver.needs_reset());
  driver.set_reg(kRegConfig + 8, 'x');  // the emergency write is port 0's
  EXPECT_EQ(terminal.output + channel.output, "");
  StateStream saved;
  mmio.serialize(saved);
  StateStream load(saved.bytes());
  mmio.serialize(load);
  EXPECT_FALSE(load.failed());
  mmio.reset();
}

TEST_F(VirtioPortsTest, HandShake) {
  EXPECT_EQ(console.queue_count(), 6u);
  EXPECT_EQ(driver.reg(kRegConfig + 4), 2u);
  add_control_buffers(8);
  send(0xffff'ffff, 0, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{0, 1, 1, ""}, {1, 1, 1, ""}}));
  send(0, 3, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{0, 4, 1, ""}, {0, 6, 1, ""}}));
  send(1, 3, 1);
  EXPECT_EQ(messages(), (std::vector<Message>{{1, 7, 1, "org.mynah.0"}, {1, 6, 1, ""}}));
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(VirtioPortsTest, MessagesWaitForBuffers) {
  send(0xffff'ffff, 0, 1);
  EXPECT_TRUE(messages().empty());
  add_control_buffers(1);
  EXPECT_EQ(messages().size(), 1u);
  add_control_buffers(1);
  EXPECT_EQ(messages().size(), 1u);
}

TEST_F(VirtioPortsTest, MessagesDoNotPileUp) {
  for (int i = 0; i < 1000; ++i) send(0, 3, 1);
  EXPECT_FALSE(log.errors.empty());
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioPortsTest, DataOfTheSecondPort) {
  channel.type("in");
  EXPECT_EQ(channel.input, "in");  // not open yet
  driver.queue(4).add({{kData, 64, kWrite}});
  driver.kick(4);
  send(1, 6, 1);
  EXPECT_EQ(text_at(memory, kData, 2), "in");
  put_text(memory, kData + 0x100, "out");
  driver.queue(5).add({{kData + 0x100, 3}});
  driver.kick(5);
  EXPECT_EQ(channel.output, "out");
  EXPECT_EQ(terminal.output, "");
  send(1, 6, 0);
  channel.type("more");
  EXPECT_EQ(channel.input, "more");
}

TEST_F(VirtioPortsTest, DriverWithoutMultiport) {
  driver.start(0);
  driver.queue(0).add({{kData, 64, kWrite}});
  driver.kick(0);
  terminal.type("x");
  EXPECT_EQ(text_at(memory, kData, 1), "x");
  driver.queue(3).add({{kData, 64}});
  driver.kick(3);
  EXPECT_EQ(driver.queue(3).used_index(), 0);
  EXPECT_EQ(channel.receiver->can_receive(), 0u);
}

TEST_F(VirtioPortsTest, HostileMessages) {
  add_control_buffers(8);
  send(2, 3, 1);
  send(0xffff'ffff, 6, 1);
  send(0, 99, 1);
  EXPECT_EQ(log.errors.size(), 3u);
  EXPECT_FALSE(driver.needs_reset());
  driver.queue(3).add({{kData, 7}});
  driver.kick(3);
  EXPECT_TRUE(driver.needs_reset());
}

TEST_F(VirtioPortsTest, ControlBufferTooShort) {
  driver.queue(2).add({{kData, 7, kWrite}});
  driver.kick(2);
  EXPECT_FALSE(driver.needs_reset());
  send(0, 3, 1);
  EXPECT_TRUE(driver.needs_reset());
}

TEST_F(VirtioPortsTest, SaveAndRestore) {
  send(1, 6, 1);
  send(1, 3, 1);  // two messages wait
  channel.type("kept");
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  add_control_buffers(2);
  EXPECT_EQ(messages(), (std::vector<Message>{{1, 7, 1, "org.mynah.0"}, {1, 6, 1, ""}}));
  driver.queue(4).add({{kData, 64, kWrite}});
  driver.kick(4);
  EXPECT_EQ(text_at(memory, kData, 4), "kept");
  for (size_t n = 0; n < saved.bytes().size(); ++n) {
    StateStream part(
        std::vector<uint8_t>(saved.bytes().begin(), saved.bytes().begin() + static_cast<ptrdiff_t>(n)));
    mmio.serialize(part);
    EXPECT_TRUE(part.failed());
  }
}

}  // namespace
}  // namespace mynah::dev::test
