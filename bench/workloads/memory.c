// Memory: memory copy ROUNDS | memory chase STEPS | memory triad ROUNDS. Prints a checksum of what was moved or found.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next_random(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void* allocate(size_t bytes) {
  void* memory = malloc(bytes);
  if (!memory) {
    fprintf(stderr, "memory: no %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

// Copies of sizes from 64 bytes to 4 MiB, about the same number of bytes of each size.
static void copy(long rounds) {
  enum { kBytes = 4 << 20 };
  uint8_t *from = allocate(kBytes), *to = allocate(kBytes);
  for (int i = 0; i < kBytes; i++) from[i] = (uint8_t)(i * 7 + (i >> 8));
  memset(to, 0, kBytes);
  uint64_t sum = 0;
  for (long round = 0; round < rounds; round++) {
    const size_t size = (size_t)64 << (round % 17);
    const size_t times = (1u << 20) / size + 1;
    for (size_t i = 0; i < times; i++) {
      const size_t offset = size < kBytes ? i * 192 % (kBytes - size) : 0;
      memcpy(to + offset, from + (offset ^ 64) % (kBytes - size + 1), size);
      sum = sum * 31 + to[offset + size / 2];
    }
  }
  printf("%016llx\n", (unsigned long long)sum);
}

// One cycle through all the slots of 16 MiB in random order.
static void chase(long steps) {
  enum { kSlots = 2 << 20 };
  uint64_t* slots = allocate(kSlots * sizeof *slots);
  for (uint32_t i = 0; i < kSlots; i++) slots[i] = i;
  uint32_t state = 1;
  for (uint32_t i = kSlots - 1; i > 0; i--) {
    const uint32_t j = next_random(&state) % i;
    const uint64_t slot = slots[i];
    slots[i] = slots[j];
    slots[j] = slot;
  }
  uint64_t at = 0, sum = 0;
  for (long i = 0; i < steps; i++) {
    at = slots[at];
    sum += at ^ (uint64_t)i;
  }
  printf("%016llx\n", (unsigned long long)sum);
}

static void triad(long rounds) {
  enum { kCount = 1 << 20 };
  uint32_t *a = allocate(kCount * sizeof *a), *b = allocate(kCount * sizeof *b), *c = allocate(kCount * sizeof *c);
  for (uint32_t i = 0; i < kCount; i++) a[i] = 0, b[i] = i, c[i] = i * 3;
  for (long round = 0; round < rounds; round++) {
    for (int i = 0; i < kCount; i++) a[i] = b[i] + (uint32_t)round * c[i];
    uint32_t* old = b;
    b = a;
    a = old;
  }
  uint64_t sum = 0;
  for (int i = 0; i < kCount; i++) sum = sum * 31 + b[i];
  printf("%016llx\n", (unsigned long long)sum);
}

int main(int argc, char** argv) {
  const long amount = argc == 3 ? atol(argv[2]) : 0;
  if (amount > 0 && !strcmp(argv[1], "copy")) {
    copy(amount);
  } else if (amount > 0 && !strcmp(argv[1], "chase")) {
    chase(amount);
  } else if (amount > 0 && !strcmp(argv[1], "triad")) {
    triad(amount);
  } else {
    fprintf(stderr, "usage: memory copy ROUNDS | chase STEPS | triad ROUNDS\n");
    return 1;
  }
  return 0;
}
