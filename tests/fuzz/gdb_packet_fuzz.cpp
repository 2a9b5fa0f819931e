// SPDX-License-Identifier: Apache-2.0
//
// The debugger's line: any bytes are answered or refused, and what is answered is framed.
#include <string>

#include "app/gdb_stub.h"
#include "tests/app/gdb_fake_target.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {

constexpr std::string_view kStarts[] = {"?",
                                        "g",
                                        "G",
                                        "p",
                                        "P1=",
                                        "m1000,",
                                        "M1000,",
                                        "X1000,",
                                        "Z0,",
                                        "z2,",
                                        "vCont;",
                                        "vCont?",
                                        "c",
                                        "s",
                                        "C05",
                                        "H",
                                        "T",
                                        "D",
                                        "k",
                                        "qRcmd,",
                                        "qXfer:features:read:target.xml:",
                                        "qSupported:",
                                        "QStartNoAckMode",
                                        "qfThreadInfo",
                                        "qAttached"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  app::test::FakeGdbTarget target;
  target.note = false;
  size_t sent = 0;
  app::GdbStub stub(target, [&](std::string_view bytes) {
    fuzz::require(bytes == "+" || bytes == "-" || (bytes[0] == '$' && bytes[bytes.size() - 3] == '#'));
    fuzz::require(bytes.size() <= 2 * app::GdbStub::kMaxPacket + 4);
    sent += bytes.size();
  });
  const auto feed = [&](std::string_view bytes) {
    stub.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  };
  while (!in.empty()) {
    const uint8_t op = in.u8();
    if (op < 160) {
      std::string body(kStarts[op % std::size(kStarts)]);
      for (unsigned n = in.u8() % 24; n != 0; --n) {
        const uint8_t b = in.u8();
        body += b < 128 ? "0123456789abcdef,:;=-"[b % 21] : static_cast<char>(b);
      }
      feed(app::test::frame(body));
    } else if (op < 200) {
      const char raw = static_cast<char>(in.u8());
      feed({&raw, 1});
    } else if (op < 220) {
      stub.stopped({.signal = in.u8(),
                    .reason = static_cast<app::GdbStop::Reason>(in.u8() % 4),
                    .watch = static_cast<app::GdbPoint>(2 + in.u8() % 3),
                    .address = in.u64()});
    } else if (op < 230) {
      stub.disconnected();
      stub.connected();
    } else {
      feed("\x03");
    }
    for (const std::string& r : target.registers) fuzz::require(r.size() == 8 || r.size() == 4);
  }
  return 0;
}
