// What a kernel does for programs: kernel faults ROUNDS | pipe BLOCKS | switch TRIPS | signals COUNT.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char* what) {
  perror(what);
  exit(1);
}

// 4 MiB mapped, each page touched for the first time, unmapped.
static void faults(long rounds) {
  enum { kPage = 4096, kBytes = 4 << 20 };
  uint64_t sum = 0;
  for (long round = 0; round < rounds; round++) {
    uint8_t* memory = mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    // Large pages would make it one fault.
    madvise(memory, kBytes, MADV_NOHUGEPAGE);
    for (int i = 0; i < kBytes; i += kPage) {
      sum += memory[i];
      memory[i] = (uint8_t)(i / kPage + round);
    }
    for (int i = 0; i < kBytes; i += kPage) sum = sum * 31 + memory[i];
    munmap(memory, kBytes);
  }
  printf("%016llx\n", (unsigned long long)sum);
}

static void transfer(long blocks) {
  enum { kBlock = 4096 };
  int ends[2];
  uint8_t block[kBlock];
  if (pipe(ends)) fail("pipe");
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    close(ends[0]);
    for (long i = 0; i < blocks; i++) {
      memset(block, (int)i, kBlock);
      if (write(ends[1], block, kBlock) != kBlock) fail("write");
    }
    _exit(0);
  }
  close(ends[1]);
  uint64_t sum = 0, total = 0;
  ssize_t got;
  while ((got = read(ends[0], block, kBlock)) > 0) {
    total += (uint64_t)got;
    for (ssize_t i = 0; i < got; i += 64) sum += block[i];
  }
  waitpid(child, NULL, 0);
  printf("%llu %llu\n", (unsigned long long)total, (unsigned long long)sum);
}

static void ping_pong(long trips) {
  int there[2], back[2];
  if (pipe(there) || pipe(back)) fail("pipe");
  const pid_t child = fork();
  if (child < 0) fail("fork");
  uint8_t byte = 0;
  for (long i = 0; i < trips; i++) {
    if (child == 0) {
      if (read(there[0], &byte, 1) != 1) fail("read");
      byte++;
      if (write(back[1], &byte, 1) != 1) fail("write");
    } else {
      if (write(there[1], &byte, 1) != 1) fail("write");
      if (read(back[0], &byte, 1) != 1) fail("read");
    }
  }
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  printf("%ld %d\n", trips, byte);
}

static volatile sig_atomic_t handled;

static void handle(int number) {
  handled++;
}

static void signals(long count) {
  struct sigaction action = {.sa_handler = handle};
  if (sigaction(SIGUSR1, &action, NULL)) fail("sigaction");
  for (long i = 0; i < count; i++) raise(SIGUSR1);
  printf("%ld\n", (long)handled);
}

int main(int argc, char** argv) {
  const long amount = argc == 3 ? atol(argv[2]) : 0;
  if (amount > 0 && !strcmp(argv[1], "faults")) {
    faults(amount);
  } else if (amount > 0 && !strcmp(argv[1], "pipe")) {
    transfer(amount);
  } else if (amount > 0 && !strcmp(argv[1], "switch")) {
    ping_pong(amount);
  } else if (amount > 0 && !strcmp(argv[1], "signals")) {
    signals(amount);
  } else {
    fprintf(stderr, "usage: kernel faults ROUNDS | pipe BLOCKS | switch TRIPS | signals COUNT\n");
    return 1;
  }
  return 0;
}
