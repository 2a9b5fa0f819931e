// SPDX-License-Identifier: Apache-2.0
//
// guest.cpp under qemu-aarch64 as an oracle. The cases are in a file that both processes map; a byte through
// a pipe starts a batch, and a byte comes back.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

namespace {

class QemuOracle final : public Oracle {
 public:
  static std::unique_ptr<Oracle> make(const char* emulator, const char* program) {
    auto oracle = std::unique_ptr<QemuOracle>(new QemuOracle);
    if (!oracle->start(emulator, program)) return nullptr;
    return oracle;
  }
  ~QemuOracle() override {
    if (to_ >= 0) close(to_);  // end of file ends the guest
    if (from_ >= 0) close(from_);
    if (child_ > 0) waitpid(child_, nullptr, 0);
    if (shared_) munmap(shared_, sizeof(SharedCases));
  }

  std::string_view name() const override { return "qemu-aarch64"; }

  void run(std::span<Case> cases) override {
    shared_->count = static_cast<uint32_t>(std::min<size_t>(cases.size(), kBatch));
    std::memcpy(shared_->cases, cases.data(), shared_->count * sizeof(Case));
    char byte = 0;
    if (write(to_, &byte, 1) != 1 || read(from_, &byte, 1) != 1) {
      std::fprintf(stderr, "qemu-aarch64: the guest has ended\n");
      std::abort();
    }
    std::memcpy(cases.data(), shared_->cases, shared_->count * sizeof(Case));
  }

 private:
  QemuOracle() = default;

  bool start(const char* emulator, const char* program) {
    signal(SIGPIPE, SIG_IGN);
    char path[] = "/tmp/mynah_a64_oracle_XXXXXX";
    const int file = mkstemp(path);
    if (file < 0) return false;
    int there[2], back[2];
    if (ftruncate(file, sizeof(SharedCases)) != 0 || pipe(there) != 0 || pipe(back) != 0) return false;
    void* const mapped = mmap(nullptr, sizeof(SharedCases), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return false;
    shared_ = static_cast<SharedCases*>(mapped);
    child_ = fork();
    if (child_ < 0) return false;
    if (child_ == 0) {
      dup2(there[0], 0);
      dup2(back[1], 1);
      for (int fd : {there[0], there[1], back[0], back[1]}) close(fd);
      execlp(emulator, emulator, "-cpu", "max", program, path, static_cast<char*>(nullptr));
      _exit(127);
    }
    close(there[0]);
    close(back[1]);
    to_ = there[1];
    from_ = back[0];
    // An empty batch shows that the guest runs; then its file needs no name any more.
    shared_->count = 0;
    char byte = 0;
    const bool alive = write(to_, &byte, 1) == 1 && read(from_, &byte, 1) == 1;
    unlink(path);
    return alive;
  }

  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
  SharedCases* shared_ = nullptr;
};

}  // namespace

std::unique_ptr<Oracle> make_qemu_oracle() {
#ifdef MYNAH_A64_ORACLE_GUEST
  if (std::filesystem::exists(MYNAH_A64_ORACLE_GUEST)) {
    return QemuOracle::make(MYNAH_A64_ORACLE_QEMU, MYNAH_A64_ORACLE_GUEST);
  }
#endif
  return nullptr;
}

}  // namespace mynah::a64_oracle
