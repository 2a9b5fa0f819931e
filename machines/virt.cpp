// SPDX-License-Identifier: Apache-2.0
#include "machines/virt.h"

#include <algorithm>
#include <cstring>

#include "backend-x86_64/backend.h"
#include "devices/intc/gicv3_cpu.h"
#include "machines/arm_boot.h"
#include "machines/psci.h"
#include "machines/tlb_invalidation.h"
#include "machines/virt_map.h"

namespace mynah {

using namespace virt_map;

struct VirtMachine::Walks final : arm::PhysicalMemory {
  explicit Walks(GuestMemory& memory) : memory(memory) {}
  bool read64(uint64_t pa, uint64_t& value) override { return memory.read(pa, &value, 8); }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    auto* p = reinterpret_cast<uint64_t*>(memory.for_write(pa, 8));
    if (!p) return false;
    return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
           true;
  }
  GuestMemory& memory;
};

struct VirtMachine::System final : arm::ArmSystem, arm::Firmware {
  explicit System(VirtMachine& m) : m(m) {}
  arm::PhysicalMemory& memory() override { return *m.walks_; }
  void tlb_invalidate(const arm::TlbInvalidation& request) override { invalidate(m.vcpu_->tlb(), request); }
  void translation_changed() override { m.vcpu_->translation_changed(); }
  void instruction_cache_invalidate(uint64_t, bool) override {}
  bool read_external(uint16_t key, uint64_t& value) override;
  bool write_external(uint16_t key, uint64_t value) override;
  void catch_up() override { m.events_.run_due(); }
  std::optional<uint64_t> random() override {
    if (!m.config_.entropy) return std::nullopt;
    uint8_t bytes[8];
    m.config_.entropy->fill(bytes);
    uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  void send_event() override {}
  void set_event_stream(const arm::EventStreamControl& c) override {
    m.event_stream_->set(c.enabled, c.bit, c.falling);
  }
  bool take_stream_event() override { return m.event_stream_->take(); }
  void sleeps(bool for_event) override {
    m.cycles_->sleep();
    if (for_event) m.event_stream_->wait();
  }
  void wakes() override {
    m.event_stream_->stop_waiting();
    m.cycles_->wake();
  }
  uint64_t cycle_count() override { return m.cycles_->now(); }
  void call_after_cycles(uint64_t cycles) override { m.cycles_->call_after(cycles); }
  void set_pmu_interrupt(bool level) override { m.pmu_irq_.set(level); }
  std::optional<AfterExit> call(arm::ArmState& state, bool smc) override { return psci_call(state, smc); }
  VirtMachine& m;
};

struct VirtMachine::Dma final : dev::DmaMemory {
  explicit Dma(GuestMemory& memory) : memory(memory) {}
  bool read(uint64_t pa, void* to, size_t n) override { return memory.read(pa, to, n); }
  bool write(uint64_t pa, const void* from, size_t n) override { return memory.write(pa, from, n); }
  uint8_t* map(uint64_t pa, size_t n, bool for_write) override {
    return for_write ? memory.for_write(pa, n) : memory.host(pa, n);
  }
  GuestMemory& memory;
};

struct VirtMachine::Lines final : dev::IrqSink {
  explicit Lines(VirtMachine& m) : m(m) {}
  void set_irq(unsigned line, bool level) override {
    levels[line] = level;
    if (m.stepping_) return;
    arm::ArmState& state = m.cpu_->arm();
    (line ? state.fiq_pending : state.irq_pending) = level;
    if (level && m.vcpu_) m.vcpu_->request_stop();
  }
  VirtMachine& m;
  bool levels[2] = {};
};

// Before an access what is due happens: a slice is never short enough that a guest could not see a counter
// beyond a mark, and then an interrupt controller that knows nothing of it.
struct VirtMachine::Devices final : DeviceBus {
  explicit Devices(VirtMachine& m) : m(m) {}
  bool read(uint64_t pa, unsigned width, uint64_t& value) override {
    m.events_.run_due();
    const auto found = m.bus_.read(pa, static_cast<dev::Width>(width));
    value = found.value_or(0);
    return found.has_value();
  }
  bool write(uint64_t pa, unsigned width, uint64_t value) override {
    m.events_.run_due();
    return m.bus_.write(pa, static_cast<dev::Width>(width), value);
  }
  VirtMachine& m;
};

namespace {
// Generic timer registers of EL0 and EL1.
enum TimerKey : uint16_t {
  kCntfrq = 3 << 14 | 3 << 11 | 14 << 7 | 0 << 3 | 0,
  kCntpct = 3 << 14 | 3 << 11 | 14 << 7 | 0 << 3 | 1,
  kCntvct = 3 << 14 | 3 << 11 | 14 << 7 | 0 << 3 | 2,
  kCntpTval = 3 << 14 | 3 << 11 | 14 << 7 | 2 << 3 | 0,
  kCntpCtl = 3 << 14 | 3 << 11 | 14 << 7 | 2 << 3 | 1,
  kCntpCval = 3 << 14 | 3 << 11 | 14 << 7 | 2 << 3 | 2,
  kCntvTval = 3 << 14 | 3 << 11 | 14 << 7 | 3 << 3 | 0,
  kCntvCtl = 3 << 14 | 3 << 11 | 14 << 7 | 3 << 3 | 1,
  kCntvCval = 3 << 14 | 3 << 11 | 14 << 7 | 3 << 3 | 2,
};
using Timer = dev::GenericTimer::Timer;
}  // namespace

bool VirtMachine::System::read_external(uint16_t key, uint64_t& value) {
  const dev::TimeNs now = m.events_.run_due();
  dev::GenericTimer& t = *m.timer_;
  switch (key) {
    case kCntfrq:
      value = t.frequency();
      return true;
    case kCntpct:
    case kCntvct:
      value = t.counter_at(now);
      return true;
    case kCntpTval:
      value = t.read_tval(Timer::kPhysical);
      return true;
    case kCntpCtl:
      value = t.read_ctl(Timer::kPhysical);
      return true;
    case kCntpCval:
      value = t.read_cval(Timer::kPhysical);
      return true;
    case kCntvTval:
      value = t.read_tval(Timer::kVirtual);
      return true;
    case kCntvCtl:
      value = t.read_ctl(Timer::kVirtual);
      return true;
    case kCntvCval:
      value = t.read_cval(Timer::kVirtual);
      return true;
    default:
      break;
  }
  if (!m.gicv3_) return false;
  const auto icc =
      dev::icc_reg_from_encoding(key >> 14, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7);
  return icc && m.gicv3_->read_icc(0, *icc, value);
}

bool VirtMachine::System::write_external(uint16_t key, uint64_t value) {
  m.events_.run_due();
  dev::GenericTimer& t = *m.timer_;
  switch (key) {
    case kCntfrq:
      return true;  // as firmware would: the frequency is fixed
    case kCntpTval:
      t.write_tval(Timer::kPhysical, value);
      return true;
    case kCntpCtl:
      t.write_ctl(Timer::kPhysical, value);
      return true;
    case kCntpCval:
      t.write_cval(Timer::kPhysical, value);
      return true;
    case kCntvTval:
      t.write_tval(Timer::kVirtual, value);
      return true;
    case kCntvCtl:
      t.write_ctl(Timer::kVirtual, value);
      return true;
    case kCntvCval:
      t.write_cval(Timer::kVirtual, value);
      return true;
    default:
      break;
  }
  if (!m.gicv3_) return false;
  const auto icc =
      dev::icc_reg_from_encoding(key >> 14, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7);
  return icc && m.gicv3_->write_icc(0, *icc, value);
}

VirtMachine::VirtMachine(VirtConfig config, dev::Log& log)
    : config_(std::move(config)),
      log_(log),
      clock_(config_.clock, config_.clock_shift),
      rtc_clock_(config_.rtc_clock ? *config_.rtc_clock : clock_, config_.rtc_base_seconds,
                 !config_.rtc_clock),
      events_(clock_),
      runtime_(ir::new_runtime(sizeof(arm::ArmState))),
      walks_(std::make_unique<Walks>(memory_)),
      system_(std::make_unique<System>(*this)),
      dma_(std::make_unique<Dma>(memory_)),
      lines_(std::make_unique<Lines>(*this)),
      devices_(std::make_unique<Devices>(*this)) {
  if (config_.gic_version == 3) config_.cpu.set_feature(arm::Feature::kGicCpuInterface, true);
  cpu_ = std::make_unique<arm::ArmCpu>(config_.cpu, *system_, system_.get(), *runtime_);
  add_devices();
}

VirtMachine::~VirtMachine() {
  vcpu_.reset();
  cpu_.reset();
  ir::delete_runtime(runtime_);
}

dev::IrqLine VirtMachine::spi(unsigned n) {
  return gicv3_ ? dev::IrqLine(*gicv3_, n) : dev::IrqLine(*gicv2_, n);
}

void VirtMachine::add_devices() {
  const dev::IrqLine irq(*lines_, 0), fiq(*lines_, 1);
  dev::IrqLine physical, virtual_timer;
  if (config_.gic_version == 3) {
    gicv3_ = std::make_unique<dev::Gicv3>(log_, dev::Gicv3Config{});
    gicv3_->connect_cpu(0, irq, fiq);
    physical = gicv3_->ppi_line(0, dev::GenericTimer::kPhysicalPpi);
    virtual_timer = gicv3_->ppi_line(0, dev::GenericTimer::kVirtualPpi);
    pmu_irq_ = gicv3_->ppi_line(0, kPmuPpi);
    bus_.map(kGicDistributor, dev::Gicv3::kDistributorSize, *gicv3_);
    bus_.map(kGicRedistributor, gicv3_->redistributors_size(), gicv3_->redistributors());
  } else {
    gicv2_ = std::make_unique<dev::Gicv2>(log_, dev::Gicv2Config{});
    gicv2_->connect_cpu(0, irq, fiq);
    physical = gicv2_->ppi_line(0, dev::GenericTimer::kPhysicalPpi);
    virtual_timer = gicv2_->ppi_line(0, dev::GenericTimer::kVirtualPpi);
    pmu_irq_ = gicv2_->ppi_line(0, kPmuPpi);
    bus_.map(kGicDistributor, dev::Gicv2::kWindowSize, *gicv2_);
    bus_.map(kGicCpu, dev::Gicv2::kWindowSize, gicv2_->cpu_interface());
  }
  timer_ = std::make_unique<dev::GenericTimer>(events_, 0, physical, virtual_timer);
  event_stream_ = std::make_unique<dev::EventStream>(events_, *timer_, 0, [this] { cpu_->send_event(); });
  cycles_ = std::make_unique<dev::CycleClock>(events_, 0, [this] { cpu_->cycles_passed(); });
  uart_ = std::make_unique<dev::Pl011>(config_.serial ? *config_.serial : null_serial_, spi(kUartIrq), log_);
  bus_.map(kUart, dev::Pl011::kWindowSize, *uart_);
  rtc_ = std::make_unique<dev::Pl031>(events_, spi(kRtcIrq), rtc_clock_, log_);
  bus_.map(kRtc, dev::Pl031::kWindowSize, *rtc_);
  fw_cfg_ = std::make_unique<dev::FwCfg>(*dma_, log_);
  bus_.map(kFwCfg, dev::FwCfg::kWindowSize, *fw_cfg_);
  gpio_ = std::make_unique<dev::Pl061>(events_, spi(kGpioIrq), log_);
  bus_.map(kGpio, dev::Pl061::kWindowSize, *gpio_);
}

std::string VirtMachine::add_virtio(const VirtioFactory& make) {
  for (unsigned i = kVirtioSlots; i-- > 0;) {
    if (slots_[i]) continue;
    slots_[i] = make(*dma_, log_);
    return {};
  }
  return "the machine has no free virtio slot; remove a -device (32 fit)";
}

std::string VirtMachine::init() {
  if (std::string error = memory_.add_ram(kRamBase, config_.ram_bytes); !error.empty()) return error;
  for (unsigned i = 0; i < 2; ++i) {
    const uint64_t base = kFlash + i * kFlashSize;
    if (std::string error = memory_.add_rom(base, kFlashSize, dev::PflashCfi01::kErased); !error.empty())
      return error;
    dev::PflashCfi01::Config flash;
    flash.storage = {memory_.host(base, kFlashSize), kFlashSize};
    flash_[i] = std::make_unique<dev::PflashCfi01>(flash, config_.flash[i], log_, i ? "pflash1" : "pflash0");
    if (i == 0 && !config_.firmware.empty())
      std::memcpy(flash.storage.data(), config_.firmware.data(),
                  std::min<size_t>(config_.firmware.size(), kFlashSize));
    flash_[i]->on_mode_change([this, base](bool array) {
      memory_.set_visible(base, array);
      if (vcpu_) vcpu_->host_mapping_changed();
    });
    flash_[i]->on_contents_change(
        [this, base](uint64_t at, uint64_t n) { memory_.will_change(base + at, n); });
    bus_.map(base, kFlashSize, *flash_[i]);
  }
  for (unsigned i = 0; i < kVirtioSlots; ++i) {
    transports_.push_back(std::make_unique<dev::VirtioMmio>(slots_[i].get(), spi(kVirtioIrq + i), log_));
    bus_.map(kVirtio + i * kVirtioSize, kVirtioSize, *transports_.back());
  }
  backend_ =
      x86_64::make_backend({.validate = config_.verify, .return_stack = config_.techniques.return_stack});
  vcpu_ = std::make_unique<Vcpu>(*cpu_, memory_, *devices_, backend_.get(), config_.accelerator,
                                 config_.code_bytes, config_.techniques);
  vcpu_->set_exact(clock_.deterministic());
  if (std::string error = vcpu_->init(); !error.empty()) return error;
  vcpu_->translator()->verify = config_.verify;
  clock_.count_with([this] { return vcpu_->instructions(); });
  events_.on_earlier_deadline([this] { vcpu_->request_stop(); });

  fw_cfg_->add_item_u16(dev::FwCfg::kCpuCount, 1);
  fw_cfg_->add_item_u16(dev::FwCfg::kMaxCpus, 1);
  fw_cfg_->add_item_u64(dev::FwCfg::kRamSize, config_.ram_bytes);
  fw_cfg_->add_item_u16(dev::FwCfg::kNoGraphic, 1);
  if (!config_.uuid.empty()) fw_cfg_->add_item(dev::FwCfg::kUuid, config_.uuid);
  if (!config_.kernel.empty() && !config_.starts_kernel()) {  // which moving the kernel does not change
    fw_cfg_->add_item_u32(dev::FwCfg::kKernelSize, static_cast<uint32_t>(config_.kernel.size()));
    fw_cfg_->add_item(dev::FwCfg::kKernelData, std::move(config_.kernel));
    fw_cfg_->add_item_u32(dev::FwCfg::kInitrdSize, static_cast<uint32_t>(config_.initrd.size()));
    fw_cfg_->add_item(dev::FwCfg::kInitrdData, std::move(config_.initrd));
    fw_cfg_->add_item_u32(dev::FwCfg::kCommandLineSize,
                          static_cast<uint32_t>(config_.command_line.size() + 1));
    fw_cfg_->add_item(dev::FwCfg::kCommandLineData, config_.command_line);
  }
  if (std::string error = load_kernel(); !error.empty()) return error;
  reset();
  return {};
}

std::string VirtMachine::load_kernel() {
  ArmBootLayout layout;
  const uint64_t end = kRamBase + config_.ram_bytes;
  uint64_t initrd = 0, initrd_end = 0;  // firmware gets it from fw_cfg, and says itself where it put it
  if (config_.starts_kernel()) {
    if (std::string error =
            place_arm_kernel(config_.kernel, kRamBase, config_.ram_bytes, config_.initrd.size(), layout);
        !error.empty())
      return error;
    initrd = config_.initrd.empty() ? 0 : layout.initrd;
    initrd_end = initrd + config_.initrd.size();
  } else {
    layout.dtb = kRamBase;  // firmware finds it at the start of RAM
    entry_ = kFlash;
  }
  dtb_ = config_.dtb.empty() ? make_virt_tree({config_, initrd, initrd_end}) : config_.dtb;
  if (!config_.dtb.empty()) {
    if (std::string error = patch_chosen(dtb_, config_.command_line, initrd, initrd_end); !error.empty())
      return error;
  }
  if (layout.dtb + dtb_.size() > end)
    return "memory is too small for kernel, initrd and device tree; use a larger -m";
  dtb_address_ = layout.dtb;
  if (config_.starts_kernel()) entry_ = layout.entry;
  return {};
}

void VirtMachine::reset() {
  for (auto& transport : transports_) transport->reset();
  uart_->reset();
  rtc_->reset();
  gpio_->reset();
  fw_cfg_->reset();
  for (auto& flash : flash_) flash->reset();
  if (gicv2_) gicv2_->reset();
  if (gicv3_) gicv3_->reset();
  timer_->reset();
  event_stream_->reset();
  cycles_->reset();
  pmu_irq_.set(false);
  ArmBootLayout layout;
  if (config_.starts_kernel()) {
    place_arm_kernel(config_.kernel, kRamBase, config_.ram_bytes, config_.initrd.size(), layout);
    memory_.write(layout.kernel, config_.kernel.data(), config_.kernel.size());
    if (!config_.initrd.empty()) memory_.write(layout.initrd, config_.initrd.data(), config_.initrd.size());
  }
  memory_.write(dtb_address_, dtb_.data(), dtb_.size());
  // Out of reset the processor is in the flash; a kernel that starts without firmware is called from nowhere.
  cpu_->reset_config.reset_address = kFlash;
  cpu_->reset();
  arm::ArmState& state = cpu_->arm();
  state.irq_pending = state.fiq_pending = 0;
  if (config_.starts_kernel()) state.x(0) = dtb_address_;
  cpu_->set_pc(entry_);
  vcpu_->tlb().invalidate_all();
  vcpu_->translation_changed();
}

AfterExit VirtMachine::run_slice() {
  constexpr uint64_t kSlice = 200'000;  // instructions; bounds how late host input is seen
  events_.run_due();
  if (cpu_->asleep() && !cpu_->wake_pending()) return AfterExit::kHalt;
  uint64_t budget = kSlice;
  const dev::TimeNs deadline = events_.next_deadline();
  if (clock_.deterministic()) {
    if (deadline != dev::kNever) budget = std::min(budget, clock_.instructions_until(deadline));
  } else if (deadline != dev::kNever) {
    // About one instruction a nanosecond: late by little when the guest is slower, early costs another slice.
    const dev::TimeNs left = std::max<dev::TimeNs>(deadline - clock_.now(), 2000);
    budget = std::min<uint64_t>(budget, static_cast<uint64_t>(left));
  }
  const AfterExit after = vcpu_->run(budget);
  if (after == AfterExit::kHalt) {
    events_.run_due();
    if (cpu_->wake_pending()) return AfterExit::kContinue;
  }
  return after;
}

void VirtMachine::resume() {
  clock_.resume();
  rtc_->clock_moved();
}

AfterExit VirtMachine::step() {
  events_.run_due();
  if (cpu_->asleep()) cpu_->wake();
  arm::ArmState& state = cpu_->arm();
  state.irq_pending = state.fiq_pending = 0;
  stepping_ = true;
  const AfterExit after = vcpu_->step();
  stepping_ = false;
  state.irq_pending = lines_->levels[0];
  state.fiq_pending = lines_->levels[1];
  if (after != AfterExit::kHalt) return after;
  cpu_->wake();
  return AfterExit::kContinue;
}

bool VirtMachine::skip_idle_time() {
  const dev::TimeNs deadline = events_.next_deadline();
  if (deadline == dev::kNever) return false;
  clock_.skip_to(deadline);
  return true;
}

void VirtMachine::press_power_key() { gpio_->pulse_input(kPowerKeyLine); }

}  // namespace mynah
