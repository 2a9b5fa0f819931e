// SPDX-License-Identifier: Apache-2.0
//
// The names are those of QEMU 7.2 to 10 and of older versions whose options people still have in scripts, for
// Arm and x86 guests. What has its own advice (options.cpp, options_devices.cpp) is asked first.
#include "app/known_elsewhere.h"

#include <string>

namespace mynah::app {
namespace {

constexpr std::string_view kOptions =
    " acpitable add-fd alt-grab async-teardown audio audio-help balloon bootp bt chroot clock compat"
    " ctrl-grab dump-vmstate enable-fips enable-hax enable-sync-profile fsdev"
    " full-screen g gtk hax-accel incoming iothread iscsi jitdump loadvm mips-abi mtdblock"
    " no-fd-bootchk no-frame no-kvm-irqchip no-kvm-pit no-kvm-pit-reinjection no-quit old-param"
    " one-insn-per-tb only-migratable option-rom perfmap plugin portrait preconfig prom-env qmp"
    " qmp-pretty qtest qtest-log readconfig redir rotate rtc-td-hack run-with runas sd sdl set"
    " singlestep smb soundhw spice tb-size tdf tftp tpmdev trace usbdevice virtfs"
    " virtfs_synth vnc win2k-hack writeconfig xen-attach xen-domid xen-domid-restrict ";
constexpr std::string_view kDevices =
    " AC97 ES1370 VGA acpi-erst adlib am53c974 amd-iommu apple-gfx-pci ati-vga bochs-display"
    " ccid-card-emulated ccid-card-passthru cirrus-vga cs4231a ctucan_pci cxl-downstream cxl-rp"
    " cxl-type3 cxl-upstream dc390 debugexit e1000-82544gc e1000-82545em edu generic-sdhci"
    " gpex-pcihost guest-loader gus hda-duplex hda-micro hda-output hpet hyperv-testdev i82550"
    " i82551 i82557a i82557b i82557c i82558a i82558b i82559a i82559b i82559c i82559er i82562 i82801"
    " i82801b11-bridge ib700 ich9-intel-hda ich9-usb-ehci ich9-usb-ehci1 ich9-usb-ehci2"
    " ich9-usb-uhci1 ich9-usb-uhci2 ich9-usb-uhci3 ich9-usb-uhci4 ich9-usb-uhci5 ich9-usb-uhci6"
    " ide-drive igb intel-hda intel-iommu ioh3420 isa-applesmc isa-cirrus-vga"
    " isa-fdc isa-ide isa-ipmi-bt isa-ipmi-kcs isa-parallel isa-vga ivshmem"
    " ivshmem-doorbell ivshmem-plain kvaser_pci kvm-pci-assign lsi53c810 lsi53c895a megasas"
    " megasas-gen2 microvm mioe3680_pci mptsas1068 ne2k_isa ne2k_pci nec-usb-xhci nvdimm nvme-ns"
    " nvme-subsys pc-dimm pc-testdev pci-bridge-seat pci-ohci pci-serial-2x pci-serial-4x pcm3680_pci"
    " pcnet piix3-ide piix3-usb-uhci piix4-ide piix4-usb-uhci pvpanic pvpanic-pci pvrdma pvscsi pxb"
    " pxb-cxl pxb-pcie qemu-xhci qxl qxl-vga ramfb rocker rtl8139 sb16 scsi-block scsi-generic"
    " sd-card sdhci-pci secondary-vga sev-guest sga smbus-eeprom spicevmc tpm-crb tpm-tis"
    " tpm-tis-device tulip u2f-passthru ufs ufs-lu usb-audio usb-bot usb-braille usb-ccid usb-ehci"
    " usb-host usb-hub usb-kbd usb-mouse usb-mtp usb-net usb-redir usb-serial usb-smartcard usb-storage"
    " usb-tablet usb-uas usb-wacom-tablet vfio-amd-xgbe vfio-calxeda-xgmac vfio-pci vfio-pci-nohotplug"
    " vfio-platform vhost-net vhost-scsi vhost-scsi-pci vhost-scsi-pci-non-transitional"
    " vhost-scsi-pci-transitional vhost-user-blk vhost-user-blk-pci vhost-user-blk-pci-non-transitional"
    " vhost-user-blk-pci-transitional vhost-user-fs-device vhost-user-fs-pci vhost-user-gpio-device"
    " vhost-user-gpio-pci vhost-user-gpu vhost-user-gpu-pci vhost-user-i2c-device vhost-user-i2c-pci"
    " vhost-user-input vhost-user-input-pci vhost-user-rng vhost-user-rng-pci vhost-user-scmi"
    " vhost-user-scsi vhost-user-scsi-pci vhost-user-scsi-pci-non-transitional"
    " vhost-user-scsi-pci-transitional vhost-user-snd vhost-user-vga vhost-user-vsock-device"
    " vhost-user-vsock-pci vhost-user-vsock-pci-non-transitional vhost-vsock vhost-vsock-device"
    " vhost-vsock-pci vhost-vsock-pci-non-transitional virtio-9p virtio-9p-device virtio-9p-pci"
    " virtio-9p-pci-non-transitional virtio-9p-pci-transitional virtio-crypto virtio-crypto-device"
    " virtio-crypto-pci virtio-gpu virtio-gpu-device virtio-gpu-gl-device virtio-gpu-gl-pci"
    " virtio-gpu-pci virtio-gpu-rutabaga virtio-input-device virtio-input-host-device"
    " virtio-input-host-pci virtio-iommu virtio-iommu-device virtio-iommu-pci virtio-keyboard"
    " virtio-keyboard-device virtio-keyboard-pci virtio-mem virtio-mem-device virtio-mem-pci"
    " virtio-mouse virtio-mouse-device virtio-mouse-pci virtio-multitouch-pci virtio-pmem"
    " virtio-pmem-pci "
    " virtio-snd virtio-sound-pci virtio-tablet virtio-tablet-device"
    " virtio-tablet-pci virtio-vga virtio-vga-gl virtio-vsock vmcoreinfo vmgenid vmmouse vmport"
    " vmware-svga vmxnet3 xen-platform xio3130-downstream ";
constexpr std::string_view kMachines =
    " akita ast2500-evb ast2600-evb b-l475e-iot01a bananapi-m2u borzoi canon-a1100 cheetah clipper"
    " collie connex cubieboard g3beige highbank imx25-pdk imx8mp-evk integratorcp isapc kzm"
    " lm3s6965evb lm3s811evb mac99 mainstone malta mcimx6ul-evk mcimx7d-sabre microbit microvm midway"
    " mps2-an385 mps2-an386 mps2-an500 mps2-an505 mps2-an511 mps2-an521 mps3-an524 mps3-an547 musca-a"
    " musca-b1 musicpal n800 n810 netduino2 netduinoplus2 none npcm750-evb nuri olimex-stm32-h405"
    " orangepi-pc palmetto-bmc pc powernv pseries raspi0 raspi1ap raspi2 raspi2b raspi3 raspi3ap"
    " raspi3b raspi4b realview-eb realview-eb-mpcore realview-pb-a8 realview-pbx-a9 romulus-bmc"
    " s390-ccw-virtio sabrelite sbsa-ref sifive_u smdkc210 spike spitz stm32vldiscovery sun4m sun4u"
    " sx1 sx1-v1 tacoma-bmc terrier tosa verdex versatileab versatilepb vexpress-a15 vexpress-a9"
    " witherspoon-bmc x-remote xenfv xenpv xilinx-zynq-a9 xlnx-versal-virt xlnx-zcu102 z2 ";
constexpr std::string_view kProcessors =
    " 486 Broadwell Cascadelake-Server Conroe Cooperlake Denverton Dhyana EPYC EPYC-Genoa EPYC-Milan"
    " EPYC-Rome GraniteRapids Haswell Icelake-Server IvyBridge KnightsMill Nehalem Opteron_G1"
    " Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 Penryn SandyBridge SapphireRapids SierraForest"
    " Skylake-Client Skylake-Server Snowridge Westmere a64fx arm1026 arm1136 arm1136-r2 arm1176"
    " arm11mpcore arm926 arm946 athlon base core2duo coreduo cortex-a15 cortex-a32 cortex-a34"
    " cortex-a510 cortex-a520 cortex-a65 cortex-a65ae cortex-a7 cortex-a710 cortex-a715 cortex-a720"
    " cortex-a725 cortex-a73 cortex-a75 cortex-a76ae cortex-a77 cortex-a78 cortex-a78c cortex-a8"
    " cortex-a9 cortex-m0 cortex-m3 cortex-m33 cortex-m4 cortex-m55 cortex-m7 cortex-r5 cortex-r52"
    " cortex-r5f cortex-x1 cortex-x2 cortex-x3 cortex-x4 cortex-x925 kvm32 kvm64 n270 neoverse-e1"
    " neoverse-n2 neoverse-n3 neoverse-v2 neoverse-v3 pentium pentium2 pentium3 phenom pxa250 pxa255"
    " pxa260 pxa261 pxa262 pxa270 qemu32 qemu64 sa1100 sa1110 ti925t ";
constexpr std::string_view kObjects =
    " authz-list authz-list-file authz-pam authz-simple can-bus can-host-socketcan colo-compare"
    " cryptodev-backend cryptodev-backend-builtin cryptodev-vhost-user dbus-vmstate filter-buffer"
    " filter-mirror filter-redirector filter-replay filter-rewriter input-barrier input-linux iommufd"
    " main-loop memory-backend-epc memory-backend-shm pef-guest pr-manager-helper qtest rng-egd secret"
    " secret_keyring sev-guest sev-snp-guest tdx-guest thread-context throttle-group tls-cipher-suites"
    " tls-creds-anon tls-creds-psk tls-creds-x509 x-remote-object x-vfio-user-server ";
constexpr std::string_view kChars =
    " braille console dbus hub memory msmouse parallel parport qemu-vdagent ringbuf spiceport spicevmc"
    " vc wctablet ";

// Words with a space before and after each.
std::string_view names(Known kind) {
  switch (kind) {
    case Known::kOption:
      return kOptions;
    case Known::kDevice:
      return kDevices;
    case Known::kMachine:
      return kMachines;
    case Known::kProcessor:
      return kProcessors;
    case Known::kObject:
      return kObjects;
    case Known::kChar:
      return kChars;
  }
  return {};
}

// "pc-q35-7.2", "virt-6.2": a machine as it was in a version.
bool versioned_machine(std::string_view name) {
  for (std::string_view prefix : {"virt-", "pc-i440fx-", "pc-q35-", "pseries-", "s390-ccw-virtio-"})
    if (name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] >= '0' &&
        name[prefix.size()] <= '9')
      return true;
  return false;
}

}  // namespace

bool known_elsewhere(Known kind, std::string_view name) {
  return (!name.empty() && name.find(' ') == std::string_view::npos &&
          names(kind).find(" " + std::string(name) + " ") != std::string_view::npos) ||
         (kind == Known::kMachine && versioned_machine(name));
}

}  // namespace mynah::app
