// SPDX-License-Identifier: Apache-2.0
//
// Where one drive is there and the other is selected, the one that is there answers for it: with a status of
// 0.
#include "devices/storage/ide_channel.h"

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint8_t kNoInterrupts = 2, kSoftwareReset = 4, kHighOrder = 0x80;  // of the control register
constexpr uint8_t kExecuteDiagnostic = 0x90;
}  // namespace

IdeChannel::IdeChannel(std::string name, IrqLine irq) : name_(std::move(name)), irq_(irq) {}

void IdeChannel::reset() {
  select_ = control_value_ = 0;
  for (const auto& drive : drives_)
    if (drive) drive->reset();
  update();
}

void IdeChannel::update() {
  const IdeDrive* drive = selected();
  const bool level = drive && drive->interrupt() && !(control_value_ & kNoInterrupts);
  irq_.set(level);
  if (level && !shown_) {
    shown_ = true;
    interrupted();
  }
  shown_ = level;
}

uint8_t IdeChannel::status() const {
  constexpr uint8_t kNoDrives = 0x7f;
  if (!drives_[0] && !drives_[1]) return kNoDrives;
  if (control_value_ & kSoftwareReset) return IdeDrive::kBusy;
  const IdeDrive* drive = selected();
  return drive ? drive->status() : 0;
}

uint8_t IdeChannel::read_register(unsigned n) {
  if (n == IdeDrive::kStatusCommand) {
    const uint8_t value = status();
    if (IdeDrive* drive = selected()) drive->acknowledge();
    update();
    return value;
  }
  const IdeDrive* drive = selected();
  if (!drive) return drives_[0] || drives_[1] ? 0 : 0xff;
  if (n == IdeDrive::kDevice) return static_cast<uint8_t>(select_ | 0xa0);
  return drive->read_register(n, control_value_ & kHighOrder);
}

void IdeChannel::write_register(unsigned n, uint8_t value) {
  control_value_ &= static_cast<uint8_t>(~kHighOrder);
  if (n != IdeDrive::kStatusCommand) {
    if (n == IdeDrive::kDevice) select_ = value;
    for (const auto& drive : drives_)
      if (drive) drive->write_register(n, value);
    if (n == IdeDrive::kDevice) update();
    return;
  }
  if (control_value_ & kSoftwareReset) return;
  if (value == kExecuteDiagnostic) {
    select_ = 0;
    for (const auto& drive : drives_)
      if (drive) drive->execute_diagnostic();
  } else if (IdeDrive* drive = selected()) {
    drive->command(value);
  }
  update();
  command_written();
}

void IdeChannel::write_control(uint8_t value) {
  const bool ends = (control_value_ & kSoftwareReset) && !(value & kSoftwareReset);
  control_value_ = value;
  if (ends) {
    select_ = 0;
    for (const auto& drive : drives_)
      if (drive) drive->reset();
  }
  update();
}

uint64_t IdeChannel::Block::read(Offset offset, Width width) {
  if (is_control_) return channel_.status();
  if (offset == IdeDrive::kData) {
    IdeDrive* drive = channel_.selected();
    const uint64_t value = drive ? drive->read_data(bytes(width)) : low_bytes(~uint64_t{0}, width);
    channel_.update();
    return value;
  }
  return read_by_bytes(offset, width,
                       [this](Offset at) { return channel_.read_register(static_cast<unsigned>(at)); });
}

void IdeChannel::Block::write(Offset offset, Width width, uint64_t value) {
  if (is_control_) return channel_.write_control(static_cast<uint8_t>(value));
  if (offset == IdeDrive::kData) {
    if (IdeDrive* drive = channel_.selected()) drive->write_data(bytes(width), static_cast<uint32_t>(value));
    channel_.update();
    channel_.command_written();  // a packet may have asked for DMA
    return;
  }
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
    channel_.write_register(static_cast<unsigned>(at), byte);
  });
}

void IdeChannel::serialize_state(StateStream& s) {
  s.io(select_);
  s.io(control_value_);
  for (const auto& drive : drives_)
    if (drive) drive->serialize(s);
  if (!s.loading()) return;
  const IdeDrive* drive = selected();
  shown_ = drive && drive->interrupt() && !(control_value_ & kNoInterrupts);
  irq_.set(shown_);
}

}  // namespace mynah::dev
