// SPDX-License-Identifier: Apache-2.0
//
// An input is on where one of the PIRQs that are routed to it is.
#include "devices/chipset/ich9_lpc.h"

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kNotRouted = 0x80;
// Interrupts that a PIRQ cannot be: timer, keyboard, cascade, calendar, coprocessor.
constexpr uint16_t kReserved = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;
constexpr unsigned kPmRange = pci::Function::kOwnRange;
constexpr uint8_t kApmSmiEnable = 0x20, kKeptOfReset = 0x0a;
// Chipset configuration.
constexpr unsigned kRoutes[] = {0x3140, 0x3144, 0x3146,
                                0x3148, 0x314c, 0x3150};  // D31IR to D25IR without D30's
constexpr unsigned kControl = 0x3410;                     // GCS
constexpr uint8_t kNoReboot = 0x20;
}  // namespace

Ich9Lpc::Ich9Lpc(EventQueue& events, const Lines& lines, std::function<void()> reset,
                 std::function<void()> off, Device& config_ports, Log& log)
    : Function("ICH9-LPC", {.vendor = 0x8086, .device = 0x2918, .class_code = 0x060100, .revision = 2}, log,
               pci::ConfigSize::kConventional),
      lines_(lines),
      pm1_(events, IrqLine(sci_sink_, 0), std::move(off),
           [this] { unimplemented("sleeping with memory on (S3)"); }),
      ports_("ich9-reset", config_ports, kKeptOfReset, std::move(reset)),
      apm_("ich9-apm", kAcpiEnable, kAcpiDisable, [this](bool on) { pm1_.turn_on(on); }),
      chipset_(kRcbaSize) {
  add_range(0, pci::Space::kIo, kPmSize);
  add_range(1, pci::Space::kMemory, kRcbaSize);
  set_config(kPmBase, 4, 1);
  let_write(kPmBase, 4, 0xff80);
  let_write(kAcpiControl, 1, 0x87);
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) {
    set_config(pirq_register(pirq), 1, kNotRouted);
    let_write(pirq_register(pirq), 1, 0x8f);
  }
  constexpr unsigned kIoDecode = 0x80, kPowerConfiguration = 0xa0;
  constexpr uint32_t kFirstLineAndPrinter = 0x00050000;
  set_config(kIoDecode, 4, kFirstLineAndPrinter);
  let_write(kIoDecode, 4, 0x3f0f1377);
  for (unsigned at = kIoDecode + 4; at < kIoDecode + 20; at += 4) let_write(at, 4, 0x00fcfffd);
  let_write(kPowerConfiguration, 2, 0x1edf);
  let_write(kRcba, 4, 0xffffc001);
  reset_chipset();
}

void Ich9Lpc::reset_chipset() {
  constexpr uint16_t kRoutesAtReset = 0x3210;
  std::fill(chipset_.begin(), chipset_.end(), uint8_t{0});
  for (unsigned at : kRoutes) {
    chipset_[at] = static_cast<uint8_t>(kRoutesAtReset);
    chipset_[at + 1] = kRoutesAtReset >> 8;
  }
  chipset_[kControl] = kNoReboot;
}

void Ich9Lpc::reset_model() {
  gpe_ = {};
  smi_enable_ = {kApmSmiEnable};  // firmware that finds it on does not set up SMM
  apm_.control = apm_.status = ports_.control = 0;
  reset_chipset();
  pm1_.reset();
  place();
  show();
}

void Ich9Lpc::config_written(unsigned, unsigned) {
  place();
  show();
}

void Ich9Lpc::place() {
  const auto at = [](bool on, uint64_t base) { return on && base ? std::optional(base) : std::nullopt; };
  place_range(0, at(config(kAcpiControl, 1) & kAcpiOn, config(kPmBase, 4) & 0xff80));
  const uint32_t rcba = config(kRcba, 4);
  place_range(1, at(rcba & 1, rcba & 0xffffc000));
}

// --- interrupts

void Ich9Lpc::Pirqs::set_irq(unsigned line, bool level) {
  if (line >= kPirqs) return;
  bridge.levels_[line] = level;
  bridge.show();
}

unsigned Ich9Lpc::sci_input() const {
  constexpr uint8_t kInputs[] = {9, 10, 11, 9, 20, 21, 9, 9};
  return kInputs[config(kAcpiControl, 1) & 7];
}

void Ich9Lpc::show() {
  uint32_t wanted = 0;
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) {
    if (!levels_[pirq]) continue;
    wanted |= 1u << (kFirstInput + pirq);
    const uint32_t route = config(pirq_register(pirq), 1);
    if (!(route & kNotRouted) && !(kReserved >> (route & 15) & 1)) wanted |= 1u << (route & 15);
  }
  const uint32_t wanted_sci = sci_ ? 1u << sci_input() : 0;
  const uint32_t changed = std::exchange(shown_, wanted) ^ wanted;
  const uint32_t changed_sci = std::exchange(shown_sci_, wanted_sci) ^ wanted_sci;
  for (unsigned input = 0; input < lines_.pirqs.size(); ++input) {
    if (changed >> input & 1) lines_.pirqs[input].set(wanted >> input & 1);
    if (changed_sci >> input & 1) lines_.sci[input].set(wanted_sci >> input & 1);
  }
}

// --- registers at PMBASE and RCBA

uint8_t Ich9Lpc::read_pm(Offset at) const {
  if (at >= kGpeStatus && at < kGpeStatus + kGpeBytes) return gpe_[at - kGpeStatus];
  if (at >= kSmiEnable && at < kSmiEnable + smi_enable_.size()) return smi_enable_[at - kSmiEnable];
  return 0;
}

void Ich9Lpc::write_pm(Offset at, uint8_t value) {
  if (at >= kGpeStatus && at < kGpeEnable)
    gpe_[at - kGpeStatus] &= static_cast<uint8_t>(~value);
  else if (at >= kGpeEnable && at < kSmiEnable)
    gpe_[at - kGpeStatus] = value;
  else if (at >= kSmiEnable && at < kSmiEnable + smi_enable_.size())
    smi_enable_[at - kSmiEnable] = static_cast<uint8_t>(at == kSmiEnable ? value | kApmSmiEnable : value);
}

void Ich9Lpc::write_chipset(Offset at, uint8_t value) {
  chipset_[at] = static_cast<uint8_t>(at == kControl ? value | kNoReboot : value);
}

uint64_t Ich9Lpc::bar_read(unsigned bar, uint64_t offset, Width width) {
  if (bar == kPmRange && offset < Pm1::kSize) return pm1_.read(offset, width);
  return read_by_bytes(offset, width,
                       [&](Offset at) { return bar == kPmRange ? read_pm(at) : chipset_[at]; });
}

void Ich9Lpc::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar == kPmRange && offset < Pm1::kSize) return pm1_.write(offset, width, value);
  write_by_bytes(offset, width, value, [&](Offset at, uint8_t byte) {
    bar == kPmRange ? write_pm(at, byte) : write_chipset(at, byte);
  });
}

void Ich9Lpc::serialize_model(StateStream& s) {
  pm1_.serialize(s);
  s.io(gpe_);
  s.io(smi_enable_);
  for (uint8_t* byte : {&apm_.control, &apm_.status, &ports_.control}) s.io(*byte);
  for (bool& level : levels_) s.io(level);
  s.raw(chipset_.data(), chipset_.size());
  if (!s.loading()) return;
  smi_enable_[0] |= kApmSmiEnable;
  chipset_[kControl] |= kNoReboot;
  ports_.control &= kKeptOfReset;
  place();
  show();
}

}  // namespace mynah::dev
